"""Quantities and the arithmetic that reports do with them: one visible, ordered list of operations."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from trainer.checks.calendar import is_before, same_length
from trainer.checks.thresholds import BROKEN, UNSPOKEN
from trainer.checks.view import MemberKey
from trainer.facts.values import Time


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with what it is of: a datum, a figure of a context, or one that the report states and that is borne out."""  # noqa: E501

    value: float
    kind: str
    """Of its unit; empty where none is known."""
    symbol: str
    measure: int
    """-1 where it is of no measure of the data."""
    members: MemberKey
    time: Time | None
    title: str
    source: str
    cost: float = 0.0
    """How much speaks against its being meant."""
    index: int = -1
    """Of its datum."""
    aggregate: str = "sum"
    is_context: bool = False

    def named(self) -> str:
        """Title, members and time, as a message says them."""
        of = [*(name for _, name in self.members), *([self.time.label] if self.time else [])]
        return self.title + (f" ({', '.join(of)})" if of else "")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a figure may mean: an operation over quantities."""

    value: float
    kind: str
    symbol: str
    cost: float
    inputs: tuple[Quantity, ...]
    operation: str
    """Its name in `OPERATIONS`, or `direct`."""
    formula: str = ""
    later: Time | None = None
    """The time it is of."""


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of a measure at some members and one time, along every other dimension."""

    members: frozenset[tuple[str, str]]
    total: Quantity | None
    """None of what is not added up."""
    mean: Quantity
    count: Quantity
    cost: float = 0.0
    """How much speaks against its being meant."""
    extremes: tuple[Quantity, ...] = ()
    """Its lowest and highest value."""


@dataclass(frozen=True, slots=True)
class Focus:
    """What operations work on, the likeliest first."""

    quantities: Sequence[Quantity]
    """Those that the words around a figure name."""
    series: Callable[[Quantity], Sequence[Quantity]]
    """The same measure and members at all times, the oldest first."""
    section: Callable[[Quantity], Sequence[Quantity]]
    """The same measure and time at all members."""
    peers: Callable[[Quantity], Sequence[Quantity]]
    """Other measures of the same members and time that may stand below a ratio."""
    sections: Callable[[], Iterable[Sequence[Quantity]]]
    """Every measure across its members at the last time."""
    column: Sequence[Quantity] = ()
    """Of a cell: the figures above it."""
    row: Sequence[Quantity] = ()
    """Of a cell: the figures beside it; of a sentence: those before it."""
    tables: Sequence[Sequence[Quantity]] = ()
    """The columns of the table before."""
    points: bool = True
    """Whether the figure may be a gap between two ratios."""
    spanned: bool = False
    """Whether words name two times, so that a change is between these."""
    named: frozenset[int] = frozenset()
    """The measures that a claim's words name whole."""
    groups: Sequence[Group] = ()
    """Groups of rows that members named near a figure make."""
    cues: Callable[[str], float] = lambda _: 0.0
    """What is added where no word speaks of an operation: 0 where one does."""


def changes(focus: Focus) -> Iterator[Candidate]:
    """Growth and difference between two times of one series."""
    growth, gap, yearly = focus.cues("change"), focus.cues("difference"), focus.cues("yearly")
    for later in focus.quantities:
        if later.time is None:
            continue
        series = focus.series(later)
        for earlier in series:
            if earlier.time is None or earlier.index == later.index or not same_length(earlier.time, later.time):
                continue
            if earlier.time.end >= later.time.end:
                continue
            step = later.cost + _step_cost(series, earlier, later, spanned=focus.spanned)
            pair = (later, earlier)
            if earlier.value:
                value = 100 * (later.value / earlier.value - 1) * (1 if earlier.value > 0 else -1)
                yield Candidate(value, "percent", "%", step + growth, pair, "change", "{0} / {1} - 1", later.time)
                yield Candidate(
                    later.value / earlier.value,
                    "ratio",
                    "x",
                    step + growth * 0.7,
                    pair,
                    "times",
                    "{0} / {1}",
                    later.time,
                )
                if later.value and earlier.cost <= 0.7:
                    # `in Q3 it was 2.6 times that of Q4`
                    inverse = step + 0.3 + growth * 0.7
                    yield Candidate(
                        earlier.value / later.value,
                        "ratio",
                        "x",
                        inverse,
                        (earlier, later),
                        "times",
                        "{0} / {1}",
                        earlier.time,
                    )
                years = (later.time.end - earlier.time.end).days / 365.25
                if years > 1.8 and later.value / earlier.value > 0:
                    rate = 100 * ((later.value / earlier.value) ** (1 / round(years, 1 if years % 1 > 0.1 else 0)) - 1)
                    yield Candidate(
                        rate,
                        "percent",
                        "%",
                        step + yearly,
                        pair,
                        "compound growth",
                        "({0} / {1}) ^ (1 / years) - 1",
                        later.time,
                    )
            kind = "points" if later.kind == "percent" else later.kind
            yield Candidate(
                later.value - earlier.value, kind, later.symbol, step + gap, pair, "difference", "{0} - {1}", later.time
            )


