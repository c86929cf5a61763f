"""A Markdown text as blocks with their places, for all that read Markdown without writing another format.

The parser knows lines only. Offsets and columns are found from the lines: what a parser takes off a line, marks of
quotes and lists and indentation, always stands before its content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from markdown_it.token import Token
from markdown_it.utils import EnvType

from trainer.core.frontmatter import Parts, split_front_matter
from trainer.core.markdown.parser import parse_blocks, plain_text
from trainer.core.markdown.spans import Span, inline_tokens, spans_of

BlockKind = Literal["front", "heading", "paragraph", "table", "code", "html", "rule", "math", "other"]
Container = Literal["quote", "list", "item", "note", "definitions", "term", "definition"]
Alignment = Literal["left", "right", "center", ""]

_CONTAINERS: dict[str, Container] = {
    "blockquote": "quote",
    "alert": "quote",
    "bullet_list": "list",
    "ordered_list": "list",
    "list_item": "item",
    "footnote": "note",
    "footnote_reference": "note",
    "dl": "definitions",
    "dt": "term",
    "dd": "definition",
}
_LEAVES: dict[str, BlockKind] = {
    "fence": "code",
    "code_block": "code",
    "html_block": "html",
    "hr": "rule",
    "math_block": "math",
    "math_block_label": "math",
}
_LINE_END = re.compile(r"\r\n?|\n")
_PIPE = re.compile(r"(?<!\\)\|")
_HASHES = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*#{1,6}(?=[ \t]|\Z)")
_MARKS_BEFORE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    """As written between its pipes, without the spaces around it."""
    line: int
    column: int
    """Where its text starts, counted from 1."""
    start: int
    """Its offset in the document's text."""


@dataclass(frozen=True, slots=True)
class Table:
    """A pipe table; a row may have fewer or more cells than the header."""

    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    alignments: tuple[Alignment, ...]
    """Of the header's columns."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block that holds no other, such as a heading, a paragraph or a table."""

    kind: BlockKind
    text: str
    """Its source lines, with the marks of lists and quotes before them, without the last line end."""
    line: int
    """Of its first line, counted from 1."""
    end_line: int
    """Of its last line."""
    start: int
    """Where its first line starts, as an offset into the document's text."""
    end: int
    """Where its last line ends."""
    content: str = ""
    """The inline Markdown of a heading or paragraph; what code holds; both without marks before their lines."""
    level: int = 0
    """Of a heading, from 1 to 6."""
    title: str = ""
    """The words of a heading."""
    info: str = ""
    """What stands behind the opening of a fence: `json`, `chart` …"""
    is_fenced: bool = False
    is_closed: bool = True
    """Whether a fence is closed; one that is not takes the rest of its container."""
    headings: tuple[str, ...] = ()
    """The words of the headings above it, outermost first."""
    containers: tuple[Container, ...] = ()
    """What it stands in, outermost first."""
    table: Table | None = None

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, counted from 1, of an offset into `text`."""
        before = self.text[:offset]
        lines = _LINE_END.findall(before)
        at = max(before.rfind("\n"), before.rfind("\r"))
        return self.line + len(lines), offset - at


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with all that follows it up to the next heading of its level or above."""

    heading: Block | None
    """None for what stands before the first heading."""
    blocks: tuple[Block, ...]
    """Without the heading, with those of sections within."""

    @property
    def title(self) -> str:
        """The heading's words; empty before the first heading."""
        return self.heading.title if self.heading else ""

    @property
    def level(self) -> int:
        """The heading's level; 0 before the first heading."""
        return self.heading.level if self.heading else 0

    @property
    def own(self) -> tuple[Block, ...]:
        """The blocks up to the first heading within."""
        first = next((at for at, block in enumerate(self.blocks) if is_section_heading(block)), len(self.blocks))
        return self.blocks[:first]


