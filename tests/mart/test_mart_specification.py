"""The SQL of spec/tidymart-integration.md, word by word, on DuckDB and on a real PostgreSQL."""

from __future__ import annotations

import contextlib
from functools import partial

import duckdb
import pytest

from servers.records import opener
from servers.stores import BACKENDS
from trainer.mart import MIGRATIONS, Tracker, drain
from trainer.stores import RECORD_STORES

SPECIFIED = {
    "document_configs": (
        """SELECT optimal_extraction_method, confidence_threshold, processing_timeout
        FROM tidymart.document_configs
        WHERE document_type = ? AND file_size_mb BETWEEN ? AND ?
        ORDER BY success_rate DESC, avg_processing_time ASC
        LIMIT 1""",
        ["invoice", 1, 2],
        [("ml", 0.75, 4000.0)],
    ),
    "extraction_patterns": (
        """SELECT pattern_regex, field_name, confidence_score
        FROM tidymart.extraction_patterns
        WHERE document_type = ? AND success_rate > 0.8
        ORDER BY usage_count DESC""",
        ["invoice"],
        [("[0-9]+", "total", 0.75)],
    ),
    "embedding_performance": (
        """SELECT embedding_method, parameters, avg_similarity_score
        FROM tidymart.embedding_performance
        WHERE text_type = ? AND text_length BETWEEN ? AND ?
        ORDER BY quality_score DESC, processing_time_ms ASC""",
        ["query", 10, 100],
        [("tfidf", None, 0.5)],
    ),
    "embedding_cache": (
        """SELECT embedding_vector FROM tidymart.embedding_cache
        WHERE text_hash = ? AND embedding_method = ?""",
        ["abc", "tfidf"],
        [("[0.5,1.0]",)],
    ),
    "ml_algorithm_performance": (
        """SELECT algorithm, hyperparameters, avg_accuracy, avg_runtime_ms
        FROM tidymart.ml_algorithm_performance
        WHERE data_shape = ? AND problem_type = ?
        ORDER BY accuracy DESC, runtime_ms ASC""",
        ["[100,4]", "clustering"],
        [("kmeans", '{"k":3}', 0.5, 3000.0)],
    ),
    "convergence_patterns": (
        """SELECT estimated_iterations FROM tidymart.convergence_patterns
        WHERE algorithm = ? AND data_characteristics = ?""",
        ["kmeans", "[100,4]"],
        [(12.0,)],
    ),
    "llm_performance": (
        """SELECT model_name, provider, avg_quality, avg_cost, avg_latency
        FROM tidymart.llm_performance
        WHERE use_case = ? AND department = ?
        ORDER BY (quality_score / cost_usd) DESC""",
        ["abbvie", "finance"],
        [("small", "litellm", 0.5, 0.25, 2000.0)],
    ),
    "spend_tracking": (
        """SELECT current_spend, budget_remaining, quota_usage
        FROM tidymart.spend_tracking
        WHERE department = ? AND time_period = 'current_month'""",
        ["finance"],
        [(0.25, None, None)],
    ),
    "workflow_performance": (
        """SELECT workflow_config, avg_success_rate, avg_cost, avg_duration
        FROM tidymart.workflow_performance
        WHERE workflow_type = ? AND input_characteristics = ?
        ORDER BY success_rate DESC, cost_usd ASC""",
        ["report", "abbvie"],
        [('{"model":"small"}', 1.0, 0.25, 5000.0)],
    ),
    "decision_tree_analysis": (
        """SELECT node_conditions, success_paths, failure_patterns
        FROM tidymart.decision_tree_analysis
        WHERE workflow_id = ?""",
        ["abbvie"],
        [("none", "render > complete", None)],
    ),
    "sparse_command_performance": (
        """SELECT command_name, optimal_strategy, success_rate, user_satisfaction
        FROM tidymart.sparse_command_performance
        WHERE user_role = ? AND use_case_similarity > 0.8
        ORDER BY user_satisfaction DESC""",
        ["finance"],
        [("report", None, 1.0, None)],
    ),
    "workflow_pattern_analysis": (
        """SELECT suggested_command, workflow_pattern, frequency
        FROM tidymart.workflow_pattern_analysis
        WHERE user_patterns SIMILAR TO current_user_pattern""",
        [],
        [("report", "retrieve render report", 1)],
    ),
}


