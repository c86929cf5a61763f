"""The list of a project's reports: what state each is in, how old its data is, what it cost, what its checks found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from trainer.actions.report_outcome import BuildOptions
from trainer.actions.report_plan import plan_reports
from trainer.core.clock import Clock, system_clock
from trainer.core.digest import pick
from trainer.core.errors import TrainerError
from trainer.core.project import Project
from trainer.reports import Reason, writing_cost

ReportState = Literal["current", "stale", "new", "failed"]


@dataclass(frozen=True, slots=True)
class ReportListing:
    """One report of the list."""

    name: str
    state: ReportState
    """`new` where it was never built, `failed` where it cannot be built as things stand."""
    title: str = ""
    instruction: str = ""
    tags: tuple[str, ...] = ()
    """Its own, its instruction's and those of its contexts."""
    reasons: tuple[Reason, ...] = ()
    """Why it is stale."""
    date: str | None = None
    """The newest date of its data when it was built."""
    age_days: int | None = None
    """Days from that date until today."""
    model: str = ""
    """The model that wrote it."""
    cost: float | None = None
    """What writing it cost, in US dollars; None where it was not built or the price is not known."""
    findings: int | None = None
    """How many faults its checks found when it was built; None where it was not built."""
    quality: float | None = None
    outputs: tuple[str, ...] = ()
    error: TrainerError | None = None

    def as_json(self) -> dict[str, Any]:
        """The report's object in `trainer report --list --json`."""
        return {**pick(self), "reasons": [pick(reason, "ingredient", "detail") for reason in self.reasons]}


def list_reports(
    project: Project, names: Sequence[str], *, tags: Sequence[str] = (), clock: Clock = system_clock
) -> list[ReportListing]:
    """The reports that names and tags select, in the config's order; nothing is fetched, sent or written."""
    planned = plan_reports(project, names, BuildOptions(tags=tuple(tags)), clock=clock)
    inputs = {report.spec.name: report for report in planned.inputs}
    listings = []
    for name, recorded in planned.committed.items():
        report, plan = inputs.get(name), planned.plans.get(name)
        state: ReportState = "new" if recorded is None else "stale" if plan and plan.stale else "current"
        day = recorded.date if recorded else None
        listings.append(
            ReportListing(
                name,
                state if report else "failed",
                title=report.title if report else recorded.title if recorded else "",
                instruction=report.spec.instruction if report else "",
                tags=report.tags if report else (),
                reasons=plan.reasons if plan else (),
                date=day,
                age_days=_days_since(day, clock) if day else None,
                model=str(recorded.completion.get("model", "")) if recorded else "",
                cost=writing_cost(recorded) if recorded else None,
                findings=len(recorded.faults) if recorded else None,
                quality=recorded.scores.get("quality") if recorded else None,
                outputs=tuple(item.path for item in recorded.outputs) if recorded else (),
                error=planned.errors.get(name),
            )
        )
    return listings


def _days_since(day: str, clock: Clock) -> int | None:
    """None where a file's date is none of the calendar, such as a year alone."""
    try:
        return (clock().date() - date.fromisoformat(day[:10])).days
    except ValueError:
        return None
