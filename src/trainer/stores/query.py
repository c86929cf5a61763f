r"""The query language: MongoDB's, checked, and turned into conditions that every backend understands.

    {"source": "yahoo_finance", "annual.revenue": {"$gt": 3e7}, "$or": [{"symbol": "ABBV"}, {"metadata.as_of": None}]}

A field is a column of the document (`key`, `version`, `source`, `ttl`, `stored_at`, `updated_at`, `checked_at`),
a path into its metadata (`metadata.as_of`), or a path into its data (`marketCap`, or `data.source` where a
column has the same name). Segments are parted by dots; a number also picks from a list; `\.` is a dot inside a name.
A plain name that is asked for by value also means what a source was asked: `ticker` is `metadata.query.ticker` too.

- Paths look into lists: a list matches if one of its elements does, or if it matches as a whole.
- A missing field equals null; `$exists` tells them apart. Numbers are equal by value, and never equal to booleans.
- `$gt $gte $lt $lte` compare values of one kind; values of another kind do not match.
- `$regex` is Python's `re.search` on texts. `$ne`, `$nin`, `$not` and `$nor` are the opposites of what they negate.
- Sorted are: empty lists, missing and null, numbers, texts by code point, objects, lists, booleans; a list stands by
  its least element, or by its greatest where the order descends; equals by key.
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
from trainer.stores.values import to_text

Operator = Literal["$eq", "$gt", "$gte", "$lt", "$lte", "$in", "$exists", "$regex", "$size", "$type", "$mod"]
Root = Literal["column", "data", "metadata", "element"]
"""Where a path begins; `element` is one element of a list, which is not looked into."""

COLUMNS = ("key", "version", "source", "ttl", "stored_at", "updated_at", "checked_at")
MOMENTS = frozenset({"stored_at", "updated_at", "checked_at"})
TYPES = {
    "double": 1, "string": 2, "object": 3, "array": 4, "bool": 8, "null": 10, "int": 16, "long": 18, "number": "number",
}  # fmt: skip
"""MongoDB's names of the types that JSON has, with their numbers."""
ORDERING = ("$gt", "$gte", "$lt", "$lte")
_OPERATORS = (
    "$eq", "$ne", *ORDERING, "$in", "$nin", "$exists", "$regex", "$options", "$not", "$all", "$elemMatch", "$size",
    "$type", "$mod",
)  # fmt: skip
_JOINERS = ("$and", "$or", "$nor", "$not")
_ABSENT = {
    "$expr": "compare fields in an aggregation instead",
    "$where": "no code is run; use the operators",
    "$jsonSchema": "check data with trainer convert --schema",
    "$text": "use $regex",
    "$comment": "leave it out",
}
"""What MongoDB has and this language has not, with what to do instead."""
_DOT = re.compile(r"(?<!\\)\.")
_FLAGS = frozenset("imsx")


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Where a value stands in a document."""

    name: str
    """As the user wrote it."""
    root: Root
    path: tuple[str, ...]
    """For a column its name alone."""


@dataclass(frozen=True, slots=True)
class Compare:
    """One field against one operand."""

    field: FieldPath
    operator: Operator
    operand: Json


@dataclass(frozen=True, slots=True)
class AnyElement:
    """One element of the list at the field for which the condition holds, whose fields are paths below the element."""

    field: FieldPath
    where: Condition


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


Condition: TypeAlias = Compare | AnyElement | Every | Some | Not
Order: TypeAlias = tuple[tuple[FieldPath, bool], ...]
"""Fields to sort by, each with whether it descends."""
Resolve: TypeAlias = Callable[[str], FieldPath]
"""The field that a name means."""


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


def document_field(name: str) -> FieldPath:
    """The field of a stored document that a dotted name means; raises UsageError."""
    segments = _segments(name)
    if len(segments) == 1 and name in COLUMNS:
        return FieldPath(name, "column", segments)
    if segments[0] == "metadata":
        return FieldPath(name, "metadata", segments[1:])
    return FieldPath(name, "data", segments[1:] if segments[0] == "data" else segments)


def inner_field(name: str) -> FieldPath:
    """The field below an element of a list, or of what a stage of a pipeline made: all names are paths."""
    return FieldPath(name, "data", _segments(name))


def parse_filter(filters: Mapping[str, Json], resolve: Resolve = document_field) -> Condition:
    """The condition that a filter spells; raises UsageError."""
    if not isinstance(filters, Mapping):
        raise UsageError(f"a filter must be a mapping, not {filters!r}", hint='such as {"source": "yahoo_finance"}')
    return _every(
        _join(name, value, resolve) if str(name).startswith("$") else _field(resolve(name), value, resolve)
        for name, value in filters.items()
    )


def parse_order(sort: Mapping[str, int], resolve: Resolve = document_field) -> Order:
    """The fields to sort by; raises UsageError."""
    if not isinstance(sort, Mapping):
        raise UsageError("sort must be a mapping of field to 1 or -1", hint='such as {"updated_at": -1}')
    for name, direction in sort.items():
        if isinstance(direction, bool) or direction not in (1, -1):
            raise UsageError(f"sort by {name} must be 1 (upwards) or -1 (downwards), not {direction!r}")
    return tuple((resolve(name), direction == -1) for name, direction in sort.items())


def fields_of(condition: Condition) -> Iterator[FieldPath]:
    """The fields that the condition names, those below elements of lists left out."""
    match condition:
        case Every(parts) | Some(parts):
            for part in parts:
                yield from fields_of(part)
        case Not(part):
            yield from fields_of(part)
        case Compare(field) | AnyElement(field):
            yield field


def natural(value: Json, what: str) -> int:
    """The value, if it is a whole number from 0 on; raises UsageError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"{what} must be a whole number from 0 on, not {value!r}")
    return value


