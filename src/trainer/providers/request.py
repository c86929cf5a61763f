"""The one word for what a model is asked: the prompt, who is asked, all that decides the answer, and its digest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from trainer.core.digest import digest
from trainer.core.values import Json, Message, Prompt

DEFAULT_TIMEOUT = 120.0
_NOT_SENT = frozenset({"timeout", "schema", "stream", "stream_options"})
"""Keyword arguments of `complete` that are no settings of the model."""


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A prompt for a model, with all that decides its answer."""

    prompt: str | Prompt
    provider: str = ""
    """The adapter's name; filled in for each model of a chain."""
    model: str = ""
    settings: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    """`temperature`, `max_tokens` … as the model is sent them; one of None is not sent."""
    schema: Mapping[str, Json] | None = None
    """A JSON Schema for the answer."""
    timeout: float = DEFAULT_TIMEOUT
    """Seconds for the whole attempt; does not decide the answer."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What a chat model is sent."""
        return (Message("user", self.prompt),) if isinstance(self.prompt, str) else self.prompt.messages

    @property
    def text(self) -> str:
        """All text that is sent."""
        return "\n".join(message.content for message in self.messages)

    @property
    def key(self) -> str:
        """The digest that names the answer in the cache, equal whatever the order of the settings."""
        return digest(explain(self))

    def sent(self, defaults: Mapping[str, Json]) -> dict[str, Json]:
        """The settings to send: the request's over `defaults`."""
        return {name: value for name, value in {**defaults, **self.settings}.items() if value is not None}

    def with_more(self, text: str) -> Request:
        """The same request with `text` below its prompt."""
        if isinstance(self.prompt, str):
            return dataclasses.replace(self, prompt=f"{self.prompt}\n\n{text}")
        prompt = dataclasses.replace(self.prompt, text=f"{self.prompt.text}\n\n{text}")
        return dataclasses.replace(self, prompt=prompt)


def request_of(prompt: str | Prompt, arguments: Mapping[str, Json], *, provider: str, model: str) -> Request:
    """The request that the keyword arguments of `complete` and `stream` make."""
    return Request(
        prompt,
        provider,
        model,
        settings={name: value for name, value in arguments.items() if name not in _NOT_SENT},
        schema=arguments.get("schema"),
        timeout=float(arguments.get("timeout") or DEFAULT_TIMEOUT),
    )


def explain(request: Request) -> dict[str, Json]:
    """The ingredients of the request's key by name, in plain JSON."""
    prompt = request.prompt
    ingredients: dict[str, Json] = {
        "provider": request.provider,
        "model": request.model,
        "settings": {
            name: value
            for name, value in sorted(request.settings.items())
            if name not in _NOT_SENT and value is not None
        },
        "schema": _plain(request.schema),
    }
    for number, message in enumerate(request.messages, 1):
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
