"""Servers that speak the OpenAI chat protocol, directly over HTTP: Ollama, vLLM, llama.cpp, OpenAI itself."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.request
import weakref
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from trainer.core.errors import ConfigError, ProviderError
from trainer.core.secrets import Secret, mask_secrets
from trainer.core.values import CompletionResult, Json, Prompt
from trainer.providers import loop
from trainer.providers.base import Stream, Undeployable
from trainer.providers.failures import failure, failure_of_answer
from trainer.providers.limits import wait_for_one
from trainer.providers.openai_format import Billing, Parts, body_of, finish, result_of
from trainer.providers.prices import price_at
from trainer.providers.settings import Call, CountTokens, call_of, rough_tokens
from trainer.providers.wire import Exchange, Pool

_END = b"[DONE]"


class OpenAICompatibleProvider(Undeployable):
    """One model at one server that speaks the OpenAI chat protocol.

    `api_base` is the address up to and with `/v1`; `count_tokens` is used where the server names no usage;
    `prices` overrides the price table; a server that refuses `response_format`, and any with `native_schema: false`,
    is asked for JSON in words; one that refuses `stream_options` is asked without. Further options are settings sent
    with every call.
    """

    provider = "openai_compatible"

    def __init__(
        self,
        *,
        model: str,
        api_base: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        count_tokens: CountTokens = rough_tokens,
        prices: Mapping[str, Json] | None = None,
        native_schema: bool = True,
        **settings: Json,
    ) -> None:
        if not api_base:
            raise ConfigError(
                "the server's address is missing",
                hint="set llm_provider.api_base, for example to http://localhost:11434/v1",
            )
        self.model = model
        self.native_schema = native_schema
        self.stream_usage = True
        self.api_base = api_base.rstrip("/")
        self._key = Secret(api_key)
        self._headers = dict(headers or {})
        self._settings = settings
        self.price = price_at(model, self.api_base, overrides=prices)
        self._billing = Billing(self.provider, f"{self.provider} at {_shown(self.api_base)}", self.price, count_tokens)
        self.pause = 0.0
        """Seconds for which, by its last answer, the service takes nothing more."""
        self._pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = weakref.WeakKeyDictionary()

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
        body = body_of(call, stream=False, length_field=self._length_field())
        async with loop.limit(call.timeout, self._billing.service):
            exchange = await self._post("/chat/completions", body)
            return result_of(call, await exchange.read(), self._billing)

    def stream(self, prompt: str | Prompt, **kwargs: Json) -> Stream:
        """The answer piece by piece."""
        return Stream(loop.iterate(self._pieces(call_of(prompt, self.model, self._settings, kwargs))))

    def get_cost(self, tokens: int) -> float | None:
        """US dollars for `tokens` prompt tokens."""
        return self.price.cost(tokens, 0) if self.price else None

    def list_models(self) -> list[str]:
        """The models the server offers."""
        return loop.run(self._list_models())

    async def _list_models(self) -> list[str]:
        async with loop.limit(30, self._billing.service):
            exchange = await self._send("GET", "/models", b"")
            try:
                answer = json.loads(await exchange.read())
                return sorted(str(model["id"]) for model in answer["data"])
            except (KeyError, TypeError, ValueError) as error:
                raise failure("server", f"{self._billing.service} answered with no list of models") from error

    async def _pieces(self, call: Call) -> AsyncIterator[str | CompletionResult]:
        body = body_of(call, stream=True, usage=self.stream_usage, length_field=self._length_field())
        parts = Parts(model=call.model)
        async with loop.limit(call.timeout, self._billing.service):
            exchange = await self._post("/chat/completions", body)
            if "text/event-stream" not in exchange.headers.get("content-type", ""):
                result = result_of(call, await exchange.read(), self._billing)
                yield result.content
                yield result
                return
            ended = False
            async for data in _events(exchange):
                if data == _END:
                    ended = True
                elif not ended and (piece := parts.take_event(data, self._billing)):
                    yield piece
            if not ended and not parts.finish_reason:
                raise failure("server", f"{self._billing.service}: the stream was cut off", status=200)
        yield finish(call, parts, self._billing)

    async def _post(self, path: str, body: bytes) -> Exchange:
        return await self._send("POST", path, body)

    async def _send(self, method: str, path: str, body: bytes) -> Exchange:
        exchange = await self._pool().request(method, path, self._request_headers(), body)
        if exchange.status >= 400 or exchange.status < 200:
            said = await exchange.read()
            raise self._clean(failure_of_answer(self._billing.service, exchange.status, exchange.headers, said))
        if exchange.status >= 300:
            await exchange.read()
            place = mask_secrets(exchange.headers.get("location", "elsewhere"))
            raise failure("not_found", f"{self._billing.service} has moved to {place}", status=exchange.status)
        self.pause = wait_for_one(exchange.headers, datetime.now(UTC))
        return exchange

    def _clean(self, error: ProviderError) -> ProviderError:
        """The same error without the key, should the server have repeated it."""
        return ProviderError(
            mask_secrets(error.message, self.secrets),
            kind=error.kind,
            status=error.status,
            retry_after=error.retry_after,
            hint=error.hint,
        )

    def _request_headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "trainer"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return headers | self._headers

    def _pool(self) -> Pool:
        running = asyncio.get_running_loop()
        if running not in self._pools:
            self._pools[running] = Pool(self.api_base, proxy=_proxy_for(self.api_base))
        return self._pools[running]

    def _length_field(self) -> str:
        """OpenAI's newer models refuse `max_tokens`; other servers know nothing else."""
        return "max_completion_tokens" if urlsplit(self.api_base).hostname == "api.openai.com" else "max_tokens"


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
    """A model of an Ollama, the one of this machine unless OLLAMA_HOST or `api_base` says otherwise."""

    provider = "ollama"

    def __init__(
        self,
        model: str = "llama3.2",
        *,
        api_base: str | None = None,
        environ: Mapping[str, str] = os.environ,
        **kwargs: Json,
    ) -> None:
        address = (api_base or environ.get("OLLAMA_HOST") or "http://localhost:11434").rstrip("/")
        address = address if "://" in address else f"http://{address}"
        super().__init__(model=model, api_base=address if address.endswith("/v1") else f"{address}/v1", **kwargs)


async def _events(exchange: Exchange) -> AsyncIterator[bytes]:
    """The data of each server-sent event."""
    data: list[bytes] = []
    async for line in exchange.lines():
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data)
            data.clear()
    if data:
        yield b"\n".join(data)


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an address."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _shown(url: str) -> str:
    """The address without a login."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
