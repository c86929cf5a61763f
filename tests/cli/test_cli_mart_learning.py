"""The commands that show what the records say, and take proposals further and back."""

from __future__ import annotations

import json

import pytest

from trainer.cli.main import run
from trainer.mart import Tracker


@pytest.fixture
def here(blank, monkeypatch):
    """A project in which one of two candidates is clearly better."""
    monkeypatch.chdir(blank)
    config = blank / "config.yaml"
    config.write_text(
        config.read_text()
        + "\nmart:\n  department: finance\n  candidates:\n    documents.extract: [{method: slow}, {method: good}]\n"
    )
    tracker = Tracker(blank / ".trainer" / "spool")
    for number in range(60):
        method, quality = ("slow", 0.5) if number % 2 else ("good", 0.9)
        fields = {"config": {"method": method}, "propensity": 0.5, "context_key": "", "actor": "ann"}
        execution = tracker.start("documents", "extract", fields)
        tracker.complete(execution, {"quality": quality + 0.01 * (number % 5), "cost": 0.25, "seconds": 1})
    tracker.complete(tracker.start("trainer", "report", {"report": "overview"}), {"quality": 0.5})
    tracker.close()
    return blank


def as_json(capsys, *arguments: str):
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_change_is_proposed_taken_into_use_and_back(here, capsys):
    (item,) = as_json(capsys, "mart", "recommend", "--write")
    (policy,) = as_json(capsys, "mart", "config")
    states = [as_json(capsys, "mart", "config", "--advance", policy["name"])["state"] for _ in range(3)]
    active = as_json(capsys, "mart", "config", "documents.extract")
    retired = as_json(capsys, "mart", "config", "--retire", policy["name"])

    assert (item["action"], policy["config"], policy["replaces"]) == ("switch", {"method": "good"}, {"method": "slow"})
    assert states == ["shadow", "canary", "active"]
    assert (active["config"], active["policy"], retired["state"]) == ({"method": "good"}, "active", "retired")
    assert policy["evidence"]["gain"] == pytest.approx(0.4, abs=0.02)


def test_proposing_twice_writes_one_file(here, capsys):
    as_json(capsys, "mart", "recommend", "--write")
    (path,) = (here / "information" / "policies").iterdir()
    before = path.read_bytes()
    as_json(capsys, "mart", "recommend", "--write")

    assert [item.read_bytes() for item in (here / "information" / "policies").iterdir()] == [before]


def test_candidates_are_compared_with_what_is_approved(here, capsys):
    (item,) = as_json(capsys, "mart", "experiments")

    assert (item["comparison"]["verdict"], item["comparison"]["first"], item["candidate"]) == (
        "second",
        30,
        {"method": "good"},
    )


def test_a_rating_of_a_report_is_recorded(here, capsys):
    rated = as_json(capsys, "mart", "rate", "overview", "--score", "4", "--note", "clear")

    assert rated["score"] == 4
    assert as_json(capsys, "mart", "show", rated["execution"])["execution"]["context"] == {"report": "overview"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mart", "rate", "overviw", "--score", "4"], 'did you mean "overview"?'),
        (["mart", "rate", "overview", "--score", "9"], "9 is not from 1 to 5"),
        (["mart", "config", "--advance", "nobody"], "propose one: trainer mart recommend --write"),
        (["mart", "spend", "--since", "soon"], '--since "soon" is neither a date nor an age'),
    ],
)
def test_wrong_usage_is_explained(here, capsys, arguments, words):
    assert run(arguments) == 2
    assert words in capsys.readouterr().err


def test_tables_for_people_name_what_they_show(here, capsys):
    for command, first in (
        ("recommend", "action"),
        ("experiments", "operation"),
        ("spend", "department"),
        ("patterns", "workflow"),
    ):
        assert run(["mart", command]) == 0
        assert capsys.readouterr().out.startswith(first)
    assert run(["mart", "config", "documents.extract"]) == 0
    assert "chance" in capsys.readouterr().out
