"""Topics of Apache Pulsar, by pulsar-client, in a durable subscription."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from trainer.core.errors import SourceError, UsageError
from trainer.sources.streams.base import Arrival, MessageOptions, MessageStream


class PulsarOptions(MessageOptions, frozen=True, kw_only=True):
    """Which topic."""

    url: Annotated[str, Meta(description="The service: `pulsar://host:6650`, `pulsar+ssl://host:6651`.")]
    topic: Annotated[str, Meta(description="The topic: `persistent://tenant/namespace/topic`.")]
    subscription: Annotated[str, Meta(description="The subscription; made where it is not there.")] = "trainer"
    token: Annotated[str | None, Meta(description="The token, best as ${NAME}.")] = None


class PulsarStream(MessageStream):
    """Reads one topic; several processes may share the subscription."""

    kind = "pulsar"
    settings = PulsarOptions
    options: PulsarOptions

    _client: Any = None
    _consumer: Any = None

    def prepare(self) -> None:
        """Load pulsar-client.

        Loaded after DuckDB it takes the classes of DuckDB's errors away, for the rest of the process: both answer for
        what C++ throws, and the last one that comes answers first. So it is refused then.
        """
        if "duckdb" in sys.modules and "pulsar" not in sys.modules:
            raise SourceError(
                f"{self.name}: pulsar-client cannot be loaded once DuckDB is",
                hint=f"read it by `trainer retrieve {self.name}`, or import pulsar before a store is opened",
            )
        import pulsar  # noqa: F401

    def connect(self) -> None:
        """Subscribe, from the earliest message there is at first."""
        self.prepare()
        import pulsar

        options = self.options
        login = {"authentication": pulsar.AuthenticationToken(options.token)} if options.token else {}
        try:
            logger = pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null")
            self._client = pulsar.Client(
                options.url, operation_timeout_seconds=15, connection_timeout_ms=10_000, logger=logger, **login
            )
            self._consumer = self._client.subscribe(
                options.topic, options.subscription, consumer_type=pulsar.ConsumerType.Shared,
                initial_position=pulsar.InitialPosition.Earliest, receiver_queue_size=500,
            )  # fmt: skip
        except ValueError as error:
            raise UsageError(f"{self.name}: url: {error}", hint="write it like pulsar://host:6650") from error
        except pulsar.PulsarException as error:
            raise self._failure(error) from error

    def fetch(self, count: int, wait: float) -> Sequence[Arrival]:
        """What has come."""
        import pulsar

        arrivals: list[Arrival] = []
        try:
            while len(arrivals) < count:
                message = self._consumer.receive(timeout_millis=10 if arrivals else max(1, int(wait * 1000)))
                number = message.message_id()
                name = f"{number.partition()}-{number.ledger_id()}-{number.entry_id()}-{number.batch_index()}"
                event = self.event(name, message.data(), {"topic": message.topic_name()})
                arrivals.append(Arrival(event, len(message.data()), message))
        except pulsar.Timeout:
            pass
        except pulsar.PulsarException as error:
            raise self._failure(error) from error
        return arrivals

    def acknowledge(self, receipts: Sequence[Any]) -> None:
        """Acknowledge them."""
        import pulsar

        try:
            for message in receipts:
                self._consumer.acknowledge(message)
        except pulsar.PulsarException as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the connection; the subscription stays."""
        client, self._client, self._consumer = self._client, None, None
        if client is not None:
            import pulsar

            with contextlib.suppress(pulsar.PulsarException):
                client.close()

    def _failure(self, error: Exception) -> SourceError:
        return self.failure("Pulsar", error, "check url and topic, and that the service runs")
