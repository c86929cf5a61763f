"""The plain Python meaning of the query language: the model that every backend is compared with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from trainer.core.digest import pick
from trainer.core.values import Json, StoredData
from trainer.stores.query import MOMENTS, AnyElement, Compare, Condition, Every, FieldPath, Not, Order, Query, Some
from trainer.stores.values import to_text

MISSING: Final = object()
"""What stands where a path leads nowhere."""

View: TypeAlias = Mapping[str, Json]
"""A document as fields see it: its columns by name, and `data` and `metadata`."""
SortKey: TypeAlias = tuple[int, Json]

NULL, NUMBER, TEXT, OBJECT, LIST, BOOLEAN = range(6)
"""The order of kinds, as MongoDB's documentation has it."""
_EMPTY: SortKey = (-1, 0)
"""An empty list is sorted before null."""


def view_of(document: StoredData) -> View:
    """The document as fields see it; moments are text of one width."""
    columns = pick(document, "key", "version", "source", "ttl", *MOMENTS)
    moments = {name: to_text(columns[name]) if columns[name] else None for name in MOMENTS}
    return {**columns, **moments, "data": document.data, "metadata": document.metadata}


def select(documents: Iterable[StoredData], query: Query) -> list[StoredData]:
    """The documents that match, in order, from `offset` on and at most `limit`."""
    matching = sorted((document for document in documents if matches(document, query.where)), key=lambda d: d.key)
    for field, descending in reversed(query.order):
        matching.sort(key=lambda d, by=field, down=descending: order_key(view_of(d), by, down), reverse=descending)  # type: ignore[misc]
    return matching[query.offset : None if query.limit is None else query.offset + query.limit]


def in_order(views: Iterable[View], order: Order) -> list[View]:
    """The views sorted by the fields; equals keep their order."""
    ordered = list(views)
    for field, descending in reversed(order):
        ordered.sort(key=lambda view, by=field, down=descending: order_key(view, by, down), reverse=descending)  # type: ignore[misc]
    return ordered


def matches(document: StoredData, condition: Condition) -> bool:
    """Whether the condition holds for the document."""
    return holds(condition, view_of(document))


def holds(condition: Condition, view: View) -> bool:
    """Whether the condition holds for what the fields see."""
    match condition:
        case Every(parts):
            return all(holds(part, view) for part in parts)
        case Some(parts):
            return any(holds(part, view) for part in parts)
        case Not(part):
            return not holds(part, view)
        case AnyElement(field, where):
            lists = (value for value in values_at(view, field) if isinstance(value, list))
            return any(holds(where, {"element": item, "data": item}) for items in lists for item in items)
        case Compare(field, "$exists", operand):
            return any(value is not MISSING for value in values_at(view, field)) is bool(operand)
        case Compare(field, "$size", operand):
            return any(isinstance(value, list) and len(value) == operand for value in values_at(view, field))
        case Compare(field, operator, operand):
            return any(_TESTS[operator](value, operand) for value in _candidates(view, field))


def values_at(view: View, field: FieldPath) -> Iterator[Json]:
    """All that stands at the field, through the lists on its way; MISSING where an object lacks it."""
    return (value.value if isinstance(value, _Picked) else value for value in _stops(view, field))


def value_at(view: View, field: FieldPath) -> Json:
    """The field as an expression has it: a list of what its elements have, MISSING where there is nothing."""
    if field.root == "column":
        return view[field.path[0]]
    return _picked(view[field.root], field.path)


def plain(value: Json) -> Json:
    """The value, null where it is missing."""
    return None if value is MISSING else value


def identity(value: Json) -> Json:
    """A hashable form that is the same for equal values only: 1 and 1.0 are equal, 1 and true are not."""
    value = plain(value)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, Mapping):
        return ("object", tuple((name, identity(item)) for name, item in value.items()))
    return ("list", tuple(identity(item) for item in value))


def sort_key(value: Json) -> SortKey:
    """Where the value stands among all values; equal for equal values only."""
    value = plain(value)
    if value is None:
        return (NULL, 0)
    if isinstance(value, bool):
        return (BOOLEAN, value)
    if isinstance(value, int | float):
        return (NUMBER, value)
    if isinstance(value, str):
        return (TEXT, value)
    if isinstance(value, Mapping):
        return (OBJECT, [(sort_key(item)[0], name, sort_key(item)) for name, item in value.items()])
    return (LIST, [sort_key(item) for item in value])


def order_key(view: View, field: FieldPath, descending: bool) -> SortKey:
    """Where a document stands: a list by its least element, or by its greatest where the order descends."""
    keys = [key for value in values_at(view, field) for key in _order_keys(value)]
    return (max if descending else min)(keys, default=(NULL, 0))


def distinct_values(values: Iterable[Json]) -> list[Json]:
    """The different values, each in its simplest spelling, sorted."""
    return sorted({identity(value): simplest(value) for value in values}.values(), key=sort_key)


