"""`trainer tables`: the catalogue's tables."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.completion import tables
from trainer.cli.session import Session
from trainer.cli.show import write_csv, write_json, write_piece, write_table, write_text
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.catalog import CatalogRow, RowVersion, SchemaVersion, TableDefinition, Trust

app = application()

TableArgument = Annotated[str, typer.Argument(metavar="TABLE", autocompletion=tables)]
WhereOption = Annotated[
    str | None,
    typer.Option("--where", metavar="SQL", help="Only rows that meet it: \"amount > 100 AND status = 'open'\"."),
]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who does it; by default the user of this machine.")
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the history.", show_default=False)
]


@app.callback()
def tables_group() -> None:
    """Look at the catalogue's tables, which ingested files fill; correct their rows, and take their schemas back.

    A table goes by its short name, such as documents, or as the database calls it, memory_documents.
    """


@app.command("list", cls=Command)
def list_command(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """List every table with its rows, the trust in them, and the version of its schema."""
    from trainer.actions.tables import list_tables

    session: Session = context.obj
    summaries = list_tables(session.project())
    if as_json:
        write_json(summaries)
    else:
        rows = [(one.name, one.title, one.rows, one.trust if one.rows else None, one.version) for one in summaries]
        write_table(("table", "title", "rows", "trust", "schema"), rows)


@app.command(cls=Command)
def show(
    context: typer.Context,
    *,
    table: TableArgument,
    row: Annotated[str | None, typer.Argument(metavar="ROW", show_default=False)] = None,
    where: WhereOption = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most N rows.")] = 20,
    schema: Annotated[bool, typer.Option("--schema", help="Its fields and what they take, instead of rows.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the latest rows of TABLE with the trust in each; one ROW with its sources, trust and history."""
    from trainer.actions import tables as action

    session: Session = context.obj
    project = session.project()
    if row is not None:
        stored, trust, history = action.show_row(project, table, row)
        if as_json:
            write_json({**action.row_as_json(stored, trust), "history": history})
        else:
            write_text("\n".join(_row_lines(stored, trust, history)))
        return
    if schema:
        definition = action.open_catalog(project).table(table)
        if as_json:
            write_json(definition)
        else:
            _write_schema(definition)
        return
    view = action.show_table(project, table, where=where, limit=limit)
    if as_json:
        write_json({"table": view.definition.name, "trust": view.trust, "rows": list(action.rows_as_json(view))})
        return
    filled = [
        one.name for one in view.definition.fields if any(shown.values[one.name] is not None for shown in view.rows)
    ][:8]
    cells = [
        (shown.id[:8], *(shown.values[name] for name in filled), view.row_trust[shown.id].score) for shown in view.rows
    ]
    write_table(("row", *filled, "trust"), cells)


