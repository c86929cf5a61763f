"""Shapes of JSON brought to one: a table of columns, with what hangs below its rows.

Records, columnar arrays, a header with rows, pairs, maps keyed by time or member: each becomes the same `Table`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from trainer.core.values import Json
from trainer.facts.numbers import read_number
from trainer.facts.times import parse_time
from trainer.facts.words import fold, name_words, split_name, vocabulary

Keys = tuple[str, ...]

KEY_COLUMN = "\0key"
"""The column that holds the keys of a map that was turned into rows."""
_DEEPEST = 24
"""No record of a service nests deeper; what does is read on its own."""


@dataclass(slots=True)
class Column:
    """One column."""

    name: Keys
    """The keys from the row to the cell."""
    cells: list[Json]
    paths: list[str]
    """The JSON pointer of each cell."""
    units: list[str] = field(default_factory=list)
    """What stands beside each number, where the data wraps numbers: `{raw, fmt}`, `{value, unit}`."""


@dataclass(slots=True)
class NestedColumn:
    """A list or map that hangs below some rows."""

    name: Keys
    rows: list[int]
    values: list[Json]
    paths: list[str]


@dataclass(slots=True)
class DataTable:
    """Rows of one kind."""

    columns: list[Column]
    size: int
    nested: list[NestedColumn] = field(default_factory=list)
    unit_map: Mapping[str, str] = field(default_factory=dict)
    """Units by column, where the data lists them apart."""
    key_name: str = ""
    """What the keys of a map are, where its rows came from one."""
    is_record: bool = False
    """Whether it is one mapping rather than a list of them."""


def pointer(path: str, key: str | int) -> str:
    """RFC 6901: one step further."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def table_of(value: Json, path: str, name: str = "") -> DataTable | None:
    """The table that a value is; None where it is a scalar or empty.

    Args:
        value: any JSON.
        path: its JSON pointer.
        name: the key it stands under, which says what the keys of a map are.
    """
    if isinstance(value, Mapping):
        return _of_mapping(value, path, name)
    if isinstance(value, list) and value:
        return _of_list(value, path)
    return None


def _of_mapping(value: Mapping[str, Json], path: str, name: str) -> DataTable | None:
    if not value:
        return None
    if table := _header_and_rows(value, path):
        return table
    if (axis := axis_of(value)) is not None:
        return _of_map(value, path, name, axis)
    if table := _columnar(value, path):
        return table
    table = _of_records([value], [path])
    table.is_record = True
    return table


def _of_list(value: Sequence[Json], path: str) -> DataTable | None:
    paths = [pointer(path, at) for at in range(len(value))]
    if all(isinstance(item, Mapping) for item in value):
        return _of_records([item for item in value if isinstance(item, Mapping)], paths)
    if all(isinstance(item, list) for item in value):
        return _of_rows([item for item in value if isinstance(item, list)], paths)
    if any(isinstance(item, Mapping | list) for item in value):
        return DataTable(
            [], 1, [NestedColumn((), [0], [item], [at]) for item, at in zip(value, paths, strict=True)], is_record=True
        )
    return DataTable([Column((), list(value), paths)], len(value))


def _of_records(records: Sequence[Mapping[str, Json]], paths: Sequence[str]) -> DataTable:
    """Records with nested mappings as columns; lists and maps along an axis hang below."""
    size = len(records)
    columns: dict[Keys, Column] = {}
    nested: dict[Keys, NestedColumn] = {}
    unit_map: dict[str, str] = {}
    for row, (record, path) in enumerate(zip(records, paths, strict=True)):
        for keys, item, at, unit in _leaves(record, (), path, 0, unit_map):
            if isinstance(item, Mapping | list):
                below = nested.setdefault(keys, NestedColumn(keys, [], [], []))
                below.rows.append(row)
                below.values.append(item)
                below.paths.append(at)
                continue
            column = columns.get(keys)
            if column is None:
                column = columns[keys] = Column(keys, [None] * size, [""] * size)
            column.cells[row] = item
            column.paths[row] = at
            if unit:
                column.units = column.units or [""] * size
                column.units[row] = unit
    return DataTable(list(columns.values()), size, list(nested.values()), unit_map)


