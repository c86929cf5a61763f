"""What rules say of data, how good it is by dimension, and what looks wrong in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainer.core.values import Json

RuleCheck = Literal["required", "type", "range", "pattern", "set", "unique", "reference", "compare", "freshness"]
RuleSeverity = Literal["critical", "warning"]
QualityDimension = Literal["completeness", "validity", "uniqueness", "consistency", "timeliness"]
AnomalyKind = Literal["outlier", "seasonal", "scale", "impossible_date"]
CHECK_DIMENSIONS: Mapping[RuleCheck, QualityDimension] = {
    "required": "completeness", "type": "validity", "range": "validity", "pattern": "validity", "set": "validity",
    "unique": "uniqueness", "reference": "consistency", "compare": "consistency", "freshness": "timeliness",
}  # fmt: skip
"""What each kind of check says something about."""


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Something that data must keep."""

    id: str
    check: RuleCheck
    columns: tuple[str, ...]
    """Names of columns, any of which it is for; two, left and right, of `compare`."""
    severity: RuleSeverity = "warning"
    options: Mapping[str, Json] = field(default_factory=dict)
    """`type`, `min`, `max`, `pattern`, `values`, `semantic`, `table` and `field`, `operator`, `max_age`."""
    pack: str = ""
    """The pack or file it comes from."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What a rule says of one column."""

    rule: str
    column: str
    severity: RuleSeverity
    dimension: QualityDimension
    checked: int
    """Cells, or rows, that it looked at."""
    failed: int
    rows: tuple[int, ...] = ()
    """The first rows that fail, counted from 1."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class DetectedAnomaly:
    """A value that looks wrong, though no rule forbids it."""

    row: int
    """Counted from 1."""
    column: str
    kind: AnomalyKind
    value: Json
    message: str


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two rows that say the same, or nearly."""

    row: int
    """Counted from 1; the later one."""
    of: int
    similarity: float
    """1 for equal rows; else the share of their letters' triples that they have in common."""


@dataclass(frozen=True, slots=True)
class QualityAssessmentResult:
    """How good data is, and what to do about it."""

    rows: int
    overall_quality_score: float
    """The mean of the dimensions, from 0 to 1."""
    quality_scores: Mapping[QualityDimension, float]
    """By dimension, where there is something to say of it."""
    validation_results: tuple[RuleResult, ...]
    """Rules that some rows fail."""
    detected_anomalies: tuple[DetectedAnomaly, ...]
    deduplication_results: tuple[DuplicatePair, ...]
    recommendations: tuple[str, ...]
    rules_applied: int = 0

    @property
    def critical(self) -> tuple[RuleResult, ...]:
        """Rules that must hold and do not."""
        return tuple(result for result in self.validation_results if result.severity == "critical")