@app.command(cls=Command)
def query(
    context: typer.Context,
    *,
    sql: Annotated[str, typer.Argument(metavar="SQL|-", show_default=False)],
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=0, help="At most N rows.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask all tables of the database with one SELECT; nothing can be written, nor any file be read.

    Tables go by their short names: "SELECT counterparty, sum(amount) FROM finance_treasury GROUP BY ALL".
    """
    from trainer.actions import tables as action

    session: Session = context.obj
    result = action.query(session.project(), sys.stdin.read() if sql == "-" else sql, limit=limit)
    if as_json:
        write_json([dict(zip(result.columns, row, strict=True)) for row in result.rows])
    elif as_csv:
        write_csv(result.columns, result.rows)
    else:
        write_table(result.columns, result.rows)


@app.command(cls=Command)
def export(
    context: typer.Context,
    *,
    table: TableArgument,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE|-", help="Where to write it.")] = "-",
    where: WhereOption = None,
) -> None:
    """Write the rows of TABLE as CSV; what a spreadsheet would run as a formula is made text."""
    from trainer.actions.tables import export_csv
    from trainer.core.files import write_atomic

    session: Session = context.obj
    project = session.project()
    out = io.StringIO()
    count = export_csv(project, table, out, where=where)
    if output == "-":
        write_piece(out.getvalue())
        return
    write_atomic(Path(output), out.getvalue())
    session.say(f"{count} rows written to {output}")


@app.command(cls=Command)
def edit(
    context: typer.Context,
    *,
    table: TableArgument,
    row: Annotated[str, typer.Argument(metavar="ROW")],
    changes: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE", default_factory=list, show_default=False)],
    delete: Annotated[bool, typer.Option("--delete", help="Take the row out; its history stays.")] = False,
    by: ByOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Correct fields of a row of TABLE, each checked against the schema; `FIELD=` empties one.

    What the row was stays in its history, and its source is trusted a little less.
    """
    from trainer.actions import tables as action

    session: Session = context.obj
    project = session.project()
    who = by or user_name()
    if delete:
        if changes:
            raise UsageError("a row is either changed or taken out", hint="leave out --delete or the changes")
        changed = action.delete_row(project, table, row, by=who, reason=reason)
    elif not changes:
        raise UsageError("say what to change", hint=f"trainer tables edit {table} {row} FIELD=VALUE, or --delete")
    else:
        definition = action.open_catalog(project).table(table)
        parsed = action.parse_changes(definition, changes)
        changed = action.edit_row(project, table, row, parsed, by=who, reason=reason)
    if as_json:
        write_json({"table": changed.table, "row": changed.id, "version": changed.version, "deleted": delete})
    else:
        state = "deleted" if delete else f"version {changed.version}, trust {changed.trust:.2f}"
        write_text(f"{changed.table} {changed.id}: {state}")


@app.command(cls=Command)
def history(context: typer.Context, *, table: TableArgument, as_json: JsonOption = False) -> None:
    """List the versions of TABLE's schema: who changed it, when and why."""
    from trainer.actions.tables import schema_history

    session: Session = context.obj
    versions = schema_history(session.project(), table)
    _write_versions(versions, as_json=as_json)


@app.command(cls=Command)
def revert(
    context: typer.Context,
    *,
    table: TableArgument,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", min=1, help="That version, not the last but one.")
    ] = None,
    by: ByOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take TABLE's schema back to a former version; what newer fields hold stays in the database."""
    from trainer.actions.tables import revert_schema

    session: Session = context.obj
    versions = revert_schema(session.project(), table, to=to, by=by or user_name(), reason=reason)
    _write_versions(versions, as_json=as_json)


@app.command(cls=Command)
def hook(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="SUBSYSTEM.METHOD", show_default=False)] = "",
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE", default_factory=list, show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Report what a subsystem did; without a name, list what can be reported.

    Such as `sub_agents.heartbeat agent_id=shard-01`. A VALUE that is JSON is read as such:
    actions='["systemctl restart api"]'.
    """
    from trainer.actions.subsystems import call_hook, list_hooks

    session: Session = context.obj
    if not name:
        hooks = list_hooks()
        if as_json:
            write_json(hooks)
        else:
            write_table(("hook", "values"), [(one, " ".join(names)) for one, names in hooks.items()], wraps=True)
        return
    result = call_hook(session.project(), name, values)
    if as_json:
        write_json(result)
    else:
        write_text("\n".join(f"{key}: {value}" for key, value in _flat(result)))


def user_name() -> str:
    """Who sits at this machine."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for its user
        return "unknown"


def _flat(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((str(number), item) for number, item in enumerate(value, 1))
    elif isinstance(value, dict):
        yield from ((key, item) for key, item in value.items() if item is not None)


def _write_schema(definition: TableDefinition) -> None:
    rows = [
        (
            one.name + ("*" if one.name in definition.key else ""),
            one.type,
            "yes" if one.required else "",
            one.unit or "",
            " | ".join(one.values) or one.description or ", ".join(one.labels[:4]),
        )
        for one in definition.fields
    ]
    write_table(("field", "type", "required", "unit", "takes"), rows, wraps=True)


def _write_versions(versions: list[SchemaVersion], *, as_json: bool) -> None:
    if as_json:
        write_json(versions)
    else:
        rows = [(one.version, one.at, one.actor, len(one.columns), one.reason) for one in versions]
        write_table(("version", "at", "by", "fields", "reason"), rows, wraps=True)


def _row_lines(row: CatalogRow, trust: Trust, history: list[RowVersion]) -> Iterator[str]:
    yield f"{row.table} {row.id} (version {row.version})"
    for name, value in row.values.items():
        if value is not None:
            cited = row.citations.get(name)
            place = f"   [{cited['source']}:{cited['start']}]" if cited else ""
            yield f"  {name} = {value}{place}"
    parts = ", ".join(f"{name} {part:.2f}" for name, part in trust.parts.items())
    yield f"trust {trust.score:.2f}: {parts}"
    yield f"from {row.source or '-'}, proposal {row.proposal or '-'}"
    for version in history:
        why = f": {version.reason}" if version.reason else ""
        yield f"  {version.version}. {version.action} by {version.actor} at {version.at:%Y-%m-%d %H:%M}{why}"
