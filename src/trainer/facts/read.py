"""The face: any JSON, CSV or JSON Lines as facts.

A value is brought to tables (`shapes`), each column gets a role (`roles`), and each cell of a measure becomes an
observation with the members, time and unit that its row, its column and what stands around them tell.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trainer.core.values import DataBlock, Field, Json
from trainer.facts.corrections import NONE, Corrections, lookup, read_corrections
from trainer.facts.measures import RawObservation, build
from trainer.facts.merge import merge
from trainer.facts.numbers import json_number
from trainer.facts.roles import Parsed, aliases_of, classify, row_times, times_below
from trainer.facts.shapes import KEY_COLUMN, Column, DataTable, Keys, NestedColumn, are_members, is_metric, table_of
from trainer.facts.times import parse_cells, parse_time
from trainer.facts.units import head_units, is_money, parse_unit, scale_of, scaled, stated_units, units_beside
from trainer.facts.values import Facts, Grain, LeftOut, LeftOutReason, Member, Source, Time, Unit
from trainer.facts.words import data_file, fold, has_kind, name_words, split_name, vocabulary

_MOST_NOTES = 200
"""Notes on what is left out of one column: enough to see what it holds."""


@dataclass(frozen=True, slots=True)
class _Around:
    """What is known of a value from around it."""

    members: Mapping[str, str] = field(default_factory=dict)
    time: Time | None = None
    currencies: tuple[Unit, ...] = ()
    units: tuple[Unit, ...] = ()
    """A unit that stands above a list of plain values."""
    unit_map: Mapping[str, str] = field(default_factory=dict)
    """Units by column, listed beside what is read."""
    label: str = ""
    """What a text beside a list of plain values says that they are."""
    stated: tuple[Unit, ...] = ()
    """The unit that the head of a document states for the tables below it."""


def read(
    value: Json,
    *,
    name: str,
    fields: Mapping[str, Field] | None = None,
    subject: str | None = None,
    as_of: str | None = None,
    corrections: Corrections = NONE,
    key: str = "",
    version: int = 0,
) -> Facts:
    """What a JSON value says.

    Args:
        value: the data, in any shape.
        name: what the data is called: the block's name in an instruction, or the file's.
        fields: what a source says of its fields, by dotted path without list indices.
        subject: what all of it is about.
        as_of: the ISO date for which what has no time of its own holds.
        corrections: what the project says of the data.
        key: the key of the document in the store.
        version: its version there.
    """
    reader = _Reader(name, fields or {}, corrections, key, version)
    around = _Around(time=parse_time(as_of[:10]) if as_of else None)
    if subject:
        reader.add_members("subject", [subject])
        around = replace(around, members={"subject": subject})
    table = table_of(value, "", "")
    if table is None and isinstance(value, int | float):
        table = DataTable([Column((), [value], [""])], 1, is_record=True)
    if table is not None:
        reader.read_table(table, [around] * table.size, ())
    return reader.facts()


def read_block(block: DataBlock) -> Facts:
    """What a block of a prompt says, with what its source, the project and the instruction say of it."""
    corrections = read_corrections(block.facts, shown="facts") if block.facts else NONE
    return read(
        block.data, name=block.name, fields=block.fields, subject=block.subject, as_of=block.as_of,
        corrections=corrections, key=block.key, version=block.version,
    )  # fmt: skip


def read_blocks(blocks: Sequence[DataBlock]) -> Facts:
    """What all blocks of a prompt say, as one."""
    return merge(*map(read_block, blocks)) if blocks else Facts()


def read_jsonl(text: str, *, name: str, **options: Any) -> Facts:
    """What JSON Lines say: one value a line, all of them one table."""
    return read([json.loads(line) for line in text.splitlines() if line.strip()], name=name, **options)


def read_csv(text: str, *, name: str, **options: Any) -> Facts:
    """What a CSV text says; the delimiter is the one that stands in every line."""
    lines = [line for line in text[:20_000].splitlines()[:50] if line]
    marks = {mark: [line.count(mark) for line in lines] for mark in (",", ";", "\t", "|")}
    delimiter = max(marks, key=lambda mark: (min(marks[mark], default=0), sum(marks[mark])))
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        return Facts()
    heads = [cell.strip() or f"column_{at}" for at, cell in enumerate(rows[0], 1)]
    records = [{head: cell.strip() or None for head, cell in zip(heads, row, strict=False)} for row in rows[1:]]
    return read({"records": records}, name=name, **options)


@dataclass(frozen=True, slots=True)
class _Heads:
    """What a table says of all its rows."""

    keys: Keys
    columns: Sequence[Parsed]
    unit_map: Mapping[str, str]
    labels: Parsed | None
    """The column whose texts name measures."""
    is_filed: bool
    """Whether rows say when they were reported."""
    on_axis: bool
    """Whether the heads are members rather than measures."""
    is_only: bool
    """Whether the table has one column of figures."""


class _Reader:
    """Collects observations, members and what is left out while it walks one value."""

    def __init__(
        self, name: str, fields: Mapping[str, Field], corrections: Corrections, key: str, version: int
    ) -> None:
        self.name = name
        self.fields = fields
        self.titles: dict[Keys, Field] = {}
        self.corrections = corrections
        self.key, self.version = key, version
        self.raw: list[RawObservation] = []
        self.left_out: list[LeftOut] = []
        self.members: dict[str, dict[str, set[str]]] = {}

    def facts(self) -> Facts:
        """All that was collected, with measures named and united."""
        dimensions = {
            name: [self._member(member, aliases) for member, aliases in members.items()]
            for name, members in self.members.items()
        }
        return build(
            self.raw, dimensions, self.left_out,
            fields=self.fields, titles=self.titles, corrections=self.corrections, name=self.name,
        )  # fmt: skip

    def _member(self, name: str, aliases: set[str]) -> Member:
        corrected = lookup(self.corrections.members, name) or ()
        names = tuple(sorted((aliases | set(corrected)) - {name}))
        return Member(name, names, is_total=fold(name) in vocabulary("total"))

    def add_members(self, dimension: str, members: Iterable[str]) -> None:
        """Notes members of a dimension."""
        aliases = self.members.setdefault(dimension, {})
        for member in members:
            aliases.setdefault(member, set())

    def read_table(self, table: DataTable, arounds: Sequence[_Around], keys: Keys) -> None:
        """Reads a table and all below its rows.

        Args:
            table: the table.
            arounds: what is known of each row from around it.
            keys: the keys that led to the table, indices and keys along an axis left out.
        """
        if table.size == 1 and not any(column.name == (KEY_COLUMN,) for column in table.columns):
            table.is_record = True
        columns, times = classify(table, corrections=self.corrections, hint=_cadence(keys, table))
        if not table.is_record and not any(times):
            times = times_below(columns, [around.time for around in arounds]) or times
        for column in columns:
            if column.role == "text" and column.leaf and fold(column.leaf) in vocabulary("title") and table.is_record:
                text = column.column.cells[0]
                self.titles[(*keys, *column.column.name[:-1])] = Field(_text(text))
        unit_map = {**(arounds[0].unit_map if arounds else {}), **table.unit_map}
        labels = self._labels(columns, table)
        dims = self._dimensions(table, columns, labels)
        if table.is_record:
            rows = [replace(self._record(columns, arounds[0]), unit_map=unit_map)]
            for column in columns:
                if column.role == "measure":
                    self._record_measure(column, columns, rows[0], keys)
        else:
            rows = [_row(row, dims, times[row], arounds[row]) for row in range(table.size)]
            measures = [column for column in columns if column.role == "measure"]
            on_axis = self._members_as_columns(measures, dims, labels)
            for column in measures:
                heads = _Heads(keys, columns, unit_map, labels, _has_filing_times(columns), on_axis, len(measures) == 1)
                self._measure(column, rows, heads)
        for column in columns:
            self._note(column, table)
        rows = _with_notes(table, rows)
        for below in table.nested:
            self._read_below(below, rows, keys, columns)

    def _read_below(self, below: NestedColumn, rows: Sequence[_Around], keys: Keys, columns: Sequence[Parsed]) -> None:
        """Reads lists and maps below rows; those of one shape as one table."""
        leaf = below.name[-1] if below.name else (keys[-1] if keys else "")
        units: tuple[Unit, ...] = ()
        name = below.name
        if len(name) > 1 and has_kind(name[-2], "unit") and (units := parse_unit(name[-1])):
            name = name[:-2]  # XBRL: `units`, `USD`, then the records
        for parsed in columns:
            title = parsed.column.name[:-1]
            if title and (*keys, *title) in self.titles and name[: len(title)] == title:
                self.titles.setdefault((*keys, *name), self.titles[(*keys, *title)])
        tables: list[tuple[DataTable, _Around]] = []
        for row, item, path in zip(below.rows, below.values, below.paths, strict=True):
            is_plain = isinstance(item, list) and not any(isinstance(cell, Mapping | list) for cell in item)
            if is_plain and not self._is_series(item, leaf, path):
                continue
            table = table_of(item, path, leaf)
            if table is not None:
                around = rows[row] if row < len(rows) else rows[0]
                tables.append((table, replace(around, units=units) if units else around))
        if len(tables) > 1 and all(not table.is_record and not table.unit_map for table, _ in tables):
            joined, arounds = _concatenated(tables)
            self.read_table(joined, arounds, keys + name)
            return
        for table, around in tables:
            self.read_table(table, [around] * max(1, table.size), keys + name)

    def _is_series(self, cells: Sequence[Json], leaf: str, path: str) -> bool:
        """Whether a plain list holds figures; times and texts are left out."""
        if parse_cells(cells, named=has_kind(leaf, "time"), epochs=has_kind(leaf, "time")) is not None:
            why: LeftOutReason = "time"
        elif sum(json_number(cell) is None for cell in cells) * 2 > len(cells):
            why = "text"
        elif len(cells) > _MOST_NOTES:
            why = "too_many"
        else:
            return True
        self.left_out.append(LeftOut(self._source(path), why, ", ".join(_text(cell) for cell in cells[:8])))
        return False

    def _record(self, columns: Sequence[Parsed], around: _Around) -> _Around:
        """What one mapping tells of all in it and below it: its subject, its time, its currencies."""
        members = dict(around.members)
        own = [c for c in columns if c.role == "member" and c.leaf != KEY_COLUMN and len(c.column.name) <= 2]
        order = list(data_file("vocabulary.yaml")["subject"])
        named = [c for c in own if "".join(name_words(c.leaf)) in vocabulary("subject")]
        named.sort(
            key=lambda c: order.index("".join(name_words(c.leaf))) if "".join(name_words(c.leaf)) in order else 99
        )
        if named:
            subject = members.setdefault("subject", _text(named[0].column.cells[0]))
            self.add_members("subject", [subject])
            self.members["subject"][subject] |= {_text(c.column.cells[0]) for c in named} - {subject}
        for column in own:
            if column not in named and len(column.column.name) == 1:
                members[column.leaf] = _text(column.column.cells[0])
                self.add_members(column.leaf, [members[column.leaf]])
        of_units = sorted(
            (c for c in columns if c.role == "unit"), key=lambda c: (len(c.column.name), len(name_words(c.leaf)))
        )
        texts = {c.column.name: _text(c.column.cells[0]) for c in of_units}
        scale = next((factor for text in texts.values() if (factor := scale_of(text))), None)
        units = [unit for text in texts.values() for unit in parse_unit(text)]
        units = list(scaled(units, scale)) if scale else units
        stated = scaled(_stated(columns), scale) if scale else _stated(columns)
        money = tuple(dict.fromkeys(unit for unit in units if unit.kind == "money")) or around.currencies
        others = tuple(dict.fromkeys(unit for unit in units if unit.kind != "money")) or around.units
        labels = [
            c
            for c in columns
            if c.role in ("text", "member") and has_kind(c.leaf, "variable") and len(c.column.name) == 1
        ]
        label = _text(labels[0].column.cells[0]) if labels else around.label
        times = [c for c in columns if c.role == "time" and len(c.column.name) == 1 and _is_own_time(c.leaf)]
        time = row_times(times, 1, None)[0] if times else None
        return _Around(members, time or around.time, money, others, label=label, stated=stated or around.stated)

    def _dimensions(
        self, table: DataTable, columns: Sequence[Parsed], labels: Parsed | None
    ) -> list[tuple[str, Parsed]]:
        """The columns that name rows; a second name of the same things is an alias of the first."""
        dims: list[tuple[str, Parsed]] = []
        if table.is_record:
            return dims
        for parsed in columns:
            if (parsed.role != "member" and not (parsed.coded and parsed.role == "measure")) or parsed is labels:
                continue
            name = parsed.leaf if parsed.leaf != KEY_COLUMN else _singular(table.key_name) or "name"
            if parsed.role == "member":
                aliases = next(((main, of) for main, column in dims if column.role == "member"
                                and (of := aliases_of(column.column.cells, parsed.column.cells))), None)  # fmt: skip
                if aliases:
                    for member, other in aliases[1].items():
                        self.members[aliases[0]].setdefault(_text(member), set()).add(_text(other))
                    continue
            self.add_members(name, (_text(cell) for cell in parsed.column.cells if cell is not None and cell != ""))
            dims.append((name, parsed))
        return dims

    def _labels(self, columns: Sequence[Parsed], table: DataTable) -> Parsed | None:
        """The column whose texts name measures: of a statement, one a row; of a long table, one a value."""
        if table.is_record:
            return None
        measures = [parsed for parsed in columns if parsed.role == "measure"]
        stripped = [_time_in_key(parsed.leaf) for parsed in measures]
        plain = all(_is_plain(name) and (time or len(measures) == 1) for name, time in stripped)
        periods = sum(time is not None for _, time in stripped) * 2 >= len(measures)
        for parsed in columns:
            if parsed.role != "member" or not measures:
                continue
            texts = list(dict.fromkeys(_text(cell) for cell in parsed.column.cells if cell not in (None, "")))
            metrics = sum(is_metric(text) for text in texts)
            one_a_row = len(texts) == sum(cell not in (None, "") for cell in parsed.column.cells) and len(texts) > 1
            named = has_kind(parsed.leaf, "variable")
            if plain and (named or metrics >= 0.6 * len(texts)) and not are_members(texts):
                return parsed
            alike = plain or periods or are_members([parsed.leaf for parsed in measures])
            if one_a_row and alike and metrics >= (0.3 if named else 0.6) * len(texts):
                return parsed
        return None

    def _members_as_columns(
        self, measures: Sequence[Parsed], dims: Sequence[tuple[str, Parsed]], labels: Parsed | None
    ) -> bool:
        """Whether the columns are the members of one axis: companies, cities, products side by side."""
        names = [parsed.leaf for parsed in measures if parsed.column.name]
        # `X`, `I` and `K.lag` are variables; places, people and products have names.
        are_names = are_members(names) and all(len(name) > 2 for name in names)
        if len(names) < (2 if labels else 3) or (dims and not labels) or not are_names or _are_unlike(measures):
            return False
        self.add_members("name", names)
        return True

    def _measure(self, parsed: Parsed, rows: Sequence[_Around], heads: _Heads) -> None:
        """The observations of one column of a table."""
        name = tuple(key for key in parsed.column.name if key != KEY_COLUMN)
        time: Time | None = None
        if name:
            stripped, time = _time_in_key(name[-1])
            name = (*name[:-1], *([stripped] if stripped else []))
        unit_map = heads.unit_map.get(parsed.leaf, "")
        fixed = parse_unit(unit_map) if unit_map else ()
        beside = _units_columns(parsed, heads.columns)
        takes_stated = heads.is_only or heads.on_axis or not _has_own_kind(parsed.leaf)
        axis_member = name[-1] if heads.on_axis and name else ""
        if axis_member or (heads.labels is not None and name and (_is_plain(name[-1]) or parse_unit(name[-1]))):
            fixed = fixed or (parse_unit(name[-1]) if not axis_member else ())
            name = name[:-1]
        for row, number in enumerate(parsed.numbers):
            if number is None:
                continue
            around = rows[row]
            units = fixed or _cell_units(parsed, row, number.unit)
            stated = tuple(unit for c in beside for unit in units_beside(parsed.leaf, _text(c.column.cells[row])))
            money = tuple(unit for unit in stated if unit.kind == "money") or around.currencies
            units = (
                units
                or tuple(unit for unit in stated if unit.kind != "money")
                or (around.units if _is_plain(parsed.leaf) else ())
            )
            if stated and _is_plain(parsed.leaf):
                units = units or stated
            if not units and takes_stated and not (money and is_money(parsed.leaf)):
                units = around.stated
            measure = (*heads.keys, *name)
            if heads.labels is not None and (label := heads.labels.column.cells[row]) not in (None, ""):
                measure = (*heads.keys, _text(label), *name)
            elif around.label and _is_plain(parsed.leaf):
                measure = (*heads.keys, around.label)
            members = {**around.members, "name": axis_member} if axis_member else around.members
            if parsed.coded:
                members = {dimension: member for dimension, member in members.items() if dimension != parsed.leaf}
            source = self._source(parsed.column.paths[row])
            self.raw.append(
                RawObservation(
                    number.value,
                    number.step,
                    measure,
                    members,
                    time or around.time,
                    source,
                    units,
                    money,
                    heads.is_filed,
                )
            )

    def _record_measure(self, parsed: Parsed, columns: Sequence[Parsed], around: _Around, keys: Keys) -> None:
        """The observation of one key of a mapping; what stands beside it under the same key tells of it first."""
        number = parsed.numbers[0]
        if number is None:
            return
        name, parent = parsed.column.name, parsed.column.name[:-1]
        time: Time | None = None
        if name:
            stripped, time = _time_in_key(name[-1])
            name = (*parent, *([stripped] if stripped else []))
        siblings = [c for c in columns if c.column.name[:-1] == parent]
        of_units = sorted((c for c in siblings if c.role == "unit"), key=lambda c: len(name_words(c.leaf)))
        stated = list(dict.fromkeys(unit for c in of_units for unit in parse_unit(_text(c.column.cells[0]))))
        unit_map = parse_unit(around.unit_map.get(parsed.leaf, ""))
        units = (
            unit_map or _cell_units(parsed, 0, number.unit) or tuple(unit for unit in stated if unit.kind != "money")
        )
        money = tuple(unit for unit in stated if unit.kind == "money") or around.currencies
        time = time or _prefixed_time(parsed, columns) or _sibling_time(siblings) or around.time
        measure = (*keys, around.label) if around.label and _is_plain(parsed.leaf) else (*keys, *name)
        source = self._source(parsed.column.paths[0])
        self.raw.append(RawObservation(number.value, number.step, measure, around.members, time, source, units, money))

    def _source(self, path: str) -> Source:
        return Source(self.name, self.key, self.version, path)

    def _note(self, parsed: Parsed, table: DataTable) -> None:
        """What a column without observations was taken for: texts and times each, others once."""
        if parsed.role == "measure" or (parsed.role in ("member", "unit") and not table.is_record):
            return
        role: LeftOutReason = "text" if parsed.role in {"member", "unit"} else parsed.role  # type: ignore[assignment]
        cells = [
            (cell, path)
            for cell, path in zip(parsed.column.cells, parsed.column.paths, strict=True)
            if cell not in (None, "")
        ]
        if role in ("text", "time"):
            labels = {path: time.label for path, time in zip(parsed.column.paths, parsed.times, strict=False) if time}
            # The times of rows stand in the observations; one note says which column they came from.
            for cell, path in cells[: 1 if role == "time" and not table.is_record else _MOST_NOTES]:
                self.left_out.append(LeftOut(self._source(path), role, labels.get(path) or _text(cell)))
            return
        cell, path = cells[0] if cells else ("", "/" + "/".join(parsed.column.name))
        self.left_out.append(LeftOut(self._source(path), role, _text(cell)))


def _row(row: int, dims: Sequence[tuple[str, Parsed]], time: Time | None, around: _Around) -> _Around:
    """What is known of a row: what is around it, its members and its time."""
    members = dict(around.members)
    for dimension, parsed in dims:
        if (cell := parsed.column.cells[row]) is not None and cell != "":
            members[dimension] = _text(cell)
    return replace(around, members=members, time=time or around.time)


def _concatenated(tables: Sequence[tuple[DataTable, _Around]]) -> tuple[DataTable, list[_Around]]:
    """Tables of one kind as one, each row with what was around its table."""
    size = sum(table.size for table, _ in tables)
    columns: dict[Keys, Column] = {}
    nested: dict[Keys, NestedColumn] = {}
    arounds: list[_Around] = []
    start = 0
    for table, around in tables:
        for column in table.columns:
            whole = columns.setdefault(column.name, Column(column.name, [None] * size, [""] * size))
            whole.cells[start : start + table.size] = column.cells
            whole.paths[start : start + table.size] = column.paths
            if column.units:
                whole.units = whole.units or [""] * size
                whole.units[start : start + table.size] = column.units
        for below in table.nested:
            target = nested.setdefault(below.name, NestedColumn(below.name, [], [], []))
            target.rows += [row + start for row in below.rows]
            target.values += below.values
            target.paths += below.paths
        arounds += [around] * table.size
        start += table.size
    return DataTable(list(columns.values()), size, list(nested.values()), key_name=tables[0][0].key_name), arounds


def _cadence(keys: Keys, table: DataTable) -> Grain | None:
    """How long each record is, where a key above or a column says so: `quarterly`, `periodType: 3M`."""
    grains: Mapping[str, Grain] = data_file("vocabulary.yaml")["cadence"]
    for key in reversed(keys):
        words = name_words(key)
        if words and words[0] in grains and (len(words) == 1 or words[0].endswith(("ly", "ual"))):
            return grains[words[0]]
    for column in table.columns:
        cells = {str(cell) for cell in column.cells if cell}
        if cells in ({"3M"}, {"12M"}):
            return "quarter" if cells == {"3M"} else "year"
    return None


def _time_in_key(key: str) -> tuple[str, Time | None]:
    """A key without the period that it names, and the period: `revenue_2023`, `2024`, `Q1 2024 sales`."""
    if not any(letter.isdigit() for letter in key):
        return key, None
    if key[:1].isalnum() and (time := parse_time(key)):
        return "", time
    parts = re.split(r"[_ ]+", key.strip())
    for length in (2, 1):
        if len(parts) <= length:
            continue
        for period, rest in ((parts[-length:], parts[:-length]), (parts[:length], parts[length:])):
            text = " ".join(period).strip("()")
            if (time := parse_time(text)) and re.search(r"(19|20)\d\d|FY\d\d|\dQ\d\d|Q\d", text):
                name = " ".join(rest)
                return ("" if has_kind(name, "time") else name), time
    match = re.fullmatch(r"(\D*[a-z])((?:19|20)\d\d)", key)
    return (match[1], parse_time(match[2])) if match else (key, None)


def _has_filing_times(columns: Sequence[Parsed]) -> bool:
    """Whether rows say when they were reported besides when they hold, as filings do."""
    times = [set(name_words(parsed.leaf)) & vocabulary("secondary_time") for parsed in columns if parsed.role == "time"]
    return any(times) and not all(times)


def _are_unlike(columns: Sequence[Parsed]) -> bool:
    """Whether columns hold quantities of several kinds: written to other digits, and hundreds of times as large.

    Cities and companies side by side are counted alike; an index of 1.04 beside 3,173 thousand tons is another measure.
    """
    middles, steps = [], set()
    for parsed in columns:
        numbers = [number for number in parsed.numbers if number is not None]
        if numbers:
            middles.append(sorted(abs(number.value) for number in numbers)[len(numbers) // 2])
            steps.add(min(number.step for number in numbers))
    return len(steps) > 1 and max(middles) > 100 * min(middles)


def _is_plain(leaf: str) -> bool:
    """Whether a key only says that it holds a value."""
    return leaf in ("", KEY_COLUMN) or "".join(name_words(leaf)) in vocabulary("value")


def _is_own_time(leaf: str) -> bool:
    """Whether a key means the time of its whole record: `date`, `asOf`, `period_end`; not `birthDate`."""
    time_words = (
        vocabulary("time")
        | vocabulary("end")
        | vocabulary("start")
        | {"as", "of", "report", "observation", "reference"}
    )
    return set(name_words(leaf)) <= time_words and not set(name_words(leaf)) & vocabulary("secondary_time")


def _sibling_time(siblings: Sequence[Parsed]) -> Time | None:
    times = [parsed for parsed in siblings if parsed.role == "time" and parsed.times and _is_own_time(parsed.leaf)]
    return row_times(times, 1, None)[0] if times else None


def _prefixed_time(parsed: Parsed, columns: Sequence[Parsed]) -> Time | None:
    """The time of `regularMarketTime` for `regularMarketPrice`."""
    words = name_words(parsed.leaf)
    for column in columns:
        if column.role == "time" and column.times and column.times[0]:
            prefix = name_words(column.leaf)[:-1]
            if len(prefix) > 1 and words[: len(prefix)] == prefix:
                return column.times[0]
    return None


def _cell_units(parsed: Parsed, row: int, beside: str) -> tuple[Unit, ...]:
    if beside:
        return parse_unit(beside)
    units = parsed.column.units
    return parse_unit(units[row]) if units and units[row] else ()


def _singular(name: str) -> str:
    parts = split_name(name)
    return "" if not parts or fold(name) in vocabulary("container") else fold(" ".join(parts))


def _units_columns(parsed: Parsed, columns: Sequence[Parsed]) -> list[Parsed]:
    """The columns that give a column's units: the one named after it (`flow unit`), else those named after none."""
    candidates = [
        c for c in columns if c.role == "unit" and c.column.name[:-1] == parsed.column.name[: len(c.column.name) - 1]
    ]
    others = {name_words(c.leaf) for c in columns if c.role == "measure"}
    owners = {
        c.column.name: tuple(word for word in name_words(c.leaf) if word not in vocabulary("unit")) for c in candidates
    }
    own = [c for c in candidates if owners[c.column.name] and owners[c.column.name] == name_words(parsed.leaf)]
    if own:
        return own
    candidates = [c for c in candidates if owners[c.column.name] not in others]
    if is_money(parsed.leaf) and not _is_plain(parsed.leaf):  # `price` beside `uom: kg` is not in kilograms
        return [
            c
            for c in candidates
            if any(unit.kind == "money" for cell in c.column.cells[:1] for unit in parse_unit(_text(cell)))
        ]
    return candidates


