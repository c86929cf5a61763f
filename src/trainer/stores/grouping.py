# ruff: noqa: S608  (statements are put together from constants; every value is a parameter)
"""Groups as SQL: what is asked of each document and of each group, and the groups from the rows that come back.

A rank, a number and a text say every value but lists and objects; where a group is named by one of those, or it is the
least or the most of a group, Python must group instead. Sums are exact: a number is cut into whole limbs of 36 bits,
the first of them 36 bits before the point, and databases add whole numbers without loss: of 2^28 documents at least.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from trainer.core.values import Json
from trainer.stores.figures import average, rounded
from trainer.stores.match import View, simplest
from trainer.stores.pipeline import Accumulator, Constant, Group, in_group_order
from trainer.stores.pushdown import Dialect, Piece
from trainer.stores.query import Field

LIMBS = 5
BASE = 2**36
_LIST = 5


class _BeyondSql(Exception):
    """A value that the columns cannot tell."""


def statement(group: Group, where: Piece, dialect: Dialect) -> Piece | None:
    """A row for each group of the documents that `where` holds for; None where SQL cannot say it exactly."""
    fields = fields_of(group)
    if not where.exact or not is_sayable(group) or not all(map(dialect.reaches, fields)):
        return None
    numbers = {field: number for number, field in enumerate(fields)}
    inner = [Piece("TRUE AS found"), *(each for field in fields for each in _told(field, numbers[field], dialect))]
    named = [f"{letter}{numbers[field]}" for field in names_of(group) for letter in "rnt"]
    figures = [each for figure in group.figures.values() for each in _asked(figure, numbers)]
    sql = (
        f"WITH asked AS MATERIALIZED (SELECT {', '.join(piece.sql for piece in inner)} FROM documents "
        f"WHERE current AND NOT deleted AND {where.sql}) SELECT {', '.join([*named, 'count(*)', *figures])} FROM asked"
    )
    parameters = (parameter for piece in (*inner, where) for parameter in piece.parameters)
    return Piece(sql + (f" GROUP BY {', '.join(named)}" if named else ""), tuple(parameters))


def names_of(group: Group) -> list[Field]:
    """The fields that name the groups."""
    parts = group.by.values() if isinstance(group.by, Mapping) else [group.by]
    return [part for part in parts if isinstance(part, Field)]


def fields_of(group: Group) -> list[Field]:
    """All fields that the group asks for, each once."""
    operands = [figure.operand for figure in group.figures.values() if isinstance(figure.operand, Field)]
    return list(dict.fromkeys([*names_of(group), *operands]))


def is_sayable(group: Group) -> bool:
    """Whether columns can tell all figures of the group."""
    return all(map(_is_sayable, group.figures.values()))


def groups_of(group: Group, rows: Iterable[Sequence[Any]]) -> list[View] | None:
    """The groups that the rows tell, in their order, as fields see them; None where Python must group."""
    try:
        return in_group_order([found for row in rows if (found := _group(group, iter(row)))])
    except _BeyondSql:
        return None


def _is_sayable(figure: Accumulator) -> bool:
    if isinstance(figure.operand, Constant):
        is_whole = isinstance(figure.operand.value, int) and not isinstance(figure.operand.value, bool)
        return figure.kind == "$count" or (figure.kind == "$sum" and is_whole)
    return figure.kind in ("$sum", "$avg", "$min", "$max")


def _told(field: Field, number: int, dialect: Dialect) -> Iterator[Piece]:
    """The columns that tell a field's value."""
    rank, value, text = dialect.rank(field), dialect.number(field), dialect.text(field)
    yield Piece(f"{rank.sql} AS r{number}", rank.parameters)
    yield Piece(f"CAST({value.sql} AS DOUBLE PRECISION) AS n{number}", value.parameters)
    yield Piece(f"{text.sql} AS t{number}", text.parameters)


def _asked(figure: Accumulator, numbers: Mapping[Field, int]) -> list[str]:
    if isinstance(figure.operand, Constant):
        return []
    number = numbers[figure.operand]
    if figure.kind == "$min":
        return [f"min(CASE WHEN r{number} > 0 THEN r{number} END)", f"min(n{number})", f"min(t{number})"]
    if figure.kind == "$max":
        return [f"max(r{number})", f"max(n{number})", f"max(t{number})"]
    columns, rest = [f"count(n{number})"], f"(n{number} / {BASE}e0)"
    for _ in range(LIMBS):
        whole = f"CAST({rest} AS BIGINT)"
        columns.append(f"sum({whole})")
        rest = f"(({rest} - {whole}) * {BASE}e0)"
    return [*columns, f"count(CASE WHEN {rest} <> 0 THEN 1 END)"]


def _group(group: Group, row: Iterator[Any]) -> tuple[Json, dict[str, Json]] | None:
    """None for the row that says of no documents at all that there are none."""
    if isinstance(group.by, Mapping):
        name = {title: _part(part, row) for title, part in group.by.items()}
    else:
        name = _part(group.by, row)
    count = int(next(row))
    figures = {title: _figure(figure, count, row) for title, figure in group.figures.items()}
    return (simplest(name), figures) if count else None


def _part(part: Field | Constant, row: Iterator[Any]) -> Json:
    return part.value if isinstance(part, Constant) else _value(next(row), next(row), next(row))


def _value(rank: int | None, number: float | None, text: str | None) -> Json:
    if rank == _LIST:
        raise _BeyondSql
    return (None, False, True, number, text)[rank or 0]


def _figure(figure: Accumulator, count: int, row: Iterator[Any]) -> Json:
    if isinstance(figure.operand, Constant):
        return count if figure.kind == "$count" else simplest(figure.operand.value * count)
    if figure.kind in ("$min", "$max"):
        return simplest(_value(next(row), next(row), next(row)))
    seen = int(next(row))
    total = sum((int(next(row) or 0) * Fraction(BASE) ** (1 - place) for place in range(LIMBS)), Fraction())
    if next(row):
        raise _BeyondSql
    return rounded(total) if figure.kind == "$sum" else average(rounded(total), seen)
