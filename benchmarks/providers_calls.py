"""500 calls at 200 ms, 50 and 100 at once: ours directly and through LiteLLM, beside the clients it could have used.

The ideal is calls / at once * latency. Every path runs once in each round, in turn; the best round counts.

    python -m benchmarks.providers_calls [rounds]
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("LITELLM_MODE", "PRODUCTION")

from servers.openai import OpenAIServer
from trainer.core.values import CompletionResult
from trainer.providers import Client, LLMProvider, Request, complete_many, create_provider

CALLS, LATENCY = 500, 0.2
KEY = "sk-benchmark-0123456789"
MESSAGES = [{"role": "user", "content": "Write about AbbVie."}]
Path_ = Callable[[str, int], None]
RUNNER = asyncio.Runner()
"""One loop for all of bare LiteLLM's runs: ours keeps its loop, and with it LiteLLM's connections."""


def main(rounds: int = 3) -> None:
    """Print one line for each path and number at once."""
    url, stop = start_server()
    warm(url)
    best: dict[tuple[str, int], tuple[float, float]] = {}
    for _ in range(rounds):
        for at_once in (50, 100):
            for name, path in PATHS.items():
                figure = timed(path, url, at_once)
                best[name, at_once] = min(best.get((name, at_once), figure), figure)
    print(f"{CALLS} calls at {LATENCY * 1000:g} ms, best of {rounds} rounds; share of the ideal, CPU ms a call")
    print(f"{'':<28}{'50 at once':>16}{'100 at once':>18}")
    for name in PATHS:
        cells = [(CALLS / at_once * LATENCY / best[name, at_once][0], best[name, at_once][1]) for at_once in (50, 100)]
        print(f"{name:<28}" + "".join(f"{share:>10.2f}{cpu:>7.2f}" for share, cpu in cells))
    print(f"\nours : OpenAI SDK at 100            {best['openai SDK', 100][0] / best['trainer', 100][0]:.2f}")
    litellm_pairs(url)
    stop()


def trainer_direct(url: str, at_once: int) -> None:
    run_jobs(create_provider("openai_compatible", model="m", api_base=url, api_key=KEY), at_once)


def litellm_pairs(url: str, pairs: int = 21) -> None:
    """Print the medians of bare LiteLLM's time and CPU over ours, the two run in turn, so that drift hits both.

    Each has a process of its own: LiteLLM binds its clients and its logs to one event loop.
    """
    context = multiprocessing.get_context("spawn")
    pipes = {}
    for name in ("bare_litellm", "trainer_litellm"):
        pipes[name], theirs = context.Pipe()
        context.Process(target=run_on_request, args=(name, theirs, url), daemon=True).start()
    for at_once in (50, 100):
        ratios = []
        for number in range(pairs):
            taken = {}
            for name in sorted(pipes, reverse=bool(number % 2)):
                pipes[name].send(at_once)
                taken[name] = pipes[name].recv()
            bare, ours = taken["bare_litellm"], taken["trainer_litellm"]
            ratios.append([theirs / mine for theirs, mine in zip(bare, ours, strict=True)])
        wall, cpu = (statistics.median(column) for column in zip(*ratios, strict=True))
        print(f"bare LiteLLM : ours, {pairs} pairs at {at_once}: median time {wall:.3f}, CPU {cpu:.3f}")


def run_on_request(name: str, pipe: Connection, url: str) -> None:
    """Time 100 calls by the named path for each number at once that comes, after a few that warm it up."""
    global CALLS  # noqa: PLW0603  (this process is for these runs alone)
    path: Path_ = globals()[name]
    CALLS = 100
    path(url, 50)
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(timed(path, url, pipe.recv()))


def trainer_litellm(url: str, at_once: int) -> None:
    run_jobs(create_provider("litellm", model="openai/m", api_base=url, api_key=KEY), at_once)


def run_jobs(provider: LLMProvider, at_once: int) -> None:
    client, request = Client([provider]), Request("Write about AbbVie.")
    outcomes = complete_many([lambda: client.send(request)] * CALLS, concurrency=at_once)
    assert all(isinstance(outcome, CompletionResult) for outcome in outcomes)


def bare_aiohttp(url: str, at_once: int) -> None:
    import aiohttp

    async def work() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:

            async def call() -> None:
                async with session.post(f"{url}/chat/completions", json={"model": "m", "messages": MESSAGES}) as answer:
                    await answer.json()

            await all_at_once(call, at_once)

    asyncio.run(work())


def bare_httpx(url: str, at_once: int) -> None:
    import httpx

    async def work() -> None:
        limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:

            async def call() -> None:
                (await client.post(f"{url}/chat/completions", json={"model": "m", "messages": MESSAGES})).json()

            await all_at_once(call, at_once)

    asyncio.run(work())


def openai_sdk(url: str, at_once: int) -> None:
    import openai

    async def work() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
            await all_at_once(lambda: client.chat.completions.create(model="m", messages=MESSAGES), at_once)  # type: ignore[arg-type]

    asyncio.run(work())


def bare_litellm(url: str, at_once: int) -> None:
    import litellm

    def call() -> Awaitable[object]:
        answer: Awaitable[object] = litellm.acompletion(
            model="openai/m", messages=MESSAGES, api_base=url, api_key=KEY, max_retries=0, num_retries=0
        )
        return answer

    RUNNER.run(all_at_once(call, at_once))


async def all_at_once(call: Callable[[], Awaitable[object]], at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with places:
            await call()

    await asyncio.gather(*(one() for _ in range(CALLS)))


PATHS: dict[str, Path_] = {
    "trainer": trainer_direct,
    "aiohttp": bare_aiohttp,
    "httpx": bare_httpx,
    "openai SDK": openai_sdk,
    "litellm.acompletion": bare_litellm,
    "trainer through litellm": trainer_litellm,
}


def timed(path: Path_, url: str, at_once: int) -> tuple[float, float]:
    """Seconds on the wall, and CPU milliseconds a call."""
    cpu, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    path(url, at_once)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
    return seconds, spent / CALLS * 1000


def warm(url: str) -> None:
    """Import every client before the clock runs."""
    for path in PATHS.values():
        global CALLS  # noqa: PLW0603  (a few calls are enough to import)
        CALLS, calls = 2, CALLS
        path(url, 2)
        CALLS = calls


def start_server() -> tuple[str, Callable[[], None]]:
    """A server in a process of its own; its address, and what ends it."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    process.start()
    url: str = here.recv()
    return url, process.terminate


def serve(pipe: Connection) -> None:
    server = OpenAIServer(latency=LATENCY).start()
    pipe.send(server.url)
    time.sleep(3600)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
