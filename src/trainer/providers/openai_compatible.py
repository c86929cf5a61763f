"""Servers that speak the OpenAI chat protocol, directly over HTTP: Ollama, vLLM, llama.cpp, OpenAI itself."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trainer.core.errors import ConfigError, ProviderError
from trainer.core.secrets import Secret, mask_secrets
from trainer.core.values import CompletionResult, Json
from trainer.providers import loop, transport
from trainer.providers.base import LLMProvider
from trainer.providers.failures import failure, failure_of_answer
from trainer.providers.limits import wait_for_one
from trainer.providers.openai_format import MAX_COMPLETION_TOKENS, MAX_TOKENS, AnswerParts, body_of
from trainer.providers.prices import FREE, price_at
from trainer.providers.request import Request

if TYPE_CHECKING:
    import aiohttp

_END = b"[DONE]"
_CHAT = "/chat/completions"


class OpenAICompatibleProvider(LLMProvider):
    """One model at one server that speaks the OpenAI chat protocol.

    `api_base` is the address up to and with `/v1`. `local: true` declares that the server costs nothing, whatever its
    models are called. A server that refuses `response_format`, and any with `native_schema: false`, is asked for JSON
    in words; one that refuses `stream_options` is asked without, one that refuses `max_tokens` by its newer name.
    Further options are settings sent with every call.
    """

    provider = "openai_compatible"
    stream_usage = True

    def __init__(
        self,
        *,
        model: str,
        api_base: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        native_schema: bool = True,
        local: bool = False,
        **settings: Json,
    ) -> None:
        if not api_base:
            raise ConfigError(
                "the server's address is missing",
                hint="set llm_provider.api_base, for example to http://localhost:11434/v1",
            )
        self.model = model
        self.native_schema = native_schema
        self.api_base = api_base.rstrip("/")
        # OpenAI's newer models refuse `max_tokens`, behind gateways too; other servers know nothing else.
        is_openai = urlsplit(self.api_base).hostname == "api.openai.com"
        self.length_field = MAX_COMPLETION_TOKENS if is_openai else MAX_TOKENS
        self.settings = settings
        self.price = FREE if local else price_at(model, self.api_base)
        self._key = Secret(api_key)
        self._headers = dict(headers or {})
        self._service = f"{self.provider} at {transport.without_login(self.api_base)}"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The key, and the login in the address."""
        return (self._key, Secret(urlsplit(self.api_base).password))

    async def send(self, request: Request) -> CompletionResult:
        """The whole answer as the server gave it."""
        parts = AnswerParts(self._service, self.model)
        body = self._body(request, stream=False)
        async with self._exchange("POST", _CHAT, body, request.timeout) as response:
            parts.take_answer(await transport.read(response))
        return parts.result(request, self.provider, self.count_tokens)

    async def pieces(self, request: Request) -> AsyncGenerator[str | CompletionResult, None]:
        """The answer's text as it comes, and the whole at the end."""
        parts, ended = AnswerParts(self._service, self.model), False
        body = self._body(request, stream=True)
        async with self._exchange("POST", _CHAT, body, request.timeout) as response:
            if "text/event-stream" not in response.headers.get("content-type", ""):
                parts.take_answer(await transport.read(response))
                yield "".join(parts.text)
                ended = True
            else:
                async for data in transport.events(response):
                    if data == _END:
                        ended = True
                    elif not ended and (piece := parts.take_event(data)):
                        yield piece
        if not ended and not parts.finish_reason:
            raise failure("server", f"{self._service}: the stream was cut off", status=200)
        yield parts.result(request, self.provider, self.count_tokens)

    def list_models(self) -> list[str]:
        """The models the server offers."""
        return loop.run_on_loop(self._list_models())

    async def _list_models(self) -> list[str]:
        async with self._exchange("GET", "/models", None, 30) as response:
            body = await transport.read(response)
        try:
            return sorted(str(model["id"]) for model in json.loads(body)["data"])
        except (KeyError, TypeError, ValueError) as error:
            raise failure("server", f"{self._service} answered with no list of models") from error

    def _body(self, request: Request, *, stream: bool) -> bytes:
        return body_of(request, self.settings, stream=stream, usage=self.stream_usage, length_field=self.length_field)

    @contextlib.asynccontextmanager
    async def _exchange(
        self, method: str, path: str, body: bytes | None, timeout: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = transport.check_address(self.api_base) + path
        headers = {"Authorization": f"Bearer {self._key.reveal()}"} if self._key else {}
        async with transport.exchange(method, url, headers | self._headers, body, timeout=timeout) as response:
            answered = response.headers  # names in any case
            if 300 <= response.status < 400:
                place = mask_secrets(transport.without_login(answered.get("location", "elsewhere")), self.secrets)
                raise failure("not_found", f"{self._service} has moved to {place}", status=response.status)
            if not 200 <= response.status < 300:
                words = await transport.read(response)
                raise self._clean(failure_of_answer(self._service, response.status, answered, words))
            self.pause = wait_for_one(answered, datetime.now(UTC))
            yield response

    def _clean(self, error: ProviderError) -> ProviderError:
        """The same error without the key, should the server have repeated it."""
        return ProviderError(
            mask_secrets(error.message, self.secrets),
            kind=error.kind,
            status=error.status,
            retry_after=error.retry_after,
            hint=error.hint,
        )


class OpenAIProvider(OpenAICompatibleProvider):
    """OpenAI's own service, spoken to directly; the key is OPENAI_API_KEY unless one is given."""

    provider = "openai"

    def __init__(
        self,
        model: str = "gpt-4",
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        environ: Mapping[str, str] = os.environ,
        **kwargs: Json,
    ) -> None:
        super().__init__(
            model=model,
            api_base=api_base or environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
            api_key=api_key or environ.get("OPENAI_API_KEY"),
            **kwargs,
        )


class OllamaProvider(OpenAICompatibleProvider):
    """A model of an Ollama, this machine's unless OLLAMA_HOST or `api_base` says otherwise; it costs nothing."""

    provider = "ollama"

    def __init__(
        self,
        model: str = "llama3.2",
        *,
        api_base: str | None = None,
        local: bool = True,
        environ: Mapping[str, str] = os.environ,
        **kwargs: Json,
    ) -> None:
        address = (api_base or environ.get("OLLAMA_HOST") or "http://localhost:11434").rstrip("/")
        address = address if "://" in address else f"http://{address}"
        address = address if address.endswith("/v1") else f"{address}/v1"
        super().__init__(model=model, api_base=address, local=local, **kwargs)
