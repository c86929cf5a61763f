"""Brokers of this machine, each test with a queue, stream or topic of its own; skips loudly where there is none."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

RABBITMQ = os.environ.get("TRAINER_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
REDIS = os.environ.get("TRAINER_TEST_REDIS", "redis://127.0.0.1:6379/0")
NATS = os.environ.get("TRAINER_TEST_NATS", "nats://127.0.0.1:4222")
POSTGRES = os.environ.get("TRAINER_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
MYSQL = os.environ.get("TRAINER_TEST_MYSQL", "mysql://root@127.0.0.1:3306/test")


@dataclass(frozen=True)
class Broker:
    """A stream with nothing in it, and how messages get there."""

    section: dict
    """The stream in config.yaml."""
    send: Callable[[Sequence[bytes]], None]
    ids: Callable[[int], list[str]] | None = None
    """The identities that so many messages get; None where they are what the messages say."""
    extra: dict = field(default_factory=dict)


@contextmanager
def rabbitmq() -> Iterator[Broker]:
    pika = pytest.importorskip("pika", reason='NOT TESTED on RabbitMQ: pip install "trainer-core[rabbitmq]"')
    queue = f"trainer_test_{uuid.uuid4().hex}"
    try:
        connection = pika.BlockingConnection(pika.URLParameters(RABBITMQ))
    except pika.exceptions.AMQPError:
        pytest.skip("NOT TESTED on RabbitMQ: start one and set TRAINER_TEST_RABBITMQ=amqp://user@host/")
    connection.channel().queue_declare(queue)
    connection.close()

    def send(bodies: Sequence[bytes]) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(RABBITMQ))
        channel = connection.channel()
        for body in bodies:
            channel.basic_publish("", queue, body)
        connection.close()

    yield Broker({"kind": "rabbitmq", "url": RABBITMQ, "queue": queue}, send)
    connection = pika.BlockingConnection(pika.URLParameters(RABBITMQ))
    connection.channel().queue_delete(queue)
    connection.close()


@contextmanager
def redis() -> Iterator[Broker]:
    module = pytest.importorskip("redis", reason='NOT TESTED on Redis: pip install "trainer-core[redis]"')
    client = module.Redis.from_url(REDIS, socket_connect_timeout=5)
    name = f"trainer_test_{uuid.uuid4().hex}"
    ids: list[str] = []
    try:
        ids.append(client.xadd(name, {"body": "{}"}).decode())
        client.xdel(name, ids.pop())
    except module.RedisError:
        pytest.skip("NOT TESTED on Redis: start one and set TRAINER_TEST_REDIS=redis://host:6379/0")

    def send(bodies: Sequence[bytes]) -> None:
        pipeline = client.pipeline(transaction=False)
        for body in bodies:
            pipeline.xadd(name, {"body": body})
        ids.extend(entry.decode() for entry in pipeline.execute())

    section = {"kind": "redis", "url": REDIS, "stream": name, "field": "body"}
    yield Broker(section, send, lambda count: ids[:count])
    client.delete(name)
    client.close()


@contextmanager
def nats() -> Iterator[Broker]:
    module = pytest.importorskip("nats", reason='NOT TESTED on NATS: pip install "trainer-core[nats]"')
    name = f"trainer_test_{uuid.uuid4().hex}"

    async def with_server(work: Callable) -> None:
        async def quiet(_error: Exception) -> None:
            pass

        client = await module.connect(NATS, connect_timeout=5, allow_reconnect=False, error_cb=quiet)
        try:
            await work(client.jetstream())
        finally:
            await client.close()

    def send(bodies: Sequence[bytes]) -> None:
        async def publish(stream) -> None:
            for start in range(0, len(bodies), 500):
                await asyncio.gather(*(stream.publish(f"{name}.a", body) for body in bodies[start : start + 500]))

        asyncio.run(with_server(publish))

    try:
        asyncio.run(with_server(lambda stream: stream.add_stream(name=name, subjects=[f"{name}.>"])))
    except (OSError, module.errors.Error):
        pytest.skip("NOT TESTED on NATS: start one with JetStream and set TRAINER_TEST_NATS=nats://host:4222")
    section = {"kind": "nats", "servers": [NATS], "stream": name}
    yield Broker(section, send, lambda count: [str(number) for number in range(1, count + 1)])
    asyncio.run(with_server(lambda stream: stream.delete_stream(name)))


@contextmanager
def kafka() -> Iterator[Broker]:
    """The mock cluster inside librdkafka: it lives as long as its producer, and other processes reach it."""
    module = pytest.importorskip("confluent_kafka", reason='NOT TESTED on Kafka: pip install "trainer-core[kafka]"')
    producer = module.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    topic = f"trainer_test_{uuid.uuid4().hex}"
    brokers = [f"{broker.host}:{broker.port}" for broker in producer.list_topics(topic, timeout=10).brokers.values()]

    def send(bodies: Sequence[bytes]) -> None:
        for body in bodies:
            producer.produce(topic, body, partition=0)
            producer.poll(0)
        assert producer.flush(60) == 0

    section = {"kind": "kafka", "brokers": brokers, "topic": topic}
    yield Broker(section, send, lambda count: [f"0-{number}" for number in range(count)])


BROKERS = {"kafka": kafka, "nats": nats, "rabbitmq": rabbitmq, "redis": redis}


def numbered(start: int, stop: int) -> list[bytes]:
    """Messages that tell one from another."""
    return [json.dumps({"number": number, "amount": number / 4}).encode() for number in range(start, stop)]
