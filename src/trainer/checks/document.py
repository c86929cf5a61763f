"""A light reading of Markdown: its blocks with their lines, and its inline marks blanked so that columns stay true."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from trainer.core import markdown
from trainer.core.markdown import read_markdown
from trainer.core.values import FIGURE_MARKS

CheckedKind = Literal["front", "heading", "text", "item", "quote", "table", "code", "chart"]

APPENDIX_TITLES = {"en": "Sources of figures", "de": "Quellen der Zahlen", "fr": "Sources des chiffres"}
"""The headings of the appendix that `sources_appendix` writes, by language; checks pass over it."""
_APPENDICES = frozenset(title.casefold() for title in APPENDIX_TITLES.values())
_INLINE = re.compile(
    r"<!--.{0,2000}?-->"  # comments
    r"|`[^`\n]+`"  # code
    r"|(?<=\])\([^()\s]*(?:[ \t]+\"[^\"\n]*\")?\)"  # a link's address
    r"|</?[A-Za-z][^<>\n]*>"  # HTML
    r"|\[\^[^\]\s]{1,200}\]"  # a footnote's mark
    r"|https?://[^\s)>\]]+"
    rf"|[{''.join(FIGURE_MARKS.values())}]",
    re.DOTALL,
)
_EMPHASIS = re.compile(r"[*_~\[\]\\]")
_ESCAPED = re.compile(r"\\([^\w\s])")
"""A sign that is meant as it stands; it stays beside what it belongs to (`75\\+`), the space goes behind."""


@dataclass(frozen=True, slots=True)
class CheckedCell:
    """One cell of a table."""

    text: str
    """Blanked of inline marks, as long as in the source."""
    line: int
    column: int
    """Where its text starts, counted from 1."""


@dataclass(frozen=True, slots=True)
class CheckedBlock:
    """A block of a document."""

    kind: CheckedKind
    line: int
    """Of its first line, counted from 1."""
    text: str
    """Its source lines, blanked of inline marks, as long as in the source."""
    level: int = 0
    """Of a heading."""
    headings: tuple[str, ...] = ()
    """The headings above it, outermost first."""
    header: tuple[CheckedCell, ...] = ()
    """Of a table."""
    rows: tuple[tuple[CheckedCell, ...], ...] = ()
    """Of a table, without its header."""
    caption: str = ""
    """Of a table or chart: the text just above it."""
    appendix: bool = False
    """Whether it belongs to the appendix of sources."""
    info: str = ""
    """Of code: the language its fence names, folded."""

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset into `text`."""
        starts = _line_starts(self.text)
        at = bisect.bisect_right(starts, offset) - 1
        return self.line + at, offset - starts[at] + 1


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A Markdown text, taken apart."""

    blocks: tuple[CheckedBlock, ...] = ()
    unclosed: int | None = field(default=None)
    """The line of a fence that is never closed."""

    @property
    def headings(self) -> list[CheckedBlock]:
        """Its headings."""
        return [block for block in self.blocks if block.kind == "heading"]


@lru_cache(maxsize=8)
def read_document(text: str) -> CheckedDocument:
    """The blocks of a Markdown text."""
    source = read_markdown(text)
    unclosed = source.unclosed
    blocks = _within_sections(block for part in source.blocks if (block := _block(part)))
    return CheckedDocument(tuple(blocks), unclosed.line if unclosed else None)


def blanked(text: str) -> str:
    """The text with inline marks, code, addresses and comments replaced by as many spaces."""
    text = _INLINE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return _EMPHASIS.sub(" ", _ESCAPED.sub(r"\1 ", text))


def title_of(text: str) -> str:
    """A heading's words as they are compared: no marks, no number in front, case folded."""
    bare = re.sub(r"^\s*(?:\d+(?:\.\d+)*[.):]?|[IVX]+[.)])\s+", "", blanked(text).replace("`", " "))
    return " ".join(re.sub(r"[^\w&%/+-]+", " ", bare).split()).casefold()


@lru_cache(maxsize=64)
def _line_starts(text: str) -> tuple[int, ...]:
    return (0, *(match.end() for match in re.finditer("\n", text)))


def _block(part: markdown.Block) -> CheckedBlock | None:
    """A block as checks see it; None for rules, which say nothing."""
    if part.kind == "rule":
        return None
    if part.kind == "front":
        return CheckedBlock("front", part.line, part.text)
    if part.kind == "code":
        lines = part.text.split("\n")
        body = lines[1 : -1 if part.is_closed else None] if part.is_fenced else lines
        info = "".join(part.info.split()[:1]).casefold()
        kind_of: CheckedKind = "chart" if info == "chart" else "code"
        return CheckedBlock(kind_of, part.line + part.is_fenced, "\n".join(body), info=info)
    if part.kind == "heading" and not part.containers:
        return CheckedBlock("heading", part.line, blanked(part.text), level=part.level)
    if part.table:
        header, *rows = ([_cell(cell) for cell in row] for row in (part.table.header, *part.table.rows))
        return CheckedBlock("table", part.line, blanked(part.text), header=tuple(header), rows=tuple(map(tuple, rows)))
    kind: CheckedKind = "quote" if "quote" in part.containers else "item" if "item" in part.containers else "text"
    return CheckedBlock(kind, part.line, blanked(part.text))


def _cell(cell: markdown.Cell) -> CheckedCell:
    text = blanked(cell.text.replace("\\|", "  "))
    return CheckedCell(text.strip(), cell.line, cell.column + len(text) - len(text.lstrip()))


def _within_sections(blocks: Iterator[CheckedBlock]) -> Iterator[CheckedBlock]:
    above: list[tuple[int, str]] = []
    appendix = 0
    caption = ""
    for block in blocks:
        if block.kind == "heading":
            title = block.text.strip().partition("\n")[0].strip("# ")
            above = [entry for entry in above if entry[0] < block.level]
            appendix = 0 if block.level <= appendix else appendix
            appendix = appendix or (block.level if title_of(title) in _APPENDICES else 0)
            yield _placed(block, above, "", bool(appendix))
            above.append((block.level, title))
            caption = ""
            continue
        yield _placed(block, above, caption, bool(appendix))
        caption = block.text if block.kind == "text" else ""


def _placed(block: CheckedBlock, above: list[tuple[int, str]], caption: str, appendix: bool) -> CheckedBlock:
    titles = tuple(title for _, title in above)
    return CheckedBlock(
        block.kind, block.line, block.text, block.level, titles, block.header, block.rows, caption, appendix, block.info
    )
