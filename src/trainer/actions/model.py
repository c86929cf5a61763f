"""Which model writes, with which settings: the project's, the instruction's, the report's and the command's in turn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from trainer.actions.learning import identity
from trainer.actions.wiring import limits_folder
from trainer.core.clock import Clock, parse_duration, system_clock
from trainer.core.config.schema import Fallback, LLMProviderSettings, overridden
from trainer.core.digest import pick, pretty
from trainer.core.errors import ConfigError, UsageError, unknown
from trainer.core.project import Project
from trainer.core.values import Json, Prompt
from trainer.prompts import count_tokens, is_exact
from trainer.providers import (
    PROVIDERS,
    Budget,
    CompletionCache,
    Limits,
    LLMProvider,
    RateLimits,
    RetryPolicy,
    ScopedLimit,
    create_provider,
    find_key,
    where_to_keep,
)
from trainer.sources import Choice, plan_tokens

KEYS = Path("~/.config/trainer/keys").expanduser()
"""Where a key may be kept in a file of its own, which only its owner reads."""

_MARKS = 32
"""Tokens of a call beside its texts: the marks around each of at most four messages, and those that open the answer."""
_PROBLEMS = 1000
"""Tokens with which a model is shown why its answer does not fit a schema: ten problems and the words around them."""
_FEWEST, _MOST = 0.9, 1.25
"""How many tokens other makers' models count where OpenAI's newest encoding counts one: 0.98 to 1.17 by the tokenizers
of Anthropic and DeepSeek that LiteLLM's wheel carries, over the 74 longer texts of this repository."""

_SAMPLING = ("temperature", "top_p", "max_tokens", "seed")


@dataclass(frozen=True)
class ModelChoice:
    """The model to ask and how."""

    # no slots: what its provider says of itself is asked for once

    section: LLMProviderSettings
    """llm_provider as it holds for this call."""
    project: Project = field(repr=False, compare=False)

    @property
    def provider(self) -> str:
        """Name of the provider."""
        return self.section.provider

    @property
    def model(self) -> str:
        """Name of the model, as its provider calls it."""
        described = self.described
        return described.model if described else self.section.model

    @cached_property
    def described(self) -> LLMProvider | None:
        """The first provider, made without its key, for what it says of itself; None where it cannot be made so."""
        try:
            return _provider(self.project, self.section, _links(self.section)[0], key=None)
        except UsageError:
            return None

    @property
    def chain(self) -> tuple[LLMProvider, ...]:
        """All providers to ask, in order, made without their keys; none where one of them cannot be made so."""
        try:
            return tuple(_provider(self.project, self.section, link, key=None) for link in _links(self.section))
        except UsageError:
            return ()

    @property
    def settings(self) -> dict[str, Any]:
        """What the model is sent beside the messages."""
        values = pick(self.section, *_SAMPLING)
        return {name: value for name, value in values.items() if value is not None}

    @property
    def ingredients(self) -> dict[str, Any]:
        """All of the choice that can change an answer."""
        chain = [f"{item.provider}/{item.model}" for item in self.section.fallbacks]
        return {
            "provider": self.provider,
            "model": self.model,
            **self.settings,
            **({"fallbacks": chain} if chain else {}),
        }


def choose_model(
    project: Project, instruction: Mapping[str, Any], *changes: Mapping[str, Any], what: str
) -> ModelChoice:
    """The choice for one call; raises ConfigError naming `what` for a setting that is not known or of a wrong type."""
    section = project.settings.llm_provider
    section = overridden(section, instruction, what=f"{what}: model") if instruction else section
    for change in changes:
        section = overridden(section, change, what="llm_provider") if change else section
    return ModelChoice(section, project)


def drafted(choice: ModelChoice) -> ModelChoice:
    """The same choice without a model: what `--offline` uses."""
    section = overridden(choice.section, {"provider": "draft", "fallbacks": []}, what="llm_provider")
    return ModelChoice(section, choice.project)


