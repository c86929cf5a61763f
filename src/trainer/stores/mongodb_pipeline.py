"""Groups and orders as MongoDB's own stages, for documents without a list on the paths that are named.

What a row for each group tells is that of `trainer.stores.grouping`: a rank, a number and a text for each value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from trainer.stores.grouping import BASE, LIMBS, names_of, operands_of
from trainer.stores.mongodb_filter import Filter, name_of
from trainer.stores.pipeline import Accumulator, Constant, Group
from trainer.stores.query import Field, Order

Expression: TypeAlias = Any


def group_stages(group: Group) -> list[Filter]:
    """The stages that make one document for each group, to be read by `row_of`."""
    operands = operands_of(group)
    names = {f"k{index}": {"$ifNull": [f"${name_of(field)}", None]} for index, field in enumerate(names_of(group))}
    told = {name: each for number, field in enumerate(operands) for name, each in _told(field, number).items()}
    summed = [figure.operand for figure in group.figures.values() if figure.kind in ("$sum", "$avg")]
    cuts = _cuts([number for number, field in enumerate(operands) if field in summed])
    asked = [{"$sum": 1}, *(each for figure in group.figures.values() for each in _asked(figure, operands))]
    figures = {f"f{index}": each for index, each in enumerate(asked)}
    by = {name: f"${name}" for name in names} or None
    return [{"$project": {"_id": 0, "key": 1, **names, **told}}, *cuts, {"$group": {"_id": by, **figures}}]


def row_of(found: Mapping[str, Any]) -> list[Any]:
    """What the document of a group tells, in the order of SQL's columns."""
    return [*(found["_id"] or {}).values(), *(value for name, value in found.items() if name != "_id")]


def order_stages(order: Order) -> list[Filter]:
    """The stages that sort by the fields and then by key."""
    told: dict[str, Expression] = {}
    ways: dict[str, int] = {}
    for number, (field, descending) in enumerate(order):
        told |= _told(field, number)
        ways |= dict.fromkeys((f"r{number}", f"n{number}", f"t{number}"), -1 if descending else 1)
    return [{"$set": told}, {"$sort": {**ways, "key": 1}}, {"$unset": list(told)}]


def _told(field: Field, number: int) -> dict[str, Expression]:
    """The expressions that tell a field's value; adding 0 makes -0.0 the same as 0."""
    value = f"${name_of(field)}"
    kind = {"$type": value}
    ranks = {1: {"$eq": [value, False]}, 2: {"$eq": [value, True]}, 3: {"$isNumber": value}}
    ranks |= {4: {"$eq": [kind, "string"]}, 5: {"$in": [kind, ["object", "array"]]}}
    branches = [{"case": case, "then": rank} for rank, case in ranks.items()]
    return {
        f"r{number}": {"$switch": {"branches": branches, "default": 0}},
        f"n{number}": {"$cond": [ranks[3], {"$add": [{"$toDouble": value}, 0]}, None]},
        f"t{number}": {"$cond": [ranks[4], value, None]},
    }


def _cuts(numbers: Sequence[int]) -> Iterator[Filter]:
    """The stages that cut the numbers into whole limbs and leave what no limb holds."""
    if not numbers:
        return
    first = {number: {"$toLong": {"$trunc": {"$divide": [f"$n{number}", BASE]}}} for number in numbers}
    yield {"$set": {f"w{number}_0": whole for number, whole in first.items()}}
    held = {number: {"$multiply": [f"$w{number}_0", BASE]} for number in numbers}
    yield {"$set": {f"x{number}": {"$subtract": [f"$n{number}", held[number]]} for number in numbers}}
    for limb in range(1, LIMBS):
        yield {"$set": {f"w{number}_{limb}": {"$toLong": {"$trunc": f"$x{number}"}} for number in numbers}}
        rest = {number: {"$subtract": [f"$x{number}", f"$w{number}_{limb}"]} for number in numbers}
        yield {"$set": {f"x{number}": {"$multiply": [rest[number], BASE]} for number in numbers}}


def _asked(figure: Accumulator, operands: Sequence[Field]) -> list[Expression]:
    if isinstance(figure.operand, Constant):
        return []
    number = operands.index(figure.operand)
    rank = f"$r{number}"
    if figure.kind == "$min":
        return [{"$min": {"$cond": [{"$gt": [rank, 0]}, rank, None]}}, {"$min": f"$n{number}"}, {"$min": f"$t{number}"}]
    if figure.kind == "$max":
        return [{"$max": rank}, {"$max": f"$n{number}"}, {"$max": f"$t{number}"}]
    seen = {"$sum": {"$cond": [{"$eq": [rank, 3]}, 1, 0]}}
    rest = {"$sum": {"$cond": [{"$in": [f"$x{number}", [0, None]]}, 0, 1]}}
    return [seen, *({"$sum": f"$w{number}_{limb}"} for limb in range(LIMBS)), rest]
