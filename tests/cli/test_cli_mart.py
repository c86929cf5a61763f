import json
from pathlib import Path

import pytest

from trainer.mart import Tracker


@pytest.fixture
def recorded(blank: Path) -> Path:
    """A project with one recorded run: two items, one of which failed."""
    tracker = Tracker(blank / ".trainer" / "spool")
    report = tracker.start("trainer", "report", {"report": "all", "inputs": {"config.yaml": "sha"}})
    item = tracker.start("trainer", "item", {"report": "abbv"}, parent=report)
    tracker.step(item, "complete", seconds=2, cost=0.25, tokens_in=1000, tokens_out=500, model="m")
    tracker.complete(item, {"seconds": 3, "outputs": {"abbv.md": "sha2"}})
    item = tracker.start("trainer", "item", {"report": "bfly"}, parent=report)
    tracker.complete(item, {"seconds": 1, "status": "fail", "error_class": "ProviderError", "error": "no answer"})
    tracker.complete(report, {"seconds": 4})
    tracker.close()
    return blank


def test_executions_are_listed_newest_first(recorded: Path, run) -> None:
    done = run(recorded, "mart", "executions")
    lines = [line.split() for line in done.stdout.splitlines()]

    assert done.returncode == 0, done.stderr
    assert lines[0] == ["execution", "started", "operation", "subject", "status", "seconds", "tokens", "cost"]
    assert [line[3:] for line in lines[1:]] == [
        ["item", "bfly", "fail", "1", "-", "-"],
        ["item", "abbv", "success", "3", "-", "-"],
        ["report", "all", "success", "4", "-", "-"],
    ]


def test_filters_and_json_go_together(recorded: Path, run) -> None:
    done = run(recorded, "mart", "executions", "--operation", "item", "--status", "fail", "--since", "1d", "--json")
    (found,) = json.loads(done.stdout)

    assert (found["operation"], found["error_class"], found["context"]) == ("item", "ProviderError", {"report": "bfly"})
    assert run(recorded, "mart", "executions", "--until", "1d", "--json").stdout == "[]\n"


def test_the_last_execution_is_shown_with_all_below_it(recorded: Path, run) -> None:
    done = run(recorded, "mart", "show", "last")
    text = "\n".join(line.rpartition("  01")[0] or line for line in done.stdout.splitlines())

    assert done.returncode == 0, done.stderr
    assert (
        text
        == """\
report all: success (4.000 s, 1,500 tokens, $0.2500)
  context.report = all
  inputs.config.yaml = sha
  item abbv: success (3.000 s, 1,500 tokens, $0.2500)
    context.report = abbv
    outputs.abbv.md = sha2
    - complete: success (2.000 s, 1,500 tokens, $0.2500)
        attributes.model = m
  item bfly: fail (1.000 s)
    ProviderError: no answer
    context.report = bfly"""
    )


def test_json_of_one_execution_holds_the_tree(recorded: Path, run) -> None:
    tree = json.loads(run(recorded, "mart", "show", "last", "--json").stdout)

    assert [child["execution"]["status"] for child in tree["children"]] == ["success", "fail"]
    assert tree["children"][0]["steps"][0]["cost"] == 0.25


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "zzz"], 'no execution "zzz" is recorded\n  run: trainer mart executions'),
        (["executions", "--status", "failed"], 'unknown status "failed"\n  did you mean "fail"?'),
        (["executions", "--since", "soon"], '--since "soon" is neither a date nor an age'),
        (["executions", "--limit", "0"], "0 is not at least 1"),
    ],
)
def test_wrong_usage_is_explained(recorded: Path, run, arguments: list[str], said: str) -> None:
    done = run(recorded, "mart", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_an_empty_project_has_no_records(blank: Path, run) -> None:
    assert run(blank, "mart", "executions", "--json").stdout == "[]\n"


def test_a_broken_database_loses_no_record(recorded: Path, run) -> None:
    database = recorded / ".trainer" / "trainer.duckdb"
    database.write_bytes(b"not a database" * 1000)

    broken = run(recorded, "mart", "executions")
    database.unlink()
    mended = run(recorded, "mart", "executions", "--json")

    assert (broken.returncode, broken.stdout) == (1, "")
    assert "the records cannot be stored" in broken.stderr
    assert len(json.loads(mended.stdout)) == 3
