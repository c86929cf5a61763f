"""Aggregation: stages over documents, parsed and checked first, then run in plain Python.

    [{"$match": {"source": "yahoo_finance"}}, {"$group": {"_id": "$sector", "cap": {"$sum": "$marketCap"}}}]

Stages are `$match $group $sort $limit $skip $project $unwind`; `$group` knows
`$sum $avg $min $max $count $first $last $push`. A text that starts with `$` is a field, anything else is itself.

- Before the first `$group` or `$project` fields are those of filters; after it, the names which that stage gave.
- `$sum` and `$avg` take the numbers and pass the rest over; the sum of numbers is exact before it is rounded once.
- `$min` and `$max` follow the order of sorting and pass null over; `$push` passes missing over.
- A number that stands for several equal ones, or for a sum, has one spelling: 3, not 3.0.
- Documents come by key, groups by their `_id`; `$first` and `$last` are meant after a `$sort`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import TypeAlias

from trainer.core.digest import canonical
from trainer.core.errors import UsageError, unknown
from trainer.core.values import Json, StoredData
from trainer.stores.figures import FIGURES, Figure
from trainer.stores.jsontext import encode
from trainer.stores.match import MISSING, View, holds, identity, plain, simplest, sort_key, value_at, view_of
from trainer.stores.query import Condition, Every, Field, Order, Query, natural, parse_field, parse_filter, parse_order

Stage: TypeAlias = "Match | Group | Sort | Skip | Limit | Project | Unwind"


@dataclass(frozen=True, slots=True)
class Constant:
    """An expression that is itself."""

    value: Json


Expression: TypeAlias = "Field | Constant | Mapping[str, Field | Constant]"


@dataclass(frozen=True, slots=True)
class Match:
    """Keeps what the condition holds for."""

    where: Condition


@dataclass(frozen=True, slots=True)
class Accumulator:
    """One figure of a group."""

    kind: str
    operand: Field | Constant


@dataclass(frozen=True, slots=True)
class Group:
    """One document for each different `_id`."""

    by: Expression
    figures: Mapping[str, Accumulator]
    """By the names they are given."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Sorts, and leaves equals in their order."""

    order: Order


@dataclass(frozen=True, slots=True)
class Skip:
    """Leaves out the first."""

    count: int


@dataclass(frozen=True, slots=True)
class Limit:
    """Keeps the first."""

    count: int


@dataclass(frozen=True, slots=True)
class Project:
    """Makes each document of the named expressions; what is missing is left out."""

    names: Mapping[str, Field | Constant]


@dataclass(frozen=True, slots=True)
class Unwind:
    """One document for each item of a list; none for an empty list, null or missing."""

    field: Field


def parse_pipeline(pipeline: Sequence[Mapping[str, Json]]) -> tuple[Stage, ...]:
    """The checked stages; raises UsageError for anything the language does not know."""
    if not isinstance(pipeline, list | tuple):
        raise UsageError("a pipeline must be a list of stages", hint='such as [{"$match": {"source": "file"}}]')
    stages: list[Stage] = []
    shaped = False
    for stage in pipeline:
        if not isinstance(stage, Mapping) or len(stage) != 1:
            raise UsageError(f"a stage must have one name, unlike {stage!r}", hint='such as {"$limit": 5}')
        ((name, argument),) = stage.items()
        if name not in _PARSERS:
            message, hint = unknown("stage", str(name), _PARSERS)
            raise UsageError(message, hint=hint)
        stages.append(_PARSERS[name](argument, shaped))
        shaped = shaped or name in ("$group", "$project")
    return tuple(stages)


def run_pipeline(stages: Sequence[Stage], scan: Callable[[Condition], Iterable[StoredData]]) -> list[dict[str, Json]]:
    """What the stages make of the documents that `scan` gives, by key, for the first `$match`."""
    where, rest = leading_match(stages)
    return rows_of(stages, run_stages(rest, map(view_of, scan(where))))


def leading_match(stages: Sequence[Stage]) -> tuple[Condition, Sequence[Stage]]:
    """The condition of the first `$match` stages, and the stages after them."""
    parts = [
        stage.where for stage in takewhile(lambda stage: isinstance(stage, Match), stages) if isinstance(stage, Match)
    ]
    return parts[0] if len(parts) == 1 else Every(tuple(parts)), stages[len(parts) :]