def _segments(name: str) -> tuple[str, ...]:
    if not isinstance(name, str) or "\0" in name or name.startswith("$"):
        raise UsageError(f"{name!r} is no field", hint="write it like marketCap, quarterly.0.date or metadata.as_of")
    encode(name, what="the field")
    return tuple(segment.replace("\\.", ".") for segment in _DOT.split(name))


def _every(parts: Iterator[Condition]) -> Condition:
    conditions = tuple(parts)
    return conditions[0] if len(conditions) == 1 else Every(conditions)


def _join(name: str, value: Json, resolve: Resolve) -> Condition:
    if name == "$not":
        return Not(parse_filter(value, resolve))
    if name in _OPERATORS:
        raise UsageError(f"{name} must stand under a field", hint=f'such as {{"marketCap": {{"{name}": …}}}}')
    if name not in _JOINERS:
        raise _unknown_operator(name, _JOINERS)
    if not isinstance(value, list | tuple) or not value:
        raise UsageError(f"{name} must have a list of at least one filter", hint=f'such as {{"{name}": [{{"a": 1}}]}}')
    parts = tuple(parse_filter(part, resolve) for part in value)
    if name == "$and":
        return Every(parts)
    return Some(parts) if name == "$or" else Not(Some(parts))


def _unknown_operator(name: str, names: Sequence[str], under: str = "") -> UsageError:
    if name in _ABSENT:
        return UsageError(f"{name} of MongoDB is left out{under}", hint=_ABSENT[name])
    message, hint = unknown("operator", name, names)
    return UsageError(message + under, hint=hint)


def _field(field: FieldPath, value: Json, resolve: Resolve) -> Condition:
    if not isinstance(value, Mapping) or not any(str(name).startswith("$") for name in value):
        return _equal(field, "$eq", _operand(field, value), resolve)
    if "$options" in value and "$regex" not in value:
        raise UsageError(f"$options under {field.name} needs a $regex beside it")
    options = value.get("$options", "")
    return _every(
        _operator(field, name, _with_options(operand, options) if name == "$regex" else operand, resolve)
        for name, operand in value.items()
        if name != "$options"
    )


def _operator(field: FieldPath, name: str, operand: Json, resolve: Resolve) -> Condition:
    if name not in _OPERATORS:
        raise _unknown_operator(str(name), _OPERATORS, f" under {field.name}")
    if name in ("$eq", "$ne"):
        condition = _equal(field, "$eq", _operand(field, operand), resolve)
        return condition if name == "$eq" else Not(condition)
    if name in ("$in", "$nin"):
        condition = _equal(field, "$in", [_operand(field, item) for item in _list(field, name, operand)], resolve)
        return condition if name == "$in" else Not(condition)
    if name == "$not":
        if not isinstance(operand, Mapping) or not operand or not all(str(key).startswith("$") for key in operand):
            raise UsageError(f"$not under {field.name} must have operators", hint='such as {"$not": {"$gt": 5}}')
        return Not(_field(field, operand, resolve))
    if name == "$elemMatch":
        return _element(field, operand)
    if name == "$all":
        items = _list(field, name, operand)
        parts = (
            _element(field, item["$elemMatch"])
            if isinstance(item, Mapping) and set(item) == {"$elemMatch"}
            else Compare(field, "$eq", _operand(field, item))
            for item in items
        )
        return _every(parts) if items else Some(())
    check = _CHECKS.get(name)
    return Compare(field, name, check(field, name, operand) if check else _operand(field, operand))  # type: ignore[arg-type]


