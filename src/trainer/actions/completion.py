"""Completions as a project asks for them: cached, within the budget, one or many at once, in one call or in steps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from trainer.actions.cache import prune_cache_if_due
from trainer.actions.contextual import CALLS, plan_calls
from trainer.actions.model import ModelChoice, make_cache, make_chain, make_limits, make_policy, total
from trainer.actions.record import Recorder
from trainer.core.digest import pick, pretty
from trainer.core.errors import ProviderError, TrainerError
from trainer.core.project import Project
from trainer.core.values import Attempt, CompletionResult, Message, Prompt
from trainer.prompts import answer_steps
from trainer.providers import Budget, Client, Request, complete, complete_all, complete_many

if TYPE_CHECKING:
    from trainer.actions.audit import PromptLog
    from trainer.sources import Choice

Answer = CompletionResult | TrainerError
_USUAL = 8
"""Calls under way at once where nobody decides; as many as that need no plan."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One completion to get."""

    name: str
    """How the caller knows it."""
    prompt: Prompt
    choice: ModelChoice

    @property
    def request(self) -> Request:
        """What is asked."""
        settings, schema = self.choice.settings, self.prompt.output.schema
        return Request(self.prompt, self.choice.provider, self.choice.model, settings, schema)


@dataclass(slots=True)
class Traffic:
    """How the requests of one command went; what was kept already is no request."""

    requests: int = 0
    failed: int = 0
    refused: int = 0
    """Those that failed because there were too many."""
    seconds_under_way: float = 0.0
    """Their durations, added up."""

    def count(self, tried: Sequence[object]) -> None:
        """Count the attempts of one completion, or those that an error tells."""
        attempts = [attempt for attempt in tried if isinstance(attempt, Attempt)]
        self.requests += len(attempts)
        self.failed += sum(attempt.outcome != "ok" for attempt in attempts)
        self.refused += sum(attempt.outcome == "rate_limited" for attempt in attempts)
        self.seconds_under_way += sum(attempt.seconds for attempt in attempts)


