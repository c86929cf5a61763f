"""What streams of a database's changes share: first the rows there are, then the log of what happened to them."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import ClassVar

from trainer.core.clock import parse_duration
from trainer.core.values import Json
from trainer.sources.streams.base import Event, Stream, StreamBatch


class ChangeStream(Stream):
    """A snapshot of some tables, then their changes; `open` sets `_events` to the one or the other."""

    reads_to_the_end: ClassVar[bool] = True
    """Whether the events of one reading of the log end where the log does, and not at a size of their own."""

    _events: Iterator[Event]
    _read_tables: list[str] | None = None
    """Tables of which all rows were read; None once changes are read."""
    _due: float = 0.0
    """When the log is asked again, on the monotonic clock."""

    def poll(self, limit: int, wait: float) -> StreamBatch:
        """The next rows, or the next changes; at the end, nothing before `every` has passed."""
        if (left := self._due - time.monotonic()) > 0:
            time.sleep(min(wait, left))
            return StreamBatch(caught_up=True)
        events: list[Event] = []
        before = self._position()
        with self._faults():
            while len(events) < limit and (event := next(self._events, None)) is not None:
                events.append(event)
        ended = len(events) < limit
        if ended:
            was_snapshot, self._events = self._read_tables is not None, self._changes()
            self._read_tables = None
            ended = not was_snapshot and (self.reads_to_the_end or not events)
            self._due = time.monotonic() + parse_duration(self.options.every) if ended else 0.0
        position = self._position()
        return StreamBatch(tuple(events), position=position if position != before or events else None, caught_up=ended)

    def _position(self) -> dict[str, Json]:
        position = self._place_in_log()
        return position if self._read_tables is None else {**position, "snapshot": list(self._read_tables)}

    @abstractmethod
    def _place_in_log(self) -> dict[str, Json]:
        """Up to where the log was read."""

    @abstractmethod
    def _changes(self) -> Iterator[Event]:
        """The changes that the log holds now, after those that are stored."""

    @abstractmethod
    def _faults(self) -> AbstractContextManager[None]:
        """What turns the library's errors into SourceError."""
