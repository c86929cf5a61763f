"""What a document needs for the page: tables too wide for it are cut by columns, and their headings go with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trainer.convert.widths import LANDSCAPE, SMALL, column_groups, column_widths, fit

if TYPE_CHECKING:
    from markdown_it.token import Token

_INSIDE = 0.9 * SMALL
"""Room for a table inside a list or a quotation, which cannot have a page of its own."""


def lay_out(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with split tables, and landscape sections around wide ones and the headings right above them.

    Inside lists and quotations tables are split where smaller type does not do.
    """
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        if tokens[at].type != "table_open" or "rows" not in tokens[at].meta:
            out.append(tokens[at])
            at += 1
            continue
        end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close") + 1
        table = tokens[at:end]
        at = end
        if "wide" not in fit(table[0].meta["rows"]).split():
            out += table
            continue
        if table[0].level:
            out += _parts(table, room=_INSIDE)
            continue
        heading = _heading_above(out)
        del out[len(out) - len(heading) :]
        out += [_section("open"), *heading, *_parts(table, room=LANDSCAPE), _section("close")]
    return out


def _heading_above(out: Sequence[Token]) -> list[Token]:
    """The headings that end the tokens so far."""
    start = len(out)
    while start >= 3 and out[start - 1].type == "heading_close":
        start -= 3
    return list(out[start:])


def _section(what: str) -> Token:
    from markdown_it.token import Token

    return Token(f"wide_{what}", "section", 1 if what == "open" else -1, block=True)


def _parts(table: Sequence[Token], *, room: float) -> Iterator[Token]:
    rows = table[0].meta["rows"]
    groups = column_groups(rows, room=room) if sum(column_widths(rows)) > room else []
    if len(groups) < 2:
        yield from table
        return
    for number, columns in enumerate(groups, 1):
        yield from _part(table, columns, f"{number}/{len(groups)}", first=number == 1)


def _part(table: Sequence[Token], columns: Sequence[int], part: str, *, first: bool) -> Iterator[Token]:
    column = -1
    for token in table:
        if token.type == "table_open":
            rows = [[row[at] for at in columns if at < len(row)] for row in token.meta["rows"]]
            yield token.copy(meta={**token.meta, "rows": rows, "part": part, "first": first})
            continue
        if token.type == "tr_open":
            column = -1
        if token.type in ("th_open", "td_open"):
            column += 1
        if token.type == "tr_close":
            column = -1
        if column < 0 or column in columns:
            yield token