@dataclass(frozen=True, slots=True)
class MarkdownDocument:
    """A Markdown text, taken apart."""

    text: str
    front: Parts
    """Its front matter, where there is some."""
    blocks: tuple[Block, ...]
    """In reading order; together they hold every line that is not blank, `front` first."""
    env: EnvType = field(default_factory=dict, compare=False, repr=False)
    """What links and notes refer to, as markdown-it keeps it."""

    @property
    def headings(self) -> tuple[Block, ...]:
        """The headings that make sections: those in quotes and lists are part of what surrounds them."""
        return tuple(block for block in self.blocks if is_section_heading(block))

    @property
    def sections(self) -> tuple[Section, ...]:
        """One for each heading, in order, and one for what stands before the first, where there is something."""
        body = [block for block in self.blocks if block.kind != "front"]
        starts = [at for at, block in enumerate(body) if is_section_heading(block)]
        first = starts[0] if starts else len(body)
        sections = [Section(None, tuple(body[:first]))] if first else []
        for number, at in enumerate(starts):
            level = body[at].level
            end = next((later for later in starts[number + 1 :] if body[later].level <= level), len(body))
            sections.append(Section(body[at], tuple(body[at + 1 : end])))
        return tuple(sections)

    @property
    def tables(self) -> tuple[Block, ...]:
        """The blocks that are tables."""
        return tuple(block for block in self.blocks if block.table)

    @property
    def unclosed(self) -> Block | None:
        """The first fence that is never closed."""
        return next((block for block in self.blocks if block.is_fenced and not block.is_closed), None)

    @property
    def links(self) -> tuple[Span, ...]:
        """All links and pictures, in order."""
        return tuple(span for block in self.blocks for span in self.spans(block) if span.kind in ("link", "image"))

    def spans(self, block: Block) -> tuple[Span, ...]:
        """What the text of a block holds besides words: code, links, pictures, HTML, formulas, marks of notes."""
        if block.table:
            cells = (cell for row in (block.table.header, *block.table.rows) for cell in row)
            return tuple(span for cell in cells for span in spans_of(_content(cell), self._offsets(cell), self.env))
        if block.kind not in ("heading", "paragraph"):
            return ()
        return tuple(spans_of(block.content, self._line_offsets(block), self.env))

    def words(self, part: Block | Cell) -> str:
        """The words of a heading, paragraph or cell, without any mark, in one line."""
        content = _content(part) if isinstance(part, Cell) else part.content
        return plain_text(inline_tokens(content, self.env))

    def _offsets(self, cell: Cell) -> list[tuple[int, int]]:
        """Where the pieces of a cell's content stand: a backslash before a pipe is not part of it."""
        escapes = [escape.start() for escape in re.finditer(r"\\\|", cell.text)]
        return [(0, cell.start), *((at - count, cell.start + at + 1) for count, at in enumerate(escapes))]

    def _line_offsets(self, block: Block) -> list[tuple[int, int]]:
        """Where the lines of a block's content stand, as offsets into the content and into the document."""
        pieces, within, start = [], 0, block.start
        ends = [*(mark.span() for mark in _LINE_END.finditer(block.text)), (len(block.text), len(block.text))]
        begins = [0, *(end for _, end in ends)]
        for line, begin, (end, _) in zip(block.content.split("\n"), begins, ends, strict=False):
            source = block.text[begin:end]
            hashes = _HASHES.match(source) if block.kind == "heading" else None
            at = source.find(line, hashes.end()) if hashes else source.rstrip().rfind(line.rstrip())
            if at < 0:  # tabs before it became spaces
                at = len(source) - len(source.lstrip(" \t>"))
            pieces.append((within, start + begin + at))
            within += len(line) + 1
        return pieces


def _content(cell: Cell) -> str:
    return cell.text.replace("\\|", "|")


def is_section_heading(block: Block) -> bool:
    """Whether a block is a heading that stands in no quote, list or note."""
    return block.kind == "heading" and not block.containers


@lru_cache(maxsize=16)
def read_markdown(text: str, *, shown: str = "document.md", front_matter: bool = True) -> MarkdownDocument:
    """The blocks of a Markdown text, `shown` in errors; without `front_matter` its first lines are text like others.

    Raises ConversionError, with the line, where quotes and lists are nested deeper than can be read.
    """
    parts = split_front_matter(text, shown=shown) if front_matter else Parts(None, text, 1)
    env: EnvType = {}
    tokens = parse_blocks(parts.body, env, shown=shown, first_line=parts.body_line)
    reader = _Reader(text, parts)
    return MarkdownDocument(text, parts, tuple(reader.headed(reader.blocks(tokens), env)), env)


