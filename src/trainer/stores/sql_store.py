# ruff: noqa: S608  (statements are put together from constants; every value is a parameter)
"""What DuckDB, SQLite and PostgreSQL share: one table, and the statements on it that mean the same in all three."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from functools import partial
from typing import Any, ClassVar, TypeAlias

from trainer.core.values import StoredData
from trainer.stores.grouping import fields_of as fields_of_group
from trainer.stores.grouping import groups_of, parts_of, statement
from trainer.stores.match import View, matches
from trainer.stores.moments import to_text
from trainer.stores.pipeline import Group
from trainer.stores.pushdown import EVERYTHING, Dialect, Piece, order_by
from trainer.stores.pushdown import where as sql_where
from trainer.stores.query import Condition, Field, Query, fields_of
from trainer.stores.rows import Change, Check, Current, Row, current_of, document_of, outcome, unknown_rows
from trainer.stores.versioned import Place, VersionedStore

Run: TypeAlias = Callable[..., list[tuple[Any, ...]]]
"""Runs one statement, with `?` for each parameter, and gives its rows."""

COLUMNS = tuple(field.name for field in fields(Row))
_ROW = ", ".join(COLUMNS)
_CURRENT = ", ".join(field.name for field in fields(Current))
_DOCUMENT = ", ".join(field.name for field in fields(StoredData))
_PAGE_SIZE = 8_000_000
_ALIVE = "current AND NOT deleted"
_ALL = 2**62


class SqlStore(VersionedStore):
    """A store in a table `documents` with the columns of `Row` and `current`, true for the highest version of a key."""

    keys_in: ClassVar[str]
    """Selects the texts of a JSON list, the one parameter."""
    places_in: ClassVar[str]
    """Selects keys and versions from a JSON list of pairs, the one parameter."""
    insertion: ClassVar[str]
    """Inserts the rows of a JSON list of objects, the one parameter."""
    dialect: ClassVar[Dialect]

    @abstractmethod
    def transaction(self, *, write: bool) -> AbstractContextManager[Run]:
        """Runs statements in one transaction: committed at the end, rolled back on any error.

        Writing transactions of several processes wait for each other.
        """

    def guard(self, run: Run, keys: Sequence[str]) -> None:
        """Keeps other transactions from writing those keys; backends with one writer at a time need nothing."""

    def append(self, changes: Sequence[Change]) -> list[bool]:
        """Whether each change did something; all in one transaction."""
        done: list[bool] = []
        with self.transaction(write=True) as run:
            self.guard(run, [change.key for change in changes])
            known = {current.key: current for current in self.currents(run, [change.key for change in changes])}
            now = to_text(self.clock())
            rows: list[Row] = []
            for change in changes:
                result = outcome(change, known.get(change.key), now)
                done.append(result is not None)
                if isinstance(result, Row):
                    rows.append(result)
                    known[change.key] = current_of(result)
                elif isinstance(result, Check):
                    self._check(run, result)
            self._add(run, rows)
        return done

    def currents(self, run: Run, keys: Iterable[str]) -> Iterator[Current]:
        """What is current for those keys that exist, deletions included."""
        question = f"SELECT {_CURRENT} FROM documents WHERE current AND key IN ({self.keys_in})"
        return (Current(*row) for row in run(question, _json(sorted(set(keys)))))

    def fetch(self, key: str, *, version: int | None, before: str | None) -> Row | None:
        """The current version, or that one, or the newest one stored at `before` or earlier."""
        condition, parameters = "current", list[Any]()
        if version is not None or before is not None:
            condition = "TRUE"
        if version is not None:
            condition, parameters = f"{condition} AND version = ?", [version]
        if before is not None:
            condition, parameters = f"{condition} AND updated_at <= ?", [*parameters, before]
        question = f"SELECT {_ROW} FROM documents WHERE key = ? AND {condition} ORDER BY version DESC LIMIT 1"
        with self.transaction(write=False) as run:
            found = run(question, key, *parameters)
        return _row(found[0]) if found else None

    def page(self, after: Place, size: int, *, key: str | None, current: bool, only: Piece = EVERYTHING) -> list[Row]:
        """The next versions by key and version, fewer where they are big; `only` those a piece of SQL holds for."""
        condition = f"(key > ? OR (key = ? AND version > ?)) AND {only.sql}"
        condition += f" AND {_ALIVE}" if current else ""
        condition += " AND key = ?" if key is not None else ""
        parameters = [after[0], *after, *only.parameters, *([key] if key is not None else [])]
        with self.transaction(write=False) as run:
            ahead = run(
                f"SELECT size, key, version FROM documents WHERE {condition} ORDER BY key, version LIMIT {size}",
                *parameters,
            )
            fitting = _fitting(ahead)
            if not fitting:
                return []
            last = fitting[-1]
            until = "(key < ? OR (key = ? AND version <= ?))"
            question = f"SELECT {_ROW} FROM documents WHERE {condition} AND {until} ORDER BY key, version"
            return [_row(found) for found in run(question, *parameters, last[1], last[1], last[2])]

    def insert(self, rows: Sequence[Row]) -> int:
        """How many versions were added as they are, in one transaction."""
        with self.transaction(write=True) as run:
            self.guard(run, [row.key for row in rows])
            question = f"SELECT key, version, digest FROM documents WHERE key IN ({self.keys_in})"
            found = run(question, _json(sorted({row.key for row in rows})))
            new = list(unknown_rows(rows, {(key, version): digest for key, version, digest in found}))
            self._insert(run, new, current=False)
            run(f"{_HIGHEST} WHERE key IN ({self.keys_in})", _json(sorted({row.key for row in new})))
        return len(new)

    def remove(self, places: Sequence[Place]) -> int:
        """How many of the versions existed and are removed for good."""
        condition, parameter = f"(key, version) IN ({self.places_in})", _json(list(places))
        with self.transaction(write=True) as run:
            ((removed,),) = run(f"SELECT count(*) FROM documents WHERE {condition}", parameter)
            run(f"DELETE FROM documents WHERE {condition}", parameter)
        return int(removed)

    def _scan(self, where: Condition) -> Iterator[StoredData]:
        piece = self._superset(where)
        page = partial(self.page, key=None, current=True, only=piece)
        documents = (row.document() for row in self._turn(page, current=True))
        return documents if piece.exact else (document for document in documents if matches(document, where))

    def _select(self, query: Query) -> list[StoredData]:
        piece, order = sql_where(query.where, self.dialect), order_by(query.order, self.dialect)
        with self.transaction(write=False) as run:
            fields = [*fields_of(query.where), *(field for field, _ in query.order)]
            if piece.exact and order.exact and not self._odd(run, fields):
                question = f"SELECT {_DOCUMENT} FROM documents WHERE {_ALIVE} AND {piece.sql} ORDER BY {order.sql}"
                if query.limit is not None or query.offset:
                    limit = _ALL if query.limit is None else min(query.limit, _ALL)
                    question += f" LIMIT {limit} OFFSET {min(query.offset, _ALL)}"
                rows = run(question, *piece.parameters, *order.parameters)
                return [document_of(found) for found in rows]
        return super()._select(query)

    def _count(self, where: Condition) -> int:
        piece = sql_where(where, self.dialect)
        with self.transaction(write=False) as run:
            if piece.exact and not self._odd(run, fields_of(where)):
                question = f"SELECT count(*) FROM documents WHERE {_ALIVE} AND {piece.sql}"
                return int(run(question, *piece.parameters)[0][0])
        return super()._count(where)

    def _groups(self, where: Condition, group: Group) -> list[View] | None:
        question = statement(group, sql_where(where, self.dialect), self.dialect)
        if question is None:
            return None
        with self.transaction(write=False) as run:
            fields = [*fields_of(where), *fields_of_group(group)]
            rows = None if self._odd(run, fields) else run(question.sql, *question.parameters)
        return None if rows is None else groups_of(group, (parts_of(group, row) for row in rows))

    def _superset(self, where: Condition) -> Piece:
        """SQL for what matches and for all that SQL cannot judge."""
        piece = sql_where(where, self.dialect)
        with self.transaction(write=False) as run:
            odd = self._odd(run, fields_of(where))
        return Piece(f"({piece.sql} OR odd)" if odd else f"({piece.sql})", piece.parameters, piece.exact and not odd)

    def _odd(self, run: Run, fields: Iterable[Field]) -> bool:
        """Whether some document may be odd in one of the fields; columns never are."""
        if all(field.root == "column" for field in fields):
            return False
        return bool(run(f"SELECT 1 FROM documents WHERE odd AND {_ALIVE} LIMIT 1"))

    def _add(self, run: Run, rows: Sequence[Row]) -> None:
        newest = {row.key: row for row in rows}
        replaced = [row for row in rows if newest[row.key] is not row]
        older = sorted(row.key for row in rows if row.version > 1)
        if older:
            run(f"UPDATE documents SET current = FALSE WHERE current AND key IN ({self.keys_in})", _json(older))
        self._insert(run, replaced, current=False)
        self._insert(run, list(newest.values()), current=True)

    def _insert(self, run: Run, rows: Sequence[Row], *, current: bool) -> None:
        """One parameter whatever the number of rows: DuckDB binds slowly, and its executemany goes row by row."""
        if rows:
            run(self.insertion, _json([values_of(row, current=current) for row in rows]))

    def _check(self, run: Run, check: Check) -> None:
        run(
            "UPDATE documents SET checked_at = ? WHERE key = ? AND version = ?",
            check.checked_at, check.key, check.version,
        )  # fmt: skip


_HIGHEST = """
UPDATE documents SET current = (version = (SELECT max(d.version) FROM documents d WHERE d.key = documents.key))"""


def _fitting(ahead: Sequence[tuple[int, str, int]]) -> Sequence[tuple[int, str, int]]:
    """The first entries, at least one, whose sizes stay within a page."""
    total = 0
    for index, (size, _, _) in enumerate(ahead):
        total += size
        if total > _PAGE_SIZE and index:
            return ahead[:index]
    return ahead


def _row(found: Sequence[Any]) -> Row:
    values: list[Any] = [*found[:-2], bool(found[-2]), bool(found[-1])]
    return Row(*values)


TYPES = {
    name: "BIGINT" if name in ("version", "ttl", "size") else "BOOLEAN" if name in ("odd", "deleted") else "TEXT"
    for name in COLUMNS
} | {"current": "BOOLEAN"}
"""The columns of the table with their types in SQL."""


def values_of(row: Row, *, current: bool) -> dict[str, Any]:
    """The columns of a row to insert."""
    return {**{name: getattr(row, name) for name in COLUMNS}, "current": current}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
