# ruff: noqa: S608  (the statement is the user's own, and read only)
"""The catalogue's tables: look at them, ask them, correct them, and take a schema back."""

from __future__ import annotations

import csv
import functools
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TextIO

from trainer.actions.audit import open_audit
from trainer.actions.notify import notify_people
from trainer.actions.record import Recorder
from trainer.actions.wiring import records_of
from trainer.catalog import (
    MIGRATIONS,
    Catalog,
    CatalogRow,
    RowVersion,
    SchemaVersion,
    TableDefinition,
    TableSummary,
    Trust,
    find_field,
)
from trainer.core.cells import guarded_cell
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.errors import StoreError, UsageError, nearest
from trainer.core.project import Project
from trainer.core.values import Json

_SECONDS = 60.0
"""The longest a query may take."""
_READS_SERVER = re.compile(r"\b(?:postgres|mysql|sqlite)_\w+\s*\(", re.IGNORECASE)
"""Functions that run statements on a server, past the transaction that only reads."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a statement says."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Json, ...], ...]


@dataclass(frozen=True, slots=True)
class TableView:
    """A table with its rows and the trust in them now."""

    definition: TableDefinition
    rows: tuple[CatalogRow, ...]
    trust: Trust
    """Of the whole table."""
    row_trust: Mapping[str, Trust]
    """By a row's identity."""


def open_catalog(project: Project, *, clock: Clock = system_clock) -> Catalog:
    """The catalogue of a project: the built-in tables and its own, in the database of its records.

    Raises UsageError with all problems of `information/tables/*.yaml`.
    """
    opener = functools.partial(records_of(project).open, "catalog", MIGRATIONS)
    return Catalog.at(opener, folder=project.information / "tables", clock=clock)


def list_tables(project: Project) -> list[TableSummary]:
    """Every table with its rows and trust."""
    return open_catalog(project).summaries()


def show_table(
    project: Project, name: str, *, where: str | None = None, limit: int | None = 20, clock: Clock = system_clock
) -> TableView:
    """A table, the latest of its rows, and the trust in them; `where` is a condition in SQL."""
    catalog = open_catalog(project, clock=clock)
    definition = catalog.table(name)
    if where:
        matches = query(project, f'SELECT row_id FROM "{definition.table}" WHERE {where}', limit=limit)
        ids = [str(row[0]) for row in matches.rows]
        rows = catalog.rows(name, "row_id IN (SELECT unnest(?::VARCHAR[]))", [ids])
    else:
        rows = catalog.rows(name, limit=limit)
    trust, scores = catalog.trust(name)
    return TableView(definition, tuple(rows), trust, {row.id: scores[row.id] for row in rows if row.id in scores})


def show_row(project: Project, name: str, row_id: str) -> tuple[CatalogRow, Trust, list[RowVersion]]:
    """A row, the trust in it now with its parts, and its history."""
    catalog = open_catalog(project)
    row = catalog.row(name, row_id)
    return row, catalog.trust(name)[1][row.id], catalog.history(name, row.id)


def query(project: Project, statement: str, *, limit: int | None = None, seconds: float = _SECONDS) -> QueryResult:
    """What one SELECT says of all tables of the database, short names allowed: `SELECT * FROM finance_treasury`.

    Nothing can be written, and no file or address read. Raises UsageError for anything but one SELECT.
    """
    import duckdb

    catalog = open_catalog(project)
    statement = statement.strip().rstrip(";").strip()
    with catalog.open():
        pass  # the tables are there, whether or not anything was ever filed
    try:
        parsed = duckdb.extract_statements(statement)
    except duckdb.Error as error:
        raise UsageError(f"not SQL: {_first_line(error)}") from None
    if len(parsed) != 1 or parsed[0].type != duckdb.StatementType.SELECT or _READS_SERVER.search(statement):
        raise UsageError("only one SELECT can be asked", hint="change rows with trainer tables edit")
    opened: AbstractContextManager[Any] = catalog.opener()
    with opened as connection:
        timer = threading.Timer(seconds, connection.interrupt)
        try:
            timer.start()
            _confine(connection, catalog)
            cursor = connection.execute(statement)
            names = tuple(column[0] for column in cursor.description)
            rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        except duckdb.InterruptException:
            raise UsageError(f"the query took longer than {seconds:g} s", hint="ask for fewer rows") from None
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise UsageError(_first_line(error), hint=_hint(str(error), catalog)) from None
        except (duckdb.PermissionException, duckdb.InvalidInputException, duckdb.ParserException) as error:
            raise UsageError(_first_line(error)) from None
        except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            raise StoreError(f"the query fails on this data: {_first_line(error)}") from None
        finally:
            timer.cancel()
            connection.execute("ROLLBACK")
    return QueryResult(names, tuple(tuple(_plain(value) for value in row) for row in rows))


