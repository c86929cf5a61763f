"""`trainer store`: read and write the store."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_json, write_json_line, write_table, write_text
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.core.values import StoredData

_COLUMNS = ("key", "version", "source", "updated_at")
_HISTORY = ("version", "updated_at", "checked_at", "source", "deleted")
_catalogue_option = click.option(
    "--catalogue", metavar="URL", help="The PostgreSQL server with the lake's catalogue; by default the store's own."
)
_format_option = click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "markdown"]), default="table", help="How to print."
)


@click.group("store")
def command() -> None:
    """Read and write the store: documents by key, each a row of versions.

    Filters are words like source=file, marketCap>1e9, symbol~^AB (a regular expression), metadata.as_of!=null,
    FIELD (is there) or !FIELD (is not); a document must match all of them.
    """


@command.command()
@click.argument("key")
@click.argument("file", metavar="[FILE|-]", required=False)
@click.option("--source", metavar="S", default="manual", show_default=True, help="Where the data comes from.")
@click.option("--meta", metavar="NAME=VALUE", multiple=True, help="Metadata, such as as_of=2025-02-14.")
@click.option("--ttl", metavar="DURATION", help="How long it stays fresh: 30s, 6h, 7d.")
@click.option("--if-version", metavar="N", type=int, help="Store only if N is the current version; 0 for none.")
@click.option("--skip-unchanged", is_flag=True, help="Add no version where the data is the same.")
@click.option("--text", "as_text", is_flag=True, help="Store the content as one text, not as JSON.")
@json_option
@click.pass_obj
def put(session: Session, /, key: str, file: str | None, meta: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Store the JSON in FILE, or on stdin, as the newest version of KEY."""
    from trainer.actions import store

    if file is None and sys.stdin.isatty():
        raise UsageError("name the file to store, or - for stdin", hint=f"trainer store put {key} data.json")
    content, shown = _content(file or "-")
    stored = store.put(session.project(), store.Put(key, metadata=meta, **options), content, shown=shown)
    if as_json:
        write_json({"key": stored.key, "version": stored.version, "digest": stored.digest})
    else:
        write_text(f"{stored.key} version {stored.version}")


@command.command()
@click.argument("key")
@click.option("--version", metavar="N", type=int, help="That version instead of the current one.")
@click.option("--as-of", metavar="TIME", help="The version that was current then.")
@json_option
@click.pass_obj
def get(session: Session, key: str, version: int | None, as_of: str | None, as_json: bool) -> None:
    """Print the data of KEY; with --json also its source, times, metadata and freshness."""
    from trainer.actions import store

    found = store.get(session.project(), key, version=version, as_of=as_of)
    write_json(store.as_json(found) if as_json else found.data)


@command.command()
@click.argument("filters", nargs=-1)
@click.option("--limit", metavar="N", type=int, help="At most N documents.")
@click.option("--offset", metavar="N", type=int, default=0, help="Leave out the first N.")
@click.option("--sort", metavar="FIELD|-FIELD", multiple=True, help="Upwards, or downwards with -; repeatable.")
@click.option("--field", "fields", metavar="FIELD", multiple=True, help="A column to print; repeatable.")
@_format_option
@json_option
@click.pass_obj
def query(
    session: Session, /, filters: tuple[str, ...], fields: tuple[str, ...], form: str, as_json: bool, **options: Any
) -> None:
    """Print the documents that match all FILTERS.

    A filter is FIELD=VALUE, also with != > >= < <=, FIELD~REGEX or FIELD!~REGEX, FIELD where it is there, !FIELD where
    it is not, or JSON: '{"$or": [{"source": "api"}, {"price": {"$in": [1, 2]}}]}'. Dots reach into data: quote.price>5.

    \b
    trainer store query source=yahoo_finance 'marketCap>1e9' --sort -marketCap --field symbol --field marketCap
    """  # noqa: D301  (click's own mark for lines that are not to be filled)
    from trainer.actions import store

    found = store.query(session.project(), filters, **options)
    _write_documents(found, fields or _COLUMNS, "json" if as_json else form, whole=not fields)


@command.command()
@click.argument("key")
@_format_option
@json_option
@click.pass_obj
def history(session: Session, key: str, form: str, as_json: bool) -> None:
    """Print all versions of KEY, oldest first."""
    from trainer.actions import store

    versions = [store.as_json(version) for version in store.history(session.project(), key)]
    rows = [[version[name] for name in _HISTORY] for version in versions]
    _write(_HISTORY, rows, versions, "json" if as_json else form)


@command.command()
@click.argument("key")
@click.option("--erase", is_flag=True, help="Remove every version for good; counting restarts.")
@click.pass_obj
def delete(session: Session, key: str, erase: bool) -> None:
    """Delete KEY; its history stays unless it is erased."""
    from trainer.actions import store

    store.delete(session.project(), key, erase=erase)
    session.say(f"{key} is {'erased' if erase else 'deleted'}")


@command.command()
@click.argument("filters", nargs=-1)
@json_option
@click.pass_obj
def count(session: Session, filters: tuple[str, ...], as_json: bool) -> None:
    """Print how many documents match all FILTERS, written as for `trainer store query`."""
    from trainer.actions import store

    found = store.count(session.project(), filters)
    if as_json:
        write_json({"count": found})
    else:
        write_text(str(found))


@command.command()
@click.argument("field")
@click.argument("filters", nargs=-1)
@json_option
@click.pass_obj
def distinct(session: Session, field: str, filters: tuple[str, ...], as_json: bool) -> None:
    """Print the different values of FIELD in the documents that match all FILTERS, as for `trainer store query`."""
    from trainer.actions import store

    found = store.distinct(session.project(), field, filters)
    if as_json:
        write_json(found)
    else:
        write_text("".join(f"{'null' if value is None else _cell(value)}\n" for value in found))


