"""A table of data as a cube: its series, lists and totals, along whichever axis they are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations

from trainer.draft import wording
from trainer.draft.markup import escaped
from trainer.draft.model import BlockSource, Fact, MeasureColumn, Records
from trainer.facts import Facts, Observation, Time, Unit, fold
from trainer.facts.words import vocabulary

_MOST_SERIES_OF_MEMBERS = 4
"""More lines of members in one chart, and more sentences of one kind, are not read."""
_MOST_GROUPS = 12
"""More groups are no overview."""
_MOST_CODES = 31
"""Different numbers that still tell groups apart: the days of a month are the most of a known kind."""
_ANSWERS = frozenset(("yes", "no", "true", "false"))
"""Members that say nothing without their dimension."""
_FINE = frozenset(("day", "moment"))
"""Times so short that the newest alone says little of a member."""
_STEADY = Decimal("0.95")
"""Of the rows of its fullest time, what each time of a total has to have, lest it tell of rows that came and went."""


@dataclass(frozen=True, slots=True)
class Cube:
    """The observations of one table: values of measures by members and time."""

    name: str
    """The key it stands under: `quarterly`."""
    title: str
    observations: tuple[Observation, ...]
    facts: Facts
    source: BlockSource
    dimensions: tuple[str, ...]
    """Those that its rows differ in."""
    times: tuple[Time, ...]
    sizes: Mapping[str, int]
    """How many rows of the source each row stands for, by its pointer, where the table is a summary of many."""

    def records(self) -> list[Records]:
        """Its series and lists as they stand, for a text that asks for none in particular."""
        group, times = self.observations, self.times
        if times and len(group) == len({(one.measure, one.time) for one in group}):
            return [self._series(group)]
        if not self.dimensions:
            return [self._spread(group)]
        identity = _identity(self.dimensions, group)
        if not identity:
            return [self._by_group(group)]
        if len(times) < 2 or len(group) == len({(one.measure, _member(one, identity)) for one in group}):
            return [self._list(group, identity)]
        records: list[Records] = []
        members = list(dict.fromkeys(_member(one, identity) for one in group))
        if len(members) > 1:
            records.append(self._list([one for one in group if one.time == times[-1]], identity))
        for member in self._leading(group, identity):
            own = [one for one in group if _member(one, identity) == member]
            if len(_distinct_times(own)) > 1:
                whose = _label(identity, own[0]) if len(members) > 1 else ""
                records.append(replace(self._series(own), member=whose))
        return records

    def codes(self, measure: str) -> bool:
        """Whether the values of a measure are a few whole numbers, as those that tell groups apart."""
        values = {one.value for one in self.observations if one.measure == measure}
        return 1 < len(values) <= _MOST_CODES and all(value == value.to_integral_value() for value in values)

    def adds_up(self, measure: str) -> bool:
        """Whether totals of a measure mean something."""
        meant = self.facts.measures[measure]
        return meant.aggregate == "sum" and bool(set(meant.words) & vocabulary("additive"))

    def _is_panel(self, rows: Sequence[Observation]) -> bool:
        """Whether a dimension tells the rows of one time apart; rows such as orders come and go by their nature."""
        return not self.sizes and bool(_identity(self.dimensions, rows))

    def by_member(self, measure: str, dim: str, *, members: Iterable[str] = ()) -> Records | None:
        """A measure by the members of a dimension, or by the codes of another measure: the most first.

        Of series, at the newest time that most members have; of days, over all of them, as of rows that are not the
        same ones from time to time. Where several rows are of one
        member, their sum where that means something, else their mean.
        """
        rows, label_of, title = self._rows(measure, dim, members)
        times = _distinct_times(rows)
        if len(times) > 1 and not {time.grain for time in times} & _FINE and self._is_panel(rows):
            present: dict[Hashable, set[str]] = defaultdict(set)
            for one in rows:
                present[_at(one)].add(label_of(one))
            most = max(map(len, present.values()))
            when = next(time for time in reversed(times) if len(present[time.start, time.end]) * 2 >= most)
            rows, times = [one for one in rows if _at(one) == (when.start, when.end)], [when]
        labels = list(dict.fromkeys(label_of(one) for one in rows))
        if len(labels) < 2:
            return None
        column = self._pivoted(rows, labels, label_of)[0]
        order = sorted(column.known, key=lambda cell: -(cell[1].figure or 0))
        cells = tuple(cell for _, cell in order)
        when_of = times[0] if len(times) == 1 else None
        names = tuple(labels[at] for at, _ in order)
        return Records(self.name, self.title, names, (replace(column, cells=cells),), label_title=title, when=when_of)

    def over_time(self, measure: str, dim: str = "", members: Iterable[str] = ()) -> list[Records]:
        """A measure over time: of all rows together where they stay the same ones, then of the leading members."""
        rows, label_of, _ = self._rows(measure, dim, members)
        times = _distinct_times(rows)
        if len(times) < 2:
            return []
        sizes: dict[Hashable, int] = defaultdict(int)
        for one in rows:
            sizes[_at(one)] += 1
        fullest = max(sizes.values())
        is_steady = min(sizes.values()) >= fullest * _STEADY or not self._is_panel(rows)
        if not is_steady and not dim and fullest > 1:
            dim = next(iter(self.dimensions), "")
            _, label_of, _ = self._rows(measure, dim, members)
        records = [self._series(rows)] if is_steady or not dim else []
        labels = list(dict.fromkeys(label_of(one) for one in rows)) if dim else []
        if len(labels) > 1:
            newest = self.by_member(measure, dim, members=members)
            leading = [label for label in newest.labels if label][:_MOST_SERIES_OF_MEMBERS] if newest else labels
            columns = []
            for label in leading:
                own = [one for one in rows if label_of(one) == label]
                series = self._series(own, times)
                columns.append(replace(series.columns[0], member=label))
            records.append(replace(self._series(rows, times), columns=tuple(columns)))
        return records

    def _rows(
        self, measure: str, dim: str, members: Iterable[str]
    ) -> tuple[list[Observation], Callable[[Observation], str], str]:
        """The observations of a measure to be told by a dimension, how each is called there, and the axis' name."""
        rows = [one for one in self.observations if one.measure == measure]
        if wanted := set(members):
            rows = [one for one in rows if wanted & set(one.members.values())]
        for name in self.dimensions:
            totals = {member.name for member in self.facts.dimensions[name].members if member.is_total}
            of_total = [one for one in rows if one.members.get(name) in totals]
            if of_total and len(of_total) < len(rows):
                rows = [one for one in rows if one.members.get(name) not in totals] if name == dim else of_total
        for name in self.dimensions:
            # A value that is repeated for each member of another dimension is one value.
            others = [other for other in self.dimensions if other != name]
            keys = {(_member(one, others), _at(one)): one for one in reversed(rows)} if name != dim else {}
            if 1 < len(keys) * 2 <= len(rows) and all(
                one.value == keys[_member(one, others), _at(one)].value for one in rows
            ):
                rows = list(reversed(keys.values()))
        if dim in self.facts.measures and dim not in self.dimensions:
            title = self.facts.measures[dim].title
            codes = {_row(one): one.value for one in self.observations if one.measure == dim}
            rows = [one for one in rows if _row(one) in codes]
            return rows, lambda one: f"{title} {codes[_row(one)].normalize():f}", title
        if dim:
            rows = [one for one in rows if one.members.get(dim)]
        return rows, lambda one: _label([dim], one), _dimension_title(dim) if dim else ""

    def _leading(self, group: Sequence[Observation], dims: Sequence[str]) -> list[str]:
        """The members whose series are told: all where they are few, else those with most of the first measure."""
        first = group[0].measure
        members = list(dict.fromkeys(_member(one, dims) for one in group))
        if len(members) <= _MOST_SERIES_OF_MEMBERS:
            return members
        newest = {_member(one, dims): one.value for one in group if one.measure == first}
        return sorted(newest, key=lambda member: -newest[member])[:_MOST_SERIES_OF_MEMBERS]

    def _series(self, group: Sequence[Observation], times: Sequence[Time] = ()) -> Records:
        times = times or _distinct_times(group)
        columns = self._pivoted(group, [(time.start, time.end) for time in times], _at)
        return Records(self.name, self.title, tuple(time.end.isoformat() for time in times), columns, tuple(times))

    def _list(self, group: Sequence[Observation], dims: Sequence[str]) -> Records:
        labels: dict[str, str] = {}
        for one in group:
            labels.setdefault(_member(one, dims), _label(dims, one))
        columns = self._pivoted(group, list(labels), lambda one: _member(one, dims))
        times = _distinct_times(group)
        if len(times) > 1:
            columns = (self._times(group, list(labels), dims), *columns)
        return Records(
            self.name,
            self.title,
            tuple(labels.values()),
            columns,
            label_title=wording.listed([_dimension_title(dim) for dim in dims]),
            when=times[0] if len(times) == 1 else None,
        )

    def _times(self, group: Sequence[Observation], members: Sequence[str], dims: Sequence[str]) -> MeasureColumn:
        """When each row of a list holds whose rows are of different times."""
        heads = wording.pattern("label_heads")
        title = next((heads[one.time.grain] for one in group if one.time and one.time.grain in heads), heads["day"])
        times = {
            _member(one, dims): Fact(title, wording.label(one.time), "text", dotted(one.source.path), self.source)
            for one in group
            if one.time
        }
        return MeasureColumn("time", title, "text", tuple(times.get(member) for member in members))

    def _by_group(self, group: Sequence[Observation]) -> Records:
        """Sums or means by the members of one dimension, where rows have no name of their own.

        Sums of what adds up, where all dimensions together tell the rows apart, as in a table of counts by class and
        sex; else means, as of measurements by species.
        """
        dims = self.dimensions
        dim = _grouping([dim for dim in dims if len({one.members.get(dim) for one in group}) > 1], self.facts)
        if not dim:
            return self._spread(group)
        totals = {member.name for member in self.facts.dimensions[dim].members if member.is_total}
        rows = [one for one in group if one.members.get(dim, "") not in totals | {""}]
        is_whole = len(rows) == len({(one.measure, _member(one, dims), one.time) for one in rows})
        labels = {one.members[dim]: _label([dim], one) for one in rows}
        columns = self._pivoted(rows, list(labels), lambda one: one.members[dim], is_whole=is_whole)
        return Records(self.name, self.title, tuple(labels.values()), columns, label_title=_dimension_title(dim))

    def _spread(self, group: Sequence[Observation]) -> Records:
        """Mean, lowest and highest value of each measure, where rows have neither name nor time."""
        columns = []
        for measure, observations in _by_measure(group).items():
            first = replace(fact_of(observations[0], self.facts, self.source), adds_up=False)
            units = observations[0].units or self.facts.measures[measure].units
            values = [one.value for one in observations]
            spread = (
                ("mean_of", sum(values, Decimal(0)) / len(values)),
                ("lowest_of", min(values)),
                ("highest_of", max(values)),
            )
            cells = tuple(
                replace(first, value=printed(value, units)[0], formula=wording.say(statistic, count=len(values)))
                for statistic, value in spread
            )
            columns.append(MeasureColumn(measure, first.title, first.unit, cells))
        labels, title = tuple(wording.pattern("statistics")), wording.say("statistic")
        return Records(self.name, self.title, labels, tuple(columns), label_title=title, is_spread=True)

    def _pivoted(
        self,
        group: Sequence[Observation],
        keys: Sequence[Hashable],
        key_of: Callable[[Observation], Hashable],
        *,
        is_whole: bool = True,
    ) -> tuple[MeasureColumn, ...]:
        """A column for each measure, a cell for each key; several observations in a cell become their sum or mean."""
        columns = []
        for measure, observations in _by_measure(group).items():
            cells: dict[Hashable, list[Observation]] = defaultdict(list)
            for one in observations:
                cells[key_of(one)].append(one)
            statistic = ""
            if len(observations) > len(cells):
                statistic = "sum_of" if is_whole and self.adds_up(measure) else "mean_of"
            facts = tuple(self._cell(cells[key], statistic) if key in cells else None for key in keys)
            if first := next((cell for cell in facts if cell is not None), None):
                columns.append(MeasureColumn(measure, first.title, first.unit, facts))
        return tuple(columns)

    def _cell(self, observations: Sequence[Observation], statistic: str) -> Fact:
        first = fact_of(observations[0], self.facts, self.source)
        if not statistic:
            return first
        total, size = sum((one.value for one in observations), Decimal(0)), len(observations)
        units = observations[0].units or self.facts.measures[observations[0].measure].units
        if statistic == "mean_of" and self.sizes:
            weights = [self.sizes.get(_row(one), 1) for one in observations]
            size = sum(weights)
            total = sum((one.value * weight for one, weight in zip(observations, weights, strict=True)), Decimal(0))
        value, unit = printed(total if statistic == "sum_of" else total / size, units)
        is_told = first.title.casefold().split(" ")[0] == ("total" if statistic == "sum_of" else "mean")
        title = first.title if is_told else wording.say(f"{statistic}_title", title=wording.lowered(first.title))
        formula = wording.say(statistic, count=size)
        return replace(first, title=title, value=value, unit=unit, formula=formula, adds_up=statistic == "sum_of")


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that data is about, with all that the blocks say of it."""

    name: str
    """As the data names it: `AbbVie Inc.`."""
    facts: tuple[Fact, ...]
    records: tuple[Records, ...]
    sources: tuple[BlockSource, ...]
    cubes: tuple[Cube, ...] = ()
    """The tables that its series and lists are taken from."""

    @property
    def short(self) -> str:
        """Its name as a sentence uses it, safe in Markdown."""
        return escaped(wording.short_name(self.name), most=60)


def cube_of(
    name: str, title: str, group: Sequence[Observation], facts: Facts, source: BlockSource, *, sizes: Mapping[str, int]
) -> Cube:
    """The cube of the observations of one table."""
    used = {dimension for one in group for dimension in one.members}
    dims = tuple(dim for dim in facts.dimensions if dim != "subject" and dim in used)
    return Cube(name, title, tuple(group), facts, source, dims, tuple(_distinct_times(group)), sizes)


def fact_of(one: Observation, facts: Facts, source: BlockSource) -> Fact:
    """An observation as a fact."""
    measure = facts.measures[one.measure]
    units = one.units or measure.units
    value, unit = printed(one.value, units)
    if not units and 1800 <= value <= 2200 and {"year", "founded", "born"} & set(measure.words):
        unit = "year"
    return Fact(
        measure.title, value, unit, dotted(one.source.path), source, measure.description,
        adds_up=measure.aggregate == "sum" and bool(set(measure.words) & vocabulary("additive")),
    )  # fmt: skip


def printed(value: Decimal, units: Sequence[Unit]) -> tuple[Decimal, str]:
    """A value with the unit it is printed in; without one where the data leaves several possible."""
    if len(units) != 1:
        return value, ""
    (unit,) = units
    if unit.kind == "percent":
        return value, "fraction" if unit.scale == 100 else "percent"
    symbol = "" if unit.kind == "index" else "ratio" if unit.kind == "ratio" else unit.symbol
    symbol = symbol.replace("^2", "²").replace("^3", "³").replace("degC", "°C").replace("degF", "°F")
    if unit.kind == "time" and symbol not in ("", "s", "ms", "min", "h"):
        symbol += "s"
    return value * unit.scale, f"{symbol}/{unit.per}" if unit.per else symbol


def dotted(pointer: str) -> str:
    """A JSON pointer as a path of names: `quarterly.3.revenue`."""
    return ".".join(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _by_measure(group: Iterable[Observation]) -> Mapping[str, list[Observation]]:
    by_measure: dict[str, list[Observation]] = defaultdict(list)
    for one in group:
        by_measure[one.measure].append(one)
    return by_measure


def _distinct_times(group: Iterable[Observation]) -> list[Time]:
    times = {(one.time.start, one.time.end): one.time for one in group if one.time}
    return sorted(times.values(), key=lambda time: (time.end, time.start))


def _at(one: Observation) -> Hashable:
    return one.time and (one.time.start, one.time.end)


def _row(one: Observation) -> str:
    return one.source.path.rpartition("/")[0]


def _member(one: Observation, dims: Sequence[str]) -> str:
    return ", ".join(one.members[dim] for dim in dims if dim in one.members)


def _dimension_title(dimension: str) -> str:
    return wording.say("name_head") if fold(dimension) in vocabulary("identifier") else wording.humanised(dimension)


def _label(dims: Sequence[str], one: Observation) -> str:
    """A row as a list calls it: `Arden`, `Arden (north)`, and `Cyl 4` where the member alone says nothing."""
    first, *others = [
        f"{_dimension_title(dim)} {member}" if _is_bare(dim, member) else member
        for dim in dims
        if (member := one.members.get(dim))
    ] or [""]
    return f"{first} ({', '.join(others)})" if others else first


def _is_bare(dim: str, member: str) -> bool:
    """Whether a member says nothing without its dimension: a number, an answer, a letter that is no name."""
    is_letter = len(member) == 1 and fold(dim) not in vocabulary("naming")
    return is_letter or member.replace(".", "").isdigit() or member.casefold() in _ANSWERS


def _grouping(dims: Sequence[str], facts: Facts) -> str:
    """The dimension to group by: words before numbers and answers, few members before many, the data's order."""

    def rank(dim: str) -> tuple[bool, bool, int]:
        members = [member.name for member in facts.dimensions[dim].members]
        many = len(members) > _MOST_GROUPS
        return many, all(_is_bare(dim, member) for member in members), len(members) * many

    return min(dims, key=rank, default="")


def _identity(dims: Sequence[str], group: Sequence[Observation]) -> tuple[str, ...]:
    """The first dimension that tells rows of one time apart, or the first two that do together; none where none do.

    The others are attributes of it, as a continent is of a country.
    """
    for chosen in ((dim,) for dim in dims), combinations(dims, 2):
        for names in chosen:
            if len(group) == len({(one.measure, _member(one, names), one.time) for one in group}):
                return names
    return ()
