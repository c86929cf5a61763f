"""What every stream of messages does, in a real store; a new broker adds one entry to BROKERS and passes."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from contextlib import closing

import pytest
import yaml

from servers.brokers import BROKERS, numbered
from trainer.actions.follow import FollowOptions, follow_stream, retry_dead
from trainer.core.project import open_project
from trainer.sources.streams import STREAMS, create_stream
from trainer.stores import create_store


@pytest.fixture(params=sorted(BROKERS))
def broker(request):
    with BROKERS[request.param]() as running:
        yield running


@pytest.fixture
def project(tmp_path, broker):
    return write_project(tmp_path, broker.section)


def write_project(folder, section, **settings):
    config = {"data_store": {"backend": "sqlite"}, "data_retriever": {"streams": {"orders": section}}, **settings}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def store_of(project):
    return create_store("sqlite", database_path=str(project / ".trainer" / "trainer.sqlite"))


def records(project) -> list:
    return list(store_of(project).scan({"source": "orders"}))


def read(project, **options):
    return follow_stream(open_project(project, environ={}), "orders", FollowOptions(**options)).as_json()


def test_every_stream_of_messages_is_tested_here_or_told():
    elsewhere = {"memory", "table", "postgresql", "mysql", "webhook", "kinesis", "pulsar"}
    assert set(STREAMS.table) - elsewhere == set(BROKERS)


def test_a_wait_that_is_over_before_it_begins_is_no_error(broker):
    broker.send(numbered(0, 20))
    stream = create_stream("orders", broker.section)
    stream.open(None)
    with closing(stream):
        for _ in range(20):
            stream.poll(50, 1e-6)


def test_what_waits_is_stored_once_and_read_on_later(project, broker):
    broker.send(numbered(0, 250))
    first = read(project)
    broker.send(numbered(250, 300))
    second, third = read(project), read(project)

    assert (first["records"], second["records"], third["records"]) == (250, 50, 0)
    assert first["caught_up"]
    assert third["caught_up"]
    documents = records(project)
    assert sorted(document.data["number"] for document in documents) == list(range(300))
    assert {document.version for document in documents} == {1}
    if broker.ids:
        assert {document.key for document in documents} == {f"orders:{name}" for name in broker.ids(300)}


def test_what_cannot_be_read_is_kept_and_read_again_when_it_can(tmp_path, broker):
    project = write_project(tmp_path, broker.section)
    broker.send([b'{"number": 1}', b"not json", b"\xff\xfe", b'{"number": 2}'])

    assert read(project) == {
        "caught_up": True, "dead": 2, "deletions": 0, "key": "orders:*", "kind": broker.section["kind"],
        "records": 2, "stream": "orders",
    }  # fmt: skip
    assert [document.data["number"] for document in records(project)] == [1, 2]
    letters = list(store_of(project).scan({"source": "dead:orders"}))
    assert sorted(letter.data.get("body", "") for letter in letters) == ["", "not json"]
    assert all(letter.data["reason"] for letter in letters)

    write_project(tmp_path, {**broker.section, "format": "text"})
    again = retry_dead(open_project(project, environ={}), "orders").as_json()
    assert (again["records"], again["dead"]) == (1, 1)
    assert [document.data for document in records(project) if "text" in document.data] == [{"text": "not json"}]
    assert store_of(project).count({"source": "dead:orders"}) == 1


def test_a_message_that_names_itself_replaces_its_former_self(tmp_path, broker):
    project = write_project(tmp_path, {**broker.section, "id": "order", "map": "{total: sum, order: order}"})
    broker.send([b'{"order": 7, "sum": 1}', b'{"order": 8, "sum": 2}'])
    read(project)
    broker.send([b'{"order": 7, "sum": 5}', b'{"sum": 9}'])

    assert read(project)["dead"] == 1
    assert {document.key: (document.data, document.version) for document in records(project)} == {
        "orders:7": ({"order": 7, "total": 5}, 2),
        "orders:8": ({"order": 8, "total": 2}, 1),
    }


def test_no_more_than_was_asked_for_is_taken(project, broker):
    broker.send(numbered(0, 20))

    assert read(project, limit=7)["records"] == 7
    assert read(project)["records"] >= 13
    assert sorted(document.data["number"] for document in records(project)) == list(range(20))


def kill_at_random(trainer, project, environment, count: int, *, kills: int, longest: float, seed: int) -> None:
    """Reads until all is stored, the reader killed again and again."""
    random_times = random.Random(seed)
    deadline = time.monotonic() + 600
    killed = 0
    while store_of(project).count({"source": "orders"}) < count:
        assert time.monotonic() < deadline
        command = [trainer, "retrieve", "orders", "--follow"]
        process = subprocess.Popen(command, cwd=project, env=environment, stdout=-3, stderr=-3)
        if killed < kills:
            time.sleep(random_times.uniform(0.3, longest))
            process.kill()
            process.wait()
            killed += 1
            continue
        while process.poll() is None and store_of(project).count({"source": "orders"}) < count:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130


def check_stored_once(project, count: int) -> None:
    documents = records(project)
    assert sorted(document.data["number"] for document in documents) == list(range(count))
    assert {document.version for document in documents} == {1}


def test_a_killed_reader_loses_nothing_and_stores_nothing_twice(trainer, project, broker, environment):
    broker.send(numbered(0, 3_000))
    kill_at_random(trainer, project, environment, 3_000, kills=1, longest=2.0, seed=1)

    check_stored_once(project, 3_000)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_100_000_messages_with_random_kills_are_stored_once(trainer, project, broker, environment):
    for start in range(0, 100_000, 10_000):
        broker.send(numbered(start, start + 10_000))
    kill_at_random(trainer, project, environment, 100_000, kills=20, longest=8.0, seed=2)

    check_stored_once(project, 100_000)
