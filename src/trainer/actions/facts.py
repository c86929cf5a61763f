"""What was understood of any data, for people to see and mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.actions.blocks import read_blocks
from trainer.core.project import Project
from trainer.core.values import DataBlock
from trainer.facts import Facts, Observation, Time, read_block, unit_text


def facts_document(facts: Facts, *, every: bool) -> dict[str, Any]:
    """Facts as the JSON document that scripts read; the observations only where all are asked for."""
    document: dict[str, Any] = {
        "measures": [
            {
                "id": measure.id, "title": measure.title, "units": [unit_text(unit) for unit in measure.units],
                "aggregate": measure.aggregate, "description": measure.description,
                "observations": counts[measure.id],
            }
            for counts in (Counter(one.measure for one in facts.observations),)
            for measure in facts.measures.values()
        ],
        "dimensions": [
            {
                "name": dimension.name,
                "members": [{"name": member.name, "aliases": list(member.aliases)} for member in dimension.members],
            }
            for dimension in facts.dimensions.values()
        ],
        "definitions": [{"name": one.name, "formula": one.formula} for one in facts.definitions],
        "left_out": [{"path": one.source.path, "why": one.why, "detail": one.detail} for one in facts.left_out],
        "observations": [_observation(one, facts) for one in facts.observations] if every else len(facts.observations),
    }  # fmt: skip
    return document


def understood(block: DataBlock) -> dict[str, Any]:
    """What was understood of a block, without its observations and what was left out."""
    document = facts_document(read_block(block), every=False)
    return {name: part for name, part in document.items() if name != "left_out"}


def time_text(time: Time | None) -> str:
    """A time as the data says it, with its days where they are not in the label."""
    if time is None:
        return ""
    return time.label if not time.is_fiscal else f"{time.label} ({time.start.isoformat()} to {time.end.isoformat()})"


def _observation(one: Observation, facts: Facts) -> Mapping[str, Any]:
    units = one.units or facts.measures[one.measure].units
    return {
        "value": float(one.value) if one.value != one.value.to_integral_value() else int(one.value),
        "measure": one.measure,
        "members": dict(one.members),
        "time": None if one.time is None else {
            "label": one.time.label, "start": one.time.start.isoformat(), "end": one.time.end.isoformat(),
            "grain": one.time.grain, "fiscal": one.time.is_fiscal,
        },
        "units": [unit_text(unit) for unit in units],
        "path": one.source.path,
    }  # fmt: skip


def read_facts(name: str, *, project: Project | None, folder: Path) -> Facts:
    """What was understood of a file or of a document of the store."""
    (block,) = read_blocks([name], project=project, folder=folder)
    return read_block(block)
