"""Messages within one program: what a thread of it puts in, another stores."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta

from trainer.core.values import Json
from trainer.sources.base import SourceContext
from trainer.sources.streams.base import Arrival, MessageOptions, MessageStream


class MemoryOptions(MessageOptions, frozen=True, kw_only=True):
    """How much of it waits."""

    size: Annotated[int, Meta(ge=1, description="Most messages that wait; who adds another waits too.")] = 10_000


class MemoryStream(MessageStream):
    """A bounded buffer; what was not committed is read again after `open`, and is lost with the program.

    >>> stream = create_stream("clicks", {"kind": "memory"})   # doctest: +SKIP
    >>> stream.put("1", b'{"page": "home"}')                   # doctest: +SKIP
    """

    kind = "memory"
    settings = MemoryOptions

    def __init__(self, name: str, options: MemoryOptions, context: SourceContext) -> None:
        super().__init__(name, options, context)
        self._queue: queue.Queue[Arrival] = queue.Queue(options.size)
        self._fetched: list[Arrival] = []

    def put(self, event_id: str, body: bytes, metadata: Mapping[str, Json] | None = None) -> None:
        """Add a message; waits while the buffer is full."""
        self._queue.put(Arrival(self.event(event_id, body, metadata or {}), len(body), None))

    def connect(self) -> None:
        """Read again what was not committed."""
        self._ahead.extend(self._fetched)

    def fetch(self, count: int, wait: float) -> Sequence[Arrival]:
        """What was put in."""
        arrivals: list[Arrival] = []
        with contextlib.suppress(queue.Empty):
            while len(arrivals) < count:
                arrivals.append(self._queue.get(timeout=0.0 if arrivals else wait))
        self._fetched += arrivals
        return arrivals

    def acknowledge(self, receipts: Sequence[Any]) -> None:
        """Forget them."""
        del self._fetched[: len(receipts)]

    def close(self) -> None:
        """Nothing to let go of."""
