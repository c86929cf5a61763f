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

Ask = tuple[str, Mapping[str, Json]]
"""A source's name and a query for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one query."""

    source: str
    query: Mapping[str, Json]
    result: RetrievalResult | None = None
    error: TrainerError | None = None
    """Why there is no result."""
    seconds: float = field(default=0.0, compare=False)
    """How long it took."""


def retrieve_many(
    queries: Sequence[Ask],
    sources: Mapping[str, DataRetriever],
    *,
    store: bool = True,
    workers: int = 8,
    done: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """One outcome per query, in the order of the queries; a query asked twice is sent once.

    Each source has up to `workers` threads of its own, so that one that hangs holds up no other. `done` is told each
    outcome as it comes, in the caller's thread. An interrupt ends the wait at once: threads that still hang on a server
    do not hold up the program's end.
    """
    by_identity = {canonical([source, dict(query)]): (source, query) for source, query in reversed(queries)}
    identities = [canonical([source, dict(query)]) for source, query in queries]
    waiting: dict[str, queue.SimpleQueue[str]] = {}
    finished: queue.SimpleQueue[tuple[str, Outcome]] = queue.SimpleQueue()
    for identity in dict.fromkeys(identities):
        waiting.setdefault(by_identity[identity][0], queue.SimpleQueue()).put(identity)

    def work(source: str) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                identity = waiting[source].get_nowait()
                finished.put((identity, _outcome(by_identity[identity], sources, store)))

    for source, line in waiting.items():
        for _ in range(min(workers, line.qsize())):
            threading.Thread(target=work, args=(source,), daemon=True).start()
    outcomes: dict[str, Outcome] = {}
    try:
        while len(outcomes) < len(by_identity):
            identity, outcome = finished.get()
            outcomes[identity] = outcome
            done(outcome)
    finally:
        for line in waiting.values():  # after an interrupt, nothing more is begun
            with contextlib.suppress(queue.Empty):
                while True:
                    line.get_nowait()
    return [outcomes[identity] for identity in identities]


def _outcome(ask: Ask, sources: Mapping[str, DataRetriever], store: bool) -> Outcome:
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
    return Outcome(source, query, result, error, time.monotonic() - start)
