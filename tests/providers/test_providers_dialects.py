"""Servers that speak the OpenAI protocol, each in its own dialect."""

from __future__ import annotations

import json

import pytest

from servers.dialects import ANSWERS, ERRORS, STREAMS, USAGE
from servers.openai import Reply, openai_server
from trainer.core.errors import ProviderError
from trainer.providers import create_provider


def provider(server):
    return create_provider("openai_compatible", model="m", api_base=server.url)


@pytest.mark.parametrize("dialect", STREAMS)
def test_a_stream_is_read_in_every_dialect(dialect):
    reply = Reply(headers={"Content-Type": "text/event-stream"}, body=STREAMS[dialect])
    with openai_server(lambda server, seen: reply) as server:
        stream = provider(server).stream("x")
        pieces = list(stream)

    assert pieces == ["Hello", " world"]
    assert stream.result.content == "Hello world"
    assert (stream.result.tokens_in, stream.result.tokens_out) == (USAGE["prompt_tokens"], USAGE["completion_tokens"])
    assert not stream.result.tokens_estimated


@pytest.mark.parametrize("dialect", ANSWERS)
def test_an_answer_is_read_in_every_dialect(dialect):
    with openai_server(lambda server, seen: Reply(body=ANSWERS[dialect])) as server:
        result = provider(server).complete("x")

    assert (result.content, result.finish_reason, result.tokens_in) == ("Hello world", "stop", 7)


@pytest.mark.parametrize("dialect", ERRORS)
def test_an_error_is_understood_in_every_dialect(dialect):
    status, body, kind = ERRORS[dialect]
    with (
        openai_server(lambda server, seen: Reply(status, body=json.dumps(body).encode())) as server,
        pytest.raises(ProviderError) as caught,
    ):
        provider(server).complete("x")

    assert caught.value.kind == kind
    assert "{" not in caught.value.message


def test_a_stream_that_breaks_off_with_an_error_is_no_answer():
    broken = STREAMS["openrouter"].split(b"data: ")[0] + b'data: {"error": {"code": 502, "message": "upstream"}}\n\n'
    reply = Reply(headers={"Content-Type": "text/event-stream"}, body=broken)
    with openai_server(lambda server, seen: reply) as server, pytest.raises(ProviderError) as caught:
        list(provider(server).stream("x"))

    assert caught.value.kind == "server"


def test_a_web_page_in_place_of_an_answer_is_told_at_once():
    page = Reply(headers={"Content-Type": "text/html"}, body=b"<html><b>Sign in</b> to the wifi</html>")
    with openai_server(lambda server, seen: page) as server, pytest.raises(ProviderError) as caught:
        provider(server).complete("x")

    assert len(server.requests) == 1
    assert caught.value.message.endswith("answered with a web page: Sign in to the wifi")
    assert "/v1" in caught.value.hint


def test_an_answer_in_another_protocol_names_the_address():
    with (
        openai_server(lambda server, seen: Reply(body={"message": {"content": "x"}, "done": True})) as server,
        pytest.raises(ProviderError) as caught,
    ):
        provider(server).complete("x")

    assert "llm_provider.api_base" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "read"),
    [(b'"a \\ud83d b"', "a \ufffd b"), (b'"x", "content": "y"', "y"), (b'"x", "logprob": NaN', "x")],
)
def test_what_is_no_strict_json_around_an_answer_does_not_cost_it(content, read):
    body = b'{"choices": [{"message": {"content": %s}, "finish_reason": "stop"}]}' % content
    with openai_server(lambda server, seen: Reply(body=body)) as server:
        assert provider(server).complete("x").content == read

    assert len(server.requests) == 1


def test_a_failed_response_in_a_stream_tells_why():
    failed = b'data: {"type": "response.failed", "response": {"error": {"message": "the server had an error"}}}\n\n'
    reply = Reply(headers={"Content-Type": "text/event-stream"}, body=failed + b"data: [DONE]\n\n")
    with openai_server(lambda server, seen: reply) as server, pytest.raises(ProviderError, match="had an error"):
        list(provider(server).stream("x"))


def test_a_setting_that_a_model_refuses_is_named_in_the_hint():
    words = "Unsupported value: 'temperature' does not support 0.2 with this model."
    refusal = Reply(400, body={"error": {"message": words, "code": "unsupported_value"}})
    with openai_server(lambda server, seen: refusal) as server, pytest.raises(ProviderError) as caught:
        provider(server).complete("x")

    assert caught.value.hint == "leave temperature out of llm_provider and of the instruction's model"
