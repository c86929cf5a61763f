"""`trainer store`: read and write the store."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.completion import keys
from trainer.cli.session import Session
from trainer.cli.show import write_csv, write_json, write_json_line, write_table, write_text
from trainer.core.errors import UsageError
from trainer.core.secrets import mask_known

if TYPE_CHECKING:
    from trainer.core.values import StoredData

_HISTORY = ("version", "updated_at", "checked_at", "source", "deleted")
_COLUMNS = ("key", "version", "source", "updated_at")
app = application()

Key = Annotated[str, typer.Argument(metavar="KEY", autocompletion=keys)]
Filters = Annotated[list[str], typer.Argument(metavar="FILTERS", default_factory=list, show_default=False)]
Form = Annotated[Literal["table", "json", "csv", "markdown"], typer.Option("--format", help="How to print.")]
Catalogue = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The PostgreSQL server with the lake's catalogue; by default the store's own."),
]


@app.callback()
def store() -> None:
    """Read and write the store: documents by key, each a row of versions.

    Filters are words like source=file, marketCap>1e9, symbol~^AB (a regular expression), metadata.as_of!=null,
    FIELD (is there) or !FIELD (is not); a document must match all of them.
    """


@app.command(cls=Command)
def put(
    context: typer.Context,
    *,
    key: Key,
    file: Annotated[str, typer.Argument(metavar="FILE|-", show_default=False)] = "-",
    source: Annotated[str, typer.Option(metavar="S", help="Where the data comes from.")] = "manual",
    meta: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=VALUE", help="Metadata, such as as_of=2025-02-14.", default_factory=list, show_default=False
        ),
    ],
    ttl: Annotated[str | None, typer.Option(metavar="DURATION", help="How long it stays fresh: 30s, 6h, 7d.")] = None,
    if_version: Annotated[
        int | None, typer.Option(metavar="N", help="Store only if N is the current version; 0 for none.")
    ] = None,
    skip_unchanged: Annotated[
        bool, typer.Option("--skip-unchanged", help="Add no version where the data is the same.")
    ] = False,
    as_text: Annotated[bool, typer.Option("--text", help="Store the content as one text, not as JSON.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Store the JSON in FILE, or on stdin, as the newest version of KEY."""
    from trainer.actions import store as action

    session: Session = context.obj
    if file == "-" and sys.stdin.isatty():
        raise UsageError("name the file to store, or pipe it in", hint=f"trainer store put {key} data.json")
    document = action.Put(
        key,
        source=source,
        metadata=meta,
        ttl=ttl,
        if_version=if_version,
        skip_unchanged=skip_unchanged,
        as_text=as_text,
    )
    head = action.put(session.project(), document, lambda: _content(file))
    if as_json:
        write_json({"key": key, "version": head.version, "digest": head.digest})
    else:
        write_text(f"{key} version {head.version}")


