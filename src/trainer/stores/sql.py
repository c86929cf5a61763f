# ruff: noqa: S608  (statements are put together from constants; every value is a parameter)
"""Conditions, orders and groups as SQL, in the dialect of a backend.

SQL sees a path without lists on it as Python does. A document that has a list there, or a value that SQL compares
otherwise, is left to Python: the columns `lists` and `odd` tell which those are. A piece of SQL is *exact* for all the
others, or lets some through that Python sorts out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from trainer.core.values import Json
from trainer.stores.jsontext import MANY
from trainer.stores.match import BOOLEAN, MISSING, NULL, NUMBER, OBJECT, TEXT, View, plain, simplest
from trainer.stores.pipeline import Accumulator, Constant, GroupStage, group_views
from trainer.stores.query import ORDERING, AnyElement, Compare, Condition, Every, FieldPath, Not, Order, Some
from trainer.stores.rows import list_line

_EXACT = 2**53
_LITERAL = re.compile(r"\^?[\w :,/@%&=~;<>!\"'#-]*", re.ASCII)
_PLAIN_TEXT = re.compile(r'[^"\\\x00-\x1f]*')
_SIGNS = {"$eq": "=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_ROUNDED = {"=": "=", ">": ">=", ">=": ">=", "<": "<=", "<=": "<="}
"""An operand that no double holds is rounded, so that its neighbours may match too."""
_NUMBERS = ("version", "ttl")
RANKS = {"null": NULL, "number": NUMBER, "string": TEXT, "object": OBJECT, "false": BOOLEAN, "true": BOOLEAN + 1}
"""What a dialect tells values apart by, in the order of sorting."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An expression with its parameters, one `?` each."""

    sql: str
    parameters: tuple[Any, ...] = ()
    exact: bool = True


EVERYTHING = Piece("TRUE")
NOTHING = Piece("FALSE")
ANY = Piece("TRUE", exact=False)


class Dialect(Protocol):
    """How a backend says what a field of `data` or `metadata` is, where no list stands on its path.

    Every expression is NULL where the field is something else.
    """

    total: str = "sum({})"
    """The sum of numbers, as exactly as the backend has it."""

    def reaches(self, field: FieldPath) -> bool:
        """Whether the backend can follow the field's path just as Python does."""
        ...

    def number(self, field: FieldPath) -> Piece:
        """The field as a number."""
        ...

    def text(self, field: FieldPath) -> Piece:
        """The field as text, compared by code point."""
        ...

    def rank(self, field: FieldPath) -> Piece:
        """Which of `RANKS` the field is."""
        ...

    def raw(self, field: FieldPath) -> Piece:
        """The field as JSON text, whatever it is, NULL where it is missing."""
        ...

    def group_key(self, field: FieldPath) -> Piece:
        """JSON text, or a number, that is the same for equal values but for objects; NULL where it is missing."""
        ...

    def is_text(self, field: FieldPath, operands: Sequence[str]) -> Piece:
        """Whether the field is one of those texts, in the quickest way the backend has."""
        ...

    def matches(self, field: FieldPath, pattern: str) -> Piece:
        """Whether the text holds the pattern; not exact where the backend cannot tell."""
        ...

    def contains(self, column: str, text: str) -> Piece:
        """Whether a column of text holds the text."""
        ...


def where(condition: Condition, dialect: Dialect, *, guarded: bool = False, negated: bool = False) -> Piece:
    """The condition as SQL; `guarded` lets through all documents that Python must judge, and is never exact then."""
    match condition:
        case Every(parts) | Some(parts):
            joins_all = isinstance(condition, Every) != negated
            pieces = [where(part, dialect, guarded=guarded, negated=negated) for part in parts]
            return joined(" AND " if joins_all else " OR ", pieces, "TRUE" if joins_all else "FALSE")
        case Not(part):
            return where(part, dialect, guarded=guarded, negated=not negated)
        case Compare(field, operator, operand):
            piece = _compare(field, operator, operand, dialect)
        case AnyElement(field):
            piece = NOTHING
    if negated:
        piece = Piece(f"NOT coalesce({piece.sql}, FALSE)", piece.parameters) if piece.exact else ANY
    if not guarded or field.root == "column" or piece.sql == "TRUE":
        return piece
    beyond = beyond_sql([field], dialect)
    if isinstance(condition, Compare) and condition.operator == "$eq" and not negated:
        beyond = _narrowed(beyond, field, condition.operand, dialect)
    return Piece(f"({piece.sql} OR {beyond.sql})", piece.parameters + beyond.parameters, exact=False)


