"""Queues of RabbitMQ, by pika.

RabbitMQ numbers no messages: one is told from another by its `message_id`, by what `id` picks from it, or else by what
it says, and then two equal messages are one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Annotated, Any

import pika
from msgspec import Meta
from pika.exceptions import AMQPError, ChannelClosedByBroker

from trainer.core.errors import SourceError, UsageError
from trainer.sources.streams.base import Arrival, MessageOptions, MessageStream, StreamBatch, content_id


class RabbitMQOptions(MessageOptions, frozen=True, kw_only=True):
    """Which queue."""

    url: Annotated[str, Meta(description="The server: `amqp://user@host/vhost`; the password best as ${NAME}.")]
    queue: Annotated[str, Meta(description="The queue; it must be there.")]
    prefetch: Annotated[int, Meta(ge=1, le=65_535, description="Messages that the server sends ahead.")] = 250


class RabbitMQStream(MessageStream):
    """Consumes one queue; several processes may share it."""

    kind = "rabbitmq"
    settings = RabbitMQOptions
    options: RabbitMQOptions

    _connection: Any = None
    _channel: Any = None

    def connect(self) -> None:
        """Connect, and ask for as many messages ahead as `prefetch` says."""
        try:
            parameters = pika.URLParameters(self.options.url)
        except (ValueError, TypeError) as error:
            hint = "write it like amqp://user:${PASSWORD}@host:5672/"
            raise UsageError(f"{self.name}: url is not a server's address", hint=hint) from error
        try:
            self._connection = pika.BlockingConnection(parameters)
            self._channel = self._connection.channel()
            self._channel.basic_qos(prefetch_count=self.options.prefetch)
            self._channel.queue_declare(self.options.queue, passive=True)
        except (AMQPError, OSError) as error:
            raise self._failure(error) from error

    def poll(self, limit: int, wait: float) -> StreamBatch:
        """The next messages; the server sends no more than `prefetch` before they are acknowledged."""
        return super().poll(min(limit, self.options.prefetch), wait)

    def fetch(self, count: int, wait: float) -> Sequence[Arrival]:
        """What the server has sent."""
        arrivals: list[Arrival] = []
        try:
            while len(arrivals) < count:
                # the first wait alone: what is already here comes without one
                consumed = self._channel.consume(self.options.queue, inactivity_timeout=0.01 if arrivals else wait)
                method, properties, body = next(iter(consumed))
                if method is None:
                    break
                metadata = {"queue": self.options.queue, "routing_key": method.routing_key}
                event = self.event(properties.message_id or content_id(body), body, metadata)
                arrivals.append(Arrival(event, len(body), method.delivery_tag))
        except (AMQPError, OSError) as error:
            raise self._failure(error) from error
        return arrivals

    def at_end(self, last: Arrival | None) -> bool:
        """Whether nothing came, and the queue holds nothing that another consumer could be given either."""
        try:
            return (
                last is None and self._channel.queue_declare(self.options.queue, passive=True).method.message_count == 0
            )
        except (AMQPError, OSError) as error:
            raise self._failure(error) from error

    def acknowledge(self, receipts: Sequence[Any]) -> None:
        """Acknowledge all of them by the last."""
        try:
            self._channel.basic_ack(receipts[-1], multiple=True)
            self._connection.process_data_events(0)
        except (AMQPError, OSError) as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the connection; the server gives unacknowledged messages to the next one."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(AMQPError, OSError):
                connection.close()

    def _failure(self, error: Exception) -> SourceError:
        if isinstance(error, ChannelClosedByBroker) and error.reply_code == 404:
            hint = "declare it at the server, or mend the setting queue"
            return SourceError(f"{self.name}: the server has no queue {self.options.queue}", hint=hint)
        return self.failure("RabbitMQ", error, "check the url, and that the server runs")
