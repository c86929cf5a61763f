"""`trainer ingest`: file incoming documents."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, Concurrency, JsonOption, application
from trainer.cli.progress import ProgressBar
from trainer.cli.session import Session, graceful
from trainer.cli.show import write_json, write_json_line, write_table
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.actions.ingest import IngestOptions, IngestOutcome

app = application()


@app.command(cls=Command)
def ingest(
    context: typer.Context,
    *,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", default_factory=list, show_default=False)],
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and file what comes; --json prints a line for each file.")
    ] = False,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="The catalogue table that rows go to.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be filed; store nothing.")] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Read quarantined rows again, as they stand in .trainer/ingest/quarantine.")
    ] = False,
    concurrency: Concurrency = None,
    as_json: JsonOption = False,
) -> None:
    """File what PATH holds, documents and tables of any kind; without PATH, the folders of config.yaml.

    Type, words and typed tables are extracted and stored; rows go to a table of the catalogue where it is sure, and
    wait for approval where not. A content is filed once. Rows that do not fit their table are quarantined with the
    reason.
    """
    from trainer.actions.ingest import IngestOptions

    session: Session = context.obj
    modes = {"--watch": watch, "--dry-run": dry_run, "--replay": replay}
    if sum(modes.values()) > 1:
        raise UsageError(f"{' and '.join(name for name, wanted in modes.items() if wanted)} exclude each other")
    options = IngestOptions(table=table, dry_run=dry_run, workers=concurrency)
    if replay:
        _replay(session, as_json=as_json)
    elif watch:
        _watch(session, paths, options, as_json=as_json)
    else:
        _ingest(session, paths, options, as_json=as_json)


def _ingest(session: Session, paths: list[Path], options: IngestOptions, *, as_json: bool) -> None:
    from trainer.actions.ingest import ingest_files
    from trainer.actions.outcome import require_done

    with ProgressBar(session, "filing") as bar:
        outcomes = ingest_files(session.project(), paths, options, on_total=bar.expect, on_outcome=lambda _: bar.step())
    outcomes.sort(key=lambda outcome: outcome.extract.file)
    if as_json:
        write_json([outcome.as_json() for outcome in outcomes])
    else:
        write_table(("file", "type", "rows", "quarantined", "table", "sure", "state"), map(_row, outcomes))
        for outcome in outcomes:
            if outcome.reason:
                session.detail(f"{outcome.extract.file}: {outcome.reason}")
    failed = {outcome.extract.file: outcome.error for outcome in outcomes if outcome.error is not None}
    require_done(failed, len(outcomes), "files", rest="the rest is stored")


def _row(outcome: IngestOutcome) -> tuple[object, ...]:
    entry = outcome.as_json()
    tables = entry["tables"]
    rows = sum(table["rows"] for table in tables) if tables else None
    quarantined = sum(table["quarantined"] for table in tables) if tables else None
    return (entry["file"], entry["media_type"], rows, quarantined, entry["table"], entry["confidence"], entry["state"])


def _watch(session: Session, paths: list[Path], options: IngestOptions, *, as_json: bool) -> None:
    from trainer.actions.ingest import watch_files

    def tell(outcome: IngestOutcome) -> None:
        if as_json:
            write_json_line(outcome.as_json())
        else:
            entry = outcome.as_json()
            end = f": {outcome.error or outcome.reason}" if outcome.error or outcome.reason else ""
            session.say(f"{entry['file']}: {entry['state']}{end}")

    stop = threading.Event()
    project = session.project()
    with graceful(stop):
        filed = watch_files(
            project, paths, options, stop=stop, on_outcome=tell,
            on_ready=lambda folders: session.say(f"watching {', '.join(map(str, folders))}"),
        )  # fmt: skip
    session.say(f"{filed} files filed")


def _replay(session: Session, *, as_json: bool) -> None:
    from trainer.actions.ingest_replay import replay_quarantine

    outcomes = replay_quarantine(session.project())
    if as_json:
        write_json(outcomes)
    else:
        rows = [
            (one.file, one.table, one.replayed, one.waiting, one.catalogue_table, one.state or None) for one in outcomes
        ]
        write_table(("file", "table", "replayed", "still quarantined", "for", "state"), rows)
