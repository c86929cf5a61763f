"""What was spent on whom, and how the limits stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trainer.actions.model import make_budget
from trainer.actions.spend import spend
from trainer.core.project import open_project
from trainer.mart import Tracker

NOW = datetime(2025, 2, 11, 12, tzinfo=UTC)


@pytest.fixture
def project(blank):
    limits = "[{usd: 30, department: finance}, {usd: 100, window: week}, {usd: 5, window: ever, model: large}]"
    opened = open_project(blank, environ={}, overrides=[f"budget.limits={limits}", "mart.department=finance"])
    now = [NOW]
    tracker = Tracker(opened.spool, clock=lambda: now[0])
    for day in range(10):
        now[0] = NOW - timedelta(days=10 - day)
        for department, cost in (("finance", 1.0), ("risk", 0.25)):
            execution = tracker.start("trainer", "run", {"department": department, "actor": "ann"})
            tracker.complete(execution, {"cost": cost, "model": "large", "tokens_in": 10, "tokens_out": 5})
    tracker.close()
    budget = make_budget(opened, max_cost=None, clock=lambda: NOW)
    budget.settle(budget.reserve(10, what="small"), 10)
    budget.close()
    return opened


def test_the_spend_falls_to_departments(project):
    report = spend(project, clock=lambda: NOW)

    assert report.usd == 12.5
    assert [(item.name, item.executions, item.tokens, item.usd, item.share) for item in report.allocations] == [
        ("finance", 10, 150, 10.0, 0.8),
        ("risk", 10, 150, 2.5, 0.2),
    ]


def test_limits_are_forecast_to_the_end_of_their_windows(project):
    finance, week, model = spend(project, clock=lambda: NOW).limits

    assert (finance.limit, finance.spent, finance.forecast) == ("department finance this month", 10, 27.0)
    assert (finance.low, finance.high, finance.state) == (27.0, 27.0, "within")
    assert (week.limit, week.forecast) == ("all this week", 10 + 1.25 * 5)
    assert (model.limit, model.spent, model.forecast) == ("model large ever", 0.0, None)


def test_an_alert_comes_at_the_share_that_is_set(project, blank):
    opened = open_project(
        blank, environ={}, overrides=["budget.limits=[{usd: 12, window: ever}]", "budget.alert_at=0.8"]
    )

    assert [item.state for item in spend(opened, clock=lambda: NOW).limits] == ["alert"]
