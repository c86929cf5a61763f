"""The OpenAI chat protocol: a call into a request body, an answer or its pieces into a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from trainer.core.values import CompletionResult, Json
from trainer.providers.failures import failure, kind_of
from trainer.providers.prices import Price, table_version
from trainer.providers.settings import Call, CountTokens, schema_format


@dataclass(frozen=True, slots=True)
class Billing:
    """How an answer's tokens and cost are told."""

    provider: str
    service: str
    """As errors call it: `http://localhost:11434/v1`."""
    price: Price | None
    count_tokens: CountTokens


def body_of(call: Call, *, stream: bool, usage: bool = True, length_field: str = "max_tokens") -> bytes:
    """The request's body; a stream is asked for its `usage`."""
    body: dict[str, Json] = {"model": call.model, "messages": call.messages, **call.settings}
    if length_field != "max_tokens" and "max_tokens" in body:
        body[length_field] = body.pop("max_tokens")
    if call.schema is not None:
        body["response_format"] = schema_format(call.schema)
    if stream:
        body["stream"] = True
    if stream and usage:
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def result_of(call: Call, body: bytes, billing: Billing) -> CompletionResult:
    """The result in a whole answer; raises ProviderError for one that is broken, empty or refused."""
    answer = _object(body, billing)
    _raise_error(answer, billing)
    parts = Parts(model=call.model)
    parts.take_usage(answer)
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise failure("empty", f"{billing.service} answered without a choice", status=200)
    message = choices[0].get("message")
    text = (message.get("content") if isinstance(message, dict) else choices[0].get("text")) or ""
    parts.text.append(_text_of(text))
    parts.refusal = str((isinstance(message, dict) and message.get("refusal")) or "")
    parts.finish_reason = choices[0].get("finish_reason") or "stop"
    return finish(call, parts, billing)


@dataclass(slots=True)
class Parts:
    """An answer while it is put together."""

    model: str
    text: list[str] = field(default_factory=list)
    usage: Mapping[str, Json] | None = None
    identity: str = ""
    finish_reason: str = ""
    refusal: str = ""

    def take_event(self, data: bytes, billing: Billing) -> str:
        """The text that one event of a stream adds."""
        event = _object(data, billing)
        _raise_error(event, billing)
        self.take_usage(event)
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""
        choice = choices[0]
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        delta = choice.get("delta") or {}
        self.refusal += delta.get("refusal") or ""
        piece = _text_of(delta.get("content") or choice.get("text") or "")
        if piece:
            self.text.append(piece)
        return piece

    def take_usage(self, answer: Mapping[str, Json]) -> None:
        """Note the model, identity and usage that an answer or event names."""
        self.model = answer.get("model") or self.model
        self.identity = answer.get("id") or self.identity
        usage = answer.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("prompt_tokens"), int):
            self.usage = usage


def finish(call: Call, parts: Parts, billing: Billing) -> CompletionResult:
    """The result in the parts; raises ProviderError where the answer was refused or holds nothing."""
    content = "".join(parts.text)
    if parts.finish_reason == "content_filter" or (parts.refusal and not content):
        reason = parts.refusal or "its content filter stopped the answer"
        raise failure("content_refused", f"{billing.service} refused: {reason}", status=200)
    if not content:
        raise failure("empty", f"{billing.service} answered without text ({parts.finish_reason})", status=200)
    return _result(call, parts, content, billing)


def _result(call: Call, parts: Parts, content: str, billing: Billing) -> CompletionResult:
    usage = parts.usage or {}
    estimated = parts.usage is None
    tokens_in = billing.count_tokens(call.text) if estimated else _whole(usage, "prompt_tokens")
    tokens_out = billing.count_tokens(content) if estimated else _whole(usage, "completion_tokens")
    cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
    metadata: dict[str, Json] = {"id": parts.identity, "prices": _origin(billing.price)}
    if cached:
        metadata["cached_tokens"] = cached
    if reasoning := _detail(usage, "completion_tokens_details", "reasoning_tokens"):
        metadata["reasoning_tokens"] = reasoning
    return CompletionResult(
        content=content,
        tokens_used=tokens_in + tokens_out,
        model=parts.model,
        provider=billing.provider,
        cost=billing.price.cost(tokens_in, tokens_out, cached=cached) if billing.price else None,
        metadata=metadata,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        tokens_estimated=estimated,
        model_asked=call.model,
        finish_reason=parts.finish_reason or "stop",
    )


def _origin(price: Price | None) -> str:
    if price is None:
        return "unknown"
    return table_version() if price.origin == "table" else price.origin


def _object(body: bytes, billing: Billing) -> dict[str, Json]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise failure("server", f"{billing.service} answered with broken JSON: {error}", status=200) from error
    if not isinstance(value, dict):
        raise failure("server", f"{billing.service} answered with JSON that is no object", status=200)
    return value


def _raise_error(answer: Mapping[str, Json], billing: Billing) -> None:
    """Some servers answer 200 and put an error in the body or in the middle of a stream."""
    error = answer.get("error")
    if not error:
        return
    said = str(error.get("message") or error) if isinstance(error, dict) else str(error)
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else None
    raise failure(kind_of(status, said), f"{billing.service} answered with an error: {said[:500]}", status=status)


def _text_of(content: Json) -> str:
    """The text of a content that may be a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)


def _whole(usage: Mapping[str, Json], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) else 0


def _detail(usage: Mapping[str, Json], group: str, name: str) -> int:
    details = usage.get(group)
    return _whole(details, name) if isinstance(details, dict) else 0
