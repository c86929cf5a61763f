import contextlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
import zlib
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from servers.records import opener
from trainer.core.errors import StoreError
from trainer.mart import Tracker, backlog, drain, read_breaker
from trainer.mart.spool import adopt, elected, segments

WHEN = datetime(2025, 2, 14, 21, 0, 2, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def database(tmp_path):
    return opener(tmp_path / "mart.duckdb")


def ask(database, question):
    with database() as connection:
        return connection.execute(question).fetchall()


def track(spool, count=3, **more):
    tracker = Tracker(spool, **more)
    for index in range(count):
        execution = tracker.start("trainer", "report", {"report": str(index)})
        tracker.step(execution, "render", seconds=0.5)
        tracker.complete(execution, {"seconds": 1.5, "cost": 0.25, "tokens_in": 10, "tokens_out": 20})
    tracker.close()


def line(**fields):
    body = json.dumps(fields).encode()[1:]
    return b'{"c":"%08x",%s\n' % (zlib.crc32(body), body)


def test_what_was_tracked_stands_in_the_tables_and_the_spool_is_empty(spool, database):
    track(spool, clock=lambda: WHEN)
    result = drain(spool, database, clock=lambda: WHEN)

    assert (result.rows, result.segments, result.quarantined, result.error, result.skipped) == (9, 1, 0, "", "")
    assert segments(spool) == []
    assert ask(
        database,
        "SELECT module, operation, context->>'report', started_at, ended_at, seconds, status, cost, tokens_in,"
        " tokens_out FROM executions ORDER BY execution_id LIMIT 1",
    ) == [
        ("trainer", "report", "0", WHEN.replace(tzinfo=None), WHEN.replace(tzinfo=None), 1.5, "success", 0.25, 10, 20)
    ]
    assert ask(database, "SELECT count(*), min(name), min(seconds) FROM steps") == [(3, "render", 0.5)]


def test_nothing_tracked_is_nothing_drained_and_the_store_stays_shut(spool):
    def never():
        raise AssertionError

    assert drain(spool, never).rows == 0


def test_a_segment_that_comes_back_is_not_counted_again(spool, database):
    track(spool)
    (segment,) = segments(spool)
    copy = segment.with_suffix(".kept")
    shutil.copy(segment, copy)
    drain(spool, database)
    copy.rename(segment)
    again = drain(spool, database)

    assert (again.rows, again.segments) == (0, 1)
    assert segments(spool) == []
    assert ask(database, "SELECT count(*) FROM executions") == [(3,)]


def test_a_torn_line_and_a_changed_one_are_kept_aside_and_the_others_stored(spool, database):
    track(spool)
    (segment,) = segments(spool)
    lines = segment.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"render", b"rendes")
    segment.write_bytes(b"".join(lines) + b'{"c":"0000')
    result = drain(spool, database)

    assert (result.rows, result.quarantined) == (8, 2)
    assert (spool / "quarantine" / f"{segment.stem}.bad").read_bytes() == lines[4] + b'{"c":"0000\n'
    assert ask(database, "SELECT rows, bad FROM ingested") == [(8, 2)]
    assert backlog(spool).warnings == ("1 files of unreadable records lie in quarantine/ beside the segments",)
    assert sorted(path.name for path in spool.iterdir()) == ["drain.lock", "quarantine"]


def test_a_row_the_database_refuses_poisons_no_other(spool, database):
    track(spool)
    (segment,) = segments(spool)
    poison = line(kind="end", execution_id="x", at=1, tokens_in="many")
    segment.with_name("0-1-a-0.ready").write_bytes(line(kind="step", execution_id="y", at=2, operation="fine") + poison)
    result = drain(spool, database)

    assert (result.rows, result.quarantined, result.error) == (10, 1, "")
    assert (spool / "quarantine" / "0-1-a-0.bad").read_bytes() == poison
    assert ask(database, "SELECT name FROM steps WHERE execution_id = 'y'") == [("fine",)]


