"""The canonical request: what decides an answer, its digest, and the words for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from trainer.core.digest import digest
from trainer.core.values import Json, Prompt
from trainer.providers.base import messages_of

_NOT_INGREDIENTS = frozenset({"timeout", "stream", "stream_options", "schema"})
"""Settings that cannot change what a model answers."""


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A prompt for a model, with all that decides its answer."""

    prompt: str | Prompt
    provider: str
    model: str
    settings: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    """`temperature`, `max_tokens` … as the model is sent them."""
    schema: Mapping[str, Json] | None = None
    """A JSON Schema for the answer."""

    @property
    def key(self) -> str:
        """The digest that names the answer in the cache."""
        return digest(explain(self))


def request_key(
    prompt: str | Prompt,
    provider: str,
    model: str,
    settings: Mapping[str, Json] | None = None,
    schema: Mapping[str, Json] | None = None,
) -> str:
    """The digest of a request, equal for equal requests whatever the order of their settings."""
    return Request(prompt, provider, model, settings or {}, schema).key


def explain(request: Request) -> dict[str, Json]:
    """The ingredients of the request's key by name, in plain JSON."""
    ingredients: dict[str, Json] = {
        "provider": request.provider,
        "model": request.model,
        "settings": {
            name: value
            for name, value in sorted(request.settings.items())
            if name not in _NOT_INGREDIENTS and value is not None
        },
        "schema": _plain(request.schema),
    }
    prompt = request.prompt
    for number, message in enumerate(messages_of(prompt), 1):
        ingredients[f"message {number} ({message.role})"] = message.content
    ingredients["sections"] = [] if isinstance(prompt, str) else list(prompt.output.sections)
    ingredients["language"] = "en" if isinstance(prompt, str) else prompt.output.language
    return ingredients


def differences(first: Mapping[str, Json], second: Mapping[str, Json]) -> list[str]:
    """The names of the ingredients in which two requests differ, settings by their own names."""
    names: list[str] = []
    for name in {**first, **second}:
        one, other = first.get(name), second.get(name)
        if one == other:
            continue
        if name == "settings":
            keys = sorted({*(one or {}), *(other or {})})
            names += [f"settings.{key}" for key in keys if (one or {}).get(key) != (other or {}).get(key)]
        else:
            names.append(name)
    return names


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