@app.command(cls=Command)
def get(
    context: typer.Context,
    *,
    key: Key,
    version: Annotated[int | None, typer.Option(metavar="N", help="That version instead of the current one.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help="The version that was current then.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the data of KEY; with --json also its source, times, metadata and freshness."""
    from trainer.actions import store as action

    session: Session = context.obj
    document = action.get(session.project(), key, version=version, as_of=as_of)
    write_json(action.as_json(document) if as_json else document.data)


@app.command(cls=Command)
def query(
    context: typer.Context,
    *,
    filters: Filters,
    limit: Annotated[int | None, typer.Option(metavar="N", help="At most N documents.")] = None,
    offset: Annotated[int, typer.Option(metavar="N", help="Leave out the first N.", show_default=False)] = 0,
    sort: Annotated[
        list[str],
        typer.Option(
            metavar="FIELD|-FIELD",
            help="Upwards, or downwards with -; repeatable.",
            default_factory=list,
            show_default=False,
        ),
    ],
    fields: Annotated[
        list[str],
        typer.Option(
            "--field", metavar="FIELD", help="A column to print; repeatable.", default_factory=list, show_default=False
        ),
    ],
    form: Form = "table",
    as_json: JsonOption = False,
) -> None:
    """Print the documents that match all FILTERS.

    A filter is FIELD=VALUE, also with != > >= < <=, FIELD~REGEX or FIELD!~REGEX, FIELD where it is there, !FIELD where
    it is not, or JSON: '{"$or": [{"source": "api"}, {"price": {"$in": [1, 2]}}]}'. Dots reach into data: quote.price>5.

    \b
    trainer store query source=yahoo_finance 'marketCap>1e9' --sort -marketCap --field symbol --field marketCap
    """  # noqa: D301  (typer's own mark for lines that are not to be filled)
    from trainer.actions import store as action

    session: Session = context.obj
    documents = action.query(session.project(), filters, limit=limit, offset=offset, sort=sort)
    _write_documents(documents, fields or _COLUMNS, "json" if as_json else form, whole=not fields)


@app.command(cls=Command)
def history(context: typer.Context, *, key: Key, form: Form = "table", as_json: JsonOption = False) -> None:
    """Print all versions of KEY, oldest first."""
    from trainer.actions import store as action

    session: Session = context.obj
    versions = [action.as_json(version) for version in action.history(session.project(), key)]
    rows = [[version[name] for name in _HISTORY] for version in versions]
    _write(_HISTORY, rows, versions, "json" if as_json else form)


@app.command(cls=Command)
def delete(
    context: typer.Context,
    *,
    key: Key,
    erase: Annotated[bool, typer.Option("--erase", help="Remove every version for good; counting restarts.")] = False,
) -> None:
    """Delete KEY; its history stays unless it is erased."""
    from trainer.actions import store as action

    session: Session = context.obj
    action.delete(session.project(), key, erase=erase)
    session.say(f"{key} is {'erased' if erase else 'deleted'}")


@app.command(cls=Command)
def count(context: typer.Context, *, filters: Filters, as_json: JsonOption = False) -> None:
    """Print how many documents match all FILTERS, written as for `trainer store query`."""
    from trainer.actions import store as action

    session: Session = context.obj
    number = action.count(session.project(), filters)
    if as_json:
        write_json({"count": number})
    else:
        write_text(str(number))


@app.command(cls=Command)
def distinct(
    context: typer.Context,
    *,
    field: Annotated[str, typer.Argument(metavar="FIELD")],
    filters: Filters,
    as_json: JsonOption = False,
) -> None:
    """Print the different values of FIELD in the documents that match all FILTERS, as for `trainer store query`."""
    from trainer.actions import store as action

    session: Session = context.obj
    values = action.distinct(session.project(), field, filters)
    if as_json:
        write_json(values)
    else:
        write_text("".join(f"{'null' if value is None else _cell(value)}\n" for value in values))


@app.command(cls=Command)
def aggregate(
    context: typer.Context,
    *,
    pipeline: Annotated[str, typer.Argument(metavar="FILE|-|JSON")],
    form: Form = "table",
    as_json: JsonOption = False,
) -> None:
    """Run the stages of a JSON list: $match $group $sort $limit $skip $project $unwind $count.

    \b
    trainer store aggregate '[{"$group": {"_id": "$source", "documents": {"$count": {}}}}]'
    """  # noqa: D301  (typer's own mark for lines that are not to be filled)
    from trainer.actions import store as action

    session: Session = context.obj
    content, shown = (pipeline, "PIPELINE") if pipeline.lstrip().startswith("[") else _content(pipeline)
    rows = action.aggregate(session.project(), content, shown=shown)
    headings = list(dict.fromkeys(name for row in rows for name in row))
    _write(headings, [[row.get(name) for name in headings] for row in rows], rows, "json" if as_json else form)


@app.command(cls=Command)
def prune(
    context: typer.Context,
    *,
    versions: Annotated[
        int | None, typer.Option("--keep-versions", metavar="N", help="Remove all but the N newest versions.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Remove superseded versions stored longer ago.")
    ] = None,
    expired_for: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Remove documents whose time to live ran out that long ago."),
    ] = None,
    deleted_for: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Remove documents deleted that long ago.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Remove versions for good, by age and number; current versions stay unless expired or deleted."""
    from trainer.actions import store as action

    session: Session = context.obj
    removed = action.prune(session.project(), action.Keep(versions, older_than, expired_for, deleted_for))
    if as_json:
        write_json({"removed": removed})
    else:
        write_text(f"{removed} versions removed")


@app.command(cls=Command)
def export(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE|ducklake:FOLDER|-")],
    catalogue: Catalogue = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="Then make few large files of the lake's many small ones.")
    ] = False,
) -> None:
    """Write every version to FILE (.jsonl or .parquet), or as JSON Lines to stdout with -.

    With ducklake:FOLDER, add those versions that are not there yet to a lake of Parquet files.
    """
    from trainer.actions import store as action

    session: Session = context.obj
    if file == "-" and not catalogue and not compact:
        for line in action.export_lines(session.project()):
            write_json_line(line)
    else:
        written = action.export(session.project(), file, catalogue=catalogue, compact=compact)
        session.say(f"{written} versions written to {file}")


@app.command("import", cls=Command)
def import_(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE|ducklake:FOLDER|-")],
    catalogue: Catalogue = None,
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help="What the lake held then.")] = None,
) -> None:
    """Add the versions in FILE (.jsonl or .parquet), or in JSON Lines on stdin with -, with their numbers and times.

    With ducklake:FOLDER, add the versions of a lake.
    """
    from trainer.actions import store as action

    session: Session = context.obj
    project = session.project()
    if file == "-" and not catalogue and not as_of:
        added = action.import_lines(project, sys.stdin)
    else:
        added = action.import_from(project, file, catalogue=catalogue, as_of=as_of)
    session.say(f"{added} versions added")


