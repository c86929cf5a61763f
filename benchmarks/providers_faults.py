"""200 rows, 20 at once, against a server that fails by chance: ours beside OpenAI's SDK, LiteLLM and instructor.

Each client runs in a process of its own, in turn, and may retry ten times; 429, 500 and 503 come with equal chance.
The bound is 1.3 times the best of the three, and never a row lost. The rivals are installed in an environment of
their own.

    python -m benchmarks.providers_faults [rounds] [latency in ms]
"""

from __future__ import annotations

import json
import multiprocessing
import random
import subprocess
import sys
import time
import venv
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from servers.openai import OpenAIServer, Reply

RIVALS = ROOT / ".venv-rivals"
ROWS, AT_ONCE = 200, 20
SHARES = (0.03, 0.15, 0.3)

PRELUDE = f"""
import asyncio, json, os, sys, time
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_MODE="PRODUCTION")
url, rows, at_once = sys.argv[1], {ROWS}, {AT_ONCE}
def messages(n):
    return [{{"role": "user", "content": f"row {{n}}"}}]
async def crowd(ask):
    places, lost = asyncio.Semaphore(at_once), []
    async def one(n):
        async with places:
            try:
                await ask(n)
            except Exception:
                lost.append(n)
    started = time.perf_counter()
    await asyncio.gather(*(one(n) for n in range(rows)))
    print(json.dumps([time.perf_counter() - started, len(lost)]))
"""
CLIENTS = {
    "openai SDK": """
import openai
client = openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=10)
asyncio.run(crowd(lambda n: client.chat.completions.create(model="m", messages=messages(n))))
""",
    "litellm": """
import logging, litellm, tenacity
litellm.suppress_debug_info = True
logging.disable(logging.CRITICAL)
asyncio.run(crowd(lambda n: litellm.acompletion(
    model="openai/m", messages=messages(n), api_base=url, api_key="k", num_retries=10, max_retries=0)))
""",
    "instructor": """
import instructor, openai
from pydantic import BaseModel
class Answer(BaseModel):
    text: str
client = instructor.from_openai(
    openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=10), mode=instructor.Mode.JSON)
asyncio.run(crowd(lambda n: client.chat.completions.create(model="m", messages=messages(n), response_model=Answer)))
""",
    "trainer": """
import functools
from trainer.core.values import CompletionResult
from trainer.providers import Client, Request, complete_many, create_provider
client = Client([create_provider("openai_compatible", model="m", api_base=url)])
import aiohttp
started = time.perf_counter()
outcomes = complete_many(
    [functools.partial(client.send, Request(f"row {n}")) for n in range(rows)], concurrency=at_once)
lost = sum(not isinstance(outcome, CompletionResult) for outcome in outcomes)
print(json.dumps([time.perf_counter() - started, lost]))
""",
}


def main(rounds: int = 5, latency: int = 100) -> None:
    """Print the best time of each client for each share of failures, and what ours is of the best rival's."""
    rivals = environment()
    print(f"{ROWS} rows, {AT_ONCE} at once, {latency} ms an answer, best of {rounds} rounds; seconds (rows lost)")
    for share in SHARES:
        best: dict[str, float] = {}
        lost = dict.fromkeys(CLIENTS, 0)
        for number in range(rounds):
            for name, code in CLIENTS.items():
                python = sys.executable if name == "trainer" else str(rivals)
                seconds, missing = measured(python, code, share, latency / 1000, number)
                best[name] = min(best.get(name, seconds), seconds)
                lost[name] += missing
        cells = "  ".join(f"{name} {best[name]:.2f} ({lost[name]})" for name in CLIENTS)
        ratio = best["trainer"] / min(seconds for name, seconds in best.items() if name != "trainer")
        print(f"{share:>4.0%}  {cells}  ours : best rival {ratio:.2f}")


def measured(python: str, code: str, share: float, latency: float, seed: int) -> tuple[float, int]:
    """Seconds and lost rows of one client against a server of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there, share, latency, seed), daemon=True)
    process.start()
    done = subprocess.run(
        [python, "-c", PRELUDE + code, here.recv()], capture_output=True, text=True, check=False, timeout=300
    )
    process.terminate()
    assert done.returncode == 0, done.stderr[-2000:]
    seconds, lost = json.loads(done.stdout.splitlines()[-1])
    return seconds, lost


def serve(pipe: Connection, share: float, latency: float, seed: int) -> None:
    """A server that fails by chance, the same chances for every client of a round."""
    luck = random.Random(seed)

    def script(*_: object) -> Reply:
        if luck.random() < share:
            return Reply(luck.choice((429, 500, 503)), delay=1e-6)
        return Reply(content='{"text": "fine"}', delay=latency)

    pipe.send(OpenAIServer(script).start().url)
    time.sleep(3600)


def environment() -> Path:
    """The Python of an environment that has the rivals."""
    python = RIVALS / "bin" / "python"
    if not python.exists():
        venv.create(RIVALS, with_pip=True)
        names = ["openai", "litellm!=1.82.7,!=1.82.8", "instructor", "tenacity"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *names], check=True)
    return python


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
