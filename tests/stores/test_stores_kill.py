"""Processes that are killed at random while they write to one store: nothing acknowledged is lost, nothing is torn."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time

import pytest

from servers.stores import shared_options
from trainer.core.digest import digest
from trainer.stores import create_store

WRITER = """
import json, sys, time
from trainer.stores import create_store
options, name, first, last = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = create_store(**options)
worst = 0.0
for number in range(first, last):
    data = {"writer": name, "number": number, "text": chr(97 + number % 26) * (number % 500)}
    begun = time.perf_counter()
    store.store(f"{name}:{number}", data)
    store.store("shared", data)
    worst = max(worst, time.perf_counter() - begun)
    print(json.dumps([number, round(worst, 3)]), flush=True)
"""


def race(options, folder, *, processes, documents, kills, seed):
    """Acknowledged numbers of each writer, and the longest wait; killed writers start again where they were."""
    chance = random.Random(seed)
    acknowledged = {f"w{index}": [] for index in range(processes)}
    running, waits = {}, [0.0]

    def go(name):
        first = acknowledged[name][-1] + 1 if acknowledged[name] else 0
        log = (folder / f"{name}.{first}.{kills}").open("w+")
        command = [sys.executable, "-c", WRITER, json.dumps(options), name, str(first), str(documents)]
        running[name] = (subprocess.Popen(command, stdout=log), log)

    for name in acknowledged:
        go(name)
    while running:
        time.sleep(chance.uniform(0.2, 0.6))
        if kills and chance.random() < 0.7:
            running[chance.choice(sorted(running))][0].send_signal(signal.SIGKILL)
            kills -= 1
        for name, (process, log) in list(running.items()):
            if process.poll() is None:
                continue
            log.seek(0)
            lines = [json.loads(line) for line in log if line.endswith("\n")]
            acknowledged[name] += [number for number, _ in lines]
            waits += [wait for _, wait in lines]
            del running[name]
            assert process.returncode in (0, -signal.SIGKILL)
            if process.returncode:
                go(name)
    return acknowledged, max(waits)


def prove(options, folder, **sizes):
    acknowledged, longest = race(options, folder, seed=7, **sizes)
    print(f"{options['name']}: {sizes}, longest wait of a pair of writes {longest:.2f} s")
    documents = {found.key: found for found in create_store(**options).scan()}
    shared = create_store(**options).history("shared")

    for name, numbers in acknowledged.items():
        assert numbers == list(range(sizes["documents"]))
        for number in numbers:
            text = chr(97 + number % 26) * (number % 500)
            assert documents[f"{name}:{number}"].data == {"writer": name, "number": number, "text": text}
    assert [found.version for found in shared] == list(range(1, len(shared) + 1))
    seen = {digest(found.data) for found in shared}
    assert seen >= {digest(documents[f"{name}:{n}"].data) for name, numbers in acknowledged.items() for n in numbers}


@pytest.mark.parametrize("backend", ["duckdb", "sqlite", "postgresql"])
def test_no_acknowledged_write_is_lost_when_writers_are_killed(backend, tmp_path):
    with shared_options(backend, tmp_path) as options:
        prove(options, tmp_path, processes=4, documents=20, kills=3)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("backend", ["duckdb", "sqlite", "postgresql"])
def test_eight_writers_of_two_thousand_documents_survive_two_hundred_kills(backend, tmp_path):
    with shared_options(backend, tmp_path) as options:
        prove(options, tmp_path, processes=8, documents=2000, kills=200)
