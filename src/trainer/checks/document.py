"""A light reading of Markdown: its blocks with their lines, and its inline marks blanked so that columns stay true."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

BlockKind = Literal["front", "heading", "text", "item", "quote", "table", "code", "chart"]

APPENDIX_TITLES = {"en": "Sources of figures", "de": "Quellen der Zahlen", "fr": "Sources des chiffres"}
"""The headings of the appendix that `sources_appendix` writes, by language; checks pass over it."""
MARK = "†"
"""What `annotate` sets behind a figure, and checks pass over."""

_APPENDICES = frozenset(title.casefold() for title in APPENDIX_TITLES.values())
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_INLINE = re.compile(
    r"<!--.{0,2000}?-->"  # comments
    r"|`[^`\n]+`"  # code
    r"|(?<=\])\([^()\s]*(?:[ \t]+\"[^\"\n]*\")?\)"  # a link's address
    r"|</?[A-Za-z][^<>\n]*>"  # HTML
    r"|\[\^[^\]\s]+\]"  # a footnote's mark
    r"|https?://[^\s)>\]]+"
    r"|" + MARK,
    re.DOTALL,
)
_EMPHASIS = re.compile(r"[*_~\[\]\\]")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    """Blanked of inline marks, as long as in the source."""
    line: int
    column: int
    """Where its text starts, counted from 1."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a document."""

    kind: BlockKind
    line: int
    """Of its first line, counted from 1."""
    text: str
    """Its source lines, blanked of inline marks, as long as in the source."""
    level: int = 0
    """Of a heading."""
    headings: tuple[str, ...] = ()
    """The headings above it, outermost first."""
    header: tuple[Cell, ...] = ()
    """Of a table."""
    rows: tuple[tuple[Cell, ...], ...] = ()
    """Of a table, without its header."""
    caption: str = ""
    """Of a table or chart: the text just above it."""
    appendix: bool = False
    """Whether it belongs to the appendix of sources."""

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset into `text`."""
        starts = _line_starts(self.text)
        at = bisect.bisect_right(starts, offset) - 1
        return self.line + at, offset - starts[at] + 1


@dataclass(frozen=True, slots=True)
class Document:
    """A Markdown text, taken apart."""

    blocks: tuple[Block, ...] = ()
    unclosed: int | None = field(default=None)
    """The line of a fence that is never closed."""

    @property
    def headings(self) -> list[Block]:
        """Its headings."""
        return [block for block in self.blocks if block.kind == "heading"]


@lru_cache(maxsize=8)
def read_document(text: str) -> Document:
    """The blocks of a Markdown text."""
    reader = _Reader(text.split("\n"))
    return Document(tuple(_within_sections(reader.blocks())), reader.unclosed)


def blanked(text: str) -> str:
    """The text with inline marks, code, addresses and comments replaced by as many spaces."""
    text = _INLINE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return _EMPHASIS.sub(" ", text)


def title_of(text: str) -> str:
    """A heading's words as they are compared: no marks, no number in front, case folded."""
    bare = re.sub(r"^\s*(?:\d+(?:\.\d+)*[.):]?|[IVX]+[.)])\s+", "", blanked(text).replace("`", " "))
    return " ".join(re.sub(r"[^\w&%/+-]+", " ", bare).split()).casefold()


@lru_cache(maxsize=64)
def _line_starts(text: str) -> tuple[int, ...]:
    return (0, *(found.end() for found in re.finditer("\n", text)))


class _Reader:
    """Walks the lines once."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.unclosed: int | None = None

    def blocks(self) -> Iterator[Block]:
        if self.lines[0].rstrip() == "---" and "---" in (line.rstrip() for line in self.lines[1:]):
            yield self._front()
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip():
                self.at += 1
            elif fence := _FENCE.match(line):
                yield self._fenced(fence[1], fence[2])
            elif heading := _HEADING.match(line):
                yield Block("heading", self.at + 1, blanked(line), level=len(heading[1]))
                self.at += 1
            elif self._is_table():
                yield self._table()
            else:
                yield self._paragraph()

    def _front(self) -> Block:
        end = next(at for at, line in enumerate(self.lines) if at and line.rstrip() == "---")
        self.at = end + 1
        return Block("front", 1, "\n".join(self.lines[: end + 1]))

    def _fenced(self, fence: str, word: str) -> Block:
        start = self.at
        close = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
        self.at += 1
        while self.at < len(self.lines) and not close.match(self.lines[self.at]):
            self.at += 1
        if self.at >= len(self.lines):
            self.unclosed = start + 1
        body = "\n".join(self.lines[start + 1 : self.at])
        self.at += 1
        return Block("chart" if word == "chart" else "code", start + 2, body)

    def _is_table(self) -> bool:
        follows = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        return "|" in self.lines[self.at] and "|" in follows and bool(_RULE.match(follows))

    def _table(self) -> Block:
        start = self.at
        header = _cells(self.lines[start], start + 1)
        self.at += 2
        rows = []
        while self.at < len(self.lines) and "|" in self.lines[self.at]:
            rows.append(_cells(self.lines[self.at], self.at + 1))
            self.at += 1
        text = "\n".join(self.lines[start : self.at])
        return Block("table", start + 1, blanked(text), header=header, rows=tuple(rows))

    def _paragraph(self) -> Block:
        start = self.at
        first = self.lines[start]
        kind: BlockKind = "item" if _ITEM.match(first) else "quote" if first.lstrip().startswith(">") else "text"
        self.at += 1
        while self.at < len(self.lines) and not self._ends_paragraph():
            self.at += 1
        return Block(kind, start + 1, blanked("\n".join(self.lines[start : self.at])))

    def _ends_paragraph(self) -> bool:
        line = self.lines[self.at]
        return bool(not line.strip() or _FENCE.match(line) or _HEADING.match(line) or _ITEM.match(line)) or (
            self._is_table()
        )


def _cells(line: str, number: int) -> tuple[Cell, ...]:
    cells = []
    shown = blanked(line.replace("\\|", "  "))
    start = shown.index("|") + 1 if shown.lstrip().startswith("|") else 0
    end = len(shown.rstrip())
    while start < end:
        stop = shown.find("|", start)
        stop = end if stop < 0 else stop
        raw = shown[start:stop]
        lead = len(raw) - len(raw.lstrip())
        cells.append(Cell(raw.strip(), number, start + lead + 1))
        start = stop + 1
    return tuple(cells)


def _within_sections(blocks: Iterator[Block]) -> Iterator[Block]:
    above: list[tuple[int, str]] = []
    appendix = 0
    caption = ""
    for block in blocks:
        if block.kind == "heading":
            title = block.text.strip().lstrip("#").strip()
            above = [entry for entry in above if entry[0] < block.level]
            appendix = 0 if block.level <= appendix else appendix
            appendix = appendix or (block.level if title_of(title) in _APPENDICES else 0)
            yield _placed(block, above, "", bool(appendix))
            above.append((block.level, title))
            caption = ""
            continue
        yield _placed(block, above, caption, bool(appendix))
        caption = block.text if block.kind == "text" else ""


def _placed(block: Block, above: list[tuple[int, str]], caption: str, appendix: bool) -> Block:
    titles = tuple(title for _, title in above)
    return Block(block.kind, block.line, block.text, block.level, titles, block.header, block.rows, caption, appendix)
