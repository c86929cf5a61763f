"""The OpenAI chat protocol in its dialects: a request's body, an answer or its pieces as a result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trainer.core.values import CompletionResult, Json
from trainer.providers.failures import failure, kind_of
from trainer.providers.request import Request

MAX_TOKENS, MAX_COMPLETION_TOKENS = "max_tokens", "max_completion_tokens"
"""The field of the longest answer, and its newer name."""
_REASONING = ("reasoning_content", "reasoning", "thinking")
"""Where servers put reasoning that they part themselves: DeepSeek and vLLM; OpenRouter and Ollama; some gateways."""

_NOT_THE_PROTOCOL = "check llm_provider.api_base: the address of an API as OpenAI's, which mostly ends in /v1"
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class AnswerParts:
    """An answer while it is put together."""

    service: str
    """As errors call it: `openai_compatible at http://localhost:11434/v1`."""
    model: str
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    usage: Mapping[str, Json] | None = None
    identity: str = ""
    finish_reason: str = ""
    refusal: str = ""

    def take_answer(self, body: bytes) -> None:
        """Take a whole answer; raises ProviderError for one that is broken."""
        answer = self._object(body)
        self._take_usage(answer)
        choice = _first_choice(answer)
        if choice is None:
            hint = None if "choices" in answer else _NOT_THE_PROTOCOL
            raise failure("empty", f"{self.service} answered without a choice", status=200, hint=hint)
        self.take_choice(choice)

    def take_event(self, data: bytes) -> str:
        """The text that one event of a stream adds."""
        event = self._object(data)
        self._take_usage(event)
        choice = _first_choice(event)
        return self.take_choice(choice) if choice is not None else ""

    def take_choice(self, choice: Mapping[str, Json]) -> str:
        """The text in the message of an answer, or in the delta of a stream."""
        message = choice.get("message") or choice.get("delta") or {}
        self.finish_reason = str(choice.get("finish_reason") or self.finish_reason)
        self.refusal += str(message.get("refusal") or "")
        self.reasoning.append(next((_text_of(message[name]) for name in _REASONING if message.get(name)), ""))
        if isinstance(content := message.get("content"), list):  # Mistral's parts, some of them thinking
            self.reasoning += [_text_of(part["thinking"]) for part in content if part.get("type") == "thinking"]
        piece = _text_of(message.get("content") or choice.get("text") or "")
        self.text.append(piece)
        return piece

    def result(self, request: Request, provider: str, count_tokens: Callable[[str], int]) -> CompletionResult:
        """The answer as it came; `count_tokens` stands in where the server named no usage."""
        content, usage = "".join(self.text), self.usage or {}
        estimated = self.usage is None
        tokens_in = count_tokens(request.text) if estimated else _whole(usage, "prompt_tokens")
        written = "".join(self.reasoning) + content
        tokens_out = count_tokens(written) if estimated else _whole(usage, "completion_tokens")
        facts: dict[str, Json] = {
            "id": self.identity,
            "cached_tokens": _detail(usage, "prompt_tokens_details", "cached_tokens"),
            "reasoning_tokens": _detail(usage, "completion_tokens_details", "reasoning_tokens"),
            "reasoning": "".join(self.reasoning),
            "refusal": self.refusal,
        }
        return CompletionResult(
            content=content,
            tokens_used=tokens_in + tokens_out,
            model=self.model,
            provider=provider,
            cost=None,
            metadata={name: fact for name, fact in facts.items() if fact or name == "id"},
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            tokens_estimated=estimated,
            model_asked=request.model or self.model,
            finish_reason="refusal" if self.refusal and not content else self.finish_reason,
        )

    def _take_usage(self, answer: Mapping[str, Json]) -> None:
        self.model = str(answer.get("model") or self.model)
        self.identity = str(answer.get("id") or self.identity)
        usage = answer.get("usage")
        if isinstance(usage, Mapping) and isinstance(usage.get("prompt_tokens"), int):
            self.usage = usage

    def _object(self, body: bytes) -> dict[str, Json]:
        """The object in a body; some servers answer 200 and put an error in it, or in the middle of a stream.

        Read as leniently as can be, for it is paid: NaN among log probabilities or a key twice spoil no answer.
        """
        text = body.decode("utf-8-sig", "replace")
        if text.lstrip()[:1] == "<":
            words = " ".join(re.sub(r"<[^<>]*>", " ", text[:20_000]).split())[:200]
            message = f"{self.service} answered with a web page: {words}"
            raise failure("not_found", message, status=200, hint=_NOT_THE_PROTOCOL)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise failure("server", f"{self.service} answered with broken JSON: {error}", status=200) from error
        if not isinstance(value, dict):
            raise failure("server", f"{self.service} answered with JSON that is no object", status=200)
        if fault := value.get("error") or _failed_response(value):
            words = str(fault.get("message") or fault) if isinstance(fault, dict) else str(fault)
            code = fault.get("code") if isinstance(fault, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else None
            kind = kind_of(status, words)
            raise failure(kind, f"{self.service} answered with an error: {words[:500]}", status=status)
        return value


def body_of(
    request: Request,
    defaults: Mapping[str, Json],
    *,
    stream: bool,
    usage: bool = True,
    length_field: str = MAX_TOKENS,
) -> bytes:
    """The request's body, `defaults` below its settings; a stream is asked for its `usage`."""
    body: dict[str, Json] = {"model": request.model, "messages": messages_of(request), **request.sent(defaults)}
    if MAX_TOKENS in body:
        body[length_field] = body.pop(MAX_TOKENS)
    if request.schema is not None:
        body["response_format"] = schema_format(request.schema)
    if stream:
        body["stream"] = True
    if stream and usage:
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def messages_of(request: Request) -> list[dict[str, str]]:
    """The messages as the protocol has them."""
    return [{"role": message.role, "content": message.content} for message in request.messages]


def schema_format(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The `response_format` that asks for a JSON Schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}


def _failed_response(event: Mapping[str, Json]) -> Json:
    """The error of a `response.failed`, which gateways to OpenAI's newer protocol let through."""
    response = event.get("response")
    return response.get("error") if event.get("type") == "response.failed" and isinstance(response, dict) else None


def _first_choice(answer: Mapping[str, Json]) -> Mapping[str, Json] | None:
    choices = answer.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else None


def _text_of(content: Json) -> str:
    """The text of a content that may be a list of parts; half a character is a replacement character."""
    if isinstance(content, list):
        return "".join(_text_of(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return _HALF.sub("\ufffd", str(content))


def _whole(usage: Mapping[str, Json], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) else 0


def _detail(usage: Mapping[str, Json], group: str, name: str) -> int:
    details = usage.get(group)
    return _whole(details, name) if isinstance(details, Mapping) else 0
