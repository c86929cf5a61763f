"""Conditions and orders as SQL, in the dialect of a backend.

A piece of SQL is *exact*, true for just the documents that match, or it lets some others through that Python sorts out.
Documents marked `odd` hold values that SQL may compare otherwise than Python; exactness is meant for all the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trainer.core.values import Json
from trainer.stores.query import MOMENTS, Compare, Condition, Every, Field, Not, Order, Some

_EXACT = 2**53
_LITERAL = re.compile(r"\^?[\w :,/@%&=~;<>!\"'#-]*", re.ASCII)
_COMPARISONS = {"$eq": "=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_ROUNDED = {"=": "=", ">": ">=", ">=": ">=", "<": "<=", "<=": "<="}


@dataclass(frozen=True, slots=True)
class Piece:
    """An expression with its parameters, one `?` each."""

    sql: str
    parameters: tuple[Any, ...] = ()
    exact: bool = True


EVERYTHING = Piece("TRUE")
ANY = Piece("TRUE", exact=False)


class Dialect(Protocol):
    """How a backend says what a field of a document is; every expression is NULL where the field is something else."""

    def reaches(self, field: Field) -> bool:
        """Whether the backend can follow the field's path just as Python does."""
        ...

    def number(self, field: Field) -> Piece:
        """The field as a number."""
        ...

    def text(self, field: Field) -> Piece:
        """The field as text, compared by code point."""
        ...

    def rank(self, field: Field) -> Piece:
        """0 for null and missing, 1 for false, 2 for true, 3 for a number, 4 for a text, 5 for a list or an object."""
        ...

    def raw(self, field: Field) -> Piece:
        """The field as JSON text, whatever it is, NULL where it is missing; a column as it is."""
        ...

    def is_text(self, field: Field, operands: Sequence[str]) -> Piece:
        """Whether the field is one of those texts, in the quickest way the backend has."""
        ...

    def matches(self, field: Field, pattern: str) -> Piece:
        """Whether the text holds the pattern; not exact where the backend cannot tell."""
        ...


def where(condition: Condition, dialect: Dialect) -> Piece:
    """The condition as SQL."""
    match condition:
        case Every(parts):
            return _joined(" AND ", [where(part, dialect) for part in parts], "TRUE")
        case Some(parts):
            return _joined(" OR ", [where(part, dialect) for part in parts], "FALSE")
        case Not(part):
            inner = where(part, dialect)
            return Piece(f"NOT coalesce({inner.sql}, FALSE)", inner.parameters) if inner.exact else ANY
        case Compare(field, operator, operand):
            return _compare(field, operator, operand, dialect) if dialect.reaches(field) else ANY


def order_by(order: Order, dialect: Dialect) -> Piece:
    """The list of expressions to order by, key last; not exact where a field cannot be reached."""
    parts: list[Piece] = []
    for field, descending in order:
        if not dialect.reaches(field):
            return ANY
        way = " DESC" if descending else ""
        if field.root == "column":
            nulls = " NULLS LAST" if descending else " NULLS FIRST"
            found = dialect.number(field) if _is_number(field) else dialect.text(field)
            parts.append(Piece(found.sql + way + nulls, found.parameters))
        else:
            found_all = (dialect.rank(field), dialect.number(field), dialect.text(field))
            parts += [Piece(found.sql + way, found.parameters) for found in found_all]
    key = dialect.text(Field("key", "column", ("key",)))
    return Piece(
        ", ".join([*(part.sql for part in parts), key.sql]), tuple(value for part in parts for value in part.parameters)
    )


def starts_with(pattern: str) -> tuple[str, bool] | None:
    """The literal text of a pattern without magic, and whether the text must start with it; None for other patterns."""
    if not _LITERAL.fullmatch(pattern):
        return None
    return pattern.removeprefix("^"), pattern.startswith("^")


def one_of(value: Piece, operands: Sequence[str]) -> Piece:
    """Whether the value is one of the texts."""
    return Piece(f"{value.sql} IN ({', '.join('?' * len(operands))})", (*value.parameters, *operands))


def column_number(field: Field) -> str:
    """A column as a number, NULL for a column of text."""
    return field.path[0] if _is_number(field) else "NULL"


def column_text(field: Field) -> str:
    """A column as text, NULL for a column of numbers."""
    return "NULL" if _is_number(field) else field.path[0]


def column_rank(field: Field) -> str:
    """The rank of a column's value."""
    kind = 3 if _is_number(field) else 4
    nullable = field.path[0] in MOMENTS | {"ttl"}
    return f"CASE WHEN {field.path[0]} IS NULL THEN 0 ELSE {kind} END" if nullable else str(kind)


def _compare(field: Field, operator: str, operand: Json, dialect: Dialect) -> Piece:
    if operator == "$in":
        texts = [item for item in operand if isinstance(item, str) and "\0" not in item]
        parts = [_compare(field, "$eq", item, dialect) for item in operand if item not in texts]
        return _joined(" OR ", [*parts, *([dialect.is_text(field, texts)] if texts else [])], "FALSE")
    if operator == "$exists":
        if field.root == "column":
            return Piece("TRUE" if operand else "FALSE")
        raw = dialect.raw(field)
        return Piece(f"({raw.sql} IS {'NOT NULL' if operand else 'NULL'})", raw.parameters)
    if operator == "$regex":
        return dialect.matches(field, operand)
    if operand is None:
        return _ranked(field, 0, dialect)
    if isinstance(operand, bool):
        return _ranked(field, 2 if operand else 1, dialect)
    if isinstance(operand, int | float):
        return _number(field, _COMPARISONS[operator], operand, dialect)
    if isinstance(operand, str):
        return _text(field, operator, operand, dialect)
    found = _ranked(field, 5, dialect)
    return Piece(found.sql, found.parameters, exact=False)


def _number(field: Field, sign: str, operand: float, dialect: Dialect) -> Piece:
    value = dialect.number(field)
    if abs(operand) < _EXACT:
        return Piece(f"{value.sql} {sign} ?", (*value.parameters, operand))
    if isinstance(operand, int) and operand.bit_length() > 1023:
        return Piece(f"{value.sql} IS NOT NULL", value.parameters, exact=False)
    return Piece(f"{value.sql} {_ROUNDED[sign]} ?", (*value.parameters, float(operand)), exact=False)


def _text(field: Field, operator: str, operand: str, dialect: Dialect) -> Piece:
    if "\0" in operand:
        return ANY
    if operator == "$eq":
        return dialect.is_text(field, [operand])
    value = dialect.text(field)
    return Piece(f"{value.sql} {_COMPARISONS[operator]} ?", (*value.parameters, operand))


def _ranked(field: Field, rank: int, dialect: Dialect) -> Piece:
    found = dialect.rank(field)
    return Piece(f"({found.sql}) = {rank}", found.parameters)


def _joined(joiner: str, parts: Sequence[Piece], empty: str) -> Piece:
    if not parts:
        return Piece(empty)
    sql = joiner.join(part.sql for part in parts)
    return Piece(f"({sql})", tuple(_flat(parts)), all(part.exact for part in parts))


def _flat(parts: Iterable[Piece]) -> Iterable[Any]:
    return (parameter for part in parts for parameter in part.parameters)


def _is_number(field: Field) -> bool:
    return field.path[0] in ("version", "ttl")
