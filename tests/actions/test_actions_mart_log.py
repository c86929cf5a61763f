"""What was asked and answered is found again, and an entry of the audit log is proved."""

from __future__ import annotations

import json

import pytest

from servers.openai import Reply, openai_server
from trainer.actions.audit import audit_entries, open_audit, prove_entry
from trainer.actions.mart import list_executions
from trainer.actions.mart_log import log_entries
from trainer.actions.report import BuildOptions, build_reports
from trainer.core.errors import UsageError
from trainer.core.project import open_project

ANSWER = "## Summary\n\nRevenue rose.\n\n## Development\n\nIt rose.\n\n## What is missing\n\nNothing.\n"


@pytest.fixture
def project(blank, monkeypatch):
    monkeypatch.setenv("TRAINER_AUDIT_KEY", "a key of this test")
    return open_project(blank, environ={})


@pytest.fixture
def answered(project):
    """The project after a model server wrote its report."""
    with openai_server(lambda server, seen: Reply(content=ANSWER)) as server:
        provider = f"{{provider: openai_compatible, model: m, api_base: '{server.url}'}}"
        build_reports(
            open_project(project.root, environ={}, overrides=[f"llm_provider={provider}", "checks.policy=warn"]),
            [],
            BuildOptions(),
        )
    return project


def test_a_report_shows_with_the_prompt_that_was_sent_and_what_was_answered(answered):
    (entry,) = log_entries(answered)

    assert (entry.operation, entry.context["report"], entry.model) == ("report", "overview", "m")
    assert (entry.answer, "## Summary" in entry.prompt) == (ANSWER, True)
    assert log_entries(answered, ["DEVELOPMENT", "rose"]) == [entry]
    assert log_entries(answered, ["rose", "nobodywrotethis"]) == []


def test_the_prompt_of_a_record_is_that_of_its_entry_in_the_audit_log(answered):
    (record,) = list_executions(answered, operation="report", limit=1)
    (entry,) = audit_entries(answered, event="prompt.sent")

    assert record.inputs["request"] == entry["details"]["prompt"]


def test_the_commands_show_the_answer_and_prove_the_entry(answered, run):
    shown = run(answered.root, "mart", "log", "rose")
    listed = run(answered.root, "mart", "audit", "--event", "prompt.sent", "--json")
    proved = run(answered.root, "mart", "audit", "--proof", "1", env={"TRAINER_AUDIT_KEY": "a key of this test"})

    assert "  answer: ## Summary Revenue rose." in shown.stdout
    assert [entry["number"] for entry in json.loads(listed.stdout)] == [1]
    assert (proved.returncode, "stands as it was written" in proved.stderr) == (0, True), proved.stderr


def test_a_draft_without_a_model_is_kept_in_no_cache(project):
    build_reports(project, [], BuildOptions())

    (entry,) = log_entries(project)
    assert (entry.model, entry.answer) == ("draft", None)


def test_what_the_cache_has_let_go_is_none(answered):
    for path in answered.cache.rglob("*.json"):
        path.unlink()

    (entry,) = log_entries(answered)
    assert (entry.prompt, entry.answer) == (None, None)


def test_an_entry_is_found_by_its_event_and_proved(project):
    log = open_audit(project)
    for number in range(1, 4):
        log.read(f"key{number}", number)

    assert [entry["details"]["key"] for entry in audit_entries(project, words=["KEY"])] == ["key3", "key2", "key1"]
    assert audit_entries(project, event="prompt.sent") == []
    proof = prove_entry(project, 2)
    assert (proof.is_valid, proof.entry["details"], len(proof.codes)) == (True, {"key": "key2", "version": 2}, 2)
    assert proof.head == log.log.anchor()
    with pytest.raises(UsageError, match="no entry 9"):
        prove_entry(project, 9)


def test_an_entry_that_was_edited_or_followed_by_an_edited_one_is_not_proved(project):
    log = open_audit(project)
    for number in range(1, 4):
        log.read(f"key{number}", number)
    path = project.state / "audit.jsonl"
    lines = path.read_text().splitlines()
    edited = json.loads(lines[1])
    edited["details"]["key"] = "other"
    path.write_text("\n".join([lines[0], json.dumps(edited), lines[2]]) + "\n")

    assert [prove_entry(project, number).is_valid for number in (1, 2, 3)] == [False, False, True]
