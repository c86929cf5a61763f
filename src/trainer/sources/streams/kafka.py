"""Topics of Kafka, by confluent-kafka."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from msgspec import Meta, field

from trainer.core.errors import SourceError
from trainer.sources.streams.base import BATCH_BYTES, Arrival, Event, MessageOptions, MessageStream

_PASSING = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE})
_CONNECTING = 15.0
"""Seconds for which brokers may be away before it is an error."""
_AGAIN = 60.0
"""Seconds after which to look for partitions that were added."""


class KafkaOptions(MessageOptions, frozen=True, kw_only=True):
    """Which topic, of which cluster."""

    brokers: Annotated[list[str], Meta(min_length=1, description="The first servers to ask: `[host:9092]`.")]
    topic: Annotated[str, Meta(description="The topic.")]
    group: Annotated[str, Meta(description="The consumer group, under which the brokers keep how far it was read.")] = (
        "trainer"
    )
    partitions: Annotated[list[int], Meta(description="The partitions to read; without, all.")] = field(
        default_factory=list
    )
    keyed: Annotated[
        bool, Meta(description="Whether a message's key is its identity; one without a value then deletes.")
    ] = False
    client: Annotated[
        dict[str, str | int | bool], Meta(description="Settings of librdkafka: `security.protocol`, `sasl.username` …")
    ] = field(default_factory=dict)


class KafkaStream(MessageStream):
    """Reads one topic; the group's offsets move once a batch is stored."""

    kind = "kafka"
    settings = KafkaOptions
    options: KafkaOptions

    _consumer: Any = None
    _look_again: float = 0.0

    def connect(self) -> None:
        """Take the partitions, each from where the group's offset stands.

        No membership in the group is needed for that, and so a reader that was killed is not waited for.
        """
        self._failures: list[KafkaError] = []
        self._ended: set[int] = set()
        """Partitions of which the end was reached."""
        self._taken: set[int] = set()
        settings = {
            **self.options.client,
            "bootstrap.servers": ",".join(self.options.brokers),
            "group.id": self.options.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": BATCH_BYTES // 1024,
            "error_cb": self._failures.append,
            "log_level": 2,
        }
        try:
            self._consumer = Consumer(settings)
            self._take_partitions()
        except KafkaException as error:
            raise self._failure(error.args[0]) from error

    def fetch(self, count: int, wait: float) -> Sequence[Arrival]:
        """What has come of all partitions, each partition in order."""
        arrivals = []
        try:
            if time.monotonic() > self._look_again:
                self._take_partitions()
            for message in self._consumer.consume(count, wait):
                error = message.error()
                if error is None:
                    self._ended.discard(message.partition())
                    receipt = (message.partition(), message.offset() + 1)
                    arrivals.append(Arrival(self._event(message), len(message.value() or b""), receipt))
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._ended.add(message.partition())
                elif error.code() not in _PASSING:
                    raise self._failure(error)
        except KafkaException as error:
            raise self._failure(error.args[0]) from error
        if lasting := [error for error in self._failures if error.code() not in _PASSING]:
            raise self._failure(lasting[0])
        return arrivals

    def at_end(self, last: Arrival | None) -> bool:  # noqa: ARG002  (the brokers tell)
        """Whether the ends of all partitions were reached."""
        return self._taken <= self._ended

    def acknowledge(self, receipts: Sequence[Any]) -> None:
        """Move the group's offsets behind the batch."""
        ends = [TopicPartition(self.options.topic, number, offset) for number, offset in dict(receipts).items()]
        try:
            self._consumer.commit(offsets=ends, asynchronous=False)
        except KafkaException as error:
            raise self._failure(error.args[0]) from error

    def close(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def _take_partitions(self) -> None:
        """Those of the settings, or all there are now that are not taken yet."""
        there = self._partitions()
        if missing := sorted(set(self.options.partitions) - there):
            raise SourceError(
                f"{self.name}: {self.options.topic} has no partition {missing[0]}", hint="mend partitions"
            )
        new = (set(self.options.partitions) or there) - self._taken
        places = [TopicPartition(self.options.topic, number) for number in sorted(new)]
        if places:
            committed = self._consumer.committed(places, timeout=_CONNECTING)
            self._consumer.incremental_assign([
                TopicPartition(place.topic, place.partition, place.offset if place.offset >= 0 else OFFSET_BEGINNING)
                for place in committed
            ])  # fmt: skip
        self._taken |= new
        self._look_again = time.monotonic() + _AGAIN

    def _partitions(self) -> set[int]:
        """The partitions of the topic; asked in short steps, so that an interrupt is obeyed."""
        deadline = time.monotonic() + _CONNECTING
        while True:
            try:
                topic = self._consumer.list_topics(self.options.topic, timeout=0.5).topics[self.options.topic]
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
            else:
                if topic.error is not None:
                    raise self._failure(topic.error)
                return set(topic.partitions)

    def _event(self, message: Any) -> Event:
        place = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
        event_id, body = f"{message.partition()}-{message.offset()}", message.value()
        if not self.options.keyed:
            return self.event(event_id, body or b"", place)
        key = (message.key() or b"").decode("utf-8", "backslashreplace")
        if not key:
            return Event(event_id, "dead", metadata=place, body=body or b"", reason="the message has no key")
        return Event(key, "deletion") if body is None else self.event(key, body, place)

    def _failure(self, error: Any) -> SourceError:
        hint = "check brokers and topic, and that the cluster runs"
        return SourceError(f"{self.name}: Kafka: {error.str()[:200]}", hint=hint)
