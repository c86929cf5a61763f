"""Any model LiteLLM knows. The library is imported on the first real call, or before it on a thread by `warm_up`.

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
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from trainer.core.errors import FailureKind, ProviderError
from trainer.core.secrets import Secret, mask_secrets
from trainer.core.values import CompletionResult, Json
from trainer.providers.base import LLMProvider
from trainer.providers.failures import failure, kind_of, retry_after
from trainer.providers.openai_format import AnswerParts, messages_of, schema_format
from trainer.providers.prices import FREE, price
from trainer.providers.request import Request

_BEFORE_IMPORT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
"""No fetch of a price map, no `.env` read from wherever the library is installed."""

_LOGGERS = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "openai", "httpx", "httpcore")
"""They log requests and answers; what matters of those is in our errors, without the keys."""

_import_lock = threading.Lock()


class LiteLLMProvider(LLMProvider):
    """One model through LiteLLM; `provider` is its prefix there, so `openai` and `gpt-4` make `openai/gpt-4`.

    `api_key`, `api_base` and all other options go to LiteLLM with every call; the key comes from the environment
    where none is given, by the names LiteLLM documents. `local: true` declares that the server costs nothing.
    """

    provider = "litellm"
    prefix = ""
    stream_usage = True
    warms_up = True

    def __init__(
        self,
        provider: str = "",
        model: str = "",
        *,
        api_key: str | None = None,
        api_base: str | None = None,
        local: bool = False,
        **settings: Json,
    ) -> None:
        self.provider = provider or type(self).provider
        self.model = model
        self.api_base = api_base or ""
        self.settings = settings
        self._prefix = type(self).prefix or (provider if provider != "litellm" else "")
        self._key = Secret(api_key)
        self.price = FREE if local else price(model, provider=self._prefix)
        self.native_schema = self.price is not None and self.price.takes_schema
        self._service = f"{self.provider} ({model})"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The key."""
        return (self._key,)

    async def send(self, request: Request) -> CompletionResult:
        """The whole answer as LiteLLM gives it."""
        litellm = await _litellm_async()
        parts = AnswerParts(self._service, self.model)
        with _unlogged():
            async with self._mapped(request.timeout):
                response = await litellm.acompletion(**self._arguments(request))
        _take(parts, response)
        if not response.choices:
            raise failure("empty", f"{self._service} answered without a choice", status=200)
        return parts.result(request, self.provider, self.count_tokens)

    async def pieces(self, request: Request) -> AsyncGenerator[str | CompletionResult, None]:
        """The answer's text as it comes, and the whole at the end."""
        litellm = await _litellm_async()
        parts = AnswerParts(self._service, self.model)
        arguments = self._arguments(request) | {"stream": True}
        if self.stream_usage:
            arguments["stream_options"] = {"include_usage": True}
        async with self._mapped(request.timeout):
            async for chunk in await litellm.acompletion(**arguments):
                if piece := _take(parts, chunk):
                    yield piece
        yield parts.result(request, self.provider, self.count_tokens)

    def list_models(self) -> list[str]:
        """The chat models LiteLLM knows for this provider."""
        models = _litellm().models_by_provider
        return sorted(
            models.get(self._prefix, ()) if self._prefix else {name for group in models.values() for name in group}
        )

    def warm_up(self) -> None:
        """Import LiteLLM on a background thread; the first call waits for it."""
        threading.Thread(target=_litellm, name="trainer-litellm", daemon=True).start()

    def _arguments(self, request: Request) -> dict[str, Any]:
        model = request.model or self.model
        arguments: dict[str, Any] = {
            **request.sent(self.settings),
            "model": f"{self._prefix}/{model}" if self._prefix else model,
            "messages": messages_of(request),
            "timeout": request.timeout,
            "max_retries": 0,
            "num_retries": 0,
        }
        if self.api_base:
            arguments["api_base"] = self.api_base
        if self._key:
            arguments["api_key"] = self._key.reveal()
        if request.schema is not None:
            arguments["response_format"] = schema_format(request.schema)
        return arguments

    @contextlib.asynccontextmanager
    async def _mapped(self, seconds: float) -> AsyncIterator[None]:
        """LiteLLM's exceptions as ours, the key taken out of their words, and the attempt ended after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except ProviderError:
            raise
        except TimeoutError as error:
            raise failure("timed_out", f"{self._service} gave no whole answer in {seconds:g} s") from error
        except Exception as error:
            kind = _kind(error)
            if kind is None:
                raise
            raise _failure(kind, error, self._service, self.secrets) from None


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


@functools.cache
def _litellm() -> Any:
    """The library, set up once: setting a logger's level anew would empty every logger's cache."""
    with _import_lock:
        for name, value in _BEFORE_IMPORT.items():
            os.environ.setdefault(name, value)
        with _uncollected():
            litellm: Any = importlib.import_module("litellm")
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


def _take(parts: AnswerParts, response: Any) -> str:
    """Take LiteLLM's response or chunk, which have the protocol's fields; the text that it adds."""
    parts.model = response.model or parts.model
    parts.identity = response.id or parts.identity
    usage = response.get("usage")
    if usage is not None and (usage.prompt_tokens or usage.completion_tokens):
        parts.usage = usage.model_dump()
    if not response.choices:
        return ""
    choice = response.choices[0]
    piece = parts.take_choice(choice)
    native = (choice.get("provider_specific_fields") or {}).get("native_finish_reason")
    parts.finish_reason = native or parts.finish_reason  # LiteLLM says "stop" for a word it does not know
    return piece


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
    specific = next((kind for kind in deeper if kind), None)
    return specific or kind_of(getattr(error, "status_code", None), _said(error))


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it."""
    causes: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in causes:
        causes.append(link)
        link = link.__cause__ or link.__context__
    return causes


def _said(error: BaseException) -> str:
    return f"{error} {getattr(error, 'body', None) or ''}"


def _failure(kind: FailureKind, error: Exception, service: str, secrets: tuple[Secret, ...]) -> ProviderError:
    headers = getattr(error, "litellm_response_headers", None) or {}
    lower = {str(name).lower(): str(value) for name, value in dict(headers).items()}
    message = mask_secrets(str(getattr(error, "message", "") or error), secrets)
    wait = retry_after(lower, message.encode("utf-8", "replace"), datetime.now(UTC)) if kind == "rate_limited" else None
    return failure(kind, f"{service}: {' '.join(message.split())[:500]}", status=_status(kind, error), retry_after=wait)


def _status(kind: FailureKind, error: Exception) -> int | None:
    """The status that was really answered: LiteLLM calls an answer that broke off a 500, which costs nothing."""
    status: int | None = getattr(error, "status_code", None)
    if kind == "unreachable":
        return None
    if kind != "server":
        return status
    answered = [cause for cause in _causes(error) if type(cause).__module__.partition(".")[0] in ("openai", "httpx")]
    real = any(getattr(cause, "response", None) is not None for cause in answered)
    return status if real else 200
