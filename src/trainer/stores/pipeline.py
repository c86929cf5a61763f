"""Aggregation: stages over documents, parsed and checked first, then run in plain Python.

    [{"$match": {"source": "yahoo_finance"}}, {"$group": {"_id": "$sector", "cap": {"$sum": "$marketCap"}}}]

Stages are `$match $group $sort $limit $skip $project $unwind $count`; `$group` knows
`$sum $avg $min $max $count $first $last $push $addToSet`. A text that starts with `$` is a field, anything else is
itself; `{"$literal": …}` is itself whatever it looks like.

- Before the first `$group` or `$project` fields are those of filters; after it, the names which that stage gave.
- `$sum` and `$avg` take the numbers and pass the rest over; a sum is rounded as the database at hand rounds it.
- `$min` and `$max` follow the order of sorting and pass null over; `$push` and `$addToSet` pass missing over.
- A number that stands for several equal ones, or for a sum, has one spelling: 3, not 3.0.
- A path through a list gives the list of what its elements have; a number in a path picks from the list.
- Documents come by key, groups by their `_id`; `$first` and `$last` are meant after a `$sort`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Final, TypeAlias

from trainer.core.errors import UsageError, unknown
from trainer.core.values import Json
from trainer.stores.jsontext import encode
from trainer.stores.match import (
    MISSING,
    View,
    distinct_values,
    holds,
    identity,
    in_order,
    is_index,
    plain,
    simplest,
    sort_key,
    value_at,
)
from trainer.stores.query import (
    Condition,
    Every,
    FieldPath,
    Order,
    Query,
    Resolve,
    document_field,
    inner_field,
    natural,
    parse_filter,
    parse_order,
)

Stage: TypeAlias = "Match | GroupStage | Sort | Skip | Limit | Projection | Unwind"
Expression: TypeAlias = "FieldPath | Constant | Mapping[str, Expression]"

INCLUDE: Final = True
"""A name of `$project` that stays as it is."""
Shape: TypeAlias = "Mapping[str, bool | Expression | Shaped]"


@dataclass(frozen=True, slots=True)
class Constant:
    """An expression that is itself."""

    value: Json


@dataclass(frozen=True, slots=True)
class Shaped:
    """What `$project` makes of an object below a name, or of each object of a list."""

    names: Shape


@dataclass(frozen=True, slots=True)
class Match:
    """Keeps what the condition holds for."""

    where: Condition


@dataclass(frozen=True, slots=True)
class Accumulator:
    """One figure of a group."""

    kind: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class GroupStage:
    """One document for each different `_id`."""

    by: Expression
    figures: Mapping[str, Accumulator]
    """By the names they are given."""
    is_distinct: bool = False
    """Whether the different values are asked for: of lists the elements, and nothing for what is missing."""


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
class Projection:
    """Makes each document of the named parts; what is missing is left out."""

    names: Shape
    resolve: Resolve


@dataclass(frozen=True, slots=True)
class Unwind:
    """One document for each item of a list, and one for a value that is no list."""

    field: FieldPath
    keeps_empty: bool
    """Whether a document stays whose list is empty, null or missing."""


def parse_pipeline(pipeline: Sequence[Mapping[str, Json]]) -> tuple[Stage, ...]:
    """The checked stages; raises UsageError for anything the language does not know."""
    if not isinstance(pipeline, list | tuple):
        raise UsageError("a pipeline must be a list of stages", hint='such as [{"$match": {"source": "file"}}]')
    stages: list[Stage] = []
    resolve: Resolve = document_field
    for stage in pipeline:
        if not isinstance(stage, Mapping) or len(stage) != 1:
            raise UsageError(f"a stage must have one name, unlike {stage!r}", hint='such as {"$limit": 5}')
        ((name, argument),) = stage.items()
        if name not in _PARSERS:
            message, hint = unknown("stage", str(name), _PARSERS)
            raise UsageError(message, hint=hint)
        stages += _PARSERS[name](argument, resolve)
        if name in ("$group", "$project", "$count"):
            resolve = inner_field
    return tuple(stages)


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
    shaped = any(isinstance(stage, GroupStage | Projection) for stage in stages)
    return [dict(view["data"]) if shaped else dict(view) for view in views]


def group_views(groups: Iterable[tuple[Json, Mapping[str, Json]]]) -> list[View]:
    """Groups, each with its `_id` and its figures, in their order, as fields see them."""
    ordered = sorted(groups, key=lambda group: sort_key(group[0]))
    return [{"data": {"_id": name, **figures}} for name, figures in ordered]


def _narrowed(query: Query, stage: Skip | Limit) -> Query:
    if isinstance(stage, Limit):
        return replace(query, limit=stage.count if query.limit is None else min(query.limit, stage.count))
    limit = None if query.limit is None else max(0, query.limit - stage.count)
    return replace(query, offset=query.offset + stage.count, limit=limit)


def _run(stage: Stage, views: Iterable[View]) -> Iterable[View]:
    match stage:
        case Match(where):
            return (view for view in views if holds(where, view))
        case GroupStage():
            return _group(stage, views)
        case Sort(order):
            return in_order(views, order)
        case Skip(count):
            return islice(views, count, None)
        case Limit(count):
            return islice(views, count)
        case Projection():
            return ({"data": _projected(stage, view)} for view in views)
        case Unwind():
            return (part for view in views for part in _unwound(stage, view))


def _group(stage: GroupStage, views: Iterable[View]) -> list[View]:
    groups: dict[Json, tuple[Json, dict[str, list[Json]]]] = {}
    for view in views:
        name = plain(_value(stage.by, view))
        entry = groups.setdefault(identity(name), (simplest(name), {title: [] for title in stage.figures}))
        for title, figure in stage.figures.items():
            entry[1][title].append(_value(figure.operand, view))
    return group_views(
        (name, {title: ACCUMULATORS[stage.figures[title].kind](column) for title, column in columns.items()})
        for name, columns in groups.values()
    )


def total(numbers: Sequence[int | float]) -> int | float:
    """The sum, rounded once at the end; raises UsageError where it is larger than a number can be."""
    try:
        return simplest(sum(numbers) if all(isinstance(n, int) for n in numbers) else math.fsum(numbers))  # type: ignore[no-any-return]
    except OverflowError:
        raise UsageError("a sum is larger than a number can be", hint="leave the largest out by $match") from None


def mean(numbers: Sequence[int | float]) -> int | float | None:
    """The sum divided by how many there are, None without any."""
    return simplest(total(numbers) / len(numbers)) if numbers else None


def _numbers(column: Iterable[Json]) -> list[int | float]:
    return [value for value in column if isinstance(value, int | float) and not isinstance(value, bool)]


def _extreme(choose: Callable[..., Json], column: Iterable[Json]) -> Json:
    value = choose((value for value in column if plain(value) is not None), key=sort_key, default=None)
    return simplest(value) if isinstance(value, int | float) else value


ACCUMULATORS: Mapping[str, Callable[[list[Json]], Json]] = {
    "$sum": lambda column: total(_numbers(column)),
    "$avg": lambda column: mean(_numbers(column)),
    "$min": lambda column: _extreme(min, column),
    "$max": lambda column: _extreme(max, column),
    "$count": len,
    "$first": lambda column: plain(column[0]),
    "$last": lambda column: plain(column[-1]),
    "$push": lambda column: [value for value in column if value is not MISSING],
    "$addToSet": lambda column: distinct_values(value for value in column if value is not MISSING),
}
"""What the values of a group's documents come to, MISSING among them."""


