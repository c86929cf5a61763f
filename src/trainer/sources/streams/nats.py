"""Streams of NATS JetStream, by nats-py: a durable pull consumer."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any

import nats
import nats.errors
import nats.js.errors
from msgspec import Meta

from trainer.core.errors import SourceError
from trainer.sources.streams.base import Arrival, MessageOptions, MessageStream

_PATIENCE = 30.0


class NatsOptions(MessageOptions, frozen=True, kw_only=True):
    """Which stream."""

    servers: Annotated[list[str], Meta(min_length=1, description="The servers: `[nats://host:4222]`.")]
    stream: Annotated[str, Meta(description="The JetStream stream.")]
    filter: Annotated[str, Meta(description="The subjects of it to read: `orders.>`; without, all.")] = ""
    durable: Annotated[str, Meta(description="The durable consumer; made where it is not there.")] = "trainer"
    user: Annotated[str | None, Meta(description="The user.")] = None
    password: Annotated[str | None, Meta(description="The password, best as ${NAME}.")] = None
    token: Annotated[str | None, Meta(description="The token, best as ${NAME}.")] = None
    credentials: Annotated[str | None, Meta(description="A file of credentials.")] = None


class NatsStream(MessageStream):
    """Pulls from one stream; a message is its number in it."""

    kind = "nats"
    settings = NatsOptions
    options: NatsOptions

    _client: Any = None
    _loop: asyncio.AbstractEventLoop | None = None

    def connect(self) -> None:
        """Connect, and make the durable consumer where it is not there."""
        self._loop = asyncio.new_event_loop()
        # a thread of its own answers the server's pings, however long a batch takes to store
        threading.Thread(target=self._loop.run_forever, name=f"nats {self.name}", daemon=True).start()
        self._run(self._connect())

    def fetch(self, count: int, wait: float) -> Sequence[Arrival]:
        """What has come."""
        arrivals = []
        for message in self._run(self._fetched(count, wait)):
            place = {"stream": self.options.stream, "subject": message.subject}
            event = self.event(str(message.metadata.sequence.stream), message.data, place)
            arrivals.append(Arrival(event, len(message.data), message))
        return arrivals

    def at_end(self, last: Arrival | None) -> bool:
        """Whether the server has none that this consumer was not given."""
        return last is None or last.receipt.metadata.num_pending == 0

    def acknowledge(self, receipts: Sequence[Any]) -> None:
        """Acknowledge them."""
        self._run(self._acknowledge(receipts))

    def close(self) -> None:
        """Close the connection, and end its thread."""
        client, loop, self._client, self._loop = self._client, self._loop, None, None
        if loop is None:
            return
        if client is not None:
            with contextlib.suppress(Exception):  # it ends either way
                asyncio.run_coroutine_threadsafe(client.close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)

    async def _connect(self) -> None:
        options = self.options

        async def quiet(_error: Exception) -> None:
            """What it says is in the error that the next call raises."""

        self._client = await nats.connect(
            servers=options.servers, connect_timeout=10, allow_reconnect=False, error_cb=quiet, user=options.user,
            password=options.password, token=options.token, user_credentials=options.credentials,
        )  # fmt: skip
        self._subscription = await self._client.jetstream().pull_subscribe(
            options.filter, durable=options.durable, stream=options.stream
        )

    async def _fetched(self, count: int, wait: float) -> Sequence[Any]:
        """The messages that came within the time."""
        try:
            messages: Sequence[Any] = await self._subscription.fetch(count, wait)
        except (
            TimeoutError
        ):  # the client's own is one too; where the time is over before it asks it raises the plain one
            return ()
        return messages

    async def _acknowledge(self, messages: Sequence[Any]) -> None:
        for message in messages:
            await message.ack()
        await self._client.flush(_PATIENCE)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What the coroutine gives, run in the connection's thread."""
        assert self._loop is not None
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE + 10)
        except nats.js.errors.NotFoundError as error:
            hint = "make it with: nats stream add, or mend the setting stream"
            raise SourceError(f"{self.name}: the server has no stream {self.options.stream}", hint=hint) from error
        except (nats.errors.Error, nats.js.errors.Error, OSError, concurrent.futures.TimeoutError) as error:
            raise self.failure("NATS", error, "check the servers, and that JetStream runs there") from error
