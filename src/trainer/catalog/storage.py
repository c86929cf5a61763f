# ruff: noqa: S608  (names come from checked definitions; every value is a parameter)
"""The catalogue's tables in a database that speaks DuckDB's SQL: the file, or a PostgreSQL server behind it.

No keys and no indexes, and no upserts: a row that changes is taken out and put in again within one transaction, and
every version of it stays in `catalog_row_history`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from trainer.catalog.definition import SYSTEM_COLUMNS, TableDefinition, TableField
from trainer.core.clock import isoformat
from trainer.core.digest import digest
from trainer.core.sqltext import sql_name
from trainer.core.values import Json

if TYPE_CHECKING:
    import duckdb

DatabaseOpener: TypeAlias = "Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]"
"""Opens the database for one short operation, with MIGRATIONS applied."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE catalog_schemas (
        name VARCHAR, version INTEGER, happened_at TIMESTAMP, actor VARCHAR, reason VARCHAR, proposal VARCHAR,
        digest VARCHAR, columns JSON, overlay VARCHAR, evidence JSON
    );
    CREATE TABLE catalog_proposals (
        id VARCHAR, kind VARCHAR, table_name VARCHAR, state VARCHAR, confidence DOUBLE, reason VARCHAR, source VARCHAR,
        digest VARCHAR, part VARCHAR, payload JSON, problems JSON, proposed_by VARCHAR, created_at TIMESTAMP,
        expires_at TIMESTAMP, decided_by VARCHAR, decided_at TIMESTAMP, decision_reason VARCHAR
    );
    CREATE TABLE catalog_events (
        number BIGINT, proposal VARCHAR, happened_at TIMESTAMP, actor VARCHAR, event VARCHAR, reason VARCHAR,
        details JSON
    );
    CREATE TABLE catalog_audited (number BIGINT, happened_at TIMESTAMP);
    CREATE TABLE catalog_row_history (
        table_name VARCHAR, row_id VARCHAR, version INTEGER, happened_at TIMESTAMP, actor VARCHAR, action VARCHAR,
        reason VARCHAR, proposal VARCHAR, source VARCHAR, origin VARCHAR, row JSON
    );
    """,
)
"""Numbered from 1; only ever added to."""

COLUMN_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "decimal": "DECIMAL(24,6)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "list": "JSON",
    "object": "JSON",
}
_JSON_TYPES = ("JSON",)


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """A row of a catalogue table, with what is kept about it."""

    table: str
    id: str
    version: int
    values: Mapping[str, Json]
    """By field."""
    source: str = ""
    origin: str = ""
    """The place its source belongs to, by which sources are trusted: a folder, a host, a program."""
    proposal: str = ""
    confidence: float = 1.0
    checks: float = 1.0
    """The share of the table's fields that are filled and right."""
    confirmations: int = 0
    """How many other sources said the same."""
    corrections: int = 0
    """How often somebody had to correct it."""
    trust: float = 1.0
    """When it was written last."""
    citations: Mapping[str, Json] = field(default_factory=dict)
    recorded_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RowVersion:
    """One version in a row's history."""

    version: int
    at: datetime
    actor: str
    action: str
    """`inserted`, `confirmed`, `updated`, `corrected`, `deleted`, `moved`, `logged`."""
    reason: str
    proposal: str
    source: str
    values: Mapping[str, Json]


def identify(definition: TableDefinition, values: Mapping[str, Json], salt: str) -> str:
    """The row's identity: by its key where the table has one and the row fills it, else by `salt`."""
    parts = [values.get(name) for name in definition.key]
    if parts and all(part is not None for part in parts):
        return digest([definition.name, parts])[:16]
    return digest([definition.name, salt])[:16]


