"""Units from what stands beside numbers: suffixes of keys, heads, sibling keys, cells; and conversion between two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache

from trainer.facts.values import Unit
from trainer.facts.words import data_file, name_words, split_name, vocabulary

PERCENT = Unit("percent", "%")
FRACTION = Unit("percent", "%", Decimal(100))
"""A fraction: 0.05 is 5 %."""

_BRACKETED = re.compile(r"[(\[（［]([^()\[\]（）［］]{1,40})[)\]）］]\s*$")
_AFTER_COMMA = re.compile(r"(?:,|\bin\b|/)\s*([^,/]{1,24})$")
_STATEMENT = re.compile(
    r"(?i)^(?:単位|单位|單位|단위|units?|figures|amounts|all figures|all amounts)\s*(?:[:：]|\bin\b)\s*"
)
_SPLIT = re.compile(r"\s+|(?<=[$€£¥])|(?<=[a-z])(?=[$€£¥])")


def head_units(head: str) -> tuple[str, tuple[Unit, ...]]:
    """A head or key without its unit, and the unit: `Revenue (USD m)`, `rain_mm`, `growth_pct`, `Area, km²`."""
    if match := _BRACKETED.search(head):
        scale = _scales().get(match[1].lower().removeprefix("in ").strip())
        units = parse_unit(match[1]) or ((Unit("count", "", scale),) if scale and len(match[1]) > 2 else ())
        if units:
            return head[: match.start()].strip(), units
    if " " in head and (match := _AFTER_COMMA.search(head)) and match.start() and (units := parse_unit(match[1])):
        return head[: match.start()].strip(), units
    tokens = head.split()
    if len(tokens) > 1 and not tokens[-1].isalnum() and (units := parse_unit(tokens[-1])):
        return " ".join(tokens[:-1]), units
    parts = split_name(head)
    if len(parts) > 1 and (scale := _scales().get(parts[-1].lower())) and len(parts[-1]) > 3:
        front = parts[-2].lower() == "in" and len(parts) > 2
        return _without(head, parts, 2 if front else 1), (Unit("count", "", scale),)
    for length in (3, 2, 1):
        tail = parts[-length:]
        if len(parts) > length and (units := _suffix(parts[:-length], tail)):
            return _without(head, parts, length), units
    return head, ()


def _suffix(front: Sequence[str], tail: Sequence[str]) -> tuple[Unit, ...]:
    """The unit that the last parts of a key are; single letters only where they cannot be anything else."""
    text = " ".join(tail)
    if len(tail) == 1 and len(text) < 2 and text != "%":
        words = {word for part in front for word in name_words(part)}
        if text.lower() == "c" and words & {"temp", "temperature", "dewpoint"}:
            return parse_unit("degC")
        if text.lower() == "f" and words & {"temp", "temperature", "dewpoint"}:
            return parse_unit("degF")
        if text.lower() == "g" and words & {"mass", "weight"}:
            return parse_unit("gram")
        if text.lower() == "m" and words & {"height", "length", "depth", "width", "distance", "elevation", "altitude"}:
            return parse_unit("metre")
        return ()
    if len(tail) > 1 and tail[0].lower() in ("per", "of", "by", "in"):
        return ()
    if len(tail) == 2 and tail[1].lower() in _divisors() and (units := parse_unit("/".join(tail))):
        return units  # a key has no stroke: `pm10_ug_m3`, `yield_t_ha`, `price_eur_mwh`
    units = parse_unit(text)
    kinds = {unit.kind for unit in units}
    if len(tail) == 1 and (kinds & {"count", "index", "ratio", "time"} or (kinds == {"money"} and len(text) < 3)):
        return ()  # `share_count`, `day`, `min` are names as often as units
    return units


def _without(head: str, parts: Sequence[str], length: int) -> str:
    at = len(head)
    for part in reversed(parts[-length:]):
        at = head.rfind(part, 0, at)
    return head[:at].strip(" _-.,/") or head


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> tuple[Unit, ...]:
    """Every unit that a spelling may mean, with its scale; nothing where it is none.

    >>> parse_unit("USD m")
    (Unit(kind='money', symbol='USD', scale=Decimal('1000000'), per=''),)
    """
    text = _STATEMENT.sub("", text.strip()).strip(".:")
    if not text or len(text) > 40:
        return ()
    if units := _whole(text):
        return units
    base, per = _per(text)
    parts = [part for part in _SPLIT.split(base) if part and part.lower() not in ("in", "of", "der")]
    scale, rest = Decimal(1), []
    for part in parts:
        factor = _scales().get(part.lower().strip("'"))
        if factor is not None and len(parts) > 1:
            scale *= factor
        else:
            rest.append(part)
    units = _whole(" ".join(rest)) if rest else ()
    if not units and not rest:
        return ()
    if not units:
        units = _glued(" ".join(rest))
    return tuple(Unit(unit.kind, unit.symbol, unit.scale * scale, per or unit.per) for unit in units)


def stated_units(text: str) -> tuple[Unit, ...]:
    """The unit that a line above a table states for all of it: `単位：百万円`, `(in millions of EUR, except counts)`.

    A scale alone counts where it is introduced: `(in thousands)`. Nothing for any other text.
    """
    body = text.strip().strip("()（）[]［］ ").strip()
    first = re.split(r"[,;，、；]", body, maxsplit=1)[0].strip()
    if units := parse_unit(first):
        return units
    scale = scale_of(first)
    return (Unit("count", "", scale),) if scale else ()


def scale_of(text: str) -> Decimal | None:
    """The factor of a text that is a scale alone: `millions`, `in thousands`; a letter or two are none."""
    plain = _STATEMENT.sub("", text.strip()).strip("()").lower().removeprefix("in ").strip()
    return _scales().get(plain) if len(plain) > 2 else None


def units_beside(name: str, text: str) -> tuple[Unit, ...]:
    """The unit that a cell beside a figure gives; one letter is read with the figure's name: `temp` in `C`."""
    return parse_unit(text) or (head_units(f"{name} {text}")[1] if name and len(text) == 1 else ())


