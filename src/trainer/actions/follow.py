"""Read a stream on into the store: each batch with its position in one transaction, and only then committed.

A record is the document `NAME:ID`, a message that cannot be read `dead:NAME:ID`, and the position `position:NAME`.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainer.actions.record import Recorder
from trainer.actions.wiring import open_store, open_stream
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.errors import ConfigError, SourceError, UsageError, Where, unknown
from trainer.core.project import Project
from trainer.core.values import Json
from trainer.sources import SOURCES
from trainer.sources.streams import Event, Stream, StreamBatch, dead_body, dead_letter
from trainer.stores import DataStore, DocumentWrite

_WAIT = 0.25
"""Seconds to wait for messages at a time: an interrupt is obeyed within them."""
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """How far to read."""

    follow: bool = False
    """Whether to go on when there is nothing more for now, and to connect again when the other side went away."""
    limit: int | None = None
    """Most events; None is all."""
    batch: int = 1_000
    """Most events of one transaction."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What was read."""

    name: str
    kind: str
    records: int = 0
    """Records that came; one that came before is stored once all the same."""
    deletions: int = 0
    dead: int = 0
    """Messages that could not be read, and were kept as dead letters."""
    caught_up: bool = False
    """Whether there was nothing more at the end."""

    @property
    def key(self) -> str:
        """What the keys of its records begin with."""
        return f"{self.name}:"

    def plus(self, batch: StreamBatch, dead: int) -> Followed:
        """With one more batch, of which so many are dead letters."""
        deletions = sum(event.kind in ("deletion", "truncation") for event in batch.events)
        return replace(
            self,
            records=self.records + len(batch.events) - deletions - dead,
            deletions=self.deletions + deletions,
            dead=self.dead + dead,
            caught_up=batch.caught_up,
        )

    @property
    def summary(self) -> str:
        """One line for people."""
        numbers = (self.records, "record"), (self.deletions, "deletion"), (self.dead, "dead letter")
        parts = [f"{n:,} {what}{'s' if n != 1 else ''}" for n, what in numbers if n or what == "record"]
        return ", ".join(parts)

    @property
    def events(self) -> int:
        """All that came."""
        return self.records + self.deletions + self.dead

    def as_json(self) -> dict[str, Any]:
        """The object of `trainer retrieve STREAM --json`."""
        names = ("records", "deletions", "dead", "caught_up")
        return {"key": f"{self.key}*", "stream": self.name, "kind": self.kind} | {n: getattr(self, n) for n in names}


OnBatch = Callable[[Followed], None]


def follow_stream(
    project: Project,
    name: str,
    options: FollowOptions,
    *,
    stop: threading.Event | None = None,
    clock: Clock = system_clock,
    on_batch: OnBatch = lambda _: None,
    on_failure: Callable[[SourceError, float], None] = lambda _error, _pause: None,
    on_warning: Callable[[str], None] = lambda _: None,
) -> Followed:
    """What was read of the stream called `name` and is stored now; `stop` ends it behind the batch under way.

    Raises SourceError where the other side fails, unless it follows: then `on_failure` is told, and it tries again.
    """
    stop = stop or threading.Event()
    stream = open_stream(project, name, clock=clock)
    stream.prepare()
    store = open_store(project, clock=clock)
    total = Followed(name, stream.kind)
    pauses = _pauses()
    with Recorder(project, "retrieve", context={"stream": name}, clock=clock) as recorder:
        try:
            while not stop.is_set():
                writer = StreamWriter(stream, store, clock)
                try:
                    stream.open(writer.position)
                    if options.follow:
                        stream.serve()
                    for batch, dead in _batches(stream, writer, options, total, stop):
                        total = total.plus(batch, dead)
                        for warning in batch.warnings:
                            on_warning(warning)
                        on_batch(total)
                        pauses = _pauses()
                    break
                except SourceError as error:
                    if not options.follow:
                        raise
                    pause = next(pauses)
                    on_failure(error, pause)
                    stop.wait(pause)
                finally:
                    stream.close()
        finally:
            recorder.note(outputs=total.as_json())
            store.close()
    return total


