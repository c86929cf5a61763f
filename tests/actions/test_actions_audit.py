"""What the audit log of a project holds besides prompts, and where its head is kept."""

import json
import subprocess

import pytest

from trainer.actions import store
from trainer.actions.audit import keep_anchor, open_audit, verify_audit
from trainer.actions.wiring import open_store
from trainer.core.errors import UsageError
from trainer.core.project import open_project
from trainer.providers import Request


@pytest.fixture
def project(blank, monkeypatch):
    monkeypatch.setenv("TRAINER_AUDIT_KEY", "a key of this test")
    return open_project(blank, environ={})


def events(project):
    return [json.loads(line) for line in (project.state / "audit.jsonl").read_text().splitlines()]


def test_a_changed_policy_stands_before_the_first_prompt_under_it(project, blank):
    open_audit(project).record(Request("Hello", "p", "m"))
    stricter = open_project(blank, environ={}, overrides=["prompt_security.level=strict"])
    for _ in range(2):
        open_audit(stricter).record(Request("Hello", "p", "m"))

    assert [event["event"] for event in events(project)] == [
        "prompt.sent",
        "policy.changed",
        "prompt.sent",
        "prompt.sent",
    ]


def test_data_given_out_is_an_entry_once_there_is_a_log(project):
    open_store(project).store("a", {"x": 1})
    store.get(project, "a")
    assert not (project.state / "audit.jsonl").exists()
    open_audit(project).read("b", 7)
    store.get(project, "a")

    first, second = events(project)
    assert (first["event"], first["details"]) == ("datum.read", {"key": "b", "version": 7})
    assert (second["event"], second["details"]) == ("datum.read", {"key": "a", "version": 1})


def test_a_cut_tail_and_head_show_by_what_was_kept_elsewhere(project, tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "a"]
    subprocess.run(commit, cwd=project.root, check=True)
    log = open_audit(project)
    log.read("a", 1)
    first = (project.state / "audit.jsonl").read_bytes(), (project.state / "audit.head").read_bytes()
    kept = tmp_path / "anchors.jsonl"
    for number in range(2):
        log.read("a", number)
        assert keep_anchor(project, "git") == keep_anchor(project, str(kept))
    for place in ("git", str(kept)):
        assert verify_audit(project, anchors=place).faults == ()

    (project.state / "audit.jsonl").write_bytes(first[0])
    (project.state / "audit.head").write_bytes(first[1])
    assert verify_audit(project).faults == ()
    for place in ("git", str(kept)):
        assert [fault.kind for fault in verify_audit(project, anchors=place).faults] == ["cut", "cut"]


def test_without_a_log_there_is_nothing_to_keep(project, tmp_path):
    with pytest.raises(UsageError, match="no audit log"):
        keep_anchor(project, str(tmp_path / "a"))