def elements_at(view: View, field: FieldPath) -> Iterator[Json]:
    """What `distinct` sees of a document: the values at the field, of lists their elements."""
    for value in values_at(view, field):
        if isinstance(value, list) and field.root != "column":
            yield from value
        elif value is not MISSING:
            yield value


def simplest(value: Json) -> Json:
    """The one spelling of equal values: whole numbers below 2^63 as integers, larger ones as floats where exact."""
    if isinstance(value, Mapping):
        return {name: simplest(item) for name, item in value.items()}
    if isinstance(value, list):
        return [simplest(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or (isinstance(value, float) and value % 1):
        return plain(value)
    if abs(value) < 2**63:
        return int(value)
    fits = isinstance(value, float) or value.bit_length() <= 1023
    return float(value) if fits and float(value) == value else value


def is_index(segment: str) -> bool:
    """Whether a segment of a path can pick from a list."""
    return segment.isascii() and segment.isdigit() and (segment == "0" or segment[0] != "0") and len(segment) < 10


@dataclass(frozen=True, slots=True)
class _Picked:
    """What the number at the end of a path picked from a list: if it is a list, its elements are not looked at."""

    value: Json


def _stops(view: View, field: FieldPath) -> Iterator[Json]:
    if field.root == "column":
        return iter((view[field.path[0]],))
    return _values_below(view[field.root], field.path)


def _values_below(value: Json, path: tuple[str, ...]) -> Iterator[Json]:
    if not path:
        yield value
    elif isinstance(value, Mapping):
        yield from _values_below(value[path[0]], path[1:]) if path[0] in value else (MISSING,)
    elif isinstance(value, list):
        picks = is_index(path[0]) and int(path[0]) < len(value)
        if picks and len(path) == 1:
            yield _Picked(value[int(path[0])])
        elif picks:
            yield from _values_below(value[int(path[0])], path[1:])
        for item in value:
            # where a number picks an element, an object that has no such name is not asked for it
            if isinstance(item, Mapping) and (not picks or path[0] in item):
                yield from _values_below(item, path)
    else:
        yield MISSING


def _picked(value: Json, path: tuple[str, ...]) -> Json:
    if not path:
        return value
    if isinstance(value, Mapping):
        return _picked(value[path[0]], path[1:]) if path[0] in value else MISSING
    if not isinstance(value, list):
        return MISSING
    if is_index(path[0]):
        return _picked(value[int(path[0])], path[1:]) if int(path[0]) < len(value) else MISSING
    return [item for item in (_picked(item, path) for item in value) if item is not MISSING]


def _candidates(view: View, field: FieldPath) -> Iterator[Json]:
    """What a comparison looks at: each value, and of a list each element too."""
    for value in _stops(view, field):
        if isinstance(value, list) and field.root != "element":
            yield from value
        yield value.value if isinstance(value, _Picked) else value


def _order_keys(value: Json) -> Iterator[SortKey]:
    if not isinstance(value, list):
        yield sort_key(value)
    elif value:
        yield from map(sort_key, value)
    else:
        yield _EMPTY


def _equal(value: Json, operand: Json) -> bool:
    return bool(identity(value) == identity(operand))


def _ordering(compare: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool]:
    def test(value: Json, operand: Json) -> bool:
        key, other = sort_key(value), sort_key(operand)
        return key[0] == other[0] and compare(key, other)

    return test


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _types_of(value: Json) -> tuple[Json, ...]:
    """The numbers by which `$type` knows the value."""
    if value is MISSING:
        return ()
    if value is None:
        return (10,)
    if isinstance(value, bool):
        return (8,)
    if isinstance(value, int):
        return (16 if -(2**31) <= value < 2**31 else 18, "number")
    if isinstance(value, float):
        return (1, "number")
    return (2,) if isinstance(value, str) else (3,) if isinstance(value, Mapping) else (4,)


def _leaves(value: Json, operand: tuple[int, int]) -> bool:
    """Whether dividing the number, cut to a whole one, leaves the remainder, which has the number's sign."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    remainder = abs(int(value)) % abs(operand[0])
    return (-remainder if value < 0 else remainder) == operand[1]


_TESTS: Mapping[str, Callable[[Json, Json], bool]] = {
    "$eq": _equal,
    "$in": lambda value, operand: any(_equal(value, item) for item in operand),
    "$gt": _ordering(lambda value, operand: value > operand),
    "$gte": _ordering(lambda value, operand: value >= operand),
    "$lt": _ordering(lambda value, operand: value < operand),
    "$lte": _ordering(lambda value, operand: value <= operand),
    "$regex": lambda value, operand: isinstance(value, str) and _compiled(operand).search(value) is not None,
    "$type": lambda value, operand: any(number in operand for number in _types_of(value)),
    "$mod": _leaves,
}
