r"""The query language: a filter as people write it, checked, and turned into conditions every backend understands.

    {"source": "yahoo_finance", "marketCap": {"$gt": 1e9}, "$or": [{"symbol": "ABBV"}, {"metadata.as_of": None}]}

A field is a column of the document (`key`, `version`, `source`, `ttl`, `stored_at`, `updated_at`, `checked_at`),
a path into its metadata (`metadata.as_of`), or a path into its data (`marketCap`, or `data.source` where a
column has the same name). Segments are parted by dots; a number picks from a list; `\.` is a dot inside a name.

- A missing field equals null; `$exists` tells them apart. Numbers are equal by value, and never equal to booleans.
- `$gt $gte $lt $lte` compare numbers with numbers and texts with texts, by code point; anything else does not match.
- `$regex` is Python's `re.search` on texts. `$ne`, `$nin` and `$not` are the exact opposites of what they negate.
- Sorted are: missing and null, booleans, numbers, texts, then lists and objects as equals; equals by key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from trainer.core.clock import parse_moment
from trainer.core.errors import UsageError, unknown
from trainer.core.values import Json
from trainer.stores.jsontext import encode
from trainer.stores.moments import to_text

Operator = Literal["$eq", "$gt", "$gte", "$lt", "$lte", "$in", "$exists", "$regex"]
COLUMNS = ("key", "version", "source", "ttl", "stored_at", "updated_at", "checked_at")
MOMENTS = frozenset({"stored_at", "updated_at", "checked_at"})
_ORDERING = ("$gt", "$gte", "$lt", "$lte")
_OPERATORS = ("$eq", "$ne", *_ORDERING, "$in", "$nin", "$exists", "$regex", "$not")
_JOINERS = ("$and", "$or", "$not")
_DOT = re.compile(r"(?<!\\)\.")


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value stands in a document."""

    name: str
    """As the user wrote it."""
    root: Literal["column", "data", "metadata"]
    path: tuple[str, ...]
    """For a column its name alone."""


@dataclass(frozen=True, slots=True)
class Compare:
    """One field against one operand."""

    field: Field
    operator: Operator
    operand: Json


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold; true without parts."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds; false without parts."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition: TypeAlias = Compare | Every | Some | Not
Order: TypeAlias = tuple[tuple[Field, bool], ...]
"""Fields to sort by, each with whether it descends."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which documents, in which order, and how many of them."""

    where: Condition = Every(())
    order: Order = ()
    limit: int | None = None
    offset: int = 0


