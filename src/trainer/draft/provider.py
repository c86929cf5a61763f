"""The draft writer behind the seam of all providers."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from trainer.core.values import CompletionResult, Json, Prompt
from trainer.providers.base import CustomProvider
from trainer.providers.prices import FREE
from trainer.providers.request import Request

_NAME = "draft"


class DraftProvider(CustomProvider):
    """A deterministic writer that needs no model: equal prompts give equal bytes, and nothing is sent or paid.

    It follows the instruction's own sections, prints only figures that stand in the data or follow from them by a
    plain formula, quotes contexts with their source, and names what it cannot answer.
    """

    provider = _NAME
    asks_model = False
    native_schema = True
    writes_sections = True
    price = FREE

    def __init__(self, *, model: str = _NAME) -> None:  # noqa: ARG002  (there is one)
        self.model = _NAME

    def complete(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """The report drafted from the prompt's data and contexts; settings but `schema` change nothing."""
        from trainer.draft.write import (
            write,  # the rules are loaded for a draft, not for what the writer says of itself
        )

        draft = write(prompt, schema=kwargs.get("schema"))
        sent = prompt if isinstance(prompt, str) else "\n".join(message.content for message in prompt.messages)
        tokens_in, tokens_out = self.count_tokens(sent), self.count_tokens(draft.text)
        return CompletionResult(
            content=draft.text,
            tokens_used=tokens_in + tokens_out,
            model=self.model,
            provider=self.provider,
            cost=0.0,
            metadata={"figures": list(draft.figures)},
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            tokens_estimated=True,
            model_asked=self.model,
            origin="drafted",
        )

    async def pieces(self, request: Request) -> AsyncGenerator[str | CompletionResult, None]:
        """The same report, paragraph by paragraph."""
        result = await self.send(request)
        for line in result.content.splitlines(keepends=True):
            yield line
        yield result
