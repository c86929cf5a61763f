# ruff: noqa: S608  (names come from checked definitions; every value is a parameter)
"""The catalogue: its tables in the database, their rows, their versions."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.catalog.definition import TableDefinition, find_table, read_definitions
from trainer.catalog.filling import fill_row
from trainer.catalog.matching import match_table
from trainer.catalog.storage import (
    COLUMN_TYPES,
    CatalogRow,
    DatabaseOpener,
    RowVersion,
    add_column,
    add_history,
    change_column,
    create_table,
    identify,
    insert_records,
    read_history,
    read_rows,
    remove_rows,
    select_rows,
    write_rows,
)
from trainer.catalog.trust import Reliability, Trust, mean_trust, trust_of
from trainer.catalog.validation import validate_row
from trainer.catalog.values import Filling, Signals, TableMatch
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.digest import digest
from trainer.core.errors import Problem, StoreError, TrainerError, UsageError
from trainer.core.files import read_text, write_atomic
from trainer.core.values import Json

if TYPE_CHECKING:
    import duckdb

FILES = "project files"
"""Who changed a schema where the YAML files did."""


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """One version of a table's schema."""

    name: str
    version: int
    at: datetime
    actor: str
    reason: str
    proposal: str
    columns: Mapping[str, str]
    """The type of each field."""
    overlay: str | None
    """The text of the project's YAML file then; None where there was none."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSummary:
    """A table as a list shows it."""

    name: str
    title: str
    rows: int
    trust: float
    """Of its rows, as written last; 0 without rows."""
    version: int
    origin: str


@dataclass(frozen=True)
class Catalog:
    """The tables of a project. Nothing is opened or made before it is used."""

    definitions: Mapping[str, TableDefinition]
    opener: DatabaseOpener
    folder: Path | None = None
    """Where the project's own YAML files are, and approved changes of schemas go."""
    clock: Clock = system_clock

    @classmethod
    def at(cls, opener: DatabaseOpener, *, folder: Path | None = None, clock: Clock = system_clock) -> Catalog:
        """The catalogue with the built-in tables and those in `folder`; raises UsageError with all their problems."""
        return cls(read_definitions(folder), opener, folder, clock)

    def tables(self) -> Mapping[str, TableDefinition]:
        """The definitions by short name."""
        return self.definitions

    def table(self, name: str) -> TableDefinition:
        """The definition of that name, with `memory_` or without; raises UsageError naming the nearest."""
        return find_table(self.definitions, name)

    def match(self, signals: Signals) -> TableMatch:
        """The table a file belongs to, with calibrated confidence, reason and alternatives."""
        return match_table(self.definitions, signals)

    def fill(self, table: str, signals: Signals, *, source: str) -> Filling:
        """A row of the table made from a document, each value cited to its place in the text."""
        return fill_row(self.table(table), signals, source=source)

    @contextlib.contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction on the database with all tables as they are defined; an error takes everything back."""
        with self.opener() as connection:
            connection.execute("BEGIN")
            try:
                self._settle(connection)
                yield connection
            except BaseException:
                with contextlib.suppress(Exception):
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _settle(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bring the tables to their definitions: new tables and fields are added, and nothing is ever dropped."""
        latest = _latest(connection)
        for name, definition in self.definitions.items():
            version = latest.get(name)
            if version is None or version[1] != self._digests[name]:
                self.migrate(connection, definition, actor=FILES, reason="the definition changed" if version else "new")

    @functools.cached_property
    def _digests(self) -> dict[str, str]:
        """What tells whether a definition is the one that was applied last."""
        return {name: _digest(definition) for name, definition in self.definitions.items()}

    def migrate(
        self,
        connection: duckdb.DuckDBPyConnection,
        definition: TableDefinition,
        *,
        actor: str,
        reason: str,
        proposal: str = "",
        evidence: Sequence[str] = (),
    ) -> int:
        """Bring one table to its definition and note the version; its number.

        A field that is gone keeps its column. Raises StoreError where a new type would lose values.
        """
        former = _latest(connection).get(definition.name)
        columns: dict[str, Any] = dict(former[2]) if former else {}
        if former is None:
            create_table(connection, definition)
        for one in definition.fields:
            if former is not None and one.name not in columns:
                add_column(connection, definition, one)
            elif former is not None and COLUMN_TYPES[one.type] != COLUMN_TYPES[columns[one.name]]:
                lost = change_column(connection, definition, one, columns)
                if lost:
                    raise StoreError(
                        f"{definition.name}.{one.name} cannot become {one.type}: {lost} of its values are none",
                        hint=f"mend them with trainer tables edit {definition.name}, or keep {columns[one.name]}",
                    )
            columns[one.name] = one.type
        number = former[0] + 1 if former else 1
        kinds = dict.fromkeys(("name", "actor", "reason", "proposal", "digest", "overlay"), "VARCHAR") | {
            "version": "INTEGER",
            "happened_at": "TIMESTAMP",
            "columns": "JSON",
            "evidence": "JSON",
        }
        record = {
            "name": definition.name,
            "version": number,
            "happened_at": isoformat(self.clock())[:19],
            "actor": actor,
            "reason": reason,
            "proposal": proposal,
            "digest": _digest(definition),
            "columns": columns,
            "overlay": self.overlay(definition.name),
            "evidence": list(evidence),
        }
        insert_records(connection, "catalog_schemas", kinds, [record])
        return number

    def overlay(self, name: str) -> str | None:
        """The text of the project's file of a table; None where there is none."""
        path = self.overlay_path(name)
        return read_text(path) if path and path.exists() else None

    def overlay_path(self, name: str) -> Path | None:
        """The project's file of a table, which need not exist; None where the catalogue has no folder."""
        return self.folder / f"{name}.yaml" if self.folder else None

    def reloaded(self) -> Catalog:
        """The catalogue with its definitions read anew."""
        return replace(self, definitions=read_definitions(self.folder))

    def schema_versions(self, name: str) -> list[SchemaVersion]:
        """The versions of a table's schema, the oldest first."""
        definition = self.table(name)
        with self.open() as connection:
            rows = connection.execute(
                "SELECT name, version, happened_at, actor, reason, proposal, overlay, columns, evidence "
                "FROM catalog_schemas WHERE name = ? ORDER BY version",
                [definition.name],
            ).fetchall()
        names = ("name", "version", "at", "actor", "reason", "proposal", "overlay")
        return [
            SchemaVersion(
                **dict(zip(names, row, strict=False)), columns=json.loads(row[7]), evidence=tuple(json.loads(row[8]))
            )
            for row in rows
        ]

    def revert_schema(self, name: str, *, to: int | None = None, actor: str, reason: str = "") -> Catalog:
        """The catalogue with a table's schema as it was in a version, by default the one before the newest.

        The project's file becomes what it was then; columns that came later stay in the database, unseen.
        """
        definition = self.table(name)
        versions = self.schema_versions(definition.name)
        wanted = to if to is not None else versions[-1].version - 1
        target = next((version for version in versions if version.version == wanted), None)
        path = self.overlay_path(definition.name)
        if target is None or path is None:
            numbers = ", ".join(str(version.version) for version in versions)
            raise UsageError(f"{definition.name} has no version {wanted} to go back to", hint=f"it has {numbers}")
        former = self.overlay(definition.name)
        self._write_overlay(path, target.overlay)
        try:
            fresh = self.reloaded()
            if definition.name not in fresh.definitions:
                return fresh
            with fresh.opener() as connection:
                connection.execute("BEGIN")
                fresh.migrate(
                    connection,
                    fresh.definitions[definition.name],
                    actor=actor,
                    reason=reason or f"back to version {wanted}",
                )
                connection.execute("COMMIT")
        except TrainerError:
            self._write_overlay(path, former)
            raise
        return fresh

    def _write_overlay(self, path: Path, text: str | None) -> None:
        if text is None:
            path.unlink(missing_ok=True)
        else:
            write_atomic(path, text)

    def summaries(self) -> list[TableSummary]:
        """Every table with its number of rows and the mean of their trust."""
        with self.open() as connection:
            latest = _latest(connection)
            counts = " UNION ALL ".join(
                f"SELECT '{one.name}', count(*), coalesce(avg(row_trust), 0) FROM \"{one.table}\""
                for one in self.definitions.values()
            )
            rows = {name: (count, trust) for name, count, trust in connection.execute(counts).fetchall()}
        return [
            TableSummary(name, one.title, rows[name][0], round(rows[name][1], 4), latest[name][0], one.origin)
            for name, one in self.definitions.items()
        ]

    def rows(
        self, name: str, condition: str = "TRUE", parameters: Sequence[Json] = (), *, limit: int | None = None
    ) -> list[CatalogRow]:
        """Rows of a table that meet a condition in SQL, the latest recorded first."""
        definition = self.table(name)
        with self.open() as connection:
            return select_rows(connection, definition, condition, parameters, limit=limit)

    def row(self, name: str, row_id: str) -> CatalogRow:
        """One row by its identity or the start of it; raises UsageError where there is none, or several."""
        definition = self.table(name)
        with self.open() as connection:
            rows = select_rows(connection, definition, "starts_with(row_id, ?)", [row_id], limit=2)
        if len(rows) != 1 or not row_id:
            what = "several rows" if rows else "no row"
            raise UsageError(
                f"{definition.name} has {what} {row_id}", hint=f"look it up: trainer tables show {definition.name}"
            )
        return rows[0]

    def history(self, name: str, row_id: str) -> list[RowVersion]:
        """All versions of a row, the oldest first."""
        definition = self.table(name)
        with self.open() as connection:
            return read_history(connection, definition, row_id)

    def trust(self, name: str) -> tuple[Trust, dict[str, Trust]]:
        """The trust in a table now, and in each of its rows by identity."""
        definition = self.table(name)
        with self.open() as connection:
            rows = select_rows(connection, definition)
            sources = reliabilities(connection)
        now = self.clock()
        scores = {row.id: trust_of(row, definition, sources.get(row.origin, Reliability()), now) for row in rows}
        return mean_trust(scores.values()), scores

    def record(
        self,
        name: str,
        key: Mapping[str, Json],
        change: Callable[[Mapping[str, Json] | None], Mapping[str, Json]],
        *,
        actor: str,
        reason: str = "",
    ) -> CatalogRow:
        """Write a row that a program reports of itself: no proposal, since nobody could know better.

        `change` is given the values of the row with that key, None where there is none, and gives what they become;
        nobody else writes in between. Raises UsageError with everything that is wrong with the row.
        """
        definition = self.table(name)
        with self.open() as connection:
            at = self.clock()
            identity = identify(definition, validate_row(definition, key).values, "")
            former = read_rows(connection, definition, [identity]).get(identity)
            valid = validate_row(definition, change(former.values if former else None))
            if valid.problems:
                raise UsageError(valid.problems[0], problems=[Problem(problem) for problem in valid.problems])
            row = CatalogRow(
                definition.name,
                identity,
                former.version + 1 if former else 1,
                valid.values,
                source=actor,
                origin=actor,
                checks=filled_share(definition, valid.values),
                recorded_at=former.recorded_at if former else at,
                changed_at=at,
            )
            row = replace(row, trust=trust_of(row, definition, Reliability(), at).score)
            write_rows(connection, definition, [row], action="logged", actor=actor, reason=reason, at=at)
        return row

    def edit(self, name: str, row_id: str, changes: Mapping[str, Json], *, actor: str, reason: str = "") -> CatalogRow:
        """Correct fields of a row; the former version stays in its history, and the source is trusted less.

        Raises UsageError with everything that is wrong, also where another row has the same key.
        """
        definition = self.table(name)
        for field_name in changes:
            if definition.field(field_name) is None:
                valid = validate_row(definition, {field_name: None})
                problem = next(text for text in valid.problems if "unknown field" in text)
                raise UsageError(problem)
        with self.open() as connection:
            row = read_rows(connection, definition, [row_id]).get(row_id)
            if row is None:
                raise UsageError(f"{definition.name} has no row {row_id}")
            valid = validate_row(definition, {**row.values, **changes})
            if valid.problems:
                raise UsageError(valid.problems[0], problems=[Problem(problem) for problem in valid.problems])
            if valid.values == row.values:
                return row
            at = self.clock()
            identity = identify(definition, valid.values, row_id) if definition.key else row_id
            if identity != row_id and any(valid.values[key] != row.values[key] for key in definition.key):
                if read_rows(connection, definition, [identity]):
                    raise UsageError(f"another row of {definition.name} has that key: {identity}")
            else:
                identity = row_id
            changed = replace(
                row,
                id=identity,
                version=row.version + 1,
                values=valid.values,
                corrections=row.corrections + 1,
                checks=filled_share(definition, valid.values),
                changed_at=at,
                citations={key: value for key, value in row.citations.items() if key not in changes},
            )
            sources = reliabilities(connection)
            score = trust_of(changed, definition, sources.get(row.origin, Reliability()), at).score
            remove_rows(connection, definition, [row_id])
            changed = replace(changed, trust=score)
            write_rows(connection, definition, [changed], action="corrected", actor=actor, reason=reason, at=at)
        return changed

    def delete(self, name: str, row_id: str, *, actor: str, reason: str = "") -> None:
        """Take a row out of its table; its history stays. Raises UsageError where there is none."""
        definition = self.table(name)
        with self.open() as connection:
            row = read_rows(connection, definition, [row_id]).get(row_id)
            if row is None:
                raise UsageError(f"{definition.name} has no row {row_id}")
            remove_rows(connection, definition, [row_id])
            gone = replace(row, version=row.version + 1)
            add_history(connection, definition, [gone], action="deleted", actor=actor, reason=reason, at=self.clock())


