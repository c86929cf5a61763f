"""How an answer ended is judged once, in every server's words, for every way an answer takes."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading

import pytest

from servers.clients import ENVIRON, call, complete
from servers.openai import Reply, openai_server
from trainer.core.errors import ProviderError
from trainer.providers import Client, CompletionCache, Request, complete_many, create_provider
from trainer.providers.answers import ending_of
from trainer.providers.cache import dump_result


def provider(server, **options):
    return create_provider("openai_compatible", model="m", api_base=server.url, **options)


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        *((word, "whole") for word in ("stop", "STOP", "end_turn", "eos_token", "stop_sequence", "COMPLETE")),
        *((word, "cut") for word in ("length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens")),
        *((word, "cut") for word in ("model_context_window_exceeded", "ERROR_LIMIT", "incomplete")),
        *((word, "refused") for word in ("content_filter", "content_filter: PROHIBITED_CONTENT", "SAFETY")),
        *((word, "refused") for word in ("RECITATION", "guardrail_intervened", "refusal", "ERROR_TOXIC")),
        *((word, "tool") for word in ("tool_calls", "function_call", "tool_use")),
        *((word, "failed") for word in ("error", "abort", "MALFORMED_FUNCTION_CALL")),
        ("", "unknown"),
    ],
)
def test_every_spelling_of_an_ending_is_known(reason, ending):
    assert ending_of(reason) == ending


def test_an_answer_without_a_reason_is_cut_where_it_used_up_its_tokens():
    with openai_server(lambda server, seen: Reply(finish="", content="one two three")) as server:
        with pytest.raises(ProviderError) as caught:
            complete("x", chain=[provider(server)], settings={"max_tokens": 3})
        whole = complete("x", chain=[provider(server)], settings={"max_tokens": 4})

    assert caught.value.kind == "cut"
    assert whole.content == "one two three"


@pytest.mark.parametrize("on_text", [None, [].append], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(finish="length"), "cut"),
        (Reply(finish="SAFETY"), "content_refused"),
        (Reply(content="<think>never closed"), "empty"),
        (Reply(content="  \n"), "empty"),
    ],
)
def test_what_is_no_answer_is_asked_once_and_not_kept(tmp_path, reply, kind, on_text):
    with openai_server(lambda server, seen: reply) as server, pytest.raises(ProviderError) as caught:
        complete("x", chain=[provider(server)], cache=CompletionCache(tmp_path), on_text=on_text)

    assert (caught.value.kind, len(server.requests)) == (kind, 1)
    assert caught.value.answer.tokens_in == 1
    assert list(tmp_path.glob("*/*.json")) == []


def test_reasoning_is_kept_in_the_record_and_never_shown():
    shown = []
    with openai_server(lambda server, seen: Reply(content="<think>secret</think>\n\nThe answer.")) as server:
        whole = complete("x", chain=[provider(server)])
        streamed = complete("x", chain=[provider(server)], on_text=shown.append)
        direct = provider(server).complete("x")

    assert whole.content == streamed.content == direct.content == "The answer."
    assert "".join(shown) == "The answer."
    assert whole.metadata["reasoning"] == "secret"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_that_the_server_parts_itself_is_kept_too(field):
    message = {"role": "assistant", "content": "Yes.", field: "because"}
    body = {"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]}
    with openai_server(lambda server, seen: Reply(body=body)) as server:
        result = provider(server).complete("x")

    assert (result.content, result.metadata["reasoning"]) == ("Yes.", "because")


def test_a_cut_answer_that_an_older_release_kept_is_asked_for_again(tmp_path):
    cache = CompletionCache(tmp_path)
    with openai_server() as server:
        link = provider(server)
        result = complete("x", chain=[link])
        key = Request("x", "openai_compatible", "m").key
        cache.put(key, type(result)(**{**dump_result(result), "attempts": (), "finish_reason": "length"}))
        again = complete("x", chain=[link], cache=cache)

    assert again.origin == "fresh"


def test_equal_requests_at_once_are_sent_once(tmp_path):
    cache = CompletionCache(tmp_path)
    with openai_server(latency=0.2) as server:
        chain = [provider(server)]
        outcomes = complete_many([call("same", chain, cache=cache) for _ in range(10)], concurrency=10)

    assert len(server.requests) == 1
    assert sorted(outcome.origin for outcome in outcomes) == ["cached"] * 9 + ["fresh"]
    assert list(tmp_path.glob("*/*.lock")) == []


CHILD = """
import sys
from pathlib import Path
from servers.clients import complete
from trainer.providers import CompletionCache, create_provider
link = create_provider("openai_compatible", model="m", api_base=sys.argv[1])
for n in range(5):
    complete(f"row {n}", chain=[link], cache=CompletionCache(Path(sys.argv[2])))
"""


def test_equal_requests_of_several_processes_at_once_are_sent_once(tmp_path):
    with openai_server(latency=0.3) as server:
        command = [sys.executable, "-c", CHILD, server.url, str(tmp_path)]
        children = [subprocess.Popen(command, env=ENVIRON) for _ in range(3)]
        codes = [child.wait(60) for child in children]

    assert codes == [0, 0, 0]
    assert len(server.requests) == 5


def test_a_process_that_dies_while_others_wait_for_its_answer_gives_its_turn_away(tmp_path):
    first = threading.Event()

    def script(server, seen):
        is_first = not first.is_set()
        first.set()
        return Reply(delay=30 if is_first else 0.01)

    with openai_server(script) as server:
        command = [sys.executable, "-c", CHILD.replace("range(5)", "range(1)"), server.url, str(tmp_path)]
        child = subprocess.Popen(command, env=ENVIRON)
        assert first.wait(30)
        child.kill()
        child.wait()
        result = complete("row 0", chain=[provider(server)], cache=CompletionCache(tmp_path))

    assert result.origin == "fresh"


def test_a_cache_that_cannot_be_written_does_not_cost_the_answer(tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    warnings = []
    with openai_server() as server:
        client = Client([provider(server)], cache=CompletionCache(tmp_path / "cache"), warn=warnings.append)
        (result,) = complete_many([functools.partial(client.send, Request("x"))])

    assert result.origin == "fresh"
    assert len(warnings) == 1
    assert warnings[0].startswith("the answer is not kept, and the next run pays again: cannot write")


def test_an_interrupt_after_a_whole_answer_keeps_it(tmp_path):
    cache = CompletionCache(tmp_path)
    ended = []

    def interrupt(number, outcome):
        ended.append(number)
        raise KeyboardInterrupt

    with openai_server() as server:
        chain = [provider(server)]
        calls = [call(f"row {n}", chain, cache=cache) for n in range(30)]
        with pytest.raises(KeyboardInterrupt):
            complete_many(calls, concurrency=5, on_outcome=interrupt)
        completed = server.completed
        complete_many(calls, concurrency=5)

    assert len(server.requests) <= 30 + 5
    assert completed >= 1
