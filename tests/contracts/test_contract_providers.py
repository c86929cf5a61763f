"""What every provider keeps to, whatever stands behind it; a suite new adapters are added to by one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from servers.openai import Reply, content_for, openai_server
from servers.sagemaker import sagemaker_server
from trainer.core.digest import canonical
from trainer.core.errors import ProviderError
from trainer.core.values import CompletionResult, Output, Prompt
from trainer.providers import Request, create_provider, record
from trainer.providers.base import CompletionStream, LLMProvider
from trainer.providers.cache import dump_result, load_result

PROMPT = Prompt("a.md", "A", "Write about AbbVie.", body="Write about AbbVie.", output=Output(("Summary",)))
CONTENT = content_for([{"role": "user", "content": "Write about AbbVie."}])


@contextmanager
def served(name: str, **options) -> Iterator[LLMProvider]:
    with openai_server() as server:
        yield create_provider(name, api_base=server.url, api_key="sk-contract-0123456789", **options)


@contextmanager
def taped(tmp_path) -> Iterator[LLMProvider]:
    result = CompletionResult(CONTENT, 13, "m", "openai", 0.25, tokens_in=3, tokens_out=10)
    record(result, Request(PROMPT, "openai", "m"), tmp_path / "tape.jsonl")
    yield create_provider("replay", model="m", path=tmp_path)


@contextmanager
def drafted() -> Iterator[LLMProvider]:
    yield create_provider("draft", model="draft")


@contextmanager
def on_sagemaker(monkeypatch) -> Iterator[LLMProvider]:
    pytest.importorskip("boto3", reason="the extra sagemaker is not installed")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    usage = {"prompt_tokens": 3, "completion_tokens": 10}
    choice = {"message": {"content": CONTENT}, "delta": {"content": CONTENT}, "finish_reason": "stop"}
    answer = json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode()
    with sagemaker_server() as server:
        server.answer, server.events = answer, [b"data: " + answer + b"\n\n"]
        server.pages = [{"Endpoints": [{"EndpointName": "m"}]}]
        yield create_provider("sagemaker", model="m", endpoint_url=server.url)


ADAPTERS = {
    "draft": lambda tmp_path, monkeypatch: drafted(),
    "litellm": lambda tmp_path, monkeypatch: served("litellm", model="openai/m"),
    "ollama": lambda tmp_path, monkeypatch: served("ollama", model="m"),
    "openai": lambda tmp_path, monkeypatch: served("openai", model="m"),
    "openai_compatible": lambda tmp_path, monkeypatch: served("openai_compatible", model="m"),
    "replay": lambda tmp_path, monkeypatch: taped(tmp_path),
    "sagemaker": lambda tmp_path, monkeypatch: on_sagemaker(monkeypatch),
}


@pytest.fixture(params=sorted(ADAPTERS))
def provider(request, tmp_path, monkeypatch) -> Iterator[LLMProvider]:
    with ADAPTERS[request.param](tmp_path, monkeypatch) as made:
        yield made


def test_it_is_named_as_it_was_asked_for(provider, request):
    name = request.node.callspec.params["provider"]

    assert provider.provider == name
    assert provider.model


def test_a_completion_says_who_answered_and_what_it_took(provider):
    result = provider.complete(PROMPT)

    assert isinstance(result, CompletionResult)
    assert result.content.strip()
    assert result.tokens_used == result.tokens_in + result.tokens_out
    assert result.tokens_in > 0
    assert result.tokens_out > 0
    assert result.model
    assert result.provider
    assert result.cost is None or result.cost >= 0


def test_a_stream_has_the_same_text_and_result_as_the_whole(provider):
    whole = provider.complete(PROMPT)
    stream = provider.stream(PROMPT)

    assert isinstance(stream, CompletionStream)
    assert "".join(stream) == whole.content
    assert stream.result == whole


def test_a_stream_that_is_given_up_does_no_harm(provider):
    stream = provider.stream(PROMPT)
    next(stream)
    del stream

    assert provider.complete(PROMPT).content.strip()


def test_a_result_survives_being_kept(provider):
    result = provider.complete(PROMPT)

    assert canonical(dump_result(load_result(dump_result(result)))) == canonical(dump_result(result))


def test_settings_of_the_caller_are_taken(provider, request):
    if request.node.callspec.params["provider"] == "replay":
        with pytest.raises(ProviderError) as caught:
            provider.complete(PROMPT, temperature=0.5)
        assert caught.value.kind == "missing_recording"
    else:
        assert provider.complete(PROMPT, temperature=0.5, max_tokens=100, timeout=30.0).content.strip()


def test_a_price_is_a_number_or_not_known(provider):
    cost = provider.get_cost(1000)

    assert cost is None or cost >= 0


def test_models_are_listed_in_order(provider):
    models = provider.list_models()

    assert models
    assert models == sorted(models)


def test_what_cannot_be_deployed_is_said(provider):
    if type(provider).deploy_model is not LLMProvider.deploy_model:
        pytest.skip("it can deploy")
    with pytest.raises(ProviderError, match=r"cannot deploy model\.tar\.gz"):
        provider.deploy_model("model.tar.gz")


def test_a_plain_text_is_a_prompt_too(provider, request):
    if request.node.callspec.params["provider"] == "replay":
        pytest.skip("the cassette holds one prompt")

    assert provider.complete("Write about AbbVie.").content.strip()


def test_all_that_callers_need_to_know_of_it_is_said(provider):
    for member in ("asks_model", "native_schema", "stream_usage", "writes_sections", "warms_up"):
        assert isinstance(getattr(provider, member), bool), member
    assert isinstance(provider.secrets, tuple)
    assert isinstance(provider.api_base, str)
    assert provider.context_window is None or provider.context_window > 0
    assert provider.count_tokens("four small words here") > 0


def test_failures_are_provider_errors_with_a_kind(provider, request):
    if not provider.api_base.endswith("/v1"):
        pytest.skip("it asks no server that speaks the OpenAI protocol")
    with openai_server(lambda server, seen: Reply(503)) as server:
        other = create_provider(
            request.node.callspec.params["provider"], model=provider.model, api_base=server.url, api_key="sk-x"
        )
        with pytest.raises(ProviderError) as caught:
            other.complete("x")

    assert (caught.value.kind, caught.value.status) == ("server", 503)
    assert len(server.requests) == 1
