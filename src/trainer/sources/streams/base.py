"""The seam of the streams: what is read on from where the last reading stopped, in batches that are stored whole.

A queue of a broker, the changes of a database, a table that grows and an inbox of webhooks are one thing to whoever
stores them: batches of events, each with an identity, and a commit once the batch is safe.

    with closing(create_stream("orders", {"kind": "rabbitmq", "url": url, "queue": "orders"}, context)) as stream:
        stream.open(position)                     # where the last stored batch ended; None at first
        batch = stream.poll(1_000, wait=0.5)
        ...                                       # store batch.events and batch.position in one transaction
        stream.commit(batch)                      # now the broker may forget them

A program that is killed between storing and committing is given the same events again. They have the same identities,
and so they are the same documents: each is stored once.
"""

from __future__ import annotations

import base64
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import jmespath
import msgspec
from msgspec import Meta, Struct

from trainer.core.digest import digest, digest_bytes
from trainer.core.errors import Problem, SourceError, UsageError, unknown
from trainer.core.registry import Adapter, Registry
from trainer.core.secrets import mask_secrets
from trainer.core.strictjson import read_json
from trainer.core.values import Json
from trainer.sources.base import SourceContext
from trainer.sources.query import raise_problems

EventKind = Literal["record", "deletion", "truncation", "dead"]

BATCH_BYTES = 16_000_000
"""Bytes of messages after which a batch is full, however few they are: what bounds memory is what is not yet stored."""
_NEXT = 0.05
"""Seconds to wait for one more message of a batch that has some."""
_AT_ONCE = 100
"""Messages that are asked for at a time."""
_LONGEST_ID = 600
"""Bytes; stores allow keys of 1,000."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Event:
    """A message that came, or a row that changed."""

    id: str
    """What tells it from all others of its stream: the same again is the same document."""
    kind: EventKind = "record"
    """`record`: `data` is what holds now. `deletion`: it is no more. `truncation`: all whose `id` begins so are no
    more. `dead`: it cannot be read, for `reason`."""
    data: Json = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    """What else there is to say: `topic`, `offset`, `table`."""
    unchanged: tuple[str, ...] = ()
    """Names of the record that keep their stored value, because the database did not send them."""
    former: str = ""
    """The identity under which that value is stored, where it is another."""
    body: bytes | None = None
    """The message as it came; None where it was none."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StreamBatch:
    """Events to be stored in one transaction, in order."""

    events: tuple[Event, ...] = ()
    position: Json = None
    """Where reading goes on, to be stored with the events; None where the broker itself remembers."""
    receipt: Any = None
    """What `commit` needs to know."""
    caught_up: bool = False
    """Whether there was nothing more to read for now."""
    warnings: tuple[str, ...] = ()
    """What is not read, and why."""


class StreamOptions(Struct, frozen=True, kw_only=True):
    """What every stream can be told."""

    subject: Annotated[str, Meta(description="What the records are about.")] = ""
    fields: Annotated[
        dict[str, dict[str, str]], Meta(description="What the record's fields mean: `title`, `unit`, `description`.")
    ] = msgspec.field(default_factory=dict)
    map: Annotated[str, Meta(description="A JMESPath that makes the record of what came.")] = ""


class MessageOptions(StreamOptions, frozen=True, kw_only=True):
    """What every stream of messages can be told."""

    format: Annotated[Literal["json", "text"], Meta(description="How a message is written.")] = "json"
    id: Annotated[
        str, Meta(description="A JMESPath to the message's own identity: one that comes again replaces the former.")
    ] = ""


