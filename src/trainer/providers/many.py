"""Many completions at once, on one event loop behind a sync face."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from trainer.core.errors import ProviderError, TrainerError
from trainer.core.values import CompletionResult
from trainer.providers import loop
from trainer.providers.base import ConcurrentProvider, LLMProvider
from trainer.providers.chain import Ask, Do, Enter, Job, Shown, Step, Steps, Wait, ask, steps
from trainer.providers.pace import Pace

Outcome = CompletionResult | TrainerError
"""What became of one job; errors are values here, so that one never stops the others."""

_HOPELESS = frozenset({"auth", "payment"})
"""Failures that every further call would meet as well."""


def complete_many(
    jobs: Iterable[Job],
    *,
    concurrency: int = 8,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
    on_outcome: Callable[[int, Outcome], None] | None = None,
) -> list[Outcome]:
    """The outcome of every job, in the jobs' order.

    `on_outcome` is called on this thread with the job's number as each one ends. Jobs are taken from their
    iterable only as places come free. An interrupt cancels the calls under way; what had ended was handed over.
    """
    crew = _crew(jobs, concurrency, requests_per_minute, tokens_per_minute)
    outcomes: dict[int, Outcome] = {}
    if on_outcome is None:
        # Nobody waits for a single one, so this thread need not be woken for each.
        outcomes = loop.run(crew.gathered())
    else:
        with contextlib.closing(loop.iterate(crew.outcomes())) as ended:
            for number, outcome in ended:
                outcomes[number] = outcome
                on_outcome(number, outcome)
    return [outcomes[number] for number in sorted(outcomes)]


def iterate_many(
    jobs: Iterable[Job],
    *,
    concurrency: int = 8,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
) -> Generator[tuple[int, Outcome], None, None]:
    """The number and outcome of each job as it ends; closing the generator cancels the calls under way."""
    return loop.iterate(_crew(jobs, concurrency, requests_per_minute, tokens_per_minute).outcomes())


def _crew(
    jobs: Iterable[Job], concurrency: int, requests_per_minute: int | None, tokens_per_minute: int | None
) -> _Crew:
    pace = functools.partial(
        Pace, concurrency, requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute
    )
    return _Crew(jobs, concurrency, pace)


class _Crew:
    """As many workers as calls may be under way, taking jobs in order."""

    def __init__(self, jobs: Iterable[Job], concurrency: int, pace: Callable[[], Pace]) -> None:
        self._jobs = enumerate(jobs)
        self._concurrency = concurrency
        self._new_pace = pace
        self._paces: dict[object, Pace] = {}
        self._hopeless: dict[int, ProviderError] = {}
        self._threads = ThreadPoolExecutor(min(concurrency, 64), thread_name_prefix="trainer-call")

    async def gathered(self) -> dict[int, Outcome]:
        """The outcome of each job, once all have ended."""
        outcomes: dict[int, Outcome] = {}
        async with self._at_work(outcomes.__setitem__) as workers:
            await asyncio.gather(*workers)
        return outcomes

    async def outcomes(self) -> AsyncIterator[tuple[int, Outcome]]:
        """The number and outcome of each job as it ends."""
        box: asyncio.Queue[tuple[int, Outcome] | None] = asyncio.Queue()
        async with self._at_work(lambda number, outcome: box.put_nowait((number, outcome))) as workers:
            for worker in workers:
                worker.add_done_callback(lambda _: box.put_nowait(None))
            ended = 0
            while ended < len(workers):
                item = await box.get()
                if item is None:
                    ended += 1
                else:
                    yield item
            for worker in workers:
                worker.result()

    @contextlib.asynccontextmanager
    async def _at_work(self, take: Callable[[int, Outcome], None]) -> AsyncIterator[list[asyncio.Task[None]]]:
        """The workers, who give what they get to `take`; they are cancelled when the block is left."""
        workers = [asyncio.create_task(self._work(take)) for _ in range(self._concurrency)]
        try:
            yield workers
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self, take: Callable[[int, Outcome], None]) -> None:
        for number, job in self._jobs:
            take(number, await self._outcome(job))
            # All answers that have come are read before a next question is put: put at once, it would delay the
            # others, whose workers then fall out of step, so that each wakes the loop by itself.
            await asyncio.sleep(0)

    async def _outcome(self, job: Job) -> Outcome:
        first = id(job.chain[0]) if job.chain else 0
        if (known := self._hopeless.get(first)) is not None:
            return known
        try:
            return await self._drive(steps(job))
        except ProviderError as error:
            if error.kind in _HOPELESS:
                self._hopeless[first] = error
            return error
        except TrainerError as error:
            return error

    async def _drive(self, work: Steps) -> CompletionResult:
        """Carry out the steps on the loop."""
        answer: Any = None
        failed: TrainerError | None = None
        entered: list[tuple[Pace, float]] = []
        try:
            while True:
                try:
                    step = work.throw(failed) if failed else work.send(answer)
                except StopIteration as end:
                    result: CompletionResult = end.value
                    return result
                answer, failed = None, None
                try:
                    answer = await self._carry_out(step, entered)
                except TrainerError as error:
                    failed = error
        finally:
            _leave(entered, None)
            work.close()

    async def _carry_out(self, step: Step, entered: list[tuple[Pace, float]]) -> Any:
        match step:
            case Enter(provider, tokens, question):
                pace = self._pace(provider)
                entered.append((pace, await pace.enter(tokens, question=question)))
            case Ask():
                return await self._ask(step, entered)
            case Wait(seconds, teacher):
                if teacher is None or not self._pace(teacher).is_learning:
                    await asyncio.sleep(seconds)
            case Do(work):
                return await self._on_thread(work)
        return None

    async def _ask(self, step: Ask, entered: list[tuple[Pace, float]]) -> CompletionResult:
        try:
            if isinstance(step.provider, ConcurrentProvider):
                result = await step.provider.complete_async(step.prompt, **step.arguments)
            else:
                silent = Shown(None, None)
                result = await self._on_thread(lambda: ask(step.provider, step.prompt, step.arguments, silent))
        except ProviderError as error:
            _leave(entered, error)
            raise
        for pace, _ in entered:
            pace.close(getattr(step.provider, "pause", 0.0))
        _leave(entered, None)
        return result

    async def _on_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _pace(self, provider: LLMProvider) -> Pace:
        """One pace for a provider, address and key, however many of its models are asked."""
        secrets = tuple(secret.reveal() for secret in getattr(provider, "secrets", ()))
        identity = (provider.provider, getattr(provider, "api_base", ""), secrets)
        if identity not in self._paces:
            self._paces[identity] = self._new_pace()
        return self._paces[identity]


def _leave(entered: list[tuple[Pace, float]], error: ProviderError | None) -> None:
    while entered:
        pace, moment = entered.pop()
        pace.leave(moment, error)
