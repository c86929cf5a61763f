"""Streams of Redis, by redis-py, in a consumer group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import redis
from msgspec import Meta

from trainer.core.digest import canonical
from trainer.core.errors import SourceError, UsageError
from trainer.sources.streams.base import Arrival, Event, MessageOptions, MessageStream

_ABANDONED = 60_000
"""Milliseconds after which an entry that another consumer took and never acknowledged is taken from it."""


class RedisOptions(MessageOptions, frozen=True, kw_only=True):
    """Which stream."""

    url: Annotated[str, Meta(description="The server: `redis://host:6379/0`; the password best as ${NAME}.")]
    stream: Annotated[str, Meta(description="The key of the stream.")]
    group: Annotated[str, Meta(description="The consumer group; made where it is not there.")] = "trainer"
    consumer: Annotated[str, Meta(description="The name in the group; each process of several needs its own.")] = (
        "trainer"
    )
    field: Annotated[str, Meta(description="The field that holds the message; without, all fields are the record.")] = (
        ""
    )


class RedisStream(MessageStream):
    """Reads one stream; what this consumer took and did not acknowledge comes first."""

    kind = "redis"
    settings = RedisOptions
    options: RedisOptions

    _client: Any = None

    def connect(self) -> None:
        """Join the group, and take over what others have left lying."""
        options = self.options
        self._pending: str | None = "0"
        """Behind which of this consumer's own entries to read; None once all are read again."""
        try:
            self._client = redis.Redis.from_url(options.url, socket_connect_timeout=10, socket_timeout=30)
            if not self._client.exists(options.stream):
                hint = "add an entry with XADD, or mend the setting stream"
                raise SourceError(f"{self.name}: the server has no stream {options.stream}", hint=hint)
            try:
                self._client.xgroup_create(options.stream, options.group, id="0")
            except redis.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            start: Any = "0-0"
            while start not in (b"0-0", None):
                start, *_ = self._client.xautoclaim(
                    options.stream, options.group, options.consumer, _ABANDONED, start, count=1000, justid=False
                )
        except redis.RedisError as error:
            raise self._failure(error) from error
        except ValueError as error:
            raise UsageError(f"{self.name}: url: {error}", hint="write it like redis://host:6379/0") from error

    def fetch(self, count: int, wait: float) -> Sequence[Arrival]:
        """What has come: first what this consumer was given before, then what is new."""
        try:
            while True:
                # a read of what is new may wait; BLOCK 0 would wait for ever
                block = None if self._pending else max(1, int(wait * 1000))
                answer = self._client.xreadgroup(
                    self.options.group, self.options.consumer, {self.options.stream: self._pending or ">"},
                    count=count, block=block,
                )  # fmt: skip
                entries = answer[0][1] if answer else []
                if self._pending is None:
                    break
                self._pending = entries[-1][0].decode() if entries else None
                if entries:
                    break
        except redis.RedisError as error:
            raise self._failure(error) from error
        return [self._arrival(entry, fields) for entry, fields in entries]

    def acknowledge(self, receipts: Sequence[Any]) -> None:
        """Acknowledge them."""
        try:
            self._client.xack(self.options.stream, self.options.group, *receipts)
        except redis.RedisError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _arrival(self, entry: bytes, fields: dict[bytes, bytes] | None) -> Arrival:
        metadata = {"stream": self.options.stream}
        if not fields:
            reason = "it was trimmed before it was read"
            return Arrival(Event(entry.decode(), "dead", metadata=metadata, body=b"", reason=reason), 0, entry)
        if self.options.field:
            body = fields.get(self.options.field.encode(), b"")
        else:
            body = canonical({_text(name): _text(value) for name, value in fields.items()}).encode()
        return Arrival(self.event(entry.decode(), body, metadata), len(body), entry)

    def _failure(self, error: Exception) -> SourceError:
        return self.failure("Redis", error, "check the url, and that the server runs")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