def _equal(field: FieldPath, operator: Literal["$eq", "$in"], operand: Json, resolve: Resolve) -> Condition:
    """The comparison; of a plain name of a document, also with what the query of its source says."""
    condition = Compare(field, operator, operand)
    if resolve is not document_field or field.root != "data" or field.path != (field.name,):
        return condition
    of_source = Compare(FieldPath(field.name, "metadata", ("query", field.name)), operator, operand)
    if operand is None or (operator == "$in" and None in operand):
        return Every((condition, of_source))
    return Some((condition, of_source))


def _element(field: FieldPath, operand: Json) -> Condition:
    if not isinstance(operand, Mapping) or not operand:
        raise UsageError(f"$elemMatch under {field.name} must have a filter", hint='such as {"$elemMatch": {"$gt": 5}}')
    if all(name in _OPERATORS for name in operand):
        return AnyElement(field, _field(FieldPath(field.name, "element", ()), operand, inner_field))
    return AnyElement(field, Every((Compare(_WHOLE, "$type", (3, 4)), parse_filter(operand, inner_field))))


_WHOLE = FieldPath("element", "element", ())
"""An element whose fields are asked for must be an object or a list."""


def _operand(field: FieldPath, value: Json) -> Json:
    if field.root == "column" and field.path[0] in MOMENTS and value is not None:
        return _moment(field, value)
    return encode(value, what=f"the operand of {field.name}").value


def _moment(field: FieldPath, value: Json) -> str:
    try:
        return to_text(value if isinstance(value, datetime) else parse_moment(value))
    except (ValueError, AttributeError, TypeError):
        raise UsageError(
            f"{field.name} is compared with a date, not with {value!r}", hint="write it like 2025-02-14T21:00:00Z"
        ) from None


def _list(field: FieldPath, name: str, value: Json) -> Sequence[Json]:
    if not isinstance(value, list | tuple):
        raise UsageError(f"{name} under {field.name} must have a list, not {value!r}")
    return value


def _flag(field: FieldPath, name: str, value: Json) -> bool:
    if isinstance(value, bool | int | float):
        return bool(value)
    raise UsageError(f"{name} under {field.name} must be true or false, not {value!r}")


def _with_options(pattern: Json, options: Json) -> Json:
    if not isinstance(options, str) or not set(options) <= _FLAGS:
        raise UsageError(f"$options must be letters of imsx, not {options!r}")
    return f"(?{options}){pattern}" if options and isinstance(pattern, str) else pattern


def _pattern(field: FieldPath, name: str, value: Json) -> str:
    try:
        re.compile(value)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise UsageError(f"{name} under {field.name} is no regular expression: {error}") from None
    return str(encode(value).value)


def _types(field: FieldPath, name: str, value: Json) -> tuple[Json, ...]:
    numbers: dict[Json, Json] = {**TYPES, **{number: number for number in TYPES.values()}}
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int | str) or item not in numbers:
            message, hint = unknown("type", str(item), tuple(TYPES))
            raise UsageError(f"{message} for {name} under {field.name}", hint=hint)
    return tuple(numbers[item] for item in items)


def _division(field: FieldPath, name: str, value: Json) -> tuple[int, int]:
    if (
        not isinstance(value, list | tuple)
        or len(value) != 2
        or not all(isinstance(number, int | float) and not isinstance(number, bool) for number in value)
        or int(value[0]) == 0
    ):
        raise UsageError(f"{name} under {field.name} needs a divisor and a remainder", hint='like {"$mod": [2, 1]}')
    return int(value[0]), int(value[1])


_CHECKS: Mapping[str, Callable[[FieldPath, str, Json], Json]] = {
    "$exists": _flag,
    "$regex": _pattern,
    "$size": lambda field, name, value: natural(value, f"{name} under {field.name}"),
    "$type": _types,
    "$mod": _division,
}