@app.command(cls=Command)
def stats(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Print how much the store holds."""
    from trainer.actions import store as action

    session: Session = context.obj
    figures = action.stats(session.project())
    if as_json:
        write_json(figures)
        return
    names = ("backend", "documents", "versions", "expired", "deleted", "bytes", "oldest", "newest")
    write_table(("what", "value"), [(name, getattr(figures, name)) for name in names])
    write_table(("source", "documents"), sorted(figures.sources.items()))


@app.command(cls=Command)
def migrate(
    context: typer.Context,
    *,
    target: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="postgresql://…, mongodb://…, redis://…, sqlite:PATH or duckdb:PATH."),
    ] = None,
) -> None:
    """Copy every version and all records of executions to the store at URL; without --to, update this store's tables.

    What is there already stays; doing it again copies what came since.
    """
    from trainer.actions import store as action

    session: Session = context.obj
    if target is None:
        session.say(f"the store is at migration {action.migrate(session.project())}")
        return
    versions, records = action.copy_to(session.project(), target)
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


def _write_documents(documents: Sequence[StoredData], fields: Sequence[str], form: str, *, whole: bool) -> None:
    from trainer.actions.store import as_json, field_of

    rows = [[field_of(document, name) for name in fields] for document in documents]
    plain = (
        [as_json(document) for document in documents]
        if whole
        else [dict(zip(fields, row, strict=True)) for row in rows]
    )
    _write(fields, rows, plain, form)


def _write(headings: Sequence[str], rows: Sequence[Sequence[Any]], plain: object, form: str) -> None:
    if form == "json":
        write_json(plain)
    elif form == "table":
        write_table(headings, [[_cell(value) for value in row] for row in rows])
    elif form == "csv":
        write_csv(headings, [[_cell(value) for value in row] for row in rows])
    else:
        cells = [headings, ["---"] * len(headings), *([_marked(value) for value in row] for row in rows)]
        write_text(mask_known("".join(f"| {' | '.join(line)} |\n" for line in cells)))


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _marked(value: Any) -> str:
    text = "" if value is None else str(_cell(value))
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
