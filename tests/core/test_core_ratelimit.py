"""One limiter for all processes: what the settings allow is kept, and what refusals teach is found soon."""

from __future__ import annotations

import asyncio
import collections
import json
import random
import subprocess
import sys
import time

import pytest

from servers.limits import Bucket, FixedWindow, Window
from servers.virtual import run_virtually
from trainer.core.ratelimit import RateLimiter

KINDS = {
    "sliding-window": (Window, 1.0),
    "fixed-window": (FixedWindow, 1.0),
    "bucket-of-N": (Bucket, 1.0),
}


async def crowd(takes, *, count, at_once, latency=0.2, retry_after=None, limiters=None):
    """Seconds, refusals and lost requests of a crowd that asks until each of `count` requests was taken."""
    clock = asyncio.get_running_loop().time
    limiters = limiters or [RateLimiter(clock=clock)]
    lines = {id(limiter): asyncio.Lock() for limiter in limiters}
    refused, lost, luck, numbers = [], [], random.Random(1), iter(range(count))

    async def ask(limiter):
        for retry in range(12):
            async with lines[id(limiter)]:
                while (turn := limiter.acquire()).wait:
                    await asyncio.sleep(turn.wait)
            if takes(clock()):
                await asyncio.sleep(latency)
                limiter.release(turn, "taken")
                return
            refused.append(clock())
            await asyncio.sleep(0.002)
            limiter.release(turn, "refused", retry_after=retry_after)
            await asyncio.sleep((retry_after or 0.01 * 2**retry) * (1 + 0.1 * luck.random()))
        lost.append(limiter)

    async def work(limiter):
        for _ in numbers:
            await ask(limiter)

    await asyncio.gather(*(work(limiters[n % len(limiters)]) for n in range(at_once)))
    return clock(), len(refused), len(lost)


@pytest.mark.parametrize("at_once", [20, 50])
@pytest.mark.parametrize("per_second", [5, 20, 50])
@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_of_requests_a_second_is_found_and_then_used(kind, per_second, at_once):
    make, burst = KINDS[kind]
    count = 15 * per_second

    seconds, refusals, lost = run_virtually(crowd(make(per_second).takes, count=count, at_once=at_once))

    assert lost == 0
    assert seconds < 1.25 * (count / per_second - burst + 0.2)
    assert refusals < count / 2 + 5 * at_once