def _leaves(
    record: Mapping[str, Json], keys: Keys, path: str, depth: int, unit_map: dict[str, str]
) -> Iterator[tuple[Keys, Json, str, str]]:
    """Each scalar, and each list or map that is a table of its own, with its keys, pointer and unit."""
    for key, item in record.items():
        at, name = pointer(path, key), (*keys, key)
        if not isinstance(item, Mapping | list):
            yield name, item, at, ""
        elif isinstance(item, Mapping) and (wrapped := unwrap(item)) is not None:
            inner, value, unit = wrapped
            yield name, value, pointer(at, inner), unit
        elif isinstance(item, Mapping) and (of := _units_of(key, item, record)) is not None:
            unit_map.update(of)
        elif isinstance(item, Mapping) and item and depth < _DEEPEST and not _is_own_table(item):
            yield from _leaves(item, name, at, depth + 1, unit_map)
        elif item:
            yield name, item, at, ""


def unwrap(value: Mapping[str, Json]) -> tuple[str, Json, str] | None:
    """The key, number and unit of a mapping that only wraps a number: `{raw, fmt}`, `{value, unit}`; else None."""
    if not 1 <= len(value) <= 6:
        return None
    inner, unit = "", ""
    for key, item in value.items():
        folded = fold(key)
        if isinstance(item, Mapping | list):
            return None
        if folded in vocabulary("value") and not isinstance(item, bool) and not inner:
            inner = key
        elif folded in vocabulary("unit") and isinstance(item, str):
            unit = item
        elif folded in vocabulary("twin"):
            number = read_number(item) if isinstance(item, str) else None
            unit = unit or (number.unit if number and "%" in number.unit else "")
            if unit == "%" and number and isinstance(raw := value.get("raw"), int | float):
                unit = (
                    "percent" if abs(float(number.value) - raw) <= float(number.step) and abs(raw) > 1 else "fraction"
                )
        else:
            return None
    return (inner, value[inner], unit) if inner and (len(value) > 1) else None


def _units_of(key: str, item: Mapping[str, Json], record: Mapping[str, Json]) -> dict[str, str] | None:
    """The units by column that a mapping beside the data lists: `hourly_units` beside `hourly`."""
    words = name_words(key)
    if not words or words[-1] != "unit" or not item or not all(isinstance(unit, str) for unit in item.values()):
        return None
    if len(words) == 1 or any(name_words(other) == words[:-1] for other in record):
        return {name: str(unit) for name, unit in item.items()}
    return None


def _is_own_table(value: Mapping[str, Json]) -> bool:
    return axis_of(value) is not None or _header_and_rows(value, "") is not None or _columnar(value, "") is not None


def axis_of(value: Mapping[str, Json]) -> str | None:
    """What the keys of a map run along: `time`, `member`, or None where they are names of different things."""
    keys = list(value)
    if all(_is_time_key(key) for key in keys):
        return "time"
    if len(keys) < 2:
        return None
    items = list(value.values())
    if all(isinstance(item, Mapping) and unwrap(item) is None for item in items):
        inner = [frozenset(item) for item in items]
        if all(_is_time_key(key) for keys_of in inner for key in keys_of):
            return "member" if are_members(keys) else None
        alike = _likeness(inner)
        if alike >= 0.6 and not _are_metrics(keys) and (are_members(keys) or _has_numbers(items[0])):
            return "member" if are_members(keys) or alike >= 0.9 else None
        return None
    if all(isinstance(item, int | float) and not isinstance(item, bool) for item in items):
        return "member" if are_members(keys) else None
    if all(isinstance(item, list) and item and isinstance(item[0], Mapping) for item in items):
        inner = [frozenset(item[0]) for item in items]
        return "member" if _likeness(inner) >= 0.8 and are_members(keys) else None
    return None


def _is_time_key(key: str) -> bool:
    return key[:1].isalnum() and any(letter.isdigit() for letter in key) and parse_time(key) is not None


