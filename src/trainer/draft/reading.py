"""From facts to what a draft is written from: entities with their single figures, series and lists by member."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trainer.core.values import DataBlock, Json
from trainer.draft import wording
from trainer.draft.cubes import Cube, Entity, cube_of, dotted, fact_of
from trainer.draft.figures import kind
from trainer.draft.model import BlockSource, Fact, MeasureColumn, Records
from trainer.facts import (
    Facts,
    Observation,
    Time,
    fold,
    parse_time,
    read_block,
)
from trainer.facts.words import vocabulary

_MOST_FACTS = 1_500
_MOST_TEXT = 400


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
    cubes: list[Cube] = field(default_factory=list)
    sources: list[BlockSource] = field(default_factory=list)

    def join(self, other: _Reading) -> None:
        self.name = max((self.name, other.name), key=len)
        self.aliases |= other.aliases
        self.facts += other.facts
        self.records += other.records
        self.cubes += other.cubes
        self.sources += other.sources

    def entity(self) -> Entity:
        return Entity(self.name, _newest(self.facts), _merged(self.records), tuple(self.sources), tuple(self.cubes))


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
    # A number that names groups, such as cylinders, is told as their name and not as an amount; an index of rows never.
    words = {name: measure.words for name, measure in facts.measures.items()}
    names_only = {name for name, own in words.items() if own and set(own) <= vocabulary("identifier")}
    observations = [
        one for one in selected(facts, params) if one.measure not in names_only and words[one.measure] not in grouping
    ]
    groups = view.groups(observations)
    series = {id(one) for group in groups for one in group}
    texts = view.texts(names)
    reading.facts = texts if len(texts) < _MOST_FACTS else []
    reading.facts += [view.single(one) for one in observations if id(one) not in series][:_MOST_FACTS]
    reading.facts.sort(key=lambda fact: view.order.get(fact.path, 0))
    reading.facts = _told_apart(reading.facts)
    reading.cubes = [view.cube(group) for group in groups]
    reading.records = [records for cube in reading.cubes for records in cube.records()]
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
        # what `sources` makes of a table too large to be told row by row
        is_summary = isinstance(block.data, Mapping) and set(block.data) == {"records", "rows"}
        rows = block.data["records"] if is_summary else ()
        self.sizes = {f"/records/{at}": row["rows"] for at, row in enumerate(rows) if isinstance(row.get("rows"), int)}
        self.order = {dotted(path): places.get(path, len(places)) for path in paths}

    def texts(self, names: Iterable[str]) -> list[Fact]:
        """The texts and dates outside lists, but for those that name what the data is about."""
        texts: list[Fact] = []
        for out in self.facts.left_out:
            path = dotted(out.source.path)
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
        parts = dotted(one.source.path).split(".")
        index = next((at for at, part in enumerate(parts) if part.isdigit() or part in one.members.values()), None)
        if index is None and one.time is not None:
            index = next((at for at, part in enumerate(parts) if parse_time(part)), None)
        grain = one.time.grain if one.time else ""
        grain = "day" if grain == "moment" else grain  # midnight is a moment that looks like a day
        return ".".join(parts[:index]) if index is not None else None, grain

    def single(self, one: Observation) -> Fact:
        """An observation that stands alone, with the members it is of: `Visits, Basel`."""
        fact = fact_of(one, self.facts, self.source)
        whose = [member for dimension, member in one.members.items() if dimension != "subject"]
        return replace(fact, title=f"{fact.title}, {wording.listed(whose)}") if whose else fact

    def cube(self, group: Sequence[Observation]) -> Cube:
        """The observations of one table as a cube."""
        name = (self._table(group[0])[0] or "").rpartition(".")[2]
        meaning = self.block.fields.get(name)
        title = meaning.title if meaning and meaning.title else wording.humanised(name) if name else ""
        return cube_of(name, title, group, self.facts, self.source, sizes=self.sizes)


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
