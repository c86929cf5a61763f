import contextlib
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from trainer.core.errors import UsageError
from trainer.mart import MIGRATIONS, Tracker, drain, executions, show

WHEN = datetime(2025, 2, 14, 21, 0, 2, tzinfo=UTC)


@pytest.fixture
def mart(tmp_path):
    with duckdb.connect(str(tmp_path / "mart.duckdb")) as connection:
        for script in MIGRATIONS:
            connection.execute(script)

    @contextlib.contextmanager
    def opener():
        with duckdb.connect(str(tmp_path / "mart.duckdb")) as connection:
            yield connection

    now = [WHEN]
    tracker = Tracker(tmp_path / "spool", clock=lambda: now[0], entropy=lambda count: b"\x01" * count)
    report = tracker.start("trainer", "report", {"reports": 2, "inputs": {"config.yaml": "sha"}})
    for name, cost in (("abbv", 0.25), ("bfly", None)):
        now[0] += timedelta(minutes=1)
        item = tracker.start("trainer", "item", {"report": name}, parent=report)
        tracker.step(item, "retrieve", seconds=0.5, source="yahoo_finance")
        tracker.step(item, "complete", seconds=2, cost=cost, tokens_in=10, tokens_out=5, model="m")
        ending = {"status": "success"} if cost else {"status": "fail", "error_class": "ProviderError", "error": "no"}
        tracker.complete(item, {"seconds": 3, "outputs": {f"{name}.md": "sha2"}, **ending})
    tracker.complete(report, {"seconds": 130})
    now[0] += timedelta(minutes=1)
    tracker.start("trainer", "run", {})
    tracker.close()
    assert drain(tmp_path / "spool", opener).rows == 11
    return opener


def names(found):
    return [(record.operation, record.context and record.context.get("report"), record.status) for record in found]


def soon():
    return WHEN + timedelta(hours=1)


def test_the_newest_come_first_and_one_without_an_end_is_running(mart):
    assert names(executions(mart, clock=soon)) == [
        ("run", None, "running"),
        ("item", "bfly", "fail"),
        ("item", "abbv", "success"),
        ("report", None, "success"),
    ]


def test_one_without_an_end_is_lost_after_a_day(mart):
    found = executions(mart, status="lost", clock=lambda: WHEN + timedelta(days=2))

    assert names(found) == [("run", None, "lost")]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"operation": "item"}, 2),
        ({"module": "other"}, 0),
        ({"status": "fail"}, 1),
        ({"status": "running"}, 1),
        ({"since": WHEN + timedelta(minutes=2)}, 2),
        ({"until": WHEN + timedelta(minutes=2)}, 2),
        ({"since": WHEN + timedelta(minutes=1), "until": WHEN + timedelta(minutes=3), "operation": "item"}, 2),
        ({"limit": 3}, 3),
    ],
)
def test_filters_narrow_what_is_listed(mart, filters, count):
    assert len(executions(mart, clock=soon, **filters)) == count


def test_a_record_holds_times_figures_inputs_and_outputs(mart):
    record = executions(mart, operation="item", status="fail", clock=soon)[0]

    assert record.started_at == record.ended_at == WHEN + timedelta(minutes=2)
    assert (record.seconds, record.error_class, record.error) == (3.0, "ProviderError", "no")
    assert (record.inputs, record.outputs, record.context) == (None, {"bfly.md": "sha2"}, {"report": "bfly"})


def test_an_execution_is_shown_with_its_steps_and_all_below_it(mart):
    report = executions(mart, operation="report", clock=soon)[0]
    tree = show(mart, report.execution_id, clock=soon)

    assert tree.execution.inputs == {"config.yaml": "sha"}
    assert [child.execution.context["report"] for child in tree.children] == ["abbv", "bfly"]
    assert [(step.name, step.seconds, step.cost, step.attributes) for step in tree.children[0].steps] == [
        ("retrieve", 0.5, None, {"source": "yahoo_finance"}),
        ("complete", 2.0, 0.25, {"model": "m"}),
    ]
    assert (tree.cost, tree.tokens) == (0.25, 30)
    assert (tree.children[1].cost, tree.children[1].tokens) == (None, 15)


def test_the_start_or_the_end_of_an_identity_is_enough_and_last_is_the_last_of_its_own(mart):
    run = executions(mart, operation="run", clock=soon)[0].execution_id

    assert show(mart, run[:12], clock=soon).execution.operation == "run"
    assert show(mart, run[-6:], clock=soon).execution.operation == "run"
    assert show(mart, "last", clock=soon).execution.operation == "run"


def test_an_unknown_and_an_ambiguous_identity_are_explained(mart):
    with pytest.raises(UsageError, match='no execution "zzz" is recorded\n  run: trainer mart executions'):
        show(mart, "zzz")
    with pytest.raises(UsageError, match='"0195" is the start or the end of several executions\n  one of: 0195'):
        show(mart, "0195")
