"""A start for providers of one's own: write `complete`, and the rest follows.

A package registers its class under the entry point group `trainer.providers`; `examples/custom-provider` is one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from trainer.core.values import CompletionResult, Json, Prompt
from trainer.providers.base import Stream, Undeployable, stream_of


class CustomProvider(Undeployable, ABC):
    """The defaults of a provider: an answer streams as one piece, its price is not known, its model is the only one."""

    provider = "custom"
    model: str

    @abstractmethod
    def complete(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """The whole answer to `prompt`; one attempt, every failure a ProviderError."""

    def stream(self, prompt: str | Prompt, **kwargs: Json) -> Stream:
        """The answer as one piece."""
        return stream_of(self.complete(prompt, **kwargs))

    def get_cost(self, tokens: int) -> float | None:  # noqa: ARG002  (the seam's signature)
        """Not known."""
        return None

    def list_models(self) -> list[str]:
        """The model there is."""
        return [self.model]

    def result(
        self, content: str, *, tokens_in: int, tokens_out: int, cost: float | None = None, finish_reason: str = "stop"
    ) -> CompletionResult:
        """A result with this provider's names filled in."""
        return CompletionResult(
            content=content,
            tokens_used=tokens_in + tokens_out,
            model=self.model,
            provider=self.provider,
            cost=cost,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            model_asked=self.model,
            finish_reason=finish_reason,
        )
