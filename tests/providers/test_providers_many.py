"""Many completions at once: order, pace, what refusals teach, and interrupts."""

from __future__ import annotations

import asyncio
import collections
import threading
import time

import pytest

from servers.limits import Bucket, FixedWindow, Window
from servers.openai import Reply, content_for, openai_server
from servers.virtual import run_virtually
from trainer.core.errors import ProviderError
from trainer.core.values import CompletionResult
from trainer.providers import Job, Policy, complete_many, create_provider
from trainer.providers.many import _Crew
from trainer.providers.pace import Pace


def provider(server, model="m"):
    return create_provider("openai_compatible", model=model, api_base=server.url)


def jobs_of(link, count, **more):
    return [Job(f"row {n}", [link], **more) for n in range(count)]


def test_outcomes_stand_in_the_jobs_order_and_come_as_they_end():
    ended = []
    with openai_server(lambda server, seen: Reply(delay=0.05 if "row 0" in str(seen.body) else 0.001)) as server:
        outcomes = complete_many(
            jobs_of(provider(server), 10), concurrency=4, on_outcome=lambda number, outcome: ended.append(number)
        )

    contents = [outcome.content for outcome in outcomes]
    assert contents == [content_for([{"role": "user", "content": f"row {n}"}]) for n in range(10)]
    assert sorted(ended) == list(range(10))
    assert ended[0] != 0


def test_no_more_calls_are_under_way_than_were_allowed():
    under_way, most = [0], [0]

    def script(server, seen):
        under_way[0] = len(server.requests) - server.completed
        most[0] = max(most[0], under_way[0])
        return Reply(delay=0.01)

    with openai_server(script) as server:
        complete_many(jobs_of(provider(server), 60), concurrency=7)

    assert most[0] == 7


def test_one_failure_is_a_value_among_the_others():
    with openai_server(lambda server, seen: Reply(400 if "row 2" in str(seen.body) else 200)) as server:
        outcomes = complete_many(jobs_of(provider(server), 5), concurrency=2)

    assert [isinstance(outcome, CompletionResult) for outcome in outcomes] == [True, True, False, True, True]
    assert isinstance(outcomes[2], ProviderError)


def test_jobs_are_taken_only_as_places_come_free():
    taken = []

    def jobs(link):
        for n in range(20):
            taken.append(n)
            yield Job(f"row {n}", [link])

    ahead = []

    def script(server, seen):
        ahead.append(len(taken) - server.completed)
        return Reply()

    with openai_server(script) as server:
        complete_many(jobs(provider(server)), concurrency=3)

    assert max(ahead) <= 2 * 3
    assert len(taken) == 20


def test_an_error_that_is_nobodys_fault_but_ours_is_raised():
    class Broken:
        provider = model = "broken"

        def complete(self, prompt, **kwargs):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        complete_many([Job("row", [Broken()])])


def test_a_provider_without_an_async_face_is_called_on_threads():
    class Slow:
        provider, model = "slow", "m"

        def complete(self, prompt, **kwargs):
            barrier.wait(5)
            return CompletionResult(prompt, 1, "m", "slow", None)

    barrier = threading.Barrier(6)
    outcomes = complete_many([Job(f"row {n}", [Slow()]) for n in range(6)], concurrency=6)

    assert [outcome.content for outcome in outcomes] == [f"row {n}" for n in range(6)]


def rate_limited(per_second, **reply):
    """A script that takes `per_second` requests in any second and refuses the rest."""
    window, refused = Window(per_second), []

    def script(server, seen):
        if window.takes(seen.at):
            return Reply(delay=0.05)
        refused.append(seen.at)
        return Reply(429, **reply)

    return script, refused


