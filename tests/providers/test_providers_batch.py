"""A completion for each row: order, resumption, partial failure, and kill -9."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from servers.clients import ENVIRON, call
from servers.openai import Reply, content_for, openai_server
from trainer.providers import BatchRow, CompletionCache, RetryPolicy, complete_rows, create_provider

CHILD = """
import sys
from pathlib import Path
from servers.clients import call
from trainer.providers import CompletionCache, RetryPolicy, BatchRow, create_provider, complete_rows
url, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
link = create_provider("openai_compatible", model="m", api_base=url)
cache = CompletionCache(folder / "cache")
rows = [BatchRow({"n": n}, call(f"row {n}", [link], cache=cache)) for n in range(count)]
result = complete_rows(rows, ledger=folder / "ledger.jsonl", output=folder / "out.jsonl", concurrency=8)
print(result.done, result.failed)
"""


def rows_of(server, count, **job):
    link = create_provider("openai_compatible", model="m", api_base=server.url)
    return [BatchRow({"n": n}, call(f"row {n}", [link], policy=RetryPolicy(retries=0), **job)) for n in range(count)]


def expected(n):
    return content_for([{"role": "user", "content": f"row {n}"}])


def test_lines_come_in_the_rows_order_whatever_order_the_answers_come_in(tmp_path):
    lines = []
    with openai_server(lambda server, seen: Reply(delay=random.random() / 20)) as server:
        result = complete_rows(
            rows_of(server, 40),
            ledger=tmp_path / "ledger.jsonl",
            output=tmp_path / "out.jsonl",
            concurrency=10,
            on_line=lines.append,
        )

    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["row"] for line in written] == list(range(1, 41))
    assert [line["content"] for line in written] == [expected(n) for n in range(40)]
    assert [json.loads(line) for line in lines] == written
    assert (result.done, result.failed, result.resumed) == (40, 0, 0)


def test_a_line_is_written_while_later_rows_are_still_under_way(tmp_path):
    completed_at_line = []

    def script(server, seen):
        return Reply(delay=1.0 if seen.body["messages"][0]["content"] in ("row 2", "row 3") else 0.001)

    with openai_server(script) as server:
        complete_rows(
            rows_of(server, 4),
            ledger=tmp_path / "ledger.jsonl",
            concurrency=2,
            on_line=lambda line: completed_at_line.append(server.completed),
        )

    assert len(completed_at_line) == 4
    assert completed_at_line[0] <= 2


def test_a_rerun_asks_only_for_what_failed(tmp_path):
    broken = True

    def script(server, seen):
        bad = broken and seen.body["messages"][0]["content"] in ("row 3", "row 7")
        return Reply(500) if bad else Reply()

    progress = []
    with openai_server(script) as server:
        rows = rows_of(server, 10)
        paths = {"ledger": tmp_path / "ledger.jsonl", "output": tmp_path / "out.jsonl"}
        first = complete_rows(rows, **paths, on_progress=progress.append)
        middle = [json.loads(line) for line in paths["output"].read_text().splitlines()]
        broken = False
        second = complete_rows(rows, **paths)

    assert (first.done, first.failed) == (8, 2)
    assert [number for number, _ in first.errors] == [4, 8]
    assert middle[3] == {
        "row": 4,
        "params": {"n": 3},
        "error": {"kind": "server", "message": middle[3]["error"]["message"]},
    }
    assert (progress[-1].done, progress[-1].failed, progress[-1].total) == (8, 2, 10)
    assert (second.done, second.failed, second.resumed) == (10, 0, 8)
    assert len(server.requests) == 12
    contents = [json.loads(line)["content"] for line in paths["output"].read_text().splitlines()]
    assert contents == [expected(n) for n in range(10)]


def test_two_equal_rows_give_two_lines(tmp_path):
    with openai_server() as server:
        (row,) = rows_of(server, 1)
        result = complete_rows([row, row], ledger=tmp_path / "ledger.jsonl", output=tmp_path / "out.jsonl")
        again = complete_rows([row, row], ledger=tmp_path / "ledger.jsonl", output=tmp_path / "out.jsonl")

    assert (result.done, again.resumed) == (2, 2)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2


def test_a_hopeless_failure_is_met_once_and_not_by_every_row(tmp_path):
    with openai_server(lambda server, seen: Reply(401)) as server:
        result = complete_rows(rows_of(server, 50), ledger=tmp_path / "ledger.jsonl", concurrency=4)

    assert result.failed == 50
    assert len(server.requests) == 4


def test_a_torn_ledger_line_is_paid_again_and_nothing_else(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    with openai_server() as server:
        rows = rows_of(server, 5)
        complete_rows(rows, ledger=ledger)
        ledger.write_bytes(ledger.read_bytes()[:-10])
        result = complete_rows(rows, ledger=ledger)
        last = complete_rows(rows, ledger=ledger)

    assert (result.resumed, last.resumed) == (4, 5)
    assert len(server.requests) == 6


def kill_and_resume(folder: Path, *, kills: int, rows: int, seed: int) -> tuple[int, int]:
    """How many completions the server finished, and how many kills hit a running batch."""
    luck = random.Random(seed)
    hits = 0
    with openai_server(latency=0.02) as server:
        command = [sys.executable, "-c", CHILD, server.url, str(folder), str(rows)]
        for _ in range(kills):
            before = server.completed
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRON)
            target = before + luck.randrange(1, max(2, 2 * rows // kills))
            deadline = time.monotonic() + 30
            while server.completed < target and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            hits += child.poll() is None
            child.send_signal(signal.SIGKILL)
            child.wait()
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRON)
        assert done.stdout.split() == [str(rows), "0"]
        lines = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
        assert [line["content"] for line in lines] == [expected(n) for n in range(rows)]
        return server.completed, hits


def test_kill_9_pays_again_at_most_for_the_calls_under_way(tmp_path):
    completed, hits = kill_and_resume(tmp_path, kills=8, rows=80, seed=1)

    assert hits >= 5
    assert 80 <= completed <= 80 + 8 * hits


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_hundred_kills_of_a_batch_of_200_rows(tmp_path):
    completed, hits = kill_and_resume(tmp_path, kills=100, rows=200, seed=2)

    assert hits >= 50
    assert 200 <= completed <= 200 + 8 * hits


def test_the_cache_spares_a_batch_without_its_ledger(tmp_path):
    cache = CompletionCache(tmp_path / "cache")
    with openai_server() as server:
        rows = rows_of(server, 6, cache=cache)
        complete_rows(rows, ledger=tmp_path / "one.jsonl")
        result = complete_rows(rows, ledger=tmp_path / "two.jsonl")

    assert len(server.requests) == 6
    assert (result.done, result.cost, result.tokens) == (6, 0.0, 0)
