"""Plain arithmetic on data: which formula over which datums gives a figure, the inputs named by the words around it.

With hundreds of datums nearly any number is some ratio of two of them, so inputs come only from what the sentence or
row names, and risky formulas only where a word asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

from trainer.checks.cues import (
    AVERAGE,
    CHANGE,
    DIFFERENCE,
    DISTANCE,
    RANGE,
    RUNWAY,
    TOTAL,
    YEARLY,
    says,
    says_direction,
    says_negative,
)
from trainer.checks.datums import Datum
from trainer.checks.mentions import Mention
from trainer.checks.numerals import Numeral

_MOST_INPUTS = 48
_SAME = ("USD", "EUR", "GBP", "CHF", "JPY")


@dataclass(frozen=True, slots=True)
class Derivation:
    """A figure as arithmetic on datums."""

    formula: str
    """In words and paths: `percentage change of quarterly[3].totalRevenue from quarterly[2].totalRevenue`."""
    inputs: tuple[Datum, ...]
    value: float
    """Percent as percent."""


def derive(
    mention: Mention, near: Sequence[Datum], far: Sequence[Datum], neighbours: Sequence[Datum]
) -> Derivation | None:
    """The first formula whose result rounds to the figure; None where none does.

    `near` are datums whose labels stand right by the figure, `far` those named anywhere around it, best first;
    `neighbours` those behind the figures beside it.
    """
    sure = {datum.number for datum in neighbours}
    inputs = list(dict.fromkeys([*neighbours, *near]))
    if not inputs or not neighbours:
        inputs = list(dict.fromkeys([*inputs, *far]))
    for candidate in _candidates(mention, inputs[:_MOST_INPUTS], list(far), sure):
        fit = fits(mention.numeral, candidate.value) and _unit_fits(mention.numeral, candidate)
        if fit and _sign_fits(mention, candidate):
            return candidate
    return None


def _unit_fits(numeral: Numeral, candidate: Derivation) -> bool:
    if numeral.kind != "money" or not numeral.currency:
        return True
    currencies = {datum.unit.partition("/")[0] for datum in candidate.inputs if datum.unit[:3].isupper()}
    return not currencies or numeral.currency in currencies


def fits(numeral: Numeral, value: float) -> bool:
    """Whether a value, rounded at the last printed digit, is the figure; the sign apart."""
    slack = 1e-12 * max(1.0, abs(value), numeral.high)
    return numeral.low - slack <= abs(value) <= numeral.high + slack


def _sign_fits(mention: Mention, candidate: Derivation) -> bool:
    written = mention.numeral
    if written.signed:
        return (written.value < 0) == (candidate.value < 0) or candidate.value == 0
    if "distance" in candidate.formula or "difference" in candidate.formula or candidate.value == 0:
        return True
    return (
        says_negative(mention.clause) == (candidate.value < 0)
        if says_direction(mention.clause)
        else candidate.value > 0
    )


def _candidates(mention: Mention, inputs: list[Datum], far: list[Datum], sure: set[int]) -> Iterator[Derivation]:
    kind, clause, sentence = mention.numeral.kind, mention.clause, mention.sentence
    near = f"{sentence} {mention.section}" if mention.table else sentence
    if kind in ("percent", "fraction"):
        yield from _changes(mention, list(dict.fromkeys([*inputs, *far])), sure)
        yield from _shares(inputs, mention)
        if says(RANGE, near):
            yield from _positions(inputs)
        if says(YEARLY, near):
            yield from _compound(mention, list(dict.fromkeys([*inputs, *far])))
    if kind == "points":
        yield from _point_differences(inputs)
    if kind in ("multiple", "number"):
        yield from _multiples(inputs, sure)
    if kind in ("money", "number"):
        if says(DIFFERENCE, near) or says(CHANGE, near):
            yield from _differences(inputs, sure)
        yield from _per_unit(inputs)
    if kind == "duration" or (says(RUNWAY, near) and kind == "number"):
        yield from _runways(inputs, clause)
    if says(TOTAL, near):
        yield from _sums(inputs, "sum")
    if says(AVERAGE, near):
        yield from _sums(inputs, "average")


def _changes(mention: Mention, inputs: list[Datum], sure: set[int]) -> Iterator[Derivation]:
    """Percentage changes along a series, between what the sentence names, or between two datums beside the figure."""
    if not (says(CHANGE, mention.sentence) or says(DISTANCE, mention.sentence)):
        return
    for new, old in _time_pairs(mention, inputs, sure):
        if old.value:
            value = 100 * (new.value - old.value) / abs(old.value)
            yield Derivation(f"percentage change of {new.path} from {old.path}", (new, old), value)
    if not says(DISTANCE, mention.sentence):
        return
    for one, two in permutations([datum for datum in inputs if not datum.series][:12], 2):
        if _alike(one, two) and one.metric != two.metric and two.value:
            value = 100 * (one.value - two.value) / abs(two.value)
            yield Derivation(f"distance of {one.path} from {two.path} in percent", (one, two), value)


def _time_pairs(mention: Mention, inputs: list[Datum], sure: set[int]) -> Iterator[tuple[Datum, Datum]]:
    """Pairs of one metric at two times: those beside the figure or named, else neighbours in time and a year apart."""
    groups = _series(inputs)
    beside = [[datum for datum in members if datum.number in sure] for members in groups]
    if any(len(members) > 1 for members in beside) and not mention.table:
        yield from ((new, old) for members in beside for old, new in _ordered(members))
        return
    for members, around in zip(groups, beside, strict=True):
        named = [datum for datum in members if _named(datum, mention)]
        if len(named) >= 2 and not mention.table:
            yield from ((new, old) for old, new in _ordered(named))
            continue
        focus = named or around or ([] if mention.periods and max(w for _, w in mention.periods) > 0.8 else members)
        yield from _steps(members, focus)


def _steps(members: list[Datum], focus: list[Datum]) -> Iterator[tuple[Datum, Datum]]:
    for at, new in enumerate(members):
        for back in (1, 4) if new.grain == "quarter" else (1, 12) if new.grain == "month" else (1,):
            if at - back >= 0 and (new in focus):
                yield new, members[at - back]
    if len(members) > 2 and members[-1] in focus:
        yield members[-1], members[0]


def _ordered(members: list[Datum]) -> Iterator[tuple[Datum, Datum]]:
    members = sorted(members, key=lambda datum: datum.last)
    for at, old in enumerate(members):
        for new in members[at + 1 :]:
            yield old, new


def _named(datum: Datum, mention: Mention) -> bool:
    return any(
        weight >= 0.35
        and period.first <= datum.last <= period.last
        and (period.grain != "year" or datum.grain == "year")
        for period, weight in mention.periods
    )


def _series(inputs: list[Datum]) -> list[list[Datum]]:
    """The inputs by metric and subject in order of time; where two blocks give one time, the first stands."""
    groups: dict[tuple[str, int], dict[str, Datum]] = {}
    for datum in inputs:
        if datum.series:
            groups.setdefault((datum.metric, datum.subject), {}).setdefault(datum.last, datum)
    return [sorted(members.values(), key=lambda datum: datum.last) for members in groups.values() if len(members) > 1]


def _pairs(inputs: list[Datum]) -> Iterator[tuple[Datum, Datum]]:
    """Pairs of different metrics of one subject and one time, of amounts in one unit."""
    groups: dict[tuple[int, str], list[Datum]] = {}
    for datum in inputs:
        groups.setdefault((datum.subject, datum.last), []).append(datum)
    for one in inputs:
        for two in groups[one.subject, one.last]:
            if one.metric != two.metric and two.value:
                yield one, two


def _alike(one: Datum, two: Datum) -> bool:
    return one.subject == two.subject and one.unit == two.unit and one.unit not in ("fraction", "percent", "ratio")


def _shares(inputs: list[Datum], mention: Mention) -> Iterator[Derivation]:
    """One amount as a part of another of the same time: margins, shares, payouts; and of one subject's of another's."""
    for one, two in _pairs(_at_time(inputs, mention)):
        if one.unit == two.unit and one.unit not in ("fraction", "percent") and one.tokens != two.tokens:
            yield Derivation(f"{one.path} / {two.path}", (one, two), 100 * one.value / two.value)
    for one, two in _across(inputs):
        yield Derivation(f"{one.support} / {two.support}", (one, two), 100 * one.value / two.value)


def _at_time(inputs: list[Datum], mention: Mention) -> list[Datum]:
    """The inputs of the periods named, points in time included; all where no period is named."""
    named = [datum for datum in inputs if not datum.series or _named(datum, mention)]
    return named if any(datum.series for datum in named) else inputs


def _across(inputs: list[Datum]) -> Iterator[tuple[Datum, Datum]]:
    """Pairs of one metric of two subjects, of one time or place in the data."""
    groups: dict[str, list[Datum]] = {}
    for datum in inputs:
        if datum.unit not in ("fraction", "percent"):
            groups.setdefault(datum.metric, []).append(datum)
    for one in inputs:
        for two in groups.get(one.metric, ()):
            same = one.path == two.path or one.last == two.last
            if same and one.subject != two.subject and two.value and one.unit not in ("fraction", "percent"):
                yield one, two


def _told(datum: Datum, other: Datum) -> str:
    """The datum's path, with its key where the other is about another subject."""
    return datum.path if datum.subject == other.subject else datum.support