class Stream(ABC):
    """What is read on. Building it does no I/O; `open` connects, and `close` may be followed by another `open`.

    One thread reads. Every method raises SourceError for what the other side did or did not do.
    """

    kind: ClassVar[str]
    settings: ClassVar[type[StreamOptions]]

    def __init__(self, name: str, options: Any, context: SourceContext) -> None:
        self.name = name
        self.options = options
        self.context = context
        self._map = jmespath.compile(options.map) if options.map else None

    def prepare(self) -> None:  # noqa: B027  (libraries that mind no order need nothing)
        """Load what must be in the process before a database is; called before the store is opened."""

    @abstractmethod
    def open(self, position: Json) -> None:
        """Connect, and go on at `position`, that of the last batch stored; None where there is none."""

    def serve(self) -> None:  # noqa: B027  (most streams call, and are not called)
        """Begin to receive, where it is the other side that calls; called after `open` where reading goes on."""

    @abstractmethod
    def poll(self, limit: int, wait: float) -> StreamBatch:
        """The next events, at most `limit` and about BATCH_BYTES; waits up to `wait` seconds for the first."""

    def commit(self, batch: StreamBatch) -> None:  # noqa: B027  (what is read by position alone needs none)
        """Tell the other side that the batch, and every one before it, is stored."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection; events that were not committed come again."""

    def again(self, event_id: str, body: bytes, metadata: Mapping[str, Json]) -> Event:  # noqa: ARG002  (only streams of messages have them)
        """The event of a dead letter, read anew with the settings of today."""
        raise UsageError(f"{self.name}: streams of kind {self.kind} have no dead letters to read again")

    def document_id(self, event_id: str) -> str:
        """The identity as the last part of a storage key; a long one is cut and told apart by its digest."""
        if len(event_id.encode("utf-8", "replace")) <= _LONGEST_ID and "\0" not in event_id:
            return event_id
        return f"{event_id.replace(chr(0), '')[:100]}~{digest(event_id)[:32]}"

    def meaning(self) -> dict[str, Json]:
        """What the settings say of every record, for its metadata."""
        meaning = {"subject": self.options.subject, "fields": self.options.fields}
        return {name: value for name, value in meaning.items() if value}

    def mapped(self, record: Json) -> Json:
        """The record that the settings make of what came; raises SourceError where they do not fit."""
        if self._map is None:
            return record
        try:
            return self._map.search(record)
        except jmespath.exceptions.JMESPathError as error:
            raise SourceError(f"{self.name}: map does not fit: {error}", hint="mend its map") from error