def _step_cost(series: Sequence[Quantity], earlier: Quantity, later: Quantity, *, spanned: bool) -> float:
    """What speaks against a pair of times: nothing for last year's or the one before, or for one that words name."""
    assert earlier.time
    assert later.time
    if earlier.cost <= 0.7:
        return 0.1 + 0.3 * earlier.cost
    if is_before(earlier.time, later.time, years=1):
        return 0.2
    at = next((at for at, item in enumerate(series) if item.index == later.index), 0)
    if at and series[at - 1].index == earlier.index:
        return 0.3
    return BROKEN if spanned else UNSPOKEN


def ratios(focus: Focus) -> Iterator[Candidate]:
    """One measure as a share or multiple of another, of the same members and time."""
    share, times, gap = focus.cues("share"), focus.cues("multiple"), focus.cues("change")
    for top in focus.quantities:
        for bottom in focus.peers(top):
            if not bottom.value or (bottom.index == top.index and bottom.index >= 0):
                continue
            cost = top.cost + 0.7 * bottom.cost
            ratio = top.value / bottom.value
            pair = (top, bottom)
            if top.kind == bottom.kind or not top.kind or not bottom.kind:
                yield Candidate(100 * ratio, "percent", "%", cost + share, pair, "share", "{0} / {1}", top.time)
                yield Candidate(ratio, "ratio", "x", cost + times, pair, "ratio", "{0} / {1}", top.time)
                yield Candidate(abs(ratio), "time", "year", cost + times, pair, "ratio", "{0} / {1}", top.time)
                if bottom.measure != top.measure and bottom.cost < 1.6:
                    yield Candidate(
                        100 * (ratio - 1), "percent", "%", cost + gap + 0.1, pair, "distance", "{0} / {1} - 1", top.time
                    )
            elif top.kind == "money":
                yield Candidate(ratio, "money", top.symbol, cost + times, pair, "per", "{0} / {1}", top.time)
            elif top.kind in ("", "count", "physical"):
                yield Candidate(ratio, "", "", cost + times, pair, "per", "{0} / {1}", top.time)


def ratio_changes(focus: Focus) -> Iterator[Candidate]:
    """By how many points a ratio of two measures moved between two times, and that ratio's own growth."""
    if not focus.points:
        return
    gap = min(focus.cues("difference"), focus.cues("change"))
    for top in focus.quantities[:10]:
        if top.time is None:
            continue
        tops = [
            item
            for item in focus.series(top)
            if item.time and item.time.end < top.time.end and same_length(item.time, top.time)
        ]
        if not tops:
            continue
        for bottom in focus.peers(top):
            if (
                not bottom.value
                or bottom.measure == top.measure
                or bottom.index < 0
                or top.cost + 0.5 * bottom.cost > 1.8
            ):
                continue
            bottoms = {item.time: item for item in focus.series(bottom)}
            for earlier in tops:
                base = bottoms.get(earlier.time)
                if base is None or not base.value or earlier.time is None:
                    continue
                time_cost = (
                    0.0
                    if is_before(earlier.time, top.time, years=1) or earlier is tops[-1] or earlier.cost <= 0.7
                    else 1.0
                )
                value = 100 * (top.value / bottom.value - earlier.value / base.value)
                yield Candidate(
                    value,
                    "points",
                    "",
                    top.cost + 0.5 * bottom.cost + gap + time_cost,
                    (top, bottom, earlier, base),
                    "points",
                    "{0} / {1} - {2} / {3}",
                    top.time,
                )