def _positions(inputs: list[Datum]) -> Iterator[Derivation]:
    points = [datum for datum in inputs if datum.unit.endswith("/share")]
    lows = [datum for datum in points if "low" in datum.tokens]
    highs = [datum for datum in points if "high" in datum.tokens]
    for low in lows:
        for high in highs:
            if low.tokens - {"low"} != high.tokens - {"high"} or low.subject != high.subject or high.value <= low.value:
                continue
            for price in points:
                if price.subject == low.subject and low.value <= price.value <= high.value and price not in (low, high):
                    value = 100 * (price.value - low.value) / (high.value - low.value)
                    formula = f"({price.path} - {low.path}) / ({high.path} - {low.path})"
                    yield Derivation(formula, (price, low, high), value)


def _compound(mention: Mention, inputs: list[Datum]) -> Iterator[Derivation]:
    for members in _series(inputs):
        named = [datum for datum in members if _named(datum, mention)]
        pairs = [(named[0], named[-1])] if mention.periods and named else [(members[0], members[-1])]
        for old, new in pairs:
            years = _years(old, new)
            if years > 0 and old.value > 0 and new.value > 0:
                value = 100 * ((new.value / old.value) ** (1 / years) - 1)
                yield Derivation(f"compound yearly growth from {old.path} to {new.path}", (new, old), value)


