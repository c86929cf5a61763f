"""The plain Python meaning of the query language: the model that every backend is compared with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from trainer.core.digest import canonical
from trainer.core.values import Json, StoredData
from trainer.stores.moments import to_text
from trainer.stores.query import MOMENTS, Compare, Condition, Every, Field, Not, Order, Query, Some

MISSING: Final = object()
"""What stands where a path leads nowhere."""

View: TypeAlias = Mapping[str, Json]
"""A document as fields see it: its columns by name, and `data` and `metadata`."""


def view_of(document: StoredData) -> View:
    """The document as fields see it; moments are text of one width."""
    columns = {name: getattr(document, name) for name in ("key", "version", "source", "ttl", *MOMENTS)}
    moments = {name: to_text(columns[name]) if columns[name] else None for name in MOMENTS}
    return {**columns, **moments, "data": document.data, "metadata": document.metadata}


def select(documents: Iterable[StoredData], query: Query) -> list[StoredData]:
    """The documents that match, in order, from `offset` on and at most `limit`."""
    found = [document for document in documents if matches(document, query.where)]
    ordered = in_order(found, query.order)
    return ordered[query.offset : None if query.limit is None else query.offset + query.limit]


def in_order(documents: Iterable[StoredData], order: Order) -> list[StoredData]:
    """The documents sorted by the fields and then by key."""
    ordered = sorted(documents, key=lambda document: document.key)
    for field, descending in reversed(order):
        ordered.sort(key=lambda document: sort_key(value_at(view_of(document), field)), reverse=descending)
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
        case Compare(field, operator, operand):
            return _TESTS[operator](value_at(view, field), operand)


def value_at(view: View, field: Field) -> Json:
    """The field's value, or MISSING."""
    if field.root == "column":
        return view[field.path[0]]
    return follow(view[field.root], field.path)


def follow(value: Json, path: Iterable[str]) -> Json:
    """What stands at the path below `value`, or MISSING."""
    for segment in path:
        if isinstance(value, Mapping) and segment in value:
            value = value[segment]
        elif isinstance(value, list) and _is_index(segment) and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return MISSING
    return value


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
        return ("object", frozenset((name, identity(item)) for name, item in value.items()))
    return ("list", tuple(identity(item) for item in value))


def sort_key(value: Json) -> tuple[int, Json]:
    """Null and missing, booleans, numbers, texts, then lists and objects as equals."""
    value = plain(value)
    if value is None:
        return (0, 0)
    if isinstance(value, bool):
        return (1, value)
    if isinstance(value, int | float):
        return (2, value)
    if isinstance(value, str):
        return (3, value)
    return (4, 0)


def distinct_values(values: Iterable[Json]) -> list[Json]:
    """The different values, each in its simplest spelling, sorted."""
    found = {identity(value): simplest(value) for value in values}
    return sorted(found.values(), key=lambda value: (sort_key(value), canonical(value)))


def simplest(value: Json) -> Json:
    """The one spelling of equal values: whole numbers below 2^63 as integers, larger ones as floats where exact."""
    if isinstance(value, Mapping):
        return {name: simplest(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return [simplest(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or (isinstance(value, float) and value % 1):
        return plain(value)
    if abs(value) < 2**63:
        return int(value)
    fits = isinstance(value, float) or value.bit_length() <= 1023
    return float(value) if fits and float(value) == value else value


def _is_index(segment: str) -> bool:
    return segment.isascii() and segment.isdigit() and (segment == "0" or segment[0] != "0") and len(segment) < 10


def _equal(value: Json, operand: Json) -> bool:
    return bool(identity(value) == identity(operand))


def _ordering(compare: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool]:
    def test(value: Json, operand: Json) -> bool:
        rank, found = sort_key(value)
        return rank in (2, 3) and rank == sort_key(operand)[0] and compare(found, operand)

    return test


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_TESTS: Mapping[str, Callable[[Json, Json], bool]] = {
    "$eq": _equal,
    "$in": lambda value, operand: any(_equal(value, item) for item in operand),
    "$gt": _ordering(lambda value, operand: value > operand),
    "$gte": _ordering(lambda value, operand: value >= operand),
    "$lt": _ordering(lambda value, operand: value < operand),
    "$lte": _ordering(lambda value, operand: value <= operand),
    "$exists": lambda value, operand: (value is not MISSING) == operand,
    "$regex": lambda value, operand: isinstance(value, str) and _compiled(operand).search(value) is not None,
}