def beyond_sql(fields: Iterable[FieldPath], dialect: Dialect) -> Piece:
    """Whether Python must judge a document that is asked for those fields; columns are SQL's."""
    lines = {
        list_line(field.root, field.path[:end]): None
        for field in fields
        if field.root != "column"
        for end in range(len(field.path) + 1)
    }
    if not lines:
        return NOTHING
    pieces = [dialect.contains("lists", line) for line in lines]
    some = joined(" OR ", [Piece("odd"), Piece("lists IS NULL"), Piece(f"lists = '{MANY}'"), *pieces], "FALSE")
    return Piece(f"(coalesce(lists, '*') <> '' OR odd) AND {some.sql}", some.parameters)


def order_by(order: Order, dialect: Dialect) -> Piece:
    """The list of expressions to order by, key last; not exact where a field cannot be reached.

    Objects are equals here: who finds one among the answers sorts them in Python.
    """
    pieces: list[Piece] = []
    for field, descending in order:
        way = " DESC" if descending else ""
        if field.root == "column":
            nulls = " NULLS LAST" if descending else " NULLS FIRST"
            pieces.append(Piece(f"{field.path[0]}{way}{nulls}"))
        elif dialect.reaches(field):
            parts = (dialect.rank(field), dialect.number(field), dialect.text(field))
            pieces += [Piece(part.sql + way, part.parameters) for part in parts]
        else:
            return ANY
    pieces.append(Piece("key"))
    return Piece(", ".join(piece.sql for piece in pieces), tuple(_flat(pieces)))


def group_by(group: GroupStage, condition: Piece, dialect: Dialect) -> Piece | None:
    """A row for each group: its names, the number of its documents, then what each figure is made of.

    None where SQL cannot tell it.
    """
    names, operands = _names(group), fields_of_group(group)
    if names is None or not condition.exact or not all(map(_is_sayable, group.figures.values())):
        return None
    if not all(field.root == "column" or dialect.reaches(field) for field in operands):
        return None
    keys = [
        Piece(field.path[0]) if field.root == "column" else _key(group, dialect.group_key(field))
        for field in names
        if field
    ]
    columns = [Piece(f"{key.sql} AS k{index}", key.parameters) for index, key in enumerate(keys)]
    for number, field in enumerate(_operands(group)):
        columns += _columns(field, number, group, dialect)
    # materialized, so that each value is taken out of its document once, however often a figure names it
    figures = [sql for figure in group.figures.values() for sql in _figures(figure, _operands(group), dialect)]
    by = [f"k{index}" for index in range(len(keys))]
    sql = (
        f"WITH part AS MATERIALIZED (SELECT {', '.join(piece.sql for piece in [*columns, Piece('TRUE AS document')])} "
        f"FROM documents WHERE current AND NOT deleted AND {condition.sql}) "
        f"SELECT {', '.join([*by, 'count(*)', *figures])} FROM part" + (f" GROUP BY {', '.join(by)}" if by else "")
    )
    return Piece(sql, tuple(_flat([*columns, condition])))


def groups_of(group: GroupStage, rows: Iterable[Sequence[Any]]) -> list[View] | None:
    """The groups that the rows tell; None where one of them is named by an object, or is one."""
    groups: list[tuple[Json, Mapping[str, Json]]] = []
    for row in rows:
        values = iter(row)
        names = [part.value if field is None else _name(field, next(values)) for part, field in _parts(group)]
        count = next(values)
        if not count or (group.is_distinct and names == [MISSING]):
            continue
        figures = {title: _figure(figure, count, values) for title, figure in group.figures.items()}
        fields = (name for (_, field), name in zip(_parts(group), names, strict=True) if field)
        if MISSING in figures.values() or any(isinstance(name, dict) for name in fields):
            return None
        groups.append((_identity(group, names), figures))
    return group_views(groups)


def fields_of_group(group: GroupStage) -> list[FieldPath]:
    """All fields that the group asks for."""
    return [*(field for field in _names(group) or () if field), *_operands(group)]


def starts_with(pattern: str) -> tuple[str, bool] | None:
    """The literal text of a pattern without magic, and whether the text must start with it; None for other patterns."""
    if not _LITERAL.fullmatch(pattern):
        return None
    return pattern.removeprefix("^"), pattern.startswith("^")


def one_of(value: Piece, operands: Sequence[str]) -> Piece:
    """Whether the value is one of the texts."""
    return Piece(f"{value.sql} IN ({', '.join('?' * len(operands))})", (*value.parameters, *operands))


def is_plain(text: str) -> bool:
    """Whether JSON has one spelling only for the text."""
    return _PLAIN_TEXT.fullmatch(text) is not None


