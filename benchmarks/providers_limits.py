"""A server that allows N requests a second: the time a batch takes beside the best possible, and what is refused.

The best possible time is that of a caller who knows the limit: what the server takes at once, then N a second, then
the latency. A request counts as refused late when the server turned it away more than a second after the first.

    python -m benchmarks.providers_limits [seconds]
"""

from __future__ import annotations

import functools
import multiprocessing
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from servers.limits import LIMITS
from servers.openai import OpenAIServer, Reply, Seen
from trainer.core.values import CompletionResult
from trainer.providers import Client, Request, complete_many, create_provider

LATENCY = 0.2
AT_ONCE = 100
RATES = (5, 20, 50, 100)


def main(seconds: int = 15) -> None:
    """Print a row for each kind of limit, its rate, and whether the server names a wait."""
    print(f"batches of {seconds} x N calls, {AT_ONCE} at once, {LATENCY * 1000:g} ms an answer")
    print(f"{'':<18}{'N':>5}{'Retry-After':>14}{'time : best':>14}{'refused':>10}{'refused late':>14}")
    for kind in LIMITS:
        for rate in RATES:
            for wait in (None, 1):
                taken, refused = measured(kind, rate, seconds * rate, wait)
                best = best_time(kind, rate, seconds * rate)
                late = sum(moment > 1 for moment in refused)
                print(f"{kind:<18}{rate:>5}{wait or '-':>14}{taken / best:>14.2f}{len(refused):>10}{late:>14}")


def best_time(kind: str, rate: int, calls: int) -> float:
    """Seconds for a caller who knows the limit."""
    at_once = 1 if kind == "bucket of 1" else rate
    return (calls - at_once) / rate + LATENCY


def measured(kind: str, rate: int, calls: int, wait: int | None) -> tuple[float, list[float]]:
    """Seconds that a batch takes, and when requests were refused, in seconds after the first."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there, kind, rate, wait), daemon=True)
    process.start()
    provider = create_provider("openai_compatible", model="m", api_base=here.recv())
    client = Client([provider])
    sends = [functools.partial(client.send, Request(f"row {number}")) for number in range(calls)]
    started = time.monotonic()
    outcomes = complete_many(sends, concurrency=AT_ONCE)
    seconds = time.monotonic() - started
    failed = [outcome for outcome in outcomes if not isinstance(outcome, CompletionResult)]
    assert not failed, failed[0]
    here.send("end")
    refused: list[float] = here.recv()
    process.join()
    return seconds, refused


def serve(pipe: Connection, kind: str, rate: int, wait: int | None) -> None:
    """A server with a limit, until told to end; then it tells what it refused."""
    limit, refused = LIMITS[kind](rate), list[float]()

    def script(server: OpenAIServer, seen: Seen) -> Reply:
        moment = seen.at - server.requests[0].at
        if limit.takes(moment):
            return Reply(delay=LATENCY)
        refused.append(moment)
        return Reply(429, headers={"Retry-After": str(wait)} if wait else {}, delay=1e-6)

    server = OpenAIServer(script).start()
    pipe.send(server.url)
    pipe.recv()
    pipe.send(refused)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
