"""From facts to what a draft is written from: entities with their single figures, series and lists by member."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations

from trainer.core.values import DataBlock, Json
from trainer.draft import wording
from trainer.draft.figures import kind
from trainer.draft.model import BlockSource, Entity, Fact, MeasureColumn, Records
from trainer.facts import (
    Facts,
    Observation,
    Time,
    Unit,
    fold,
    parse_time,
    read_block,
)
from trainer.facts.words import vocabulary

_MOST_FACTS = 1_500
_MOST_SERIES_OF_MEMBERS = 4
"""More lines of members in one chart, and more sentences of one kind, are not read."""
_MOST_GROUPS = 12
"""More groups are no overview."""
_MOST_TEXT = 400
_ANSWERS = frozenset(("yes", "no", "true", "false"))
"""Members that say nothing without their dimension."""


def read(blocks: Sequence[DataBlock], params: Mapping[str, Json] | None = None) -> tuple[Entity, ...]:
    """The entities that the blocks are about, in the order in which the instruction names them.

    Args:
        blocks: the data.
        params: the report's parameters: one that names a member or a period selects it.
    """
    entities: list[_Reading] = []
    for block in blocks:
        reading = _read_block(block, params or {})
        same = next((other for other in entities if other.aliases & reading.aliases), None)
        if same:
            same.join(reading)
        else:
            entities.append(reading)
    return tuple(reading.entity() for reading in entities)


@dataclass(slots=True)
class _Reading:
    """What was read so far of one entity."""

    name: str
    aliases: set[str]
    facts: list[Fact] = field(default_factory=list)
    records: list[Records] = field(default_factory=list)
    sources: list[BlockSource] = field(default_factory=list)

    def join(self, other: _Reading) -> None:
        self.name = max((self.name, other.name), key=len)
        self.aliases |= other.aliases
        self.facts += other.facts
        self.records += other.records
        self.sources += other.sources

    def entity(self) -> Entity:
        return Entity(self.name, _newest(self.facts), _merged(self.records), tuple(self.sources))


def _read_block(block: DataBlock, params: Mapping[str, Json]) -> _Reading:
    facts = read_block(block)
    subjects = facts.dimensions["subject"].members if "subject" in facts.dimensions else ()
    own = next(
        (member for member in subjects if not block.subject or block.subject in (member.name, *member.aliases)), None
    )
    name = block.subject or (own.name if own and len(subjects) == 1 else "") or wording.humanised(block.name)
    names = {name, *((own.name, *own.aliases) if own else ())}
    source = BlockSource(block.name, f"{block.key}@{block.version}", block.as_of)
    reading = _Reading(name, {alias.casefold() for alias in names}, sources=[source])
    view = _View(block, facts, source)
    grouping = {dimension.words for dimension in facts.dimensions.values()}
    # A number that names groups, such as cylinders, is told as their name and not as an amount.
    observations = [one for one in selected(facts, params) if facts.measures[one.measure].words not in grouping]
    groups = view.groups(observations)
    series = {id(one) for group in groups for one in group}
    texts = view.texts(names)
    reading.facts = texts if len(texts) < _MOST_FACTS else []
    reading.facts += [view.single(one) for one in observations if id(one) not in series][:_MOST_FACTS]
    reading.facts.sort(key=lambda fact: view.order.get(fact.path, 0))
    reading.facts = _told_apart(reading.facts)
    for group in groups:
        reading.records += view.records(group)
    return reading


def selected(facts: Facts, params: Mapping[str, Json]) -> list[Observation]:
    """The observations that a report's parameters leave: of the members they name, up to the period they name."""
    chosen: dict[str, set[str]] = {}
    last: Time | None = None
    for value in params.values():
        text = fold(str(value))
        for dimension in facts.dimensions.values():
            for member in dimension.members:
                if dimension.name != "subject" and text in {fold(name) for name in (member.name, *member.aliases)}:
                    chosen.setdefault(dimension.name, set()).add(member.name)
        last = last or parse_time(str(value))
    observations = [
        one
        for one in facts.observations
        if all(one.members.get(dimension, "") in {*members, ""} for dimension, members in chosen.items())
    ]
    if last is not None and any(one.time and one.time.end <= last.end for one in observations):
        observations = [one for one in observations if one.time is None or one.time.end <= last.end]
    return observations


