"""The pipeline of spec/tidymart-integration.md, with processors out of our own rooms."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("polars", reason='NOT TESTED: pip install "trainer-core[mart]"')

from trainer import TidyMartPipeline
from trainer.actions.checks import check_text
from trainer.actions.mart import list_executions, show_execution
from trainer.actions.run import RunOptions, run_prompt
from trainer.actions.wiring import open_database
from trainer.convert import FormatConverter
from trainer.core.bm25 import words
from trainer.core.project import open_project
from trainer.security.classifier import most_suspicious

TEXT = "# Review\n\nRevenue grew to 54.3 million in 2024.\n\n# Risks\n\nTrials in phase 3 may fail.\n"


@pytest.fixture
def project(blank: Path, monkeypatch):
    monkeypatch.chdir(blank)
    (blank / "document.md").write_text(TEXT)
    return open_project(blank, environ={})


def documents_processor(frame, *, document_path):
    text = Path(document_path).read_text()
    return {"extracted_text": text, "document_type": "report", "pages_count": 1, "extraction_method": "pattern"}


def sentence_processor(frame, *, text_column):
    sections = frame[text_column][0].split("\n\n")
    counts = [Counter(words(section)) for section in sections]
    vocabulary = sorted({word for count in counts for word in count})
    vectors = [[count[word] / max(1, count.total()) for word in vocabulary] for count in counts]
    digest = hashlib.sha256(frame[text_column][0].encode()).hexdigest()
    return {"embeddings": vectors, "sections": sections, "text_hash": digest, "embedding_method": "tfidf"}


def tlm_processor(frame, *, embeddings_column):
    assert len(frame[embeddings_column][0]) == len(frame["sections"][0])
    risks = [most_suspicious(section).probability for section in frame["sections"][0]]
    return {"section_risks": risks, "algorithm": "logreg", "data_shape": [len(risks), 1]}


def gateway_processor(frame, *, user_id, audit_reason):
    project = open_project(Path(), environ={})
    result = run_prompt(project, "-", {}, RunOptions(), text=f"{audit_reason}\n\n{frame['extracted_text'][0]}")
    completion = result.completion
    return {
        "analysis": completion.content,
        "model": completion.model,
        "provider": completion.provider,
        "user_id": user_id,
    }


def heiros_processor(frame, *, workflow):
    checked = check_text(frame["analysis"][0], name="analysis", data=(), contexts=())
    return {"workflow_name": workflow, "findings": len(checked.findings), "decision_path": ["check"]}


def sparse_processor(frame, *, command):
    page = FormatConverter().convert(frame["analysis"][0], "markdown", "html")
    return {"page": str(page), "command_name": command}


def enterprise_mvr_pipeline(document_path: str, user_context: dict, postgres_conn: str = ""):
    """The specification's example; only the imports are others."""
    pipeline = TidyMartPipeline(postgres_conn, "mvr_workflow")

    done = (pipeline
        .start_execution("peer_review", {
            'document_path': document_path,
            'user_id': user_context['user_id'],
            'department': user_context['department'],
            'compliance_mode': 'banking_regulation'
        })
        .add_processing_step("extract_document", documents_processor,
                           document_path=document_path)
        .add_processing_step("generate_embeddings", sentence_processor,
                           text_column='extracted_text')
        .add_processing_step("classify_sections", tlm_processor,
                           embeddings_column='embeddings')
        .add_processing_step("llm_analysis", gateway_processor,
                           user_id=user_context['user_id'],
                           audit_reason="MVR peer review analysis")
        .add_processing_step("orchestrate_review", heiros_processor,
                           workflow='comprehensive_peer_review')
        .add_processing_step("format_output", sparse_processor,
                           command='[Compliance Report]')
        .complete_execution({
            'report_type': 'mvr_peer_review',
            'compliance_status': 'completed',
            'audit_trail_complete': True
        })
    )  # fmt: skip
    pipeline.mart.flush()
    return done


def test_the_specified_example_runs_with_processors_of_our_rooms(project):
    done = enterprise_mvr_pipeline("document.md", {"user_id": "ann", "department": "risk"})

    assert done["errors"] == []
    assert [step["success"] for step in done["metadata"]["steps"]] == [True] * 6
    assert done["polars_frame"].height == 1
    assert done["polars_frame"]["page"][0].startswith("<!doctype html>")
    assert done["recommendations"] == []
    (record,) = list_executions(project, module="mvr_workflow")
    assert (record.status, record.actor, record.results["success_rate"]) == ("success", "ann", 1.0)
    with open_database(project)() as connection:
        modules = connection.execute(
            "SELECT DISTINCT module FROM tidymart.facts WHERE execution_id = ? ORDER BY 1", [record.execution_id]
        ).fetchall()
        models = connection.execute("SELECT model_name, department FROM tidymart.llm_performance").fetchall()
    assert [name for (name,) in modules] == [
        "documents",
        "gateway",
        "heiros",
        "mvr_workflow",
        "sentence",
        "sparse",
        "tlm",
    ]
    assert ("draft", "risk") in models


def test_a_step_that_fails_is_told_recorded_and_followed_by_the_others(project):
    pipeline = TidyMartPipeline("", "mvr_workflow").start_execution("review", {"n": 1})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipeline.add_processing_step("divide", lambda frame: 1 / 0).add_processing_step(
            "double", lambda frame: {"m": 2}
        )
    done = pipeline.complete_execution({"done": True})
    pipeline.mart.flush()

    assert [str(warning.message) for warning in caught] == ["step divide failed: ZeroDivisionError: division by zero"]
    assert (done["errors"], done["polars_frame"]["m"][0]) == (["divide: division by zero"], 2)
    tree = show_execution(project, done["execution_id"])
    assert (tree.execution.status, tree.execution.error) == ("fail", "divide: division by zero")
    assert [(step.name, step.status, step.error_class) for step in tree.steps] == [
        ("divide", "fail", "ZeroDivisionError"),
        ("double", "success", None),
    ]


def test_a_pipeline_learns_which_of_the_declared_configurations_is_better(project, blank):
    config = blank / "config.yaml"
    config.write_text(
        config.read_text()
        + "\nmart:\n  explore: {share: 1.0, seed: 3}\n  candidates:\n"
        + "    documents.extract: [{method: slow}, {method: good}]\n"
    )
    for _ in range(30):
        pipeline = TidyMartPipeline(blank, "documents").start_execution("extract", {"document_type": "invoice"})
        good = pipeline.metadata["config"] == {"method": "good"}
        pipeline.complete_execution({"quality_score": 0.9 if good else 0.5})
        pipeline.mart.flush()
    mart = TidyMartPipeline(blank, "documents").mart
    (recommendation,) = mart.get_optimization_recommendations("documents")

    assert (recommendation["action"], recommendation["recommended"]) == ("switch", {"method": "good"})
    decision = mart.config_provider.decide("documents", "extract", {"document_type": "invoice"})
    assert decision.config == {"method": "good"}
    assert decision.propensity > 0.95
    published = json.loads((blank / ".trainer" / "mart" / "documents.extract.json").read_text())
    assert list(published["contexts"]) == ["document_type=invoice"]
