"""Conditions as MongoDB filters, for the documents on which MongoDB means the same as the Python model.

MongoDB searches lists by itself, the model never does: a document is *tame* for a condition when no list stands on the
paths it names, and all others are *wild*, which Python judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from trainer.core.values import Json
from trainer.stores.pushdown import starts_with
from trainer.stores.query import Compare, Condition, Every, Field, Not, Some, fields_of

Filter: TypeAlias = dict[str, Any]

_EXACT = 2**53
_DEEPEST = 60
_NEVER: Filter = {"$nor": [{}]}
_ROOTS = {"data": "data_tree", "metadata": "metadata_tree"}


@dataclass(frozen=True, slots=True)
class Native:
    """A condition in MongoDB's words."""

    matching: Filter
    """What holds for a tame document just when the condition does."""
    tame: Filter
    """Whether a document is tame; empty where all are."""

    def exactly(self) -> Filter:
        """Tame documents that match."""
        return {"$and": [self.tame, self.matching]} if self.tame else self.matching

    def wild(self) -> Filter | None:
        """The documents that Python must judge; None where there can be none."""
        return {"$nor": [self.tame]} if self.tame else None

    def superset(self) -> Filter:
        """What matches and all that MongoDB cannot judge."""
        wild = self.wild()
        return {"$or": [self.exactly(), wild]} if wild else self.matching


def native(condition: Condition) -> Native | None:
    """The condition for MongoDB; None where MongoDB cannot say it."""
    matching = _where(condition)
    if matching is None:
        return None
    return Native(matching, tame_for(fields_of(condition)))


def tame_for(fields: Iterable[Field]) -> Filter:
    """Whether a document has no list on the paths of the fields; empty where all fields are columns."""
    paths = sorted({path for field in fields for path in _prefixes(field)})
    tame = [{"tame": True}, *({path: {"$not": {"$type": "array"}}} for path in paths)] if paths else []
    return {"$and": tame} if tame else {}


def is_named(field: Field) -> bool:
    """Whether MongoDB's paths can follow the field's."""
    return all(map(_is_name, field.path))


def can_be_tree(value: Json, depth: int = 1) -> bool:
    """Whether MongoDB keeps the value as it is, with names that its paths can follow, and within its nesting."""
    if isinstance(value, Mapping):
        return depth < _DEEPEST and all(_is_name(name) and can_be_tree(item, depth + 1) for name, item in value.items())
    if isinstance(value, list):
        return depth < _DEEPEST and all(can_be_tree(item, depth + 1) for item in value)
    return True


def _where(condition: Condition) -> Filter | None:
    match condition:
        case Every(parts):
            return _joined("$and", [_where(part) for part in parts], {})
        case Some(parts):
            return _joined("$or", [_where(part) for part in parts], _NEVER)
        case Not(part):
            return _joined("$nor", [_where(part)], {})
        case Compare(field, operator, operand):
            return _compare(field, operator, operand) if is_named(field) else None


def _joined(joiner: str, parts: list[Filter | None], empty: Filter) -> Filter | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return {joiner: known} if known else empty


def _compare(field: Field, operator: str, operand: Json) -> Filter | None:
    name = name_of(field)
    if operator == "$in":
        return _joined("$or", [_compare(field, "$eq", item) for item in operand], _NEVER)
    if operator == "$exists":
        if field.root == "column":
            return {} if operand else _NEVER
        return {name: {"$exists": operand}}
    if operator == "$regex":
        literal = starts_with(operand)
        return literal and {name: {"$regex": f"{'^' if literal[1] else ''}{re.escape(literal[0])}"}}
    is_plain = operand is None or isinstance(operand, bool | str)
    is_exact = isinstance(operand, int | float) and abs(operand) < _EXACT
    return {name: {operator: operand}} if is_plain or is_exact else None


def _prefixes(field: Field) -> list[str]:
    """The paths on which no list may stand: the field's own and all above it."""
    if field.root == "column":
        return []
    segments = [_ROOTS[field.root], *field.path]
    return [".".join(segments[:end]) for end in range(1, len(segments) + 1)]


def name_of(field: Field) -> str:
    """The field's path in a document of MongoDB."""
    return field.path[0] if field.root == "column" else _prefixes(field)[-1]


def _is_name(segment: str) -> bool:
    return bool(segment) and segment[0] != "$" and "." not in segment and "\0" not in segment
