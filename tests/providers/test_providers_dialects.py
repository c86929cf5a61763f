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
