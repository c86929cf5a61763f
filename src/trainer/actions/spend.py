"""What was spent, on whom, and where the limits will stand at the end of their windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, stdev
from typing import Any, Literal, get_args

from trainer.actions.mart import moment_of, take_in
from trainer.actions.model import make_budget
from trainer.actions.wiring import open_database
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.errors import UsageError, unknown
from trainer.core.project import Project
from trainer.providers import ScopedLimit

By = Literal["department", "user", "model", "report", "operation", "day"]

_COSTS = """
    SELECT coalesce(s.department, '') AS department, coalesce(s.actor, '') AS user,
        coalesce(e.results ->> 'model', '') AS model,
        coalesce(s.context ->> 'report', s.context ->> 'instruction', '') AS report,
        s.operation AS operation, CAST(CAST(s.started_at AS DATE) AS VARCHAR) AS day,
        coalesce(e.tokens_in, 0) + coalesce(e.tokens_out, 0) AS tokens, e.cost AS cost
    FROM execution_starts s JOIN execution_ends e ON s.execution_id = e.execution_id
    WHERE e.cost IS NOT NULL AND s.started_at >= ?"""
"""One row for each execution with a cost of its own; what only sums up others has none."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """The part of the spend that falls to one department, user, model, report, operation or day."""

    name: str
    executions: int
    tokens: int
    usd: float
    share: float
    """Of all."""


@dataclass(frozen=True, slots=True)
class LimitState:
    """How a limit stands now, and where it will stand when its window ends."""

    limit: str
    usd: float
    spent: float
    """Open reservations counted in full."""
    state: Literal["within", "alert", "reached"]
    """`alert`: the share of `budget.alert_at` is reached, or the forecast is above the limit."""
    forecast: float | None
    """US dollars at the end of the window, by the mean of its days so far; None where it never ends."""
    low: float | None
    high: float | None
    """90 % interval, from the scatter of the days."""


@dataclass(frozen=True, slots=True)
class SpendReport:
    """What was spent."""

    usd: float
    allocations: tuple[Allocation, ...]
    limits: tuple[LimitState, ...]


def spend(project: Project, *, by: str = "department", since: str = "30d", clock: Clock = system_clock) -> SpendReport:
    """The spend by department, user, model, report, operation or day since a date or an age, and all limits."""
    if by not in get_args(By):
        message, hint = unknown("grouping", by, get_args(By))
        raise UsageError(message, hint=hint)
    after = moment_of(since, "--since", clock)
    assert after is not None
    take_in(project, clock)
    with open_database(project)() as connection:
        rows = connection.execute(
            f"SELECT {by}, count(*), sum(tokens), sum(cost) FROM ({_COSTS}) GROUP BY 1 ORDER BY 4 DESC, 1",  # noqa: S608
            [after.replace(tzinfo=None)],
        ).fetchall()
        total = math.fsum(row[3] for row in rows)
        allocations = [
            Allocation(name, count, tokens, usd, usd / total if total else 0.0) for name, count, tokens, usd in rows
        ]
        limits = _limits(project, connection, clock)
    return SpendReport(total, tuple(allocations), tuple(limits))


def _limits(project: Project, connection: Any, clock: Clock) -> list[LimitState]:
    budget = make_budget(project, max_cost=None, clock=clock)
    if budget is None:
        return []
    now = isoformat(clock())
    section = project.settings.budget
    whole = budget.spend()
    spent = budget.scoped_spend()
    budget.close()
    if section.month is not None:
        spent.insert(0, (ScopedLimit(section.month), whole.month))
    if section.project is not None:
        spent.insert(0, (ScopedLimit(section.project, "ever"), whole.project))
    return [_state(limit, amount, _days(connection, limit, now), now, section.alert_at) for limit, amount in spent]


def _days(connection: Any, limit: ScopedLimit, now: str) -> list[float]:
    """The spend of each day of the limit's window until now, without today, which is not over."""
    today = date.fromisoformat(now[:10])
    first = today
    while limit.window != "ever" and limit.period((first - timedelta(days=1)).isoformat()) == limit.period(now):
        first -= timedelta(days=1)
    names: Mapping[str, str | None] = {"department": limit.department, "user": limit.user, "model": limit.model}
    chosen = {name: value for name, value in names.items() if value is not None}
    condition = " AND ".join(["true", *(f"{name} = ?" for name in chosen)])
    rows = connection.execute(
        f"SELECT day, sum(cost) FROM ({_COSTS}) WHERE {condition} GROUP BY 1",  # noqa: S608  (own names)
        [first, *chosen.values()],
    ).fetchall()
    costs = dict(rows)
    return [costs.get((first + timedelta(days=day)).isoformat(), 0.0) for day in range((today - first).days)]


def _state(limit: ScopedLimit, spent: float, days: Sequence[float], now: str, alert_at: float) -> LimitState:
    ends = limit.ends(now)
    forecast = low = high = None
    if ends is not None:
        left = (ends - date.fromisoformat(now[:10])).days
        mean = fmean(days) if days else spent
        forecast = spent + mean * (left - 1)
        scatter = 1.645 * (stdev(days) if len(days) > 1 else mean) * math.sqrt(max(0, left - 1))
        low, high = max(spent, forecast - scatter), forecast + scatter
    state: Literal["within", "alert", "reached"] = "within"
    if spent >= limit.usd:
        state = "reached"
    elif spent >= alert_at * limit.usd or (forecast is not None and forecast > limit.usd):
        state = "alert"
    return LimitState(str(limit), limit.usd, spent, state, forecast, low, high)
