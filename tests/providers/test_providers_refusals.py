"""Servers that refuse a response format or usage in streams are asked without, once for all calls of a command."""

from __future__ import annotations

import json

import pytest

from servers.clients import call, complete
from servers.openai import Reply, openai_server
from trainer.core.errors import ProviderError
from trainer.core.values import CompletionResult
from trainer.providers import Budget, Limits, RetryPolicy, complete_many, create_provider

SCHEMA = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}


def refusing(field, status=400, words="{field} is not supported by this model"):
    """A server that refuses requests with a field, and answers JSON to all others."""

    def script(server, seen):
        if field in seen.body:
            return Reply(status, body={"error": {"message": words.format(field=field)}})
        return Reply(content='Here it is: {"answer": 42}')

    return script


def extract(text):
    return json.loads(text[text.index("{") :])


def made(server, provider, **options):
    model = "openai/gpt-4o" if provider == "litellm" else "m"
    return create_provider(provider, model=model, api_base=server.url, api_key="sk-x", **options)


@pytest.mark.parametrize("provider", ["openai_compatible", "litellm"])
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "{field} is not supported by this model"),
        (422, "Extra inputs are not permitted: body.response_format"),
        (400, "This server was built without json_schema support"),
    ],
)
def test_a_server_that_refuses_a_response_format_is_asked_in_words(provider, status, words):
    with openai_server(refusing("response_format", status, words)) as server:
        link = made(server, provider)
        link.native_schema = True
        result = complete("x", chain=[link], schema=SCHEMA, extract=extract, policy=RetryPolicy(retries=0))
        again = complete("y", chain=[link], schema=SCHEMA, extract=extract)
        bodies = [seen.body for seen in server.requests]

    assert result.metadata["json"] == again.metadata["json"] == {"answer": 42}
    assert [attempt.outcome for attempt in result.attempts] == ["bad_request", "ok"]
    assert [attempt.outcome for attempt in again.attempts] == ["ok"]
    assert ["response_format" in body for body in bodies] == [True, False, False]
    assert "JSON Schema" in bodies[1]["messages"][-1]["content"]


def test_calls_that_were_refused_together_all_switch():
    with openai_server(refusing("response_format")) as server:
        link = made(server, "openai_compatible")
        jobs = [call(f"row {n}", [link], schema=SCHEMA, extract=extract) for n in range(20)]
        outcomes = complete_many(jobs, concurrency=4)
        native = sum("response_format" in seen.body for seen in server.requests)

    assert [outcome.metadata["json"] for outcome in outcomes] == [{"answer": 42}] * 20
    assert 1 <= native <= 4


def test_the_refused_call_is_free(tmp_path):
    with openai_server(refusing("response_format")) as server:
        link = made(server, "openai_compatible", prices={"m": {"input": 1.0, "output": 1.0}})
        budget = Budget(tmp_path, Limits(run=1.0))
        result = complete("x", chain=[link], settings={"max_tokens": 10}, schema=SCHEMA, extract=extract, budget=budget)
        spent = budget.spend()

    assert spent.reserved == 0
    assert spent.run == pytest.approx(result.cost)


@pytest.mark.parametrize("status", [400, 422, 500, 501])
def test_a_server_that_fails_without_naming_the_format_is_asked_in_words_too(status):
    with openai_server(refusing("response_format", status, "Bad Request")) as server:
        link = made(server, "openai_compatible")
        result = complete("x", chain=[link], schema=SCHEMA, extract=extract, policy=RetryPolicy(retries=0))

    assert result.metadata["json"] == {"answer": 42}
    assert len(server.requests) == 2


def test_a_server_that_ignores_the_format_is_told_the_schema_when_asked_again():
    def ignoring(server, seen):
        is_told = "JSON Schema" in seen.body["messages"][0]["content"]
        return Reply(content='{"answer": 42}' if is_told else "Forty-two.")

    with openai_server(ignoring) as server:
        result = complete("x", chain=[made(server, "openai_compatible")], schema=SCHEMA)

    assert result.metadata["json"] == {"answer": 42}
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 429, 503])
def test_other_refusals_are_not_taken_for_one_of_the_format(status):
    with openai_server(lambda server, seen: Reply(status)) as server:
        link = made(server, "openai_compatible")
        outcome = complete_many([call("x", [link], schema=SCHEMA, policy=RetryPolicy(retries=0))])[0]

        assert len(server.requests) == 1
    assert isinstance(outcome, ProviderError)
    assert link.native_schema


@pytest.mark.parametrize("provider", ["openai_compatible", "litellm"])
def test_a_server_that_refuses_stream_options_is_streamed_without(provider):
    shown = []
    with openai_server(refusing("stream_options")) as server:
        result = complete("x", chain=[made(server, provider)], on_text=shown.append)
        asked = ["stream_options" in seen.body for seen in server.requests]

    assert "".join(shown) == result.content == 'Here it is: {"answer": 42}'
    assert asked == [True, False]
    assert [attempt.outcome for attempt in result.attempts] == ["bad_request", "ok"]
    assert isinstance(result, CompletionResult)
    assert result.tokens_estimated


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_a_model_that_refuses_max_tokens_is_asked_by_its_newer_name(schema):
    refusal = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )

    def script(server, seen):
        if "max_tokens" in seen.body:
            return Reply(400, body={"error": {"message": refusal, "code": "unsupported_parameter"}})
        return Reply(content='{"answer": 1}')

    with openai_server(script) as server:
        link = made(server, "openai_compatible", max_tokens=9)
        for prompt in "xy":
            complete(prompt, chain=[link], schema=schema, extract=extract)
        asked = [seen.body for seen in server.requests]

    assert [body.get("max_completion_tokens") for body in asked] == [None, 9, 9]
    assert all(("response_format" in body) == (schema is not None) for body in asked)
