"""An hour without a store at 1,000 executions a minute: what its callers see, and how long catching up takes.

    python -m benchmarks.mart_hour [executions]

Bound: no caller sees it, and all is caught up in under 5 seconds. Beside it, the same rows put into SQLite (WAL) in
one transaction, and into DuckDB opened, written and closed for each of the first rows.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from trainer.core.errors import StoreError
from trainer.mart import MIGRATIONS, Tracker, drain
from trainer.security import mask_secrets
from trainer.stores import DatabaseFile

TABLE = "CREATE TABLE events (id TEXT, kind TEXT, moment BIGINT, cost DOUBLE, tokens BIGINT, body TEXT)"
SINGLES = 200
FIVE_SECONDS = 5


def main(executions: int = 60_000) -> None:
    """Print the waits of the callers, and the rate of each way to catch up with its ratio to SQLite's."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        waits = track(root / "spool", executions)
        print(f"{executions:,} executions while the store is down, tried once a minute: each call of the callers")
        print(", ".join(f"{name} {waits[int(len(waits) * part)] * 1e6:,.0f} us" for name, part in PARTS.items()))
        rows = [json.loads(line) for path in sorted((root / "spool").glob("*.ready")) for line in path.open("rb")]
        opener = partial(DatabaseFile(root / "bench.duckdb").open, "mart", MIGRATIONS)
        seconds = timed(lambda: drain(root / "spool", opener, force=True))
        with opener() as connection:
            found = connection.execute("SELECT count(*), count(DISTINCT execution_id) FROM executions").fetchall()
        assert found == [(executions, executions)], found
        base = len(rows) / timed(lambda: sqlite_rows(root, rows))
        singly = SINGLES / timed(lambda: duckdb_rows(root, rows[:SINGLES]))
        for name, rate in {
            f"drained in {seconds:.2f} s": len(rows) / seconds,
            "SQLite WAL, one transaction": base,
            "DuckDB, open-insert-close a row": singly,
        }.items():
            print(f"{name:32} {rate:12,.0f} rows/s ({rate / base:8.4f} x)")
        assert seconds < FIVE_SECONDS, f"catching up took {seconds:.1f} s"


PARTS = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def track(spool: Path, executions: int) -> list[float]:
    """The seconds of each call, sorted; the clock of the records runs an hour while nothing can be drained."""
    now = [datetime(2025, 2, 14, tzinfo=UTC)]
    tracker = Tracker(spool, mask=mask_secrets)
    waits: list[float] = []
    for index in range(executions):
        now[0] += timedelta(hours=1) / executions
        begun = time.perf_counter()
        execution = tracker.start("trainer", "report", {"ticker": "ABBV", "n": index})
        tracker.step(execution, "complete", seconds=2.0, cost=0.01, tokens_in=1000, tokens_out=500)
        tracker.complete(execution, {"cost": 0.01})
        waits.append((time.perf_counter() - begun) / 3)
        if index % 1000 == 0:
            drain(spool, unreachable, clock=lambda: now[0])
    tracker.close()
    assert tracker.counts.written == 3 * executions, tracker.counts
    return sorted(waits)


@contextlib.contextmanager
def unreachable() -> Iterator[duckdb.DuckDBPyConnection]:
    """The opener of a server that is down."""
    raise StoreError("the server cannot be reached")
    yield


def sqlite_rows(root: Path, rows: list[dict[str, object]]) -> None:
    """All the rows in one transaction."""
    with contextlib.closing(sqlite3.connect(root / "bench.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(TABLE)
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", map(values, rows))
        connection.commit()


def duckdb_rows(root: Path, rows: list[dict[str, object]]) -> None:
    """Each row by an opening of its own."""
    path = str(root / "plain.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute(TABLE)
    for row in rows:
        with duckdb.connect(path) as connection:
            connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", values(row))


def values(row: dict[str, object]) -> tuple[object, ...]:
    """The columns of a line of the spool."""
    plain = ("execution_id", "kind", "at", "cost", "tokens_in")
    return (*(row.get(name) for name in plain), json.dumps(row))


def timed(call: Callable[[], object]) -> float:
    """The seconds a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
