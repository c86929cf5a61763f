"""Completions as a project asks for them: cached, within the budget, one or many at once, in one call or in steps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trainer.actions.cache import prune_cache_if_due
from trainer.actions.model import ModelChoice, make_cache, make_chain, make_policy
from trainer.core.errors import TrainerError
from trainer.core.project import Project
from trainer.core.values import CompletionResult, Prompt

if TYPE_CHECKING:
    from trainer.providers import Budget
    from trainer.providers import LLMProvider as Provider
    from trainer.providers.chain import Job

Answer = CompletionResult | TrainerError


@dataclass(frozen=True, slots=True)
class Call:
    """One completion to get."""

    name: str
    """How the caller knows it."""
    prompt: Prompt
    choice: ModelChoice

    @property
    def in_steps(self) -> bool:
        """Whether it takes several calls; the draft writer writes all sections at once."""
        return bool(self.prompt.steps) and self.choice.provider != "draft"


class Completer:
    """The completions of one command: they share cache, budget and connections."""

    def __init__(
        self,
        project: Project,
        *,
        budget: Budget | None = None,
        concurrency: int | None = None,
        retry: bool = True,
        use_cache: bool = True,
        refresh: bool = False,
    ) -> None:
        self._section = project.settings.llm_provider
        self._project = project
        self._budget = budget
        self._concurrency = concurrency or self._section.concurrency
        self._retry = retry
        self._refresh = refresh
        self._chains: list[tuple[ModelChoice, list[Provider]]] = []
        self.cache = make_cache(project) if use_cache else None
        prune_cache_if_due(project)

    def one(
        self,
        call: Call,
        *,
        on_text: Callable[[str], None] | None = None,
        on_restart: Callable[[], None] | None = None,
    ) -> CompletionResult:
        """The completion; `on_text` is given it piece by piece as it comes. Raises ProviderError or BudgetError."""
        from trainer.providers.chain import complete

        if call.in_steps:
            result = self._in_steps(call)
            if on_text is not None:
                on_text(result.content)
            return result
        job = self.job(call)
        return complete(
            job.prompt,
            chain=job.chain,
            settings=job.settings,
            schema=job.schema,
            extract=job.extract,
            policy=job.policy,
            cache=job.cache,
            refresh=job.refresh,
            budget=job.budget,
            on_text=on_text,
            on_restart=on_restart,
        )

    def many(self, calls: Sequence[Call], *, on_answer: Callable[[Call, Answer], None]) -> None:
        """Get all completions, as many at once as allowed.

        `on_answer` is called on this thread as each one ends, with the completion or the error that it ended with.
        """
        self._together([call for call in calls if not call.in_steps], on_answer)
        for call in calls:
            if call.in_steps:
                try:
                    answer: Answer = self._in_steps(call)
                except TrainerError as error:
                    answer = error
                on_answer(call, answer)

    def job(self, call: Call) -> Job:
        """The completion as the providers know it; raises ConfigError where a key or a model is missing."""
        from trainer.providers.chain import Job

        schema = call.prompt.output.schema
        return Job(
            call.prompt,
            self.chain(call.choice),
            call.choice.settings,
            schema,
            extract=functools.partial(extract, schema),
            policy=make_policy(call.choice, retry=self._retry),
            cache=self.cache,
            refresh=self._refresh,
            budget=self._budget,
        )

    def chain(self, choice: ModelChoice) -> list[Provider]:
        """The providers a choice asks, in order; made once, so that calls to one server share its connections."""
        for known, chain in self._chains:
            if known.section == choice.section:
                return chain
        chain = make_chain(self._project, choice)
        self._chains.append((choice, chain))
        return chain

    def _together(self, calls: Sequence[Call], on_answer: Callable[[Call, Answer], None]) -> None:
        from trainer.providers import complete_many

        jobs: list[tuple[Call, Job]] = []
        for call in calls:
            try:
                jobs.append((call, self.job(call)))
            except TrainerError as error:
                on_answer(call, error)
        complete_many(
            [job for _, job in jobs],
            concurrency=self._concurrency,
            requests_per_minute=self._section.requests_per_minute,
            tokens_per_minute=self._section.tokens_per_minute,
            on_outcome=lambda number, outcome: on_answer(jobs[number][0], outcome),
        )

    def _in_steps(self, call: Call) -> CompletionResult:
        """The completion of a prompt with a strategy: one call for each step, those of one wave at once."""
        from trainer.prompts import answer_steps

        results: list[CompletionResult] = []

        def complete(texts: Sequence[str]) -> list[str]:
            answers: dict[str, Answer] = {}
            wave = [Call(str(number), _step(call.prompt, text), call.choice) for number, text in enumerate(texts)]
            self._together(wave, lambda part, answer: answers.__setitem__(part.name, answer))
            given = [answers[part.name] for part in wave]
            failed = [answer for answer in given if isinstance(answer, TrainerError)]
            if failed:
                raise failed[0]
            whole = [answer for answer in given if isinstance(answer, CompletionResult)]
            results.extend(whole)
            return [answer.content for answer in whole]

        content = answer_steps(call.prompt.steps, complete)
        return joined(results, content)


def completion_facts(result: CompletionResult) -> dict[str, object]:
    """What a record keeps of a completion."""
    return {
        "provider": result.provider,
        "model": result.model,
        "model_asked": result.model_asked,
        "origin": result.origin,
        "tokens_in": result.tokens_in,
        "tokens_out": result.tokens_out,
        "cost": result.cost if result.origin == "fresh" else 0.0,
        "attempts": [{name: getattr(each, name) for name in each.__slots__} for each in result.attempts],
    }


def extract(schema: Mapping[str, Any] | None, text: str) -> Any:
    """The JSON in an answer that fits `schema` best; raises ValueError where there is none."""
    from trainer.convert import extract_json

    found = extract_json(text, schema=schema)
    if not found.found:
        raise ValueError(found.reason)
    return found.value


def _step(prompt: Prompt, text: str) -> Prompt:
    return replace(prompt, text=text, steps=(), sections=(), output=replace(prompt.output, sections=(), schema=None))


def joined(results: Sequence[CompletionResult], content: str) -> CompletionResult:
    """One completion of several: tokens and cost summed, fresh where any part was."""
    costs = [result.cost for result in results]
    known = [cost for cost in costs if cost is not None]
    fresh = any(result.origin == "fresh" for result in results)
    return replace(
        results[-1],
        content=content,
        tokens_used=sum(result.tokens_used for result in results),
        tokens_in=sum(result.tokens_in for result in results),
        tokens_out=sum(result.tokens_out for result in results),
        tokens_estimated=any(result.tokens_estimated for result in results),
        cost=sum(known) if len(known) == len(costs) else None,
        origin="fresh" if fresh else results[-1].origin,
        attempts=tuple(attempt for result in results for attempt in result.attempts),
        metadata={**results[-1].metadata, "calls": len(results)},
    )
