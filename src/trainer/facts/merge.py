"""Facts of several blocks as one: equal measures and dimensions united, the rest told apart by their block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trainer.facts.values import Dimension, Facts, Measure, Member, Observation


def merge(*facts: Facts) -> Facts:
    """All that several blocks say, in their order.

    Measures of one id and title are one, whatever their units; their observations keep what unit they are in.
    Measures of one id under other titles are told apart by the name of their block.
    """
    if len(facts) == 1:
        return facts[0]
    measures: dict[str, Measure] = {}
    dimensions: dict[str, Dimension] = {}
    observations: list[Observation] = []
    for block in facts:
        names = {measure.id: _free_id(measure, block, measures) for measure in block.measures.values()}
        for measure in block.measures.values():
            own = replace(measure, id=names[measure.id])
            earlier = measures.get(own.id)
            measures[own.id] = own if earlier is None else _united(earlier, own)
        for dimension in block.dimensions.values():
            there = dimensions.get(dimension.name)
            dimensions[dimension.name] = dimension if there is None else _with_members(there, dimension)
        for observation in block.observations:
            units = observation.units or block.measures[observation.measure].units
            observations.append(replace(observation, measure=names[observation.measure], units=units))
    own_units = {measure.id: measure.units for measure in measures.values()}
    return Facts(
        tuple(replace(one, units=()) if one.units == own_units[one.measure] else one for one in observations),
        measures,
        dimensions,
        tuple(dict.fromkeys(definition for block in facts for definition in block.definitions)),
        tuple(out for block in facts for out in block.left_out),
    )


def _free_id(measure: Measure, block: Facts, measures: Mapping[str, Measure]) -> str:
    there = measures.get(measure.id)
    if there is None or there.title == measure.title:
        return measure.id
    name = next((one.source.name for one in block.observations if one.measure == measure.id), "")
    return f"{name}.{measure.id}"


def _united(one: Measure, other: Measure) -> Measure:
    return replace(
        one,
        words=tuple(dict.fromkeys((*one.words, *other.words))),
        units=tuple(dict.fromkeys((*one.units, *other.units))),
        description=one.description or other.description,
    )


def _with_members(one: Dimension, other: Dimension) -> Dimension:
    members: dict[str, Member] = {member.name: member for member in one.members}
    for member in other.members:
        # A member is the same where any of its names is; the first block's name stays.
        there = next((m for m in members.values() if {m.name, *m.aliases} & {member.name, *member.aliases}), None)
        if there is None:
            members[member.name] = member
        else:
            names = sorted({*there.aliases, member.name, *member.aliases} - {there.name})
            members[there.name] = replace(there, aliases=tuple(names))
    return replace(one, members=tuple(members.values()))
