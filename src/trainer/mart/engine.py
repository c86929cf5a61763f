"""Pattern 3 of the specification: what should be changed, and what upstream goes with quality downstream."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import msgspec

from trainer.mart.configuration import trials_needed
from trainer.mart.evaluation import LoggedChoice, PolicyValue, policy_value
from trainer.mart.events import config_hash
from trainer.mart.learning import Estimate, OperationStatistics, Trial, estimate
from trainer.mart.publish import MOST_TRIALS, LearnedFiles

if TYPE_CHECKING:
    from trainer.mart.tables import Opener

_LEAST_GAIN = 0.01
"""Utility; what gains less is not worth anybody's reading."""
_CERTAIN = 0.95
_DOWNSTREAM = """
    WITH RECURSIVE tree AS (
        SELECT execution_id AS root, execution_id FROM execution_starts
        WHERE operation = $1 OR module = $1 OR (context ->> 'workflow_name') = $1
        UNION ALL
        SELECT tree.root, s.execution_id FROM execution_starts s JOIN tree ON s.parent_id = tree.execution_id
    ), results AS (
        SELECT e.execution_id AS root,
            CASE WHEN e.status = 'success' THEN coalesce(r.score, e.quality) ELSE 0 END AS quality
        FROM execution_ends e LEFT JOIN (SELECT execution_id, avg(score) AS score FROM ratings GROUP BY 1) r
            ON r.execution_id = e.execution_id
    )
    SELECT t.module, t.operation, t.config_hash, any_value(t.config), count(*), avg(r.quality),
        coalesce(var_samp(r.quality), 0)
    FROM tree JOIN trials t ON t.execution_id = tree.execution_id JOIN results r ON r.root = tree.root
    WHERE r.quality IS NOT NULL GROUP BY 1, 2, 3"""
"""Quality of whole workflows by the configuration of one of their parts."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the records say of one operation in one context."""

    module: str
    operation: str
    context: str
    action: str
    """`switch`: run the other one; `try`: more trials are needed before anybody can tell; `keep`."""
    current: Mapping[str, Any]
    recommended: Mapping[str, Any]
    gain: float
    """In utility."""
    interval: tuple[float, float]
    """Of the gain, 90 %."""
    trials: int
    """Of the recommended configuration in this context."""
    trials_needed: int
    """More of them, and of the current one, until it is told."""
    quality: float | None = None
    cost: float | None = None
    seconds: float | None = None
    saves: float | None = None
    """US dollars a run, against the current one."""
    runner_up: Mapping[str, Any] = field(default_factory=dict)
    value: PolicyValue | None = None
    """What always running it would have brought, from the log; with the database only."""
    current_value: PolicyValue | None = None


@dataclass(frozen=True, slots=True)
class Insight:
    """How a configuration of one part goes with the quality of the whole."""

    module: str
    operation: str
    config: Mapping[str, Any]
    runs: int
    quality: float
    effect: float
    """Against all other configurations of the same part."""
    interval: tuple[float, float]
    """90 %, widened for the number of comparisons (Bonferroni). Configurations were not all drawn by lot: no cause."""


