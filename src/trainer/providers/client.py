"""One completion: schema, chain, cache, retries, limits and budget, as layers around one attempt, in this order."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import random as random_module
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any

from trainer.core.errors import BudgetError, ProviderError, TrainerError
from trainer.core.values import Attempt, CompletionResult
from trainer.providers import loop
from trainer.providers.answers import ending_of, summed
from trainer.providers.base import LLMProvider, ask
from trainer.providers.budget import Budget
from trainer.providers.cache import CompletionCache
from trainer.providers.openai_format import MAX_COMPLETION_TOKENS, MAX_TOKENS
from trainer.providers.pacing import RateLimits
from trainer.providers.policy import RetryPolicy
from trainer.providers.request import Request
from trainer.providers.structured import Extract, check_schema, in_words, structured

_POLL = 0.05
"""Seconds between two looks at what another call or process has to finish first."""
_HOPELESS = frozenset({"auth", "payment"})
"""Failures that every further call would meet as well."""
_REFUSES_USAGE = ("stream_options", "stream options", "include_usage")


@dataclasses.dataclass(slots=True)
class LiveOutput:
    """Where somebody watches an answer come."""

    show: Callable[[str], None] | None = None
    restart: Callable[[], None] | None = None
    """Says that the text begins again; without it, a call that has shown something fails rather than begin again."""
    has_shown: bool = False

    def take(self, piece: str) -> None:
        """Show a piece."""
        if self.show is not None and piece:
            self.has_shown = True
            self.show(piece)

    def may_restart(self) -> bool:
        """Whether the answer may begin again; says so where something was shown."""
        if not self.has_shown:
            return True
        if self.restart is None:
            return False
        self.has_shown = False
        self.restart()
        return True


@dataclasses.dataclass(slots=True)
class _Call:
    """What the layers of one completion share."""

    view: LiveOutput
    started: float
    first_model: str
    """The model that is asked first."""
    attempts: list[Attempt] = dataclasses.field(default_factory=list)
    unusable: list[CompletionResult] = dataclasses.field(default_factory=list)
    """Answers that came and were paid for, and are none: cut, refused or empty."""


@dataclasses.dataclass(slots=True)
class Client:
    """Asks the models of a chain, the next where one fails; its completions share what is in it."""

    chain: Sequence[LLMProvider]
    policy: RetryPolicy = dataclasses.field(default_factory=RetryPolicy)
    cache: CompletionCache | None = None
    refresh: bool = False
    """Whether kept completions are passed over (and replaced)."""
    budget: Budget | None = None
    extract: Extract = lambda text, _: json.loads(text)
    """Finds the JSON in an answer, where there is a schema."""
    limits: RateLimits = dataclasses.field(default_factory=RateLimits)
    warn: Callable[[str], None] = lambda _: None
    """Told what went wrong without costing the answer."""
    sending: Callable[[Request], None] = lambda _: None
    """Told of each prompt before it leaves for a model."""
    random: Callable[[], float] = random_module.random
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _hopeless: ProviderError | None = None

    async def send(self, request: Request, view: LiveOutput | None = None) -> CompletionResult:
        """The answer, from the cache or from the first model that gives one; `view` is given it as it comes.

        With a schema, the value that `extract` finds is checked, asked for once more where it does not fit, and given
        as `metadata["json"]`. Raises ProviderError with all `attempts` when every model failed, BudgetError when
        nothing was sent because of a budget, UsageError for a broken schema.
        """
        view = view or LiveOutput()
        if request.schema is None:
            return await self._first_of_chain(request, view)
        check_schema(request.schema)
        return await structured(request, self.extract, lambda attempt: self._first_of_chain(attempt, view))

    async def _first_of_chain(self, request: Request, view: LiveOutput) -> CompletionResult:
        if self._hopeless is not None:
            raise self._hopeless
        if not self.chain:
            raise ProviderError("no model was named", kind="bad_request", hint="set llm_provider.provider and model")
        call = _Call(view, self.clock(), self.chain[0].model)
        try:
            result = await self._next_of_chain(request, call)
        except TrainerError as error:
            if call.unusable:
                error.answer = summed(call.unusable)
            raise
        if not call.unusable:
            return result
        paid = summed([*call.unusable, result]).paid
        return dataclasses.replace(result, metadata={**result.metadata, "paid": paid})

    async def _next_of_chain(self, request: Request, call: _Call) -> CompletionResult:
        view = call.view
        for provider in self.chain:
            addressed = dataclasses.replace(request, provider=provider.provider, model=provider.model)
            try:
                result = await self._cached(provider, addressed, call)
            except ProviderError as error:
                is_last = provider is self.chain[-1]
                if not is_last and error.kind in self.policy.falls_through and view.may_restart():
                    continue
                error.attempts = tuple(call.attempts)
                if error.kind in _HOPELESS and provider is self.chain[0]:
                    self._hopeless = error
                raise
            if view.show is not None and not view.has_shown:
                view.take(result.content)
            return result
        raise AssertionError("the last model of a chain answers or raises")

    async def _cached(self, provider: LLMProvider, request: Request, call: _Call) -> CompletionResult:
        """A kept answer; else a fresh one, while all who ask for the same, in any process, wait for it."""
        if self.cache is None or self.refresh:
            return await self._retried(provider, request, call)
        if (answer := self._kept(request, call)) is not None:
            return answer
        async with self._claimed(self.cache, request.key):
            if (answer := self._kept(request, call)) is not None:
                return answer
            return await self._retried(provider, request, call)

    async def _retried(self, provider: LLMProvider, request: Request, call: _Call) -> CompletionResult:
        retry, schema = 0, request.schema if provider.native_schema else None
        gate = self.limits.gate(provider)
        while True:
            try:
                sent = request
                if schema is None and request.schema is not None:
                    sent = in_words(request, request.schema)
                return await self._limited(provider, request, sent, call)
            except ProviderError as error:
                if provider.length_field == MAX_TOKENS and _refuses_max_tokens(error):
                    provider.length_field = MAX_COMPLETION_TOKENS
                    continue
                if schema is not None and _may_refuse_a_schema(error):
                    schema = None
                    if error.kind == "bad_request":
                        provider.native_schema = False
                    continue
                if provider.stream_usage and _refuses_usage(error):
                    provider.stream_usage = False
                    continue
                # A service that is closed for all is waited for, however often a try was refused meanwhile.
                retry += not (self.policy.retries and error.kind == "rate_limited" and gate.limiter.is_closed)
                wait = self.policy.wait(retry, error, self.random)
                if wait is None or self._is_too_late(call, wait) or not call.view.may_restart():
                    raise
                await self.sleep(wait)

    async def _limited(self, provider: LLMProvider, request: Request, sent: Request, call: _Call) -> CompletionResult:
        gate = self.limits.gate(provider)
        turn = await gate.enter(sent)
        begun = self.clock()
        sent = dataclasses.replace(sent, timeout=self._seconds_left(call))
        try:
            result = await self._budgeted(provider, request, sent, call)
        except ProviderError as error:
            gate.leave(turn, error)
            call.attempts.append(self._attempt(provider, error.kind, begun, error.message))
            if isinstance(error.answer, CompletionResult):
                call.unusable.append(error.answer)
            raise
        gate.leave(turn, None, pause=provider.pause)
        return result

    async def _budgeted(self, provider: LLMProvider, request: Request, sent: Request, call: _Call) -> CompletionResult:
        """One attempt, with its money set aside before and settled after."""
        budget = self.budget if self.budget and self.budget.limits else None
        amount = worst_cost(provider, sent) if budget else 0.0
        if budget is None or amount == 0:
            return await self._asked(provider, request, sent, call)
        while (reservation := await asyncio.to_thread(budget.reserve, amount, what=provider.model)) is None:
            await self.sleep(_POLL)
        spent = reservation.amount
        try:
            result = await self._asked(provider, request, sent, call)
            spent = _exact_cost(result, spent)
        except ProviderError as error:
            if isinstance(error.answer, CompletionResult):
                spent = _exact_cost(error.answer, spent)
            elif error.kind != "timed_out" and error.status != 200:
                spent = 0.0  # nothing can have been billed
            raise
        finally:
            await asyncio.shield(asyncio.to_thread(budget.settle, reservation, spent))
        return result

    async def _asked(self, provider: LLMProvider, request: Request, sent: Request, call: _Call) -> CompletionResult:
        """One attempt; its answer is kept before anything else is done with it, and though the caller goes away."""
        begun = self.clock()
        view = call.view
        if provider.asks_model:
            self.sending(request)
        result = await ask(provider, sent, view.take if view.show is not None else None)
        call.attempts.append(self._attempt(provider, "ok", begun))
        result = dataclasses.replace(result, model_asked=call.first_model, attempts=tuple(call.attempts))
        if self.cache is not None and result.origin == "fresh":
            try:
                await asyncio.shield(asyncio.to_thread(self.cache.put, request.key, result))
            except TrainerError as error:
                self.warn(f"the answer is not kept, and the next run pays again: {error.message}")
        return result

    def _kept(self, request: Request, call: _Call) -> CompletionResult | None:
        answer = self.cache.get(request.key) if self.cache else None
        if answer is not None and (
            ending_of(answer.finish_reason) not in ("whole", "unknown") or not answer.content.strip()
        ):
            return None  # kept by a release that took a cut answer for a whole one
        return (
            dataclasses.replace(answer, model_asked=call.first_model, attempts=tuple(call.attempts)) if answer else None
        )

    @contextlib.asynccontextmanager
    async def _claimed(self, cache: CompletionCache, key: str) -> AsyncIterator[None]:
        while (claim := cache.claim(key)) is None:
            await self.sleep(_POLL)
        with claim:
            yield

    def _seconds_left(self, call: _Call) -> float:
        if self.policy.total is None:
            return self.policy.timeout
        return max(0.001, min(self.policy.timeout, call.started + self.policy.total - self.clock()))

    def _is_too_late(self, call: _Call, wait: float) -> bool:
        return self.policy.total is not None and self.clock() + wait >= call.started + self.policy.total

    def _attempt(self, provider: LLMProvider, outcome: str, begun: float, detail: str = "") -> Attempt:
        return Attempt(provider.provider, provider.model, outcome, round(self.clock() - begun, 3), detail)


def complete(
    request: Request,
    client: Client,
    *,
    on_text: Callable[[str], None] | None = None,
    on_restart: Callable[[], None] | None = None,
) -> CompletionResult:
    """What `client.send` gives, for callers that are not on the room's loop.

    `on_text` is given the answer on this thread, piece by piece as it comes; once it was given something, a failure is
    retried only where `on_restart` can be called to say that the text starts again.
    """
    if on_text is None:
        return loop.run_on_loop(client.send(request))
    restarts = object()

    def watched(emit: Callable[[object], None]) -> Coroutine[Any, Any, CompletionResult]:
        view = LiveOutput(emit, None if on_restart is None else lambda: emit(restarts))
        return client.send(request, view)

    result: CompletionResult | None = None
    for event in loop.iterate(watched):
        if isinstance(event, str):
            on_text(event)
        elif isinstance(event, CompletionResult):
            result = event
        elif on_restart is not None:
            on_restart()
    assert result is not None
    return result


def worst_cost(provider: LLMProvider, request: Request) -> float | None:
    """The most one attempt can cost: no text has more tokens than bytes; None where the price is not known."""
    price = provider.price
    tokens_in = sum(len(message.content.encode("utf-8", "replace")) + 16 for message in request.messages)
    if price is None:
        return provider.get_cost(tokens_in + int(request.settings.get("max_tokens") or 0))
    if price.input == price.output == 0:
        return 0.0
    tokens_out = request.settings.get("max_tokens") or provider.settings.get("max_tokens") or price.max_output
    if not tokens_out:
        raise BudgetError(
            f"how long an answer of {provider.model} can be is not known, so a budget cannot be kept",
            hint="set max_tokens",
        )
    return price.cost(min(tokens_in, price.max_input or tokens_in), int(tokens_out))


def _exact_cost(result: CompletionResult, at_most: float) -> float:
    return at_most if result.cost is None or result.tokens_estimated else result.cost


def _may_refuse_a_schema(error: ProviderError) -> bool:
    """Whether a server may have failed because of a schema: servers answer 400, 422, 500 or 501 without saying so."""
    return error.kind == "bad_request" or (error.kind == "server" and error.status in (500, 501))


def _refuses_max_tokens(error: ProviderError) -> bool:
    return error.kind == "bad_request" and MAX_TOKENS in error.message and MAX_COMPLETION_TOKENS in error.message


def _refuses_usage(error: ProviderError) -> bool:
    message = error.message.lower()
    return error.kind == "bad_request" and any(words in message for words in _REFUSES_USAGE)
