"""Answers that fit a JSON Schema."""

from __future__ import annotations

import json

import pytest

from servers.clients import complete
from servers.openai import Reply, in_turn, openai_server
from trainer.core.errors import ProviderError, UsageError
from trainer.core.values import Prompt
from trainer.providers import CompletionCache, create_provider

SCHEMA = {
    "type": "object",
    "properties": {"revenue": {"type": "number"}, "year": {"type": "integer"}},
    "required": ["revenue", "year"],
}
PRICES = {"m": {"input": 0.0, "output": 2_000_000.0}}
GOOD = '{"revenue": 1.5, "year": 2024}'


def provider(server, **options):
    return create_provider("openai_compatible", model="m", api_base=server.url, **options)


def test_a_schema_is_sent_as_the_servers_own_response_format():
    with openai_server(lambda server, seen: Reply(content=GOOD)) as server:
        result = complete("Figures?", chain=[provider(server)], schema=SCHEMA)

    assert result.metadata["json"] == {"revenue": 1.5, "year": 2024}
    assert server.requests[0].body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA},
    }


def test_a_server_without_response_formats_is_told_the_schema_in_words():
    with openai_server(lambda server, seen: Reply(content=GOOD)) as server:
        complete(Prompt("a.md", "A", "Figures?"), chain=[provider(server, native_schema=False)], schema=SCHEMA)

    (message,) = server.requests[0].body["messages"]
    assert "response_format" not in server.requests[0].body
    assert message["content"].startswith("Figures?\n\nAnswer with one JSON value")
    assert '"required": [\n    "revenue",\n    "year"\n  ]' in message["content"]


def test_an_answer_that_does_not_fit_is_asked_for_once_more_and_that_is_recorded(tmp_path):
    script = in_turn(Reply(content='{"revenue": "much"}'), Reply(content=GOOD))
    cache = CompletionCache(tmp_path)
    with openai_server(script) as server:
        result = complete("Figures?", chain=[provider(server)], schema=SCHEMA, cache=cache)
        again = complete("Figures?", chain=[provider(server)], schema=SCHEMA, cache=cache)

    assert len(server.requests) == 2
    assert result.metadata["json"] == {"revenue": 1.5, "year": 2024}
    assert result.metadata["asked_again"] == [
        "$: 'year' is a required property",
        "$.revenue: 'much' is not of type 'number'",
    ]
    assert "$.revenue: 'much' is not of type 'number'" in server.requests[1].body["messages"][0]["content"]
    assert [attempt.outcome for attempt in result.attempts] == ["ok", "ok"]
    assert result.tokens_out == 2 + 4
    assert (again.origin, again.metadata["json"]) == ("cached", {"revenue": 1.5, "year": 2024})


def test_an_answer_that_never_fits_is_an_error_with_both_attempts():
    with openai_server(lambda server, seen: Reply(content="no idea")) as server, pytest.raises(ProviderError) as caught:
        complete("Figures?", chain=[provider(server)], schema=SCHEMA)

    assert len(server.requests) == 2
    assert len(caught.value.attempts) == 2
    assert "does not fit the schema, also when asked again: it holds no JSON" in caught.value.message


@pytest.mark.parametrize("second", [Reply(status=400), Reply(content='{"revenue": 1', finish="length")])
def test_an_answer_that_does_not_fit_is_paid_for_though_the_second_fails(second):
    script = in_turn(Reply(content="no idea"), second)
    with openai_server(script) as server, pytest.raises(ProviderError) as caught:
        complete("Figures?", chain=[provider(server, prices=PRICES)], schema=SCHEMA)

    answers = [reply for reply in ("no idea", second.content) if reply is not None]
    assert caught.value.answer.tokens_out == sum(len(text.split()) for text in answers)
    assert caught.value.answer.paid == pytest.approx(caught.value.answer.tokens_out * 2.0)


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_what_another_model_of_the_chain_answered_in_vain_is_paid_for(schema):
    script = in_turn(Reply(content="Sorry, no.", finish="content_filter"), Reply(content=GOOD))
    with openai_server(script) as server:
        chain = [provider(server, prices=PRICES), provider(server, prices=PRICES)]
        result = complete("Figures?", chain=chain, schema=schema)

    assert (result.content, result.cost, result.paid) == (GOOD, 4 * 2.0, 2 * 2.0 + 4 * 2.0)


def test_what_all_models_of_a_chain_answered_in_vain_is_paid_for():
    with openai_server(lambda server, seen: Reply(content="Sorry, no.", finish="content_filter")) as server:
        chain = [provider(server, prices=PRICES), provider(server, prices=PRICES)]
        with pytest.raises(ProviderError) as caught:
            complete("Figures?", chain=chain)

    assert caught.value.answer.paid == 2 * 2 * 2.0


def test_the_extraction_is_the_callers():
    def extract(text):
        return json.loads(text[text.index("{") : text.rindex("}") + 1])

    with openai_server(lambda server, seen: Reply(content=f"Here it is: {GOOD}!")) as server:
        result = complete("Figures?", chain=[provider(server)], schema=SCHEMA, extract=extract)

    assert result.metadata["json"]["year"] == 2024


def test_a_broken_schema_is_refused_before_anything_is_sent():
    with openai_server() as server, pytest.raises(UsageError, match=r"not a JSON Schema: at \$\.type"):
        complete("Figures?", chain=[provider(server)], schema={"type": "objekt"})

    assert server.requests == []


def test_a_remote_reference_in_a_schema_is_not_fetched():
    with openai_server(lambda server, seen: Reply(content=GOOD)) as server:
        schema = {"$ref": f"{server.url}/schema.json"}
        with pytest.raises(UsageError, match=r"schema\.json, which is not fetched"):
            complete("Figures?", chain=[provider(server)], schema=schema)

    assert [seen.path for seen in server.requests] == []