def across(focus: Focus) -> Iterator[Candidate]:
    """One member beside the others at one time: share of their sum, rank among them, ratio and difference of two."""
    share, gap, times = focus.cues("share"), focus.cues("difference"), focus.cues("multiple")
    for own in focus.quantities[:12]:
        section = [item for item in focus.section(own) if item.index != own.index]
        if not section:
            continue
        total = own.value + sum(item.value for item in section)
        if total and own.aggregate != "none":
            yield Candidate(
                100 * own.value / total,
                "percent",
                "%",
                own.cost + share + 0.3,
                (own, *section),
                "share of total",
                "{0} / sum",
                own.time,
            )
        for other in section[:60]:
            cost = own.cost + 0.3 + 0.4 * min(other.cost, 4.0)
            if other.value:
                yield Candidate(
                    own.value / other.value, "ratio", "x", cost + times, (own, other), "ratio", "{0} / {1}", own.time
                )
                yield Candidate(
                    100 * (own.value / other.value - 1),
                    "percent",
                    "%",
                    cost + gap,
                    (own, other),
                    "difference",
                    "{0} / {1} - 1",
                    own.time,
                )
                yield Candidate(
                    100 * own.value / other.value,
                    "percent",
                    "%",
                    cost + share,
                    (own, other),
                    "share",
                    "{0} / {1}",
                    own.time,
                )
            kind = "points" if own.kind == "percent" else own.kind
            yield Candidate(
                own.value - other.value, kind, own.symbol, cost + gap, (own, other), "difference", "{0} - {1}", own.time
            )


def totals(focus: Focus) -> Iterator[Candidate]:
    """Sums, means, medians and extremes along time or across members."""
    cues = {name: focus.cues(name) for name in ("sum", "mean", "median", "maximum", "minimum", "count")}
    done: set[tuple[object, ...]] = set()
    for own in focus.quantities[:10]:
        for name, items in (("section", focus.section(own)), ("series", focus.series(own))):
            identity = (name, own.measure, own.members if name == "series" else own.time)
            if identity in done or len(items) < 2:
                continue
            done.add(identity)
            items = [item for item in items if same_length(item.time, own.time)]  # noqa: PLW2901
            base = min(item.cost for item in items)
            groups: list[tuple[Sequence[Quantity], float]] = [(items, 0.2)]
            if name == "series" and own.time is not None:
                groups += [
                    (items[start : start + size], _run_cost(items, start, size))
                    for size in (2, 3, 4, 5, 6, 12)
                    for start in range(len(items) - size + 1)
                    if size < len(items)
                ][:200]
            # A run that no word and no end of the series speaks for is one of hundreds: it would prove nothing.
            groups = [(group, cost) for group, cost in groups if cost <= 0.6]
            if name == "series" and own.time is not None and focus.spanned:
                # `the average of 1951 to 1960`: from the first time that is named to the last
                ends = [at for at, item in enumerate(items) if item.cost <= base + 0.45]
                if len(ends) > 1 and 1 < ends[-1] - ends[0] < len(items) - 1:
                    groups.append((items[ends[0] : ends[-1] + 1], 0.1))
            named = [item for item in items if item.cost <= base + 0.9]
            if 1 < len(named) < len(items):
                groups.append((named, 0.0))
            for group, cost in groups:
                is_whole = group is items or group is named
                yield from _aggregate(own, group, base + cost, cues, is_whole=is_whole)


def _run_cost(items: Sequence[Quantity], start: int, size: int) -> float:
    """What speaks against a run of times: nothing for the last ones, or where words name its first and last."""
    run = items[start : start + size]
    if all(item.cost <= 1.3 for item in run):
        return 0.1
    return 0.2 if start + size == len(items) else 0.5 if min(run[0].cost, run[-1].cost) <= 0.7 else 1.2


