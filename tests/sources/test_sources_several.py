from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from trainer.core.errors import SourceError
from trainer.core.values import RetrievalResult
from trainer.sources import SourceContext, create_source, fetch_all, fetch_functions

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
MODEL = {"model_name": "m", "max_model_len": 128_000, "reserved_output": 4_000, "vocab_size": None, "hidden_size": None}
PERFORMANCE = {"total_requests": 100, "concurrent_requests": 8, "refused_requests": 0, "mean_seconds": 1.5}
RESOURCES = {"max_concurrent_processes": 4, "memory_bytes": 8_000_000_000, "disk_bytes": 1, "requests_per_minute": None}
ENGINE = {
    "model_config": lambda: MODEL,
    "tokenizer": lambda: {"tokenizer_available": True},
    "performance": lambda: PERFORMANCE,
    "processing_state": lambda: {"in_flight": 1, "backlog": 0},
    "resources": lambda: RESOURCES,
}


class Answering:
    """A source that answers after some seconds, or fails; it counts how often it was asked."""

    def __init__(self, seconds=0.0, error=None, hangs=None):
        self.seconds, self.error, self.hangs, self.asked = seconds, error, hangs, 0

    def retrieve(self, query, store=True):
        self.asked += 1
        if self.hangs:
            self.hangs.wait(60)
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        return RetrievalResult({"n": 1}, "answering", NOW, {"subject": "A", "as_of": "2025-02-01"})


def test_ten_sources_of_which_three_fail_take_as_long_as_the_slowest_healthy_one_and_each_is_asked_once():
    released = threading.Event()
    sources = {f"healthy{n}": Answering(0.33 * n) for n in range(7)}  # the slowest takes 2 s
    sources |= {"refuses": Answering(error=SourceError("HTTP 403")), "breaks": Answering(0.5, error=KeyError("days"))}
    sources |= {"hangs": Answering(hangs=released)}

    began = time.monotonic()
    several = fetch_all({name: (name, {}) for name in sources}, sources, timeout=2.2)
    seconds = time.monotonic() - began
    released.set()

    slowest = max(outcome.seconds for outcome in several.outcomes.values() if outcome.result)
    assert seconds <= 1.2 * slowest
    assert [source.asked for source in sources.values()] == [1] * 10
    assert several.aggregation.data_quality_score == 0.7
    assert several.aggregation.gaps == {
        "refuses": "HTTP 403",
        "breaks": "the source breaks failed: KeyError: 'days'",
        "hangs": "the source hangs did not answer within 2.2 s",
    }
    counts = several.aggregation
    assert (counts.total_sources, counts.successful_sources, counts.failed_sources) == (10, 7, 3)


def test_a_query_that_takes_too_long_keeps_no_other_of_its_source_from_being_asked():
    released = threading.Event()

    class Hanging:
        def retrieve(self, query, store=True):
            if query["n"] < 3:
                released.wait(60)
            return RetrievalResult({"n": query["n"]}, "hanging", NOW)

    queries = {f"q{n}": ("hanging", {"n": n}) for n in range(12)}

    several = fetch_all(queries, {"hanging": Hanging()}, timeout=0.3)
    released.set()

    assert [name for name, outcome in several.outcomes.items() if outcome.error] == ["q0", "q1", "q2"]


def test_what_the_sources_say_of_their_data_is_put_together_by_the_names_of_the_queries(tmp_path, clock):
    (tmp_path / "a.json").write_text(
        '{"source": "s", "retrieved_at": "2025-02-03T00:00:00Z", "as_of": "2025-02-03", "subject": "Shop A",'
        ' "fields": {"sales": {"title": "Sales", "unit": "EUR"}}, "data": {"sales": 3}}'
    )
    sources = {"file": create_source("file", SourceContext(clock=clock, root=tmp_path)), "other": Answering()}

    several = fetch_all({"a": ("file", {"path": "a.json"}), "b": ("other", {})}, sources, clock=clock)

    said = several.aggregation.unified_metadata
    assert said["subjects"] == {"a": "Shop A", "b": "A"}
    assert said["as_of"] == {"a": "2025-02-03", "b": "2025-02-01"}
    assert said["oldest"] == "2025-02-01"
    assert said["fields"]["a.sales"] == {"title": "Sales", "unit": "EUR"}
    assert several.aggregation.optimization_hints["dates"] == "data from 2025-02-01 to 2025-02-03 is joined"


def test_the_five_contextual_sources_give_the_layout_of_the_specification():
    data = fetch_functions(ENGINE, clock=lambda: NOW).as_json()

    assert set(data) == {
        "sources",
        "aggregation",
        "processing_pipelines",
        "transformation_ready",
        "source_count",
        "timestamp",
    }
    assert {name: source["source_type"] for name, source in data["sources"].items()} == {name: name for name in ENGINE}
    assert {source["fetch_timestamp"] for source in data["sources"].values()} == {NOW.timestamp()}
    assert set(data["aggregation"]) == {
        "total_sources",
        "successful_sources",
        "failed_sources",
        "data_quality_score",
        "unified_metadata",
        "processing_constraints",
        "optimization_hints",
    }
    pipelines = data["processing_pipelines"]
    assert set(pipelines) == {"transformation_pipelines", "data_flow_config", "optimization_config"}
    assert [(each["name"], each["priority"]) for each in pipelines["transformation_pipelines"]] == [
        ("model_aware_preprocessing", 1),
        ("performance_optimized_processing", 2),
        ("resource_aware_scaling", 3),
    ]
    assert pipelines["data_flow_config"]["parallel_execution"] is True
    assert (data["source_count"], data["transformation_ready"]) == (5, True)


def test_without_any_source_that_answers_there_are_defaults_and_nothing_is_ready():
    def fail():
        raise OSError("gone")

    data = fetch_functions(dict.fromkeys(ENGINE, fail)).as_json()

    assert data["transformation_ready"] is False
    assert data["aggregation"]["data_quality_score"] == 0.0
    assert data["sources"]["resources"]["error"].startswith("the source resources failed: OSError: gone")
    assert data["processing_pipelines"]["data_flow_config"]["parallel_execution"] is False
    choices = [each["transformations"][0] for each in data["processing_pipelines"]["transformation_pipelines"]]
    assert [choice["value"] for choice in choices] == [None, 8, 1]


def test_no_sources_at_all_have_no_quality():
    assert fetch_all({}, {}).aggregation.data_quality_score == 0.0


@pytest.mark.parametrize("failing", [(), ("performance",), ("performance", "resources")])
def test_work_is_parallel_only_where_more_than_seven_tenths_of_the_sources_answered(failing):
    functions = {name: function for name, function in ENGINE.items() if name not in failing}
    functions |= {name: lambda: {}["gone"] for name in failing}

    several = fetch_functions(functions)

    flow = several.as_json()["processing_pipelines"]["data_flow_config"]
    assert flow["parallel_execution"] is (len(failing) < 2)