def leading_query(stages: Sequence[Stage]) -> tuple[Query, Sequence[Stage]]:
    """The first `$match`, `$sort`, `$skip` and `$limit` stages as one query, and the stages after them."""
    where, rest = leading_match(stages)
    query = Query(where)
    if rest and isinstance(rest[0], Sort):
        query, rest = replace(query, order=rest[0].order), rest[1:]
    while rest and isinstance(rest[0], Skip | Limit):
        query, rest = _narrowed(query, rest[0]), rest[1:]
    return query, rest


def run_stages(stages: Sequence[Stage], views: Iterable[View]) -> Iterable[View]:
    """What the stages make of documents as fields see them."""
    for stage in stages:
        views = _run(stage, views)
    return views


def rows_of(stages: Sequence[Stage], views: Iterable[View]) -> list[dict[str, Json]]:
    """What callers get when these were all the stages: their own names alone after `$group` or `$project`."""
    shaped = any(isinstance(stage, Group | Project) for stage in stages)
    return [dict(view["data"]) if shaped else dict(view) for view in views]


def _narrowed(query: Query, stage: Skip | Limit) -> Query:
    if isinstance(stage, Limit):
        return replace(query, limit=stage.count if query.limit is None else min(query.limit, stage.count))
    limit = None if query.limit is None else max(0, query.limit - stage.count)
    return replace(query, offset=query.offset + stage.count, limit=limit)


def _run(stage: Stage, views: Iterable[View]) -> Iterable[View]:
    match stage:
        case Match(where):
            return (view for view in views if holds(where, view))
        case Group():
            return _group(stage, views)
        case Sort(order):
            return _sorted(order, views)
        case Skip(count):
            return islice(views, count, None)
        case Limit(count):
            return islice(views, count)
        case Project(names):
            return ({"data": _projected(names, view)} for view in views)
        case Unwind(field):
            return (part for view in views for part in _unwound(field, view))


def _group(stage: Group, views: Iterable[View]) -> list[View]:
    groups: dict[Json, tuple[Json, dict[str, Figure]]] = {}
    for view in views:
        name = _value(stage.by, view)
        entry = groups.get(key := identity(name))
        if entry is None:
            figures = {title: FIGURES[figure.kind]() for title, figure in stage.figures.items()}
            entry = groups[key] = (simplest(name), figures)
        for title, figure in stage.figures.items():
            entry[1][title].add(_value(figure.operand, view))
    return in_group_order(
        (name, {title: figure.result() for title, figure in made.items()}) for name, made in groups.values()
    )


def in_group_order(groups: Iterable[tuple[Json, Mapping[str, Json]]]) -> list[View]:
    """Groups, each with its `_id` and its figures, in their order, as fields see them."""
    ordered = sorted(groups, key=lambda group: _group_order(group[0]))
    return [{"data": {"_id": name, **figures}} for name, figures in ordered]


def _group_order(name: Json) -> Json:
    """The order of groups by their `_id`; one of several parts is ordered by the parts."""
    parts = list(name.values()) if isinstance(name, Mapping) else [name]
    return [(*sort_key(part), canonical(part)) for part in parts]


def _value(expression: Expression, view: View) -> Json:
    if isinstance(expression, Field):
        return value_at(view, expression)
    if isinstance(expression, Constant):
        return expression.value
    return {name: plain(_value(part, view)) for name, part in expression.items()}


def _sorted(order: Order, views: Iterable[View]) -> list[View]:
    ordered = list(views)
    for field, descending in reversed(order):
        ordered.sort(key=lambda view, by=field: sort_key(value_at(view, by)), reverse=descending)  # type: ignore[misc]
    return ordered


def _projected(names: Mapping[str, Field | Constant], view: View) -> dict[str, Json]:
    values = {name: _value(expression, view) for name, expression in names.items()}
    return {name: value for name, value in values.items() if value is not MISSING}


def _unwound(field: Field, view: View) -> Iterator[View]:
    found = plain(value_at(view, field))
    if not isinstance(found, list):
        return iter(() if found is None else (view,))
    return ({**view, field.root: _with(view[field.root], field.path, item)} for item in found)


