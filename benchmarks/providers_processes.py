"""8 processes of one project against one limit of 10 requests a second: how much of it is used, and whether ever more.

The server notes when each request reached it. In any sliding second at most 10 may; at least 0.9 of the limit is to
be used while all processes are at work.

    python -m benchmarks.providers_processes [seconds]
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from servers.openai import OpenAIServer, Reply, Seen

PROCESSES, PER_SECOND = 8, 10
CHILD = """
import functools, sys
from pathlib import Path
import aiohttp
from trainer.providers import Client, RateLimits, Request, complete_many, create_provider
limits = RateLimits(Path(sys.argv[2]), requests_per_minute=int(sys.argv[3]))
client = Client([create_provider("openai_compatible", model="m", api_base=sys.argv[1])], limits=limits)
print("ready", flush=True)
sys.stdin.readline()
sends = [functools.partial(client.send, Request(f"{sys.argv[5]} {n}")) for n in range(int(sys.argv[4]))]
complete_many(sends, concurrency=4)
"""


def main(seconds: int = 20) -> None:
    """Print the most requests of any second, and the share of the limit that was used."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    process.start()
    url = here.recv()
    with tempfile.TemporaryDirectory() as folder:
        rows = seconds * PER_SECOND // PROCESSES
        command = [sys.executable, "-c", CHILD, url, folder, str(60 * PER_SECOND), str(rows)]
        children = [
            subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for n in range(PROCESSES)
        ]
        for child in children:
            child.stdout.readline()  # type: ignore[union-attr]
        for child in children:
            child.stdin.write("go\n")  # type: ignore[union-attr]
            child.stdin.flush()  # type: ignore[union-attr]
        for child in children:
            child.wait()
    here.send("end")
    moments: list[float] = here.recv()
    most = max(sum(first <= moment < first + 1 for moment in moments) for first in moments)
    used = (len(moments) - 1) / (moments[-1] - moments[0]) / PER_SECOND
    print(
        f"{PROCESSES} processes, {len(moments)} requests: at most {most} of {PER_SECOND} in a second, {used:.3f} used"
    )


def serve(pipe: Connection) -> None:
    """A server that notes when requests come."""
    moments: list[float] = []

    def script(_: OpenAIServer, seen: Seen) -> Reply:
        moments.append(seen.at)
        return Reply(delay=0.05)

    pipe.send(OpenAIServer(script).start().url)
    pipe.recv()
    pipe.send(moments)
    time.sleep(1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