class _View:
    """One block's facts as single figures, series and lists.

    Args:
        block: the block.
        facts: what was understood of it.
        source: how a draft names it.
    """

    def __init__(self, block: DataBlock, facts: Facts, source: BlockSource) -> None:
        self.block, self.facts, self.source = block, facts, source
        paths = [one.source.path for one in facts.observations] + [one.source.path for one in facts.left_out]
        places = _document_order(block.data)
        self.order = {_dotted(path): places.get(path, len(places)) for path in paths}

    def texts(self, names: Iterable[str]) -> list[Fact]:
        """The texts and dates outside lists, but for those that name what the data is about."""
        texts: list[Fact] = []
        for out in self.facts.left_out:
            path = _dotted(out.source.path)
            parts = path.split(".")
            if (
                out.why not in ("text", "time", "identifier")
                or any(part.isdigit() for part in parts)
                or out.detail in names
            ):
                continue
            if fold(parts[-1]) in _CODES or not out.detail.strip():
                continue
            meaning = self.block.fields.get(path)
            title = meaning.title if meaning and meaning.title else wording.humanised(parts[-1] or self.block.name)
            unit = "date" if out.why == "time" and parse_time(out.detail[:10]) else "text"
            value = (
                out.detail[:10]
                if unit == "date"
                else wording.pattern("answers").get(out.detail, out.detail[:_MOST_TEXT])
            )
            texts.append(Fact(title, value, unit, path, self.source))
        return texts

    def groups(self, observations: Sequence[Observation]) -> list[list[Observation]]:
        """The observations that stand in series or lists, those of one table together."""
        tables: dict[tuple[str | None, str], list[Observation]] = defaultdict(list)
        grains = {path: grain for path, grain in map(self._table, observations) if grain}
        for one in observations:
            path, grain = self._table(one)
            tables[path, grain or (grains.get(path, "") if path else "")].append(one)
        groups: list[list[Observation]] = []
        for (path, _), group in tables.items():
            # Rows that name no member, beside rows that do, are in no list by member.
            named = [one for one in group if any(dimension != "subject" for dimension in one.members)] or group
            is_list = named is not group or path is not None or self._is_series(group)
            if is_list and len(named) > len({one.measure for one in named}):
                groups.append(named)
        return groups

    def _is_series(self, group: Sequence[Observation]) -> bool:
        periods: dict[str, set[object]] = defaultdict(set)
        for one in group:
            periods[one.measure].add(one.time and (one.time.start, one.time.end))
        return any(len(times - {None}) > 1 for times in periods.values())

    def _table(self, one: Observation) -> tuple[str | None, str]:
        """The list or map that an observation stands in, None outside any, and how long its periods are."""
        parts = _dotted(one.source.path).split(".")
        index = next((at for at, part in enumerate(parts) if part.isdigit() or part in one.members.values()), None)
        if index is None and one.time is not None:
            index = next((at for at, part in enumerate(parts) if parse_time(part)), None)
        grain = one.time.grain if one.time else ""
        return ".".join(parts[:index]) if index is not None else None, grain

    def single(self, one: Observation) -> Fact:
        """An observation that stands alone, with the members it is of: `Visits, Basel`."""
        fact = self.fact(one)
        whose = [member for dimension, member in one.members.items() if dimension != "subject"]
        return replace(fact, title=f"{fact.title}, {wording.listed(whose)}") if whose else fact

    def fact(self, one: Observation) -> Fact:
        """An observation as a fact."""
        measure = self.facts.measures[one.measure]
        units = one.units or measure.units
        value, unit = _printed(one.value, units)
        if not units and 1800 <= value <= 2200 and {"year", "founded", "born"} & set(measure.words):
            unit = "year"
        return Fact(
            measure.title, value, unit, _dotted(one.source.path), self.source, measure.description,
            adds_up=measure.aggregate == "sum" and bool(set(measure.words) & vocabulary("additive")),
        )  # fmt: skip

    def records(self, group: Sequence[Observation]) -> list[Records]:
        """The series and lists of one table."""
        used = {dimension for one in group for dimension in one.members}
        dims = [dim for dim in self.facts.dimensions if dim != "subject" and dim in used]
        times = _distinct_times(group)
        name = (self._table(group[0])[0] or "").rpartition(".")[2]
        if times and len(group) == len({(one.measure, one.time) for one in group}):
            return [self._series(group, times, name)]
        identity = _identity(dims, group)
        if not dims:
            return [self._spread(group, name)]
        if not identity:
            return self._by_group(group, dims, name)
        if len(times) < 2 or len(group) == len({(one.measure, _member(one, identity)) for one in group}):
            return [self._list(group, identity, name)]
        records: list[Records] = []
        members = list(dict.fromkeys(_member(one, identity) for one in group))
        if len(members) > 1:
            records.append(self._list([one for one in group if one.time == times[-1]], identity, name))
        for member in self._leading(group, identity, members):
            own = [one for one in group if _member(one, identity) == member]
            of_member = _distinct_times(own)
            if len(of_member) > 1:
                whose = _label(identity, own[0]) if len(members) > 1 else ""
                records.append(replace(self._series(own, of_member, name), member=whose))
        return records

    def _leading(self, group: Sequence[Observation], dims: Sequence[str], members: Sequence[str]) -> list[str]:
        """The members whose series are told: all where they are few, else those with most of the first measure."""
        if len(members) <= _MOST_SERIES_OF_MEMBERS:
            return list(members)
        first = group[0].measure
        newest = {_member(one, dims): one.value for one in group if one.measure == first}
        return sorted(newest, key=lambda member: -newest[member])[:_MOST_SERIES_OF_MEMBERS]

    def _series(self, group: Sequence[Observation], times: Sequence[Time], name: str) -> Records:
        at = {(time.start, time.end): index for index, time in enumerate(times)}
        cells: dict[str, list[Fact | None]] = {}
        for one in group:
            if one.time is not None:
                cells.setdefault(one.measure, [None] * len(times))[at[one.time.start, one.time.end]] = self.fact(one)
        labels = tuple(time.end.isoformat() for time in times)
        return Records(name, self._title(name), labels, self._columns(cells), tuple(times))

    def _list(self, group: Sequence[Observation], dims: Sequence[str], name: str) -> Records:
        labels: dict[str, str] = {}
        for one in group:
            labels.setdefault(_member(one, dims), _label(dims, one))
        at = {member: index for index, member in enumerate(labels)}
        cells: dict[str, list[Fact | None]] = {}
        for one in group:
            cells.setdefault(one.measure, [None] * len(at))[at[_member(one, dims)]] = self.fact(one)
        times = _distinct_times(group)
        columns = self._columns(cells)
        if len(times) > 1:
            columns = (self._times(group, dims, at), *columns)
        return Records(
            name,
            self._title(name),
            tuple(labels.values()),
            columns,
            label_title=wording.listed([_dimension_title(dim) for dim in dims]),
            when=times[0] if len(times) == 1 else None,
        )

    def _times(self, group: Sequence[Observation], dims: Sequence[str], at: Mapping[str, int]) -> MeasureColumn:
        """When each row of a list holds whose rows are of different times."""
        cells: list[Fact | None] = [None] * len(at)
        heads = wording.pattern("label_heads")
        title = next((heads[one.time.grain] for one in group if one.time and one.time.grain in heads), heads["day"])
        for one in group:
            if one.time:
                place = _dotted(one.source.path)
                cells[at[_member(one, dims)]] = Fact(title, wording.label(one.time), "text", place, self.source)
        return MeasureColumn("time", title, "text", tuple(cells))

    def _by_group(self, group: Sequence[Observation], dims: Sequence[str], name: str) -> list[Records]:
        """Sums or means by the members of one dimension, where rows have no name of their own.

        Sums of what adds up, where all dimensions together tell the rows apart, as in a table of counts by class and
        sex; else means, as of measurements by species.
        """
        dim = _grouping([dim for dim in dims if len({one.members.get(dim) for one in group}) > 1], self.facts)
        if not dim:
            return [self._spread(group, name)]
        totals = {member.name for member in self.facts.dimensions[dim].members if member.is_total}
        rows = [one for one in group if one.members.get(dim, "") not in totals | {""}]
        is_whole = len(rows) == len({(one.measure, _member(one, dims), one.time) for one in rows})
        labels = {one.members[dim]: _label([dim], one) for one in rows}
        values: dict[tuple[str, str], list[Observation]] = defaultdict(list)
        for one in rows:
            values[one.measure, one.members[dim]].append(one)
        cells: dict[str, list[Fact | None]] = {}
        for (measure, member), observations in values.items():
            first = self.fact(observations[0])
            total, size = sum((one.value for one in observations), Decimal(0)), len(observations)
            statistic = "sum_of" if is_whole and first.adds_up else "mean_of"
            value, unit = _printed(
                total if statistic == "sum_of" else total / size,
                observations[0].units or self.facts.measures[measure].units,
            )
            is_told = first.title.casefold().startswith("total " if statistic == "sum_of" else "mean ")
            title = first.title if is_told else wording.say(f"{statistic}_title", title=wording.lowered(first.title))
            fact = replace(
                first,
                title=title,
                value=value,
                unit=unit,
                formula=wording.say(statistic, count=size),
                adds_up=statistic == "sum_of",
            )
            cells.setdefault(measure, [None] * len(labels))[list(labels).index(member)] = fact
        title = _dimension_title(dim)
        return [Records(name, self._title(name), tuple(labels.values()), self._columns(cells), label_title=title)]

    def _spread(self, group: Sequence[Observation], name: str) -> Records:
        """Mean, lowest and highest value of each measure, where rows have neither name nor time."""
        by_measure: dict[str, list[Observation]] = defaultdict(list)
        for one in group:
            by_measure[one.measure].append(one)
        cells: dict[str, list[Fact | None]] = {}
        for measure, observations in by_measure.items():
            first = replace(self.fact(observations[0]), adds_up=False)
            units = observations[0].units or self.facts.measures[measure].units
            values = [one.value for one in observations]
            spread = (
                ("mean_of", sum(values, Decimal(0)) / len(values)),
                ("lowest_of", min(values)),
                ("highest_of", max(values)),
            )
            cells[measure] = [
                replace(first, value=_printed(value, units)[0], formula=wording.say(statistic, count=len(values)))
                for statistic, value in spread
            ]
        return Records(
            name,
            self._title(name),
            tuple(wording.pattern("statistics")),
            self._columns(cells),
            label_title=wording.say("statistic"),
            is_spread=True,
        )

    def _columns(self, cells: Mapping[str, Sequence[Fact | None]]) -> tuple[MeasureColumn, ...]:
        columns = []
        for measure, column in cells.items():
            first = next(cell for cell in column if cell is not None)
            columns.append(MeasureColumn(measure, first.title, first.unit, tuple(column)))
        return tuple(columns)

    def _title(self, name: str) -> str:
        meaning = self.block.fields.get(name)
        return meaning.title if meaning and meaning.title else wording.humanised(name) if name else ""