def make_chain(project: Project, choice: ModelChoice) -> list[LLMProvider]:
    """The providers to ask, in order; nothing is opened. Raises ConfigError where a key or a model is missing."""
    chain = []
    for at, link in enumerate(_links(choice.section)):
        where = f"llm_provider.fallbacks.{at - 1}" if at else "llm_provider"
        if link.provider not in PROVIDERS:
            message, hint = unknown("provider", link.provider, PROVIDERS.names())
            raise ConfigError(message, hint=hint)
        if not link.model and PROVIDERS.load(link.provider).asks_model:
            hint = "name a model, such as gpt-4o-mini, or set provider: draft"
            raise ConfigError(f"{where}.model is not set", hint=hint)
        chain.append(_provider(project, choice.section, link, key=_key(project, link, where)))
    return chain


def make_policy(choice: ModelChoice, *, retry: bool = True) -> RetryPolicy:
    """How often and how long one completion is tried."""
    return RetryPolicy(retries=choice.section.retries if retry else 0, timeout=parse_duration(choice.section.timeout))


def make_limits(project: Project) -> RateLimits:
    """The rate limits that all processes of this machine and user keep together."""
    section, security = project.settings.llm_provider, project.settings.prompt_security.rate_limiting
    most = [section.requests_per_minute, security.requests_per_minute if security.enabled else None]
    requests = min((limit for limit in most if limit is not None), default=None)
    return RateLimits(limits_folder(), requests, section.tokens_per_minute)


def make_cache(project: Project) -> CompletionCache:
    """The completions this project has paid for."""
    return CompletionCache(project.cache / "completions")


def make_budget(project: Project, *, max_cost: float | None, clock: Clock = system_clock) -> Budget | None:
    """The project's budget with `max_cost` for this run; None where nothing limits."""
    section = project.settings.budget
    run = max_cost if max_cost is not None else section.run
    scoped = tuple(
        ScopedLimit(limit.usd, limit.window, limit.department, limit.user, limit.model) for limit in section.limits
    )
    limits = Limits(run=run, project=section.project, month=section.month, scoped=scoped)
    if not limits:
        return None
    who = identity(project)
    labels = {"department": who.get("department", ""), "user": who.get("actor", "")}
    return Budget(project.state / "budget", limits, clock=clock, labels=labels)


@dataclass(frozen=True, slots=True)
class PricedCall:
    """One call of a model, as far as it is known beforehand."""

    tokens: int
    """Of what is known of its prompt."""
    more: int = 0
    """Tokens that may come on top: a schema in words, what is wrong with an answer."""
    answers: int = 0
    """How many answers, of a length that is not known, stand in its prompt."""
    is_certain: bool = True
    """Whether it is made in any case."""


def calls_of(choice: ModelChoice, prompt: Prompt) -> int:
    """How many calls an answer takes: one for each step of a strategy, unless the provider writes all at once."""
    described = choice.described
    return 1 if not prompt.steps or (described and described.writes_sections) else len(prompt.steps)


def price_of(choice: ModelChoice, prompt: Prompt, tokens: int) -> tuple[float | None, float | None]:
    """What a prompt of so many tokens costs, and at most with answers of `max_tokens`; None where not known.

    Each step of a strategy is sent by itself, with the answers it uses; an answer with a schema may be asked for twice.
    """
    calls = [PricedCall(tokens, more=schema_tokens(prompt.output.schema))]
    if calls_of(choice, prompt) > 1:
        calls = [PricedCall(count_tokens(step.text), answers=len(step.uses)) for step in prompt.steps]
    described = choice.described
    cost = total(_cost(described, call.tokens, 0) for call in calls) if described else None
    return cost, price_at_most(choice, [*calls, *second_tries(prompt.output.schema, calls[:1])])


def second_tries(schema: Mapping[str, Json] | None, calls: Sequence[PricedCall]) -> list[PricedCall]:
    """The calls that are added where answers do not fit the schema: with its words and the first answer."""
    if schema is None:
        return []
    more = schema_tokens(schema) + _PROBLEMS
    return [
        PricedCall(call.tokens, more=call.more + more, answers=call.answers + 1, is_certain=False) for call in calls
    ]


def schema_tokens(schema: Mapping[str, Json] | None) -> int:
    """The tokens of a schema where the model is told it, natively or in words."""
    return 0 if schema is None else count_tokens(pretty(schema)) + _MARKS


