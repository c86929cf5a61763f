"""One completion: the server is a real one on loopback, sleeps are noted instead of slept."""

from __future__ import annotations

import pytest

from servers.clients import complete
from servers.openai import Reply, content_for, in_turn, openai_server
from trainer.core.errors import ProviderError
from trainer.core.values import Message, Output, Prompt
from trainer.providers import CompletionCache, RetryPolicy, create_provider

PROMPT = Prompt("a.md", "A", "Write about {ABBV}.", system="Be brief.", output=Output(("Summary",)))
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Write about {ABBV}."}]


def provider(server, model="test-model", **options):
    return create_provider("openai_compatible", model=model, api_base=server.url, **options)


def test_a_prompt_is_sent_as_its_messages_and_answered():
    with openai_server() as server:
        result = complete(PROMPT, chain=[provider(server)], settings={"temperature": 0.2, "max_tokens": 50})

    assert PROMPT.messages == (Message("system", "Be brief."), Message("user", "Write about {ABBV}."))
    assert server.requests[0].body == {
        "model": "test-model",
        "messages": MESSAGES,
        "temperature": 0.2,
        "max_tokens": 50,
    }
    assert result.content == content_for(MESSAGES)
    assert (result.tokens_in, result.tokens_out, result.tokens_used) == (5, 10, 15)
    assert (result.model, result.model_asked, result.provider, result.origin) == (
        "test-model",
        "test-model",
        "openai_compatible",
        "fresh",
    )
    assert (result.cost, result.tokens_estimated) == (None, False)
    assert [attempt.outcome for attempt in result.attempts] == ["ok"]


def test_a_stream_gives_the_same_result_as_a_whole_answer():
    with openai_server() as server:
        whole = provider(server).complete(PROMPT)
        stream = provider(server).stream(PROMPT)
        pieces = list(stream)

    assert "".join(pieces) == whole.content
    assert len(pieces) == 10
    assert stream.result == whole


def test_a_stream_without_usage_is_counted_and_says_so():
    with openai_server(lambda server, seen: Reply(usage=False)) as server:
        result = provider(server, count_tokens=len).stream(PROMPT).result

    assert result.tokens_estimated
    assert result.tokens_in == len("Be brief.\nWrite about {ABBV}.")
    assert result.tokens_out == len(result.content)


def test_text_is_shown_as_it_comes():
    shown = []
    with openai_server() as server:
        result = complete(PROMPT, chain=[provider(server)], on_text=shown.append)

    assert len(shown) == 10
    assert "".join(shown) == result.content


def test_a_passing_failure_is_retried_and_every_attempt_recorded():
    waits = []
    script = in_turn(Reply(429, {"Retry-After": "7"}), Reply(503), Reply())
    with openai_server(script) as server:
        result = complete(PROMPT, chain=[provider(server)], sleep=waits.append, random=lambda: 0.0)

    assert [attempt.outcome for attempt in result.attempts] == ["rate_limited", "server", "ok"]
    assert waits == [7.0, 0.01]
    assert len(server.requests) == 3


def test_no_retry_is_truly_one_request():
    with openai_server(lambda server, seen: Reply(503)) as server, pytest.raises(ProviderError) as caught:
        complete(PROMPT, chain=[provider(server)], policy=RetryPolicy(retries=0))

    assert len(server.requests) == 1
    assert caught.value.kind == "server"
    assert [attempt.outcome for attempt in caught.value.attempts] == ["server"]


def test_a_wait_over_the_cap_fails_at_once():
    script = in_turn(Reply(429, {"Retry-After": "3600"}))
    with openai_server(script) as server, pytest.raises(ProviderError) as caught:
        complete(PROMPT, chain=[provider(server)], sleep=pytest.fail)

    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1


def test_the_next_model_answers_when_the_first_cannot_take_the_prompt():
    too_long = {"error": {"message": "maximum context length is 10 tokens", "code": "context_length_exceeded"}}
    with openai_server(lambda server, seen: Reply(400, body=too_long)) as first, openai_server() as second:
        chain = [provider(first, "small"), provider(second, "large")]
        result = complete(PROMPT, chain=chain, sleep=pytest.fail)

    assert (result.model_asked, result.model) == ("small", "large")
    assert [(attempt.model, attempt.outcome) for attempt in result.attempts] == [
        ("small", "context_too_long"),
        ("large", "ok"),
    ]


def test_a_bad_key_never_falls_through():
    unauthorised = openai_server(lambda server, seen: Reply(401))
    with unauthorised as first, openai_server() as second, pytest.raises(ProviderError) as caught:
        complete(PROMPT, chain=[provider(first), provider(second)], sleep=pytest.fail)

    assert caught.value.kind == "auth"
    assert second.requests == []


def test_a_kept_completion_opens_no_socket(tmp_path):
    cache = CompletionCache(tmp_path)
    with openai_server() as server:
        link = provider(server)
        fresh = complete(PROMPT, chain=[link], cache=cache)

    cached = complete(PROMPT, chain=[link], cache=cache)

    assert cached.origin == "cached"
    assert (cached.content, cached.cost, cached.tokens_used) == (fresh.content, fresh.cost, fresh.tokens_used)
    assert cached.attempts == ()


def test_refresh_asks_again_and_keeps_the_new_answer(tmp_path):
    cache = CompletionCache(tmp_path)
    with openai_server(in_turn(Reply(content="old"), Reply(content="new"))) as server:
        complete(PROMPT, chain=[provider(server)], cache=cache)
        again = complete(PROMPT, chain=[provider(server)], cache=cache, refresh=True)
        kept = complete(PROMPT, chain=[provider(server)], cache=cache)

    assert (again.content, again.origin) == ("new", "fresh")
    assert (kept.content, kept.origin) == ("new", "cached")


def test_a_torn_file_is_a_miss(tmp_path):
    cache = CompletionCache(tmp_path)
    with openai_server() as server:
        complete(PROMPT, chain=[provider(server)], cache=cache)
        (file,) = tmp_path.glob("*/*.json")
        content = file.read_bytes()
        outcomes = []
        for size in range(0, len(content), 97):
            file.write_bytes(content[:size])
            outcomes.append(cache.get(file.stem))
        file.write_bytes(content.replace(b"Answer", b"answer"))
        outcomes.append(cache.get(file.stem))

    assert outcomes == [None] * len(outcomes)


def test_a_stream_cut_after_it_was_shown_is_not_silently_started_again():
    shown, restarts = [], []
    script = in_turn(Reply(cut=3), Reply())
    with openai_server(script) as server, pytest.raises(ProviderError) as caught:
        complete(PROMPT, chain=[provider(server)], on_text=shown.append, sleep=pytest.fail)
    with openai_server(in_turn(Reply(cut=3), Reply())) as server:
        result = complete(
            PROMPT,
            chain=[provider(server)],
            on_text=shown.append,
            on_restart=lambda: restarts.append(shown.clear()),
            sleep=lambda seconds: None,
        )

    assert caught.value.kind == "server"
    assert restarts == [None]
    assert "".join(shown) == result.content
