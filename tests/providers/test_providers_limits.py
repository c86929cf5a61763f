"""What a service's headers tell of its limits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from servers.clients import call
from servers.limits import Bucket
from servers.openai import Reply, openai_server
from trainer.core.errors import ProviderError
from trainer.core.values import CompletionResult
from trainer.providers import RetryPolicy, complete_many, create_provider
from trainer.providers.limits import wait_for_one, wait_for_reset

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms"}, 0.012),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0s"}, None),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-05-01T12:00:07Z",
            },
            7,
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW.timestamp() + 9)}, 9.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "soon"}, None),
        ({"ratelimit-remaining": "0"}, None),
        ({}, None),
    ],
)
def test_the_wait_until_a_used_up_limit_is_reset(headers, seconds):
    assert wait_for_reset(headers, NOW) == (seconds if seconds is None else pytest.approx(seconds))


def test_the_wait_for_one_more_is_a_share_of_the_wait_for_all():
    headers = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"}

    assert wait_for_one(headers | {"x-ratelimit-reset-requests": "60s"}, NOW) == 1.0
    assert wait_for_one(headers | {"x-ratelimit-reset-requests": "soon"}, NOW) == 0.0


def test_a_refusal_without_a_wait_names_that_of_its_limit():
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7s"}
    with openai_server(lambda server, seen: Reply(429, headers=headers)) as server:
        outcome = complete_many(
            [
                call(
                    "x",
                    [create_provider("openai_compatible", model="m", api_base=server.url)],
                    policy=RetryPolicy(retries=0),
                )
            ]
        )[0]

    assert isinstance(outcome, ProviderError)
    assert outcome.retry_after == 7


def test_a_service_that_says_nothing_remains_is_not_asked_before_one_more_is_let_in():
    bucket, refused = Bucket(10, 3), []

    def script(server, seen):
        if not bucket.takes(seen.at):
            refused.append(seen)
            return Reply(429)
        level = int(bucket.level)
        left = {"x-ratelimit-limit-requests": "3", "x-ratelimit-remaining-requests": str(level)}
        return Reply(headers=left | {"x-ratelimit-reset-requests": "400ms"})

    with openai_server(script) as server:
        link = create_provider("openai_compatible", model="m", api_base=server.url)
        outcomes = complete_many([call(f"row {n}", [link]) for n in range(12)], concurrency=1)

    assert all(isinstance(outcome, CompletionResult) for outcome in outcomes)
    assert refused == []
