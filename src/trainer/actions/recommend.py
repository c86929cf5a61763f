"""What the records recommend, and what people make of it: proposals, their states, ratings, experiments, patterns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from trainer.actions.learning import MODULE, config_provider, identity, learned_files, policy_files
from trainer.actions.mart import list_executions, show_execution, take_in
from trainer.actions.wiring import open_database, open_tracker
from trainer.core.clock import Clock, system_clock
from trainer.core.digest import digest
from trainer.core.errors import UsageError, unknown
from trainer.core.project import Project
from trainer.mart import (
    Comparison,
    ConfigDecision,
    Insight,
    Policy,
    Recommendation,
    TidyMartLearningEngine,
    WorkflowPattern,
    compare,
    config_hash,
    workflow_patterns,
)

_RATED = 100
"""Executions that are looked through for a report's latest."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A candidate beside the approved configuration of an operation, over all contexts."""

    module: str
    operation: str
    approved: Mapping[str, Any]
    candidate: Mapping[str, Any]
    comparison: Comparison
    """Of their utilities; its interval may be looked at any time."""
    quality: tuple[float, float]
    """Means of the approved one and the candidate."""
    cost: tuple[float, float]


def recommend(project: Project, module: str | None = None, *, clock: Clock = system_clock) -> list[Recommendation]:
    """What the records say of every operation with several configurations, with the evidence of the log."""
    take_in(project, clock)
    engine = _engine(project)
    return [engine.with_evidence(item) if item.action == "switch" else item for item in engine.recommendations(module)]


def propose(project: Project, recommendations: list[Recommendation]) -> list[Path]:
    """Write a policy file for each configuration that should replace the approved one; those there are stay."""
    files = policy_files(project)
    there = {
        (policy.module, policy.operation, policy.context, config_hash(policy.config))
        for policy in files.read()
        if policy.state != "retired"
    }
    written = []
    for item in recommendations:
        place = (item.module, item.operation, item.context, config_hash(item.recommended))
        if item.action == "switch" and place not in there:
            name = f"{item.module}-{item.operation}-{digest(list(place))[:8]}".replace(".", "-").replace("/", "-")
            evidence = msgspec.to_builtins(item)
            for part in ("module", "operation", "context", "action", "current", "recommended", "trials_needed"):
                del evidence[part]
            policy = Policy(
                name,
                item.module,
                item.operation,
                item.recommended,
                context=item.context,
                replaces=item.current,
                evidence=_rounded(evidence),
            )
            written.append(files.write(policy))
    return written


def explain_configuration(project: Project, operation: str, context: Mapping[str, Any]) -> ConfigDecision:
    """What would run now in a context and why; `operation` is `report`, `run` or `module.operation`."""
    module, dot, name = operation.partition(".")
    return config_provider(project).decide(*((module, name) if dot else (MODULE, operation)), context)


def list_policies(project: Project) -> list[Policy]:
    """The policies of the project."""
    return policy_files(project).read()


def advance_policy(project: Project, name: str) -> Policy:
    """The policy one state further: proposed, shadow, canary, active."""
    return policy_files(project).advance(name)


def retire_policy(project: Project, name: str) -> Policy:
    """The policy out of use; what was approved before holds again."""
    return policy_files(project).retire(name)


def rate(project: Project, subject: str, score: float, *, note: str = "", clock: Clock = system_clock) -> str:
    """Rate a report's latest build, or an execution by its identity, from 1 to 5; the identity that was rated.

    Raises UsageError where nothing of that name was recorded.
    """
    if not 1 <= score <= 5:
        raise UsageError(f"a score is from 1 to 5, not {score:g}", hint="5 is best")
    if subject in project.settings.reports or subject in _built(project, clock):
        execution = _built(project, clock).get(subject)
        if execution is None:
            raise UsageError(f"no build of {subject} is recorded", hint=f"run: trainer report {subject}")
    else:
        try:
            execution = show_execution(project, subject, clock=clock).execution.execution_id
        except UsageError:
            names = [*_built(project, clock), *project.settings.reports]
            message, hint = unknown("report or execution", subject, names)
            raise UsageError(message, hint=hint) from None
    tracker = open_tracker(project, clock=clock)
    tracker.rate(execution, (score - 1) / 4, source="person", actor=identity(project).get("actor", ""), note=note)
    tracker.close()
    take_in(project, clock)
    return execution


def experiments(project: Project, *, effect: float = 0.05, clock: Clock = system_clock) -> list[Experiment]:
    """Each candidate that was tried against what is approved, or was run most; differences of `effect` matter."""
    take_in(project, clock)
    provider, weights = config_provider(project), learned_files(project).weights
    with open_database(project)() as connection:
        rows = connection.execute(
            """SELECT module, operation, config_hash, config,
                CASE WHEN success THEN coalesce(r.score, quality, 1) ELSE 0 END, coalesce(cost, 0),
                coalesce(seconds, 0) FROM trials t
            LEFT JOIN (SELECT execution_id, avg(score) AS score FROM ratings GROUP BY 1) r
                ON r.execution_id = t.execution_id ORDER BY t.execution_id"""
        ).fetchall()
    series: dict[tuple[str, str], dict[str, list[tuple[float, float, float]]]] = defaultdict(lambda: defaultdict(list))
    bodies = {}
    for module, operation, name, config, *measures in rows:
        series[module, operation][name].append(tuple(measures))
        bodies[name] = msgspec.json.decode(config)
    running = []
    for (module, operation), arms in series.items():
        agreed = provider.approved(module, operation, "")
        first = config_hash(agreed) if agreed is not None else max(arms, key=lambda name: len(arms[name]))
        for name in arms:
            if name != first and first in arms:
                both = arms[first], arms[name]
                utilities = [[weights.utility(*run) for run in arm] for arm in both]
                running.append(
                    Experiment(
                        module,
                        operation,
                        bodies[first],
                        bodies[name],
                        compare(*utilities, effect=effect, harm=2 * effect),
                        (_mean(both[0], 0), _mean(both[1], 0)),
                        (_mean(both[0], 1), _mean(both[1], 1)),
                    )
                )
    return running


def patterns(project: Project, *, least: int = 3, clock: Clock = system_clock) -> list[WorkflowPattern]:
    """Workflows that at least so many sessions share."""
    take_in(project, clock)
    return workflow_patterns(open_database(project), least=least)


def insights(project: Project, workflow: str, *, clock: Clock = system_clock) -> list[Insight]:
    """How the configurations of a workflow's parts go with its quality."""
    take_in(project, clock)
    return _engine(project).insights(workflow)


def _mean(runs: Sequence[tuple[float, ...]], at: int) -> float:
    return sum(run[at] for run in runs) / len(runs)


def _engine(project: Project) -> TidyMartLearningEngine:
    return TidyMartLearningEngine(
        learned_files(project), open_database(project), approved=config_provider(project).approved
    )


def _built(project: Project, clock: Clock) -> dict[str, str]:
    """The latest build of each report."""
    records = list_executions(project, operation="report", limit=_RATED, clock=clock)
    builds: dict[str, str] = {}
    for record in records:
        if isinstance(record.context, dict) and record.context.get("report"):
            builds.setdefault(str(record.context["report"]), record.execution_id)
    return builds


def _rounded(value: Any) -> Any:
    """The figures of evidence as people read them."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
