"""The same instruction through LiteLLM and directly: equal bytes, equal tokens; and what LiteLLM is kept from doing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from servers.clients import call
from servers.openai import Reply, openai_server
from trainer.core.errors import ProviderError
from trainer.core.values import Output, Prompt
from trainer.providers import Request, complete_many, create_provider

KEY = "sk-litellm-0123456789abcdef"
PROMPT = Prompt("a.md", "A", "Write about {ABBV}: «é» – “x”.", system="Be brief.", output=Output(("Summary",)))


def both(server, **options):
    shared = {"api_base": server.url, "api_key": KEY, **options}
    return (
        create_provider("openai_compatible", model="m", **shared),
        create_provider("litellm", model="openai/m", **shared),
        create_provider("litellm", provider="openai", model="m", **shared),
    )


def told(result):
    return result.content, result.tokens_in, result.tokens_out, result.tokens_estimated, result.cost, result.model


@pytest.mark.parametrize("usage", [True, False], ids=["usage", "no-usage"])
def test_both_ways_give_equal_bytes_tokens_and_cost_streaming_and_not(usage):
    with openai_server(lambda server, seen: Reply(usage=usage)) as server:
        providers = both(server, temperature=0.3)
        results = [provider.complete(PROMPT, max_tokens=99) for provider in providers]
        results += [provider.stream(PROMPT, max_tokens=99).result for provider in providers]
        results += complete_many([call(PROMPT, [provider], {"max_tokens": 99}) for provider in providers])

    assert len({told(result) for result in results}) == 1
    bodies = [seen.body for seen in server.requests if not seen.body.get("stream")]
    assert all(body == bodies[0] for body in bodies)


def test_an_answer_that_was_cut_is_none_alike():
    kinds = []
    with openai_server(lambda server, seen: Reply(finish="length")) as server:
        for provider in both(server):
            with pytest.raises(ProviderError) as caught:
                provider.complete(PROMPT)
            kinds.append((caught.value.kind, caught.value.answer.tokens_out))

    assert kinds == [("cut", kinds[0][1])] * 3


def test_a_schema_is_sent_alike():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    with openai_server(lambda server, seen: Reply(content='{"a": 1}')) as server:
        for provider in both(server):
            provider.complete(PROMPT, schema=schema)

    formats = [seen.body["response_format"] for seen in server.requests]
    assert formats == [{"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}] * 3


CHILD = """
import os, sys
import time
from trainer.providers import create_provider
provider = create_provider("litellm", model="openai/m", api_base=sys.argv[1], api_key="sk-child-0123456789abcdef")
assert "litellm" not in sys.modules
provider.warm_up()
deadline = time.monotonic() + 60
while "litellm" not in sys.modules and time.monotonic() < deadline:
    time.sleep(0.01)
assert "litellm" in sys.modules
print(provider.complete("hello").tokens_used)
import litellm
print(os.environ["LITELLM_LOCAL_MODEL_COST_MAP"], os.environ["LITELLM_MODE"], litellm.suppress_debug_info)
print(os.environ.get("LEAKED"))
"""


def test_litellm_is_imported_late_quietly_and_without_reading_other_peoples_env_files(tmp_path):
    (tmp_path / ".env").write_text("LEAKED=1\n")
    with openai_server() as server:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, server.url], capture_output=True, text=True, check=True, cwd=tmp_path
        )

    assert done.stdout.splitlines() == ["11", "True PRODUCTION True", "None"]
    assert done.stderr == ""


def test_the_classes_of_the_specification_say_whom_they_ask():
    from trainer import providers

    made = [
        providers.AnthropicProvider("claude-sonnet-4-5"),
        providers.AWSBedrockProvider("anthropic.claude-3-haiku-20240307-v1:0", region="eu-central-1"),
        providers.GoogleVertexProvider("gemini-2.5-pro", project_id="p"),
        providers.AzureOpenAIProvider("gpt-4o", endpoint="https://x.openai.azure.com", api_key=KEY),
        providers.HuggingFaceProvider("meta-llama/Llama-3.1-8B-Instruct"),
    ]
    sent = [provider._arguments(Request("x", provider.provider, provider.model)) for provider in made]
    assert [arguments["model"] for arguments in sent] == [
        "anthropic/claude-sonnet-4-5",
        "bedrock/anthropic.claude-3-haiku-20240307-v1:0",
        "vertex_ai/gemini-2.5-pro",
        "azure/gpt-4o",
        "huggingface/meta-llama/Llama-3.1-8B-Instruct",
    ]
    assert sent[1]["aws_region_name"] == "eu-central-1"
    assert sent[2]["vertex_project"] == "p"
    assert (sent[3]["api_base"], sent[3]["api_key"]) == ("https://x.openai.azure.com", KEY)
    assert all((arguments["max_retries"], arguments["num_retries"]) == (0, 0) for arguments in sent)
    assert KEY not in repr(vars(made[3]))


def test_litellm_is_told_to_log_nothing_and_only_while_it_is_asked(monkeypatch):
    import litellm
    from litellm._internal_context import is_internal_call

    marks = []
    real = litellm.acompletion

    async def watched(**arguments):
        marks.append(is_internal_call.get())
        return await real(**arguments)

    monkeypatch.setattr(litellm, "acompletion", watched)
    with openai_server(lambda server, request: Reply(content="Fine.")) as server:
        both(server)[1].complete(PROMPT)

    assert (marks, is_internal_call.get()) == ([True], False)
