"""Many completions at once: order, places, refusals, and interrupts."""

from __future__ import annotations

import random
import threading
import time

import pytest

from servers.clients import call
from servers.openai import Reply, content_for, openai_server
from trainer.core.errors import ProviderError
from trainer.core.values import CompletionResult
from trainer.providers import CustomProvider, complete_many, create_provider


def provider(server, model="m"):
    return create_provider("openai_compatible", model=model, api_base=server.url)


def jobs_of(link, count, **more):
    return [call(f"row {n}", [link], **more) for n in range(count)]


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
            yield call(f"row {n}", [link])

    ahead = []

    def script(server, seen):
        ahead.append(len(taken) - server.completed)
        return Reply()

    with openai_server(script) as server:
        complete_many(jobs(provider(server)), concurrency=3)

    assert max(ahead) <= 2 * 3
    assert len(taken) == 20


def test_an_error_that_is_nobodys_fault_but_ours_is_raised():
    class Broken(CustomProvider):
        provider = model = "broken"

        def complete(self, prompt, **kwargs):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        complete_many([call("row", [Broken()])])


def test_a_provider_without_an_async_face_is_called_on_threads():
    class Slow(CustomProvider):
        provider, model = "slow", "m"

        def complete(self, prompt, **kwargs):
            barrier.wait(5)
            return CompletionResult(prompt, 1, "m", "slow", None)

    barrier = threading.Barrier(6)
    outcomes = complete_many([call(f"row {n}", [Slow()]) for n in range(6)], concurrency=6)

    assert [outcome.content for outcome in outcomes] == [f"row {n}" for n in range(6)]


def test_a_stray_refusal_stops_nobody_but_its_own_request():
    luck = random.Random(7)
    failures = (Reply(429), Reply(500), Reply(503))

    def script(server, seen):
        return luck.choice(failures) if luck.random() < 0.3 else Reply(delay=0.05)

    with openai_server(script) as server:
        started = time.monotonic()
        outcomes = complete_many(jobs_of(provider(server), 200), concurrency=20)
        seconds = time.monotonic() - started

    assert [type(outcome) for outcome in outcomes] == [CompletionResult] * 200
    assert seconds < 10  # half a second in all without failures; waits are short, and nobody waits for others


def test_a_closed_service_is_waited_for_however_often_it_refuses():
    opens_at = []

    def script(server, seen):
        opens_at.extend([] if opens_at else [seen.at + 1.5])
        is_first = len(server.requests) <= 10
        return Reply(delay=0.01) if is_first or seen.at >= opens_at[0] else Reply(429)

    with openai_server(script) as server:
        outcomes = complete_many(jobs_of(provider(server), 30), concurrency=10)

    assert [type(outcome) for outcome in outcomes] == [CompletionResult] * 30
    assert len(server.requests) < 30 + 45


def test_waits_that_a_service_names_hold_everybody_once_it_refuses_all():
    refused = []

    def script(server, seen):
        if len(server.requests) > 4 and seen.at < server.requests[0].at + 1:
            refused.append(seen.at)
            return Reply(429, headers={"Retry-After": "1"})
        return Reply(delay=0.01)

    with openai_server(script) as server:
        outcomes = complete_many(jobs_of(provider(server), 40), concurrency=10)

    assert [type(outcome) for outcome in outcomes] == [CompletionResult] * 40
    assert len(refused) <= 12


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