def scaled(units: Sequence[Unit], scale: Decimal) -> tuple[Unit, ...]:
    """Units in thousands or millions, as a key beside them says; those that have a scale keep it."""
    return tuple(replace(unit, scale=scale) if unit.scale == 1 else unit for unit in units)


def _per(text: str) -> tuple[str, str]:
    """`USD/share` is a currency by the share; `km/h` was a unit as a whole before."""
    base, mark, per = text.partition("/")
    if not mark:
        base, mark, per = text.partition(" per ")
    return (base.strip(), per.strip()) if mark and _whole(base.strip()) else (text, "")


def _glued(text: str) -> tuple[Unit, ...]:
    """A scale glued to a currency: `USDm`, `$bn`, `百万円`, `€m`; in scripts without spaces to anything: `千人`."""
    lowered = text.lower()
    if lowered in _scales():
        return ()
    for spelling, factor in _scales().items():
        if lowered.endswith(spelling) and (units := _whole(text[: -len(spelling)].strip())):
            return tuple(
                Unit(u.kind, u.symbol, u.scale * factor, u.per)
                for u in units
                if u.kind == "money" or not spelling.isascii()
            )
        if lowered.startswith(spelling) and (units := _whole(text[len(spelling) :].strip())):
            return tuple(
                Unit(u.kind, u.symbol, u.scale * factor, u.per)
                for u in units
                if u.kind == "money" or not spelling.isascii()
            )
    return ()


def _whole(text: str) -> tuple[Unit, ...]:
    for part, scale in (("hundredth", "0.01"), ("thousandth", "0.001")):
        if text in data_file("units.yaml")[part]:
            return (Unit("money", data_file("units.yaml")[part][text], Decimal(scale)),)
    if text.upper() in _codes() and (
        text.isupper() or text.lower() in ("usd", "eur", "gbp", "jpy", "chf", "cny", "rmb")
    ):
        return (Unit("money", "CNY" if text.upper() == "RMB" else text.upper()),)
    return _table().get(text) or _table().get(text.lower(), ())