@command.command()
@click.argument("pipeline", metavar="FILE|-|JSON")
@_format_option
@json_option
@click.pass_obj
def aggregate(session: Session, pipeline: str, form: str, as_json: bool) -> None:
    """Run the stages of a JSON list: $match $group $sort $limit $skip $project $unwind.

    \b
    trainer store aggregate '[{"$group": {"_id": "$source", "documents": {"$count": {}}}}]'
    """  # noqa: D301  (click's own mark for lines that are not to be filled)
    from trainer.actions import store

    content, shown = (pipeline, "PIPELINE") if pipeline.lstrip().startswith("[") else _content(pipeline)
    found = store.aggregate(session.project(), content, shown=shown)
    headings = list(dict.fromkeys(name for row in found for name in row))
    _write(headings, [[row.get(name) for name in headings] for row in found], found, "json" if as_json else form)


@command.command()
@click.option("--keep-versions", "versions", metavar="N", type=int, help="Remove all but the N newest versions.")
@click.option("--older-than", metavar="DURATION", help="Remove superseded versions stored longer ago.")
@click.option("--expired-for", metavar="DURATION", help="Remove documents whose time to live ran out that long ago.")
@click.option("--deleted-for", metavar="DURATION", help="Remove documents deleted that long ago.")
@json_option
@click.pass_obj
def prune(session: Session, /, as_json: bool, **options: Any) -> None:
    """Remove versions for good, by age and number; current versions stay unless expired or deleted."""
    from trainer.actions import store

    removed = store.prune(session.project(), store.Keep(**options))
    if as_json:
        write_json({"removed": removed})
    else:
        write_text(f"{removed} versions removed")


@command.command()
@click.argument("file", metavar="FILE|ducklake:FOLDER|-")
@_catalogue_option
@click.option("--compact", is_flag=True, help="Then make few large files of the lake's many small ones.")
@click.pass_obj
def export(session: Session, file: str, catalogue: str | None, compact: bool) -> None:
    """Write every version to FILE (.jsonl or .parquet), or as JSON Lines to stdout with -.

    With ducklake:FOLDER, add those versions that are not there yet to a lake of Parquet files.
    """
    from trainer.actions import store

    if file == "-" and not catalogue and not compact:
        for line in store.export_lines(session.project()):
            write_json_line(line)
    else:
        written = store.export(session.project(), file, catalogue=catalogue, compact=compact)
        session.say(f"{written} versions written to {file}")


@command.command("import")
@click.argument("file", metavar="FILE|ducklake:FOLDER|-")
@_catalogue_option
@click.option("--as-of", metavar="TIME", help="What the lake held then.")
@click.pass_obj
def import_(session: Session, file: str, catalogue: str | None, as_of: str | None) -> None:
    """Add the versions in FILE (.jsonl or .parquet), or in JSON Lines on stdin with -, with their numbers and times.

    With ducklake:FOLDER, add the versions of a lake.
    """
    from trainer.actions import store

    project = session.project()
    if file == "-" and not catalogue and not as_of:
        added = store.import_lines(project, sys.stdin)
    else:
        added = store.import_from(project, file, catalogue=catalogue, as_of=as_of)
    session.say(f"{added} versions added")


@command.command()
@json_option
@click.pass_obj
def stats(session: Session, as_json: bool) -> None:
    """Print how much the store holds."""
    from trainer.actions import store

    found = store.stats(session.project())
    if as_json:
        write_json(found)
        return
    names = ("backend", "documents", "versions", "expired", "deleted", "bytes", "oldest", "newest")
    write_table(("what", "value"), [(name, getattr(found, name)) for name in names])
    write_table(("source", "documents"), sorted(found.sources.items()))


@command.command()
@click.option(
    "--to", "target", metavar="URL", help="postgresql://…, mongodb://…, redis://…, sqlite:PATH or duckdb:PATH."
)
@click.pass_obj
def migrate(session: Session, target: str | None) -> None:
    """Copy every version and all records of executions to the store at URL; without --to, update this store's tables.

    What is there already stays; doing it again copies what came since.
    """
    from trainer.actions import store

    if target is None:
        session.say(f"the store is at migration {store.migrate(session.project())}")
        return
    versions, records = store.copy_to(session.project(), target)
    session.say(f"{versions} versions of documents and {records} rows of records copied")


def _content(file: str) -> tuple[str, str]:
    """The text of a file, or of stdin for `-`, and its name for errors."""
    from trainer.actions.store import read_content

    if file != "-":
        return read_content(file), file
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig"), "stdin"
    except UnicodeDecodeError:
        raise UsageError("stdin: not UTF-8 text", hint="save it as UTF-8") from None


def _write_documents(found: Sequence[StoredData], fields: Sequence[str], form: str, *, whole: bool) -> None:
    from trainer.actions.store import as_json, field_of

    rows = [[field_of(document, name) for name in fields] for document in found]
    plain = (
        [as_json(document) for document in found] if whole else [dict(zip(fields, row, strict=True)) for row in rows]
    )
    _write(fields, rows, plain, form)


def _write(headings: Sequence[str], rows: Sequence[Sequence[Any]], plain: object, form: str) -> None:
    if form == "json":
        write_json(plain)
    elif form == "table":
        write_table(headings, [[_cell(value) for value in row] for row in rows])
    elif form == "csv":
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerows([headings, *([_cell(value) for value in row] for row in rows)])
    else:
        cells = [headings, ["---"] * len(headings), *([_marked(value) for value in row] for row in rows)]
        write_text("".join(f"| {' | '.join(line)} |\n" for line in cells))


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _marked(value: Any) -> str:
    text = "" if value is None else str(_cell(value))
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