def reliabilities(connection: duckdb.DuckDBPyConnection) -> dict[str, Reliability]:
    """How the rows of each source fared, by origin: those that were corrected, deleted or rejected are its faults."""
    rows = connection.execute(
        "SELECT origin, count(*) FILTER (action = 'inserted'), "
        "count(DISTINCT row_id) FILTER (action IN ('corrected', 'deleted', 'rejected')) "
        "FROM catalog_row_history GROUP BY origin"
    ).fetchall()
    return {origin: Reliability(count, faults) for origin, count, faults in rows}


def filled_share(definition: TableDefinition, values: Mapping[str, Json]) -> float:
    """The share of a table's fields that a row fills, required ones counting three times."""
    weights = {one.name: 3 if one.required else 1 for one in definition.fields}
    filled = sum(weight for name, weight in weights.items() if values.get(name) is not None)
    return round(filled / sum(weights.values()), 4)


def _latest(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, str, dict[str, str]]]:
    """Number, digest and columns of the newest schema of each table."""
    rows = connection.execute(
        "SELECT name, version, digest, columns FROM catalog_schemas s WHERE version = "
        "(SELECT max(version) FROM catalog_schemas l WHERE l.name = s.name)"
    ).fetchall()
    return {name: (version, code, json.loads(columns)) for name, version, code, columns in rows}


def _digest(definition: TableDefinition) -> str:
    return digest({**asdict(definition), "origin": ""})


def utc(moment: datetime | None) -> datetime | None:
    """A time of the database, which holds UTC, with its zone."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