def is_stream(project: Project, name: str) -> bool:
    """Whether the project has a stream of that name; raises UsageError for one that is neither stream nor source."""
    streams = project.settings.data_retriever.streams
    if name not in streams and name not in SOURCES.names():
        message, hint = unknown("source or stream", name, [*streams, *SOURCES.names()])
        raise UsageError(message, hint=hint)
    return name in streams


def check_streams(project: Project) -> list[UsageError]:
    """What is wrong with the settings of the streams; nothing is connected to."""
    errors: list[UsageError] = []
    for name in project.settings.data_retriever.streams:
        origin = project.config.origin(f"data_retriever.streams.{name}")
        where = Where(origin.place) if origin else None
        try:
            if name in SOURCES.names():
                raise UsageError(f"a source is called {name} too", hint="give the stream another name")
            open_stream(project, name)
        except UsageError as error:
            problems = [replace(problem, where=problem.where or where) for problem in error.problems]
            errors.append(ConfigError(error.message, hint=error.hint, problems=problems))
    return errors


def retry_dead(project: Project, name: str, *, clock: Clock = system_clock) -> Followed:
    """The dead letters of a stream, read again with the settings of today; what can be read now is a record."""
    stream = open_stream(project, name, clock=clock)
    store = open_store(project, clock=clock)
    writer = StreamWriter(stream, store, clock)
    total = Followed(name, stream.kind, caught_up=True)
    letters = store.scan({"key": {"$regex": f"^{re.escape(_dead_key(name, ''))}"}})
    with Recorder(project, "retrieve", context={"stream": name, "dead": True}, clock=clock):
        while some := list(itertools.islice(letters, 500)):
            total = total.plus(*writer.read_again([letter.data for letter in some]))
    store.close()
    return total