def test_a_dead_process_leaves_its_segment_to_the_next_and_a_live_one_keeps_it(spool, database):
    code = """
        import os, pathlib, sys, time
        from trainer.mart import Tracker
        tracker = Tracker(pathlib.Path(sys.argv[1]))
        tracker.start("trainer", "run", {})
        time.sleep(0.2)
        os.kill(os.getpid(), 9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(spool)], check=False)
    alive = Tracker(spool)
    alive.start("trainer", "alive")
    deadline = time.monotonic() + 20
    while len(segments(spool)) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    waiting = backlog(spool)
    result = drain(spool, database)
    alive.close()

    assert waiting.segments >= 1
    assert result.adopted == 1
    assert ask(database, "SELECT operation FROM executions ORDER BY 1")[-1] == ("run",)
    assert adopt(spool) == []


def test_an_unreachable_store_is_tried_less_and_less_and_then_caught_up(spool, database):
    @contextlib.contextmanager
    def unreachable():
        raise StoreError("the database cannot be used: locked")
        yield

    now = [WHEN]
    results = []
    for _ in range(6):
        track(spool, 1)
        results.append(drain(spool, unreachable, clock=lambda: now[0]))
        now[0] += timedelta(seconds=5)

    assert [bool(result.error) for result in results] == [True, True, True, False, False, False]
    assert results[3].skipped == "the store failed 3 times, last: the database cannot be used: locked"
    assert backlog(spool).segments == 6
    now[0] = WHEN + timedelta(seconds=45)
    assert drain(spool, database, clock=lambda: now[0]).rows == 18
    assert read_breaker(spool).failures == 0


def test_force_tries_although_the_breaker_is_open(spool, database):
    @contextlib.contextmanager
    def unreachable():
        raise duckdb.IOException("no")
        yield

    track(spool, 1)
    for _ in range(3):
        drain(spool, unreachable, clock=lambda: WHEN)

    assert drain(spool, database, clock=lambda: WHEN).rows == 0
    assert drain(spool, database, clock=lambda: WHEN, force=True).rows == 3


def test_only_one_process_drains_and_the_other_does_not_wait(spool, database):
    track(spool)
    with elected(spool) as won:
        result = drain(spool, database)
        seen = backlog(spool)

    assert won
    assert result.skipped == "another process drains"
    assert seen.drainer == f"PID {os.getpid()}"
    assert (seen.segments, seen.writing) == (1, 0)
    assert drain(spool, database).rows == 9


def test_a_drain_cut_short_before_its_commit_is_done_again(spool, database):
    class CutError(Exception):
        pass

    @contextlib.contextmanager
    def cut():
        with database() as connection:

            class Cutting:
                def execute(self, statement, *more):
                    if statement == "COMMIT":
                        raise CutError
                    return connection.execute(statement, *more)

                def __getattr__(self, name):
                    return getattr(connection, name)

            yield Cutting()

    track(spool)
    with pytest.raises(CutError):
        drain(spool, cut)

    assert ask(database, "SELECT count(*) FROM executions") == [(0,)]
    assert drain(spool, database).rows == 9
    assert ask(database, "SELECT count(*), count(DISTINCT execution_id) FROM executions") == [(3, 3)]


FULL = """
    import contextlib, pathlib, resource, signal, sys
    import duckdb
    from trainer.mart import drain
    root = pathlib.Path(sys.argv[1])

    @contextlib.contextmanager
    def opener():
        with duckdb.connect(str(root / "mart.duckdb")) as connection:
            yield connection

    sys.dont_write_bytecode = True
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    result = drain(root / "spool", opener)
    print(result.rows, bool(result.error))
"""


def test_a_disk_that_fills_while_draining_loses_and_doubles_nothing(tmp_path, spool, database):
    track(spool, 5000)
    assert ask(database, "SELECT count(*) FROM executions") == [(0,)]
    size = (tmp_path / "mart.duckdb").stat().st_size
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path), str(size)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "0 True\n"
    assert backlog(spool).segments > 0
    assert drain(spool, database).rows == 15_000
    assert ask(database, "SELECT count(*), count(DISTINCT execution_id) FROM executions") == [(5000, 5000)]


DRAINER = """
    import contextlib, os, pathlib, sys
    import duckdb
    from trainer.mart import drain
    root = pathlib.Path(sys.argv[1])

    @contextlib.contextmanager
    def opener():
        with duckdb.connect(str(root / "mart.duckdb")) as connection:
            yield connection

    print("ready", flush=True)
    drain(root / "spool", opener, force=True)
