"""Round steps for an axis, and figures as people write them."""

from __future__ import annotations

import math
from collections.abc import Iterable

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "CHF": "CHF\u00a0"}
_SHOWN_WITH_FIGURES = ("", "fraction", "percent", "count", "shares", "ratio")
_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k"))


def steps(low: float, high: float, *, most: int = 5) -> list[float]:
    """Round values from at or below `low` to at or above `high`, evenly spaced.

    >>> steps(0, 47)
    [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    """
    if low == high:
        low, high = (low - abs(low) / 2, high + abs(high) / 2) if low else (0.0, 1.0)
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def scale(values: Iterable[float]) -> tuple[float, str]:
    """The divisor and suffix that make the largest of the values short.

    >>> scale([1.5e10])
    (1000000000.0, 'bn')
    """
    largest = max((abs(value) for value in values), default=0.0)
    return next(((divisor, suffix) for divisor, suffix in _SCALES if largest >= divisor), (1.0, ""))


def unit_label(unit: str) -> str:
    """The unit as axes and tables name it; empty where every figure shows it itself, or there is none.

    >>> unit_label("mm"), unit_label("USD"), unit_label("fraction")
    ('mm', '', '')
    """
    currency = unit.partition("/")[0]
    is_shown = unit in _SHOWN_WITH_FIGURES or currency in _SYMBOLS or (len(currency) == 3 and currency.isupper())
    return "" if is_shown else unit


def axis_text(value: float, *, unit: str, step: float, divisor: float, suffix: str) -> str:
    """A tick's label, with as many decimals as the step needs."""
    if unit == "fraction":
        value, step, divisor, suffix = value * 100, step * 100, 1.0, "%"
    elif unit == "percent":
        divisor, suffix = 1.0, "%"
    shown_step = step / divisor
    decimals = next((d for d in range(7) if abs(round(shown_step, d) - shown_step) < shown_step * 1e-6), 6)
    return _dressed(value / divisor, decimals if value else 0, unit, suffix if value or suffix == "%" else "")


def figure(value: float | None, *, unit: str = "") -> str:
    """A value for people, to four significant figures with its unit; a dash where there is none.

    >>> figure(15_102_000_000.0, unit="USD"), figure(-0.0521, unit="fraction"), figure(None)
    ('$15.10bn', '−5.21%', '–')
    """
    if value is None:
        return "–"
    if unit == "fraction":
        value, suffix, divisor = value * 100, "%", 1.0
    elif unit == "percent":
        suffix, divisor = "%", 1.0
    else:
        divisor, suffix = scale([value]) if abs(value) >= 10_000 else (1.0, "")
    shown = value / divisor
    if unit in ("fraction", "percent") or divisor > 1:
        return _dressed(shown, 2, unit, suffix)
    whole = shown == int(shown) and (unit in ("count", "shares", "") or abs(shown) >= 1000)
    return _dressed(shown, 0 if whole else 2 if abs(shown) >= 1 else 4, unit, suffix)


def _dressed(value: float, decimals: int, unit: str, suffix: str) -> str:
    currency = unit.partition("/")[0]
    symbol = _SYMBOLS.get(currency, f"{currency}\u00a0" if len(currency) == 3 and currency.isupper() else "")
    digits = f"{abs(value):,.{decimals}f}"
    sign = "−" if value < 0 and digits.strip("0.,") else ""
    return f"{sign}{symbol}{digits}{suffix}"