class TidyMartLearningEngine:
    """Recommendations from what is published, insights from the database."""

    def __init__(
        self,
        learned: LearnedFiles,
        opener: Opener | None = None,
        *,
        approved: Callable[[str, str, str], Mapping[str, Any] | None] = lambda *_: None,
        report: Callable[[str, Mapping[str, Any], Mapping[str, Any]], None] = lambda *_: None,
    ) -> None:
        self._learned = learned
        self._opener = opener
        self._approved = approved
        self._report = report

    def get_optimization_recommendations(self, module: str) -> list[dict[str, Any]]:
        """What should be changed in a module, the largest gain first; no database is asked."""
        return [msgspec.to_builtins(item) for item in self.recommendations(module) if item.action != "keep"]

    def get_cross_module_insights(self, workflow: str) -> dict[str, Any]:
        """How the configurations of a workflow's parts go with its quality, the surest first."""
        return {"workflow": workflow, "insights": msgspec.to_builtins(self.insights(workflow))}

    def report_improvement_results(self, module: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Record what an applied recommendation came to."""
        self._report(module, before, after)

    def recommendations(self, module: str | None = None) -> list[Recommendation]:
        """One for each operation and context in which several configurations were tried."""
        items = [item for learned in self._learned.operations(module) for item in self._of(learned)]
        return sorted(
            items, key=lambda item: (item.action != "switch", -item.gain, item.module, item.operation, item.context)
        )

    def with_evidence(self, item: Recommendation) -> Recommendation:
        """The recommendation with off-policy estimates of both configurations, from the database."""
        assert self._opener is not None
        with self._opener() as connection:
            rows = connection.execute(
                """SELECT config_hash, context_key, CASE WHEN success THEN coalesce(quality, 1) ELSE 0 END, cost,
                    seconds, propensity, success FROM trials WHERE module = ? AND operation = ? AND context_key = ?
                    ORDER BY execution_id DESC LIMIT ?""",
                [item.module, item.operation, item.context, 10 * MOST_TRIALS],
            ).fetchall()
        choices = [LoggedChoice(row[0], row[1], Trial(*row[2:])) for row in reversed(rows)]
        values = [
            policy_value(choices, config_hash(config), self._learned.weights)
            for config in (item.recommended, item.current)
        ]
        return replace(item, value=values[0], current_value=values[1])

    def insights(self, workflow: str) -> list[Insight]:
        """Effects of parts on the whole; raises StoreError where there is no database to ask."""
        assert self._opener is not None
        with self._opener() as connection:
            rows = connection.execute(_DOWNSTREAM, [workflow]).fetchall()
        return _effects(rows)

    def _of(self, learned: OperationStatistics) -> Iterable[Recommendation]:
        for context, arms in learned.contexts.items():
            if len(arms) < 2:
                continue
            estimates = estimate(learned, context, arms)
            ranked = sorted(estimates, key=lambda name: (-estimates[name].mean, name))
            approved = self._approved(learned.module, learned.operation, context)
            current = config_hash(approved) if approved is not None else max(arms, key=lambda name: arms[name].trials)
            if current not in arms:
                continue
            yield _recommendation(learned, context, current, ranked, estimates)


def _recommendation(
    learned: OperationStatistics, context: str, current: str, ranked: Sequence[str], estimates: Mapping[str, Estimate]
) -> Recommendation:
    best = ranked[0]
    gain = estimates[best].mean - estimates[current].mean
    deviation = math.hypot(estimates[best].deviation, estimates[current].deviation)
    low, high = gain - 1.645 * deviation, gain + 1.645 * deviation
    certainty = NormalDist(0, max(deviation, 1e-9)).cdf(gain)
    action = "keep"
    if best != current and gain >= _LEAST_GAIN:
        action = "switch" if certainty >= _CERTAIN else "try"
    arms = learned.contexts[context]
    others = [name for name in ranked if name not in (best, current)]
    return Recommendation(
        learned.module,
        learned.operation,
        context,
        action,
        learned.configs[current],
        learned.configs[best],
        gain,
        (low, high),
        arms[best].trials,
        0 if action != "try" else trials_needed(estimates[best], estimates[current], learned.sigma),
        arms[best].quality,
        arms[best].cost,
        arms[best].seconds,
        arms[current].cost - arms[best].cost,
        learned.configs[others[0]] if others else {},
    )


def _effects(rows: Sequence[Sequence[Any]]) -> list[Insight]:
    """Each configuration against all others of its part: the difference of means, with Welch's standard error."""
    parts: dict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for row in rows:
        parts[row[0], row[1]].append(row)
    compared = [(part, row) for part, configs in parts.items() if len(configs) > 1 for row in configs if row[4] > 1]
    quantile = NormalDist().inv_cdf(1 - 0.05 / max(1, len(compared)))
    insights = []
    for (module, operation), row in compared:
        _, _, name, config, runs, quality, variance = row
        others = [other for other in parts[module, operation] if other[2] != name]
        count = sum(other[4] for other in others)
        mean = math.fsum(other[4] * other[5] for other in others) / count
        scatter = math.fsum(other[4] * (other[6] + (other[5] - mean) ** 2) for other in others) / count
        half = quantile * math.sqrt(variance / runs + scatter / count)
        effect = quality - mean
        body = msgspec.json.decode(config)
        insights.append(Insight(module, operation, body, runs, quality, effect, (effect - half, effect + half)))
    return sorted(insights, key=lambda item: (item.interval[0] <= 0 <= item.interval[1], -abs(item.effect)))
