"""Records that are taken over from one database file into another."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from servers.records import opener
from trainer.mart import Tracker, copy_records, drain
from trainer.mart.spool import segments

WHEN = datetime(2025, 2, 14, 21, 0, 2, tzinfo=UTC)
TABLES = ("execution_starts", "execution_ends", "steps", "ingested")


@pytest.fixture
def old(tmp_path):
    return opener(tmp_path / "old.duckdb")


@pytest.fixture
def new(tmp_path):
    return opener(tmp_path / "new.duckdb")


def track(spool, day, *, count=3):
    tracker = Tracker(spool, clock=lambda: WHEN + timedelta(days=day))
    for index in range(count):
        execution = tracker.start("trainer", "report", {"report": f"é{index}", "context_key": "k"})
        tracker.step(execution, "render", seconds=0.1, inputs={"a": [1, None, 1e300]})
        tracker.complete(execution, {"seconds": 1.5, "cost": 0.1, "tokens_in": 10, "quality": 1 / 3})
    tracker.start("trainer", "run")
    tracker.close()


def rows(database):
    with database() as connection:
        return {table: sorted(connection.execute(f"FROM {table}").fetchall(), key=repr) for table in TABLES}


def test_every_record_arrives_once(tmp_path, old, new):
    for day in (0, 0, 3):
        track(tmp_path / "spool", day)
        drain(tmp_path / "spool", old)

    assert copy_records(old, new) == 3 * (4 + 3 + 3 + 1)
    assert rows(new) == rows(old)
    assert copy_records(old, new) == 0
    assert rows(new) == rows(old)


def test_records_of_both_are_kept(tmp_path, old, new):
    for database, day in ((old, 0), (new, 0), (new, 1)):
        track(tmp_path / "spool", day)
        drain(tmp_path / "spool", database)
    copy_records(old, new)
    found = rows(new)

    assert [len(found[table]) for table in TABLES] == [12, 9, 9, 3]


def test_what_came_since_is_added_and_an_end_that_is_there_stands(tmp_path, old, new):
    tracker = Tracker(tmp_path / "one", clock=lambda: WHEN)
    execution = tracker.start("trainer", "report")
    tracker.close()
    drain(tmp_path / "one", old)
    copy_records(old, new)
    for spool, database, cost in (("one", old, 1), ("two", new, 2)):
        late = Tracker(tmp_path / spool, clock=lambda: WHEN)
        late.complete(execution, {"cost": cost})
        late.close()
        drain(tmp_path / spool, database)

    assert copy_records(old, new) == 1
    assert [row[8] for row in rows(new)["execution_ends"]] == [2.0]


def test_a_segment_that_was_drained_into_the_old_one_is_not_drained_into_the_new_one(tmp_path, old, new):
    track(tmp_path / "spool", 0)
    (segment,) = segments(tmp_path / "spool")
    shutil.copy(segment, tmp_path / "kept")
    drain(tmp_path / "spool", old)
    shutil.copy(tmp_path / "kept", segment)
    copy_records(old, new)

    assert (drain(tmp_path / "spool", new).rows, segments(tmp_path / "spool")) == (0, [])
    assert rows(new) == rows(old)


def test_steps_that_look_alike_are_all_kept(tmp_path, old, new):
    with old() as connection:
        connection.execute("INSERT INTO steps (execution_id, seq) VALUES ('x', 1), ('x', 1), ('x', NULL)")

    assert (copy_records(old, new), copy_records(old, new)) == (3, 0)
    assert len(rows(new)["steps"]) == 3


def test_a_copy_that_fails_leaves_nothing(tmp_path, old, new):
    track(tmp_path / "spool", 0)
    drain(tmp_path / "spool", old)
    with new() as connection:
        connection.execute("DROP TABLE ingested")

    with pytest.raises(duckdb.CatalogException):
        copy_records(old, new)
    with new() as connection:
        assert connection.execute("SELECT count(*) FROM execution_starts").fetchall() == [(0,)]
