"""`trainer ingest`: file incoming documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, Json, application
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_table
from trainer.core.digest import pick

if TYPE_CHECKING:
    from trainer.sources import Choice

app = application()


@app.command(cls=Command)
def ingest(
    context: typer.Context,
    *,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be stored; store nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Store what the files at PATH hold, documents and tables of any format that is read; folders with all their files.

    Each file is a document with the key ingest:PATH; a changed file makes a new version, an unchanged one does not.
    """
    from trainer.actions.ingest import ingest_files
    from trainer.actions.outcome import require_done

    session: Session = context.obj
    plan: list[Choice] = []
    outcomes = ingest_files(session.project(), tuple(paths), dry_run=dry_run, on_plan=plan.append)
    for choice in plan:
        session.detail(f"batch {choice.value}: {choice.reason}")
    if as_json:
        write_json([{**pick(outcome), "plan": {"batch": plan[0]}} for outcome in outcomes])
    else:
        rows = [(outcome.path, outcome.status, outcome.key or None, outcome.version) for outcome in outcomes]
        write_table(("file", "status", "key", "version"), rows)
    failed = {outcome.path: outcome.error for outcome in outcomes if outcome.error is not None}
    require_done(failed, len(outcomes), "files", rest="the rest is stored")
