# ruff: noqa: S608  (statements are put together from constants; every value is a parameter)
"""Groups as SQL: what is asked of each document and of each group, and the groups from the rows that come back.

A group is named by JSON texts, and groups whose names are equal are put together here, such as 1 and 1.0. The least and
the most are told by a rank, a number and a text; of lists and objects Python must tell instead. Sums are exact: a
number is cut into whole limbs of 36 bits, the first of them 36 bits before the point, and databases add whole numbers
without loss: of 2^28 documents at least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from operator import add
from typing import Any

import msgspec

from trainer.core.values import Json
from trainer.stores.figures import average, rounded
from trainer.stores.match import View, identity, simplest
from trainer.stores.pipeline import Accumulator, Constant, Group, in_group_order
from trainer.stores.pushdown import Dialect, Piece
from trainer.stores.query import Field

LIMBS = 5
BASE = 2**36
_LIST = 5


class _BeyondSql(Exception):
    """A value that the columns cannot tell."""


def statement(group: Group, where: Piece, dialect: Dialect) -> Piece | None:
    """Rows for the groups of the documents that `where` holds for; None where SQL cannot say them exactly.

    A row has the names as JSON text, columns as they are, then the number of documents, then what tells each figure.
    """
    if not where.exact or not is_sayable(group) or not all(map(dialect.reaches, fields_of(group))):
        return None
    names = [
        Piece(f"{raw.sql} AS k{index}", raw.parameters) for index, raw in enumerate(map(dialect.raw, names_of(group)))
    ]
    told = [each for number, field in enumerate(operands_of(group)) for each in _told(field, number, group, dialect)]
    inner = [*names, *told, Piece("TRUE AS found")]
    keys = [f"k{index}" for index in range(len(names))]
    figures = [each for figure in group.figures.values() for each in _asked(figure, operands_of(group))]
    sql = (
        f"WITH asked AS MATERIALIZED (SELECT {', '.join(piece.sql for piece in inner)} FROM documents "
        f"WHERE current AND NOT deleted AND {where.sql}) SELECT {', '.join([*keys, 'count(*)', *figures])} FROM asked"
    )
    parameters = (parameter for piece in (*inner, where) for parameter in piece.parameters)
    return Piece(sql + (f" GROUP BY {', '.join(keys)}" if keys else ""), tuple(parameters))


def parts_of(group: Group, row: Sequence[Any]) -> Sequence[Any]:
    """A row of SQL with the names as values."""
    names = names_of(group)
    values = [
        found if found is None or field.root == "column" else msgspec.json.decode(found)
        for field, found in zip(names, row, strict=False)
    ]
    return [*values, *row[len(names) :]]


def names_of(group: Group) -> list[Field]:
    """The fields that name the groups."""
    parts = group.by.values() if isinstance(group.by, Mapping) else [group.by]
    return [part for part in parts if isinstance(part, Field)]


def operands_of(group: Group) -> list[Field]:
    """The fields that its figures are made of, each once."""
    operands = [figure.operand for figure in group.figures.values() if isinstance(figure.operand, Field)]
    return list(dict.fromkeys(operands))


def fields_of(group: Group) -> list[Field]:
    """All fields that the group asks for."""
    return [*names_of(group), *operands_of(group)]


def is_sayable(group: Group) -> bool:
    """Whether columns can tell all figures of the group."""
    return all(map(_is_sayable, group.figures.values()))


def groups_of(group: Group, rows: Iterable[Sequence[Any]]) -> list[View] | None:
    """The groups that the rows tell, in their order, as fields see them; None where Python must tell them."""
    found: dict[Json, tuple[Json, list[Any]]] = {}
    joins = [add, *(each for figure in group.figures.values() for each in _joins(figure))]
    for row in rows:
        values = iter(row)
        name = _name(group, values)
        columns = [_whole(value) if join is add else value for join, value in zip(joins, values, strict=True)]
        known = found.setdefault(identity(name), (simplest(name), columns))[1]
        if known is not columns:
            known[:] = map(_joined, joins, known, columns)
    try:
        return in_group_order((name, _figures(group, iter(columns))) for name, columns in found.values() if columns[0])
    except _BeyondSql:
        return None


def _is_sayable(figure: Accumulator) -> bool:
    if isinstance(figure.operand, Constant):
        is_whole = isinstance(figure.operand.value, int) and not isinstance(figure.operand.value, bool)
        return figure.kind == "$count" or (figure.kind == "$sum" and is_whole)
    return figure.kind in ("$sum", "$avg", "$min", "$max")


def _told(field: Field, number: int, group: Group, dialect: Dialect) -> Iterator[Piece]:
    """The columns that tell a field's value: of what is only summed the number alone."""
    value = dialect.number(field)
    yield Piece(f"CAST({value.sql} AS DOUBLE PRECISION) AS n{number}", value.parameters)
    if field in [figure.operand for figure in group.figures.values() if figure.kind in ("$min", "$max")]:
        rank, text = dialect.rank(field), dialect.text(field)
        yield Piece(f"{rank.sql} AS r{number}", rank.parameters)
        yield Piece(f"{text.sql} AS t{number}", text.parameters)


