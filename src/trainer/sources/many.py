"""Many queries at once, sources side by side: what fails does not take down what works."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from trainer.core.digest import canonical
from trainer.core.errors import TrainerError, UsageError, unknown
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

    `done` is told each outcome as it comes, in the caller's thread. An interrupt ends the wait at once: threads that
    still hang on a server do not hold up the program's end.
    """
    asks = {canonical([source, dict(query)]): (source, query) for source, query in reversed(queries)}
    marks = [canonical([source, dict(query)]) for source, query in queries]
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    finished: queue.SimpleQueue[tuple[str, Outcome | Exception]] = queue.SimpleQueue()
    for mark in dict.fromkeys(marks):
        waiting.put(mark)

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                mark = waiting.get_nowait()
                finished.put((mark, _outcome(asks[mark], sources, store)))

    for _ in range(min(workers, len(asks))):
        threading.Thread(target=work, daemon=True).start()
    return _gathered(marks, len(asks), waiting, finished, done)


def _gathered(
    marks: Sequence[str],
    count: int,
    waiting: queue.SimpleQueue[str],
    finished: queue.SimpleQueue[tuple[str, Outcome | Exception]],
    done: Callable[[Outcome], None],
) -> list[Outcome]:
    outcomes: dict[str, Outcome] = {}
    try:
        for _ in range(count):
            mark, outcome = finished.get()
            if isinstance(outcome, Exception):
                raise outcome
            outcomes[mark] = outcome
            done(outcome)
    finally:
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.get_nowait()
    return [outcomes[mark] for mark in marks]


def _outcome(ask: Ask, sources: Mapping[str, DataRetriever], store: bool) -> Outcome | Exception:
    """The outcome; a fault of the program is handed back to be raised where the caller waits."""
    source, query = ask
    start = time.monotonic()
    try:
        if source not in sources:
            message, hint = unknown("source", source, sources)
            raise UsageError(message, hint=hint)
        result = sources[source].retrieve(query, store)
    except TrainerError as error:
        return Outcome(source, query, error=error, seconds=time.monotonic() - start)
    except Exception as fault:
        return fault
    return Outcome(source, query, result, seconds=time.monotonic() - start)