class StreamWriter:
    """Stores batches of one stream, and knows where it stands."""

    def __init__(self, stream: Stream, store: DataStore, clock: Clock) -> None:
        self._stream = stream
        self._store = store
        self._clock = clock
        position = store.retrieve(f"position:{stream.name}")
        if position is not None and position.data["kind"] != stream.kind:
            hint = f"give it another name, or forget where it stood: trainer store delete position:{stream.name}"
            raise UsageError(f"{stream.name} was a stream of kind {position.data['kind']} before", hint=hint)
        self._version = position.version if position else 0
        self.position: Json = position.data["position"] if position else None
        """Where the last stored batch ended."""

    def write(self, batch: StreamBatch) -> int:
        """How many of the batch's events became dead letters, once all of it is stored with its position.

        All in one transaction, but for what stands before a truncation: read again, it comes to the same.
        """
        dead = 0
        waiting: list[Event] = []
        for event in batch.events:
            if event.kind == "truncation":
                dead += self._store_events(waiting, None)
                self._truncate(event)
                waiting = []
            else:
                waiting.append(event)
        return dead + self._store_events(waiting, batch.position)

    def read_again(self, letters: Sequence[Json]) -> tuple[StreamBatch, int]:
        """The events of dead letters read anew, and how many stay dead; the others are records, in one transaction."""
        drafts: list[DocumentWrite] = []
        events: list[Event] = []
        for letter in letters:
            event = self._stream.again(letter["id"], dead_body(letter), letter["metadata"])
            events.append(event)
            drafts += self._drafts([event])
            if event.kind != "dead":
                drafts.append(
                    DocumentWrite(
                        _dead_key(self._stream.name, self._stream.document_id(letter["id"])), None, deletes=True
                    )
                )
        self._store.store_many(drafts)
        return StreamBatch(tuple(events), caught_up=True), sum(event.kind == "dead" for event in events)

    def _store_events(self, events: Sequence[Event], position: Json) -> int:
        """How many became dead letters."""
        drafts = self._drafts(events)
        last = self._position_draft(position) if position is not None else []
        dead = sum(event.kind == "dead" for event in events)
        try:
            if drafts or last:
                self._store.store_many([*drafts, *last])
        except UsageError:  # the store refuses one of them, which must not keep the others out
            for event, draft in zip(events, drafts, strict=True):
                dead += self._store_one(event, draft)
            if last:
                self._store.store_many(last)
        if last:
            # a position that was deleted goes on counting where it was
            head = None if self._version else self._store.head(f"position:{self._stream.name}")
            self._version = head.version if head else self._version + 1
            self.position = position
        return dead

    def _store_one(self, event: Event, draft: DocumentWrite) -> bool:
        """Whether the event became a dead letter, since the store refuses it."""
        try:
            self._store.store_many([draft])
        except UsageError as error:
            if event.body is None:
                raise
            self._store.store_many(self._drafts([replace(event, kind="dead", reason=error.message)]))
            return True
        return False

    def _drafts(self, events: Sequence[Event]) -> list[DocumentWrite]:
        """One draft for each event."""
        name, stream = self._stream.name, self._stream
        about = {**stream.meaning(), "stream": name, "retrieved_at": isoformat(self._clock())}
        keys = {event.id: f"{name}:{stream.document_id(event.id)}" for event in events}
        keys |= {event.former: f"{name}:{stream.document_id(event.former)}" for event in events if event.former}
        partial = [keys[event.former or event.id] for event in events if event.unchanged]
        records = (
            {key: document.data for key, document in self._store.retrieve_many(partial).items()} if partial else {}
        )
        drafts = []
        for event in events:
            key, data = keys[event.id], event.data
            if event.kind == "dead":
                dead_key = _dead_key(name, stream.document_id(event.id))
                drafts.append(
                    DocumentWrite(dead_key, dead_letter(event), {"stream": name}, f"dead:{name}", skip_unchanged=True)
                )
                continue
            if event.unchanged:
                data = {**data, **_kept_values(name, event, records.get(keys[event.former or event.id]))}
            if partial and event.kind == "record":
                records[key] = data
            metadata = {**about, **event.metadata}
            is_gone = event.kind == "deletion"
            drafts.append(DocumentWrite(key, data, metadata, name, skip_unchanged=True, deletes=is_gone))
        return drafts

    def _position_draft(self, position: Json) -> list[DocumentWrite]:
        """Two processes that read one stream by position are told apart by the version that each of them expects."""
        data = {"kind": self._stream.kind, "position": position}
        return [DocumentWrite(f"position:{self._stream.name}", data, source="position", if_version=self._version)]

    def _truncate(self, event: Event) -> None:
        prefix = re.escape(f"{self._stream.name}:{event.id}")
        documents = self._store.scan({"key": {"$regex": f"^{prefix}"}})
        while some := [
            DocumentWrite(document.key, None, deletes=True) for document in itertools.islice(documents, 1_000)
        ]:
            self._store.store_many(some)


def _batches(
    stream: Stream, writer: StreamWriter, options: FollowOptions, total: Followed, stop: threading.Event
) -> Iterator[tuple[StreamBatch, int]]:
    """Each batch once it is stored and committed, with how many of its events are dead letters."""
    read = total.events
    while not stop.is_set() and (options.limit is None or read < options.limit):
        room = options.batch if options.limit is None else min(options.batch, options.limit - read)
        batch = stream.poll(room, _WAIT)
        dead = 0
        if batch.events or batch.position is not None:
            dead = writer.write(batch)
            stream.commit(batch)
            read += len(batch.events)
        yield batch, dead
        if batch.caught_up and not options.follow:
            return


def _kept_values(name: str, event: Event, record: Json) -> dict[str, Json]:
    """The values that the database did not send, since they did not change."""
    missing = [field for field in event.unchanged if not isinstance(record, dict) or field not in record]
    if missing:
        hint = "at the source: alter table … replica identity full; then read it anew"
        raise SourceError(f"{name}: {event.id} came without its unchanged {missing[0]}, which is not stored", hint=hint)
    return {field: record[field] for field in event.unchanged}


def _dead_key(name: str, document_id: str) -> str:
    return f"dead:{name}:{document_id}"


def _pauses() -> Iterator[float]:
    """Seconds to wait before each further try: longer and longer."""
    pause = 0.5
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE)