_CODES = frozenset({"symbol", "ticker", "name", "id", "isin", "currency", "financialcurrency", "exchange"})


def _document_order(value: Json) -> dict[str, int]:
    """The place of each value in the data, by pointer, to tell figures in the order of the data."""
    places: dict[str, int] = {}
    stack: list[tuple[str, Json]] = [("", value)]
    while stack:
        path, item = stack.pop()
        places[path] = len(places)
        if isinstance(item, Mapping):
            pairs = [(f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}", inner) for key, inner in item.items()]
        elif isinstance(item, list):
            pairs = [(f"{path}/{at}", inner) for at, inner in enumerate(item)]
        else:
            continue
        stack += reversed(pairs)
    return places


def _dotted(pointer: str) -> str:
    return ".".join(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _distinct_times(group: Iterable[Observation]) -> list[Time]:
    times = {(one.time.start, one.time.end): one.time for one in group if one.time}
    return sorted(times.values(), key=lambda time: (time.end, time.start))


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


def _printed(value: Decimal, units: Sequence[Unit]) -> tuple[Decimal, str]:
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


def _told_apart(facts: Sequence[Fact]) -> list[Fact]:
    """Facts of one title and unit at several paths get the name of what they stand in."""
    paths: dict[tuple[str, str], set[str]] = {}
    for fact in facts:
        paths.setdefault((fact.title, fact.unit), set()).add(fact.path)
    return [
        replace(fact, title=f"{fact.title}, {wording.humanised(parent).lower()}")
        if len(paths[(fact.title, fact.unit)]) > 1 and (parent := _parent(fact.path))
        else fact
        for fact in facts
    ]


def _parent(path: str) -> str:
    return next((part for part in reversed(path.split(".")[:-1]) if not part.isdigit()), "")


def _newest(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """One fact for each title and kind of unit: of several, that of the newest block."""
    newest: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        key = (fact.title.casefold(), kind(fact.unit))
        before = newest.get(key)
        if before is None or (fact.source.as_of or "") > (before.source.as_of or ""):
            newest[key] = fact
    return tuple(newest.values())


def _merged(records: Sequence[Records]) -> tuple[Records, ...]:
    """Series of one name, member and cadence become one, so that two blocks tell one story."""
    merged: list[Records] = []
    for series in records:
        same = next((at for at, other in enumerate(merged) if _continues(other, series)), None)
        if same is None:
            merged.append(series)
        else:
            merged[same] = _joined(merged[same], series)
    return tuple(merged)


def _continues(first: Records, second: Records) -> bool:
    alike = first.dated and second.dated and (first.name, first.member) == (second.name, second.member)
    return alike and first.cadence == second.cadence != ""


def _joined(first: Records, second: Records) -> Records:
    times = {time.end.isoformat(): time for time in (*first.times, *second.times)}
    labels = tuple(sorted(times))
    names = list(dict.fromkeys(column.name for column in (*first.columns, *second.columns)))
    columns = []
    for name in names:
        cells: dict[str, Fact] = {}
        for part in sorted((first, second), key=_as_of):
            for column in part.columns:
                if column.name == name:
                    cells |= {part.labels[index]: cell for index, cell in column.known}
        sample = next(iter(cells.values()))
        columns.append(MeasureColumn(name, sample.title, sample.unit, tuple(cells.get(label) for label in labels)))
    return replace(first, labels=labels, columns=tuple(columns), times=tuple(times[label] for label in labels))


def _as_of(records: Records) -> str:
    return max((cell.source.as_of or "" for column in records.columns for _, cell in column.known), default="")
