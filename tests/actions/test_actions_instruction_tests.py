"""Assertions of an instruction: over cases, models and revisions, with what JUnit and a shell need."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from servers.openai import Reply, openai_server

INSTRUCTION = """\
---
params: {NAME: {required: true}}
expect:
  - contains: ["{NAME}", Outlook]
  - lacks: as an AI
  - length: {min: 3, max: 40}
---
Write about {NAME}.
"""


def answers(_server, seen) -> Reply:
    """Model `full` writes all that is asserted, `terse` leaves the outlook out, `cut` is cut at its limit."""
    prompt, model = seen.body["messages"][-1]["content"], seen.body["model"]
    if "===== QUESTION =====" in prompt:
        verdict = {"answer": "no" if "French" in prompt else "yes", "reason": "it is English"}
        return Reply(content=json.dumps(verdict))
    name = "North" if "North" in prompt else "South"
    outlook = "" if model == "terse" else " The outlook is fair."
    return Reply(content=f"{name} did well.{outlook}", finish="length" if model == "cut" else "stop")


@pytest.fixture
def project(tmp_path: Path):
    (tmp_path / "information/instructions").mkdir(parents=True)
    (tmp_path / "information/instructions/ask.md").write_text(INSTRUCTION)
    (tmp_path / "rows.csv").write_text("NAME\nNorth\nSouth\n")

    def make(server, instruction: str = INSTRUCTION) -> Path:
        settings = f'{{provider: openai_compatible, model: full, api_base: "{server.url}", options: {{local: true}}}}'
        (tmp_path / "config.yaml").write_text(f"llm_provider: {settings}\n")
        (tmp_path / "information/instructions/ask.md").write_text(instruction)
        return tmp_path

    return make


def test_assertions_are_held_against_every_answer(project, run):
    with openai_server(answers) as server:
        done = run(project(server), "run", "ask", "--test", "--batch", "rows.csv", "--json")

    assert done.returncode == 0
    (variant,) = json.loads(done.stdout)["variants"]
    assert (variant["name"], variant["passed"], variant["asserted"]) == ("openai_compatible/full", 8, 8)
    assert [case["name"] for case in variant["cases"]] == ["row 1, NAME=North", "row 2, NAME=South"]
    assert [one["value"] for one in variant["cases"][1]["assertions"]] == [
        "South",
        "Outlook",
        "as an AI",
        {"max": 40, "min": 3},
    ]


def test_models_stand_side_by_side_and_a_cut_answer_is_an_error(project, run, tmp_path):
    with openai_server(answers) as server:
        models = [argument for name in ("full", "terse", "cut") for argument in ("--model", name)]
        done = run(project(server), "run", "ask", "--test", "--batch", "rows.csv", *models, "--junit", "results.xml")

    assert done.returncode == 6
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["case", *(f"openai_compatible/{name}" for name in ("full", "terse", "cut"))]
    assert lines[3].split("  ")[0] == "all"
    assert "8 of 8" in lines[3]
    assert "6 of 8" in lines[3]
    assert "0 of 8" in lines[3]
    assert 'failed: openai_compatible/terse, row 1, NAME=North, contains "Outlook": it is not there' in lines
    assert sum("cut at its token limit" in line for line in lines) == 2
    assert lines[-2] == (
        "openai_compatible/terse is worse than openai_compatible/full by 25 points: "
        "0 cases better, 2 worse, which may be chance (p = 0.5)"
    )
    assert "10 of 24 assertions do not hold" in done.stderr

    suites = ElementTree.parse(tmp_path / "results.xml").getroot()
    assert [(suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in suites] == [
        ("8", "0", "0"),
        ("8", "2", "0"),
        ("8", "0", "8"),
    ]


def test_a_difference_that_chance_hardly_makes_is_called_so(project, run, tmp_path):
    with openai_server(answers) as server:
        folder = project(server)
        (tmp_path / "rows.csv").write_text("NAME\n" + "North\nSouth\n" * 3)
        models = ("--model", "full", "--model", "terse")
        done = run(folder, "run", "ask", "--test", "--batch", "rows.csv", *models, "--json")

    (comparison,) = json.loads(done.stdout)["comparisons"]
    assert comparison == {
        "variant": "openai_compatible/terse",
        "against": "openai_compatible/full",
        "difference": -0.25,
        "better": 0,
        "worse": 6,
        "p": 0.0312,
        "chance": False,
    }


def test_a_judge_answers_yes_or_no_and_a_second_run_pays_nothing(project, run):
    instruction = INSTRUCTION.replace("---\nWrite", '  - judge: ["Is it short?", "Is it French?"]\n---\nWrite')
    with openai_server(answers) as server:
        folder = project(server, instruction)
        done = run(folder, "run", "ask", "--test", "-p", "NAME=North")
        sent = len(server.requests)
        again = run(folder, "run", "ask", "--test", "-p", "NAME=North")

    assert done.returncode == again.returncode == 6
    assert 'failed: openai_compatible/full, the prompt, judge "Is it French?": the judge says no: it is English' in (
        done.stdout
    )
    assert done.stdout == again.stdout
    assert (sent, len(server.requests)) == (3, 3)


@pytest.mark.skipif(shutil.which("git") is None, reason="earlier revisions are read from git")
def test_an_earlier_revision_is_held_against_the_assertions_of_now(project, run, tmp_path):
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    with openai_server(answers) as server:
        folder = project(server, INSTRUCTION.replace("Write about {NAME}.", "Write about South, not {NAME}."))
        git("init", "-q")
        git("add", "information")
        git("commit", "-qm", "first")
        project(server)
        done = run(folder, "run", "ask", "--test", "-p", "NAME=East", "--revision", "HEAD", "--json")
        missing = run(folder, "run", "ask", "--test", "-p", "NAME=East", "--revision", "never")

    names = [variant["name"] for variant in json.loads(done.stdout)["variants"]]
    assert names == ["openai_compatible/full", "openai_compatible/full at HEAD"]
    sent = [request.body["messages"][-1]["content"] for request in server.requests]
    assert ["not East" in prompt for prompt in sent[:2]] == [False, True]
    assert missing.returncode == 2
    assert '--revision "never" is neither a date nor a commit' in missing.stderr


def test_what_cannot_be_tested_is_told(project, run):
    with openai_server(answers) as server:
        folder = project(server, "Write.\n")
        nothing = run(folder, "run", "ask", "--test")
        stdin = run(folder, "run", "-", "--test", stdin="Write.")
        alone = run(folder, "run", "ask", "--junit", "x.xml")
        both = run(folder, "run", "ask", "--test", "--stream")

    assert [done.returncode for done in (nothing, stdin, alone, both)] == [2, 2, 2, 2]
    assert "the instruction asserts nothing" in nothing.stderr
    assert "stdin declares no assertions" in stdin.stderr
    assert "--junit goes with --test" in alone.stderr
    assert "--test and --stream exclude each other" in both.stderr
    assert len(server.requests) == 0
