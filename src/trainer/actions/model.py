"""Which model writes, with which settings: the project's, the instruction's, the report's and the command's in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.actions.wiring import limits_folder
from trainer.core.clock import Clock, parse_duration, system_clock
from trainer.core.config.schema import Fallback, overridden
from trainer.core.config.schema import LLMProvider as Section
from trainer.core.errors import ConfigError, UsageError, unknown
from trainer.core.project import Project
from trainer.core.values import Prompt
from trainer.prompts import count_tokens
from trainer.providers import (
    PROVIDERS,
    Budget,
    CompletionCache,
    Limits,
    LLMProvider,
    Policy,
    RateLimits,
    create_provider,
    find_key,
    where_to_keep,
)

KEYS = Path("~/.config/trainer/keys").expanduser()
"""Where a key may be kept in a file of its own, which only its owner reads."""

_SAMPLING = ("temperature", "top_p", "max_tokens", "seed")


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model to ask and how."""

    section: Section
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

    @property
    def described(self) -> LLMProvider | None:
        """The first provider, made without its key, for what it says of itself; None where it cannot be made so."""
        try:
            return _provider(self.project, self.section, _links(self.section)[0], key=None)
        except UsageError:
            return None

    @property
    def settings(self) -> dict[str, Any]:
        """What the model is sent beside the messages."""
        values = {name: getattr(self.section, name) for name in _SAMPLING}
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
        if link.provider not in PROVIDERS.names():
            message, hint = unknown("provider", link.provider, PROVIDERS.names())
            raise ConfigError(message, hint=hint)
        if not link.model and PROVIDERS.load(link.provider).asks_model:
            hint = "name a model, such as gpt-4o-mini, or set provider: draft"
            raise ConfigError(f"{where}.model is not set", hint=hint)
        chain.append(_provider(project, choice.section, link, key=_key(project, link, where)))
    return chain


def make_policy(choice: ModelChoice, *, retry: bool = True) -> Policy:
    """How often and how long one completion is tried."""
    return Policy(retries=choice.section.retries if retry else 0, timeout=parse_duration(choice.section.timeout))


def make_limits(project: Project) -> RateLimits:
    """The rate limits that all processes of this machine and user keep together."""
    section = project.settings.llm_provider
    return RateLimits(limits_folder(), section.requests_per_minute, section.tokens_per_minute)


def make_cache(project: Project) -> CompletionCache:
    """The completions this project has paid for."""
    return CompletionCache(project.cache / "completions")


def make_budget(project: Project, *, max_cost: float | None, clock: Clock = system_clock) -> Budget | None:
    """The project's budget with `max_cost` for this run; None where nothing limits."""
    section = project.settings.budget
    run = max_cost if max_cost is not None else section.run
    limits = Limits(run=run, project=section.project, month=section.month)
    return Budget(project.state / "budget", limits, clock=clock) if limits else None


def calls_of(choice: ModelChoice, prompt: Prompt) -> int:
    """How many calls an answer takes: one for each step of a strategy, unless the provider writes all at once."""
    described = choice.described
    return 1 if not prompt.steps or (described and described.writes_sections) else len(prompt.steps)


def price_of(choice: ModelChoice, prompt: Prompt, tokens: int) -> tuple[float | None, float | None]:
    """What a prompt of so many tokens costs, and at most with answers of `max_tokens`; None where not known.

    Each step of a strategy is sent by itself, with the answers it uses; an answer with a schema may be asked for twice.
    """
    described = choice.described
    if described is None:
        return None, None
    longest = choice.section.max_tokens or (described.price.max_output if described.price else None)
    sent = [(tokens, 0)]
    if calls_of(choice, prompt) > 1:
        sent = [(count_tokens(step.text), len(step.uses)) for step in prompt.steps]
    costs = [_cost(described, size, 0) for size, _ in sent]
    cost = None if None in costs else sum(each for each in costs if each is not None)
    if longest is None:
        return cost, cost if cost == 0 else None
    most = [_cost(described, size + uses * longest, longest) for size, uses in sent]
    if prompt.output.schema is not None:
        most.append(_cost(described, 2 * sent[0][0] + longest, longest))
    return cost, None if None in most else sum(each for each in most if each is not None)


def _cost(provider: LLMProvider, tokens_in: int, tokens_out: int) -> float | None:
    if provider.price is None:
        return provider.get_cost(tokens_in + tokens_out)
    return provider.price.cost(tokens_in, tokens_out)


def prompt_budget(choice: ModelChoice, configured: int | None) -> int | None:
    """Most tokens a prompt may have: as configured, and what the model's window leaves beside the answer."""
    described = choice.described
    window = described.context_window if described else None
    if window is None:
        return configured
    left = window - (choice.section.max_tokens or 0)
    return left if configured is None else min(left, configured)


def _links(section: Section) -> tuple[Fallback, ...]:
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


def _provider(project: Project, section: Section, link: Fallback, *, key: str | None) -> LLMProvider:
    options: dict[str, Any] = dict(link.options)
    if PROVIDERS.load(link.provider).asks_model:
        options |= {"api_key": key} if key else {}
        options |= {"api_base": link.api_base} if link.api_base else {}
    return create_provider(
        link.provider,
        model=link.model,
        prices={name: {"input": price.input, "output": price.output} for name, price in section.prices.items()},
        count_tokens=count_tokens,
        offered={"cassettes": project.cassettes, "root": project.root},
        **options,
    )