class Virtual:
    """A provider in virtual time, with a limit and a latency."""

    provider, model = "virtual", "m"

    def __init__(self, limit, latency, retry_after):
        self.limit, self.latency, self.retry_after = limit, latency, retry_after
        self.refused = []

    async def complete_async(self, prompt, **kwargs):
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(0.002)
        if not self.limit.takes(now + 0.002):
            self.refused.append(now)
            raise ProviderError("429", kind="rate_limited", status=429, retry_after=self.retry_after)
        await asyncio.sleep(self.latency)
        return CompletionResult(prompt, 1, "m", "virtual", 0.0)


async def seconds_for(link, count, concurrency):
    loop = asyncio.get_running_loop()
    jobs = [Job(f"row {n}", [link], clock=loop.time) for n in range(count)]
    crew = _Crew(jobs, concurrency, lambda: Pace(concurrency, clock=loop.time))
    outcomes = [outcome async for _, outcome in crew.outcomes()]
    assert [type(outcome) for outcome in outcomes] == [CompletionResult] * count
    return loop.time()


KINDS = {
    "sliding-window": (Window, 1.0),
    "fixed-window": (FixedWindow, 1.0),
    "bucket-of-N": (Bucket, 1.0),
    "bucket-of-1": (lambda per_second: Bucket(per_second, 1), 0.0),
}


@pytest.mark.parametrize("concurrency", [20, 50, 200])
@pytest.mark.parametrize("per_second", [5, 20, 50, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_limit_is_learnt_in_the_first_second_and_then_kept(kind, per_second, concurrency):
    make, at_once = KINDS[kind]
    link = Virtual(make(per_second), 0.2, None)
    count = 15 * per_second

    seconds = run_virtually(seconds_for(link, count, concurrency))

    assert [moment for moment in link.refused if moment > 1] == []
    assert seconds < 1.15 * (count / per_second - at_once + 0.2)


@pytest.mark.parametrize("kind", ["sliding-window", "fixed-window", "bucket-of-N"])
@pytest.mark.parametrize("per_second", [5, 20, 50])
def test_a_wait_that_the_provider_names_is_waited_for_and_its_rate_kept(kind, per_second):
    link = Virtual(KINDS[kind][0](per_second), 0.2, 1.0)
    count = 15 * per_second

    seconds = run_virtually(seconds_for(link, count, 200))

    assert [moment for moment in link.refused if moment > 0.25] == []
    assert seconds < 1.15 * (count / per_second - 1 + 0.2)


@pytest.mark.parametrize("concurrency", [20, 50])
@pytest.mark.parametrize("per_second", [20, 50, 100])
def test_a_bucket_whose_waits_are_rounded_up_is_learnt_with_few_refusals(per_second, concurrency):
    link = Virtual(Bucket(per_second), 0.2, 1.0)
    count = 15 * per_second

    seconds = run_virtually(seconds_for(link, count, concurrency))

    assert len([moment for moment in link.refused if moment > 1]) <= 0.03 * count
    assert seconds < 1.15 * (count / per_second - 1 + 0.2)


def test_a_service_that_takes_one_at_a_time_and_names_the_wait_is_asked_in_that_step():
    link = Virtual(Bucket(4, 1), 0.2, 0.25)

    seconds = run_virtually(seconds_for(link, 60, 20))

    assert [moment for moment in link.refused if moment > 1] == []
    assert seconds < 1.15 * 15


@pytest.mark.parametrize("per_second", [5, 20, 50])
def test_one_drop_with_waits_in_whole_seconds_is_found_in_steps(per_second):
    link = Virtual(Bucket(per_second, 1), 0.2, 1.0)

    seconds = run_virtually(seconds_for(link, 60 * per_second, 50))

    assert len([moment for moment in link.refused if moment > 1]) <= 6
    assert seconds < 1.4 * 60


@pytest.mark.parametrize("retries", [0, 1, 2, 4])
def test_learning_makes_no_job_fail_that_would_have_waited(retries):
    link = Virtual(Bucket(20), 0.2, None)

    async def outcomes():
        policy = Policy(retries=retries)
        clock = asyncio.get_running_loop().time
        jobs = [Job(f"row {n}", [link], policy=policy, clock=clock) for n in range(100)]
        crew = _Crew(jobs, 50, lambda: Pace(50, clock=clock))
        return [outcome async for _, outcome in crew.outcomes()]

    failed = [outcome for outcome in run_virtually(outcomes()) if isinstance(outcome, ProviderError)]

    assert len(failed) == (30 if retries == 0 else 0)


def test_a_rate_that_was_refused_again_is_lowered_and_only_raised_after_long_quiet():
    now = [0.0]
    pace = Pace(30, clock=lambda: now[0])
    refusal = ProviderError("429", kind="rate_limited", status=429)
    rates = []
    for moment in (0.0, 10.0, 100.0, 140.0, 400.0):
        now[0] = moment
        entered = [pace._admit(1) for _ in range(11)]
        now[0] += 0.01
        for each in entered[1:]:
            pace.leave(each, None)
        pace.leave(entered[0], refusal if moment < 50 else None)
        now[0] += 2.0
        pace._opens_at(1)
        rates.append(round(pace.rate.per_second, 3))

    assert rates == [9.615, 7.692, 7.692, 7.692, 8.654]


@pytest.mark.soak
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}], ids=["without-a-hint", "retry-after"])
def test_a_rate_limit_over_http_is_learnt_in_the_first_second_and_then_kept(headers):
    script, refused = rate_limited(20, headers=headers)
    with openai_server(script) as server:
        started = time.monotonic()
        outcomes = complete_many(jobs_of(provider(server), 200), concurrency=50)
        seconds = time.monotonic() - started
        first = server.requests[0].at

    assert all(isinstance(outcome, CompletionResult) for outcome in outcomes)
    assert [moment - first for moment in refused if moment - first > 1] == []
    assert seconds / 9.05 < 1.15