def _years(old: Datum, new: Datum) -> float:
    months = (int(new.last[:4]) - int(old.last[:4])) * 12 + int(new.last[5:7]) - int(old.last[5:7])
    return months / 12


def _point_differences(inputs: list[Datum]) -> Iterator[Derivation]:
    factors = {"fraction": 100.0, "percent": 1.0}
    rates = [datum for datum in inputs if datum.unit in factors]
    for one, two in permutations(rates, 2):
        if one.metric == two.metric or one.subject == two.subject:
            value = factors[one.unit] * one.value - factors[two.unit] * two.value
            yield Derivation(f"difference {_told(one, two)} - {_told(two, one)}", (one, two), value)
    amounts = [datum for datum in inputs if datum.series and datum.unit not in factors]
    for part, whole in _pairs(amounts):
        before = [
            (one, two) for one, two in _pairs(amounts)
            if (one.metric, two.metric) == (part.metric, whole.metric) and one.last < part.last
        ]  # fmt: skip
        for one, two in before:
            value = 100 * (part.value / whole.value - one.value / two.value)
            formula = f"difference {part.path} / {whole.path} - {one.path} / {two.path}"
            yield Derivation(formula, (part, whole, one, two), value)


def _multiples(inputs: list[Datum], sure: set[int]) -> Iterator[Derivation]:
    for one, two in _across(inputs):
        yield Derivation(f"{one.support} / {two.support}", (one, two), one.value / two.value)
    for one, two in _pairs(inputs):
        if one.unit == two.unit and one.unit not in ("fraction", "percent", "ratio"):
            yield Derivation(f"{one.path} / {two.path}", (one, two), one.value / two.value)
    yield from _net_debt_multiples(inputs)
    for members in _series([datum for datum in inputs if datum.number in sure] or inputs):
        for old, new in _ordered(members):
            if old.value:
                yield Derivation(f"{new.path} / {old.path}", (new, old), new.value / old.value)


