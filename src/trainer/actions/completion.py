"""Completions for many prompts at once: cached, within the budget, each with the model it asks for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainer.actions.model import ModelChoice, make_cache, make_chain, make_policy
from trainer.core.errors import ConfigError, TrainerError
from trainer.core.project import Project
from trainer.core.values import CompletionResult, Prompt

if TYPE_CHECKING:
    from trainer.providers import Budget
    from trainer.providers import LLMProvider as Provider

Answer = CompletionResult | TrainerError


@dataclass(frozen=True, slots=True)
class Call:
    """One completion to get."""

    name: str
    """How the caller knows it."""
    prompt: Prompt
    choice: ModelChoice
    schema: Mapping[str, Any] | None = None


def complete_calls(
    project: Project,
    calls: Sequence[Call],
    *,
    budget: Budget | None = None,
    concurrency: int | None = None,
    retry: bool = True,
    use_cache: bool = True,
    refresh: bool = False,
    on_answer: Callable[[Call, Answer], None],
) -> None:
    """Get all completions, as many at once as the settings or `concurrency` allow.

    `on_answer` is called on this thread as each one ends, with the completion or the error that it ended with.
    """
    from trainer.providers import complete_many
    from trainer.providers.chain import Job

    section = project.settings.llm_provider
    cache = make_cache(project) if use_cache else None
    chains = Chains(project)
    jobs: list[tuple[Call, Job]] = []
    for call in calls:
        try:
            chain = chains.of(call.choice)
        except ConfigError as error:
            on_answer(call, error)
            continue
        jobs.append(
            (
                call,
                Job(
                    call.prompt,
                    chain,
                    call.choice.settings,
                    call.schema,
                    extract=functools.partial(extract, call.schema),
                    policy=make_policy(call.choice, retry=retry),
                    cache=cache,
                    refresh=refresh,
                    budget=budget,
                ),
            )
        )
    complete_many(
        [job for _, job in jobs],
        concurrency=concurrency or section.concurrency,
        requests_per_minute=section.requests_per_minute,
        tokens_per_minute=section.tokens_per_minute,
        on_outcome=lambda number, outcome: on_answer(jobs[number][0], outcome),
    )


def extract(schema: Mapping[str, Any] | None, text: str) -> Any:
    """The JSON in an answer that fits `schema` best; raises ValueError where there is none."""
    from trainer.convert import extract_json

    found = extract_json(text, schema=schema)
    if not found.found:
        raise ValueError(found.reason)
    return found.value


class Chains:
    """The chains of providers of one command, each made once, so that calls to one server share its connections."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._made: list[tuple[ModelChoice, list[Provider]]] = []

    def of(self, choice: ModelChoice) -> list[Provider]:
        """The providers a choice asks, in order."""
        for known, chain in self._made:
            if known.section == choice.section:
                return chain
        chain = make_chain(self.project, choice)
        self._made.append((choice, chain))
        return chain