def _stated(columns: Sequence[Parsed]) -> tuple[Unit, ...]:
    """The unit that a record states for the tables below it: it has no figure of its own that the unit could be of.

    It stands in a key of the record or of its `meta`, or in a line above the table of a sheet.
    """
    if any(c.role == "measure" and len(c.column.name) == 1 for c in columns):
        return ()
    for parsed in columns:
        front = parsed.column.name[:-1]
        is_head = not front or (len(front) == 1 and fold(front[0]) in vocabulary("about"))
        is_of_all = parsed.role == "unit" and is_head and not has_kind(parsed.leaf, "currency")
        if is_of_all and (units := parse_unit(_text(parsed.column.cells[0]))):
            return units
    return ()


def _with_notes(table: DataTable, rows: list[_Around]) -> list[_Around]:
    """What is known of a record with the unit that a line above its sheet's table states."""
    notes = [note for below in table.nested if below.name == ("notes",) and table.is_record for note in below.values]
    lines = [line for note in notes for line in (note if isinstance(note, list) else [note])]
    units = next((units for line in lines if isinstance(line, str) and (units := stated_units(line))), ())
    money = tuple(unit for unit in units if unit.kind == "money")
    return [
        replace(row, stated=row.stated or units, currencies=row.currencies or money) if units else row for row in rows
    ]


def _has_own_kind(leaf: str) -> bool:
    """Whether a name says what its figures are in or that they count: a unit stated for a whole table is not theirs."""
    words = set(name_words(leaf))
    counts = vocabulary("counted") | vocabulary("percent") | vocabulary("intensive")
    return bool(words & counts) or bool(head_units(leaf)[1])


def _text(cell: Json) -> str:
    if isinstance(cell, bool) or cell is None:
        return json.dumps(cell)
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
