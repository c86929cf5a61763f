"""Records as Prometheus and OpenTelemetry read them, and how records get into the store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trainer.actions.mart import look_at_records
from trainer.actions.mart_export import GENAI_CONVENTIONS, export_opentelemetry, export_prometheus
from trainer.core.project import open_project
from trainer.mart import Tracker

NOW = datetime(2025, 2, 14, 21, tzinfo=UTC)


@pytest.fixture
def project(blank):
    opened = open_project(blank, environ={})
    tracker = Tracker(opened.spool, clock=lambda: NOW)
    report = tracker.start("trainer", "report", {})
    item = tracker.start("trainer", 'odd"\\\n', {}, parent=report)
    tracker.step(item, "complete", seconds=2, model="m", provider="p", tokens_in=1_234_567, tokens_out=5, cost=0.25)
    tracker.complete(item, {"status": "fail", "error": "no", "seconds": 3, "cost": 0.25, "tokens_in": 1_234_567})
    tracker.complete(report, {"seconds": 0.25, "quality": 0.5})
    tracker.close()
    return opened


def test_metrics_are_prometheus_text(project):
    lines = export_prometheus(project, clock=lambda: NOW).splitlines()

    odd = r'module="trainer",operation="odd\"\\\n"'
    assert f'trainer_executions_total{{{odd},status="fail"}} 1' in lines
    assert f'trainer_input_tokens_total{{{odd},status="fail"}} 1234567' in lines
    assert f'trainer_execution_seconds_bucket{{{odd},le="1"}} 0' in lines
    assert f'trainer_execution_seconds_bucket{{{odd},le="5"}} 1' in lines
    assert f"trainer_execution_seconds_sum{{{odd}}} 3.0" in lines
    assert 'trainer_quality{module="trainer",operation="report"} 0.5' in lines
    assert lines[-1] == "trainer_spool_segments 1"


def test_traces_are_otlp_with_the_names_of_one_version(project):
    (resource,) = export_opentelemetry(project, clock=lambda: NOW)["resourceSpans"]
    spans = {span["name"]: span for span in resource["scopeSpans"][0]["spans"]}
    call, report = spans["chat m"], spans["report"]

    assert resource["schemaUrl"] == GENAI_CONVENTIONS
    assert {span["traceId"] for span in spans.values()} == {report["traceId"]}
    assert "parentSpanId" not in report
    assert call["parentSpanId"] == spans['odd"\\\n']["spanId"]
    assert int(call["endTimeUnixNano"]) - int(call["startTimeUnixNano"]) == 2_000_000_000
    assert {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "1234567"}} in call["attributes"]
    assert spans['odd"\\\n']["status"] == {"code": 2, "message": "no"}


def test_the_state_of_records_is_told_without_opening_the_store(project):
    before = look_at_records(project, clock=lambda: NOW)
    export_prometheus(project, clock=lambda: NOW)
    after = look_at_records(project, clock=lambda: NOW)

    assert (before.waiting_segments, after.waiting_segments) == (1, 0)
    assert (after.store_failures, after.warnings) == (0, ())
