"""Many queries at once, sources side by side: what fails does not take down what works."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trainer.core.errors import TrainerError, UsageError, unknown
from trainer.core.values import Json, RetrievalResult
from trainer.sources.base import DataRetriever


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one query."""

    source: str
    query: Mapping[str, Json]
    result: RetrievalResult | None = None
    error: TrainerError | None = None
    """Why there is no result."""


def retrieve_many(
    queries: Sequence[tuple[str, Mapping[str, Json]]],
    sources: Mapping[str, DataRetriever],
    *,
    store: bool = True,
    workers: int = 8,
    done: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """One outcome per `(source name, query)`, in the order of the queries; a query asked twice is sent once.

    `done` is told each outcome as it comes, from a worker's thread.
    """
    from concurrent.futures import ThreadPoolExecutor

    def run(source: str, query: Mapping[str, Json]) -> Outcome:
        outcome = _retrieve(source, query, sources, store)
        if done is not None:
            done(outcome)
        return outcome

    unique: dict[str, tuple[str, Mapping[str, Json]]] = {}
    for source, query in queries:
        unique.setdefault(_mark(source, query), (source, query))
    pool = ThreadPoolExecutor(max_workers=max(1, min(workers, len(unique))))
    try:
        futures = {mark: pool.submit(run, source, query) for mark, (source, query) in unique.items()}
        return [futures[_mark(source, query)].result() for source, query in queries]
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt waits for what is under way, not for what is queued


def _retrieve(source: str, query: Mapping[str, Json], sources: Mapping[str, DataRetriever], store: bool) -> Outcome:
    try:
        if source not in sources:
            message, hint = unknown("source", source, sources)
            raise UsageError(message, hint=hint)
        return Outcome(source, query, sources[source].retrieve(query, store))
    except TrainerError as error:
        return Outcome(source, query, error=error)


def _mark(source: str, query: Mapping[str, Json]) -> str:
    from trainer.core.digest import canonical

    return canonical([source, dict(query)])
