"""What an answer costs with many executions recorded: choosing a configuration, recommending, completing, publishing.

`python -m benchmarks.mart_decisions 1000000` makes so many executions of 8 configurations in 200 contexts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from trainer.mart import (
    MIGRATIONS,
    LearnedFiles,
    TidyMartConfigProvider,
    TidyMartLearningEngine,
    Tracker,
    config_hash,
)
from trainer.mart.views import create_views

COLD = """
import time
began = time.process_time()
from pathlib import Path
import sys
from trainer.mart.publish import LearnedFiles
from trainer.mart.configuration import TidyMartConfigProvider
imported = time.process_time()
candidates = {"documents.extract": [{"m": number} for number in range(8)]}
provider = TidyMartConfigProvider(LearnedFiles(Path(sys.argv[1])), candidates=candidates)
provider.decide("documents", "extract", {"document_type": "t7"})
print(f"{(imported - began) * 1000:.1f} {(time.process_time() - imported) * 1000:.1f}")
"""


def main(count: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), count)


def _measure(folder: Path, count: int) -> None:
    configs = [{"m": number} for number in range(8)]
    hashes = ", ".join(f"'{config_hash(config)}'" for config in configs)
    with duckdb.connect(str(folder / "mart.duckdb")) as connection:
        for script in MIGRATIONS:
            connection.execute(script)
        connection.execute(  # own numbers
            f"""INSERT INTO trials SELECT printf('%026x', i), TIMESTAMP '2026-01-01' + to_seconds(i),
                'documents', 'extract', 'document_type=t' || (i % 200), [{hashes}][1 + (i // 200) % 8],
                '{{"m":' || ((i // 200) % 8) || '}}', true,
                0.5 + 0.02 * ((i // 200) % 8) + 0.1 * (hash(i) % 1000) / 1000, 0.01, 1.0, 0.125, true, 'explore'
            FROM range({count:d}) t(i)"""
        )
        create_views(connection)
        files = LearnedFiles(folder / "learned")
        files.folder.mkdir()
        began = time.perf_counter()
        files.publish(connection, [], afresh=True)
        print(f"{count:,} executions: everything published anew in {time.perf_counter() - began:.2f} s")
        began = time.perf_counter()
        files.publish(connection, [("documents", "extract", "document_type=t7")])
        print(f"  one context after a drain: {(time.perf_counter() - began) * 1000:.0f} ms")
    provider = TidyMartConfigProvider(files, candidates={"documents.extract": configs})
    engine = TidyMartLearningEngine(files)
    provider.decide("documents", "extract", {})
    _show(
        "configuration, warm, another context each time",
        lambda number: provider.decide("documents", "extract", {"document_type": f"t{number % 200}"}),
        400,
    )
    _show("recommendations of a module", lambda _: engine.get_optimization_recommendations("documents"), 20)
    tracker = Tracker(folder / "spool")
    execution = tracker.start("documents", "extract", {})
    _show("a step", lambda _: tracker.step(execution, "s", seconds=1.0), 20_000)
    started = [tracker.start("documents", "extract", {}) for _ in range(2000)]
    _show("a completion", lambda number: tracker.complete(started[number], {"cost": 0.1}), 2000)
    tracker.close()
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", COLD, str(files.folder)], capture_output=True, text=True, check=True
        )
        imported, answered = done.stdout.split()
        print(f"  a process of its own: {imported} ms for imports, {answered} ms for its answer")


def _show(name: str, call: Callable[[int], object], times: int) -> None:
    seconds = []
    for number in range(times):
        began = time.thread_time()  # of this thread's CPU: other work on the machine is no cost of ours
        call(number)
        seconds.append(time.thread_time() - began)
    seconds.sort()
    p50, p95, p99 = (seconds[int(times * share)] * 1000 for share in (0.5, 0.95, 0.99))
    print(f"  {name}: p50 {p50:.4f} ms, p95 {p95:.4f} ms, p99 {p99:.4f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