class Completer:
    """The completions of one command: they share cache, budget, limits and connections."""

    def __init__(
        self,
        project: Project,
        *,
        budget: Budget | None = None,
        concurrency: int | None = None,
        retry: bool = True,
        use_cache: bool = True,
        refresh: bool = False,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._project = project
        self._budget = budget
        self._flag = concurrency
        self._traffic = Traffic()
        self._asked: ModelChoice | None = None
        self.concurrency: Choice | None = None
        """How many calls are under way at once, once that was decided."""
        self._retry = retry
        self._refresh = refresh
        self._warn = warn
        self._limits = make_limits(project)
        self._clients: list[tuple[ModelChoice, Client]] = []
        self.cache = make_cache(project) if use_cache else None
        prune_cache_if_due(project)

    def one(
        self,
        call: ModelCall,
        *,
        on_text: Callable[[str], None] | None = None,
        on_restart: Callable[[], None] | None = None,
    ) -> CompletionResult:
        """The completion; `on_text` is given it piece by piece as it comes. Raises ProviderError or BudgetError."""
        if not self.takes_steps(call):
            return complete(call.request, self.client(call.choice), on_text=on_text, on_restart=on_restart)
        (answer,) = complete_many([lambda: self.answer(call)], concurrency=1)
        if isinstance(answer, TrainerError):
            raise answer
        if on_text is not None:
            on_text(answer.content)
        return answer

    def many(self, calls: Sequence[ModelCall], *, on_answer: Callable[[ModelCall, Answer], None]) -> None:
        """Get all completions, as many at once as allowed.

        `on_answer` is called on this thread as each one ends, with the completion or the error that it ended with.
        """
        complete_many(
            [functools.partial(self.answer, call) for call in calls],
            concurrency=self.plan(calls),
            on_outcome=lambda number, answer: on_answer(calls[number], answer),
        )

    async def answer(self, call: ModelCall) -> CompletionResult:
        """The completion, on the providers' loop: in one call, or in one for each step, those of one wave at once.

        Raises ConfigError where a key or a model is missing, and what `one` raises.
        """
        client = self.client(call.choice)
        if not self.takes_steps(call):
            return await self._send(client, call.request)
        results: list[CompletionResult] = []

        async def answer_wave(texts: Sequence[str]) -> Sequence[str]:
            parts = [replace(call, prompt=step_prompt(call.prompt, text)) for text in texts]
            sends = [functools.partial(self._send, client, part.request) for part in parts]
            answers = await complete_all(sends, concurrency=self._limit(len(parts)))
            results.extend(answer for answer in answers if not isinstance(answer, TrainerError))
            if errors := [answer for answer in answers if isinstance(answer, TrainerError)]:
                raise _with_costs(errors, results)
            return [answer.content for answer in results[-len(answers) :]]

        content = await answer_steps(call.prompt.steps, answer_wave)
        return joined(results, content)

    def plan(self, calls: Sequence[ModelCall]) -> int:
        """How many of the calls are under way at once: by the flag, the setting, or the records of former calls."""
        unkept = 0
        for number, call in enumerate(calls):
            if self._refresh or self.cache is None or not self.cache.has(call.request.key):
                unkept += 1
            if unkept > _USUAL:
                unkept += len(calls) - number - 1  # whether the others are kept makes no difference any more
                break
        if calls:
            self._asked = calls[0].choice
            self.concurrency = plan_calls(self._project, self._asked, unkept, flag=self._flag)
        return self._limit(len(calls))

    def record(self, recorder: Recorder) -> None:
        """Record how the calls went, for the plans of later commands."""
        if self._traffic.requests and self._asked:
            context = {"model": f"{self._asked.provider}/{self._asked.model}", "concurrency": self._limit(1)}
            recorder.item(CALLS, context).end({"status": "success", **asdict(self._traffic)})

    async def _send(self, client: Client, request: Request) -> CompletionResult:
        """What the client answers; its attempts are counted."""
        try:
            result = await client.send(request)
        except ProviderError as error:
            self._traffic.count(error.attempts)
            raise
        self._traffic.count(result.attempts)
        return result

    def _limit(self, calls: int) -> int:
        planned = self.concurrency.value if self.concurrency else None
        return planned or self._flag or self._project.settings.llm_provider.concurrency or min(max(1, calls), _USUAL)

    def takes_steps(self, call: ModelCall) -> bool:
        """Whether a prompt with a strategy is answered in several calls."""
        return bool(call.prompt.steps) and not self.client(call.choice).chain[0].writes_sections

    @functools.cached_property
    def _audit(self) -> PromptLog | None:
        from trainer.actions.audit import open_audit  # a run from the cache sends nothing

        return open_audit(self._project)

    def _record(self, request: Request) -> None:
        """Put a prompt that leaves into the audit log; where that cannot be written, the answer is not lost for it."""
        if self._audit is not None:
            try:
                self._audit.record(request)
            except TrainerError as error:
                self._warn(f"the audit log lacks a prompt: {error.message}")

    def client(self, choice: ModelChoice) -> Client:
        """The client of a choice; made once, so that calls to one server share its connections."""
        for own, client in self._clients:
            if own.section == choice.section:
                return client
        client = Client(
            make_chain(self._project, choice),
            make_policy(choice, retry=self._retry),
            self.cache,
            self._refresh,
            self._budget,
            extract,
            self._limits,
            self._warn,
            self._record,
        )
        self._clients.append((choice, client))
        return client


def mending(prompt: Prompt, answer: str, message: str) -> Prompt:
    """The prompt that shows a model its own answer and what is wrong with it."""
    turns = (*prompt.turns, Message("assistant", answer), Message("user", message))
    return replace(prompt, turns=turns, steps=())


def written(result: CompletionResult) -> str:
    """The answer as it is given out: with a schema, the value that was held against it, and nothing else."""
    return pretty(result.metadata["json"]) if "json" in result.metadata else result.content


def completion_facts(result: CompletionResult) -> dict[str, object]:
    """What a record keeps of a completion."""
    return {
        **pick(result, "provider", "model", "model_asked", "origin", "tokens_in", "tokens_out"),
        "cost": result.paid,
        "attempts": [pick(attempt) for attempt in result.attempts],
    }


def extract(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON in an answer that fits `schema` best; raises ValueError where there is none."""
    from trainer.convert import extract_json  # most prompts ask for no JSON, and reading it takes 15 ms to import

    extracted = extract_json(text, schema=schema)
    if not extracted.found:
        raise ValueError(extracted.reason)
    return extracted.value


def step_prompt(prompt: Prompt, text: str) -> Prompt:
    """The prompt of one step of a strategy, with its finished text."""
    return replace(prompt, text=text, steps=(), sections=(), output=replace(prompt.output, sections=(), schema=None))


def _with_costs(errors: Sequence[TrainerError], results: Sequence[CompletionResult]) -> TrainerError:
    """The first error, with all that was answered and paid before and beside it as its answer."""
    costly = [*results, *(answer for error in errors if (answer := paid_answer(error)) is not None)]
    if costly:
        errors[0].answer = joined(costly, costly[-1].content)
    return errors[0]


def paid_answer(error: TrainerError) -> CompletionResult | None:
    """What was answered and paid for before the error: cut, empty, refused, or an earlier part."""
    return error.answer if isinstance(error.answer, CompletionResult) else None


def joined(results: Sequence[CompletionResult], content: str) -> CompletionResult:
    """One completion of several: tokens and cost summed, fresh where any part was.

    The cost is that of all parts, so that a provenance is the same however many were kept; `paid` tells this run's.
    """
    fresh = any(result.origin == "fresh" for result in results)
    return replace(
        results[-1],
        content=content,
        tokens_used=sum(result.tokens_used for result in results),
        tokens_in=sum(result.tokens_in for result in results),
        tokens_out=sum(result.tokens_out for result in results),
        tokens_estimated=any(result.tokens_estimated for result in results),
        cost=total(result.cost for result in results),
        origin="fresh" if fresh else results[-1].origin,
        attempts=tuple(attempt for result in results for attempt in result.attempts),
        metadata={
            **results[-1].metadata,
            "calls": len(results),
            "paid": total(result.paid for result in results),
        },
    )
