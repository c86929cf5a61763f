"""A provider of one's own: everything that `trainer` needs of it, in one class."""

from __future__ import annotations

from typing import Any

from trainer.core.errors import ProviderError
from trainer.core.values import CompletionResult, Prompt
from trainer.providers import CustomProvider


class EchoProvider(CustomProvider):
    """Answers with the last line of the prompt, as often as `times` says.

    Options of the constructor are what users write under `llm_provider.options`.
    """

    provider = "echo"

    def __init__(self, *, model: str, times: int = 1) -> None:
        self.model = model
        self.times = times

    def complete(self, prompt: str | Prompt, **kwargs: Any) -> CompletionResult:  # noqa: ARG002  (an echo has no settings)
        """The last line of the prompt. A failure is a ProviderError, whose kind decides on retry and fallback."""
        text = prompt if isinstance(prompt, str) else prompt.text
        if not text.strip():
            raise ProviderError("there is nothing to repeat", kind="bad_request")
        content = "\n".join([text.strip().splitlines()[-1]] * self.times)
        return self.result(content, tokens_in=len(text.split()), tokens_out=len(content.split()), cost=0.0)