def _likeness(key_sets: Sequence[frozenset[str]]) -> float:
    first = key_sets[0]
    scores = [len(first & other) / max(1, len(first | other)) for other in key_sets[1:]]
    return sum(scores) / len(scores)


def _has_numbers(item: Json) -> bool:
    return isinstance(item, Mapping) and any(isinstance(inner, int | float | Mapping) for inner in item.values())


def _are_metrics(names: Sequence[str]) -> bool:
    return sum(is_metric(name) or _is_camel(name) for name in names) * 2 >= len(names)


def _is_camel(name: str) -> bool:
    """`NetIncomeLoss`: a name of a taxonomy, never of a place or a person."""
    return len(split_name(name)) > 2 and not set(name) & set(" _-./") and not name.isupper() and name.isascii()


def is_metric(name: str) -> bool:
    """Whether a label has a word by which quantities are called."""
    words = name_words(name)
    metric_words = vocabulary("metric") | vocabulary("money") | vocabulary("intensive")
    return any(word in metric_words for word in words)


def are_members(names: Sequence[str]) -> bool:
    """Whether labels read as names of places, people or things rather than of quantities."""
    likely = 0
    for name in names:
        words = name_words(name)
        proper = name[:1].isupper() or not name[:1].isascii() or name[:1].isdigit()
        likely += bool(words) and proper and not _is_camel(name) and not is_metric(name)
    return likely >= 0.8 * len(names)


def _of_map(value: Mapping[str, Json], path: str, name: str, axis: str) -> DataTable:
    """A map along an axis as rows; its keys become a column."""
    keys, items = list(value), list(value.values())
    paths = [pointer(path, key) for key in keys]
    if all(isinstance(item, Mapping) and unwrap(item) is None for item in items) and not any(
        isinstance(item, Mapping) and axis_of(item) for item in items
    ):
        table = _of_records([item for item in items if isinstance(item, Mapping)], paths)
    else:
        table = DataTable([], len(keys))
        column = Column((), [None] * len(keys), paths)
        for row, item in enumerate(items):
            wrapped = unwrap(item) if isinstance(item, Mapping) else None
            if isinstance(item, list) or (isinstance(item, Mapping) and wrapped is None):
                table.nested.append(NestedColumn((), [row], [item], [paths[row]]))
            else:
                column.cells[row] = wrapped[1] if wrapped else item
        table.columns = [column] if any(cell is not None for cell in column.cells) else []
    table.columns.insert(0, Column((KEY_COLUMN,), list(keys), paths))
    numbers = any(column.name == () for column in table.columns)
    table.key_name = "" if axis == "time" or numbers or is_metric(name) else name
    return table


def _header_and_rows(value: Mapping[str, Json], path: str) -> DataTable | None:
    """A list of names beside a list of rows, however the two are called."""
    rows_key = next((key for key, item in value.items() if _are_rows(item)), None)
    if rows_key is None:
        return None
    rows = value[rows_key]
    width = len(rows[0])
    for key, item in value.items():
        if key == rows_key or not isinstance(item, list) or len(item) != width:
            continue
        heads = [_head(head) for head in item]
        if all(heads):
            row_paths = [pointer(pointer(path, rows_key), at) for at in range(len(rows))]
            table = _with_header([head[0] for head in heads if head], rows, row_paths)
            index = value.get("index")
            if isinstance(index, list) and len(index) == len(rows):
                column = Column(
                    ("index",), list(index), [pointer(pointer(path, "index"), at) for at in range(len(index))]
                )
                table.columns.insert(0, column)
            table.unit_map = {head[0]: head[1] for head in heads if head and head[1]}
            return table
    return None


def _are_rows(item: Json) -> bool:
    if not isinstance(item, list) or not item or not all(isinstance(row, list) for row in item):
        return False
    return len(item[0]) > 0 and all(len(row) == len(item[0]) for row in item)