def _asked(figure: Accumulator, operands: Sequence[Field]) -> list[str]:
    if isinstance(figure.operand, Constant):
        return []
    number = operands.index(figure.operand)
    if figure.kind == "$min":
        return [f"min(CASE WHEN r{number} > 0 THEN r{number} END)", f"min(n{number})", f"min(t{number})"]
    if figure.kind == "$max":
        return [f"max(r{number})", f"max(n{number})", f"max(t{number})"]
    # Dividing the smallest numbers underflows: an error in PostgreSQL, nothing elsewhere.
    whole = f"CAST(CASE WHEN abs(n{number}) < 1 THEN 0 ELSE n{number} / {BASE}e0 END AS BIGINT)"
    columns, rest = [f"count(n{number})", f"sum({whole})"], f"(n{number} - {whole} * {BASE}e0)"
    for _ in range(LIMBS - 1):
        whole = f"CAST({rest} AS BIGINT)"
        columns.append(f"sum({whole})")
        rest = f"(({rest} - {whole}) * {BASE}e0)"
    return [*columns, f"count(CASE WHEN {rest} <> 0 THEN 1 END)"]


def _joins(figure: Accumulator) -> list[Callable[[Any, Any], Any]]:
    """How what tells a figure of one group is put together with that of another."""
    if isinstance(figure.operand, Constant):
        return []
    if figure.kind in ("$min", "$max"):
        return [min if figure.kind == "$min" else max] * 3
    return [add] * (LIMBS + 2)


def _whole(value: Any) -> int:
    return int(value or 0)


def _joined(join: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    return join(one, other) if one is not None and other is not None else other if one is None else one


def _name(group: Group, row: Iterator[Any]) -> Json:
    if isinstance(group.by, Mapping):
        return {title: _part(part, row) for title, part in group.by.items()}
    return _part(group.by, row)


def _part(part: Field | Constant, row: Iterator[Any]) -> Json:
    return part.value if isinstance(part, Constant) else next(row)


def _figures(group: Group, columns: Iterator[Any]) -> dict[str, Json]:
    count = next(columns)
    return {title: _figure(figure, count, columns) for title, figure in group.figures.items()}


def _value(rank: int | None, number: float | None, text: str | None) -> Json:
    if rank == _LIST:
        raise _BeyondSql
    return (None, False, True, number, text)[rank or 0]


def _figure(figure: Accumulator, count: int, row: Iterator[Any]) -> Json:
    if isinstance(figure.operand, Constant):
        return count if figure.kind == "$count" else simplest(figure.operand.value * count)
    if figure.kind in ("$min", "$max"):
        return simplest(_value(next(row), next(row), next(row)))
    seen = next(row)
    total = sum((next(row) * Fraction(BASE) ** (1 - place) for place in range(LIMBS)), Fraction())
    if next(row):
        raise _BeyondSql
    return rounded(total) if figure.kind == "$sum" else average(rounded(total), seen)