def _with(value: Json, path: Sequence[str], item: Json) -> Json:
    """The value with the item at the path, which exists; nothing is changed in place."""
    if not path:
        return item
    if isinstance(value, list):
        index = int(path[0])
        return [*value[:index], _with(value[index], path[1:], item), *value[index + 1 :]]
    return {**value, path[0]: _with(value[path[0]], path[1:], item)}


def _parse_group(argument: Json, shaped: bool) -> Stage:
    if not isinstance(argument, Mapping) or "_id" not in argument:
        raise UsageError("$group must have an _id", hint='such as {"_id": "$source", "documents": {"$count": {}}}')
    figures = {name: _accumulator(name, value, shaped) for name, value in argument.items() if name != "_id"}
    by = argument["_id"]
    if isinstance(by, Mapping):
        return Group({_name(name): _expression(part, shaped) for name, part in by.items()}, figures)
    return Group(_expression(by, shaped), figures)


def _accumulator(name: str, value: Json, shaped: bool) -> Accumulator:
    _name(name)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise UsageError(f"{name} must be one accumulator, not {value!r}", hint='such as {"$sum": "$marketCap"}')
    ((kind, operand),) = value.items()
    if kind not in FIGURES:
        message, hint = unknown("accumulator", str(kind), FIGURES)
        raise UsageError(f"{message} of {name}", hint=hint)
    if kind == "$count":
        return Accumulator(kind, Constant(1))
    return Accumulator(kind, _expression(operand, shaped))


def _parse_project(argument: Json, shaped: bool) -> Stage:
    if not isinstance(argument, Mapping) or not argument:
        raise UsageError("$project must name at least one field", hint='such as {"key": 1, "cap": "$marketCap"}')
    names: dict[str, Field | Constant] = {}
    for name, value in argument.items():
        if value == 0 and isinstance(value, int | float):
            raise UsageError(f"$project names what is kept; leave {name} out of it")
        whole = value == 1 and isinstance(value, int | float)
        names[_name(name)] = _reference(name, shaped) if whole else _expression(value, shaped)
    return Project(names)


def _parse_unwind(argument: Json, shaped: bool) -> Stage:
    path = argument.get("path") if isinstance(argument, Mapping) and len(argument) == 1 else argument
    expression = _expression(path, shaped)
    if not isinstance(expression, Field) or expression.root == "column":
        raise UsageError(f"$unwind must name a list, not {argument!r}", hint='such as {"$unwind": "$quarterly"}')
    return Unwind(expression)


def _expression(value: Json, shaped: bool) -> Field | Constant:
    if isinstance(value, str) and value.startswith("$"):
        return _reference(value[1:], shaped)
    if isinstance(value, Mapping) and any(str(name).startswith("$") for name in value):
        raise UsageError(
            f"{value!r} is no expression", hint='fields are written like "$marketCap", constants as they are'
        )
    return Constant(encode(value, what="a constant").value)


def _reference(name: str, shaped: bool) -> Field:
    field = parse_field(name)
    if not shaped:
        return field
    return Field(name, "data", field.path if field.root == "column" else parse_field(f"data.{name}").path)


def _name(name: Json) -> str:
    if not isinstance(name, str) or not name or "." in name or name.startswith("$"):
        raise UsageError(f"{name!r} cannot name a result", hint='choose a plain word: {"revenue": "$annual.0.revenue"}')
    return name


def _in_shape(condition: Condition, shaped: bool) -> Condition:
    """The condition over fields of the shape at hand."""
    from trainer.stores.query import Compare, Not, Some

    match condition:
        case Compare(field):
            return replace(condition, field=_reference(field.name, shaped))
        case Every(parts):
            return Every(tuple(_in_shape(part, shaped) for part in parts))
        case Some(parts):
            return Some(tuple(_in_shape(part, shaped) for part in parts))
        case Not(part):
            return Not(_in_shape(part, shaped))


_PARSERS: Mapping[str, Callable[[Json, bool], Stage]] = {
    "$match": lambda argument, shaped: Match(_in_shape(parse_filter(argument), shaped)),
    "$group": _parse_group,
    "$sort": lambda argument, shaped: Sort(
        tuple((_reference(field.name, shaped), descending) for field, descending in parse_order(argument))
    ),
    "$skip": lambda argument, _: Skip(natural(argument, "$skip")),
    "$limit": lambda argument, _: Limit(natural(argument, "$limit")),
    "$project": _parse_project,
    "$unwind": _parse_unwind,
}
