"""However much waits at a broker, a slow reader holds no more than a batch and what was sent ahead."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from servers.brokers import BROKERS

READER = """
import json, resource, sys, time
from pathlib import Path
from trainer.sources.streams import create_stream

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024

section, wanted, pause = json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
stream = create_stream("orders", section)
stream.open(None)
before, most, read = resident(), 0, 0
while read < wanted:
    batch = stream.poll(20, 1)
    time.sleep(pause)
    stream.commit(batch)
    read += len(batch.events)
    most = max(most, resident())
stream.close()
print(json.dumps({"growth": most - before, "read": read}))
"""


def growth_in_kilobytes(broker, *, messages: int, read: int, pause: float) -> int:
    """How much more memory a reader takes at most than when it had connected, with so much waiting."""
    for _ in range(0, messages, 100):
        broker.send([json.dumps({"text": "x" * 100_000}).encode()] * 100)
    done = subprocess.run(
        [sys.executable, "-c", READER, json.dumps(broker.section), str(read), str(pause)],
        capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)["growth"]


@pytest.fixture(params=sorted(BROKERS))
def broker(request):
    if request.param == "kafka":
        pytest.skip("NOT TESTED on Kafka: the mock cluster keeps 5 MB; librdkafka holds queued.max.messages.kbytes")
    with BROKERS[request.param]() as running:
        yield running


def test_a_slow_reader_holds_a_part_of_what_waits(broker):
    assert growth_in_kilobytes(broker, messages=500, read=200, pause=0.01) < 30_000  # of 50 MB


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_slow_reader_of_a_gigabyte_stays_as_small(broker):
    assert growth_in_kilobytes(broker, messages=10_000, read=9_000, pause=0.05) < 60_000
