"""Several processes that write one document after the other to one file: the stores, and open-and-retry on DuckDB.

    python -m benchmarks.stores_writers [processes] [documents]

The longest wait is what the lock is for: DuckDB refuses a second opener at once, and retrying starves somebody.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WRITERS = {
    "DuckDB store, fair lock": """
from trainer.stores import create_store
store = create_store("duckdb", database_path=path, timeout=600)
def write(number): store.store(f"{name}:{number}", {"number": number, "text": "x" * 200})
""",
    "DuckDB, open and retry": """
import duckdb, random
def write(number):
    while True:
        try:
            with duckdb.connect(path) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS d (key VARCHAR, data JSON)")
                row = [f"{name}:{number}", json.dumps({"number": number, "text": "x" * 200})]
                connection.execute("INSERT INTO d VALUES (?, ?)", row)
            return
        except duckdb.Error as error:
            if "lock" not in str(error) and "onflict" not in str(error):
                raise
            time.sleep(random.uniform(0.001, 0.02))
""",
    "SQLite store, WAL": """
from trainer.stores import create_store
store = create_store("sqlite", database_path=path, timeout=600)
def write(number): store.store(f"{name}:{number}", {"number": number, "text": "x" * 200})
""",
}
LOOP = """
write(-1)
waits, begun = [], time.perf_counter()
for number in range(documents):
    at = time.perf_counter()
    write(number)
    waits.append(time.perf_counter() - at)
print(json.dumps([waits, time.perf_counter() - begun]))
"""


def main(processes: int = 8, documents: int = 30) -> None:
    """Print the rate and the waits of each way, and their ratios to open-and-retry."""
    print(f"{processes} processes x {documents} documents, one at a time")
    found = {name: race(code + LOOP, processes, documents) for name, code in WRITERS.items()}
    base = found["DuckDB, open and retry"]
    for name, (rate, p95, longest) in found.items():
        print(
            f"{name:26} {rate:7.1f}/s ({rate / base[0]:5.2f} x)   p95 {p95 * 1000:7.0f} ms   "
            f"longest {longest * 1000:7.0f} ms ({longest / base[2]:5.2f} x)"
        )


def race(code: str, processes: int, documents: int) -> tuple[float, float, float]:
    """Documents a second of all together, the 95th percentile of the waits, and the longest."""
    head = "import json, sys, time\npath, name, documents = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        running = [
            subprocess.Popen(
                [sys.executable, "-c", head + code, str(Path(folder) / "file"), f"w{index}", str(documents)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for index in range(processes)
        ]
        answers = [json.loads(process.communicate()[0]) for process in running]
        seconds = time.perf_counter() - begun
    waits = sorted(wait for found, _ in answers for wait in found)
    return processes * (documents + 1) / seconds, waits[int(len(waits) * 0.95)], waits[-1]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
