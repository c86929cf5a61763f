"""The seam of this room: what every provider offers, whatever stands behind it.

An adapter subclasses `LLMProvider`, writes `send`, and says what it can do in the members below; all else has a
default. It makes one attempt and raises a ProviderError with its kind: retries, fallback, cache, budget, limits and
the judgement of how an answer ended are the client's, the same for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Protocol

from trainer.core.errors import ProviderError
from trainer.core.secrets import Secret
from trainer.core.values import CompletionResult, Json, Prompt
from trainer.providers import loop
from trainer.providers.answers import judged, without_reasoning
from trainer.providers.prices import Price, price_origin
from trainer.providers.request import Request, request_of

CountTokens = Callable[[str], int]
"""Counts the tokens of a text."""


class LLMProvider(Protocol):
    """One model behind one service; constructing does no I/O and imports no client library.

    `complete` and `stream` take settings as keyword arguments: `temperature`, `max_tokens`, `top_p`, `seed`, `stop` …
    go to the model as they are; `timeout` (seconds for the whole attempt) and `schema` (a JSON Schema) are ours.
    """

    provider: str = ""
    """The adapter's name: `openai_compatible`."""
    model: str = ""
    """The model that is asked."""
    settings: Mapping[str, Json] = {}
    """What is sent with every request that does not say otherwise."""
    price: Price | None = None
    """What it costs, None where that is not known; set from `llm_provider.prices` where the user names one."""
    tokenizer: CountTokens | None = None
    """Counts tokens where the service names no usage; set by the project."""
    asks_model: bool = True
    """Whether it asks a model: then a name is needed, and address and key of the settings are its own."""
    native_schema: bool = False
    """Whether it takes a JSON Schema; where not, or once it refuses one, it is asked in words."""
    stream_usage: bool = False
    """Whether usage is asked for in streams; switched off once the service refuses that."""
    length_field: str = ""
    """What the longest answer is called; `max_completion_tokens` once a service refuses `max_tokens`."""
    writes_sections: bool = False
    """Whether one call answers all the steps of a strategy."""
    warms_up: bool = False
    """Whether `warm_up` saves time."""
    api_base: str = ""
    """The service's address: requests to one address with one key share its limits."""
    pause: float = 0.0
    """Seconds for which, by its last answer, the service takes nothing more."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must never be shown."""
        return ()

    @property
    def context_window(self) -> int | None:
        """The most tokens of a prompt and its answer."""
        return self.price.max_input if self.price else None

    async def send(self, request: Request) -> CompletionResult:
        """The whole answer as the service gave it: one attempt, every failure a ProviderError."""
        ...

    async def pieces(self, request: Request) -> AsyncGenerator[str | CompletionResult, None]:
        """The answer's text as it comes, and the whole at the end; in one piece where the service cannot stream."""
        result = await self.send(request)
        yield result.content
        yield result

    def complete(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """The whole answer to `prompt`, judged; raises ProviderError for one that is cut, refused or empty."""
        return loop.run_on_loop(ask(self, request_of(prompt, kwargs, provider=self.provider, model=self.model)))

    def stream(self, prompt: str | Prompt, **kwargs: Json) -> CompletionStream:
        """The answer piece by piece, as a `CompletionStream` whose `result` is known once it is read to its end."""
        request = request_of(prompt, kwargs, provider=self.provider, model=self.model)
        return CompletionStream(loop.iterate(lambda show: ask(self, request, show)))

    def count_tokens(self, text: str) -> int:
        """The tokens of a text; about four bytes each where no tokenizer is at hand."""
        return self.tokenizer(text) if self.tokenizer else -(-len(text.encode("utf-8", "replace")) // 4)

    def get_cost(self, tokens: int) -> float | None:
        """US dollars for `tokens` prompt tokens; None where the price is not known, never 0 for that."""
        return self.price.cost(tokens, 0) if self.price else None

    def list_models(self) -> list[str]:
        """The models the service offers, sorted."""
        return [self.model]

    def deploy_model(self, model_path: str, **kwargs: Json) -> str:  # noqa: ARG002  (the seam's signature)
        """Put a model artefact into service and return its endpoint's name."""
        raise ProviderError(
            f"{self.provider} cannot deploy {model_path}",
            kind="bad_request",
            hint="deploy with the provider sagemaker, or with the service's own tools",
        )

    def warm_up(self) -> None:
        """Begin in the background what makes a first call slow."""


class CustomProvider(LLMProvider, ABC):
    """A start for providers that block: write `complete`, and it is called on threads.

    A package registers its class under the entry point group `trainer.providers`; `examples/custom-provider` is one.
    """

    provider = "custom"

    @abstractmethod
    def complete(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """The whole answer to `prompt`; one attempt, every failure a ProviderError."""

    async def send(self, request: Request) -> CompletionResult:
        """What `complete` returns, from a thread."""
        arguments = {**request.settings, "timeout": request.timeout}
        if request.schema is not None:
            arguments["schema"] = request.schema
        return await asyncio.to_thread(self.complete, request.prompt, **arguments)

    def result(
        self, content: str, *, tokens_in: int, tokens_out: int, cost: float | None = None, finish_reason: str = "stop"
    ) -> CompletionResult:
        """A result with this provider's names filled in; without a `cost`, the price says it."""
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


class CompletionStream(Iterator[str]):
    """The pieces of an answer as they come; `result` is the whole once the last piece is read."""

    def __init__(self, pieces: Iterator[str | CompletionResult]) -> None:
        self._pieces = pieces
        self._result: CompletionResult | None = None

    def __next__(self) -> str:
        for piece in self._pieces:
            if isinstance(piece, str):
                return piece
            self._result = piece
        raise StopIteration

    @property
    def result(self) -> CompletionResult:
        """The whole answer; reads what is left of the stream."""
        for _ in self:
            pass
        if self._result is None:
            raise ProviderError("the stream ended without an answer", kind="empty")
        return self._result


async def ask(provider: LLMProvider, request: Request, show: Callable[[str], None] | None = None) -> CompletionResult:
    """One attempt, its answer priced and judged: the one place where answers arrive. `show` is given the text."""
    if show is None:
        return judged(_priced(await provider.send(request), provider), request)
    result: CompletionResult | None = None
    visible = without_reasoning(show)
    async with contextlib.aclosing(provider.pieces(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, str):
                visible.take(piece)
            else:
                result = piece
    if result is None:
        raise ProviderError("the stream ended without an answer", kind="server", status=200)
    result = judged(_priced(result, provider), request)
    visible.end(result.content)
    return result


def _priced(result: CompletionResult, provider: LLMProvider) -> CompletionResult:
    """The result with what it cost by the provider's price; where there is none, what the provider itself says."""
    price = provider.price
    if result.origin != "fresh":
        return result
    if price is None:
        return dataclasses.replace(
            result, metadata={"prices": "unknown" if result.cost is None else "provider", **result.metadata}
        )
    cached = int(result.metadata.get("cached_tokens") or 0)
    return dataclasses.replace(
        result,
        cost=price.cost(result.tokens_in, result.tokens_out, cached=cached),
        metadata={**result.metadata, "prices": price_origin(price)},
    )
