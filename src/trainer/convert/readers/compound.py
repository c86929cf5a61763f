"""Compound files, the folders in one file of Office before 2007 and of Outlook: their streams by name."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from trainer.core.errors import ConversionError, Where

_END, _FREE = 0xFFFFFFFE, 0xFFFFFFFF
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: int
    """1 a folder, 2 a stream, 5 the root."""
    left: int
    right: int
    below: int
    start: int
    size: int


class Compound:
    """The streams of a compound file; raises ConversionError for one that is damaged.

    A chain of sectors that bites its tail is damage too: other readers would follow it for ever.
    """

    def __init__(self, content: bytes, shown: str) -> None:
        self._content = content
        self._shown = shown
        try:
            self._open()
        except (struct.error, IndexError, OverflowError):
            raise self._damaged() from None

    def streams(self) -> dict[str, bytes]:
        """All streams by path, `folder/name`."""
        try:
            return {path: self._stream(entry) for path, entry in self._walk(self._entries[0].below, "", 0)}
        except (struct.error, IndexError, OverflowError):
            raise self._damaged() from None

    def _open(self) -> None:
        header = self._content[:512]
        shift, mini_shift = struct.unpack_from("<HH", header, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise self._damaged()
        self._size, self._mini_size = 1 << shift, 1 << mini_shift
        (directory,) = struct.unpack_from("<I", header, 48)
        self._cutoff, mini_start = struct.unpack_from("<I4xI", header, 56)[0], struct.unpack_from("<I", header, 60)[0]
        tables = [*struct.unpack_from("<109I", header, 76)]
        more, count = struct.unpack_from("<II", header, 68)
        for _ in range(min(count, len(self._content) // self._size + 1)):
            if more >= _END:
                break
            sector = struct.unpack(f"<{self._size // 4}I", self._sector(more))
            tables += sector[:-1]
            more = sector[-1]
        self._table: list[int] = []
        for table in tables:
            if (
                table < _END - 4
                and len(self._table) * 4 <= len(self._content)
                and (table + 1) * self._size < len(self._content)
            ):
                self._table += struct.unpack(f"<{self._size // 4}I", self._sector(table))
        raw = self._chain(directory)
        self._entries = [self._entry(raw[at : at + 128]) for at in range(0, len(raw) - 127, 128)]
        self._mini_table = [*struct.unpack(f"<{len(minis) // 4}I", minis)] if (minis := self._chain(mini_start)) else []
        self._minis = self._chain(self._entries[0].start)

    def _entry(self, raw: bytes) -> _Entry:
        length, kind = struct.unpack_from("<HB", raw, 64)
        left, right, below = struct.unpack_from("<III", raw, 68)
        start, size = struct.unpack_from("<IQ", raw, 116)
        name = raw[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
        return _Entry(name, kind, left, right, below, start, size & 0xFFFFFFFF)

    def _walk(self, number: int, path: str, depth: int) -> Iterator[tuple[str, _Entry]]:
        """The streams of a folder and those in it; its entries are a tree, of which each is met once."""
        waiting, met = [number], set[int]()
        while waiting:
            number = waiting.pop()
            if number in met or number >= len(self._entries) or depth > _DEEPEST:
                continue
            met.add(number)
            entry = self._entries[number]
            waiting += [entry.left, entry.right]
            if entry.kind == 2:
                yield f"{path}{entry.name}", entry
            elif entry.kind == 1:
                yield from self._walk(entry.below, f"{path}{entry.name}/", depth + 1)

    def _stream(self, entry: _Entry) -> bytes:
        if entry.size >= self._cutoff:
            return self._chain(entry.start)[: entry.size]
        pieces, at, rest = [], entry.start, entry.size
        while at < len(self._mini_table) and rest > 0:
            pieces.append(self._minis[at * self._mini_size : (at + 1) * self._mini_size])
            rest -= self._mini_size
            at = self._mini_table[at]
        return b"".join(pieces)[: entry.size]

    def _chain(self, start: int) -> bytes:
        pieces, at, met = [], start, set[int]()
        while at < len(self._table):
            if at in met:
                raise self._damaged()
            met.add(at)
            pieces.append(self._sector(at))
            at = self._table[at]
        return b"".join(pieces)

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self._size
        return self._content[at : at + self._size].ljust(self._size, b"\0")

    def _damaged(self) -> ConversionError:
        hint = "open it in its own program, and save it again"
        return ConversionError("damaged, or cut off", where=Where(self._shown), hint=hint)
