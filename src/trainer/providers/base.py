"""The seam of this room: what every provider offers, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from trainer.core.errors import ProviderError
from trainer.core.values import CompletionResult, Json, Message, Prompt


class LLMProvider(Protocol):
    """One model behind one service.

    Constructing does no I/O and imports no client library. Every failure is a ProviderError whose `kind` tells
    the caller what may be done about it; a provider never retries by itself.

    Settings are keyword arguments: `temperature`, `max_tokens`, `top_p`, `seed`, `stop` … go to the model as they
    are; `timeout` (seconds for the whole attempt) and `schema` (a JSON Schema for the answer) are the caller's.
    """

    provider: str
    """The adapter's name: `openai_compatible`."""
    model: str
    """The model that is asked."""

    def complete(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """The whole answer to `prompt`."""

    def stream(self, prompt: str | Prompt, **kwargs: Json) -> Iterator[str]:
        """The answer piece by piece, as a `Stream` whose `result` is known once it is read to its end."""

    def get_cost(self, tokens: int) -> float | None:
        """US dollars for `tokens` prompt tokens; None where the price is not known, never 0 for that."""

    def list_models(self) -> list[str]:
        """The models the service offers, sorted."""

    def deploy_model(self, model_path: str, **kwargs: Json) -> str:
        """Put a model artefact into service and return its endpoint's name."""


@runtime_checkable
class ConcurrentProvider(Protocol):
    """A provider that can also be awaited on the room's event loop; others are called on threads."""

    async def complete_async(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """What `complete` returns."""


class Stream(Iterator[str]):
    """The pieces of an answer as they come; `result` is the whole once the last piece is read."""

    def __init__(self, pieces: Iterator[str | CompletionResult]) -> None:
        self._pieces = pieces
        self._result: CompletionResult | None = None

    def __next__(self) -> str:
        for piece in self._pieces:
            if isinstance(piece, CompletionResult):
                self._result = piece
            else:
                return piece
        raise StopIteration

    @property
    def result(self) -> CompletionResult:
        """The whole answer; reads what is left of the stream."""
        for _ in self:
            pass
        if self._result is None:
            raise ProviderError("the stream ended without an answer", kind="empty")
        return self._result


def stream_of(result: CompletionResult) -> Stream:
    """A stream that holds one finished answer, for providers that cannot stream."""
    return Stream(iter((result.content, result)))


def messages_of(prompt: str | Prompt) -> tuple[Message, ...]:
    """The messages a chat model is sent for `prompt`."""
    return (Message("user", prompt),) if isinstance(prompt, str) else prompt.messages


class Undeployable:
    """The half of a provider that cannot deploy models."""

    provider: str

    def deploy_model(self, model_path: str, **kwargs: Json) -> str:  # noqa: ARG002  (the seam's signature)
        """Not offered; raises ProviderError."""
        raise ProviderError(
            f"{self.provider} cannot deploy {model_path}",
            kind="bad_request",
            hint="deploy with the provider sagemaker, or with the service's own tools",
        )
