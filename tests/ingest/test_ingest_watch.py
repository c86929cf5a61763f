"""`trainer ingest --watch` through the real command, killed in the middle of its work, again and again."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import TRAINER
from trainer.actions.proposals import open_engine
from trainer.actions.wiring import open_store
from trainer.core.project import open_project


def watch(folder: Path, environment) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [TRAINER, "ingest", "--watch", "--json"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def kill_and_count(folder: Path, environment, *, kills: int, files: int, seed: int) -> dict[str, int]:
    """How often each file is in the store and in the table, after so many kills at random points and a last run."""
    chance = random.Random(seed)
    (folder / "config.yaml").write_text("ingest: {folders: [in], settle: 0.2s}\nmart: {enabled: false}\n")
    inbox = folder / "in"
    inbox.mkdir()
    written = 0
    for _ in range(kills):
        process = watch(folder, environment)
        deadline = time.monotonic() + chance.uniform(0.5, 4)
        while time.monotonic() < deadline:
            if written < files:
                (inbox / f"{written}.csv").write_text(
                    "invoice_number,invoice_date,amount,currency,counterparty\n"
                    f"I-{written},2024-01-05,120.50,EUR,Acme\nJ-{written},2024-01-06,99,EUR,Blox\n"
                )
                written += 1
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(
        [TRAINER, "ingest", "--json"], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert {one["state"] for one in json.loads(done.stdout)} <= {"inserted", "duplicate"}
    project = open_project(folder, environ={})
    rows = open_engine(project).catalog.rows("finance_treasury")
    store = open_store(project)
    versions = [len(store.history(f"ingest:in/{number}.csv")) for number in range(written)]
    assert versions == [1] * written
    return {"files": written, "rows": len(rows), "different": len({row.values["record_id"] for row in rows})}


def test_a_watch_that_is_killed_files_every_file_once(tmp_path, environment):
    counted = kill_and_count(tmp_path, environment, kills=2, files=12, seed=1)

    assert counted["rows"] == counted["different"] == 2 * counted["files"]


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_watch_that_is_killed_a_hundred_times_files_every_file_once(tmp_path, environment):
    counted = kill_and_count(tmp_path, environment, kills=100, files=2_000, seed=2)

    assert counted["rows"] == counted["different"] == 2 * counted["files"]


def test_a_watch_tells_each_file_as_a_line_and_ends_at_an_interrupt(tmp_path, environment):
    (tmp_path / "config.yaml").write_text("ingest: {folders: [in], settle: 0.2s}\nmart: {enabled: false}\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.md").write_text("# Steps\n\nOpen the valve.\n")
    process = watch(tmp_path, environment)
    assert process.stdout is not None

    told = json.loads(process.stdout.readline())
    os.kill(process.pid, signal.SIGINT)

    assert (told["file"], told["media_type"]) == ("in/a.md", "text/markdown")
    assert process.wait(30) in (0, 130)
