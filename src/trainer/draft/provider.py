"""The draft writer behind the seam of all providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trainer.core.values import CompletionResult, Json, Prompt
from trainer.draft.write import write
from trainer.providers.base import Stream, Undeployable

_NAME = "draft"


class DraftProvider(Undeployable):
    """A deterministic writer that needs no model: equal prompts give equal bytes, and nothing is sent or paid.

    It follows the instruction's own sections, prints only figures that stand in the data or follow from them by a
    plain formula, quotes contexts with their source, and names what it cannot answer.
    """

    provider = _NAME
    native_schema = True

    def __init__(self, *, model: str = _NAME, count_tokens: Callable[[str], int] | None = None) -> None:
        self.model = model or _NAME
        self._count = count_tokens or _rough_count

    def complete(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """The report drafted from the prompt's data and contexts; settings but `schema` change nothing."""
        draft = write(prompt, schema=kwargs.get("schema"))
        sent = prompt if isinstance(prompt, str) else "\n".join(message.content for message in prompt.messages)
        tokens_in, tokens_out = self._count(sent), self._count(draft.text)
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

    def stream(self, prompt: str | Prompt, **kwargs: Json) -> Iterator[str]:
        """The same report, paragraph by paragraph."""
        result = self.complete(prompt, **kwargs)
        return Stream(iter((*result.content.splitlines(keepends=True), result)))

    def get_cost(self, tokens: int) -> float:  # noqa: ARG002  (the seam's signature)
        """Nothing: a draft costs no money."""
        return 0.0

    def list_models(self) -> list[str]:
        """The one there is."""
        return [_NAME]


def _rough_count(text: str) -> int:
    """About as many tokens as a model would count: a quarter of the letters."""
    return (len(text) + 3) // 4