def track(spool) -> None:
    tracker = Tracker(spool)
    for command in ("retrieve", "render"):
        tracker.complete(tracker.start("trainer", command, {"actor": "ann"}))
    report = tracker.start("trainer", "report", {"actor": "ann", "department": "finance"})
    item = tracker.start(
        "trainer", "report", {"report": "abbvie", "department": "finance", "config": {"model": "small"}}, parent=report
    )
    tracker.step(item, "render", seconds=1)
    tracker.step(item, "complete", model="small", provider="litellm", cost=0.25, seconds=2, quality=0.5)
    tracker.complete(item, {"seconds": 5, "cost": 0.25, "quality": 0.5})
    tracker.complete(report)
    for command in ("retrieve", "render"):
        tracker.complete(tracker.start("trainer", command, {"actor": "ann"}))
    extraction = tracker.start("documents", "extract", {"document_type": "invoice", "file_size_mb": 1.5})
    tracker.complete(
        extraction,
        {"seconds": 2, "extraction_method": "ml", "extraction_confidence": 0.75, "pattern_regex": "[0-9]+",
         "field_name": "total", "pages_count": "many"},
    )  # fmt: skip
    embedding = tracker.start("sentence", "embed", {"text_type": "query"})
    tracker.complete(
        embedding,
        {"seconds": 1, "embedding_method": "tfidf", "text_length": 40, "similarity": 0.5, "text_hash": "abc",
         "embedding_vector": [0.5, 1.0]},
    )  # fmt: skip
    training = tracker.start("tlm", "fit", {})
    tracker.complete(
        training,
        {"seconds": 3, "algorithm": "kmeans", "data_shape": [100, 4], "problem_type": "clustering",
         "final_accuracy": 0.5, "iterations_to_convergence": 12, "hyperparameters": {"k": 3}},
    )  # fmt: skip
    tracker.close()


@pytest.fixture(scope="module")
def on_duckdb(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    track(folder / "spool")
    drained = drain(folder / "spool", opener(folder / "mart.duckdb"))
    assert (drained.error, drained.views) == ("", "")
    with duckdb.connect(str(folder / "mart.duckdb")) as connection:
        yield lambda question, values: connection.execute(question, values).fetchall()


@pytest.mark.parametrize("table", SPECIFIED)
def test_the_specified_question_is_answered_by_duckdb(on_duckdb, table):
    question, values, answer = SPECIFIED[table]

    assert on_duckdb(question, values) == answer


def test_the_specified_questions_are_answered_by_postgresql(tmp_path):
    psycopg = pytest.importorskip("psycopg")
    with BACKENDS["postgresql"](tmp_path / "postgresql") as bench:
        url = bench.options["connection_string"]
        track(tmp_path / "spool")
        drained = drain(tmp_path / "spool", partial(RECORD_STORES.load("postgresql")(url).open, "mart", MIGRATIONS))
        assert (drained.error, drained.views) == ("", "")
        with contextlib.closing(psycopg.connect(url)) as connection:
            answers = {
                table: [tuple(float(cell) if type(cell).__name__ == "Decimal" else cell for cell in row) for row in
                        connection.execute(question.replace("?", "%s"), values).fetchall()]
                for table, (question, values, _) in SPECIFIED.items()
            }  # fmt: skip

    assert answers == {table: answer for table, (_, _, answer) in SPECIFIED.items()}


@pytest.mark.parametrize("table", ["executions", "module_performance", "workflow_patterns"])
def test_the_core_tables_have_the_specified_columns(on_duckdb, table):
    columns = {
        "executions": "execution_id, module, operation, user_id, department, start_time, end_time, total_duration_ms, "
        "success_rate, cost_usd, input_context, final_results, metadata, created_at",
        "module_performance": "id, execution_id, module, operation, configuration, performance_metrics, quality_score, "
        "cost_efficiency_score, recorded_at",
        "workflow_patterns": "pattern_id, workflow_name, module_sequence, input_characteristics, success_rate, "
        "avg_duration_ms, avg_cost_usd, usage_frequency, last_used, optimization_notes",
    }[table]

    assert on_duckdb(f"SELECT {columns} FROM tidymart.{table}", [])


def test_text_where_a_number_was_expected_is_no_number(on_duckdb):
    assert on_duckdb(
        "SELECT tidymart.num(facts ->> 'pages_count') FROM tidymart.facts WHERE operation = 'extract'", []
    ) == [(None,)]