class DecodedStream(Stream):
    """A stream of messages, which may be anything: what cannot be read becomes a dead letter."""

    settings: ClassVar[type[StreamOptions]] = MessageOptions

    def __init__(self, name: str, options: Any, context: SourceContext) -> None:
        super().__init__(name, options, context)
        self._id = jmespath.compile(options.id) if options.id else None

    def event(self, event_id: str, body: bytes, metadata: Mapping[str, Json]) -> Event:
        """The event of a message: a record, or a dead letter that says why it is none."""
        try:
            data = self._decoded(body)
            identity = self._identity(data) if self._id else event_id
            record = self.mapped(data)
        except (SourceError, UsageError) as error:
            return Event(event_id, "dead", metadata=metadata, body=body, reason=error.message)
        data = record if isinstance(record, dict) else {"value": record}
        return Event(identity, data=data, metadata=metadata, body=body)

    def again(self, event_id: str, body: bytes, metadata: Mapping[str, Json]) -> Event:
        """The event of a dead letter, read anew."""
        return self.event(event_id, body, metadata)

    def _decoded(self, body: bytes) -> Json:
        if self.options.format == "json":
            return read_json(body, shown="the message")
        try:
            return {"text": body.decode("utf-8")}
        except UnicodeDecodeError:
            raise SourceError("the message is not UTF-8 text") from None

    def _identity(self, data: Json) -> str:
        try:
            value = self._id.search(data) if self._id else None
        except jmespath.exceptions.JMESPathError as error:
            raise SourceError(f"id does not fit the message: {error}") from error
        parts = value if isinstance(value, list) else [value]
        if not parts or not all(isinstance(part, str | int | float) and part != "" for part in parts):
            raise SourceError(f"the message has no identity at {self.options.id}")
        return ":".join(str(part) for part in parts)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as an adapter brings it."""

    event: Event
    size: int
    """Bytes of the message."""
    receipt: Any
    """What acknowledges it."""


class MessageStream(DecodedStream):
    """A queue of a broker that remembers itself what was acknowledged.

    An adapter connects (`connect`), brings what has come (`fetch`), and tells the broker what is stored
    (`acknowledge`); batches and what they leave over are the same for all.
    """

    def __init__(self, name: str, options: Any, context: SourceContext) -> None:
        super().__init__(name, options, context)
        self._ahead: deque[Arrival] = deque()
        """What has come and did not fit into a batch."""

    @abstractmethod
    def connect(self) -> None:
        """Connect; the broker remembers what was acknowledged."""

    @abstractmethod
    def fetch(self, count: int, wait: float) -> Sequence[Arrival]:
        """What has come, at most `count`; waits up to `wait` seconds for the first."""

    @abstractmethod
    def acknowledge(self, receipts: Sequence[Any]) -> None:
        """Tell the broker that it need not send these again; they come in the order they were fetched."""

    def at_end(self, last: Arrival | None) -> bool:
        """Whether nothing more waits, now that `last` was taken; None where nothing came."""
        return last is None

    def open(self, position: Json) -> None:  # noqa: ARG002  (the broker remembers)
        """Connect, and forget what was fetched before and not acknowledged: it comes again."""
        self._ahead.clear()
        self.connect()

    def poll(self, limit: int, wait: float) -> StreamBatch:
        """The next messages."""
        taken: list[Arrival] = []
        size = 0
        while len(taken) < limit and size < BATCH_BYTES:
            if not self._ahead:
                self._ahead.extend(self.fetch(min(limit - len(taken), _AT_ONCE), _NEXT if taken else wait))
            if not self._ahead:
                break
            taken.append(self._ahead.popleft())
            size += taken[-1].size
        events = tuple(arrival.event for arrival in taken)
        ended = not self._ahead and self.at_end(taken[-1] if taken else None)
        return StreamBatch(events, receipt=[arrival.receipt for arrival in taken], caught_up=ended)

    def commit(self, batch: StreamBatch) -> None:
        """Acknowledge the batch."""
        if batch.receipt:
            self.acknowledge(batch.receipt)

    def failure(self, broker: str, error: Exception, hint: str) -> SourceError:
        """The error for what went wrong at the broker, without its secrets."""
        reason = mask_secrets(str(error) or type(error).__name__)[:200]
        return SourceError(f"{self.name}: {broker}: {reason}", hint=hint)


STREAMS = Registry(
    "streams",
    {
        "kafka": Adapter("trainer.sources.streams.kafka:KafkaStream", "kafka", "confluent_kafka"),
        "kinesis": Adapter("trainer.sources.streams.kinesis:KinesisStream", "kinesis", "boto3"),
        "memory": Adapter("trainer.sources.streams.memory:MemoryStream"),
        "mysql": Adapter("trainer.sources.streams.mysql:MySQLStream", "mysql", "pymysqlreplication"),
        "nats": Adapter("trainer.sources.streams.nats:NatsStream", "nats"),
        "postgresql": Adapter("trainer.sources.streams.postgresql:PostgreSQLStream", "postgres", "psycopg"),
        "pulsar": Adapter("trainer.sources.streams.pulsar:PulsarStream", "pulsar"),
        "rabbitmq": Adapter("trainer.sources.streams.rabbitmq:RabbitMQStream", "rabbitmq", "pika"),
        "redis": Adapter("trainer.sources.streams.redis:RedisStream", "redis"),
        "table": Adapter("trainer.sources.streams.table:TableStream", "sql", "sqlalchemy"),
        "webhook": Adapter("trainer.sources.streams.webhook:WebhookStream"),
    },
)


def create_stream(name: str, section: Mapping[str, Any], context: SourceContext | None = None) -> Stream:
    """The stream that config.yaml describes as `name`; raises UsageError with all that is wrong with its settings."""
    problems = list(_name_problems(name))
    kind = section.get("kind")
    if not isinstance(kind, str):
        names = ", ".join(STREAMS.names())
        problems.append(Problem(f"the stream {name} has no kind", hint=f"set kind to one of {names}"))
        raise_problems(problems)
    adapter: type[Stream] = STREAMS.load(str(kind))
    options = {key: value for key, value in section.items() if key != "kind"}
    for key in options:
        if key not in adapter.settings.__struct_fields__:
            message, hint = unknown(
                f"setting of the {kind} stream {name}", str(key), adapter.settings.__struct_fields__
            )
            problems.append(Problem(message, hint=hint))
    raise_problems(problems)
    try:
        return adapter(name, msgspec.convert(options, adapter.settings, strict=False), context or SourceContext())
    except msgspec.ValidationError as error:
        raise UsageError(f"the stream {name}: {error}", hint="see docs/reference/streams.md") from None
    except jmespath.exceptions.JMESPathError as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"the stream {name}: not a JMESPath: {reason}", hint="see https://jmespath.org") from None


def dead_letter(event: Event) -> dict[str, Json]:
    """What is kept of a message that cannot be read: all of it, so that it can be read again."""
    body = event.body or b""
    try:
        letter = {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        letter = {"base64": base64.b64encode(body).decode("ascii")}
    return {"id": event.id, "reason": event.reason, "metadata": dict(event.metadata), **letter}


def dead_body(letter: Mapping[str, Json]) -> bytes:
    """The message of a dead letter, byte for byte."""
    return base64.b64decode(letter["base64"]) if "base64" in letter else str(letter["body"]).encode("utf-8")


def joined_id(values: Sequence[Json]) -> str:
    """The identity of a row by the values of its key."""
    if len(values) == 1:
        return str(values[0])
    return ":".join(str(value).replace("%", "%25").replace(":", "%3A") for value in values)


def content_id(*parts: bytes) -> str:
    """An identity for a message that names none: what it says."""
    return digest_bytes(b"\0".join(parts))[:32]


def _name_problems(name: str) -> Iterator[Problem]:
    if not _NAME.fullmatch(name) or name in ("dead", "position"):
        hint = "use letters, digits, - _ and . ; dead and position are taken"
        yield Problem(f'a stream cannot be called "{name}"', hint=hint)