def _value(expression: Expression, view: View) -> Json:
    if isinstance(expression, FieldPath):
        return value_at(view, expression)
    if isinstance(expression, Constant):
        return expression.value
    members = {name: _value(part, view) for name, part in expression.items()}
    return {name: value for name, value in members.items() if value is not MISSING}


def _projected(stage: Projection, view: View) -> dict[str, Json]:
    values = {}
    for name, part in stage.names.items():
        if part is INCLUDE:
            values[name] = value_at(view, stage.resolve(name))
        elif isinstance(part, Shaped):
            values[name] = _below(part, value_at(view, stage.resolve(name)), view)
        else:
            values[name] = _value(part, view)  # type: ignore[arg-type]
    return {name: value for name, value in values.items() if value is not MISSING}


def _below(shaped: Shaped, value: Json, view: View) -> Json:
    """The parts of an object, of each object of a list, or of nothing where all parts are computed."""
    if isinstance(value, list):
        parts = (_below(shaped, item, view) for item in value if isinstance(item, Mapping | list))
        return [part for part in parts if part is not MISSING]
    members = value if isinstance(value, Mapping) else {}
    built: dict[str, Json] = {}
    for name, part in shaped.names.items():
        if part is INCLUDE:
            built[name] = members.get(name, MISSING)
        elif isinstance(part, Shaped):
            built[name] = _below(part, members.get(name, MISSING), view)
        else:
            built[name] = _value(part, view)  # type: ignore[arg-type]
    built = {name: item for name, item in built.items() if item is not MISSING}
    return built if built or isinstance(value, Mapping) else MISSING


def _unwound(stage: Unwind, view: View) -> Iterator[View]:
    root, path = stage.field.root, stage.field.path
    items = _at(view[root], path)
    if isinstance(items, list) and items:
        return ({**view, root: _with(view[root], path, item)} for item in items)
    if stage.keeps_empty or not (isinstance(items, list) or plain(items) is None):
        return iter((view,))
    return iter(())


def _at(value: Json, path: Sequence[str]) -> Json:
    """What stands at the path, through objects and numbered places of lists alone."""
    for segment in path:
        if isinstance(value, Mapping) and segment in value:
            value = value[segment]
        elif isinstance(value, list) and is_index(segment) and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return MISSING
    return value


def _with(value: Json, path: Sequence[str], item: Json) -> Json:
    """The value with the item at the path, which exists; nothing is changed in place."""
    if not path:
        return item
    if isinstance(value, list):
        index = int(path[0])
        return [*value[:index], _with(value[index], path[1:], item), *value[index + 1 :]]
    return {**value, path[0]: _with(value[path[0]], path[1:], item)}