@pytest.mark.parametrize("phase", [0, 20, 50])
def test_a_quota_of_60_a_minute_is_used_whole(phase):
    minutes = collections.Counter()

    def takes(moment):
        minutes[(moment + phase) // 60] += 1
        return minutes[(moment + phase) // 60] <= 60

    seconds, _, lost = run_virtually(crowd(takes, count=200, at_once=20))

    assert lost == 0
    assert seconds < 1.12 * (180 - phase)


@pytest.mark.parametrize("share", [0.03, 0.15, 0.3])
def test_refusals_by_chance_slow_nobody_down(share):
    luck = random.Random(3)

    seconds, _, lost = run_virtually(crowd(lambda moment: luck.random() >= share, count=200, at_once=20, latency=0.1))

    assert lost == 0
    assert seconds < 1.4 * 200 / 20 * 0.1 * (1 + share)


def test_a_wait_that_the_service_names_is_waited_for_by_all():
    opens = []

    def takes(moment):
        opens.append(moment) if len(opens) < 3 else None
        return len(opens) <= 2 or moment > 20

    seconds, refusals, lost = run_virtually(crowd(takes, count=40, at_once=10, retry_after=20.0))

    assert lost == 0
    assert 20 < seconds < 35
    assert refusals <= 18


def admitted(limiter, now, *, seconds, tokens=1):
    """When requests are let in by a limiter that is asked all the time, on a clock that is moved by hand."""
    moments = []
    while now[0] < seconds:
        if limiter.acquire(tokens).wait:
            now[0] = round(now[0] + 0.01, 2)
        else:
            moments.append(now[0])
    return moments


def most_within(moments, span):
    return max(sum(first <= moment < first + span for moment in moments) for first in moments)


def test_requests_a_minute_are_never_exceeded_and_may_come_at_once():
    now = [1000.0]
    moments = admitted(RateLimiter(requests_per_minute=10, clock=lambda: now[0]), now, seconds=1150)

    assert most_within(moments, 60) == 10
    assert moments[:10] == [1000.0] * 10
    assert len(moments) == 30


def test_many_requests_a_minute_are_kept_by_the_second_too():
    now = [1000.0]
    moments = admitted(RateLimiter(requests_per_minute=600, clock=lambda: now[0]), now, seconds=1060)

    assert most_within(moments, 1) == 10
    assert len(moments) >= 0.9 * 600


def test_tokens_a_minute_are_never_exceeded():
    now = [1000.0]
    moments = admitted(RateLimiter(tokens_per_minute=1000, clock=lambda: now[0]), now, seconds=1090, tokens=300)

    assert len(moments) == 6
    assert most_within(moments, 60) == 3


def test_a_request_of_more_tokens_than_the_limit_goes_when_nothing_else_does():
    now = [1000.0]
    limiter = RateLimiter(tokens_per_minute=100, clock=lambda: now[0])

    assert limiter.acquire(5000).wait == 0
    assert limiter.acquire(5000).wait > 0
    now[0] += 62
    assert limiter.acquire(5000).wait == 0


def arrivals(limiter, now, *, seconds, latency):
    """When requests of 30 senders reach a service, each some time after its turn and before its answer."""
    luck, flying, reached = random.Random(7), [], []
    while now[0] < seconds:
        for turn, answered in [flight for flight in flying if flight[1] <= now[0]]:
            limiter.arrived(turn)
            flying.remove((turn, answered))
        if len(flying) < 30 and not (turn := limiter.acquire()).wait:
            answered = now[0] + luck.uniform(0.2, 2) * latency
            reached.append(luck.uniform(now[0], answered))
            flying.append((turn, answered))
        now[0] += 0.001
    return sorted(reached)


@pytest.mark.parametrize("latency", [0.005, 0.08, 0.7])
def test_no_second_of_the_service_sees_more_than_the_limit_however_long_requests_take(latency):
    now = [1000.0]
    reached = arrivals(RateLimiter(per_second=10, clock=lambda: now[0]), now, seconds=1030, latency=latency)

    assert most_within(reached, 1) <= 10
    assert len(reached) >= 0.97 * 300 / (1 + 1.1 * latency)


def test_less_than_one_request_a_second_is_kept_over_longer_stretches():
    now = [1000.0]
    reached = arrivals(RateLimiter(per_second=0.25, clock=lambda: now[0]), now, seconds=1061, latency=0.01)

    assert most_within(reached, 4) == 1
    assert len(reached) >= 14


def test_a_sender_that_was_killed_holds_its_place_for_some_seconds_only():
    now = [1000.0]
    limiter = RateLimiter(per_second=2, clock=lambda: now[0])

    assert [limiter.acquire().wait == 0 for _ in range(3)] == [True, True, False]
    now[0] += 5
    assert limiter.acquire().wait == 0


CHILD = """
import sys, time
from pathlib import Path
from trainer.core.ratelimit import RateLimiter
limiter = RateLimiter(Path(sys.argv[1]), requests_per_minute=600)
print("ready", flush=True)
sys.stdin.readline()
end = time.time() + float(sys.argv[2])
while time.time() < end:
    turn = limiter.acquire()
    if turn.wait:
        time.sleep(turn.wait)
    else:
        print(time.time(), flush=True)
"""


def test_processes_that_share_a_ledger_keep_one_limit_together(tmp_path):
    command = [sys.executable, "-c", CHILD, str(tmp_path / "limits" / "one.json"), "4"]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    moments = sorted(float(line) for child in children for line in child.communicate(timeout=60)[0].split())

    assert most_within(moments, 1) <= 10
    assert len(moments) >= 0.8 * 40


def test_a_torn_ledger_and_a_folder_that_cannot_be_written_are_no_reason_to_fail(tmp_path):
    ledger = tmp_path / "one.json"
    ledger.write_text('{"slot": 17')
    limiter = RateLimiter(ledger, requests_per_minute=600)

    assert limiter.acquire().wait == 0
    assert json.loads(ledger.read_text())["slot"] > time.time() - 1
    assert RateLimiter(ledger / "not-a-folder" / "x.json", requests_per_minute=600).acquire().wait == 0


def test_a_service_that_limits_nothing_costs_no_file(tmp_path):
    limiter = RateLimiter(tmp_path / "one.json")
    for _ in range(100):
        limiter.release(limiter.acquire(), "taken")

    assert list(tmp_path.iterdir()) == []