"""


def test_a_drainer_killed_at_any_moment_loses_and_doubles_nothing(tmp_path, spool, database):
    assert ask(database, "SELECT count(*) FROM executions") == [(0,)]
    rounds = 12
    for number in range(rounds):
        track(spool, 2000)
        command = [sys.executable, "-c", textwrap.dedent(DRAINER), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(number * 0.02)
            process.kill()
    drain(spool, database, force=True)

    total = rounds * 2000
    assert ask(database, "SELECT count(*), count(DISTINCT execution_id) FROM executions") == [(total, total)]
    assert ask(database, "SELECT count(*), count(DISTINCT execution_id) FROM steps") == [(total, total)]
    assert segments(spool) == []
    assert backlog(spool).quarantined == 0


def test_an_execution_that_two_processes_end_is_ended_once(spool, database):
    first, second = Tracker(spool), Tracker(spool)
    execution = first.start("trainer", "report")
    first.complete(execution, {"cost": 1})
    first.close()
    drain(spool, database)
    second.complete(execution, {"cost": 2})
    second.complete(second.start("trainer", "report"), {"cost": 4})
    second.close()
    drain(spool, database)

    assert ask(database, "SELECT cost FROM executions ORDER BY cost") == [(1.0,), (4.0,)]


def test_an_old_and_a_large_backlog_are_warned_of(spool, monkeypatch):
    track(spool, clock=lambda: WHEN)
    monkeypatch.setattr("trainer.mart.spool.WARN_BYTES", 100)
    found = backlog(spool, clock=lambda: WHEN + timedelta(days=3))

    assert found.oldest_seconds == 3 * 86_400
    assert found.warnings == (
        "0 MB of records wait to be stored; run: trainer mart executions",
        "records wait since 3 days; run: trainer mart executions",
    )


@pytest.mark.soak
def test_an_hour_without_a_store_at_1000_executions_a_minute_is_caught_up(spool, database):
    now = [WHEN]
    tracker = Tracker(spool, clock=lambda: now[0])
    for index in range(60_000):
        now[0] += timedelta(milliseconds=60)
        execution = tracker.start("trainer", "report", {"n": index})
        tracker.step(execution, "complete", tokens_in=1000, cost=0.01)
        tracker.complete(execution, {"cost": 0.01})
    tracker.close()
    waiting = backlog(spool)
    began = time.perf_counter()
    result = drain(spool, database)
    took = time.perf_counter() - began

    print(f"{result.rows} rows of {waiting.segments} segments, {waiting.bytes / 1e6:.0f} MB, caught up in {took:.2f} s")
    assert (result.rows, result.quarantined, result.error) == (180_000, 0, "")


WORKER = """
    import contextlib, pathlib, random, sys
    import duckdb
    from trainer.mart import Tracker, drain
    root, name, count = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

    @contextlib.contextmanager
    def opener():
        while True:
            try:
                connection = duckdb.connect(str(root / "mart.duckdb"))
                break
            except duckdb.IOException:
                pass
        with connection:
            yield connection

    tracker = Tracker(root / "spool", most_queued=500)
    for index in range(count):
        execution = tracker.start("m", "o", {"name": f"{name}-{index}"})
        tracker.step(execution, "s")
        tracker.complete(execution, {"cost": 1})
        if index % (count // 4) == 0:
            result = drain(root / "spool", opener, force=True)
            assert not result.error, result.error
    tracker.close()
"""


def test_eight_processes_that_track_and_drain_lose_and_double_nothing(tmp_path, spool, database):
    ask(database, "SELECT 1")
    command = [sys.executable, "-c", textwrap.dedent(WORKER), str(tmp_path)]
    workers = [subprocess.Popen([*command, str(name), "1000"]) for name in range(8)]
    codes = [worker.wait(timeout=120) for worker in workers]
    drain(spool, database)

    assert codes == [0] * 8
    assert ask(database, "SELECT count(*), count(DISTINCT context->>'name'), sum(cost) FROM executions") == [
        (8000, 8000, 8000.0)
    ]
    assert ask(database, "SELECT count(*), count(DISTINCT execution_id) FROM steps") == [(8000, 8000)]
    assert backlog(spool).quarantined == 0
