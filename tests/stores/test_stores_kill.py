"""Processes that are killed at random while they write to one store: nothing acknowledged is lost, nothing is torn."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from servers.stores import SHARED
from trainer.stores import create_store

BATCH = 15
WRITER = """
import json, os, sys, time
from trainer.stores import DocumentWrite, create_store
options, name, first, last = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = create_store(**options)

def timed(numbers, write):
    begun = time.perf_counter()
    write()
    print(json.dumps([numbers, os.getpid(), time.perf_counter() - begun]), flush=True)

def document(number, size):
    text = chr(97 + number % 26) * (number % 500)
    return {"writer": name, "number": number, "by": os.getpid(), "size": size, "text": text}

number = first
while number < last:
    size = 15 if number % 20 == 5 else 1
    numbers = list(range(number, number + size))
    drafts = [DocumentWrite(f"{name}:{each}", document(each, size)) for each in numbers]
    if size == 1:
        timed(numbers, lambda: store.store(drafts[0].key, drafts[0].data))
    else:
        timed(numbers, lambda: store.store_many(drafts))
    if number % 20 == 0:
        timed([], lambda: store.store("shared", document(number, 1)))
    number += size
"""
"""Of every twenty documents five are stored one by one and fifteen at once; what is stored is said once it is safe."""


class Writer:
    """A process that writes what is not acknowledged yet, and starts again where it was when it is killed."""

    def __init__(self, options, folder, name, documents):
        self.command = [sys.executable, "-c", WRITER, json.dumps(options), name]
        self.log, self.documents = folder / f"{name}.log", documents
        self.next, self.written, self.waits, self.shared, self.deaths = 0, set(), [], 0, 0
        self.out, self.seen = self.log.open("ab"), self.log.open("rb")
        self.go()

    def go(self):
        self.rest = b""
        self.process = subprocess.Popen([*self.command, str(self.next), str(self.documents)], stdout=self.out)

    def listen(self):
        """What was acknowledged since the last time; a line that was cut short by a kill acknowledges nothing."""
        *lines, self.rest = (self.rest + self.seen.read()).split(b"\n")
        for numbers, by, wait in map(json.loads, lines):
            self.waits.append(wait)
            self.shared += not numbers
            self.written |= {(number, by) for number in numbers}
            assert numbers == list(range(self.next, self.next + len(numbers)))
            self.next += len(numbers)

    def ended(self):
        """Whether it is done; a killed one goes on."""
        if self.process.poll() is None:
            return False
        self.listen()
        killed = self.process.returncode == -signal.SIGKILL
        assert killed or self.process.returncode == 0
        if killed:
            self.deaths += 1
            self.go()
        return not killed


def race(options, folder, *, processes, documents, kills, seed):
    """The writers by name, all done; kills fall at random over the whole work."""
    chance = random.Random(seed)
    writers = {f"w{index}": Writer(options, folder, f"w{index}", documents) for index in range(processes)}
    moments = sorted(chance.randrange(processes * documents * 9 // 10) for _ in range(kills))
    running = dict(writers)
    while running:
        time.sleep(chance.uniform(0.002, 0.03))
        for writer in running.values():
            writer.listen()
        if moments and sum(writer.next for writer in writers.values()) >= moments[0]:
            running[chance.choice(sorted(running))].process.kill()
            del moments[0]
        running = {name: writer for name, writer in running.items() if not writer.ended()}
    return writers


def prove(options, folder, **sizes):
    begun = time.perf_counter()
    writers = race(options, folder, seed=7, **sizes)
    seconds = time.perf_counter() - begun
    deaths = sum(writer.deaths for writer in writers.values())
    waits = sorted(wait for writer in writers.values() for wait in writer.waits)
    versions = list(create_store(**options).export_documents())
    print(
        f"\n{options['name']}: {sizes}, {deaths} died, {len(versions)} versions in {seconds:.0f} s, "
        f"{len(waits)} acknowledged writes, wait of a write: half {waits[len(waits) // 2] * 1000:.0f} ms, "
        f"99 of 100 {waits[len(waits) * 99 // 100] * 1000:.0f} ms, longest {waits[-1] * 1000:.0f} ms"
    )

    for data in (version.data for version in versions):
        assert data["text"] == chr(97 + data["number"] % 26) * (data["number"] % 500)
    kept = {(found.key, found.data["by"]) for found in versions}
    for name, writer in writers.items():
        assert writer.next == sizes["documents"]
        assert kept >= {(f"{name}:{number}", by) for number, by in writer.written}
    shared = [found.version for found in versions if found.key == "shared"]
    assert shared == list(range(1, len(shared) + 1))
    assert len(shared) >= sum(writer.shared for writer in writers.values())
    batches = Counter(
        (found.data["writer"], found.data["number"] // 20, found.data["by"])
        for found in versions
        if found.data["size"] == BATCH
    )
    assert set(batches.values()) == {BATCH}


@pytest.mark.parametrize("backend", SHARED)
def test_no_acknowledged_write_is_lost_when_writers_are_killed(backend, tmp_path):
    with SHARED[backend](tmp_path) as options:
        prove(options, tmp_path, processes=3, documents=40, kills=2)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("backend", SHARED)
def test_eight_writers_of_two_thousand_documents_survive_two_hundred_kills(backend, tmp_path):
    with SHARED[backend](tmp_path) as options:
        prove(options, tmp_path, processes=8, documents=2000, kills=200)
