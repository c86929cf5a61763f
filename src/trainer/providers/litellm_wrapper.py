"""Any model LiteLLM knows. The library is imported on the first real call, or beforehand on a thread by `warm_up`.

Its import takes seconds, so nothing here touches it earlier; its own retries, fallbacks, cache, budget and prices
stay off, for ours are exact.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import importlib
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from trainer.core.errors import FailureKind, MissingExtra, ProviderError
from trainer.core.secrets import Secret, mask_secrets
from trainer.core.values import CompletionResult, Json, Prompt
from trainer.providers import loop
from trainer.providers.base import Stream, Undeployable
from trainer.providers.failures import failure, kind_of, retry_after
from trainer.providers.openai_format import Billing, Parts, finish
from trainer.providers.prices import Price, is_local, price, price_at
from trainer.providers.settings import Call, CountTokens, call_of, rough_tokens, schema_format

_BEFORE_IMPORT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
"""No fetch of a price map, no `.env` read from wherever the library is installed."""

_LOGGERS = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "openai", "httpx", "httpcore")
"""They log requests and answers; what matters of those is in our errors, without the keys."""

_import_lock = threading.Lock()


def warm_up() -> threading.Thread:
    """Import LiteLLM on a background thread; the first call waits for it."""
    thread = threading.Thread(target=_import_quietly, name="trainer-litellm", daemon=True)
    thread.start()
    return thread


class LiteLLMProvider(Undeployable):
    """One model through LiteLLM; `provider` is its prefix there, so `openai` and `gpt-4` make `openai/gpt-4`.

    `api_key`, `api_base` and all other options go to LiteLLM with every call; the key comes from the environment
    where none is given, by the names LiteLLM documents.
    """

    provider = "litellm"
    prefix = ""

    def __init__(
        self,
        provider: str = "",
        model: str = "",
        *,
        api_key: str | None = None,
        count_tokens: CountTokens = rough_tokens,
        prices: Mapping[str, Json] | None = None,
        **config: Json,
    ) -> None:
        self.provider = provider or type(self).provider
        self.model = model
        self._prefix = type(self).prefix or (provider if provider != "litellm" else "")
        self._key = Secret(api_key)
        self._settings = config
        self.price = _price(model, self._prefix, config.get("api_base"), prices)
        self.stream_usage = True
        self.native_schema = self.price is not None and self.price.takes_schema
        self._billing = Billing(self.provider, f"{self.provider} ({model})", self.price, count_tokens)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must never be shown."""
        return (self._key,)

    def complete(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """The whole answer to `prompt`."""
        return loop.run(self.complete_async(prompt, **kwargs))

    async def complete_async(self, prompt: str | Prompt, **kwargs: Json) -> CompletionResult:
        """What `complete` returns, awaited on any event loop."""
        call = call_of(prompt, self.model, self._settings, kwargs)
        litellm = await _litellm_async()
        with self._mapped(), _unlogged():
            async with loop.limit(call.timeout, self._billing.service):
                return self._result(call, await litellm.acompletion(**self._arguments(call)))

    def stream(self, prompt: str | Prompt, **kwargs: Json) -> Stream:
        """The answer piece by piece."""
        return Stream(loop.iterate(self._pieces(call_of(prompt, self.model, self._settings, kwargs))))

    def get_cost(self, tokens: int) -> float | None:
        """US dollars for `tokens` prompt tokens."""
        return self.price.cost(tokens, 0) if self.price else None

    def list_models(self) -> list[str]:
        """The chat models LiteLLM knows for this provider."""
        models = _litellm().models_by_provider
        return sorted(
            models.get(self._prefix, ()) if self._prefix else {name for group in models.values() for name in group}
        )

    async def _pieces(self, call: Call) -> AsyncIterator[str | CompletionResult]:
        litellm = await _litellm_async()
        parts = Parts(model=call.model)
        arguments = self._arguments(call) | {"stream": True}
        if self.stream_usage:
            arguments["stream_options"] = {"include_usage": True}
        with self._mapped():
            async with loop.limit(call.timeout, self._billing.service):
                async for chunk in await litellm.acompletion(**arguments):
                    if piece := _take_chunk(parts, chunk):
                        yield piece
        yield finish(call, parts, self._billing)

    def _arguments(self, call: Call) -> dict[str, Any]:
        name = f"{self._prefix}/{call.model}" if self._prefix else call.model
        arguments: dict[str, Any] = {
            **call.settings,
            "model": name,
            "messages": call.messages,
            "timeout": call.timeout,
            "max_retries": 0,
            "num_retries": 0,
        }
        if self._key:
            arguments["api_key"] = self._key.reveal()
        if call.schema is not None:
            arguments["response_format"] = schema_format(call.schema)
        return arguments

    def _result(self, call: Call, response: Any) -> CompletionResult:
        parts = Parts(model=call.model)
        if not response.choices:
            raise failure("empty", f"{self._billing.service} answered without a choice", status=200)
        choice = response.choices[0]
        parts.text.append(choice.message.content or "")
        parts.refusal = getattr(choice.message, "refusal", None) or ""
        parts.finish_reason = choice.finish_reason or "stop"
        parts.model = response.model or call.model
        parts.identity = response.id or ""
        _take_usage(parts, response)
        return finish(call, parts, self._billing)

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        """LiteLLM's exceptions as ours, the key taken out of their words."""
        try:
            yield
        except ProviderError:
            raise
        except Exception as error:
            kind = _kind(error)
            if kind is None:
                raise
            raise _failure(kind, error, self._billing.service, self.secrets) from None


class AnthropicProvider(LiteLLMProvider):
    """Anthropic's models; the key is ANTHROPIC_API_KEY unless one is given."""

    provider = prefix = "anthropic"

    def __init__(self, model: str = "claude-3-5-sonnet-latest", **kwargs: Json) -> None:
        super().__init__("anthropic", model, **kwargs)


class AWSBedrockProvider(LiteLLMProvider):
    """Models of AWS Bedrock, with AWS's own credentials."""

    provider = prefix = "bedrock"

    def __init__(self, model: str, region: str = "us-east-1", **kwargs: Json) -> None:
        super().__init__("bedrock", model, aws_region_name=region, **kwargs)


class GoogleVertexProvider(LiteLLMProvider):
    """Models of Google Vertex AI, with GOOGLE_APPLICATION_CREDENTIALS."""

    provider = prefix = "vertex_ai"

    def __init__(self, model: str, project_id: str | None = None, **kwargs: Json) -> None:
        super().__init__("vertex_ai", model, vertex_project=project_id, **kwargs)


class AzureOpenAIProvider(LiteLLMProvider):
    """Deployments of Azure OpenAI; the key is AZURE_API_KEY unless one is given."""

    provider = prefix = "azure"

    def __init__(self, model: str, endpoint: str | None = None, api_key: str | None = None, **kwargs: Json) -> None:
        address = endpoint or kwargs.pop("api_base", None)
        super().__init__("azure", model, api_base=address, api_key=api_key, **kwargs)


class HuggingFaceProvider(LiteLLMProvider):
    """Models of the Hugging Face router; the key is HF_TOKEN unless one is given."""

    provider = prefix = "huggingface"

    def __init__(self, model: str, **kwargs: Json) -> None:
        super().__init__("huggingface", model, **kwargs)


def _price(model: str, prefix: str, address: str | None, overrides: Mapping[str, Json] | None) -> Price | None:
    if address and is_local(urlsplit(address).hostname or ""):
        return price_at(model, address, overrides=overrides)
    return price(model, provider=prefix, overrides=overrides)


@functools.cache
def _litellm() -> Any:
    """The library, set up once: setting a logger's level anew would empty every logger's cache."""
    with _import_lock:
        for name, value in _BEFORE_IMPORT.items():
            os.environ.setdefault(name, value)
        try:
            with _uncollected():
                litellm: Any = importlib.import_module("litellm")
        except ModuleNotFoundError as error:
            if error.name != "litellm":
                raise
            raise MissingExtra("litellm", "litellm") from error
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        litellm.disable_token_counter = True  # it would pass its own counts off as the provider's usage
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        return litellm


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage while several 100,000 objects are made, nor ever after among them: they stay to the end.

    It takes a quarter off the import, and a tenth off the CPU time of every call that follows.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if collects:
            gc.enable()


def _import_quietly() -> None:
    with contextlib.suppress(MissingExtra):
        _litellm()


@functools.cache
def _inner_call() -> ContextVar[bool]:
    """LiteLLM's mark on calls it makes for itself, which it neither logs nor prices; one of ours where it has none."""
    try:
        context = importlib.import_module("litellm._internal_context")
        mark: ContextVar[bool] = context.is_internal_call
    except (ImportError, AttributeError):
        return ContextVar("litellm_has_no_mark", default=False)
    return mark


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """LiteLLM's own logs and prices of a call left out: ours are exact, and its take a fifth of the call's CPU time."""
    mark = _inner_call()
    before = mark.set(True)
    try:
        yield
    finally:
        mark.reset(before)


async def _litellm_async() -> Any:
    return _litellm() if _litellm.cache_info().currsize else await asyncio.to_thread(_litellm)


def _take_chunk(parts: Parts, chunk: Any) -> str:
    parts.model = chunk.model or parts.model
    parts.identity = chunk.id or parts.identity
    _take_usage(parts, chunk)
    if not chunk.choices:
        return ""
    choice = chunk.choices[0]
    parts.finish_reason = choice.finish_reason or parts.finish_reason
    piece = choice.delta.content or ""
    if piece:
        parts.text.append(piece)
    return piece


def _take_usage(parts: Parts, response: Any) -> None:
    usage = getattr(response, "usage", None)
    if usage is not None and (usage.prompt_tokens or usage.completion_tokens):
        parts.take_usage({"usage": usage.model_dump()})


_KINDS: Mapping[str, FailureKind] = {
    "ContextWindowExceededError": "context_too_long",
    "ContentPolicyViolationError": "content_refused",
    "PaymentRequiredError": "payment",
    "BudgetExceededError": "payment",
    "AuthenticationError": "auth",
    "PermissionDeniedError": "auth",
    "NotFoundError": "not_found",
    "RateLimitError": "rate_limited",
    "Timeout": "timed_out",
}
"""LiteLLM's classes whose name tells more than their status; a special one is found before its base."""

_CAUSES: Mapping[str, FailureKind] = {
    "ConnectError": "unreachable",
    "ConnectTimeout": "unreachable",
    "ClientConnectorError": "unreachable",
    "SSLError": "unreachable",
    "gaierror": "unreachable",
    "ReadTimeout": "timed_out",
    "PoolTimeout": "timed_out",
    "TimeoutError": "timed_out",
}
"""The HTTP clients' classes, which LiteLLM reports as errors of the server."""


def _kind(error: Exception) -> FailureKind | None:
    """The kind of one of LiteLLM's exceptions; None for an exception that is not one of them."""
    names = [base.__name__ for base in type(error).__mro__]
    if "OpenAIError" not in names and names[0] not in _KINDS:
        return None
    causes = _causes(error)
    kind = next((_KINDS[name] for name in names if name in _KINDS), None)
    if kind == "rate_limited":
        return "payment" if any(kind_of(429, _said(cause)) == "payment" for cause in causes) else kind
    if kind is not None:
        return kind
    deeper = (_CAUSES.get(base.__name__) for cause in causes for base in type(cause).__mro__)
    found = next((kind for kind in deeper if kind), None)
    return found or kind_of(getattr(error, "status_code", None), _said(error))


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it."""
    found: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found


def _said(error: BaseException) -> str:
    return f"{error} {getattr(error, 'body', None) or ''}"


def _failure(kind: FailureKind, error: Exception, service: str, secrets: tuple[Secret, ...]) -> ProviderError:
    headers = getattr(error, "litellm_response_headers", None) or {}
    lower = {str(name).lower(): str(value) for name, value in dict(headers).items()}
    said = mask_secrets(str(getattr(error, "message", "") or error), secrets)
    wait = retry_after(lower, said.encode("utf-8", "replace"), datetime.now(UTC)) if kind == "rate_limited" else None
    return failure(kind, f"{service}: {' '.join(said.split())[:500]}", status=_status(kind, error), retry_after=wait)


def _status(kind: FailureKind, error: Exception) -> int | None:
    """The status that was really answered: LiteLLM calls an answer that broke off a 500, which costs nothing."""
    told: int | None = getattr(error, "status_code", None)
    if kind == "unreachable":
        return None
    if kind != "server":
        return told
    answered = [cause for cause in _causes(error) if type(cause).__module__.partition(".")[0] in ("openai", "httpx")]
    real = any(getattr(cause, "response", None) is not None for cause in answered)
    return told if real else 200