def _head(head: Json) -> tuple[str, str] | None:
    """The name and unit of a column's head: a text, or a mapping with a name."""
    if isinstance(head, str):
        return head, ""
    if isinstance(head, Mapping):
        name = next(
            (
                head[key]
                for key in ("label", "title", "name", "fieldName", "id", "field")
                if isinstance(head.get(key), str)
            ),
            None,
        )
        unit = next((head[key] for key in head if fold(key) in vocabulary("unit") and isinstance(head[key], str)), "")
        return (str(name), str(unit)) if name else None
    return None


def _with_header(heads: Sequence[str], rows: Sequence[Sequence[Json]], paths: Sequence[str]) -> DataTable:
    columns = [
        Column((head,), [row[at] if at < len(row) else None for row in rows], [pointer(path, at) for path in paths])
        for at, head in enumerate(heads)
    ]
    return DataTable(columns, len(rows))


def _of_rows(rows: Sequence[Sequence[Json]], paths: Sequence[str]) -> DataTable:
    """Rows without names: a first row of names, or pairs of a time or member and a value."""
    if any(isinstance(cell, Mapping | list) for row in rows for cell in row):
        return DataTable(
            [], 1, [NestedColumn((), [0], [row], [path]) for row, path in zip(rows, paths, strict=True)], is_record=True
        )
    width = max(len(row) for row in rows)
    first = rows[0]
    if len(rows) > 1 and width == len(first) and all(isinstance(cell, str) and cell for cell in first):
        named = len(set(map(str, first))) == width and not any(
            read_number(str(cell)) or parse_time(str(cell)) for cell in first[:1]
        )
        if named and any(
            isinstance(cell, int | float) or (isinstance(cell, str) and read_number(cell)) for cell in rows[1]
        ):
            return _with_header([str(cell) for cell in first], rows[1:], paths[1:])
    heads = (
        [KEY_COLUMN, *("" for _ in range(width - 1))]
        if width == 2
        else [KEY_COLUMN, *(f"value {at}" for at in range(1, width))]
    )
    table = _with_header(heads, rows, paths)
    for column in table.columns:
        column.name = () if column.name == ("",) else column.name
    return table


def _columnar(value: Mapping[str, Json], path: str) -> DataTable | None:
    """Lists of one length side by side; below a list of times, lists deeper down belong to it as well."""
    lists = {key: item for key, item in value.items() if isinstance(item, list) and item and _are_scalars(item)}
    if not lists:
        return None
    lengths = [len(item) for item in lists.values()]
    size = max(set(lengths), key=lengths.count)
    index = next((key for key, item in lists.items() if len(item) == size and _is_index(key)), None)
    columns: list[Column] = []
    for key, item in value.items():
        deep = index is not None and isinstance(item, Mapping | list) and key not in lists
        columns += _lists_below(item, (key,), pointer(path, key), size, 4 if deep else 1)
    if len(columns) < 2 or (index is None and size < 2):
        return None
    used = {column.name[0] for column in columns}
    rest = {key: item for key, item in value.items() if key not in used}
    if not rest:
        return DataTable(columns, size)
    outer = _of_records([rest], [path])
    outer.is_record = True
    outer.nested.append(NestedColumn((), [0], [{key: value[key] for key in value if key in used}], [path]))
    return outer


def _is_index(key: str) -> bool:
    words = name_words(key)
    return bool(words) and words[-1] in vocabulary("time") | {"index", "label", "category", "x"}


def _lists_below(item: Json, keys: Keys, path: str, size: int, depth: int) -> Iterator[Column]:
    if isinstance(item, list) and len(item) == size and _are_scalars(item):
        yield Column(keys, list(item), [pointer(path, at) for at in range(size)])
    elif depth > 1 and isinstance(item, Mapping):
        for key, inner in item.items():
            yield from _lists_below(inner, (*keys, key), pointer(path, key), size, depth - 1)
    elif depth > 1 and isinstance(item, list) and len(item) == 1:
        yield from _lists_below(item[0], keys, pointer(path, 0), size, depth)


def _are_scalars(item: Sequence[Json]) -> bool:
    return not any(isinstance(cell, Mapping | list) for cell in item)