@cache
def _table() -> dict[str, tuple[Unit, ...]]:
    table: dict[str, tuple[Unit, ...]] = {}
    words = data_file("units.yaml")
    for kind in ("physical", "time"):
        for symbol, spellings in words[kind].items():
            unit = Unit("physical" if kind == "physical" else "time", symbol)
            for spelling in (symbol, *spellings):
                table.setdefault(str(spelling), (unit,))
                table.setdefault(str(spelling).lower(), (unit,))
    plain: dict[str, Unit] = {
        "percent": PERCENT, "fraction": FRACTION, "points": Unit("points", "pp"),
        "basis_points": Unit("points", "pp", Decimal("0.01")), "ratio": Unit("ratio", "x"),
        "index": Unit("index", "index"),
    }  # fmt: skip
    for name, unit in plain.items():
        for spelling in words[name]:
            table[str(spelling)] = (unit,)
    # XBRL: a number without a dimension, which mostly is a share.
    table["pure"] = (FRACTION, Unit("ratio", "x"))
    for spelling in words["count"]:
        table[str(spelling)] = (Unit("count", "" if spelling in ("count", "number", "n") else str(spelling)),)
    for spelling, codes in words["currency"].items():
        table[str(spelling)] = tuple(Unit("money", str(code)) for code in codes)
    return table


@cache
def _scales() -> dict[str, Decimal]:
    pairs = [
        (str(word), Decimal(str(factor)))
        for factor, words in data_file("units.yaml")["scale"].items()
        for word in words
    ]
    return dict(sorted(pairs, key=lambda pair: -len(pair[0])))


@cache
def _divisors() -> frozenset[str]:
    return frozenset(data_file("units.yaml")["divisors"])


@cache
def _codes() -> frozenset[str]:
    """ISO 4217, from CLDR's list of currencies in use."""
    from babel.core import get_global

    current = {
        code
        for entries in get_global("territory_currencies").values()
        for code, _, end, tender in entries
        if end is None and tender
    }
    return frozenset(current | {"RMB", "BTC", "ETH"})


def field_units(unit: str) -> tuple[Unit, ...]:
    """The unit that a source's `Field` names: `USD`, `USD/share`, `fraction`, `µg/m³`, `days`."""
    if unit in ("", "text", "date"):
        return ()
    if unit == "percent":
        return (PERCENT,)
    return parse_unit(unit) or (Unit("count", unit),)


def is_money(name: str) -> bool:
    """Whether a name is of an amount of money, so that a currency beside it is its unit."""
    words = set(name_words(name))
    return bool(words & vocabulary("money")) and not words & vocabulary("no_money")


def percent_units(values: Sequence[Decimal]) -> tuple[Unit, ...]:
    """What a share, rate or change without a unit may be in: per cent, a fraction, or both where values do not tell."""
    if any(abs(value) > 5 for value in values):
        return (PERCENT,)
    if any(abs(value) > 1 for value in values):
        return (PERCENT, FRACTION)
    return (FRACTION, PERCENT)


def unit_text(unit: Unit) -> str:
    """A unit as a person writes it: `USD million`, `% (stored as a fraction)`, `µg/m³`."""
    names = {
        1_000: "thousand", 10_000: "ten thousand", 100_000: "hundred thousand", 1_000_000: "million",
        10_000_000: "ten million", 100_000_000: "hundred million", 1_000_000_000: "billion",
        1_000_000_000_000: "trillion",
    }  # fmt: skip
    symbol = unit.symbol.replace("^2", "²").replace("^3", "³").replace("deg", "°", 1) or "count"
    per = f" per {unit.per}" if unit.per else ""
    if unit.scale == 1:
        return symbol + per
    if unit.kind == "percent":
        return "% (stored as a fraction)"
    return f"{symbol} {names.get(int(unit.scale), f'× {unit.scale}')}{per}"


def convert(value: Decimal, unit: Unit, other: Unit) -> Decimal | None:
    """A value of one unit in another of the same dimension; None where there is no way."""
    in_unit = value * unit.scale
    if (unit.kind, unit.symbol, unit.per) == (other.kind, other.symbol, other.per):
        return in_unit / other.scale
    if {unit.kind, other.kind} <= {"percent", "ratio"} and unit.per == other.per:
        factor = Decimal(100) if unit.kind == "ratio" else Decimal("0.01")
        return (in_unit if unit.kind == other.kind else in_unit * factor) / other.scale
    if not {unit.kind, other.kind} <= {"physical", "time"} or unit.per != other.per:
        return None
    try:
        quantity = _registry().Quantity(float(in_unit), unit.symbol).to(other.symbol)
        return Decimal(repr(float(quantity.magnitude))) / other.scale
    except (ValueError, TypeError, InvalidOperation, AttributeError):
        return None
    except Exception as error:
        if type(error).__module__.startswith("pint"):
            return None
        raise


@cache
def _registry():  # type: ignore[no-untyped-def]
    import pint

    return pint.UnitRegistry(cache_folder=None, autoconvert_offset_to_baseunit=True)
