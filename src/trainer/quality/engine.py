"""`DataQualityEngine`: rules, scores, anomalies, duplicates and what to do, for any rows.

engine = DataQualityEngine([*read_pack("global"), *read_pack("finance")])
result = engine.assess_quality([{"isin": "US0378331005", "price": 5.0}, {"isin": "x", "price": -1.0}])
result.overall_quality_score
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean

from trainer.core.clock import Clock, system_clock
from trainer.core.values import Json
from trainer.quality.anomalies import detect_anomalies
from trainer.quality.duplicates import find_duplicates
from trainer.quality.rules import Lookup, apply_rule
from trainer.quality.values import (
    DetectedAnomaly,
    DuplicatePair,
    QualityAssessmentResult,
    QualityDimension,
    RuleResult,
    ValidationRule,
)

_MOST_FOR_DUPLICATES = 5_000
"""Rows that are compared for likeness: 64 hashes of each letter take a millisecond a row."""


def _no_lookup(_table: str, _field: str) -> frozenset[Json]:
    return frozenset()


class DataQualityEngine:
    """Holds rows against rules; `lookup` gives the values of a table's field, for rules that refer to one."""

    def __init__(
        self, rules: Sequence[ValidationRule], *, lookup: Lookup | None = None, clock: Clock = system_clock
    ) -> None:
        self.rules = tuple(rule for rule in rules if lookup is not None or rule.check != "reference")
        self._lookup = lookup or _no_lookup
        self._clock = clock

    def assess_quality(self, rows: Sequence[Mapping[str, Json]]) -> QualityAssessmentResult:
        """How good rows are: what fails, scores by dimension, what looks wrong, and recommendations, worst first."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        now = self._clock()
        results = [
            result for rule in self.rules for result in apply_rule(rule, rows, names, now=now, lookup=self._lookup)
        ]
        anomalies = detect_anomalies(rows, names, now=now)
        duplicates = find_duplicates(rows[:_MOST_FOR_DUPLICATES])
        scores = _scores(rows, names, results, duplicates)
        failed = sorted(
            (result for result in results if result.failed),
            key=lambda result: (result.severity != "critical", -result.failed / result.checked, result.rule),
        )
        return QualityAssessmentResult(
            len(rows),
            round(mean(scores.values()), 4) if scores else 1.0,
            scores,
            tuple(failed),
            tuple(anomalies),
            tuple(duplicates),
            tuple(_recommendations(rows, names, failed, anomalies, duplicates)),
            len({result.rule for result in results}),
        )


def _scores(
    rows: Sequence[Mapping[str, Json]],
    names: Sequence[str],
    results: Sequence[RuleResult],
    duplicates: Sequence[DuplicatePair],
) -> dict[QualityDimension, float]:
    """The share of what was checked that is right: of cells that are filled, of rows that are no duplicates."""
    if not rows or not names:
        return {}
    filled = sum(row.get(name) not in (None, "") for row in rows for name in names)
    scores: dict[QualityDimension, float] = {
        "completeness": round(filled / (len(rows) * len(names)), 4),
        "uniqueness": round(1 - sum(pair.similarity == 1 for pair in duplicates) / len(rows), 4),
    }
    by_dimension: dict[QualityDimension, list[float]] = {}
    for result in results:
        by_dimension.setdefault(result.dimension, []).append(1 - result.failed / max(1, result.checked))
    for dimension, shares in by_dimension.items():
        scores[dimension] = round(mean([scores[dimension], *shares] if dimension in scores else shares), 4)
    return scores


def _recommendations(
    rows: Sequence[Mapping[str, Json]],
    names: Sequence[str],
    failed: Sequence[RuleResult],
    anomalies: Sequence[DetectedAnomaly],
    duplicates: Sequence[DuplicatePair],
) -> Iterator[str]:
    """What to do, the worst first."""
    for result in failed:
        place = f", first in row {result.rows[0]}" if result.rows else ""
        yield f"{result.column}: {result.message or 'fails'} ({result.rule}{place})"
    scaled = [anomaly for anomaly in anomalies if anomaly.kind == "scale"]
    for anomaly in scaled[:5]:
        yield f"{anomaly.column}: row {anomaly.row} is {anomaly.message}: look at its unit"
    if others := len(anomalies) - len(scaled):
        yield f"look at {others} values that are far from the others"
    if duplicates:
        pair = duplicates[0]
        yield f"look at {len(duplicates)} rows that repeat others: row {pair.row} is row {pair.of}"
    for name in names:
        empty = sum(row.get(name) in (None, "") for row in rows)
        if empty * 2 > len(rows):
            yield f"{name}: {empty} of {len(rows)} cells are empty"
