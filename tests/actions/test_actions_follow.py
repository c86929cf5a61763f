from __future__ import annotations

import threading

import pytest

from trainer.actions import follow
from trainer.core.clock import system_clock
from trainer.core.errors import SourceError, StoreError
from trainer.core.project import open_project
from trainer.sources import SourceContext
from trainer.sources.streams import create_stream
from trainer.stores import create_store


@pytest.fixture
def project(tmp_path):
    (tmp_path / "config.yaml").write_text("data_store: {backend: sqlite}\n")
    return open_project(tmp_path, environ={})


@pytest.fixture
def clicks(monkeypatch):
    """A stream in memory that the project has, with three messages."""
    stream = create_stream("clicks", {"kind": "memory"}, SourceContext())
    for number in range(3):
        stream.put(str(number), b'{"n": 1}')
    monkeypatch.setattr(follow, "open_stream", lambda *_, **__: stream)
    return stream


def test_a_broker_that_went_away_is_tried_again_while_it_is_followed(project, clicks, monkeypatch):
    working, failures, stop = clicks.poll, [], threading.Event()

    def poll(limit, wait):
        if not failures:
            raise SourceError("clicks: gone")
        return working(limit, wait)

    monkeypatch.setattr(clicks, "poll", poll)
    total = follow.follow_stream(
        project,
        "clicks",
        follow.FollowOptions(follow=True),
        stop=stop,
        on_batch=lambda total: stop.set() if total.records == 3 else None,
        on_failure=lambda error, pause: failures.append((error.message, pause)),
    )

    assert (total.records, failures) == (3, [("clicks: gone", 0.5)])
    failures.clear()
    with pytest.raises(SourceError):
        follow.follow_stream(project, "clicks", follow.FollowOptions())


def test_what_the_store_refuses_is_a_dead_letter_and_the_rest_is_stored(project, clicks):
    clicks.put("3", b'{"n": "\\u0000"}')
    clicks.put("x" * 2000, b'{"n": 2}')
    total = follow.follow_stream(project, "clicks", follow.FollowOptions())
    store = create_store("sqlite", database_path=str(project.state / "trainer.sqlite"))

    assert total.records + total.dead == 5
    assert store.count({"source": "clicks"}) == total.records
    assert store.count({"source": "dead:clicks"}) == total.dead


def test_two_readers_by_position_do_not_overtake_one_another(project, tmp_path):
    store = create_store("sqlite", database_path=str(tmp_path / "a.sqlite"))
    stream = create_stream("clicks", {"kind": "memory"}, SourceContext())
    first, second = (follow.StreamWriter(stream, store, system_clock) for _ in range(2))
    first.write(follow.StreamBatch(position=[1]))

    with pytest.raises(StoreError):
        second.write(follow.StreamBatch(position=[1]))
