"""SageMaker over boto3, against a loopback server that speaks its JSON and event streams."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from servers.clients import complete
from servers.sagemaker import sagemaker_server
from trainer.core.errors import ConfigError, ProviderError
from trainer.core.values import Prompt
from trainer.providers import RetryPolicy, create_provider

pytest.importorskip("boto3", reason="the extra sagemaker is not installed")
PROMPT = Prompt("a.md", "A", "Write about AbbVie.", system="Be brief.")
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Write about AbbVie."}]


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary/secret/0123456789")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def provider(server, **options):
    return create_provider("sagemaker", model="ours", endpoint_url=server.url, region="eu-central-1", **options)


def chat(content, **usage):
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return json.dumps({"model": "ours-v2", "choices": [choice], **usage}).encode()


def sse(*events):
    return b"".join(
        b"data: " + (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n\n" for event in events
    )


def test_an_endpoint_that_speaks_chat_is_invoked():
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    with sagemaker_server() as server:
        server.answer = chat("It grew.", usage=usage)
        result = complete(PROMPT, chain=[provider(server)], settings={"max_tokens": 5})

    path, body = server.calls[0]
    assert path == "/endpoints/ours/invocations"
    assert body == {"model": "ours", "messages": MESSAGES, "max_tokens": 5}
    assert (result.content, result.tokens_in, result.tokens_out) == ("It grew.", 7, 2)
    assert (result.provider, result.model, result.model_asked, result.cost) == ("sagemaker", "ours-v2", "ours", None)


def test_an_endpoint_that_generates_text_is_invoked_and_its_tokens_counted():
    with sagemaker_server() as server:
        server.answer = b'[{"generated_text": "It grew."}]'
        result = provider(server, format="tgi", count_tokens=len).complete(PROMPT, max_tokens=5)

    assert server.calls[0][1] == {"inputs": "Be brief.\nWrite about AbbVie.", "parameters": {"max_new_tokens": 5}}
    assert (result.content, result.tokens_out, result.tokens_estimated) == ("It grew.", 8, True)


def test_a_chat_stream_is_joined_across_payloads():
    deltas = [{"choices": [{"delta": {"content": piece}, "finish_reason": None}]} for piece in ("It ", "gréw", ".")]
    last = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    text = sse(*deltas, last, usage, b"[DONE]")
    with sagemaker_server() as server:
        server.events = [text[at : at + 11] for at in range(0, len(text), 11)]
        stream = provider(server).stream(PROMPT)
        pieces = list(stream)

    assert server.calls[0][0] == "/endpoints/ours/invocations-response-stream"
    assert pieces == ["It ", "gréw", "."]
    assert (stream.result.content, stream.result.tokens_out) == ("It gréw.", 3)


def test_a_token_stream_ends_with_its_text():
    tokens = [{"token": {"text": "It "}}, {"token": {"text": "grew"}}]
    end = {
        "token": {"text": "</s>", "special": True},
        "generated_text": "It grew",
        "details": {"finish_reason": "eos_token"},
    }
    with sagemaker_server() as server:
        server.events = [sse(*tokens, end)]
        result = provider(server, format="tgi").stream(PROMPT).result

    assert (result.content, result.finish_reason) == ("It grew", "eos_token")


def test_a_stream_that_ends_early_or_fails_is_an_error():
    delta = {"choices": [{"delta": {"content": "It"}, "finish_reason": None}]}
    kinds = []
    with sagemaker_server() as server:
        server.events = [sse(delta)]
        for failing in ("", "ModelStreamError", "InternalStreamFailure"):
            server.stream_error = failing
            with pytest.raises(ProviderError) as caught:
                _ = provider(server).stream(PROMPT).result
            kinds.append(caught.value.kind)

    assert kinds == ["server", "server", "server"]


@pytest.mark.parametrize(
    ("status", "code", "body", "kind"),
    [
        (400, "ThrottlingException", {"message": "slow down"}, "rate_limited"),
        (400, "ValidationError", {"message": "Endpoint ours of account 1 not found."}, "not_found"),
        (400, "ValidationError", {"message": "bad body"}, "bad_request"),
        (403, "AccessDeniedException", {"message": "no"}, "auth"),
        (403, "ExpiredTokenException", {"message": "old"}, "auth"),
        (424, "ModelError", {"OriginalStatusCode": 500, "OriginalMessage": "died", "Message": "x"}, "server"),
        (
            424,
            "ModelError",
            {"OriginalStatusCode": 400, "OriginalMessage": "maximum context length"},
            "context_too_long",
        ),
        (424, "ModelError", {"OriginalStatusCode": 429, "OriginalMessage": "busy"}, "rate_limited"),
        (429, "ModelNotReadyException", {"Message": "starting"}, "server"),
        (500, "InternalFailure", {"Message": "x"}, "server"),
        (503, "ServiceUnavailable", {"Message": "x"}, "server"),
    ],
)
def test_every_error_of_aws_has_its_kind_and_is_sent_once(status, code, body, kind):
    with sagemaker_server() as server:
        server.error = (status, code, body)
        with pytest.raises(ProviderError) as caught:
            complete(PROMPT, chain=[provider(server)], policy=RetryPolicy(retries=0))

    assert caught.value.kind == kind
    assert len(server.calls) == 1
    assert "canary" not in str(caught.value)


def test_a_service_that_is_not_there_is_unreachable():
    with sagemaker_server() as server:
        link = provider(server)
    with pytest.raises(ProviderError) as caught:
        link.complete(PROMPT, timeout=2)

    assert caught.value.kind == "unreachable"


def test_a_model_artefact_is_deployed_to_an_endpoint():
    with sagemaker_server() as server:
        link = provider(server, role="arn:aws:iam::1:role/r", image="1.dkr.ecr/x:1")
        name = link.deploy_model("s3://bucket/model.tar.gz", name="abbvie writer", instances=2)

    assert name == "abbvie-writer"
    assert [operation for operation, _ in server.calls] == ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
    assert server.calls[0][1] == {
        "ModelName": "abbvie-writer",
        "ExecutionRoleArn": "arn:aws:iam::1:role/r",
        "PrimaryContainer": {"Image": "1.dkr.ecr/x:1", "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": {}},
    }
    assert server.calls[1][1]["ProductionVariants"][0]["InitialInstanceCount"] == 2
    assert server.calls[2][1] == {"EndpointName": "abbvie-writer", "EndpointConfigName": "abbvie-writer"}


def test_deploying_without_a_role_says_what_is_missing():
    with sagemaker_server() as server, pytest.raises(ConfigError, match="a role and an image"):
        provider(server).deploy_model("s3://bucket/model.tar.gz")


def test_endpoints_in_service_are_listed_page_by_page():
    def page(*names, **more):
        return {"Endpoints": [{"EndpointName": name} for name in names], **more}

    with sagemaker_server() as server:
        server.pages = [page("b", "c", NextToken="2"), page("a")]
        models = provider(server).list_models()

    assert models == ["a", "b", "c"]
    assert server.calls[1][1] == {"StatusEquals": "InService", "NextToken": "2"}


def test_boto3_is_imported_on_the_first_call_only():
    code = (
        "import sys; from trainer.providers import create_provider; create_provider('sagemaker', model='x');"
        "print('boto3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
