"""What a caller's keyword arguments mean to a provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trainer.core.values import Json, Prompt
from trainer.providers.base import messages_of

CountTokens = Callable[[str], int]
"""Counts the tokens of a text."""

DEFAULT_TIMEOUT = 120.0
_OURS = frozenset({"timeout", "schema", "stream", "stream_options"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model, settled."""

    prompt: str | Prompt
    model: str
    settings: Mapping[str, Json]
    """What the model is sent beside the messages."""
    timeout: float
    """Seconds for the whole attempt."""
    schema: Mapping[str, Json] | None

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages as the wire has them."""
        return [{"role": message.role, "content": message.content} for message in messages_of(self.prompt)]

    @property
    def text(self) -> str:
        """All text that is sent."""
        return "\n".join(message.content for message in messages_of(self.prompt))


def call_of(prompt: str | Prompt, model: str, defaults: Mapping[str, Json], given: Mapping[str, Json]) -> Call:
    """The call that `given` settings over the provider's `defaults` make; a setting of None is not sent."""
    settings = {name: value for name, value in {**defaults, **given}.items() if value is not None}
    return Call(
        prompt=prompt,
        model=model,
        settings={name: value for name, value in settings.items() if name not in _OURS},
        timeout=float(settings.get("timeout", DEFAULT_TIMEOUT)),
        schema=settings.get("schema"),
    )


def rough_tokens(text: str) -> int:
    """About how many tokens a text has: four bytes each, which is what English prose comes to."""
    return -(-len(text.encode("utf-8")) // 4)


def schema_format(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The `response_format` that asks for a JSON Schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}
