"""The models that a project names, or that a provider offers, with what they cost and hold."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.actions.model import choose_model, make_chain
from trainer.actions.names import model_names
from trainer.core.project import Project


@dataclass(frozen=True, slots=True)
class ModelListing:
    """One model of the list."""

    provider: str
    model: str
    input_per_million: float | None
    """US dollars for a million prompt tokens; None where the price is not known."""
    output_per_million: float | None
    context_window: int | None
    """The most tokens of a prompt."""
    max_output: int | None
    """The most tokens of an answer."""
    takes_schema: bool
    """Whether it takes a JSON Schema for its answer; where not, it is asked in words."""
    price_origin: str = ""
    """`table`, `config` or `local`; empty where the price is not known."""


def list_models(project: Project, *, provider: str | None = None) -> list[ModelListing]:
    """The models that the settings name, the fallbacks among them; with `provider`, all that this one offers.

    What a provider offers is asked of its service where it has a list, so that its key and address are needed.
    """
    if provider is not None:
        choice = choose_model(project, {}, {"provider": provider, "fallbacks": []}, what="llm_provider")
        names = make_chain(project, choice)[0].list_models()
        return [_listing(project, provider, name) for name in names]
    section = project.settings.llm_provider
    named = [(link.provider, link.model) for link in section.fallbacks]
    own = [(section.provider, name) for name in model_names(project) if name not in {model for _, model in named}]
    pairs = dict.fromkeys([(section.provider, section.model or ""), *named, *own])
    return [_listing(project, name, model) for name, model in pairs]


def _listing(project: Project, provider: str, model: str) -> ModelListing:
    changes = {"provider": provider, "fallbacks": [], **({"model": model} if model else {})}
    described = choose_model(project, {}, changes, what="llm_provider").described
    price = described.price if described else None
    return ModelListing(
        provider,
        described.model if described else model,
        price.input * 1e6 if price else None,
        price.output * 1e6 if price else None,
        described.context_window if described else None,
        price.max_output if price else None,
        bool(price and price.takes_schema) or bool(described and described.native_schema),
        price.origin if price else "",
    )