def export_csv(project: Project, name: str, out: TextIO, *, where: str | None = None) -> int:
    """Write a table as CSV, its fields and what identifies each row; the number of rows.

    A text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    view = show_table(project, name, where=where, limit=None)
    fields = [one.name for one in view.definition.fields]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row_id", *map(guarded_cell, fields), "row_source", "row_trust"])
    for row in view.rows:
        cells = [guarded_cell(row.values[field]) for field in fields]
        writer.writerow([row.id, *cells, guarded_cell(row.source), view.row_trust[row.id].score])
    return len(view.rows)


def edit_row(
    project: Project,
    name: str,
    row_id: str,
    changes: Mapping[str, Json],
    *,
    by: str,
    reason: str = "",
    clock: Clock = system_clock,
) -> CatalogRow:
    """The row with fields corrected; what it was stays in its history."""
    catalog = open_catalog(project, clock=clock)
    row = catalog.row(name, row_id)
    with Recorder(project, "tables.edit", context={"table": row.table, "row": row.id}, clock=clock):
        changed = catalog.edit(name, row.id, changes, actor=by, reason=reason)
    _note(project, "row.corrected", {"table": row.table, "row": row.id, "fields": sorted(changes)}, by, clock)
    if changed.trust < project.settings.governance.low_trust:
        item = {"table": changed.table, "row": changed.id, "trust": changed.trust, "source": changed.source}
        notify_people(project, "low_trust", [item], tell=lambda _: None)
    return changed


def delete_row(
    project: Project, name: str, row_id: str, *, by: str, reason: str = "", clock: Clock = system_clock
) -> CatalogRow:
    """The row that was taken out; its history stays."""
    catalog = open_catalog(project, clock=clock)
    row = catalog.row(name, row_id)
    with Recorder(project, "tables.delete", context={"table": row.table, "row": row.id}, clock=clock):
        catalog.delete(name, row.id, actor=by, reason=reason)
    _note(project, "row.deleted", {"table": row.table, "row": row.id, "reason": reason}, by, clock)
    return row


def schema_history(project: Project, name: str) -> list[SchemaVersion]:
    """The versions of a table's schema, the oldest first."""
    return open_catalog(project).schema_versions(name)


def revert_schema(
    project: Project, name: str, *, to: int | None, by: str, reason: str = "", clock: Clock = system_clock
) -> list[SchemaVersion]:
    """The versions of a schema after it was taken back to a former one, by default the one before the newest."""
    catalog = open_catalog(project, clock=clock)
    table = catalog.table(name).name
    with Recorder(project, "tables.revert", context={"table": table}, clock=clock):
        fresh = catalog.revert_schema(table, to=to, actor=by, reason=reason)
    _note(project, "schema.reverted", {"table": table, "to": to, "reason": reason}, by, clock)
    return fresh.schema_versions(table) if table in fresh.definitions else []


def parse_changes(definition: TableDefinition, words: Sequence[str]) -> dict[str, Json]:
    """The changes in words `FIELD=VALUE`; `FIELD=` empties the field. Raises UsageError for an unknown field."""
    changes: dict[str, Json] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            raise UsageError(f'"{word}" is no change', hint="write it like amount=1190.00")
        changes[find_field(definition, name).name] = value or None
    return changes


def _note(project: Project, event: str, details: Mapping[str, Json], by: str, clock: Clock) -> None:
    """Put a change by hand into the project's audit log."""
    log = open_audit(project, clock=clock)
    if log is not None:
        log.log.append(event, details, actor=by)


def _confine(connection: Any, catalog: Catalog) -> None:
    """A transaction that only reads, in which short names are views of the tables and nothing outside is reached."""
    for name, definition in catalog.definitions.items():
        if not name.startswith("catalog_"):
            connection.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS SELECT * FROM "{definition.table}"')
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    connection.execute("BEGIN TRANSACTION READ ONLY")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _hint(message: str, catalog: Catalog) -> str | None:
    missing = re.search(r"(?:Table with name|column) \"?(\w+)\"?", message)
    names = [*catalog.definitions, *(one.table for one in catalog.definitions.values())]
    close = nearest(missing[1], names) if missing else None
    return f'did you mean "{close}"?' if close else "see: trainer tables list"


def _plain(value: Any) -> Json:
    if isinstance(value, datetime):
        return isoformat(value) if value.tzinfo else f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date | Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def rows_as_json(view: TableView) -> Iterator[dict[str, Json]]:
    """The rows with what is kept of each and the trust in it."""
    for row in view.rows:
        yield row_as_json(row, view.row_trust[row.id])


def row_as_json(row: CatalogRow, trust: Trust) -> dict[str, Json]:
    """A row with what is kept of it and the trust in it."""
    return {
        "id": row.id,
        "version": row.version,
        "values": row.values,
        "source": row.source,
        "proposal": row.proposal,
        "confidence": row.confidence,
        "trust": {"score": trust.score, **trust.parts},
        "citations": row.citations,
        "recorded_at": _plain(row.recorded_at),
        "changed_at": _plain(row.changed_at),
    }
