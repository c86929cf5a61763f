"""Numbers as data writes them: with any separators, signs, brackets, currency and scale, and the precision written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from trainer.core.values import Json

DecimalMark = Literal[".", ","]

_SPACES = str.maketrans("", "", " \u00a0\u202f\u2009'’_")
_NUMERAL = re.compile(
    r"(?P<before>[^\d.,+\-−–()]{0,6}?)\s*(?P<open>\()?\s*(?P<sign>[-+−–]?)\s*(?P<currency>[^\d.,+\-−–()\s]{0,4}?)\s*"
    r"(?P<digits>\d[\d.,'’_ \u00a0\u202f\u2009]*|[.,]\d+)(?P<exponent>[eE][-+]?\d{1,3})?\s*"
    r"(?P<after>(?!-)[^\d()]{0,24}?)\s*(?P<close>\))?\s*"
)
_PREFIX = re.compile(r"[^\w\s]{1,2}|[A-Z]{3}|[A-Z]{1,3}[$€£]|[$€£][A-Z]{0,3}|kr|fr|sfr|rs|r\$|zł|円|¥", re.IGNORECASE)
"""What may stand before a number: a currency, or a sign for about, below and above."""
_MOST_DIGITS = 40
"""Nothing that is measured has more; longer numbers would stop arithmetic of a fixed precision."""
_MOST_BITS = 133
_LONGEST = 60
"""No numeral of data is longer; a longer text is not tried."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was read."""

    value: Decimal
    step: Decimal
    """One unit of the last digit that is written."""
    unit: str = ""
    """What stands beside the digits: `%`, `$ m`, `mm`."""


def json_number(value: Json) -> Number | None:
    """The number that a JSON value is, or that a text holds alone."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            return None
        return Number(Decimal(value), Decimal(1))
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        decimal = Decimal(repr(value))
        return Number(decimal, _step(decimal)) if abs(decimal.adjusted()) < _MOST_DIGITS else None
    return read_number(value) if isinstance(value, str) else None


@lru_cache(maxsize=65_536)
def read_number(text: str, mark: DecimalMark | None = None) -> Number | None:
    """The number that a text holds, with at most a unit beside it; None for anything else.

    Args:
        text: a cell: `1,234.50`, `(3.2)`, `−5 %`, `$1.2bn`.
        mark: the column's decimal mark, where it is known; else `1,234` and `1.234` are told by `decimal_mark`.
    """
    if len(text) > _LONGEST or not any(letter.isdigit() for letter in text):
        return None
    match = _NUMERAL.fullmatch(text.strip())
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    if any(
        part and not _PREFIX.fullmatch(part.strip()) for part in (match["before"].strip(), match["currency"].strip())
    ):
        return None  # `A1` and `C-5` are codes
    digits = match["digits"].translate(_SPACES).rstrip(",.")
    mark = mark or decimal_mark([text])
    grouping = "," if mark == "." else "."
    whole, _, fraction = digits.partition(mark)
    groups = whole.split(grouping)
    if (
        grouping in fraction
        or mark in fraction
        or (len(groups) > 1 and any(len(part) not in (2, 3) for part in groups[1:]))
    ):
        return None
    try:
        value = Decimal(
            f"{''.join(groups) or '0'}.{fraction}{match['exponent'] or ''}"
            if fraction
            else f"{''.join(groups) or '0'}{match['exponent'] or ''}"
        )
    except InvalidOperation:
        return None
    if abs(value.adjusted()) >= _MOST_DIGITS:
        return None
    negative = bool(match["open"]) or (match["sign"] or "+") in "-−–"
    unit = " ".join(part.strip() for part in (match["before"], match["currency"], match["after"]) if part.strip())
    return Number(-value if negative else value, _step(value), unit)


def decimal_mark(cells: Iterable[str]) -> DecimalMark:
    """The decimal mark of a column: what stands last where both stand, or before other than three digits."""
    for cell in cells:
        dot, comma = cell.rfind("."), cell.rfind(",")
        if dot >= 0 and comma >= 0:
            return "." if dot > comma else ","
        if comma >= 0:
            tail = re.match(r"\d*", cell[comma + 1 :])
            if cell.count(",") == 1 and tail and len(tail[0]) != 3 and tail[0]:
                return ","
            if cell.count(",") > 1:
                return "."
        if cell.count(".") > 1:
            return ","
    return "."


def _step(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) and exponent < 0 else Decimal(1)
