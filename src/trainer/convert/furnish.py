"""What a report needs beyond its Markdown: anchors, contents, captions, numbers, charts, figures that line up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trainer.convert.direction import Direction, document_direction, language_of, text_direction
from trainer.convert.document import Document
from trainer.convert.figures import number_figures
from trainer.convert.readers.html import CAPTION
from trainer.convert.widths import has_long_word, is_figure
from trainer.core.markdown import plain_text
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from markdown_it.token import Token

    from trainer.convert.charts import Chart

_DEEPEST_IN_CONTENTS = 3
_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?|\d{1,2} \w{3,9} \d{4}|\w{3,9} \d{4}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_PLACEHOLDERS = frozenset(("", "-", "–", "—", "−", "n/a", "na", "n.a.", "n.m.", "nm", "none", "?", "…", "..."))


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the contents."""

    level: int
    ident: str
    text: str


@dataclass(frozen=True, slots=True)
class Furnished:
    """A document ready for a writer of pages."""

    document: Document
    tokens: tuple[Token, ...]
    title: str
    """From the front matter, else the first heading, which then leaves the body."""
    language: str = "en"
    direction: Direction = "ltr"
    heading: tuple[Token, ...] = ()
    """The title's inline tokens, where it was a heading: its links, emphasis, code, formulas and notes."""
    headings: tuple[Heading, ...] = ()
    findings: tuple[Finding, ...] = ()
    charts: Mapping[str, Chart] = field(default_factory=dict)
    """By the figure's id; their fences are tokens of type `chart`, captioned pictures ones of type `picture`."""


def furnish(
    document: Document, *, data: Mapping[str, Json] | None = None, meta: Mapping[str, Json] | None = None
) -> Furnished:
    """The document with its title lifted out, anchors on headings, captions on tables and charts resolved.

    `meta` stands in place of the front matter's members of the same names.
    """
    facts = {**document.meta, **(meta or {})}
    direction = document_direction(facts, document.source)
    title, heading, tokens = _lift_title(document, str(facts.get("title") or ""))
    tokens = [token.copy() if token.type in _CHANGED else token for token in tokens]
    headings = _anchor(tokens)
    tokens = _caption_tables(tokens)
    if direction == "rtl" or not document.source.isascii():
        _turn_blocks(tokens, direction)
    tokens, charts, findings = number_figures(tokens, document, data or {})
    contents = tuple(heading for heading in headings if heading.level <= _DEEPEST_IN_CONTENTS)
    return Furnished(
        document,
        tuple(tokens),
        title,
        language_of(facts),
        direction,
        heading,
        contents,
        tuple(findings),
        charts,
    )


# Cells are marked in place: a second furnishing marks them the same, and copies of thousands of cells cost.
_CHANGED = frozenset(("heading_open", "table_open", "paragraph_open", "fence"))


def _lift_title(document: Document, title: str) -> tuple[str, tuple[Token, ...], list[Token]]:
    """The title, its inline tokens where it is the first heading, and the tokens without that heading."""
    tokens = list(document.tokens)
    if len(tokens) < 3 or tokens[0].type != "heading_open" or tokens[0].tag != "h1":
        return title, (), tokens
    children = tokens[1].children or []
    words = " ".join(plain_text(children).split())
    if title and words.casefold() != " ".join(title.casefold().split()):
        return title, (), tokens
    return title or words, tuple(children), tokens[3:]


def _turn_blocks(tokens: Sequence[Token], direction: Direction) -> None:
    """Say the direction of each block most of whose letters go the other way than the document."""
    for at, token in enumerate(tokens):
        if token.type == "inline" and at and tokens[at - 1].nesting == 1:
            own = text_direction(plain_text(token.children))
            if own and own != direction:
                tokens[at - 1].attrSet("dir", own)


def _anchor(tokens: Sequence[Token]) -> list[Heading]:
    taken: set[str] = set()
    headings = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            words = plain_text(tokens[at + 1].children)
            ident = _unique(slug(words), taken)
            token.attrSet("id", ident)
            headings.append(Heading(int(token.tag[1]), ident, words))
    return headings


