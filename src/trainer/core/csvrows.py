"""Rows of delimited text one after the other: quoting as its standard has it, and a stray mark costs no other row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any


def csv_rows(
    lines: Iterable[str],
    *,
    delimiter: str,
    quote: str = '"',
    escape: str = "",
    skips_blanks: bool = False,
    most_lines: int | None = None,
) -> Iterator[tuple[int, list[str] | None, str]]:
    """Each row with the line it starts on, from 1, its cells and its raw text; cells None where its quotes never close.

    `lines` end with their line ends. Marks that do not enclose a cell are words of it: `"blue" scarf` stays as written,
    and `"the "new" one"` is `the "new" one`. A row that cannot be read ends with its own line, and one cell goes over
    `most_lines` lines at most.
    """
    options: dict[str, Any] = {
        "delimiter": delimiter, "quotechar": quote or None, "doublequote": not escape, "escapechar": escape or None,
        "quoting": csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE, "skipinitialspace": skips_blanks,
    }  # fmt: skip
    feed, start = _Feed(iter(lines), most_lines), 1
    while True:
        try:
            for cells in csv.reader(feed, **options, strict=bool(quote)):
                yield start, cells, feed.raw()
                start += len(feed.taken)
                feed.taken.clear()
            return
        except csv.Error:
            line, *feed.waiting[:0] = feed.taken
            feed.taken.clear()
        raw = line.rstrip("\r\n")
        if raw.count(quote) % 2:
            yield start, None, raw
        elif escape:
            yield start, next(csv.reader([raw], **options), []), raw
        else:
            yield start, _loose_cells(raw, delimiter, quote, skips_blanks=skips_blanks), raw
        start += 1


def _loose_cells(raw: str, delimiter: str, quote: str, *, skips_blanks: bool) -> list[str]:
    """The cells of a line in which a mark ends a quotation only where the cell ends."""
    cells: list[str] = []
    at = 0
    while True:
        while skips_blanks and raw.startswith(" ", at):
            at += 1
        end = _closing(raw, at + 1, delimiter, quote) if raw.startswith(quote, at) else -1
        if end >= 0:
            cells.append(raw[at + 1 : end].replace(quote * 2, quote))
            end += 1
        else:
            end = next_mark if (next_mark := raw.find(delimiter, at)) >= 0 else len(raw)
            cells.append(raw[at:end])
        if end >= len(raw):
            return cells
        at = end + 1


def _closing(raw: str, at: int, delimiter: str, quote: str) -> int:
    """Where the quotation that opened before `at` ends; -1 where it does not before another cell opens one."""
    while (at := raw.find(quote, at)) >= 0:
        if raw.endswith(delimiter, 0, at):
            return -1
        if raw.startswith(quote, at + 1):
            at += 2
        elif at + 1 == len(raw) or raw.startswith(delimiter, at + 1):
            return at
        else:
            at += 1
    return -1


class _Feed:
    """Lines for a reader, kept until their row is read, that stops where one row takes too many of them."""

    def __init__(self, lines: Iterator[str], most: int | None) -> None:
        self._lines, self._most = lines, most
        self.taken: list[str] = []
        """The lines of the row under way."""
        self.waiting: list[str] = []
        """Lines that were taken for a row that could not be read."""

    def raw(self) -> str:
        """The text of the row under way."""
        return "".join(self.taken).rstrip("\r\n")

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self._most is not None and len(self.taken) > self._most:
            raise csv.Error("a cell that never ends")
        line = self.waiting.pop(0) if self.waiting else next(self._lines)
        self.taken.append(line)
        return line
