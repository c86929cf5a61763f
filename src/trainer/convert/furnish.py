"""What a report needs beyond its Markdown: anchors, contents, captions, numbers, charts, figures that line up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trainer.convert.document import Document
from trainer.convert.figures import number_figures
from trainer.convert.widths import has_long_word
from trainer.core.markdown import plain_text
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from markdown_it.token import Token

    from trainer.convert.charts import Chart

CAPTION = "Table: "
_DEEPEST_IN_CONTENTS = 3
_NUMERIC = re.compile(
    r"[(\[]?[-−+~≈<>≤≥±]?\s*(?:[A-Z]{0,3}[$€£¥₹]|[A-Z]{3}\s)?\s*[-−+]?\d[\d\s,.'’]*(?:e[-+]?\d+)?\s*"
    r"(?:%|‰|x|×|bps|pp|[kKmMbBtT]|[mb]n|tn|tr|million|billion|trillion|bn|thousand|days?|years?|[$€£¥])?[)\]]?\*?",
)
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
    headings: tuple[Heading, ...] = ()
    findings: tuple[Finding, ...] = ()
    charts: Mapping[str, Chart] = field(default_factory=dict)
    """By the figure's id; their fences are tokens of type `chart`, captioned pictures ones of type `picture`."""


def furnish(document: Document, *, data: Mapping[str, Json]) -> Furnished:
    """The document with its title lifted out, anchors on headings, captions on tables and charts resolved."""
    title, tokens = _lift_title(document)
    tokens = [token.copy() if token.type in _CHANGED else token for token in tokens]
    headings = _anchor(tokens)
    tokens = _caption_tables(tokens)
    tokens, charts, findings = number_figures(tokens, document, data)
    shown = tuple(heading for heading in headings if heading.level <= _DEEPEST_IN_CONTENTS)
    return Furnished(document, tuple(tokens), title, shown, tuple(findings), charts)


# Cells are marked in place: a second furnishing marks them the same, and copies of thousands of cells cost.
_CHANGED = frozenset(("heading_open", "table_open", "fence"))


def _lift_title(document: Document) -> tuple[str, list[Token]]:
    tokens = list(document.tokens)
    given = document.meta.get("title")
    title = str(given) if isinstance(given, str | int | float) else ""
    if len(tokens) < 3 or tokens[0].type != "heading_open" or tokens[0].tag != "h1":
        return title, tokens
    heading = plain_text(tokens[1].children)
    if title and heading.casefold().strip() != title.casefold().strip():
        return title, tokens
    return title or heading, tokens[3:]


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
    kept = "".join(letter for letter in folded if letter.isalnum() or letter in " -_")
    return re.sub(r"[\s_-]+", "-", kept).strip("-") or "section"


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
    kept: list[Token] = []
    number = 0
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            token.meta = {"rows": _mark_cells(tokens, at)}
            if _is_caption(kept, token):
                number += 1
                caption = kept[-2].copy(children=_without_mark(kept[-2].children or []))
                del kept[-3:]
                token.meta |= {"caption": caption, "number": number}
        kept.append(token)
    return kept


def _is_caption(kept: Sequence[Token], table: Token) -> bool:
    return (
        len(kept) >= 3
        and kept[-1].type == "paragraph_close"
        and kept[-1].level == table.level
        and kept[-3].type == "paragraph_open"
        and kept[-2].content.startswith(CAPTION)
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
    cells[0].attrSet("scope", "col")
    for cell, said in zip(cells[1:], words, strict=True):
        if has_long_word(said):
            cell.attrSet("class", "long")
    if all(_DATE.fullmatch(word) or word.casefold() in _PLACEHOLDERS for word in words) and any(words):
        for cell in cells[1:]:
            cell.attrSet("class", "date")
    aligned = cells[0].attrGet("style")
    if not aligned and is_numeric(words):
        for cell in cells:
            cell.attrSet("class", "num")
    elif aligned == "text-align:right":
        for cell in cells:
            cell.attrs.pop("style", None)
            cell.attrSet("class", "num")
    elif first and not aligned and all(words):
        for cell in cells[1:]:
            cell.meta = {"row_header": True}


def is_numeric(words: Sequence[str]) -> bool:
    """Whether a column holds figures: most cells are numbers, all others stand for a missing one."""
    told = [word for word in words if word.casefold() not in _PLACEHOLDERS]
    numbers = sum(bool(_NUMERIC.fullmatch(word)) for word in told)
    return bool(told) and numbers >= 0.8 * len(told)
