# ruff: noqa: S608  (statements are put together from constants; every value is a parameter)
"""What DuckDB, SQLite and PostgreSQL share: one table, and the statements on it that mean the same in all three."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from typing import Any, ClassVar, TypeAlias

from trainer.core.digest import pick
from trainer.core.values import StoredData
from trainer.stores.base import DataStore, VersionPlace
from trainer.stores.match import View, value_at, view_of
from trainer.stores.pipeline import GroupStage
from trainer.stores.query import Condition, FieldPath, Query, fields_of
from trainer.stores.rows import (
    Confirmation,
    Current,
    NewVersion,
    StoredRow,
    current_of,
    document_of,
    outcome,
    unknown_rows,
)
from trainer.stores.sql import Dialect, Piece, beyond_sql, fields_of_group, group_by, groups_of, order_by
from trainer.stores.sql import where as sql_where
from trainer.stores.values import to_text

Execute: TypeAlias = Callable[..., list[tuple[Any, ...]]]
"""Runs one statement, with `?` for each parameter, and gives its rows."""

COLUMNS = tuple(field.name for field in fields(StoredRow))
TYPES = {
    name: "BIGINT" if name in ("version", "ttl", "size") else "BOOLEAN" if name in ("odd", "deleted") else "TEXT"
    for name in COLUMNS
} | {"current": "BOOLEAN"}
"""The columns of the table with their types in SQL."""

_ROW = ", ".join(COLUMNS)
_CURRENT = ", ".join(field.name for field in fields(Current))
_DOCUMENT = ", ".join(field.name for field in fields(StoredData))
_PAGE_BYTES = 8_000_000
_LARGE = 1_000_000
_MARKS = ", ".join("?" * len(TYPES))
_ALIVE = "current AND NOT deleted"
_ALL = 2**62
_HIGHEST = """
UPDATE documents SET current = (version = (SELECT max(d.version) FROM documents d WHERE d.key = documents.key))"""


class SqlStore(DataStore):
    """A store in a table `documents`: the columns of `StoredRow`, and `current`, true for a key's highest version."""

    keys_in: ClassVar[str]
    """Selects the texts of a JSON list, the one parameter."""
    places_in: ClassVar[str]
    """Selects keys and versions from a JSON list of pairs, the one parameter."""
    insertion: ClassVar[str]
    """Inserts the rows of a JSON list of objects, the one parameter."""
    dialect: ClassVar[Dialect]

    @abstractmethod
    def transaction(self, *, write: bool) -> AbstractContextManager[Execute]:
        """Runs statements in one transaction: committed at the end, rolled back on any error.

        Writing transactions of several processes wait for each other.
        """

    def guard(self, run: Execute, keys: Sequence[str]) -> None:
        """Keeps other transactions from writing those keys; backends with one writer at a time need nothing."""

    def append(self, changes: Sequence[NewVersion]) -> list[bool]:
        """Whether each change did something; all in one transaction."""
        done: list[bool] = []
        with self.transaction(write=True) as run:
            self.guard(run, [change.key for change in changes])
            currents = {current.key: current for current in self.currents(run, [change.key for change in changes])}
            now = to_text(self.clock())
            rows: list[StoredRow] = []
            for change in changes:
                result = outcome(change, currents.get(change.key), now)
                done.append(result is not None)
                if isinstance(result, StoredRow):
                    rows.append(result)
                    currents[change.key] = current_of(result)
                elif isinstance(result, Confirmation):
                    run(
                        "UPDATE documents SET checked_at = ? WHERE key = ? AND version = ?",
                        result.checked_at, result.key, result.version,
                    )  # fmt: skip
            older = sorted(row.key for row in rows if row.version > 1)
            if older:
                run(f"UPDATE documents SET current = FALSE WHERE current AND key IN ({self.keys_in})", _json(older))
            newest = {row.key: row for row in rows}
            self._insert(run, [row for row in rows if newest[row.key] is not row], current=False)
            self._insert(run, list(newest.values()), current=True)
        return done

    def currents(self, run: Execute, keys: Iterable[str]) -> Iterator[Current]:
        """What is current for those keys that exist, deletions included."""
        question = f"SELECT {_CURRENT} FROM documents WHERE current AND key IN ({self.keys_in})"
        return (Current(*row) for row in run(question, _json(sorted(set(keys)))))

    def insert(self, rows: Sequence[StoredRow]) -> int:
        """How many versions were added as they are, in one transaction."""
        with self.transaction(write=True) as run:
            self.guard(run, [row.key for row in rows])
            question = f"SELECT key, version, digest FROM documents WHERE key IN ({self.keys_in})"
            present = run(question, _json(sorted({row.key for row in rows})))
            new = list(unknown_rows(rows, {(key, version): digest for key, version, digest in present}))
            self._insert(run, new, current=False)
            run(f"{_HIGHEST} WHERE key IN ({self.keys_in})", _json(sorted({row.key for row in new})))
        return len(new)

    def fetch(self, key: str, *, version: int | None, before: str | None) -> StoredRow | None:
        """The current version, or that one, or the newest one stored at `before` or earlier."""
        condition, parameters = "key = ?", list[Any]([key])
        if version is not None:
            condition, parameters = f"{condition} AND version = ?", [*parameters, version]
        if before is not None:
            condition, parameters = f"{condition} AND updated_at <= ?", [*parameters, before]
        if version is None and before is None:
            condition += " AND current"
        question = f"SELECT {_ROW} FROM documents WHERE {condition} ORDER BY version DESC LIMIT 1"
        with self.transaction(write=False) as run:
            rows = run(question, *parameters)
        return _row(rows[0]) if rows else None

    def fetch_many(self, keys: Sequence[str]) -> list[StoredRow]:
        """The current versions of those keys that exist, in one transaction."""
        question = f"SELECT {_ROW} FROM documents WHERE current AND key IN ({self.keys_in})"
        with self.transaction(write=False) as run:
            return [_row(row) for row in run(question, _json(sorted(keys)))] if keys else []

    def page(self, after: VersionPlace, size: int, *, key: str | None = None) -> list[StoredRow]:
        """The next versions by key and version, fewer where they are big."""
        beyond = Piece("(key > ? OR (key = ? AND version > ?))", (after[0], *after))
        if key is not None:
            beyond = Piece(f"{beyond.sql} AND key = ?", (*beyond.parameters, key))
        return self._page(beyond, size)

    def filter(self, where: Condition, after: str, size: int) -> list[StoredRow]:
        """The next current versions by key that match, and those that SQL cannot judge."""
        guarded = sql_where(where, self.dialect, guarded=True)
        piece = sql_where(where, self.dialect)
        with self.transaction(write=False) as run:
            if not self._is_beyond(run, fields_of(where)):
                guarded = piece
        return self._page(Piece(f"{_ALIVE} AND key > ? AND {guarded.sql}", (after, *guarded.parameters)), size)

    def remove(self, places: Sequence[VersionPlace]) -> int:
        """How many of the versions existed and are removed for good."""
        condition, parameter = f"(key, version) IN ({self.places_in})", _json(list(places))
        with self.transaction(write=True) as run:
            ((removed,),) = run(f"SELECT count(*) FROM documents WHERE {condition}", parameter)
            run(f"DELETE FROM documents WHERE {condition}", parameter)
        return int(removed)

    def sorted_rows(self, query: Query) -> list[StoredData] | None:
        """The answer by one statement, unless Python must judge a document or find the place of an object."""
        piece, order = sql_where(query.where, self.dialect), order_by(query.order, self.dialect)
        if not (piece.exact and order.exact):
            return None
        by = [field for field, _ in query.order]
        question = f"SELECT {_DOCUMENT} FROM documents WHERE {_ALIVE} AND {piece.sql} ORDER BY {order.sql}"
        if query.limit is not None or query.offset:
            limit = _ALL if query.limit is None else min(query.limit, _ALL)
            question += f" LIMIT {limit} OFFSET {min(query.offset, _ALL)}"
        with self.transaction(write=False) as run:
            if self._is_beyond(run, [*fields_of(query.where), *by]):
                return None
            documents = [document_of(row) for row in run(question, *piece.parameters, *order.parameters)]
        by = [field for field in by if field.root != "column"]
        has_object = by and any(isinstance(value_at(view_of(d), field), dict) for d in documents for field in by)
        return None if has_object else documents

    def counted(self, where: Condition) -> int | None:
        """The count by one statement, unless Python must judge a document."""
        piece = sql_where(where, self.dialect)
        with self.transaction(write=False) as run:
            if not piece.exact or self._is_beyond(run, fields_of(where)):
                return None
            return int(run(f"SELECT count(*) FROM documents WHERE {_ALIVE} AND {piece.sql}", *piece.parameters)[0][0])

    def grouped(self, where: Condition, group: GroupStage) -> list[View] | None:
        """The groups by one statement, unless Python must judge a document."""
        question = group_by(group, sql_where(where, self.dialect), self.dialect)
        if question is None:
            return None
        with self.transaction(write=False) as run:
            if self._is_beyond(run, [*fields_of(where), *fields_of_group(group)]):
                return None
            rows = run(question.sql, *question.parameters)
        return groups_of(group, rows)

    def _page(self, where: Piece, size: int) -> list[StoredRow]:
        with self.transaction(write=False) as run:
            ahead = run(
                f"SELECT size, key, version FROM documents WHERE {where.sql} ORDER BY key, version LIMIT {size}",
                *where.parameters,
            )
            if not ahead:
                return []
            last, total = ahead[0], 0
            for entry in ahead:
                total += entry[0]
                if total > _PAGE_BYTES and entry is not ahead[0]:
                    break
                last = entry
            question = (
                f"SELECT {_ROW} FROM documents WHERE {where.sql} AND (key < ? OR (key = ? AND version <= ?)) "
                "ORDER BY key, version"
            )
            return [_row(row) for row in run(question, *where.parameters, last[1], last[1], last[2])]

    def _is_beyond(self, run: Execute, fields: Iterable[FieldPath]) -> bool:
        """Whether there is a document that Python must judge for those fields."""
        beyond = beyond_sql(fields, self.dialect)
        if beyond.sql == "FALSE":
            return False
        return bool(run(f"SELECT 1 FROM documents WHERE {_ALIVE} AND {beyond.sql} LIMIT 1", *beyond.parameters))

    def _insert(self, run: Execute, rows: Sequence[StoredRow], *, current: bool) -> None:
        """One parameter for many rows: DuckDB binds slowly, and its executemany goes row by row. Large ones alone.

        A large text within that parameter would be there three times: as it is, escaped, and taken out again.
        """
        values = [{**pick(row, *COLUMNS), "current": current} for row in rows]
        small = [value for value in values if value["size"] < _LARGE]
        if small:
            run(self.insertion, _json(small))
        for value in values:
            if value["size"] >= _LARGE:
                run(f"INSERT INTO documents ({', '.join(TYPES)}) VALUES ({_MARKS})", *value.values())


def _row(columns: Sequence[Any]) -> StoredRow:
    return StoredRow(
        **{**dict(zip(COLUMNS, columns, strict=True)), "odd": bool(columns[11]), "deleted": bool(columns[12])}
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