def joined(joiner: str, pieces: Sequence[Piece], empty: str) -> Piece:
    """The pieces with an operator between them; `empty` where there are none."""
    if not pieces:
        return Piece(empty)
    sql = joiner.join(piece.sql for piece in pieces)
    return Piece(f"({sql})", tuple(_flat(pieces)), all(piece.exact for piece in pieces))


def _flat(pieces: Iterable[Piece]) -> Iterator[Any]:
    return (parameter for piece in pieces for parameter in piece.parameters)


def _narrowed(beyond: Piece, field: FieldPath, operand: Json, dialect: Dialect) -> Piece:
    """Of what Python must judge, that which has the text anywhere: seldom more than a few documents."""
    if not isinstance(operand, str) or not is_plain(operand):
        return Piece(f"({beyond.sql})", beyond.parameters)
    anywhere = dialect.contains(field.root, f'"{operand}"')
    return Piece(f"({beyond.sql} AND {anywhere.sql})", beyond.parameters + anywhere.parameters)


def _compare(field: FieldPath, operator: str, operand: Json, dialect: Dialect) -> Piece:
    if field.root == "column":
        return _compare_column(field, operator, operand)
    if not dialect.reaches(field):
        return ANY
    if operator == "$in":
        texts = [item for item in operand if isinstance(item, str) and "\0" not in item]
        pieces = [_compare(field, "$eq", item, dialect) for item in operand if item not in texts]
        return joined(" OR ", [*pieces, *([dialect.is_text(field, texts)] if texts else [])], "FALSE")
    if operator == "$exists":
        raw = dialect.raw(field)
        return Piece(f"({raw.sql} IS {'NOT NULL' if operand else 'NULL'})", raw.parameters)
    if operator == "$regex":
        return dialect.matches(field, operand)
    if operator == "$size":
        return NOTHING
    if isinstance(operand, str) and operator in _SIGNS:
        return _compare_text(field, operator, operand, dialect)
    if isinstance(operand, int | float) and not isinstance(operand, bool) and operator in _SIGNS:
        return _compare_number(dialect.number(field), _SIGNS[operator], operand)
    if operator != "$eq":
        return ANY
    if isinstance(operand, list):
        return NOTHING
    rank = dialect.rank(field)
    name = "object" if isinstance(operand, Mapping) else {None: "null", False: "false", True: "true"}[operand]
    return Piece(f"({rank.sql}) = {RANKS[name]}", rank.parameters, exact=name != "object")


def _compare_column(field: FieldPath, operator: str, operand: Json) -> Piece:
    """A column is a number or a text, in every document, and NULL where it has none."""
    name, holds_numbers = field.path[0], field.path[0] in _NUMBERS
    if operator == "$exists":
        return EVERYTHING if operand else NOTHING
    if operator == "$in":
        return joined(" OR ", [_compare_column(field, "$eq", item) for item in operand], "FALSE")
    if operator == "$regex":
        literal = None if holds_numbers else starts_with(operand)
        if literal and literal[1] and literal[0]:
            # every text with the prefix stands between it and it with the last code point after it
            return Piece(f"({name} >= ? AND {name} <= ?)", (literal[0], literal[0] + "\U0010ffff"), exact=False)
        return NOTHING if holds_numbers else ANY
    if operand is None and operator in ("$eq", "$gte", "$lte"):
        return Piece(f"{name} IS NULL")
    if operator not in _SIGNS or isinstance(operand, bool) or not isinstance(operand, str | int | float):
        return ANY if operator in ("$type", "$mod") or (operator in ORDERING) else NOTHING
    if isinstance(operand, str) == holds_numbers:
        return NOTHING
    if not isinstance(operand, str):
        return _compare_number(Piece(name), _SIGNS[operator], operand)
    return ANY if "\0" in operand else Piece(f"{name} {_SIGNS[operator]} ?", (operand,))


def _compare_number(value: Piece, sign: str, operand: float) -> Piece:
    if abs(operand) < _EXACT:
        return Piece(f"{value.sql} {sign} ?", (*value.parameters, operand))
    if isinstance(operand, int) and operand.bit_length() > 1023:
        return Piece(f"{value.sql} IS NOT NULL", value.parameters, exact=False)
    return Piece(f"{value.sql} {_ROUNDED[sign]} ?", (*value.parameters, float(operand)), exact=False)


def _compare_text(field: FieldPath, operator: str, operand: str, dialect: Dialect) -> Piece:
    if "\0" in operand:
        return ANY
    if operator == "$eq":
        return dialect.is_text(field, [operand])
    value = dialect.text(field)
    return Piece(f"{value.sql} {_SIGNS[operator]} ?", (*value.parameters, operand))


