"""Any data as observations: measures, dimensions, members, times and units."""

from trainer.facts.values import (
    Definition,
    Dimension,
    Facts,
    LeftOut,
    Measure,
    Member,
    Observation,
    Source,
    Time,
    Unit,
)

__all__ = [
    "Definition",
    "Dimension",
    "Facts",
    "LeftOut",
    "Measure",
    "Member",
    "Observation",
    "Source",
    "Time",
    "Unit",
]
