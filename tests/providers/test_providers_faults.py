"""The fault matrix: every way to fail, through every provider, alone and with another model behind it.

Against real HTTP on loopback. Each case has one right outcome: the kind of failure or the model that answered,
how many requests were sent, and the attempts that were recorded.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from servers.clients import complete
from servers.openai import Reply, openai_server
from trainer.core.errors import ProviderError
from trainer.core.values import CompletionResult
from trainer.providers import Budget, Limits, RetryPolicy, create_provider


@dataclass(frozen=True)
class Fault:
    """A way to fail, and what it is."""

    name: str
    kind: str
    """The kind of failure, or `ok`."""
    reply: Reply | None = None
    """None for a fault that no server gives: see `fault_server`."""


def error(message, code=None):
    return {"error": {"message": message, "type": "error", "code": code}}


def soon():
    return format_datetime(datetime.now(UTC) + timedelta(seconds=4), usegmt=True)


TOO_LONG = Reply(400, body=error("maximum context length is 8", "context_length_exceeded"))
REFUSED = Reply(400, body=error("content policy violation", "content_policy_violation"))

FAULTS = (
    Fault("400", "bad_request", Reply(400)),
    Fault("401", "auth", Reply(401)),
    Fault("402", "payment", Reply(402)),
    Fault("403", "auth", Reply(403)),
    Fault("404", "not_found", Reply(404)),
    Fault("408", "timed_out", Reply(408)),
    Fault("409", "server", Reply(409)),
    Fault("413", "bad_request", Reply(413)),
    Fault("422", "bad_request", Reply(422)),
    Fault("429", "rate_limited", Reply(429)),
    Fault("429-seconds", "rate_limited", Reply(429, {"Retry-After": "3"})),
    Fault("429-date", "rate_limited", Reply(429, {"Retry-After": soon()})),
    Fault("429-milliseconds", "rate_limited", Reply(429, {"retry-after-ms": "3000"})),
    Fault("429-body", "rate_limited", Reply(429, body=error("Rate limit reached. Please try again in 3s."))),
    Fault("429-too-long", "rate_limited", Reply(429, {"Retry-After": "86400"})),
    Fault("429-no-credit", "payment", Reply(429, body=error("You exceeded your quota", "insufficient_quota"))),
    Fault("500", "server", Reply(500)),
    Fault("502", "server", Reply(502)),
    Fault("502-html", "server", Reply(502, {"Content-Type": "text/html"}, b"<html><h1>Bad Gateway</h1></html>")),
    Fault("503", "server", Reply(503)),
    Fault("529", "server", Reply(529)),
    Fault(
        "context-too-long",
        "context_too_long",
        Reply(400, body=error("maximum context length is 8", "context_length_exceeded")),
    ),
    Fault(
        "content-policy",
        "content_refused",
        Reply(400, body=error("content policy violation", "content_policy_violation")),
    ),
    Fault("content-filter", "content_refused", Reply(finish="content_filter")),
    Fault("broken-body", "server", Reply(body=b'{"choices": [{"mess')),
    Fault("empty-choices", "empty", Reply(body={"id": "x", "object": "chat.completion", "model": "m", "choices": []})),
    Fault("empty-content", "empty", Reply(content="")),
    Fault("cut", "server", Reply(cut=2)),
    Fault("hang-up", "server", Reply(hang_up=True)),
    Fault("slow-body", "timed_out", Reply(delay=5)),
    Fault("slow-pieces", "timed_out", Reply(drip=0.1)),
    Fault("length", "cut", Reply(finish="length")),
    Fault("max-tokens", "cut", Reply(finish="MAX_TOKENS")),
    Fault("filter-suffix", "content_refused", Reply(finish="content_filter: PROHIBITED_CONTENT")),
    Fault("tool-call", "empty", Reply(finish="tool_calls")),
    Fault("reasoning-only", "empty", Reply(content="<think>never closed")),
    Fault("refused", "unreachable"),
    Fault("wrong-tls", "unreachable"),
)
RETRIED = {"rate_limited", "timed_out", "unreachable", "server"}
FALLS_THROUGH = RETRIED | {"empty", "context_too_long", "content_refused", "not_found"}
OPENSSL = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=elsewhere.example"]
HIDDEN = {("broken-body", "litellm", "stream"): "empty"}  # LiteLLM ends such a stream as if it were whole
LOST = {("filter-suffix", "litellm", "stream")}  # LiteLLM says "stop" where it does not know the word
NOT_RETRIED = {"429-too-long"}
SLOW = {"slow-body", "slow-pieces"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        return None
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [*OPENSSL, "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.fixture(scope="module")
def good_server():
    with openai_server() as server:
        yield server


def fault_server(fault, certificate):
    """A running server that has the fault, as a context manager with a `url`."""
    return openai_server(lambda server, seen: fault.reply, tls=certificate if fault.name == "wrong-tls" else None)


def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def provider(adapter, url):
    name = "openai/m" if adapter == "litellm" else "m"
    return create_provider(adapter, model=name, api_base=url, api_key="sk-test-0123456789abcdef")


def outcome_of(chain, mode, policy):
    shown = [].append if mode == "stream" else None
    try:
        return complete(
            "hello", chain=chain, policy=policy, on_text=shown, on_restart=lambda: None, sleep=lambda seconds: None
        )
    except ProviderError as error:
        return error


WAYS = [(adapter, mode) for adapter in ("openai_compatible", "litellm") for mode in ("whole", "stream")]


@pytest.mark.parametrize("chained", [False, True], ids=["alone", "chain"])
@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_has_its_right_outcome(fault, way, chained, certificate, good_server):
    if fault.name == "wrong-tls" and certificate is None:
        pytest.skip("openssl is not installed, so no certificate can be made")
    if (fault.name, *way) in LOST:
        pytest.skip("LiteLLM does not pass this on")
    adapter, mode = way
    kind = HIDDEN.get((fault.name, *way), fault.kind)
    policy = RetryPolicy(retries=1, timeout=0.4 if fault.name in SLOW else 20, first_wait=0)
    with fault_server(fault, certificate) as server:
        url = f"http://127.0.0.1:{closed_port()}/v1" if fault.name == "refused" else server.url
        chain = [provider(adapter, url)] + ([provider("openai_compatible", good_server.url)] if chained else [])
        outcome = outcome_of(chain, mode, policy)
        sent = len(server.requests)

    tries = 2 if kind in RETRIED and fault.name not in NOT_RETRIED else 1
    outcomes = [attempt.outcome for attempt in outcome.attempts]
    answered = chained and kind in FALLS_THROUGH
    assert outcomes == [kind] * tries + ["ok"] * answered
    assert sent == (0 if fault.name in ("refused", "wrong-tls") else tries)
    assert isinstance(outcome, CompletionResult) == answered
    if answered:
        assert (outcome.provider, outcome.model, outcome.model_asked) == ("openai_compatible", "m", chain[0].model)
    else:
        assert (outcome.kind, outcome.exit_code) == (kind, 1)
        assert "sk-test-0123456789abcdef" not in str(outcome)


@pytest.mark.parametrize(
    ("name", "seconds"), [("429-seconds", 3), ("429-milliseconds", 3), ("429-body", 3), ("429-too-long", 86400)]
)
@pytest.mark.parametrize("adapter", ["openai_compatible", "litellm"])
def test_the_wait_that_a_provider_asks_for_is_understood(name, seconds, adapter):
    fault = next(fault for fault in FAULTS if fault.name == name)
    with openai_server(lambda server, seen: fault.reply) as server:
        outcome = outcome_of([provider(adapter, server.url)], "whole", RetryPolicy(retries=0))

    assert outcome.retry_after == seconds


@pytest.mark.parametrize("adapter", ["openai_compatible", "litellm"])
def test_a_wait_until_a_date_is_understood(adapter):
    with openai_server(lambda server, seen: Reply(429, {"Retry-After": soon()})) as server:
        outcome = outcome_of([provider(adapter, server.url)], "whole", RetryPolicy(retries=0))

    assert 2 <= outcome.retry_after <= 4


PRICES = {"m": {"input": 1000, "output": 1000}, "openai/m": {"input": 1000, "output": 1000}}
MAY_BE_BILLED = {"broken-body", "cut", "hang-up", "slow-body", "slow-pieces"}


@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize(
    "name", [*sorted(MAY_BE_BILLED), "400", "429", "500", "502", "502-html", "503", "529", "refused"]
)
def test_a_budget_counts_what_may_have_been_billed_and_nothing_else(name, way, certificate, tmp_path):
    fault = next(fault for fault in FAULTS if fault.name == name)
    adapter, mode = way
    budget = Budget(tmp_path, Limits(run=1.0))
    policy = RetryPolicy(retries=0, timeout=0.4 if name in SLOW else 20)
    with fault_server(fault, certificate) as server:
        url = f"http://127.0.0.1:{closed_port()}/v1" if name == "refused" else server.url
        model = "openai/m" if adapter == "litellm" else "m"
        link = create_provider(adapter, model=model, api_base=url, api_key="sk-x", prices=PRICES)
        shown = [].append if mode == "stream" else None
        with pytest.raises(ProviderError):
            complete("hi", chain=[link], settings={"max_tokens": 82}, policy=policy, budget=budget, on_text=shown)

    billed = name in MAY_BE_BILLED
    assert budget.spend().run == pytest.approx(0.1 if billed else 0.0)