class _Reader:
    """Walks the tokens once."""

    def __init__(self, text: str, parts: Parts) -> None:
        self.text = text
        self.first = parts.body_line - 1
        ends = [match.span() for match in _LINE_END.finditer(text)]
        self.starts = [0, *(end for _, end in ends)]
        self.ends = [*(start for start, _ in ends), len(text)]

    def blocks(self, tokens: Sequence[Token]) -> Iterator[Block]:
        """Every block, and between them what makes no token, in the order of the lines."""
        if self.first:
            yield self.block("front", 0, self.first)
        done = self.first
        for block in self.leaves(tokens):
            yield from self.gap(done, block.line - 1)
            yield block
            done = max(done, block.end_line)
        yield from self.gap(done, len(self.starts))

    def leaves(self, tokens: Sequence[Token]) -> Iterator[Block]:
        around: list[Container] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            name = token.type.removesuffix("_open").removesuffix("_close")
            if name in _CONTAINERS:
                if token.nesting > 0:
                    around.append(_CONTAINERS[name])
                else:
                    around.pop()
            elif token.type == "table_open":
                end = next(index for index in range(at, len(tokens)) if tokens[index].type == "table_close")
                yield self.table(tokens[at:end], tuple(around))
                at = end
            elif token.type in _LEAVES and token.map:
                yield self.leaf(token, tuple(around))
            elif token.type == "inline" and token.map:
                opening = tokens[at - 1]
                is_heading = opening.type == "heading_open"
                start, end = opening.map if is_heading and opening.map else token.map
                yield self.block(
                    "heading" if is_heading else "paragraph",
                    start + self.first,
                    end + self.first,
                    content=token.content,
                    level=int(opening.tag[1]) if is_heading else 0,
                    containers=tuple(around),
                )
            at += 1

    def leaf(self, token: Token, around: tuple[Container, ...]) -> Block:
        assert token.map
        start, end = token.map
        is_fenced = token.type == "fence"
        return self.block(
            _LEAVES[token.type],
            start + self.first,
            end + self.first,
            content=token.content,
            info=token.info.strip() if is_fenced else "",
            is_fenced=is_fenced,
            is_closed=not is_fenced or end - start - 1 > token.content.count("\n"),
            containers=around,
        )

    def table(self, tokens: Sequence[Token], around: tuple[Container, ...]) -> Block:
        lines = [token.map[0] + self.first for token in tokens if token.type == "tr_open" and token.map]
        styles = [str(token.attrs.get("style", "")) for token in tokens if token.type == "th_open"]
        alignments: dict[str, Alignment] = {f"text-align:{side}": side for side in ("left", "right", "center")}
        header, *rows = (self.cells(line) for line in lines)
        table = Table(header, tuple(rows), tuple(alignments.get(style, "") for style in styles))
        # the line of dashes belongs to it, also where no row follows
        return self.block("table", lines[0], max(lines[-1], lines[0] + 1) + 1, containers=around, table=table)

    def cells(self, line: int) -> tuple[Cell, ...]:
        """The cells of a table's line: what stands between pipes that no backslash escapes."""
        start, end = self.starts[line], self.ends[line]
        marks = _MARKS_BEFORE.match(self.text, start, end)
        start = marks.end() if marks else start
        end = start + len(self.text[start:end].rstrip())
        bounds = [start - 1, *(pipe.start() for pipe in _PIPE.finditer(self.text, start, end)), end]
        pairs = list(pairwise(bounds))
        if len(pairs) > 1 and self.text[start : start + 1] == "|":
            pairs = pairs[1:]
        if len(pairs) > 1 and not self.text[pairs[-1][0] + 1 : end].strip():
            pairs = pairs[:-1]
        cells = []
        for left, right in pairs:
            raw = self.text[left + 1 : right]
            at = left + 1 + len(raw) - len(raw.lstrip())
            cells.append(Cell(raw.strip(), line + 1, at - self.starts[line] + 1, at))
        return tuple(cells)

    def gap(self, start: int, end: int) -> Iterator[Block]:
        """What stands between blocks: definitions of links, items and quotes that hold nothing."""
        run: list[int] = []
        for line in [*range(start, end), -1]:
            if line >= 0 and self.text[self.starts[line] : self.ends[line]].strip():
                run.append(line)
            elif run:
                yield self.block("other", run[0], run[-1] + 1)
                run = []

    def block(self, kind: BlockKind, start: int, end: int, **more: object) -> Block:
        """The block of some lines, without blank ones at its end."""
        end = max(end, start + 1)
        while end - 1 > start and not self.text[self.starts[end - 1] : self.ends[end - 1]].strip():
            end -= 1
        begin, stop = self.starts[start], self.ends[end - 1]
        return Block(kind, self.text[begin:stop], start + 1, end, begin, stop, **more)  # type: ignore[arg-type]

    def headed(self, blocks: Iterator[Block], env: EnvType) -> Iterator[Block]:
        """The blocks with the headings above them."""
        above: list[tuple[int, str]] = []
        for block in blocks:
            title = plain_text(inline_tokens(block.content, env)).strip() if block.kind == "heading" else ""
            if is_section_heading(block):
                above = [entry for entry in above if entry[0] < block.level]
            yield replace(block, title=title, headings=tuple(name for _, name in above))
            if is_section_heading(block):
                above.append((block.level, title))
