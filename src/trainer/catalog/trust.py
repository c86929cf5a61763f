"""How far a row can be trusted: five parts, each from 0 to 1, and their weighted mean.

The weights are a decision, not a measurement: what somebody had to correct, and whom it came from, say more about the
next value than how old it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import fmean

from trainer.catalog.definition import TableDefinition
from trainer.catalog.storage import CatalogRow

WEIGHTS = {"source": 0.3, "corrections": 0.25, "validation": 0.2, "age": 0.15, "agreement": 0.1}
_PRIOR, _PRIOR_ROWS = 0.8, 5
"""A source of which nothing is known counts like one with five rows, four of them right."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How the rows of one source fared."""

    rows: int = 0
    faults: int = 0
    """Rows that were corrected, deleted or rejected."""

    @property
    def score(self) -> float:
        """The share of rows that were right, drawn towards 0.8 while there are few."""
        return max(0.0, (self.rows - self.faults + _PRIOR * _PRIOR_ROWS) / (self.rows + _PRIOR_ROWS))


@dataclass(frozen=True, slots=True)
class Trust:
    """A score with its parts."""

    score: float
    parts: Mapping[str, float] = field(default_factory=dict)
    """`source`, `corrections`, `validation`, `age`, `agreement`."""


def trust_of(row: CatalogRow, definition: TableDefinition, source: Reliability, now: datetime) -> Trust:
    """The trust in a row at a time.

    - source: how the source's other rows fared (`Reliability`);
    - corrections: 1, halved by each correction of this row;
    - validation: the share of fields that are filled and right, times the confidence it was filed with;
    - age: 1 when it was last written, halved every `half_life` days of its table;
    - agreement: 0.5 for a row that one source tells, towards 1 with each further source that tells the same.
    """
    changed = row.changed_at or now
    changed = changed if changed.tzinfo else changed.replace(tzinfo=UTC)
    days = max(0.0, (now - changed).total_seconds() / 86_400)
    parts = {
        "source": source.score,
        "corrections": 0.5**row.corrections,
        "validation": row.checks * row.confidence,
        "age": 0.5 ** (days / definition.half_life),
        "agreement": 1 - 0.5 ** (1 + row.confirmations),
    }
    score = sum(WEIGHTS[name] * part for name, part in parts.items())
    return Trust(round(score, 4), {name: round(part, 4) for name, part in parts.items()})


def mean_trust(scores: Iterable[Trust]) -> Trust:
    """The trust in a table: the mean of its rows, part by part; 0 for one without rows."""
    rows = list(scores)
    if not rows:
        return Trust(0.0)
    parts = {name: round(fmean(row.parts[name] for row in rows), 4) for name in WEIGHTS}
    return Trust(round(fmean(row.score for row in rows), 4), parts)
