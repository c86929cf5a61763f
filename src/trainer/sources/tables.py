"""Any data as tables that SQL can ask: lists of records and series become rows, nested objects stay reachable.

A block called `prices` gives the table `prices`: its `records`; else what it is as a whole, where that is rows; else
its only list of records; else one row of all it holds. Each list of records further down is a table of its own,
`prices.dividends`, and `prices.document` is the whole as one row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from trainer.core.values import DataBlock, Field, Json
from trainer.facts import Unit, read_block, unit_text

Type = str | list["Type"] | dict[str, "Type"]
"""A SQL type as DuckDB's from_json takes it: a name, a list of one type, or a mapping of names to types."""

_DEEPEST = 5
"""Objects deeper than that are JSON in a column, not tables of their own."""
_MOST_KEYS = 300
"""Of an object that becomes columns; what has more is a mapping, and stays JSON."""
_SAMPLE = 50
"""Items of a list by which its units are told."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?")

Row = Mapping[str, Json]


@dataclass(frozen=True)
class TypedTable:
    """Rows with a type for each column; both are told when they are first asked for."""

    name: str
    """`prices`, or `prices.dividends` for a part of it."""
    block: DataBlock
    raw: Sequence[Row]
    """The rows as they stand in the block."""
    path: tuple[str, ...] = ()
    """Where they stand in it."""

    @cached_property
    def columns(self) -> Mapping[str, Type]:
        """The SQL type of each column."""
        return {shown: type_of(row.get(column) for row in self.raw) for column, shown in self._names.items()}

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows, by the names of the columns."""
        return [{self._names[column]: value for column, value in row.items()} for row in self.raw]

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """What columns mean, by name in small letters; nested ones by dotted path."""
        prefix = "".join(f"{part}." for part in self.path)
        fields = _units(self.block, self.path) | dict(self.block.fields)
        own = {place.removeprefix(prefix): field for place, field in fields.items() if place.startswith(prefix)}
        return {self._names.get(place, place).lower(): field for place, field in own.items()}

    @cached_property
    def _names(self) -> dict[str, str]:
        """The column of each key: SQL takes capital and small letters for the same, so that some need a number."""
        names: dict[str, str] = {}
        taken: set[str] = set()
        for column in dict.fromkeys(column for row in self.raw for column in row):
            shown, number = column or "column", 1
            while shown.lower() in taken:
                number += 1
                shown = f"{column}_{number}"
            taken.add(shown.lower())
            names[column] = shown
        return names


def tables_of(block: DataBlock) -> list[TypedTable]:
    """The tables in a block: the one of its own name first."""
    parts = dict(_parts(block.data, ()))
    whole = _rows(block.data)
    main: tuple[str, ...] = ()
    if ("records",) in parts:
        main = ("records",)
    elif whole is None and len(parts) == 1:
        main = next(iter(parts))
    is_object = isinstance(block.data, dict) and len(block.data) <= _MOST_KEYS
    single: Sequence[Row] = [block.data] if is_object else [{"value": block.data}]
    tables = [TypedTable(block.name, block, parts[main] if main else whole or single, main)]
    tables += [TypedTable(f"{block.name}.{'_'.join(path)}", block, rows, path) for path, rows in parts.items()]
    return tables if ("document",) in parts else [*tables, TypedTable(f"{block.name}.document", block, single)]


def _parts(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Sequence[Row]]]:
    """Each list of records or series below an object, with its path."""
    if not isinstance(value, dict) or len(path) == _DEEPEST:
        return
    for name, below in value.items():
        rows = _rows(below)
        if rows is not None:
            yield (*path, name), rows
        else:
            yield from _parts(below, (*path, name))


