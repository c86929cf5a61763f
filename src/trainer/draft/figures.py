"""How a figure is printed: its unit, a readable scale, and three or four significant digits."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from trainer.core.values import Json
from trainer.draft import wording

MONEY = re.compile(r"[A-Z]{3}\Z")
PER_SHARE = re.compile(r"([A-Z]{3})/share\Z")
MINUS = "\N{MINUS SIGN}"

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_SCALES = ((12, "trillion"), (9, "billion"), (6, "million"))
_EXACT = Context(prec=60)
_PRECISE = Context(prec=28)
_MOST_DIGITS = 40


def number(value: Json) -> Decimal | None:
    """The number a JSON value is, or None for text, booleans, nulls, infinities and numbers beyond all use."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and value.bit_length() > _MOST_DIGITS * 3:
        return None
    decimal = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    return decimal if decimal.is_finite() and abs(decimal.adjusted()) < _MOST_DIGITS else None


def kind(unit: str) -> str:
    """What a unit measures: `money`, `price`, `share` or the unit itself."""
    if unit in ("fraction", "percent"):
        return "share"
    if PER_SHARE.match(unit):
        return "price"
    return "money" if MONEY.match(unit) else unit


def numeral(text: str) -> Decimal | None:
    """The number that a plain numeral in text is: `-12.50`, and neither `007` nor `1,200`."""
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})(\.\d{1,12})?", text.strip(), re.ASCII):
        return Decimal(text.strip())
    return None


def show(value: Decimal, unit: str) -> str:
    """The figure as a reader sees it.

    >>> show(Decimal(356741939200), "USD"), show(Decimal("0.07594"), "fraction")
    ('$356.7 billion', '7.6 %')
    >>> show(Decimal("-0.47"), "USD/share"), show(Decimal(1765350016), "shares")
    ('−$0.47', '1.765 billion shares')
    """
    sign = MINUS if value < 0 else ""
    size = abs(value)
    if unit in ("fraction", "percent"):
        percent = _percent(_EXACT.multiply(size, Decimal(100)) if unit == "fraction" else size)
        return sign + wording.say("percent", number=percent)
    if match := PER_SHARE.match(unit):
        return sign + _money(_price(size), match.group(1))
    if MONEY.match(unit):
        return sign + _money(_scaled(size), unit, is_scaled=size >= 1_000_000)
    if unit == "ratio":
        return sign + _grouped(size, 1 if size >= 100 else 2)
    if unit in ("count", ""):
        return sign + _plain(size)
    if unit == "year":
        return f"{sign}{size.to_integral_value()}"
    if unit == "years":
        return sign + wording.counted(wording.pattern("years_of"), size, _grouped(size, 1))
    return f"{sign}{_plain(size)} {wording.pattern('units').get(unit, unit)}"


def points(value: Decimal, unit: str) -> str:
    """A difference of two percentages, in percentage points."""
    size = _EXACT.multiply(abs(value), Decimal(100)) if unit == "fraction" else abs(value)
    return wording.say("percentage_points", number=_percent(size))


def times(value: Decimal) -> str:
    """How many times one thing is another: `2.6`, `394`."""
    return _grouped(value, 0 if value >= 100 else 1)


def ratio(first: Decimal, second: Decimal) -> Decimal | None:
    """One figure divided by another; None where the other is zero."""
    return _PRECISE.divide(first, second) if second else None


def change(before: Decimal, after: Decimal) -> Decimal | None:
    """The change as a fraction of what was before; None where that is not positive, since it would mislead."""
    return _PRECISE.divide(after - before, before) if before > 0 else None


def _money(number: str, currency: str, *, is_scaled: bool = False) -> str:
    """A number with its currency; a code stands apart from it."""
    in_words = wording.pattern("money_in_words")
    if is_scaled and currency in in_words:
        return str(in_words[currency].format(number=number))
    symbol = _SYMBOLS.get(currency, currency)
    return wording.say("money" if currency in _SYMBOLS else "money_by_code", number=number, symbol=symbol)


def _percent(size: Decimal) -> str:
    if size >= 1000:
        return _grouped(size, 0)
    return _grouped(size, 2 if Decimal("0.005") <= size < 1 else 1)


def _price(size: Decimal) -> str:
    if not size or size >= 1:
        return _grouped(size, 2)
    text = f"{_rounded(size, max(2, 2 - size.adjusted())):f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return wording.digits(f"{whole}.{decimals:0<2}") if decimals else _grouped(size, 2)


def _scaled(size: Decimal) -> str:
    for exponent, word in _SCALES:
        if size >= Decimal(10) ** exponent:
            scaled = size.scaleb(-exponent)
            return wording.counted(wording.pattern("scales")[word], scaled, wording.digits(_significant(scaled)))
    return _grouped(size, 0 if size == size.to_integral_value() or size >= 1000 else 2)


def _plain(size: Decimal) -> str:
    if size >= 1_000_000:
        return _scaled(size)
    if size == size.to_integral_value():
        return _grouped(size, 0)
    if size < Decimal("0.001"):
        return wording.digits(f"{size:.3e}")
    text = _significant(size)
    return wording.digits(text.rstrip("0").rstrip(".") if "." in text else text)


def _significant(size: Decimal) -> str:
    """Four significant digits, and no decimals where they are all zero."""
    decimals = min(max(0, 3 - size.adjusted()), 6)
    text = f"{_rounded(size, decimals):,f}"
    whole, _, rest = text.partition(".")
    return text if rest.strip("0") else whole


def _grouped(size: Decimal, decimals: int) -> str:
    return wording.digits(f"{_rounded(size, decimals):,f}")


def _rounded(size: Decimal, decimals: int) -> Decimal:
    return size.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP, context=_EXACT)