def price_at_least(choice: ModelChoice, calls: Sequence[PricedCall]) -> float | None:
    """The least that the calls cost: their prompts at the cheapest model of the chain, read from its own cache."""
    costs = []
    for provider in choice.chain:
        sizes = [int(call.tokens * _fewest(provider)) for call in calls if call.is_certain]
        costs.append(total(_cost(provider, size, 0, cached=size) for size in sizes))
    return None if None in costs or not costs else min(cost for cost in costs if cost is not None)


def price_at_most(choice: ModelChoice, calls: Sequence[PricedCall]) -> float | None:
    """The most that the calls cost: the longest answers, by each model of the chain, for a refusal is paid, too."""
    costs: list[float | None] = []
    for provider in choice.chain:
        longest = longest_answer(choice, provider)
        if longest is None:
            costs.append(0.0 if _cost(provider, 1000, 1000) == 0 else None)
            continue
        costs += [
            _cost(
                provider,
                math.ceil((call.tokens + call.more) * _most(provider)) + _MARKS + call.answers * longest,
                longest,
            )
            for call in calls
        ]
    return total(costs) if choice.chain else None


def longest_answer(choice: ModelChoice, provider: LLMProvider) -> int | None:
    """The most tokens of one answer; None where nothing limits them."""
    limit = choice.section.max_tokens or provider.settings.get("max_tokens")
    return limit or (provider.price.max_output if provider.price else None)


def total(costs: Iterable[float | None]) -> float | None:
    """The sum; None where one of them is not known."""
    amounts = list(costs)
    return None if None in amounts else sum(cost for cost in amounts if cost is not None)


def _fewest(provider: LLMProvider) -> float:
    return 1.0 if is_exact(provider.model) else _FEWEST


def _most(provider: LLMProvider) -> float:
    return 1.0 if is_exact(provider.model) else _MOST


def _cost(provider: LLMProvider, tokens_in: int, tokens_out: int, *, cached: int = 0) -> float | None:
    if provider.price is None:
        return provider.get_cost(tokens_in + tokens_out)
    return provider.price.cost(tokens_in, tokens_out, cached=cached)


def plan_prompt(choice: ModelChoice, configured: int | None) -> Choice:
    """Most tokens a prompt may have, and why: as configured, or what the model's window leaves beside the answer."""
    described = choice.described
    model = {
        "model_name": choice.model,
        "max_model_len": described.context_window if described else None,
        "reserved_output": choice.section.max_tokens,
    }
    setting = None if configured is None else Choice(configured, "prompt_manager.max_tokens", "setting")
    return plan_tokens(model, setting)


def _links(section: LLMProviderSettings) -> tuple[Fallback, ...]:
    """The models to ask, in order."""
    first = Fallback(
        provider=section.provider,
        model=section.model,
        api_key=section.api_key,
        api_base=section.api_base,
        options=section.options,
    )
    return (first, *section.fallbacks)


def _key(project: Project, link: Fallback, where: str) -> str | None:
    """The key of a provider: as set, or by its variable's name from a private file or the keyring."""
    variable = project.config.unset.get(f"{where}.api_key")
    if variable is None:
        return link.api_key
    key = find_key(variable, environ={}, folder=KEYS).reveal()
    if not key:
        raise ConfigError(f"{where}.api_key is ${{{variable}}}, which is not set", hint=where_to_keep(variable, KEYS))
    return key


def _provider(project: Project, section: LLMProviderSettings, link: Fallback, *, key: str | None) -> LLMProvider:
    options: dict[str, Any] = dict(link.options)
    prices: dict[str, Any] = {}
    if PROVIDERS.load(link.provider).asks_model:  # who asks none costs nothing, whatever model the settings name
        prices = {name: pick(price, "input", "output", "cached") for name, price in section.prices.items()}
        options |= {"api_key": key} if key else {}
        options |= {"api_base": link.api_base} if link.api_base else {}
    return create_provider(
        link.provider,
        model=link.model,
        prices=prices,
        count_tokens=count_tokens,
        offered={"cassettes": project.cassettes, "root": project.root},
        **options,
    )
