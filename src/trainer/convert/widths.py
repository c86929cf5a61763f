"""How wide a table is, in letters of its body type, and what makes it fit the page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_PORTRAIT = 92.0
"""Letters of table type that fit between the margins of a portrait page."""
_SMALL = 1.28
"""How many more fit in small type."""
_LANDSCAPE = 1.48
"""How many more fit across a landscape page."""
_PADDING = 2.2
_LONGEST_UNBROKEN = 34
"""Words longer than this may be broken; figures never are."""
_FIGURE = re.compile(r"[\d$€£¥%()+−,.\-]+")


def fit(rows: Sequence[Sequence[str]]) -> str:
    """The class of a table that fits the page: `` as it is, `small` type, or `wide` for a landscape page."""
    needed = sum(column_widths(rows))
    if needed <= _PORTRAIT:
        return ""
    return "small" if needed <= _PORTRAIT * _SMALL else "wide"


def column_widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """The least width of each column: its longest unbreakable piece and the padding."""
    count = max((len(row) for row in rows), default=0)
    return [max(_unbreakable(row[at]) for row in rows if at < len(row)) + _PADDING for at in range(count)]


def _unbreakable(cell: str) -> float:
    return max((_width(word) for word in cell.split()), default=1.0)


def _width(word: str) -> float:
    width = sum(1.9 if unicodedata.east_asian_width(letter) in "WF" else 1.0 for letter in word)
    if _FIGURE.fullmatch(word):
        return width
    return 2.0 if width > len(word) else min(width, _LONGEST_UNBROKEN)
