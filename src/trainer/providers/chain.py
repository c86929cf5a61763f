"""One completion: cache, budget, attempts and the next model, as steps that a sync or an async driver carries out."""

from __future__ import annotations

import dataclasses
import json
import random as random_module
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeAlias

from trainer.core.errors import BudgetError, ProviderError
from trainer.core.values import Attempt, CompletionResult, Json, Prompt
from trainer.providers.base import LLMProvider, Stream, messages_of
from trainer.providers.budget import Budget, Reservation
from trainer.providers.cache import CompletionCache
from trainer.providers.policy import Policy
from trainer.providers.prices import Price
from trainer.providers.refusals import asked_for, give_up
from trainer.providers.request import Request
from trainer.providers.structured import Extract, check_schema, in_words, structured_steps, takes_schema

_POLL = 0.05
"""Seconds between two looks at a budget whose rest others have set aside."""


@dataclasses.dataclass(frozen=True, slots=True)
class Enter:
    """Wait until the provider's pace lets one more attempt in."""

    provider: LLMProvider
    tokens: int
    question: bool = False
    """Whether it was refused before and may be refused again while the provider's rate is learnt."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """Make one attempt."""

    provider: LLMProvider
    prompt: str | Prompt
    arguments: Mapping[str, Json]


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass."""

    seconds: float
    unless_asked_by: LLMProvider | None = None
    """The provider whose pace may want the attempt back at once, to learn from it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Do:
    """Call a function that may wait for the disk."""

    work: Callable[[], Any]


Step: TypeAlias = Enter | Ask | Wait | Do
Steps: TypeAlias = Generator[Step, Any, CompletionResult]


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """All that one completion needs."""

    prompt: str | Prompt
    chain: Sequence[LLMProvider]
    """The model to ask, then those to ask when it fails."""
    settings: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    schema: Mapping[str, Json] | None = None
    policy: Policy = dataclasses.field(default_factory=Policy)
    cache: CompletionCache | None = None
    refresh: bool = False
    """Whether kept completions are passed over (and replaced)."""
    budget: Budget | None = None
    random: Callable[[], float] = random_module.random
    clock: Callable[[], float] = time.monotonic
    extract: Extract = json.loads
    """Finds the JSON in an answer, where there is a schema."""
    may_restart: Callable[[], bool] = lambda: True
    """Asked before a retry; a stream that has shown text may have to end instead."""

    def request(self, provider: LLMProvider) -> Request:
        """The canonical request to one provider of the chain."""
        return Request(self.prompt, provider.provider, provider.model, self.settings, self.schema)


def complete(
    prompt: str | Prompt,
    *,
    chain: Sequence[LLMProvider],
    settings: Mapping[str, Json] | None = None,
    schema: Mapping[str, Json] | None = None,
    policy: Policy | None = None,
    cache: CompletionCache | None = None,
    refresh: bool = False,
    budget: Budget | None = None,
    on_text: Callable[[str], None] | None = None,
    on_restart: Callable[[], None] | None = None,
    extract: Extract = json.loads,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = random_module.random,
    clock: Callable[[], float] = time.monotonic,
) -> CompletionResult:
    """The answer to `prompt` from the cache, or from the first model of `chain` that gives one.

    `on_text` is given the answer piece by piece as it comes; once it was given something, a failure is retried
    only where `on_restart` can be called to say that the text starts again. With a `schema` the value that
    `extract` finds in the answer is checked, asked for once more where it does not fit, and given as
    `metadata["json"]`. Raises ProviderError with all `attempts` when every model failed, BudgetError when
    nothing was sent because of a budget.
    """
    shown = Shown(on_text, on_restart)
    job = Job(
        prompt,
        chain,
        settings or {},
        schema,
        policy or Policy(),
        cache,
        refresh,
        budget,
        random,
        clock,
        extract,
        shown.may_restart,
    )
    result = drive(steps(job), sleep, shown)
    shown.rest(result)
    return result


def steps(job: Job) -> Steps:
    """The steps of one completion; what they end with is its result."""
    if job.schema is None:
        return (yield from _plain_steps(job))
    check_schema(job.schema)

    def answer_to(prompt: str | Prompt) -> Steps:
        return _plain_steps(dataclasses.replace(job, prompt=prompt))

    return (yield from structured_steps(job.prompt, job.schema, job.extract, answer_to))


def _plain_steps(job: Job) -> Steps:
    attempts: list[Attempt] = []
    started = job.clock()
    for position, provider in enumerate(job.chain):
        kept = yield from _kept(job, provider, attempts)
        if kept is not None:
            return kept
        try:
            result = yield from _tries(job, provider, attempts, started)
        except ProviderError as error:
            last = position == len(job.chain) - 1
            if not last and error.kind in job.policy.falls_through and job.may_restart():
                continue
            error.attempts = tuple(attempts)
            raise
        return (yield from _keep(job, provider, result, attempts))
    raise ProviderError("no model was named", kind="bad_request", hint="set llm_provider.provider and model")


def drive(work: Steps, sleep: Callable[[float], None], shown: Shown) -> CompletionResult:
    """Carry out the steps on this thread."""
    answer: Any = None
    failed: ProviderError | None = None
    while True:
        try:
            step = work.throw(failed) if failed else work.send(answer)
        except StopIteration as end:
            result: CompletionResult = end.value
            return result
        answer, failed = None, None
        try:
            answer = _carry_out(step, sleep, shown)
        except ProviderError as error:
            failed = error
        except BaseException as error:
            work.throw(error)
            raise


class Shown:
    """What a stream has shown so far."""

    def __init__(self, on_text: Callable[[str], None] | None, on_restart: Callable[[], None] | None) -> None:
        self.on_text = on_text
        self._on_restart = on_restart
        self._any = False

    def take(self, piece: str) -> None:
        """Show a piece."""
        if self.on_text and piece:
            self._any = True
            self.on_text(piece)

    def may_restart(self) -> bool:
        """Whether the answer may start again; says so where something was shown."""
        if not self._any:
            return True
        if self._on_restart is None:
            return False
        self._any = False
        self._on_restart()
        return True

    def rest(self, result: CompletionResult) -> None:
        """Show an answer that did not come in pieces."""
        if not self._any:
            self.take(result.content)


def worst_cost(provider: LLMProvider, prompt: str | Prompt, settings: Mapping[str, Json]) -> float | None:
    """The most one attempt can cost: no text has more tokens than bytes; None where the price is not known."""
    found: Price | None = getattr(provider, "price", None)
    tokens_in = sum(len(message.content.encode("utf-8", "replace")) + 16 for message in messages_of(prompt))
    if found is None:
        return provider.get_cost(tokens_in + int(settings.get("max_tokens") or 0))
    if found.input == found.output == 0:
        return 0.0
    tokens_out = settings.get("max_tokens") or found.max_output
    if not tokens_out:
        raise BudgetError(
            f"how long an answer of {provider.model} can be is not known, so a budget cannot be kept",
            hint="set max_tokens",
        )
    return found.cost(min(tokens_in, found.max_input or tokens_in), int(tokens_out))


def _carry_out(step: Step, sleep: Callable[[float], None], shown: Shown) -> Any:
    match step:
        case Ask(provider, prompt, arguments):
            return ask(provider, prompt, arguments, shown)
        case Wait(seconds):
            sleep(seconds)
        case Do(work):
            return work()
    return None


def ask(provider: LLMProvider, prompt: str | Prompt, arguments: Mapping[str, Json], shown: Shown) -> CompletionResult:
    """One attempt on this thread, shown as it comes where somebody watches."""
    if shown.on_text is None:
        return provider.complete(prompt, **arguments)
    stream = provider.stream(prompt, **arguments)
    stream = stream if isinstance(stream, Stream) else Stream(iter(stream))
    for piece in stream:
        shown.take(piece)
    return stream.result


def _kept(
    job: Job, provider: LLMProvider, attempts: Sequence[Attempt]
) -> Generator[Step, Any, CompletionResult | None]:
    if job.cache is None or job.refresh:
        return None
    cache, key = job.cache, job.request(provider).key
    kept: CompletionResult | None = yield Do(lambda: cache.get(key))
    if kept is None:
        return None
    return dataclasses.replace(kept, model_asked=_asked(job), attempts=tuple(attempts))


def _keep(job: Job, provider: LLMProvider, result: CompletionResult, attempts: Sequence[Attempt]) -> Steps:
    result = dataclasses.replace(result, model_asked=_asked(job), attempts=tuple(attempts))
    if job.cache is not None and result.origin == "fresh":
        cache, key = job.cache, job.request(provider).key
        yield Do(lambda: cache.put(key, result))
    return result


def _tries(job: Job, provider: LLMProvider, attempts: list[Attempt], started: float) -> Steps:
    retry = 0
    while True:
        begun, asked = job.clock(), asked_for(provider)
        try:
            yield Enter(provider, _tokens(job), question=retry > 0 and _is_spare(job, retry))
            begun = job.clock()
            result = yield from _attempt(job, provider, started)
        except ProviderError as error:
            attempts.append(_attempt_of(provider, error.kind, job.clock() - begun, error.message))
            if give_up(provider, asked, error):
                continue
            retry += 1
            wait = job.policy.wait(retry, error, job.random)
            if wait is None or _too_late(job, started, wait) or not job.may_restart():
                raise
            teaches = error.kind == "rate_limited" and error.retry_after is None and _is_spare(job, retry)
            yield Wait(wait, provider if teaches else None)
        else:
            attempts.append(_attempt_of(provider, "ok", job.clock() - begun))
            return result


def _attempt(job: Job, provider: LLMProvider, started: float) -> Steps:
    """One attempt, with its money set aside before and settled after."""
    reservation = yield from _reserve(job, provider)
    prompt, arguments = job.prompt, {**job.settings, "timeout": _seconds_left(job, started)}
    if job.schema is not None and takes_schema(provider):
        arguments["schema"] = job.schema
    elif job.schema is not None:
        prompt = in_words(prompt, job.schema)
    try:
        result: CompletionResult = yield Ask(provider, prompt, arguments)
    except ProviderError as error:
        if reservation:
            spent = reservation.amount if _may_be_billed(error) else 0.0
            yield _settling(job, reservation, spent)
        raise
    except BaseException:
        if reservation and job.budget:
            job.budget.settle(reservation, reservation.amount)
        raise
    if reservation:
        exact = result.cost is not None and not result.tokens_estimated
        yield _settling(job, reservation, result.cost if exact and result.cost is not None else reservation.amount)
    return result


def _reserve(job: Job, provider: LLMProvider) -> Generator[Step, Any, Reservation | None]:
    if job.budget is None or not job.budget.limits:
        return None
    budget, worst = job.budget, worst_cost(provider, job.prompt, job.settings)
    if worst == 0:
        return None
    while True:
        reservation: Reservation | None = yield Do(lambda: budget.reserve(worst, what=provider.model))
        if reservation is not None:
            return reservation
        yield Wait(_POLL)


def _settling(job: Job, reservation: Reservation, spent: float) -> Do:
    assert job.budget is not None
    budget = job.budget
    return Do(lambda: budget.settle(reservation, spent))


def _may_be_billed(error: ProviderError) -> bool:
    """Whether the provider may have written an answer that did not reach us whole."""
    return error.kind == "timed_out" or error.status == 200


def _seconds_left(job: Job, started: float) -> float:
    if job.policy.total is None:
        return job.policy.timeout
    return max(0.001, min(job.policy.timeout, started + job.policy.total - job.clock()))


def _is_spare(job: Job, retry: int) -> bool:
    """Whether retry number `retry` may be refused and leave another two, so that learning makes no job fail."""
    return job.policy.retries - retry >= 2


def _too_late(job: Job, started: float, wait: float) -> bool:
    return job.policy.total is not None and job.clock() + wait >= started + job.policy.total


def _attempt_of(provider: LLMProvider, outcome: str, seconds: float, detail: str = "") -> Attempt:
    return Attempt(provider.provider, provider.model, outcome, round(seconds, 3), detail)


def _asked(job: Job) -> str:
    return job.chain[0].model


def _tokens(job: Job) -> int:
    """About what one attempt takes of a limit of tokens a minute."""
    size = sum(len(message.content) for message in messages_of(job.prompt))
    return size // 4 + int(job.settings.get("max_tokens") or 1000)
