"""Streams that no broker of this machine serves: Kinesis by moto's server, Pulsar where there is one, and memory."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import uuid
from contextlib import closing

import pytest

from servers.brokers import numbered
from trainer.core.errors import SourceError
from trainer.sources.streams import create_stream
from trainer.sources.streams.base import BATCH_BYTES


def read_all(stream, position=None, limit=40) -> tuple[list, object]:
    """All events, and the last position."""
    events = []
    stream.open(position)
    with closing(stream):
        while True:
            batch = stream.poll(limit, 0.2)
            assert len(batch.events) <= limit
            events += batch.events
            position = batch.position or position
            stream.commit(batch)
            if batch.caught_up and not batch.events:
                return events, position


@pytest.fixture
def kinesis(monkeypatch):
    """A stream of two shards at moto's server, and its client."""
    boto3 = pytest.importorskip("boto3", reason='NOT TESTED on Kinesis: pip install "trainer-core[kinesis]"')
    moto = pytest.importorskip("moto.server", reason="NOT TESTED on Kinesis: pip install moto[kinesis]")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client("kinesis", "eu-central-1", endpoint_url=endpoint)
    name = f"events_{uuid.uuid4().hex}"  # all of moto's servers in one program are one
    client.create_stream(StreamName=name, ShardCount=2)
    section = {"kind": "kinesis", "stream": name, "region": "eu-central-1", "endpoint": endpoint}
    yield section, client
    client.delete_stream(StreamName=name)
    server.stop()


def put(kinesis, bodies) -> None:
    records = [{"Data": body, "PartitionKey": str(number)} for number, body in enumerate(bodies)]
    section, client = kinesis
    client.put_records(StreamName=section["stream"], Records=records)


def test_kinesis_is_read_behind_the_last_record_of_each_shard(kinesis):
    section, _ = kinesis
    put(kinesis, numbered(0, 100))
    events, position = read_all(create_stream("events", section))
    put(kinesis, [*numbered(100, 110), b"{"])
    more, position = read_all(create_stream("events", section), position)

    assert sorted(event.data["number"] for event in events) == list(range(100))
    assert len({event.id for event in events}) == 100
    assert sorted(event.data["number"] for event in more if event.kind == "record") == list(range(100, 110))
    assert [event.body for event in more if event.kind == "dead"] == [b"{"]
    assert read_all(create_stream("events", section), position) == ([], position)


def test_shards_that_were_split_are_read_to_their_end_and_then_their_children(kinesis):
    section, client = kinesis
    put(kinesis, numbered(0, 50))
    _, position = read_all(create_stream("events", section))
    shard = client.list_shards(StreamName=section["stream"])["Shards"][0]
    middle = str((int(shard["HashKeyRange"]["StartingHashKey"]) + int(shard["HashKeyRange"]["EndingHashKey"])) // 2)
    put(kinesis, numbered(50, 80))
    client.split_shard(StreamName=section["stream"], ShardToSplit=shard["ShardId"], NewStartingHashKey=middle)
    put(kinesis, numbered(80, 120))
    events, position = read_all(create_stream("events", section), position)

    assert sorted(event.data["number"] for event in events) == list(range(50, 120))


def test_a_stream_of_kinesis_that_is_not_there_is_told(kinesis):
    section, _ = kinesis
    with pytest.raises(SourceError, match=r"events: Kinesis: .*not found"):
        create_stream("events", {**section, "stream": "other"}).open(None)


def test_pulsar_is_read_in_its_subscription():
    url = os.environ.get("TRAINER_TEST_PULSAR", "")
    if not url:
        pytest.skip("NOT TESTED on Pulsar: start one and set TRAINER_TEST_PULSAR=pulsar://host:6650")
    pulsar = pytest.importorskip("pulsar")
    topic = f"trainer_test_{uuid.uuid4().hex}"
    section = {"kind": "pulsar", "url": url, "topic": topic}
    read_all(create_stream("prices", section))
    client = pulsar.Client(url)
    producer = client.create_producer(topic)
    for body in numbered(0, 30):
        producer.send(body)
    events, _ = read_all(create_stream("prices", section))

    assert [event.data["number"] for event in events] == list(range(30))
    assert read_all(create_stream("prices", section))[0] == []


ASK_PULSAR = """
import sys
from trainer.core.errors import TrainerError
from trainer.sources.streams import create_stream

if sys.argv[1] == "late":
    import duckdb
stream = create_stream("prices", {"kind": "pulsar", "url": sys.argv[2], "topic": "a"})
try:
    stream.prepare()
    import duckdb
    stream.open(None)
except TrainerError as error:
    print(type(error).__name__, error.message)
stream.close()
try:
    duckdb.connect().execute("select * from nowhere")
except duckdb.CatalogException:
    print("errors of DuckDB are whole")
"""


@pytest.mark.parametrize(
    ("order", "url", "told"),
    [
        ("early", "pulsar:nowhere", "UsageError prices: "),
        ("early", "pulsar://nowhere.invalid:1", "SourceError prices: "),
        ("late", "pulsar://nowhere.invalid:1", "SourceError prices: pulsar-client cannot be loaded once DuckDB is"),
    ],
)
def test_pulsar_is_told_not_to_be_there_and_leaves_duckdb_alone(order, url, told):
    """In a process of its own: it minds which library is loaded first."""
    if importlib.util.find_spec("pulsar") is None:
        pytest.skip('NOT TESTED on Pulsar: pip install "trainer-core[pulsar]"')
    done = subprocess.run([sys.executable, "-c", ASK_PULSAR, order, url], capture_output=True, text=True, check=True)
    first, last = done.stdout.splitlines()

    assert first.startswith(told)
    assert last == "errors of DuckDB are whole"


def test_a_buffer_in_memory_makes_who_is_too_quick_wait():
    stream = create_stream("clicks", {"kind": "memory", "size": 10})
    stream.open(None)
    writer = threading.Thread(target=lambda: [stream.put(str(n), b"1") for n in range(200)], daemon=True)
    writer.start()

    names = []
    while len(names) < 200:
        batch = stream.poll(7, 5)
        names += [event.id for event in batch.events]
        stream.commit(batch)
    writer.join(10)
    assert names == [str(number) for number in range(200)]


def test_what_was_not_committed_comes_again():
    stream = create_stream("clicks", {"kind": "memory"})
    for number in range(5):
        stream.put(str(number), b"1")
    stream.open(None)
    stream.commit(stream.poll(2, 0))
    stream.poll(2, 0)
    stream.open(None)

    assert [event.id for event in stream.poll(9, 0).events] == ["2", "3", "4"]


def test_a_batch_is_full_by_its_bytes_too():
    stream = create_stream("clicks", {"kind": "memory", "format": "text"})
    for number in range(5):
        stream.put(str(number), b"x" * (BATCH_BYTES // 2))
    stream.open(None)

    assert [len(stream.poll(9, 0).events) for _ in range(3)] == [2, 2, 1]
