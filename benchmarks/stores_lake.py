"""Several processes that add versions to one lake; the same on the stores, and on DuckDB by open-and-retry.

    python -m benchmarks.stores_lake [processes] [turns] [versions]

The lake's catalogue needs a PostgreSQL server: TRAINER_TEST_POSTGRES, by default a local one.
Bound: no failure, no lost version, and the past reads as it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from trainer.stores import RECORD_STORES

WRITERS = {
    "DuckLake": """
from trainer.stores import RECORD_STORES
lake = RECORD_STORES.load("ducklake")(Path(folder) / "lake", url, timeout=600)
add = lake.add
""",
    "DuckDB store, fair lock": """
from trainer.stores import create_store
add = create_store("duckdb", database_path=Path(folder) / "store.duckdb", timeout=600).import_documents
""",
    "SQLite store, WAL": """
from trainer.stores import create_store
add = create_store("sqlite", database_path=Path(folder) / "store.sqlite", timeout=600).import_documents
""",
    "DuckDB, open and retry": """
import duckdb, random
def add(documents):
    rows = json.dumps([[document.key, json.dumps(document.data)] for document in documents])
    while True:
        try:
            with duckdb.connect(Path(folder) / "plain.duckdb") as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS d (key VARCHAR, data JSON)")
                given = '''SELECT unnest(from_json(?, '[["VARCHAR"]]')) AS r'''
                connection.execute(f"INSERT INTO d SELECT r[1], r[2] FROM ({given})", [rows])
            return len(documents)
        except duckdb.Error as error:
            if "lock" not in str(error) and "onflict" not in str(error):
                raise
            time.sleep(random.uniform(0.001, 0.02))
""",
}
HEAD = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path
from trainer.core.values import StoredData
folder, url, name, turns, versions = *sys.argv[1:4], *map(int, sys.argv[4:])
"""
LOOP = """
def documents(turn):
    now = datetime.now(UTC)
    return [
        StoredData(f"{name}:{turn}:{n}", {"n": n, "text": "x" * 200}, "api", now, now, {"as_of": "2025-02-14"}, 1)
        for n in range(versions)
    ]
add(documents(-1))
waits, added = [], 0
for turn in range(turns):
    batch, at = documents(turn), time.perf_counter()
    added += add(batch)
    waits.append(time.perf_counter() - at)
print(json.dumps([added, waits]))
"""


def main(processes: int = 4, turns: int = 4, versions: int = 5000) -> None:
    """Print the rate and the waits of each way, their ratios to SQLite's, and what the lake's past reads like."""
    print(f"{processes} processes x {turns} turns x {versions} versions")
    names = [f"w{index}" for index in range(processes)]
    with catalogue() as url, tempfile.TemporaryDirectory() as folder:
        found = {name: race(code, (folder, url), names, (turns, versions)) for name, code in WRITERS.items()}
        base = found["SQLite store, WAL"]
        for name, (added, rate, waits) in found.items():
            print(
                f"{name:26} {rate:8.0f}/s ({rate / base[1]:5.2f} x)   p50 {waits[len(waits) // 2] * 1000:6.0f} ms   "
                f"longest {waits[-1] * 1000:6.0f} ms ({waits[-1] / base[2][-1]:5.2f} x)   "
                f"lost {processes * turns * versions - added}"
            )
        read_back(folder, url, processes * (turns + 1) * versions)


def race(code: str, place: tuple[str, str], names: list[str], sizes: tuple[int, int]) -> tuple[int, float, list[float]]:
    """Versions added, versions a second of all processes together, and the waits, sorted; the first turn is not timed.

    Raises where a process failed.
    """
    begun = time.perf_counter()
    script = HEAD + code + LOOP
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, *place, name, *map(str, sizes)], stdout=subprocess.PIPE, text=True
        )
        for name in names
    ]
    answers = [json.loads(process.communicate()[0]) for process in running]
    seconds = time.perf_counter() - begun
    waits = sorted(wait for _, found in answers for wait in found)
    return sum(added for added, _ in answers), len(names) * (sizes[0] + 1) * sizes[1] / seconds, waits


def read_back(folder: str, url: str, wanted: int) -> None:
    """Print what is lost or doubled in the lake, now and as it was before one more writer came; then compacted."""
    lake = RECORD_STORES.load("ducklake")(Path(folder) / "lake", url)
    then, late = datetime.now(UTC), 100
    race(WRITERS["DuckLake"], (folder, url), ["late"], (1, late))
    for name in ("as written", "compacted"):
        for what, moment, right in (("now", None, wanted + 2 * late), ("the past", then, wanted)):
            begun = time.perf_counter()
            found = sum(1 for _ in lake.read(as_of=moment))
            rate = found / (time.perf_counter() - begun)
            print(f"the lake {name}, {what}: {found:,} versions, {found - right} too many, read at {rate:,.0f}/s")
        lake.compact()


@contextmanager
def catalogue() -> Iterator[str]:
    """The address of a schema of its own, dropped afterwards."""
    url = os.environ.get("TRAINER_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
    schema = f"trainer_bench_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {schema}")
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
        admin.execute(f"DROP SCHEMA {schema} CASCADE")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