def parse_query(
    filters: Mapping[str, Json] | None,
    *,
    sort: Mapping[str, int] | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Query:
    """The checked query; raises UsageError for anything the language does not know."""
    return Query(
        where=parse_filter(filters or {}),
        order=parse_order(sort or {}),
        limit=None if limit is None else natural(limit, "limit"),
        offset=natural(offset, "offset"),
    )


def parse_filter(filters: Mapping[str, Json]) -> Condition:
    """The condition that a filter spells; raises UsageError."""
    if not isinstance(filters, Mapping):
        raise UsageError(f"a filter must be a mapping, not {filters!r}", hint='such as {"source": "yahoo_finance"}')
    parts = tuple(
        _join(name, value) if name.startswith("$") else _field(parse_field(name), value)
        for name, value in filters.items()
    )
    return parts[0] if len(parts) == 1 else Every(parts)


def parse_field(name: str) -> Field:
    """The field that a dotted name means; raises UsageError."""
    if not isinstance(name, str) or "\0" in name or name.startswith("$"):
        raise UsageError(f"{name!r} is no field", hint="write it like marketCap, quarterly.0.date or metadata.as_of")
    encode(name, what="the field")
    segments = tuple(segment.replace("\\.", ".") for segment in _DOT.split(name))
    if len(segments) == 1 and name in COLUMNS:
        return Field(name, "column", segments)
    if segments[0] == "metadata":
        return Field(name, "metadata", segments[1:])
    return Field(name, "data", segments[1:] if segments[0] == "data" else segments)


def parse_order(sort: Mapping[str, int]) -> Order:
    """The fields to sort by; raises UsageError."""
    if not isinstance(sort, Mapping):
        raise UsageError("sort must be a mapping of field to 1 or -1", hint='such as {"updated_at": -1}')
    for name, direction in sort.items():
        if isinstance(direction, bool) or direction not in (1, -1):
            raise UsageError(f"sort by {name} must be 1 (upwards) or -1 (downwards), not {direction!r}")
    return tuple((parse_field(name), direction == -1) for name, direction in sort.items())


def fields_of(condition: Condition) -> Iterator[Field]:
    """The fields that the condition names."""
    match condition:
        case Every(parts) | Some(parts):
            for part in parts:
                yield from fields_of(part)
        case Not(part):
            yield from fields_of(part)
        case Compare(field):
            yield field


def natural(value: Json, what: str) -> int:
    """The value, if it is a whole number from 0 on; raises UsageError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"{what} must be a whole number from 0 on, not {value!r}")
    return value


def _join(name: str, value: Json) -> Condition:
    if name == "$not":
        return Not(parse_filter(value))
    if name not in _JOINERS:
        message, hint = unknown("operator", name, _JOINERS if name not in _OPERATORS else _OPERATORS)
        raise UsageError(message if name not in _OPERATORS else f"{name} must stand under a field", hint=hint)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise UsageError(f"{name} must have a list of at least one filter", hint=f'such as {{"{name}": [{{"a": 1}}]}}')
    parts = tuple(parse_filter(part) for part in value)
    return Every(parts) if name == "$and" else Some(parts)


def _field(field: Field, value: Json) -> Condition:
    if not isinstance(value, Mapping) or not any(str(name).startswith("$") for name in value):
        return Compare(field, "$eq", _operand(field, value))
    parts = tuple(_operator(field, name, operand) for name, operand in value.items())
    return parts[0] if len(parts) == 1 else Every(parts)


def _operator(field: Field, name: str, operand: Json) -> Condition:
    if name not in _OPERATORS:
        message, hint = unknown("operator", name, _OPERATORS)
        raise UsageError(f"{message} under {field.name}", hint=hint)
    if name == "$not":
        if not isinstance(operand, Mapping):
            raise UsageError(f"$not under {field.name} must have operators", hint='such as {"$not": {"$gt": 5}}')
        return Not(_field(field, operand))
    if name == "$ne":
        return Not(Compare(field, "$eq", _operand(field, operand)))
    if name == "$nin":
        return Not(Compare(field, "$in", _list(field, name, operand)))
    return Compare(field, name, _CHECKS.get(name, _ordered)(field, name, operand))  # type: ignore[arg-type]


def _operand(field: Field, value: Json) -> Json:
    if field.root == "column" and field.path[0] in MOMENTS and value is not None:
        return _moment(field, value)
    return encode(value, what=f"the operand of {field.name}").value


def _moment(field: Field, value: Json) -> str:
    try:
        return to_text(value if isinstance(value, datetime) else parse_moment(value))
    except (ValueError, AttributeError, TypeError):
        raise UsageError(
            f"{field.name} is compared with a date, not with {value!r}", hint="write it like 2025-02-14T21:00:00Z"
        ) from None


def _list(field: Field, name: str, value: Json) -> list[Json]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UsageError(f"{name} under {field.name} must have a list, not {value!r}")
    return [_operand(field, item) for item in value]


def _ordered(field: Field, name: str, value: Json) -> Json:
    operand = _operand(field, value)
    if isinstance(operand, bool) or not isinstance(operand, int | float | str):
        raise UsageError(f"{name} under {field.name} compares with a number or a text, not with {value!r}")
    return operand


def _flag(field: Field, name: str, value: Json) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{name} under {field.name} must be true or false, not {value!r}")
    return value


def _pattern(field: Field, name: str, value: Json) -> str:
    try:
        re.compile(value)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise UsageError(f"{name} under {field.name} is no regular expression: {error}") from None
    return str(encode(value).value)


_CHECKS: Mapping[str, Callable[[Field, str, Json], Json]] = {
    "$eq": lambda field, _, value: _operand(field, value),
    "$in": _list,
    "$exists": _flag,
    "$regex": _pattern,
}
