"""Conditions, orders and groups in MongoDB's own words, for documents that it keeps as its own values.

A document is *plain* when MongoDB holds all its values and names as they are; the others are left to Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from trainer.core.values import Json
from trainer.stores.match import View, is_index, simplest
from trainer.stores.pipeline import Constant, GroupStage, group_views
from trainer.stores.query import AnyElement, Compare, Condition, Every, FieldPath, Not, Order, Some, fields_of
from trainer.stores.sql import starts_with

MongoFilter: TypeAlias = dict[str, Any]

PLAIN: MongoFilter = {"tame": True}
_DEEPEST = 60
_LARGEST = 2**63
_NEVER: MongoFilter = {"$nor": [{}]}
_ROOTS = {"data": "data_tree", "metadata": "metadata_tree"}


@dataclass(frozen=True, slots=True)
class Native:
    """A condition as MongoDB understands it."""

    matching: MongoFilter
    exact: bool = True
    """Whether it holds for no plain document that does not match."""


ANY = Native({}, exact=False)


def native(condition: Condition) -> Native:
    """What holds for all plain documents that match."""
    match condition:
        case Every(parts):
            return _joined("$and", [native(part) for part in parts], {})
        case Some(parts):
            return _joined("$or", [native(part) for part in parts], _NEVER)
        case Not(part):
            inner = native(part)
            return Native({"$nor": [inner.matching]}) if inner.exact else ANY
        case Compare(field, operator, operand):
            return _compare(field, operator, operand) if is_named(field) else ANY
        case AnyElement(field, where):
            return _element(field, where) if is_named(field) else ANY


def narrowed(condition: Condition) -> MongoFilter:
    """What holds for all documents that match, and for those that Python must judge."""
    if all(field.root == "column" for field in fields_of(condition)):
        return native(condition).matching
    return {"$or": [{"$and": [PLAIN, native(condition).matching]}, {"tame": False}]}


def order_of(order: Order) -> dict[str, int] | None:
    """The sorting by the fields and then by key; None where a path has no name in MongoDB."""
    if not all(is_named(field) for field, _ in order):
        return None
    ways: dict[str, int] = {}
    for field, descending in order:
        ways.setdefault(name_of(field), -1 if descending else 1)
    return {**ways, "key": ways.get("key", 1)}


def group_stage(group: GroupStage) -> MongoFilter | None:
    """The stage that makes the groups; None where MongoDB makes others than Python."""
    by = (
        {title: _expression(part) for title, part in group.by.items()}
        if isinstance(group.by, Mapping)
        else _expression(group.by)
    )
    figures = {
        f"f{number}": _figure(figure.kind, figure.operand) for number, figure in enumerate(group.figures.values())
    }
    expressions = [*(by.values() if isinstance(group.by, Mapping) else [by]), *figures.values()]
    return None if None in expressions else {"$group": {"_id": by, **figures}}


def groups_of(group: GroupStage, documents: Sequence[Mapping[str, Any]]) -> list[View]:
    """The groups as fields see them."""
    return group_views(
        (
            simplest(document["_id"]),
            {title: simplest(document[f"f{number}"]) for number, title in enumerate(group.figures)},
        )
        for document in documents
    )


def name_of(field: FieldPath) -> str:
    """The field's path in a document of MongoDB."""
    return field.path[0] if field.root == "column" else ".".join((_ROOTS[field.root], *field.path))


def names_to(field: FieldPath) -> list[str]:
    """The paths of the field and of all that stands above it in a document of MongoDB; none of a column."""
    if field.root == "column":
        return []
    return [name_of(FieldPath(field.name, field.root, field.path[:end])) for end in range(len(field.path) + 1)]


def is_named(field: FieldPath) -> bool:
    """Whether MongoDB's paths can follow the field's; what a number in one means differs between its servers."""
    return all(_is_name(segment) and not is_index(segment) for segment in field.path)


def can_be_tree(value: Json, depth: int = 1) -> bool:
    """Whether MongoDB keeps the value as it is, with names that its paths can follow, and within its nesting."""
    if isinstance(value, Mapping):
        return depth < _DEEPEST and all(_is_name(name) and can_be_tree(item, depth + 1) for name, item in value.items())
    if isinstance(value, list):
        return depth < _DEEPEST and all(can_be_tree(item, depth + 1) for item in value)
    return True


def _joined(joiner: str, parts: Sequence[Native], empty: MongoFilter) -> Native:
    if not parts:
        return Native(empty)
    return Native({joiner: [part.matching for part in parts]}, all(part.exact for part in parts))


def _compare(field: FieldPath, operator: str, operand: Json, name: str | None = None) -> Native:
    test = _test(operator, operand)
    return ANY if test is None else Native({name or name_of(field): test})


def _test(operator: str, operand: Json) -> MongoFilter | None:
    """The comparison in MongoDB's words; None where it would mean another."""
    if operator == "$regex":
        literal = starts_with(operand)
        return {"$regex": f"{'^' if literal[1] else ''}{re.escape(literal[0])}"} if literal else None
    if operator == "$type":
        return {"$type": list(operand)}
    if operator == "$mod":
        return {"$mod": list(operand)}
    return {operator: operand} if can_be_tree(operand) and _is_small(operand) else None


def _is_small(value: Json) -> bool:
    """Whether all whole numbers in the value fit MongoDB's."""
    if isinstance(value, Mapping):
        return all(map(_is_small, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_small, value))
    return not isinstance(value, int) or -_LARGEST <= value < _LARGEST


def _element(field: FieldPath, where: Condition) -> Native:
    match where:
        case Every((Compare(FieldPath(_, "element", ()), "$type", _), inner)):
            below = _below(inner)
            return ANY if below is None else Native({name_of(field): {"$elemMatch": below}})
    tests: MongoFilter = {}
    for part in where.parts if isinstance(where, Every) else (where,):
        if not isinstance(part, Compare) or part.operator in tests:
            return ANY
        test = _test(part.operator, part.operand)
        if test is None:
            return ANY
        tests |= test
    return Native({name_of(field): {"$elemMatch": tests}})


def _below(condition: Condition) -> MongoFilter | None:
    """The condition on the paths below an element; None where MongoDB cannot say it exactly."""
    match condition:
        case Every(parts) | Some(parts):
            inner = [_below(part) for part in parts]
            if None in inner:
                return None
            if isinstance(condition, Some):
                return {"$or": inner} if inner else _NEVER
            merged = {name: test for part in inner if part for name, test in part.items()}
            return merged if len(merged) == sum(len(part or ()) for part in inner) else {"$and": inner}
        case Not(part):
            negated = _below(part)
            return None if negated is None else {"$nor": [negated]}
        case Compare(field, operator, operand):
            test = _test(operator, operand) if is_named(field) and field.path else None
            return None if test is None else {".".join(field.path): test}
        case AnyElement():
            return None


def _expression(part: Any) -> Any:
    """A field or a constant as an expression; None where MongoDB has another meaning for it."""
    if isinstance(part, Constant):
        return {"$literal": part.value} if _is_small(part.value) and can_be_tree(part.value) else None
    if not isinstance(part, FieldPath) or not is_named(part):
        return None
    return f"${name_of(part)}"


def _figure(kind: str, operand: Any) -> MongoFilter | None:
    if kind == "$count":
        return {"$sum": 1}
    expression = _expression(operand) if kind in ("$sum", "$avg", "$min", "$max") else None
    return None if expression is None else {kind: expression}


def _is_name(segment: str) -> bool:
    return bool(segment) and segment[0] != "$" and "." not in segment and "\0" not in segment