def read_rows(
    connection: duckdb.DuckDBPyConnection, definition: TableDefinition, ids: Sequence[str]
) -> dict[str, CatalogRow]:
    """The rows that are there, by identity."""
    if not ids:
        return {}
    rows = select_rows(connection, definition, "row_id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)])
    return {row.id: row for row in rows}


def select_rows(
    connection: duckdb.DuckDBPyConnection,
    definition: TableDefinition,
    condition: str = "TRUE",
    parameters: Sequence[Any] = (),
    *,
    limit: int | None = None,
    offset: int = 0,
) -> list[CatalogRow]:
    """Rows that meet a condition, the latest recorded first."""
    names = [one.name for one in definition.fields]
    columns = ", ".join([*SYSTEM_COLUMNS, *map(sql_name, names)])
    bounds = f" LIMIT {limit:d}" if limit is not None else ""
    statement = (
        f"SELECT {columns} FROM {sql_name(definition.table)} WHERE {condition} "
        f"ORDER BY row_recorded_at DESC, row_id{bounds} OFFSET {offset:d}"
    )
    rows = connection.execute(statement, list(parameters)).fetchall()
    width = len(SYSTEM_COLUMNS)
    return [_row(definition, dict(zip(SYSTEM_COLUMNS, row[:width], strict=True)), row[width:]) for row in rows]


def write_rows(
    connection: duckdb.DuckDBPyConnection,
    definition: TableDefinition,
    rows: Sequence[CatalogRow],
    *,
    action: str,
    actor: str,
    reason: str,
    at: datetime,
) -> None:
    """Put rows in, in place of those with the same identity, and add each to the history."""
    if not rows:
        return
    ids = [row.id for row in rows]
    if any(row.version > 1 for row in rows):
        remove_rows(connection, definition, ids)
    columns = {**SYSTEM_COLUMNS, **{one.name: COLUMN_TYPES[one.type] for one in definition.fields}}
    insert_records(connection, definition.table, columns, (_record(definition, row, at) for row in rows))
    add_history(connection, definition, rows, action=action, actor=actor, reason=reason, at=at)


def remove_rows(connection: duckdb.DuckDBPyConnection, definition: TableDefinition, ids: Sequence[str]) -> None:
    """Take rows out; their history stays."""
    table = sql_name(definition.table)
    connection.execute(f"DELETE FROM {table} WHERE row_id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)])


def add_history(
    connection: duckdb.DuckDBPyConnection,
    definition: TableDefinition,
    rows: Iterable[CatalogRow],
    *,
    action: str,
    actor: str,
    reason: str,
    at: datetime,
) -> None:
    """Add the rows as they are now to the history."""
    columns = dict.fromkeys(
        ("table_name", "row_id", "actor", "action", "reason", "proposal", "source", "origin"), "VARCHAR"
    )
    columns |= {"version": "INTEGER", "happened_at": "TIMESTAMP", "row": "JSON"}
    records = (
        {
            "table_name": definition.name,
            "row_id": row.id,
            "version": row.version,
            "happened_at": _stamp(at),
            "actor": actor,
            "action": action,
            "reason": reason,
            "proposal": row.proposal,
            "source": row.source,
            "origin": row.origin,
            "row": dict(row.values),
        }
        for row in rows
    )
    insert_records(connection, "catalog_row_history", columns, records)


def read_history(connection: duckdb.DuckDBPyConnection, definition: TableDefinition, row_id: str) -> list[RowVersion]:
    """All versions of a row, the oldest first."""
    rows = connection.execute(
        "SELECT version, happened_at, actor, action, reason, proposal, source, row FROM catalog_row_history "
        "WHERE table_name = ? AND row_id = ? ORDER BY version, happened_at",
        [definition.name, row_id],
    ).fetchall()
    names = ("version", "at", "actor", "action", "reason", "proposal", "source")
    return [RowVersion(**dict(zip(names, row[:-1], strict=True)), values=json.loads(row[-1])) for row in rows]


def insert_records(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    records: Iterable[Mapping[str, Json]],
) -> None:
    """Insert records in one statement: as one JSON text, which is a hundred times quicker than a statement a row."""
    shape = {name: "JSON" if kind in _JSON_TYPES else "VARCHAR" for name, kind in columns.items()}
    casts = ", ".join(f"CAST(r.{sql_name(name)} AS {kind})" for name, kind in columns.items())
    names = ", ".join(map(sql_name, columns))
    statement = (
        f"INSERT INTO {sql_name(table)} ({names}) SELECT {casts} FROM (SELECT unnest(from_json(?::JSON, ?)) AS r)"
    )
    batch = list(records)
    for start in range(0, len(batch), 5_000):
        text = json.dumps(batch[start : start + 5_000], ensure_ascii=False)
        connection.execute(statement, [text, json.dumps([shape])])


def create_table(connection: duckdb.DuckDBPyConnection, definition: TableDefinition) -> None:
    """Make the table of a definition; one that is there stays as it is."""
    columns = {**SYSTEM_COLUMNS, **{one.name: COLUMN_TYPES[one.type] for one in definition.fields}}
    body = ", ".join(f"{sql_name(name)} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE TABLE IF NOT EXISTS {sql_name(definition.table)} ({body})")


def add_column(connection: duckdb.DuckDBPyConnection, definition: TableDefinition, one: TableField) -> None:
    """Add a field's column, empty."""
    kind = COLUMN_TYPES[one.type]
    connection.execute(f"ALTER TABLE {sql_name(definition.table)} ADD COLUMN {sql_name(one.name)} {kind}")


def change_column(
    connection: duckdb.DuckDBPyConnection, definition: TableDefinition, one: TableField, columns: Iterable[str]
) -> int:
    """Turn a column into another type; how many values would be lost, and nothing is changed where any would.

    By a copy of the table: a server behind DuckDB changes no column's type in place, and DuckDB commits no two changes
    of one table. `columns` are those of fields that the table has.
    """
    table, name, draft = sql_name(definition.table), sql_name(one.name), sql_name(f"new_{definition.table}"[:63])
    kind = COLUMN_TYPES[one.type]
    lost = connection.execute(
        f"SELECT count(*) FROM {table} WHERE {name} IS NOT NULL AND TRY_CAST({name} AS {kind}) IS NULL"
    ).fetchone()
    if lost and lost[0]:
        return int(lost[0])
    parts = [f"CAST({name} AS {kind}) AS {name}" if column == one.name else sql_name(column) for column in columns]
    connection.execute(f"CREATE TABLE {draft} AS SELECT {', '.join([*SYSTEM_COLUMNS, *parts])} FROM {table}")
    connection.execute(f"DROP TABLE {table}")
    connection.execute(f"ALTER TABLE {draft} RENAME TO {table}")
    return 0


def plain(kind: str, value: Any) -> Json:
    """A value of the database as JSON of a field's type."""
    if value is None:
        return None
    if kind in ("list", "object"):
        return json.loads(value) if isinstance(value, str) else value
    if kind == "decimal":
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if kind == "datetime":
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if kind == "date":
        return str(value.isoformat())
    return value


def _record(definition: TableDefinition, row: CatalogRow, at: datetime) -> dict[str, Json]:
    # A time without its zone: the columns hold UTC, and a cast would turn a zoned text to the machine's own.
    values = {
        one.name: str(value)[:19].replace("T", " ")
        if one.type == "datetime" and (value := row.values.get(one.name)) is not None
        else row.values.get(one.name)
        for one in definition.fields
    }
    return {
        "row_id": row.id,
        "row_version": row.version,
        "row_source": row.source,
        "row_origin": row.origin,
        "row_proposal": row.proposal,
        "row_confidence": row.confidence,
        "row_checks": row.checks,
        "row_confirmations": row.confirmations,
        "row_corrections": row.corrections,
        "row_trust": row.trust,
        "row_citations": dict(row.citations),
        "row_recorded_at": _stamp(row.recorded_at or at),
        "row_changed_at": _stamp(at),
        **values,
    }


def _stamp(moment: datetime) -> str:
    return isoformat(moment)[:19].replace("T", " ")


def _row(definition: TableDefinition, system: Mapping[str, Any], values: Sequence[Any]) -> CatalogRow:
    return CatalogRow(
        definition.name,
        system["row_id"],
        system["row_version"],
        {one.name: plain(one.type, value) for one, value in zip(definition.fields, values, strict=True)},
        source=system["row_source"] or "",
        origin=system["row_origin"] or "",
        proposal=system["row_proposal"] or "",
        confidence=system["row_confidence"],
        checks=system["row_checks"],
        confirmations=system["row_confirmations"],
        corrections=system["row_corrections"],
        trust=system["row_trust"],
        citations=json.loads(system["row_citations"] or "{}"),
        recorded_at=system["row_recorded_at"],
        changed_at=system["row_changed_at"],
    )