def _parts(group: GroupStage) -> list[tuple[Any, FieldPath | None]]:
    """What names the groups, each with its field; None for a constant."""
    parts = list(group.by.values()) if isinstance(group.by, Mapping) else [group.by]
    return [(part, part if isinstance(part, FieldPath) else None) for part in parts]


def _names(group: GroupStage) -> list[FieldPath | None] | None:
    """The fields of `_parts`; None where one is an object of several."""
    parts = _parts(group)
    return None if any(isinstance(part, Mapping) for part, _ in parts) else [field for _, field in parts]


def _key(group: GroupStage, key: Piece) -> Piece:
    """What names a group; missing and null are one group, but parts of a name for themselves, and so for `distinct`."""
    is_one = not isinstance(group.by, Mapping) and not group.is_distinct
    return Piece(f"nullif({key.sql}, 'null')", key.parameters) if is_one else key


def _operands(group: GroupStage) -> list[FieldPath]:
    """The fields that the figures are made of, each once."""
    return list(dict.fromkeys(f.operand for f in group.figures.values() if isinstance(f.operand, FieldPath)))


def _is_sayable(figure: Accumulator) -> bool:
    if isinstance(figure.operand, Constant):
        is_number = isinstance(figure.operand.value, int | float) and not isinstance(figure.operand.value, bool)
        return figure.kind == "$count" or (figure.kind == "$sum" and is_number)
    return isinstance(figure.operand, FieldPath) and figure.kind in ("$sum", "$avg", "$min", "$max")


def _columns(field: FieldPath, number: int, group: GroupStage, dialect: Dialect) -> Iterator[Piece]:
    """The columns that tell a field's value: of what is only summed the number alone."""
    is_column, holds_numbers = field.root == "column", field.path[:1] in (("version",), ("ttl",))
    value = dialect.number(field) if not is_column else Piece(field.path[0] if holds_numbers else "NULL")
    yield Piece(f"CAST({value.sql} AS DOUBLE PRECISION) AS n{number}", value.parameters)
    if any(figure.operand == field and figure.kind in ("$min", "$max") for figure in group.figures.values()):
        if is_column:
            name, rank = field.path[0], NUMBER if holds_numbers else TEXT
            yield Piece(f"CASE WHEN {name} IS NULL THEN 0 ELSE {rank} END AS r{number}")
            yield Piece(f"{'CAST(NULL AS VARCHAR)' if holds_numbers else name} AS t{number}")
        else:
            rank_of, text = dialect.rank(field), dialect.text(field)
            yield Piece(f"{rank_of.sql} AS r{number}", rank_of.parameters)
            yield Piece(f"{text.sql} AS t{number}", text.parameters)


def _figures(figure: Accumulator, operands: Sequence[FieldPath], dialect: Dialect) -> list[str]:
    if not isinstance(figure.operand, FieldPath):
        return []
    number = operands.index(figure.operand)
    if figure.kind == "$min":
        return [f"min(CASE WHEN r{number} > 0 THEN r{number} END)", f"min(n{number})", f"min(t{number})"]
    if figure.kind == "$max":
        return [f"max(r{number})", f"max(n{number})", f"max(t{number})"]
    return [f"count(n{number})", dialect.total.format(f"n{number}")]


def _figure(figure: Accumulator, count: int, row: Iterator[Any]) -> Json:
    """The figure from its columns, MISSING where it is an object, which only Python can tell."""
    if isinstance(figure.operand, Constant):
        return count if figure.kind == "$count" else simplest(figure.operand.value * count)
    if figure.kind in ("$min", "$max"):
        rank, number, text = next(row), next(row), next(row)
        if rank == NUMBER:
            return simplest(float(number))
        return {None: None, NULL: None, TEXT: text, RANKS["false"]: False, RANKS["true"]: True}.get(rank, MISSING)
    numbers, total = int(next(row)), next(row)
    if figure.kind == "$sum":
        return simplest(float(total)) if numbers else 0
    return simplest(float(total) / numbers) if numbers else None


def _name(field: FieldPath, value: Any) -> Json:
    if field.root == "column":
        return value
    if value is None:
        return MISSING
    return simplest(msgspec.json.decode(value) if isinstance(value, str | bytes) else value)


def _identity(group: GroupStage, names: Sequence[Json]) -> Json:
    if not isinstance(group.by, Mapping):
        return simplest(plain(names[0]))
    named = zip(group.by, names, strict=True)
    return {title: simplest(name) for title, name in named if name is not MISSING}
