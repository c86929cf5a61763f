"""Rows a second that eight processes record in one local store, and what one call costs its caller.

Ours is a spool that is drained at the same time; beside it, one transaction a row in SQLite (WAL), and DuckDB opened,
written and closed for each row, trying again while another process has it open.

    python -m benchmarks.mart_tracking [processes] [seconds]
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import duckdb

from trainer.mart import MIGRATIONS, Tracker, drain
from trainer.security import mask_secrets

Figures = tuple[int, list[float], float, float]
"""Rows, seconds of each call, CPU seconds, and the moment of the last row."""
TABLE = "CREATE TABLE events (id TEXT, name TEXT, moment REAL, cost REAL, tokens INT, body TEXT)"
Work = Callable[[Path, float, "Queue[Figures]"], None]


def main(processes: int = 8, seconds: float = 3.0) -> None:
    """Print one line for each way to record."""
    print(f"{processes} processes, {seconds:g} s of recording, one row = one event of an execution")
    print(
        f"{'':<36}{'rows/s':>10}{'rows/CPU s':>12}{'p50 us':>10}{'p99 us':>10}{'max ms':>10}{'lost':>6}{'doubled':>9}"
    )
    spool(processes, seconds)
    compare("SQLite WAL, one row a transaction", sqlite_rows, processes, seconds)
    compare("DuckDB, open-insert-close, retry", duckdb_rows, processes, seconds)


def spool(processes: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        opener = open_mart(root / "bench.duckdb")
        with opener() as connection:
            for script in MIGRATIONS:
                connection.execute(script)
        workers, figures, began = start(spool_rows, processes, root, seconds)
        used = time.process_time()
        parts: list[Figures] = []
        while len(parts) < processes:
            check(drain(root / "spool", opener).error)
            with contextlib.suppress(queue.Empty):
                while True:
                    parts.append(figures.get(timeout=0.2))
        for worker in workers:
            worker.join()
        while (result := drain(root / "spool", opener)).segments:
            check(result.error)
        stored = time.monotonic() - began
        rows, calls, cpu, tracked = merged(parts, began)
        draining = time.process_time() - used
        with opener() as connection:
            question = """SELECT count(*), count(DISTINCT id) FROM (
                SELECT execution_id || kind AS id FROM (
                    SELECT execution_id, 's' AS kind FROM execution_starts
                    UNION ALL SELECT execution_id, 'e' FROM execution_ends
                    UNION ALL SELECT execution_id, seq::VARCHAR FROM steps))"""
            found = connection.execute(question).fetchone()
        assert found is not None
        line("recorded: in the spool, on the disk", rows / tracked, rows / cpu, calls)
        line(
            "drained: all in DuckDB",
            rows / stored,
            rows / (cpu + draining),
            calls,
            lost=rows - found[1],
            doubled=found[0] - found[1],
        )


def spool_rows(root: Path, seconds: float, figures: Queue[Figures]) -> None:
    tracker = Tracker(root / "spool", mask=mask_secrets)
    calls: list[float] = []
    used = time.process_time()
    until = time.perf_counter() + seconds
    rows = 0
    while (now := time.perf_counter()) < until:
        execution = tracker.start("trainer", "report", {"ticker": "ABBV", "n": rows})
        tracker.step(execution, "retrieve", seconds=0.1, source="yahoo_finance")
        tracker.step(execution, "complete", seconds=2.0, cost=0.01, tokens_in=1000, tokens_out=500)
        tracker.complete(execution, {"cost": 0.01})
        calls.append((time.perf_counter() - now) / 4)
        rows += 4
    tracker.close()
    figures.put((tracker.counts.written, calls, time.process_time() - used, time.monotonic()))


def compare(name: str, work: Work, processes: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_tables(root)
        workers, figures, began = start(work, processes, root, seconds)
        parts = [figures.get(timeout=120) for _ in workers]
        for worker in workers:
            worker.join()
        rows, calls, cpu, took = merged(parts, began)
        line(name, rows / took, rows / cpu, calls)


def make_tables(root: Path) -> None:
    """Before the race: SQLite refuses at once who wants WAL while another is just turning it on."""
    with contextlib.closing(sqlite3.connect(root / "bench.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(TABLE)
    with open_mart(root / "bench.duckdb")() as mart:
        mart.execute(TABLE)


def sqlite_rows(root: Path, seconds: float, figures: Queue[Figures]) -> None:
    connection = sqlite3.connect(root / "bench.sqlite", timeout=60, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO events VALUES ('x', 'complete', 1.5, 0.01, 1500, '{\"ticker\": \"ABBV\"}')")
        connection.execute("COMMIT")

    timed(insert, seconds, figures)


def duckdb_rows(root: Path, seconds: float, figures: Queue[Figures]) -> None:
    def insert() -> None:
        with open_mart(root / "bench.duckdb")() as connection:
            connection.execute("INSERT INTO events VALUES ('x', 'complete', 1.5, 0.01, 1500, '{\"ticker\": \"ABBV\"}')")

    timed(insert, seconds, figures)


def timed(insert: Callable[[], None], seconds: float, figures: Queue[Figures]) -> None:
    calls: list[float] = []
    used = time.process_time()
    until = time.perf_counter() + seconds
    while (now := time.perf_counter()) < until:
        insert()
        calls.append(time.perf_counter() - now)
    figures.put((len(calls), calls, time.process_time() - used, time.monotonic()))


def start(
    work: Work, processes: int, root: Path, seconds: float
) -> tuple[list[multiprocessing.process.BaseProcess], Queue[Figures], float]:
    """The workers, where their figures come from, and the moment when all of them had started."""
    context = multiprocessing.get_context("spawn")
    figures: Queue[Figures] = context.Queue()
    together = context.Barrier(processes + 1)
    workers = [context.Process(target=begin, args=(together, work, root, seconds, figures)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    together.wait(timeout=120)
    return list(workers), figures, time.monotonic()


def begin(together: Barrier, work: Work, root: Path, seconds: float, figures: Queue[Figures]) -> None:
    together.wait(timeout=120)
    work(root, seconds, figures)


def merged(parts: list[Figures], began: float) -> Figures:
    calls = sorted(call for part in parts for call in part[1])
    return sum(part[0] for part in parts), calls, sum(part[2] for part in parts), max(part[3] for part in parts) - began


def open_mart(path: Path) -> Callable[[], contextlib.AbstractContextManager[duckdb.DuckDBPyConnection]]:
    @contextlib.contextmanager
    def opened() -> Iterator[duckdb.DuckDBPyConnection]:
        pause = 0.001
        while True:
            try:
                connection = duckdb.connect(str(path))
                break
            except duckdb.IOException:
                time.sleep(pause)
                pause = min(pause * 2, 0.1)
        with connection:
            yield connection

    return opened


def line(name: str, rate: float, per_cpu: float, calls: list[float], *, lost: int = 0, doubled: int = 0) -> None:
    p50, p99 = (calls[int(len(calls) * part)] * 1e6 for part in (0.5, 0.99))
    times = f"{p50:>10,.1f}{p99:>10,.1f}{calls[-1] * 1e3:>10,.1f}"
    print(f"{name:<36}{rate:>10,.0f}{per_cpu:>12,.0f}{times}{lost:>6}{doubled:>9}")


def check(error: str) -> None:
    if error:
        raise SystemExit(error)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