def _aggregate(
    own: Quantity, group: Sequence[Quantity], cost: float, cues: dict[str, float], *, is_whole: bool
) -> Iterator[Candidate]:
    """Sum and mean of some values; median, extremes, range and count of those that are all there are or that are named."""  # noqa: E501
    values = [item.value for item in group]
    inputs = tuple(group)
    later = max((item.time for item in group if item.time), key=lambda time: time.end, default=None)
    if own.aggregate != "none" or len(values) <= 4:
        yield Candidate(math.fsum(values), own.kind, own.symbol, cost + cues["sum"], inputs, "sum", "sum of {n}", later)
    yield Candidate(
        math.fsum(values) / len(values), own.kind, own.symbol, cost + cues["mean"], inputs, "mean", "mean of {n}", later
    )
    if not is_whole:
        return
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    yield Candidate(
        median,
        own.kind,
        own.symbol,
        max(cost, *(item.cost for item in group if item.value == median), 0.0) + cues["median"] + 0.3,
        inputs,
        "median",
        "median of {n}",
        later,
    )
    # The highest of some values is one of them, and as any value it has to be of the time and member that are meant.
    for name, extreme in (
        ("maximum", max(group, key=lambda item: item.value)),
        ("minimum", min(group, key=lambda item: item.value)),
    ):
        formula = "highest of {n}" if name == "maximum" else "lowest of {n}"
        yield Candidate(
            extreme.value,
            own.kind,
            own.symbol,
            max(cost, extreme.cost) + cues[name] + 0.2,
            inputs,
            name,
            formula,
            extreme.time,
        )
    yield Candidate(
        ordered[-1] - ordered[0],
        own.kind,
        own.symbol,
        cost + cues["sum"] + 0.6,
        inputs,
        "range",
        "highest - lowest of {n}",
        later,
    )
    yield Candidate(float(len(values)), "count", "", cost + cues["count"], inputs, "count", "count of {n}", later)


def beside(focus: Focus) -> Iterator[Candidate]:
    """Arithmetic on the figures that stand beside: in the row, in the column above, before it in the sentence."""
    cues = {
        name: focus.cues(name)
        for name in ("sum", "mean", "difference", "share", "change", "multiple", "median", "yearly")
    }
    for group in (focus.row, focus.column):
        for one, two in [*combinations(group[:14], 2), *((two, one) for one, two in combinations(group[:14], 2))]:
            if one.index == two.index and one.index >= 0:
                continue
            cost = 0.3 + one.cost + two.cost
            comparable = one.kind == two.kind or not one.kind or not two.kind
            is_forward = one.time is None or two.time is None or one.time.end >= two.time.end
            if comparable:
                kind = "points" if one.kind == "percent" else one.kind
                if is_forward:
                    yield Candidate(
                        one.value - two.value,
                        kind,
                        one.symbol,
                        cost + cues["difference"],
                        (one, two),
                        "difference",
                        "{0} - {1}",
                        one.time,
                    )
                if two.value:
                    yield Candidate(
                        100 * one.value / two.value,
                        "percent",
                        "%",
                        cost + cues["share"],
                        (one, two),
                        "share",
                        "{0} / {1}",
                        one.time,
                    )
                    yield Candidate(
                        one.value / two.value,
                        "ratio",
                        "x",
                        cost + cues["multiple"],
                        (one, two),
                        "ratio",
                        "{0} / {1}",
                        one.time,
                    )
                    if is_forward or one.measure != two.measure:
                        yield Candidate(
                            100 * (one.value / two.value - 1),
                            "percent",
                            "%",
                            cost + cues["change"],
                            (one, two),
                            "change",
                            "{0} / {1} - 1",
                            one.time,
                        )
                if one.value + two.value and one.kind in ("", "count", "money") and one.measure == two.measure:
                    yield Candidate(
                        100 * one.value / (one.value + two.value),
                        "percent",
                        "%",
                        cost + cues["share"] + 0.2,
                        (one, two),
                        "share of total",
                        "{0} / ({0} + {1})",
                        one.time,
                    )
                yield Candidate(
                    one.value + two.value,
                    one.kind,
                    one.symbol,
                    cost + cues["sum"] + 0.3,
                    (one, two),
                    "sum",
                    "{0} + {1}",
                    one.time,
                )
                yield Candidate(
                    (one.value + two.value) / 2,
                    one.kind,
                    one.symbol,
                    cost + cues["mean"] + 0.2,
                    (one, two),
                    "mean",
                    "({0} + {1}) / 2",
                    one.time,
                )
            elif two.value:
                kind, symbol = ("money", one.symbol) if one.kind == "money" else ("", "")
                yield Candidate(
                    one.value / two.value,
                    kind,
                    symbol,
                    cost + cues["multiple"],
                    (one, two),
                    "per",
                    "{0} / {1}",
                    one.time,
                )
            if ({one.kind, two.kind} & {"", "count", "ratio"} and one.is_context != two.is_context) or {
                one.kind,
                two.kind,
            } == {"money", "count"}:
                money = one if one.kind == "money" else two
                yield Candidate(
                    one.value * two.value,
                    money.kind,
                    money.symbol,
                    cost + 0.3,
                    (one, two),
                    "product",
                    "{0} x {1}",
                    one.time,
                )
        yield from _of_all(group, cues)


