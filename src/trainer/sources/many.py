"""Many queries at once, sources side by side: what fails does not take down what works."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from trainer.core.digest import canonical
from trainer.core.errors import SourceError, TrainerError, UsageError, unknown
from trainer.core.values import Json, RetrievalResult
from trainer.sources.base import DataRetriever

KeyedQuery = tuple[str, Mapping[str, Json]]
"""A source's name and a query for it."""


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """What came of one query."""

    source: str
    query: Mapping[str, Json]
    result: RetrievalResult | None = None
    error: TrainerError | None = None
    """Why there is no result."""
    seconds: float = field(default=0.0, compare=False)
    """How long it took."""


def retrieve_many(
    queries: Sequence[KeyedQuery],
    sources: Mapping[str, DataRetriever],
    *,
    store: bool = True,
    workers: int = 8,
    timeout: float | None = None,
    done: Callable[[QueryOutcome], None] = lambda _: None,
) -> list[QueryOutcome]:
    """One outcome per query, in the order of the queries; a query asked twice is sent once.

    Each source has up to `workers` threads of its own, so that one that hangs holds up no other. A query that takes
    longer than `timeout` seconds ends with SourceError, and what it brings later is left. `done` is told each outcome
    as it comes, in the caller's thread. An interrupt ends the wait at once: threads that still hang on a server do not
    hold up the program's end.
    """
    by_identity = {canonical([source, dict(query)]): (source, query) for source, query in reversed(queries)}
    identities = [canonical([source, dict(query)]) for source, query in queries]
    threads = _Threads({identity: by_identity[identity] for identity in identities}, sources, store, timeout)
    threads.start(workers)
    outcomes: dict[str, QueryOutcome] = {}
    try:
        while len(outcomes) < len(by_identity):
            for identity, outcome in threads.next(outcomes):
                outcomes[identity] = outcome
                done(outcome)
    finally:
        threads.stop()  # after an interrupt, nothing more is begun
    return [outcomes[identity] for identity in identities]


class _Threads:
    """The threads that ask the sources of some queries, each known by its identity."""

    def __init__(
        self, asks: Mapping[str, KeyedQuery], sources: Mapping[str, DataRetriever], store: bool, timeout: float | None
    ) -> None:
        self._asks = asks
        self._sources = sources
        self._store = store
        self._timeout = timeout
        self._waiting: dict[str, queue.SimpleQueue[str]] = {}
        self._finished: queue.SimpleQueue[tuple[str, QueryOutcome]] = queue.SimpleQueue()
        self._begun: dict[str, float] = {}
        """When each query was sent that has been."""
        for identity, (source, _) in asks.items():
            self._waiting.setdefault(source, queue.SimpleQueue()).put(identity)

    def start(self, workers: int) -> None:
        """Begin, with up to `workers` threads for each source."""
        for source, line in self._waiting.items():
            for _ in range(min(workers, line.qsize())):
                self._begin(source)

    def next(self, outcomes: Mapping[str, QueryOutcome]) -> list[tuple[str, QueryOutcome]]:
        """The next outcome that is not in `outcomes`, or those of all queries whose time is up; none: look again."""
        if self._timeout is None:
            return [self._finished.get()]
        under_way = {identity: at for identity, at in list(self._begun.items()) if identity not in outcomes}
        first = min(under_way.values(), default=time.monotonic())
        with contextlib.suppress(queue.Empty):
            outcome = self._finished.get(timeout=max(0.0, first + self._timeout - time.monotonic()))
            return [] if outcome[0] in outcomes else [outcome]
        late = [identity for identity, at in under_way.items() if time.monotonic() - at >= self._timeout]
        for identity in late:
            self._begin(self._asks[identity][0])  # in place of the thread that hangs
        return [(identity, _too_late(self._asks[identity], self._timeout)) for identity in late]

    def stop(self) -> None:
        """Begin no more of what waits."""
        for line in self._waiting.values():
            with contextlib.suppress(queue.Empty):
                while True:
                    line.get_nowait()

    def _begin(self, source: str) -> None:
        threading.Thread(target=self._work, args=(source,), daemon=True).start()

    def _work(self, source: str) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                identity = self._waiting[source].get_nowait()
                self._begun[identity] = time.monotonic()
                self._finished.put((identity, _outcome(self._asks[identity], self._sources, self._store)))


def _too_late(ask: KeyedQuery, timeout: float) -> QueryOutcome:
    error = SourceError(f"the source {ask[0]} did not answer within {timeout:g} s", hint="try again later")
    return QueryOutcome(*ask, None, error, timeout)


def _outcome(ask: KeyedQuery, sources: Mapping[str, DataRetriever], store: bool) -> QueryOutcome:
    source, query = ask
    start = time.monotonic()
    result, error = None, None
    try:
        if source not in sources:
            message, hint = unknown("source", source, sources)
            raise UsageError(message, hint=hint)
        result = sources[source].retrieve(query, store)
    except TrainerError as failure:
        error = failure
    except Exception as fault:  # of a source, perhaps another package's: it must not take the others with it
        error = SourceError(f"the source {source} failed: {type(fault).__name__}: {fault}", hint="please report it")
        error.__cause__ = fault
    return QueryOutcome(source, query, result, error, time.monotonic() - start)
