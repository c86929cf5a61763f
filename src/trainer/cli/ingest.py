"""`trainer ingest`: file incoming documents."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_json, write_table
from trainer.core.errors import PartialError, TrainerError


@click.command("ingest")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would be stored; store nothing.")
@json_option
@click.pass_obj
def command(session: Session, paths: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Store what the files at PATH hold: text, Markdown, JSON, JSONL, YAML, CSV, TSV; folders with all their files.

    Each file is a document with the key ingest:PATH; a changed file makes a new version, an unchanged one does not.
    """
    from trainer.actions.ingest import ingest_files

    outcomes = ingest_files(session.project(), paths, dry_run=dry_run)
    if as_json:
        write_json([outcome.as_json() for outcome in outcomes])
    else:
        rows = [(each.path, each.status, each.key or None, each.version) for each in outcomes]
        write_table(("file", "status", "key", "version"), rows)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    for outcome in failed:
        session.say(str(outcome.error))
    if failed and len(failed) == len(outcomes):
        raise TrainerError(f"none of {len(failed)} files could be read")
    if failed:
        raise PartialError(f"{len(failed)} of {len(outcomes)} files failed", hint="the rest is stored")