def _of_all(group: Sequence[Quantity], cues: Mapping[str, float]) -> Iterator[Candidate]:
    """What stated figures are together: shares of their sum, their sum and their mean."""
    same = [item for item in group if item.kind == (group[0].kind if group else "")]
    # Of a few figures some share meets nearly any figure: only where words speak of a share.
    for part, whole in _parts_of(same) if cues["share"] <= _SAID else ():
        value = 100 * math.fsum(item.value for item in part) / math.fsum(item.value for item in whole)
        formula = "{0} / sum" if len(part) == 1 else "sum of {n} / total"
        inputs = (*part, *(item for item in whole if item not in part))
        yield Candidate(value, "percent", "%", 0.45 + cues["share"], inputs, "share of total", formula, part[0].time)
    for items in _runs(group, same):
        if not _are_alike_in_size(items):
            continue
        values = [item.value for item in items]
        first = items[0]
        yield Candidate(
            math.fsum(values),
            first.kind,
            first.symbol,
            0.2 + cues["sum"],
            tuple(items),
            "sum",
            "sum of {n}",
            first.time,
        )
        yield Candidate(
            math.fsum(values) / len(values),
            first.kind,
            first.symbol,
            0.2 + cues["mean"],
            tuple(items),
            "mean",
            "mean of {n}",
            first.time,
        )


def _parts_of(same: Sequence[Quantity]) -> Iterator[tuple[Sequence[Quantity], Sequence[Quantity]]]:
    """Each of three to six stated figures beside all of them, and all but the last beside the last."""
    if not 3 <= len(same) <= 6 or len({item.time for item in same}) > 1 or any(item.value <= 0 for item in same):
        return
    if same[0].kind not in ("", "count", "money", "physical"):
        return
    for item in same:
        yield [item], same
    for item in same:
        rest = [other for other in same if other is not item]
        if math.fsum(other.value for other in rest) < item.value:
            yield rest, [item]


def _runs(group: Sequence[Quantity], same: Sequence[Quantity]) -> Iterable[list[Quantity]]:
    """The figures as a whole, and the last three, four and five of them."""
    runs: dict[tuple[int, ...], list[Quantity]] = {}
    for items in (list(group), list(same), *(list(group[-size:]) for size in (3, 4, 5))):
        if len(items) > 1:
            runs.setdefault(tuple(id(item) for item in items), items)
    return runs.values()


def table_above(focus: Focus) -> Iterator[Candidate]:
    """Sums and means of the first rows of a column of the table before."""
    plus, mean = focus.cues("sum"), focus.cues("mean")
    for column in focus.tables:
        for size in range(2, min(len(column), 24) + 1):
            items = tuple(column[:size])
            total = math.fsum(item.value for item in items)
            first = items[0]
            cost = 0.7 if size < len(column) else 0.4
            yield Candidate(total, first.kind, first.symbol, cost + plus, items, "sum", "sum of {n}", first.time)
            yield Candidate(
                total / size, first.kind, first.symbol, cost + mean, items, "mean", "mean of {n}", first.time
            )


def combined(focus: Focus) -> Iterator[Candidate]:
    """Sums and differences of two or three measures of the same members and time, and what one is per another."""
    gap, plus = focus.cues("difference"), focus.cues("sum")
    groups: dict[tuple[MemberKey, Time | None], list[Quantity]] = defaultdict(list)
    for item in focus.quantities:
        groups[item.members, item.time].append(item)
    for items in groups.values():
        for one, two in combinations(items[:6], 2):
            if one.kind != two.kind or not _are_alike_in_size((one, two)):
                continue
            cost = one.cost + two.cost + 0.3
            first, second = (one, two) if one.value >= two.value else (two, one)
            yield Candidate(
                first.value - second.value,
                "points" if one.kind == "percent" else one.kind,
                one.symbol,
                cost + gap,
                (first, second),
                "difference",
                "{0} - {1}",
                one.time,
            )
            yield Candidate(
                one.value + two.value, one.kind, one.symbol, cost + plus, (one, two), "sum", "{0} + {1}", one.time
            )