def _rows(value: Json) -> Sequence[Row] | None:
    """The rows of records, of a table with a header, of parallel series, or of objects by key; None for all else."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return value
    if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
        return _listed(value)
    if isinstance(value, dict) and len(value) > 1 and all(isinstance(item, list) and item for item in value.values()):
        lengths = {len(items) for items in value.values()}
        is_flat = not any(isinstance(item, dict | list) for items in value.values() for item in items)
        return (
            [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
            if (len(lengths) == 1 and is_flat)
            else None
        )
    if isinstance(value, dict) and len(value) > 1 and all(isinstance(item, dict) and item for item in value.values()):
        names = [set(item) for item in value.values()]
        if all(len(name & names[0]) * 2 >= max(len(name), len(names[0])) for name in names):
            return [{"key": key, **{_apart(name): item for name, item in row.items()}} for key, row in value.items()]
    return None


def _apart(name: str) -> str:
    return f"{name}_" if name.lower() == "key" else name


def _listed(lines: Sequence[Sequence[Json]]) -> Sequence[Row]:
    """Rows of a header and lines, or of lines alone, whose columns are then `column1`, `column2` and so on."""
    head, *body = lines
    named = body and all(isinstance(name, str) and name for name in head) and len(set(head)) == len(head)
    is_header = named and any(not isinstance(cell, str) for line in body for cell in line)
    names = list(head) if is_header else [f"column{at}" for at in range(1, max(map(len, lines)) + 1)]
    return [dict(zip(names, line, strict=False)) for line in (body if is_header else lines)]


def type_of(values: Iterable[Json]) -> Type:
    """The SQL type that all the values have; JSON where they have none in common."""
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if not kinds:
        return "VARCHAR"
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        largest = max(map(abs, present))
        return "BIGINT" if largest < 2**63 else "HUGEINT" if largest < 2**127 else "DOUBLE"
    if kinds <= {int, float}:
        return "DOUBLE"
    if kinds == {str}:
        return _text_type(present)
    if kinds == {list}:
        return [type_of(item for value in present for item in value)]
    return _object_type(present) if kinds == {dict} else "JSON"


def _object_type(objects: Sequence[Row]) -> Type:
    names = dict.fromkeys(name for item in objects for name in item)
    if not names or len(names) > _MOST_KEYS or "" in names or len({name.lower() for name in names}) < len(names):
        return "JSON"
    return {name: type_of(item.get(name) for item in objects) for name in names}


def _text_type(texts: Sequence[str]) -> Type:
    """Dates and moments where all are; a year or a code such as `007` is text."""
    try:
        if all(_DAY.fullmatch(text) and date.fromisoformat(text) for text in texts):
            return "DATE"
        if all(_MOMENT.fullmatch(text) and datetime.fromisoformat(text) for text in texts):
            return "TIMESTAMP"
    except ValueError:
        pass
    return "VARCHAR"


def _units(block: DataBlock, path: tuple[str, ...]) -> dict[str, Field]:
    """The units that names and values of a part tell, by dotted path."""
    facts = read_block(replace(block, data=_part(block.data, path)))
    units: dict[str, set[Unit]] = {}
    for observation in facts.observations:
        place = ".".join(part for part in observation.source.path.split("/") if part and not part.isdigit())
        measure = facts.measures.get(observation.measure)
        units.setdefault(place, set()).update(observation.units or (measure.units if measure else ()))
    return {place: Field("", _unit(next(iter(symbols)))) for place, symbols in units.items() if len(symbols) == 1}


def _part(value: Json, path: tuple[str, ...]) -> Json:
    """The value with what stands on the path and the scalars beside it, and of lists the beginning: enough for units.

    Without a path it is the whole.
    """
    if isinstance(value, list):
        return [_part(item, ()) for item in value[:_SAMPLE]]
    if not isinstance(value, dict):
        return value
    part = {
        name: item for name, item in value.items() if not path or name == path[0] or not isinstance(item, dict | list)
    }
    return {name: _part(item, path[1:] if path else ()) for name, item in part.items()}


def _unit(unit: Unit) -> str:
    """A unit as sources name it."""
    if unit.kind == "percent":
        return "percent" if unit.scale == 1 else "fraction"
    return unit_text(unit)
