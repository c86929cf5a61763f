"""What PostgreSQL's plug-in `pgoutput` writes, message by message: protocol version 1 of logical replication.

https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

UNCHANGED = object()
"""A value that was not sent, since it did not change and is kept outside of its row (TOAST)."""

Cells: TypeAlias = tuple[bytes | object | None, ...]
"""A row: each value as text, None, or UNCHANGED."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction begins."""

    lsn: int
    """Where in the log its commit is."""


@dataclass(frozen=True, slots=True)
class Commit:
    """It ends."""

    end: int
    """Where in the log the next one begins."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What the table of the following changes looks like."""

    oid: int
    schema: str
    table: str
    columns: tuple[str, ...]
    types: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row was inserted (`new` alone), updated, or deleted (`old` alone)."""

    oid: int
    old: Cells | None
    """Its key, or all of it, as far as the table's replica identity says."""
    new: Cells | None


@dataclass(frozen=True, slots=True)
class Truncation:
    """Tables were emptied."""

    oids: tuple[int, ...]


ReplicationMessage: TypeAlias = Begin | Commit | Relation | RowChange | Truncation


def parse_message(data: bytes) -> ReplicationMessage | None:
    """The message; None for those that concern no row: types, origins, messages of applications."""
    reader = _Reader(data[1:])
    match data[:1]:
        case b"B":
            return Begin(reader.number("q"))
        case b"C":
            _, _, end = reader.number("b"), reader.number("q"), reader.number("q")
            return Commit(end)
        case b"R":
            oid, schema, table, _ = reader.number("I"), reader.text(), reader.text(), reader.number("b")
            columns = [(reader.number("b"), reader.text(), reader.number("I"), reader.number("i"))
                       for _ in range(reader.number("h"))]  # fmt: skip
            return Relation(oid, schema, table, tuple(c[1] for c in columns), tuple(c[2] for c in columns))
        case b"I":
            oid, _ = reader.number("I"), reader.number("b")
            return RowChange(oid, None, reader.cells())
        case b"U":
            oid, mark = reader.number("I"), reader.number("b")
            old = reader.cells() if mark in (ord("K"), ord("O")) else None
            if old is not None:
                reader.number("b")
            return RowChange(oid, old, reader.cells())
        case b"D":
            oid, _ = reader.number("I"), reader.number("b")
            return RowChange(oid, reader.cells(), None)
        case b"T":
            count, _ = reader.number("I"), reader.number("b")
            return Truncation(tuple(reader.number("I") for _ in range(count)))
    return None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from(f"!{kind}", self._data, self._at)
        self._at += struct.calcsize(f"!{kind}")
        return value  # type: ignore[no-any-return]

    def text(self) -> str:
        end = self._data.index(b"\0", self._at)
        text = self._data[self._at : end].decode()
        self._at = end + 1
        return text

    def cells(self) -> Cells:
        cells: list[bytes | object | None] = []
        for _ in range(self.number("h")):
            mark = self._data[self._at : self._at + 1]
            self._at += 1
            if mark == b"t":
                length = self.number("i")
                cells.append(self._data[self._at : self._at + length])
                self._at += length
            else:
                cells.append(UNCHANGED if mark == b"u" else None)
        return tuple(cells)