def _are_alike_in_size(items: Sequence[Quantity]) -> bool:
    """Whether values may be added up: of 870 and 1, in units that nothing tells, the sum is but another 870."""
    sizes = [abs(item.value) for item in items]
    return any(item.kind for item in items) or min(sizes) >= _LEAST_PART * max(sizes)


_LEAST_PART = 0.03
_SAID = 0.25
"""The most that is added where the sentence itself speaks of an operation."""


def parts(focus: Focus) -> Iterator[Candidate]:
    """One of a few measures of a kind as a share of all of them: deaths of disease among deaths of any cause."""
    share, plus = focus.cues("share"), focus.cues("sum")
    for own in focus.quantities[:6]:
        if own.index < 0 or own.aggregate != "sum" or own.kind in ("percent", "ratio", "points"):
            continue
        others = [
            item
            for item in focus.peers(own)
            if item.index >= 0 and item.kind == own.kind and item.time == own.time and item.aggregate == "sum"
        ]
        if not 1 <= len(others) <= _MOST_PARTS:
            continue
        whole = own.value + math.fsum(item.value for item in others)
        inputs = (own, *others)
        if whole:
            value = 100 * own.value / whole
            yield Candidate(
                value, "percent", "%", own.cost + share + 0.4, inputs, "share of total", "{0} / sum", own.time
            )
            yield Candidate(whole, own.kind, own.symbol, own.cost + plus + 0.6, inputs, "sum", "sum of {n}", own.time)


_MOST_PARTS = 6
"""Beside so many measures at most one may be a part of them all; a record of thirty is no list of parts."""


def whole_sections(focus: Focus) -> Iterator[Candidate]:
    """The sum of any measure over all members at one time, though no word names it: large figures prove themselves."""
    cue = focus.cues("sum")
    for items in focus.sections():
        total = math.fsum(item.value for item in items)
        first = items[0]
        yield Candidate(total, first.kind, first.symbol, 1.3 + cue, tuple(items), "sum", "sum of {n}", first.time)


def inverses(focus: Focus) -> Iterator[Candidate]:
    """One over a ratio, as the yield of a multiple."""
    for own in focus.quantities[:8]:
        if own.kind in ("ratio", "") and own.value and 1 < abs(own.value) < 1000:
            yield Candidate(100 / own.value, "percent", "%", own.cost + 0.5, (own,), "inverse", "1 / {0}", own.time)


def groups(focus: Focus) -> Iterator[Candidate]:
    """Sum, mean, extremes and count over a group of rows, and one group as a share of a wider one."""
    cues = {name: focus.cues(name) for name in ("sum", "mean", "maximum", "minimum", "count", "share")}
    for group in focus.groups:
        total, mean, count = group.total, group.mean, group.count
        if total is not None:
            # A group of counted rows is its sum: nobody writes `in total` of the women in a table.
            plus = 0.2 * cues["sum"]
            yield Candidate(
                total.value, total.kind, total.symbol, group.cost + plus, (total,), "sum", "{0}", total.time
            )
        yield Candidate(
            mean.value, mean.kind, mean.symbol, group.cost + cues["mean"], (mean,), "mean", "{0}", mean.time
        )
        for name, item in zip(("minimum", "maximum"), group.extremes, strict=False):
            cost = group.cost + cues[name]
            yield Candidate(item.value, item.kind, item.symbol, cost, (item,), "extreme", "{0}", item.time)
        named = 0.3 if group.members else 1.0
        yield Candidate(
            count.value, "count", "", group.cost + 0.3 + named * cues["count"], (count,), "count", "{0}", count.time
        )
    for part in focus.groups:
        for whole in focus.groups:
            if (
                part.total is None
                or whole.total is None
                or not whole.total.value
                or not whole.members < part.members
                or part.total.time != whole.total.time
                or part.total.measure != whole.total.measure
            ):
                continue
            step = 0.3 * (len(part.members) - len(whole.members) - 1)
            value = 100 * part.total.value / whole.total.value
            cost = part.cost + step + 0.4 * cues["share"]
            pair = (part.total, whole.total)
            yield Candidate(value, "percent", "%", cost, pair, "share", "{0} / {1}", part.total.time)


OPERATIONS: tuple[Callable[[Focus], Iterator[Candidate]], ...] = (
    changes,
    ratios,
    ratio_changes,
    across,
    totals,
    combined,
    beside,
    table_above,
    parts,
    whole_sections,
    inverses,
    groups,
)
"""In this order; all are tried, and the likeliest that meets a figure is its support."""
