"""How wide tables and words are, in letters of body type, and what makes them fit the page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from trainer.convert.together import with_fixed_spaces

if TYPE_CHECKING:
    from markdown_it.token import Token

PORTRAIT = 88.0
"""Letters of table type that fit between the margins of a portrait page."""
SMALL = 104.0
"""Letters of small type that fit there."""
LANDSCAPE = 160.0
"""Letters of small type that fit across a landscape page."""
_PADDING = 2.6
_MOST_FOR_TEXT = 70.0
"""Letters beyond which a column of text gets no more room at the cost of others."""
_LONGEST_UNBROKEN = 30
"""Words longer than this may be broken."""
_LONGEST_FIGURE = 45
"""Figures only where they are longer than this, which leaves no room for a second column."""
_FIGURE = re.compile(r"[\d$€£¥%()+−–,.\-]+[a-zA-Z%]{0,3}")
_NUMERIC = re.compile(
    r"[(\[]?[-−+~≈<>≤≥±]?\s*(?:[A-Z]{0,3}[$€£¥₹]|[A-Z]{3}\s)?\s*[-−+]?\d[\d\s,.'’]*(?:e[-+]?\d+)?\s*"
    r"(?:%|‰|x|×|bps|pp|[kKmMbBtT]|[mb]n|tn|tr|million|billion|trillion|bn|thousand|days?|years?|[$€£¥])?[)\]]?\*?"
)
_NARROW = frozenset(".,:;'|!iljftrI()[] ")


def fit(rows: Sequence[Sequence[str]]) -> str:
    """The classes of a table that fits the page.

    `small` is smaller type, `wide` a landscape page, `split` its columns in several parts there.
    """
    needed = sum(column_widths(rows))
    if needed <= PORTRAIT:
        return ""
    return "small" if needed <= SMALL else "wide" if needed <= LANDSCAPE else "wide split"


def is_figure(cell: str) -> bool:
    """Whether a cell holds one number, with its sign, currency and unit, and nothing else."""
    return len(cell) <= _LONGEST_UNBROKEN and bool(_NUMERIC.fullmatch(cell))


def has_long_word(cell: str) -> bool:
    """Whether the cell holds a word so long that it may be broken."""
    return any(_is_long(word) for word in cell.split())


def breaks_in_words(tokens: Sequence[Token]) -> frozenset[int]:
    """The inline tokens before which a word goes on that is too long for a line, and may break there."""
    pieces = [
        token.content if token.type in ("text", "code_inline") else "" if token.nesting else " " for token in tokens
    ]
    breaks: list[int] = []
    word, starts = 0, []
    for at, piece in enumerate(pieces):
        first, *others = re.split(r"\s", piece)
        if word and first:
            starts.append(at)
        word += len(first)
        if others:
            breaks += starts if word > _LONGEST_UNBROKEN else []
            word, starts = len(others[-1]), []
    return frozenset(breaks + (starts if word > _LONGEST_UNBROKEN else []))


def column_widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """The least width of each column: its longest unbreakable piece and the padding."""
    count = max((len(row) for row in rows), default=0)
    return [max(_unbreakable(row[at]) for row in rows if at < len(row)) + _PADDING for at in range(count)]


def column_shares(rows: Sequence[Sequence[str]]) -> list[float]:
    """The part of the table's width that each column gets; they sum to one.

    Each gets its least width, and of what is left the more, the longer its cells are.
    """
    needed = column_widths(rows)
    wanted = [max(least, _longest(rows, at)) for at, least in enumerate(needed)]
    total = sum(needed)
    spare = (PORTRAIT if total <= PORTRAIT else SMALL if total <= SMALL else LANDSCAPE) - total
    missing = sum(wanted) - total
    if missing > 0:
        more = min(max(spare, 0.0), missing) / missing
        needed = [least + more * (full - least) for least, full in zip(needed, wanted, strict=True)]
    return [width / sum(needed) for width in needed]


def _longest(rows: Sequence[Sequence[str]], at: int) -> float:
    """The width of a column's longest cell on one line, up to where more room helps no longer."""
    full = max(sum(map(_letter, row[at])) for row in rows if at < len(row)) + _PADDING
    return min(full, _MOST_FOR_TEXT)


def column_groups(rows: Sequence[Sequence[str]], *, room: float = LANDSCAPE) -> list[list[int]]:
    """The columns of each part of a table too wide for the room; the first column stands in every part.

    There are as few parts as can be, and they are about equally wide.
    """
    widths = column_widths(rows)
    groups = _groups(widths, room)
    while room > 1 and len(narrower := _groups(widths, room - 1)) == len(groups):
        groups, room = narrower, room - 1
    return groups


def _groups(widths: Sequence[float], room: float) -> list[list[int]]:
    first, *others = widths
    groups: list[list[int]] = [[0]]
    left = room - first
    for at, width in enumerate(others, 1):
        if width > left and len(groups[-1]) > 1:
            groups.append([0])
            left = room - first
        groups[-1].append(at)
        left -= width
    return groups


@lru_cache(maxsize=20_000)
def _unbreakable(cell: str) -> float:
    if is_figure(cell) or _FIGURE.fullmatch(cell.replace(" ", "").replace("\u00a0", "")):
        return _width(cell)
    return max((_width(word) for word in _breakable(cell)), default=1.0)


def _breakable(cell: str) -> list[str]:
    """The pieces between which a line may break."""
    return [word for word in with_fixed_spaces(cell).split(" ") if word] if " " in cell else [cell]


def _width(word: str) -> float:
    width = sum(map(_letter, word))
    if not word.isascii() and any(unicodedata.east_asian_width(letter) in "WF" for letter in word):
        return 2.0
    return min(width, _LONGEST_UNBROKEN) if _is_long(word) else width


@lru_cache(maxsize=4096)
def _letter(letter: str) -> float:
    if letter in _NARROW:
        return 0.55
    return 1.12 if letter.isdigit() or letter.isupper() or letter in "$€£%+−–@mwMW" else 0.98


def _is_long(word: str) -> bool:
    return len(word) > _LONGEST_UNBROKEN and not (len(word) <= _LONGEST_FIGURE and _FIGURE.fullmatch(word))
