"""From data blocks to entities: every shape of JSON is read, nothing is assumed about its names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from trainer.core.values import DataBlock, Field, Json
from trainer.draft import english
from trainer.draft.facts import Column, Entity, Fact, Records, Source
from trainer.draft.figures import MONEY, PER_SHARE, number, numeral

_DATE = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ].*)?\Z")
_DATE_KEYS = ("date", "day", "period", "asofdate", "enddate", "time", "timestamp", "month", "quarter", "year")
_NAME_KEYS = ("name", "title", "label", "company", "ticker", "symbol", "id", "key", "period", "date", "year")
_IDENTITY = frozenset({"symbol", "ticker", "name", "id", "isin", "currency", "financialcurrency", "exchange"})
_DEEPEST = 12
_MOST_FACTS = 1_500
_MOST_RECORDS = 5_000
_MOST_COLUMNS = 60


def read(blocks: Sequence[DataBlock]) -> tuple[Entity, ...]:
    """The entities that the blocks are about, in the order in which the instruction names them."""
    entities: list[_Reading] = []
    for block in blocks:
        reading = _read_block(block)
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
    sources: list[Source] = field(default_factory=list)

    def join(self, other: _Reading) -> None:
        self.name = max((self.name, other.name), key=len)
        self.aliases |= other.aliases
        self.facts += other.facts
        self.records += other.records
        self.sources += other.sources

    def entity(self) -> Entity:
        return Entity(self.name, _newest(self.facts), _merged(self.records), tuple(self.sources))


def _read_block(block: DataBlock) -> _Reading:
    source = Source(block.name, f"{block.key}@{block.version}", block.as_of)
    top = block.data if isinstance(block.data, Mapping) else {}
    own = {_plain(key): value for key, value in top.items() if isinstance(value, str)}
    named = [own[name] for name in _IDENTITY_NAMES if name in own]
    subject = block.subject or next(iter(named), "") or english.humanised(block.name)
    aliases = {alias.casefold() for alias in (subject, *named) if alias}
    reading = _Reading(subject, aliases, sources=[source])
    walker = _Walker(source, block.fields)
    for found in walker.walk(block.data, (), 0):
        if isinstance(found, Fact):
            if len(reading.facts) < _MOST_FACTS and _plain(found.path) not in _IDENTITY:
                reading.facts.append(found)
        else:
            reading.records.append(found)
    reading.facts = _told_apart(reading.facts)
    return reading


_IDENTITY_NAMES = ("name", "symbol", "ticker", "isin")
_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Walker:
    source: Source
    fields: Mapping[str, Field]

    def walk(self, value: Json, path: _Path, depth: int) -> Iterator[Fact | Records]:
        if depth > _DEEPEST:
            return
        if isinstance(value, Mapping):
            yield from self._mapping(value, path, depth)
        elif isinstance(value, list | tuple):
            yield from self._list(value, path, depth)
        elif fact := self.fact(value, path):
            yield fact

    def fact(self, value: Json, path: _Path) -> Fact | None:
        meaning = self._meaning(path)
        title = " ".join(meaning.title.split()) or english.humanised(path[-1] if path else self.source.name)
        read = _scalar(value, meaning.unit, path[-1] if path else "")
        if read is None:
            return None
        return Fact(title, read[0], read[1], ".".join(path), self.source, meaning.description)

    def _meaning(self, path: _Path) -> Field:
        dotted = ".".join(part for part in path if not part.isdigit())
        return self.fields.get(dotted) or self.fields.get(".".join(path)) or Field("")

    def _mapping(self, value: Mapping[str, Json], path: _Path, depth: int) -> Iterator[Fact | Records]:
        if records := self._named_records(value, path):
            yield records
            return
        for key, item in value.items():
            yield from self.walk(item, (*path, str(key)), depth + 1)

    def _named_records(self, value: Mapping[str, Json], path: _Path) -> Records | None:
        """A mapping of names to like records is a list of them: `{"north": {"sales": 5}, "south": {"sales": 7}}`."""
        rows = [item for item in value.values() if isinstance(item, Mapping)]
        if len(rows) < 2 or len(rows) != len(value) or not _alike(rows):
            return None
        found = [((*path, str(key)), row) for key, row in value.items() if isinstance(row, Mapping)]
        return self._records(path, [str(key) for key in value], found, dated=False, label_title="Name", skipped=())

    def _list(self, value: Sequence[Json], path: _Path, depth: int) -> Iterator[Fact | Records]:
        rows = [((*path, str(i)), row) for i, row in enumerate(value[:_MOST_RECORDS]) if isinstance(row, Mapping)]
        if not rows:
            yield from self._values(value, path)
        elif len(rows) == 1:
            yield from self.walk(rows[0][1], rows[0][0], depth + 1)
        elif records := self._of_rows(rows, path):
            yield records

    def _values(self, value: Sequence[Json], path: _Path) -> Iterator[Fact]:
        """A list of plain values is one text: its values side by side."""
        plain = [str(item) for item in value[:12] if isinstance(item, str | int | float) and str(item).strip()]
        if plain:
            title = self._meaning(path).title or english.humanised(path[-1] if path else self.source.name)
            yield Fact(title, ", ".join(plain), "text", ".".join(path), self.source)

    def _of_rows(self, rows: list[tuple[_Path, Mapping[str, Json]]], path: _Path) -> Records | None:
        first = rows[0][1]
        dates = next((key for key in first if _all_dates(key, [row for _, row in rows])), None)
        if dates:
            rows = sorted(rows, key=lambda row: str(row[1][dates]))
            labels = [str(row[dates])[:10] for _, row in rows]
            return self._records(path, labels, rows, dated=True, label_title="Date", skipped=(dates,))
        name = next((key for wanted in _NAME_KEYS for key in first if _plain(key) == wanted), None)
        labels = [_label(row.get(name) if name else None, index) for index, (_, row) in enumerate(rows, 1)]
        title = english.humanised(name) if name else "No."
        return self._records(path, labels, rows, dated=False, label_title=title, skipped=(name,) if name else ())

    def _records(
        self,
        path: _Path,
        labels: list[str],
        rows: list[tuple[_Path, Mapping[str, Json]]],
        *,
        dated: bool,
        label_title: str,
        skipped: Sequence[str],
    ) -> Records | None:
        names = list(dict.fromkeys(key for _, row in rows for key in row if key not in skipped))[:_MOST_COLUMNS]
        columns = [column for name in names if (column := self._column(name, rows))]
        name = next((part for part in reversed(path) if not part.isdigit()), self.source.name)
        title = self._meaning(path).title or english.humanised(name)
        return Records(name, title, tuple(labels), tuple(columns), dated, label_title) if columns else None

    def _column(self, name: str, rows: list[tuple[_Path, Mapping[str, Json]]]) -> Column | None:
        cells = tuple(
            None if isinstance(row.get(name), Mapping | list) else self.fact(row.get(name), (*path, str(name)))
            for path, row in rows
        )
        known = [cell for cell in cells if cell]
        return Column(str(name), known[0].title, known[0].unit, cells) if known else None


def _scalar(value: Json, unit: str, key: str) -> tuple[Decimal | str, str] | None:
    """The value as a fact holds it, with its unit; None for nulls, blanks and numbers that are none."""
    if isinstance(value, bool):
        return ("yes" if value else "no"), "text"
    if isinstance(value, int | float):
        found = number(value)
        return None if found is None else (found, _unit(unit, key, found))
    if not isinstance(value, str) or not value.strip():
        return None
    if _DATE.match(value.strip()):
        return value.strip()[:10], "date"
    if unit and unit not in ("text", "date") and (read := numeral(value)) is not None:
        return read, unit
    return value, "text"


def _unit(unit: str, key: str, value: Decimal) -> str:
    """The unit that is said, or what the name of an unexplained figure tells."""
    if unit in ("text", "date"):
        return ""
    if unit:
        return unit
    words = english.humanised(key).lower().split()
    if words and words[-1] in ("percent", "pct", "percentage") and abs(value) < 100_000:
        return "percent"
    if value == value.to_integral_value() and 1800 <= value <= 2200 and {"year", "founded", "born"} & set(words):
        return "year"
    return ""


def _all_dates(key: str, rows: Iterable[Mapping[str, Json]]) -> bool:
    return _plain(key) in _DATE_KEYS and all(_DATE.match(str(row.get(key) or "")) for row in rows)


def _label(value: Json, index: int) -> str:
    return str(value) if isinstance(value, str | int | float) and str(value).strip() else str(index)


def _plain(key: Json) -> str:
    return re.sub(r"[^a-z0-9]", "", str(key).lower())


def _alike(rows: Sequence[Mapping[str, Json]]) -> bool:
    shared = set(rows[0]).intersection(*rows[1:])
    scalars = [key for key in shared if not isinstance(rows[0][key], Mapping | list)]
    return bool(scalars) and len(shared) * 3 >= 2 * max(len(row) for row in rows)


def _told_apart(facts: Sequence[Fact]) -> list[Fact]:
    """Facts of one title and unit at several paths get the name of what they stand in."""
    seen: dict[tuple[str, str], set[str]] = {}
    for fact in facts:
        seen.setdefault((fact.title, fact.unit), set()).add(fact.path)
    return [
        replace(fact, title=f"{fact.title}, {english.humanised(parent).lower()}")
        if len(seen[(fact.title, fact.unit)]) > 1 and (parent := _parent(fact.path))
        else fact
        for fact in facts
    ]


def _parent(path: str) -> str:
    return next((part for part in reversed(path.split(".")[:-1]) if not part.isdigit()), "")


def _newest(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """One fact for each title and kind of unit: of several, that of the newest block."""
    kept: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        key = (fact.title.casefold(), kind(fact.unit))
        before = kept.get(key)
        if before is None or (fact.source.as_of or "") > (before.source.as_of or ""):
            kept[key] = fact
    return tuple(kept.values())


def kind(unit: str) -> str:
    """What a unit measures: `money`, `price`, `share` or the unit itself."""
    if unit in ("fraction", "percent"):
        return "share"
    if PER_SHARE.match(unit):
        return "price"
    return "money" if MONEY.match(unit) else unit


def _merged(records: Sequence[Records]) -> tuple[Records, ...]:
    """Series of one name and cadence become one, so that two blocks tell one story."""
    kept: list[Records] = []
    for found in records:
        same = next((i for i, other in enumerate(kept) if _continues(other, found)), None)
        if same is None:
            kept.append(found)
        else:
            kept[same] = _joined(kept[same], found)
    return tuple(kept)


def _continues(first: Records, second: Records) -> bool:
    return first.dated and second.dated and first.name == second.name and first.cadence == second.cadence != ""


def _joined(first: Records, second: Records) -> Records:
    labels = tuple(sorted({*first.labels, *second.labels}))
    names = list(dict.fromkeys(column.name for column in (*first.columns, *second.columns)))
    columns = []
    for name in names:
        cells: dict[str, Fact] = {}
        for part in sorted((first, second), key=_as_of):
            for column in part.columns:
                if column.name == name:
                    cells |= {part.labels[index]: cell for index, cell in column.known}
        sample = next(iter(cells.values()))
        columns.append(Column(name, sample.title, sample.unit, tuple(cells.get(label) for label in labels)))
    return Records(first.name, first.title, labels, tuple(columns), True, first.label_title)


def _as_of(records: Records) -> str:
    return max((cell.source.as_of or "" for column in records.columns for _, cell in column.known), default="")
