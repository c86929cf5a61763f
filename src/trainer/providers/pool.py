"""Many completions at once, on one event loop behind a sync face."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator
from typing import Any, TypeAlias

from trainer.core.errors import TrainerError
from trainer.core.values import CompletionResult
from trainer.providers import loop

CompletionCall: TypeAlias = Callable[[], Awaitable[CompletionResult]]
"""Begins one completion."""
CallOutcome: TypeAlias = CompletionResult | TrainerError
"""What became of one call; errors are values here, so that one never stops the others."""


def complete_many(
    calls: Iterable[CompletionCall],
    *,
    concurrency: int = 8,
    on_outcome: Callable[[int, CallOutcome], None] | None = None,
) -> list[CallOutcome]:
    """The outcome of every call, in their order.

    `on_outcome` is called on this thread with the call's number as each one ends. Calls are taken from their iterable
    only as places come free. An interrupt cancels the calls under way; what had ended was handed over.
    """
    outcomes: dict[int, CallOutcome] = {}
    if on_outcome is None:
        # Nobody waits for a single one, so this thread need not be woken for each.
        loop.run_on_loop(_work(calls, concurrency, outcomes.__setitem__))
    else:
        for number, outcome in iterate_many(calls, concurrency=concurrency):
            outcomes[number] = outcome
            on_outcome(number, outcome)
    return [outcomes[number] for number in sorted(outcomes)]


def iterate_many(
    calls: Iterable[CompletionCall], *, concurrency: int = 8
) -> Generator[tuple[int, CallOutcome], None, None]:
    """The number and outcome of each call as it ends; closing the generator cancels the calls under way."""

    def work(emit: Callable[[tuple[int, CallOutcome]], None]) -> Coroutine[Any, Any, None]:
        return _work(calls, concurrency, lambda number, outcome: emit((number, outcome)))

    with contextlib.closing(loop.iterate(work)) as events:
        for event in events:
            if event is not None:
                yield event


async def complete_all(calls: Iterable[CompletionCall], *, concurrency: int = 8) -> list[CallOutcome]:
    """What `complete_many` returns, where one is on the loop already."""
    outcomes: dict[int, CallOutcome] = {}
    await _work(calls, concurrency, outcomes.__setitem__)
    return [outcomes[number] for number in sorted(outcomes)]


async def _work(calls: Iterable[CompletionCall], concurrency: int, take: Callable[[int, CallOutcome], None]) -> None:
    """Let as many workers as calls may be under way share the calls; an error that is none of ours ends all."""
    numbered = enumerate(calls)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(_worker(numbered, take))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _worker(numbered: Iterator[tuple[int, CompletionCall]], take: Callable[[int, CallOutcome], None]) -> None:
    for number, call in numbered:
        try:
            take(number, await call())
        except TrainerError as error:
            take(number, error)
        # All answers that have come are read before a next question is put: put at once, it would delay the others,
        # whose workers then fall out of step, so that each wakes the loop by itself.
        await asyncio.sleep(0)
