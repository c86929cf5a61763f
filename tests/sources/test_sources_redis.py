"""Keys of a real Redis as records: each type of value, patterns, and many keys."""

from __future__ import annotations

import pytest

from servers.brokers import REDIS
from servers.brokers import redis as redis_server
from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source


@pytest.fixture
def prefix():
    with redis_server() as broker:
        client = pytest.importorskip("redis").Redis.from_url(REDIS)
        yield broker.section["stream"]
        if left := list(client.scan_iter(f"{broker.section['stream']}:*")):
            client.delete(*left)
        client.close()


@pytest.fixture
def client(prefix):
    with pytest.importorskip("redis").Redis.from_url(REDIS) as client:
        yield client


@pytest.fixture
def source(clock):
    return create_source("redis", SourceContext(clock), connections={"shop": {"url": REDIS}})


def values(source, pattern: str) -> dict:
    records = source.retrieve({"connection": "shop", "keys": pattern}).data["records"]
    return {record.pop("key").rpartition(":")[2]: record for record in records}


def test_every_type_of_value_is_a_record(source, client, prefix):
    client.set(f"{prefix}:text", "tea")
    client.set(f"{prefix}:json", '{"price": 1.5, "code": "007"}')
    client.set(f"{prefix}:like", "{tea}")
    client.hset(f"{prefix}:hash", mapping={"price": "2.5", "zip": "01067", "day": "2025-02-01"})
    client.rpush(f"{prefix}:list", "b", "a")
    client.sadd(f"{prefix}:set", "b", "a")
    client.zadd(f"{prefix}:ranks", {"a": 1.5, "b": 2})

    assert values(source, f"{prefix}:*") == {
        "text": {"value": "tea"},
        "json": {"price": 1.5, "code": "007"},
        "like": {"value": "{tea}"},
        "hash": {"price": 2.5, "zip": "01067", "day": "2025-02-01"},
        "list": {"value": ["b", "a"]},
        "set": {"value": ["a", "b"]},
        "ranks": {"value": {"a": 1.5, "b": 2.0}},
    }
    assert values(source, f"{prefix}:text") == {"text": {"value": "tea"}}


def test_many_keys_come_once_each_and_too_many_are_an_error(source, client, prefix, clock):
    client.mset({f"{prefix}:{number:04}": str(number) for number in range(1200)})

    assert [record["value"] for record in values(source, f"{prefix}:*").values()] == list(range(1200))
    few = create_source("redis", SourceContext(clock), connections={"shop": {"url": REDIS}}, max_rows=1000)
    query = {"connection": "shop", "keys": f"{prefix}:*"}
    with pytest.raises(SourceError, match="more than 1,000 keys"):
        few.retrieve(query)
    assert len(list(few.rows(query))) == 1200


def test_a_stream_and_no_key_at_all_are_told(source, client, prefix):
    with pytest.raises(SourceError, match="no key of shop fits"):
        source.retrieve({"connection": "shop", "keys": f"{prefix}:*"})
    client.xadd(f"{prefix}:events", {"a": "1"})
    with pytest.raises(SourceError, match="holds a stream, which is not read here\n  read a stream by"):
        source.retrieve({"connection": "shop", "keys": f"{prefix}:*"})


def test_wrong_settings_are_told_at_once(clock):
    with pytest.raises(UsageError) as caught:
        create_source("redis", SourceContext(clock), connections={"a": {"uri": "x"}, "b": {}})
    assert [(problem.message, problem.hint) for problem in caught.value.problems] == [
        ('unknown setting in connections.a "uri"', 'did you mean "url"?'),
        ("connections.a: Object missing required field `url`", None),
        ("connections.b: Object missing required field `url`", None),
    ]
    with pytest.raises(UsageError, match=r"connections\.a\.url is not a server's address"):
        create_source("redis", SourceContext(clock), connections={"a": {"url": "http://x"}}).retrieve(
            {"connection": "a", "keys": "*"}
        )