def slug(words: str) -> str:
    """An anchor from a heading's words: lower case, hyphens, letters of every script.

    >>> slug("Revenue & R&D: 2024")
    'revenue-rd-2024'
    """
    folded = unicodedata.normalize("NFKC", words).casefold()
    letters = "".join(letter for letter in folded if letter.isalnum() or letter in " -_")
    return re.sub(r"[\s_-]+", "-", letters).strip("-") or "section"


_OURS = re.compile(r"(?:table|figure|fn|fnref)-[\d-]+[td]?|contents-heading")


def _unique(ident: str, taken: set[str]) -> str:
    name, number = ident, 1
    while name in taken or _OURS.fullmatch(name):
        number += 1
        name = f"{ident}-s{number}"
    taken.add(name)
    return name


def _caption_tables(tokens: list[Token]) -> list[Token]:
    """The tokens with each caption paragraph moved into its table's `meta`, and figures marked in the cells."""
    result: list[Token] = []
    number = 0
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            token.meta = {"rows": _mark_cells(tokens, at)}
            if _is_caption(result, token):
                number += 1
                caption = result[-2].copy(children=_without_mark(result[-2].children or []))
                del result[-3:]
                token.meta |= {"caption": caption, "number": number}
        result.append(token)
    return result


def _is_caption(before: Sequence[Token], table: Token) -> bool:
    return (
        len(before) >= 3
        and before[-1].type == "paragraph_close"
        and before[-1].level == table.level
        and before[-3].type == "paragraph_open"
        and before[-2].content.startswith(CAPTION)
    )


def _without_mark(children: Sequence[Token]) -> list[Token]:
    return [children[0].copy(content=children[0].content.removeprefix(CAPTION)), *children[1:]]


def _mark_cells(tokens: Sequence[Token], start: int) -> list[list[str]]:
    """The words of every cell; columns of figures get the class `num`, header cells their scope."""
    rows: list[list[str]] = []
    cells: list[list[Token]] = []
    for at in range(start + 1, len(tokens)):
        token = tokens[at]
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
            cells.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(plain_text(tokens[at + 1].children).strip())
            cells[-1].append(token)
    for column in range(len(rows[0]) if rows else 0):
        _mark_column([row[column] for row in rows[1:]], [row[column] for row in cells], first=column == 0)
    return rows


def _mark_column(words: Sequence[str], cells: Sequence[Token], *, first: bool) -> None:
    """Say of the cells what they hold; only dates and figures stay on one line, however their column is aligned."""
    cells[0].attrSet("scope", "col")
    aligned = cells[0].attrGet("style")
    dates = any(words) and all(_DATE.fullmatch(word) or word.casefold() in _PLACEHOLDERS for word in words)
    numeric = is_numeric(words)
    lined_up = numeric and aligned in (None, "text-align:right")
    if lined_up:
        cells[0].attrs.pop("style", None)
        cells[0].attrSet("class", "num")
    for cell, content in zip(cells[1:], words, strict=True):
        classes = ["long"] if has_long_word(content) else []
        if lined_up:
            cell.attrs.pop("style", None)
            classes = ["num"] if _is_short(content) else ["num", "words"]
        elif dates or (numeric and _is_short(content)):
            classes = ["date"]
        if classes:
            cell.attrSet("class", " ".join(classes))
    if first and not aligned and not lined_up and all(words):
        for cell in cells[1:]:
            cell.meta = {"row_header": True}


def _is_short(content: str) -> bool:
    """Whether a cell of a column of figures is a figure, or stands for a missing one."""
    return is_figure(content) or content.casefold() in _PLACEHOLDERS


def is_numeric(words: Sequence[str]) -> bool:
    """Whether a column holds figures: most cells are numbers, all others stand for a missing one."""
    cells = [word for word in words if word.casefold() not in _PLACEHOLDERS]
    return bool(cells) and sum(map(is_figure, cells)) >= 0.8 * len(cells)