def _parse_group(argument: Json, resolve: Resolve) -> list[Stage]:
    if not isinstance(argument, Mapping) or "_id" not in argument:
        raise UsageError("$group must have an _id", hint='such as {"_id": "$source", "documents": {"$count": {}}}')
    figures = {name: _accumulator(name, value, resolve) for name, value in argument.items() if name != "_id"}
    return [GroupStage(_expression(argument["_id"], resolve), figures)]


def _accumulator(name: str, value: Json, resolve: Resolve) -> Accumulator:
    _name(name)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise UsageError(f"{name} must be one accumulator, not {value!r}", hint='such as {"$sum": "$marketCap"}')
    ((kind, operand),) = value.items()
    if kind not in ACCUMULATORS:
        message, hint = unknown("accumulator", str(kind), ACCUMULATORS)
        raise UsageError(f"{message} of {name}", hint=hint)
    return Accumulator(kind, Constant(1) if kind == "$count" else _expression(operand, resolve))


def _parse_project(argument: Json, resolve: Resolve) -> list[Stage]:
    if not isinstance(argument, Mapping) or not argument:
        raise UsageError("$project must name at least one field", hint='such as {"key": 1, "cap": "$marketCap"}')
    return [Projection(_shape(argument, resolve), resolve)]


def _shape(argument: Mapping[str, Json], resolve: Resolve) -> Shape:
    names: dict[str, bool | Expression | Shaped] = {}
    for name, value in argument.items():
        first, dot, rest = name.partition(".") if isinstance(name, str) else (name, "", "")
        inner = names.get(first, Shaped({}))
        if not isinstance(inner, Shaped) or (first in names and not dot):
            raise UsageError(f"$project names {first} twice", hint="name the whole, or its parts")
        if dot:
            names[_name(first)] = Shaped({**inner.names, **_shape({rest: value}, resolve)})
        elif isinstance(value, int | float):
            if not value:
                raise UsageError(f"$project names what is kept; leave {name} out of it")
            names[_name(name)] = INCLUDE
        elif isinstance(value, Mapping) and value and not any(str(key).startswith("$") for key in value):
            names[_name(name)] = Shaped(_shape(value, resolve))
        else:
            names[_name(name)] = _expression(value, resolve)
    return names


def _parse_unwind(argument: Json, resolve: Resolve) -> list[Stage]:
    options = dict(argument) if isinstance(argument, Mapping) else {"path": argument}
    path, keeps_empty = options.pop("path", None), options.pop("preserveNullAndEmptyArrays", False)
    if options:
        message, hint = unknown("option of $unwind", next(iter(options)), ("path", "preserveNullAndEmptyArrays"))
        raise UsageError(message, hint=hint)
    field = _expression(path, resolve)
    if not isinstance(field, FieldPath) or field.root == "column":
        raise UsageError(f"$unwind must name a list, not {argument!r}", hint='such as {"$unwind": "$quarterly"}')
    return [Unwind(field, bool(keeps_empty))]


def _parse_count(argument: Json, resolve: Resolve) -> list[Stage]:  # noqa: ARG001  (the table's signature)
    counted = GroupStage(Constant(None), {_name(argument): Accumulator("$count", Constant(1))})
    return [counted, Projection({argument: INCLUDE}, inner_field)]


def _expression(value: Json, resolve: Resolve) -> Expression:
    if isinstance(value, str) and value.startswith("$$"):
        raise UsageError(f"variables such as {value.split('.')[0]} of MongoDB are left out", hint='name a field: "$a"')
    if isinstance(value, str) and value.startswith("$"):
        return resolve(value[1:])
    if isinstance(value, Mapping) and set(value) == {"$literal"}:
        return Constant(encode(value["$literal"], what="a constant").value)
    if isinstance(value, Mapping) and any(str(name).startswith("$") for name in value):
        name = next(str(name) for name in value if str(name).startswith("$"))
        raise UsageError(
            f"expressions such as {name} of MongoDB are left out",
            hint='fields are written like "$marketCap", constants as they are; compute on the rows that come back',
        )
    if isinstance(value, Mapping) and value:
        return {_name(name): _expression(part, resolve) for name, part in value.items()}
    return Constant(encode(value, what="a constant").value)


def _name(name: Json) -> str:
    if not isinstance(name, str) or not name or "." in name or name.startswith("$"):
        raise UsageError(f"{name!r} cannot name a result", hint='choose a plain word: {"revenue": "$annual.0.revenue"}')
    return name


_PARSERS: Mapping[str, Callable[[Json, Resolve], list[Stage]]] = {
    "$match": lambda argument, resolve: [Match(parse_filter(argument, resolve))],
    "$group": _parse_group,
    "$sort": lambda argument, resolve: [Sort(parse_order(argument, resolve))],
    "$skip": lambda argument, _: [Skip(natural(argument, "$skip"))],
    "$limit": lambda argument, _: [Limit(natural(argument, "$limit"))],
    "$project": _parse_project,
    "$unwind": _parse_unwind,
    "$count": _parse_count,
}
