from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from servers.rest import RestServer
from trainer.core.errors import SourceError
from trainer.sources.web import Session

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def rest():
    with RestServer() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def web(waits):
    return Session("Shop", lambda: NOW, "tests", timeout=5, retries=3, backoff=1.0, sleep=waits.append)


def test_a_body_over_the_limit_is_not_taken_in(web, rest):
    with pytest.raises(SourceError, match="Shop sent more than 10,000 bytes"):
        replace(web, most_bytes=10_000).get(f"{rest.url}/big")
    assert len(rest.requests) == 1


def test_a_small_answer_cannot_unpack_into_a_huge_one(web, rest):
    with pytest.raises(SourceError, match="Shop sent more than 1,000,000 bytes"):
        replace(web, most_bytes=1_000_000).get(f"{rest.url}/bomb")


def test_a_redirect_to_a_file_of_this_machine_is_not_followed(web, rest):
    answer = web.get(f"{rest.url}/local", retries=0)

    assert answer.status == 302
    assert answer.body == b""


def test_a_redirect_in_circles_ends(web, rest):
    assert web.get(f"{rest.url}/loop", retries=0).status == 302
    assert len(rest.requests) < 12


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7.0), ("Sat, 01 Mar 2025 12:00:30 GMT", 30.0), ("Sat, 01 Mar 2025 11:00:00 GMT", 0.0)]
)
def test_a_retry_after_is_waited_for_as_it_says(web, rest, waits, asked, waited):
    answer = web.get(f"{rest.url}/later?{urlencode({'after': 1, 'wait': asked})}")

    assert (answer.status, waits) == (200, [waited])


def test_without_a_retry_after_that_can_be_read_the_pauses_double_with_jitter(web, rest, waits):
    web.get(f"{rest.url}/later?after=3&wait=soon")

    assert [low <= wait <= 2 * low for wait, low in zip(waits, (0.5, 1.0, 2.0), strict=True)] == [True, True, True]


def test_a_server_error_that_stays_says_when_to_come_back(web, rest):
    with pytest.raises(SourceError, match=r"Shop answered 503 \(4 tries\)\n  run the same command again later"):
        web.get(f"{rest.url}/later?after=9&wait=1")


def test_a_name_that_does_not_exist_is_told(web):
    with pytest.raises(SourceError, match=r"Shop cannot be reached: .*\n  check that nobody\.invalid can be reached"):
        web.get("http://nobody.invalid/", retries=0)