def _net_debt_multiples(inputs: list[Datum]) -> Iterator[Derivation]:
    debts = [datum for datum in inputs if datum.tokens == {"debt"}]
    cashes = [datum for datum in inputs if datum.tokens == {"cash"}]
    for debt, cash in ((debt, cash) for debt in debts for cash in cashes if debt.subject == cash.subject):
        for flow in inputs:
            if flow.subject == debt.subject and flow.unit == debt.unit and flow not in (debt, cash) and flow.value:
                formula = f"({debt.path} - {cash.path}) / {flow.path}"
                yield Derivation(formula, (debt, cash, flow), (debt.value - cash.value) / flow.value)


def _differences(inputs: list[Datum], sure: set[int]) -> Iterator[Derivation]:
    places = _places(inputs)
    for one, two in permutations(inputs[:16], 2):
        if one.unit != two.unit:
            continue
        same_time = one.last == two.last and one.metric != two.metric and one.subject == two.subject
        over_time = one.metric == two.metric and one.subject == two.subject and one.last > two.last
        across = one.metric == two.metric and one.subject != two.subject and one.last == two.last
        if not (same_time or over_time or across):
            continue
        near = places[one] - places[two] in (1, 4) or (one.number in sure and two.number in sure)
        if (over_time and not near) or (not over_time and one.value < two.value):
            continue
        yield Derivation(f"difference {_told(one, two)} - {_told(two, one)}", (one, two), one.value - two.value)


def _places(inputs: list[Datum]) -> dict[Datum, int]:
    """Each datum's place in time among the inputs of its metric and subject."""
    groups: dict[tuple[str, int], list[Datum]] = {}
    for datum in inputs:
        groups.setdefault((datum.metric, datum.subject), []).append(datum)
    ordered = (sorted(members, key=lambda datum: datum.last) for members in groups.values())
    return {datum: at for members in ordered for at, datum in enumerate(members)}


def _per_unit(inputs: list[Datum]) -> Iterator[Derivation]:
    for one, two in _pairs(inputs):
        if one.unit in _SAME and two.unit in ("shares", "count"):
            yield Derivation(f"{one.path} / {two.path}", (one, two), one.value / two.value)
        if one.unit.endswith("/share") and two.unit == "shares":
            yield Derivation(f"{one.path} x {two.path}", (one, two), one.value * two.value)


def _runways(inputs: list[Datum], clause: str) -> Iterator[Derivation]:
    amounts = [datum for datum in inputs if datum.unit in _SAME or not datum.unit]
    factor, unit = _span(clause)
    for cash, flow in permutations(amounts, 2):
        if cash.subject != flow.subject or cash.value <= 0 or flow.value == 0 or cash.metric == flow.metric:
            continue
        yearly = abs(flow.value) * (4 if flow.grain == "quarter" else 1)
        formula = f"{cash.path} / {flow.path} a year, in {unit}"
        yield Derivation(formula, (cash, flow), factor * cash.value / yearly)


def _span(clause: str) -> tuple[float, str]:
    for pattern, factor, unit in (("month|monat|mois", 12.0, "months"), ("quarter|quartal|trimestre", 4.0, "quarters")):
        if re.search(pattern, clause, re.IGNORECASE):
            return factor, unit
    return 1.0, "years"


def _sums(inputs: list[Datum], what: str) -> Iterator[Derivation]:
    for members in _series(inputs):
        for window in _windows(members):
            total = sum(datum.value for datum in window)
            value = total / len(window) if what == "average" else total
            unit = 100 if window[0].unit == "fraction" else 1
            yield Derivation(f"{what} of {window[0].path} … {window[-1].path}", tuple(window), value * unit)
    for one, two in pairwise(inputs[:12]):
        if one.unit == two.unit and one.last == two.last and one.number != two.number:
            value = (one.value + two.value) / (2 if what == "average" else 1)
            yield Derivation(f"{what} of {one.path} and {two.path}", (one, two), value)


def _windows(members: list[Datum]) -> Iterator[list[Datum]]:
    yield members
    if members[0].grain == "quarter":
        for start in range(len(members) - 3):
            yield members[start : start + 4]
    for size in (2, 3):
        if len(members) > size:
            yield members[-size:]
