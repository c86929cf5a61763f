"""Groups of rows that a text names: all varieties of a site in a year, all women, all women who were admitted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from trainer.checks.quantities import Group, Quantity
from trainer.checks.view import Datum, FactsView
from trainer.facts import Time

MemberOption = tuple[str, str]
_MOST_MEMBERS = 5
"""Named members of which every combination is tried: 32 at most."""
_MOST_ROWS = 20_000
"""Rows of one measure; a table that is longer is summarised before it is checked."""


class Slices:
    """The groups of rows of measures that have two dimensions or more; each is added up once."""

    def __init__(self, view: FactsView) -> None:
        self.view = view
        self.rows: dict[int, list[Datum]] = defaultdict(list)
        for datum in view.data:
            if not datum.formula and not set(datum.members) & view.totals:
                self.rows[datum.measure].append(datum)
        self.axes = {measure: self._axes(data) for measure, data in self.rows.items() if len(data) <= _MOST_ROWS}
        self.groups: dict[tuple[int, frozenset[MemberOption], Time | None], Group | None] = {}

    def _axes(self, data: Sequence[Datum]) -> frozenset[str]:
        members: dict[str, set[str]] = defaultdict(set)
        for datum in data:
            for name, member in datum.members:
                members[name].add(member)
        return frozenset(name for name, of in members.items() if len(of) > 1)

    def named(self, measure: int, members: Iterable[MemberOption], times: Sequence[Time | None]) -> Iterator[Group]:
        """The groups of a measure's rows at every combination of some members, within each time; None is all times."""
        axes = self.axes.get(measure, frozenset())
        options = [option for option in dict.fromkeys(members) if option[0] in axes][:_MOST_MEMBERS]
        for size in range(len(options), -1, -1):
            for fixed in combinations(options, size):
                if len({name for name, _ in fixed}) == size:
                    for time in times:
                        group = self._group(measure, frozenset(fixed), time)
                        if group is not None and group.count.value > 1:
                            yield group

    def siblings(self, own: Quantity, operation: str) -> list[list[Quantity]]:
        """A group's sum, mean or count beside those of the other members, one list for each of its dimensions."""
        lists = []
        for fixed in own.members:
            others = sorted({of for datum in self.rows[own.measure] for of in datum.members if of[0] == fixed[0]})
            groups = (self._group(own.measure, frozenset({*own.members} - {fixed} | {of}), own.time) for of in others)
            values = [
                value
                for group in groups
                if group is not None
                and (value := {"sum": group.total, "mean": group.mean, "count": group.count}[operation]) is not None
            ]
            if len(values) > 1:
                lists.append(values)
        return lists

    def _group(self, measure: int, fixed: frozenset[MemberOption], time: Time | None) -> Group | None:
        key = (measure, fixed, time)
        if key not in self.groups:
            data = [
                datum
                for datum in self.rows[measure]
                if fixed <= set(datum.members) and (time is None or _is_within(datum.time, time))
            ]
            self.groups[key] = self._added_up(key, data) if data else None
        return self.groups[key]

    def _added_up(self, key: tuple[int, frozenset[MemberOption], Time | None], data: Sequence[Datum]) -> Group | None:
        measure, fixed, time = key
        options = [datum.options[0] for datum in data]
        if len({(option.kind, option.symbol) for option in options}) > 1:
            return None
        whole = math.fsum(option.value for option in options)
        source = f"{data[0].source} and {len(data) - 1} more" if len(data) > 1 else data[0].source

        def quantity(name: str, value: float, kind: str, symbol: str) -> Quantity:
            title = f"{name} of {self.view.titles[measure]}"
            return Quantity(value, kind, symbol, measure, tuple(sorted(fixed)), time, title, source)

        kind, symbol = options[0].kind, options[0].symbol
        return Group(
            fixed,
            quantity("sum", whole, kind, symbol) if self.view.aggregates[measure] == "sum" else None,
            quantity("mean", whole / len(data), kind, symbol),
            quantity("count", float(len(data)), "count", ""),
            extremes=tuple(
                quantity(name, of(option.value for option in options), kind, symbol)
                for name, of in (("lowest", min), ("highest", max))
            ),
        )


def _is_within(time: Time | None, whole: Time) -> bool:
    return time is not None and whole.start <= time.start and time.end <= whole.end
