"""Which model writes, with which settings: the project's, the instruction's, the report's and the command's in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.core.clock import Clock, parse_duration, system_clock
from trainer.core.config.schema import Fallback, LLMProvider, overridden
from trainer.core.errors import ConfigError, unknown
from trainer.core.project import Project

if TYPE_CHECKING:
    from trainer.providers import Budget, CompletionCache, Policy
    from trainer.providers import LLMProvider as Provider

KEYS = Path("~/.config/trainer/keys").expanduser()
"""Where a key may be kept in a file of its own, which only its owner reads."""

_SAMPLING = ("temperature", "top_p", "max_tokens", "seed")
_TAKES_TOKEN_COUNTER = frozenset({"openai_compatible", "openai", "ollama", "litellm", "draft"})


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model to ask and how."""

    section: LLMProvider
    """llm_provider as it holds for this call."""

    @property
    def provider(self) -> str:
        """Name of the provider."""
        return self.section.provider

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.section.model if self.provider != "draft" else "draft"

    @property
    def settings(self) -> dict[str, Any]:
        """What the model is sent beside the messages."""
        values = {name: getattr(self.section, name) for name in _SAMPLING}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def needs_litellm(self) -> bool:
        """Whether it goes through LiteLLM, whose import is worth beginning early."""
        from trainer.providers import PROVIDERS

        asked = (self.provider, *(item.provider for item in self.section.fallbacks))
        return any((adapter := PROVIDERS.table.get(name)) and adapter.extra == "litellm" for name in asked)

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
    return ModelChoice(section)


def drafted(choice: ModelChoice) -> ModelChoice:
    """The same choice without a model: what `--offline` uses."""
    return ModelChoice(overridden(choice.section, {"provider": "draft", "fallbacks": []}, what="llm_provider"))


def make_chain(project: Project, choice: ModelChoice) -> list[Provider]:
    """The providers to ask, in order; nothing is opened. Raises ConfigError where a key or a model is missing."""
    section = choice.section
    first = Fallback(
        provider=section.provider,
        model=choice.model,
        api_key=section.api_key,
        api_base=section.api_base,
        options=section.options,
    )
    return [_provider(project, item, section, at) for at, item in enumerate((first, *section.fallbacks))]


def make_policy(choice: ModelChoice, *, retry: bool = True) -> Policy:
    """How often and how long one completion is tried."""
    from trainer.providers import Policy

    return Policy(retries=choice.section.retries if retry else 0, timeout=parse_duration(choice.section.timeout))


def make_cache(project: Project) -> CompletionCache:
    """The completions this project has paid for."""
    from trainer.providers import CompletionCache

    return CompletionCache(project.cache / "completions")


def make_budget(project: Project, *, max_cost: float | None, clock: Clock = system_clock) -> Budget | None:
    """The project's budget with `max_cost` for this run; None where nothing limits."""
    from trainer.providers import Budget, Limits

    section = project.settings.budget
    run = max_cost if max_cost is not None else section.run
    limits = Limits(run=run, project=section.project, month=section.month)
    return Budget(project.state / "budget", limits, clock=clock) if limits else None


def price_of(choice: ModelChoice, tokens_in: int) -> tuple[float | None, float | None]:
    """What the prompt costs, and what it costs at most with an answer of `max_tokens`; None where not known."""
    from trainer.providers import price

    found = _price(choice, price)
    if found is None:
        return None, None
    cost = found.cost(tokens_in, 0)
    most = choice.section.max_tokens or found.max_output
    return cost, found.cost(tokens_in, int(most)) if most else (cost if cost == 0 else None)


def prompt_budget(choice: ModelChoice, configured: int | None) -> int | None:
    """Most tokens a prompt may have: as configured, and what the model's window leaves beside the answer."""
    from trainer.providers import price

    found = _price(choice, price)
    window: int | None = found.max_input if found else None
    if window is None:
        return configured
    left = window - (choice.section.max_tokens or 0)
    return left if configured is None else min(left, configured)


def _price(choice: ModelChoice, price: Callable[..., Any]) -> Any:
    from trainer.providers import price_at

    overrides = {name: {"input": item.input, "output": item.output} for name, item in choice.section.prices.items()}
    if choice.section.api_base:
        return price_at(choice.model, choice.section.api_base, overrides=overrides)
    return price(choice.model, provider=choice.provider, overrides=overrides)


def _secret(project: Project, item: Fallback, key: str) -> str | None:
    """The key of a provider: as set, or by its variable's name from a private file or the keyring."""
    from trainer.providers import find_key, where_to_keep

    variable = project.config.unset.get(f"{key}.api_key")
    if variable is None:
        return item.api_key
    found = find_key(variable, environ={}, folder=KEYS).reveal()
    if not found:
        raise ConfigError(f"{key}.api_key is ${{{variable}}}, which is not set", hint=where_to_keep(variable, KEYS))
    return found


def _provider(project: Project, item: Fallback, section: LLMProvider, at: int) -> Provider:
    from trainer.providers import PROVIDERS, create_provider

    if item.provider not in PROVIDERS.names():
        message, hint = unknown("provider", item.provider, PROVIDERS.names())
        raise ConfigError(message, hint=hint)
    options: dict[str, Any] = dict(item.options)
    key = f"llm_provider.fallbacks.{at - 1}" if at else "llm_provider"
    if not item.model and item.provider not in ("draft", "replay"):
        raise ConfigError(f"{key}.model is not set", hint="name a model, such as gpt-4o-mini, or set provider: draft")
    secret = _secret(project, item, key)
    if item.provider == "replay":
        options.setdefault("path", project.cassettes)
    elif item.provider != "draft":
        options |= {"api_key": secret} if secret else {}
        options |= {"api_base": item.api_base} if item.api_base else {}
        if section.prices:
            options["prices"] = {
                name: {"input": price.input, "output": price.output} for name, price in section.prices.items()
            }
    if item.provider in _TAKES_TOKEN_COUNTER:
        from trainer.prompts import count_tokens

        options.setdefault("count_tokens", count_tokens)
    return create_provider(item.provider, model=item.model or item.provider, **options)