def test_requests_a_minute_are_never_exceeded():
    assert entries(lambda clock: Pace(100, requests_per_minute=10, clock=clock), tokens=1, seconds=150) == [10, 10, 10]


def test_tokens_a_minute_are_never_exceeded():
    assert entries(lambda clock: Pace(100, tokens_per_minute=1000, clock=clock), tokens=300, seconds=90) == [3, 3]


def entries(make, *, tokens, seconds):
    """How many entries a pace allows in each minute, on a clock that is moved by hand."""
    now = [0.0]
    pace = make(lambda: now[0])
    minutes = collections.Counter()
    while now[0] < seconds:
        if pace._opens_at(tokens) <= now[0]:
            minutes[int(now[0] // 60)] += 1
            pace._admit(tokens)
        else:
            now[0] += 1.0
    return [minutes[minute] for minute in sorted(minutes)]


def test_an_overloaded_service_is_asked_by_fewer_at_once_and_grown_back_one_by_one():
    now = [0.0]
    pace = Pace(30, clock=lambda: now[0])
    overloaded = ProviderError("503", kind="server", status=503)
    for _ in range(10):
        now[0] += 1
        moment = pace._admit(1)
        pace.leave(moment, overloaded)
    after_failures = pace.at_once
    for _ in range(1000):
        pace.leave(pace._admit(1), None)

    assert after_failures == 1
    assert pace.at_once == 30


def test_a_wait_that_the_provider_names_holds_everybody():
    link = Virtual(Bucket(3), 0.2, 20.0)

    seconds = run_virtually(seconds_for(link, 12, 12))

    assert len(link.refused) == 9
    assert 20 + 2 <= seconds < 20 + 4


def test_an_interrupt_cancels_the_calls_under_way_and_keeps_what_had_ended():
    ended = []

    def interrupt_at_third(number, outcome):
        ended.append(number)
        if len(ended) == 3:
            raise KeyboardInterrupt

    with openai_server(latency=0.02) as server:
        with pytest.raises(KeyboardInterrupt):
            complete_many(jobs_of(provider(server), 100), concurrency=4, on_outcome=interrupt_at_third)
        asked = len(server.requests)
        time.sleep(0.2)

        assert len(server.requests) <= asked + 4
    assert len(ended) == 3
    assert asked < 30
