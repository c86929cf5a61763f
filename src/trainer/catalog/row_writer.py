# ruff: noqa: S608  (names come from checked definitions; every value is a parameter)
"""Rows of proposals on their way into a table: what they become, what they meet there, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from trainer.catalog.catalog import filled_share
from trainer.catalog.definition import TableDefinition
from trainer.catalog.storage import CatalogRow, identify, write_rows
from trainer.catalog.trust import Reliability, trust_of
from trainer.catalog.validation import validate_row
from trainer.catalog.values import Proposal
from trainer.core.values import Json

if TYPE_CHECKING:
    import duckdb


def origin_of(source: str) -> str:
    """The place a source belongs to, by which it is trusted: the folder of a file, the host of an address."""
    if "://" in source:
        return "/".join(source.split("/")[:3])
    folder = str(PurePosixPath(source).parent)
    return source if folder in (".", "") else folder


class RowWriter:
    """The rows of several proposals on their way into one table."""

    def __init__(
        self,
        definition: TableDefinition,
        sources: Mapping[str, Reliability],
        actor: str,
        reason: str,
        at: datetime,
        *,
        action: str = "inserted",
    ) -> None:
        self.definition = definition
        self.sources = sources
        self.actor, self.reason, self.at, self.action = actor, reason, at, action
        self.present: dict[str, CatalogRow] = {}
        self._changes: dict[str, list[CatalogRow]] = {}

    def candidates(self, proposal: Proposal) -> tuple[list[CatalogRow], list[str]]:
        """The proposal's rows as they would be stored, and their problems."""
        rows: list[CatalogRow] = []
        problems: list[str] = []
        origin = origin_of(proposal.source) if proposal.source else proposal.proposed_by
        for number, values in enumerate(proposal.rows):
            valid = validate_row(self.definition, values)
            where = f"row {number + 1}: " if len(proposal.rows) > 1 else ""
            problems += [where + problem for problem in valid.problems]
            row = CatalogRow(
                self.definition.name,
                identify(self.definition, valid.values, f"{proposal.id}:{number}"),
                1,
                valid.values,
                source=proposal.source,
                origin=origin,
                proposal=proposal.id,
                confidence=proposal.confidence,
                checks=filled_share(self.definition, valid.values),
                citations=proposal.citations[number] if number < len(proposal.citations) else {},
                recorded_at=self.at,
                changed_at=self.at,
            )
            trust = trust_of(row, self.definition, self.sources.get(origin, Reliability()), self.at)
            rows.append(replace(row, trust=trust.score))
        return rows, problems

    def add(self, rows: Iterable[CatalogRow]) -> None:
        """Take rows in: a new one is inserted, one that is there is confirmed, completed or updated."""
        for row in rows:
            former = self.present.get(row.id)
            if former is None:
                merged, action = row, self.action
            else:
                values = {key: former.values[key] if value is None else value for key, value in row.values.items()}
                agrees = values == dict(former.values)
                action = "confirmed" if agrees else "updated"
                merged = replace(
                    former if agrees else row,
                    version=former.version + 1,
                    values=values,
                    recorded_at=former.recorded_at,
                    changed_at=self.at,
                    confirmations=former.confirmations + (row.source != former.source),
                    corrections=former.corrections,
                )
                trust = trust_of(merged, self.definition, self.sources.get(merged.origin, Reliability()), self.at)
                merged = replace(merged, trust=trust.score)
            self.present[row.id] = merged
            self._changes.setdefault(action, []).append(merged)

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Put the rows in, each as it was left by the last proposal that has it."""
        for action, rows in self._changes.items():
            latest = {row.id: row for row in rows}
            final = [row for row in latest.values() if self.present[row.id] is row]
            write_rows(
                connection, self.definition, final, action=action, actor=self.actor, reason=self.reason, at=self.at
            )
        self._changes.clear()


def conflict_of(present: CatalogRow, row: CatalogRow) -> str | None:
    """What a row says otherwise than the one with its key that is there; None where they agree."""
    differing = [
        f"{key} is {present.values[key]!r} there and {value!r} here"
        for key, value in row.values.items()
        if value is not None and present.values[key] is not None and not _same(present.values[key], value)
    ]
    return f"a row with this key is there: {'; '.join(differing[:3])}" if differing else None


def missing_references(
    connection: duckdb.DuckDBPyConnection,
    definitions: Mapping[str, TableDefinition],
    definition: TableDefinition,
    rows: Sequence[CatalogRow],
) -> list[str]:
    """What the rows refer to in other tables and is not there; a table without any rows says nothing."""
    problems = []
    for one in definition.fields:
        name, _, key = (one.references or "").partition(".")
        wanted = list(dict.fromkeys(str(row.values[one.name]) for row in rows if row.values[one.name] is not None))
        if not name or not wanted:
            continue
        table = f'"{definitions[name].table}"'
        missing = connection.execute(
            f"SELECT value FROM (SELECT unnest(?::VARCHAR[]) AS value) WHERE EXISTS (SELECT 1 FROM {table}) "
            f'AND value NOT IN (SELECT CAST("{key}" AS VARCHAR) FROM {table} WHERE "{key}" IS NOT NULL)',
            [wanted],
        ).fetchall()
        problems += [f'{one.name}: {name} has no {key} "{value[:60]}"' for (value,) in missing]
    return problems


def _same(one: Json, other: Json) -> bool:
    """Whether two values are one: decimals are text, and `1190` is `1190.00`."""
    if one == other or not (isinstance(one, str) and isinstance(other, str)):
        return bool(one == other)
    try:
        return "." in one + other and Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False
