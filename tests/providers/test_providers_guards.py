"""What must not happen: heavy imports on a cached path, keys in any place that outlives the call."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import traceback

import pytest

from servers.clients import ENVIRON, call, complete
from servers.openai import Reply, openai_server
from trainer.core.errors import ConfigError, ProviderError
from trainer.core.registry import Registry
from trainer.core.secrets import mask_secrets
from trainer.providers import (
    BatchRow,
    Budget,
    CompletionCache,
    CustomProvider,
    Limits,
    Request,
    RetryPolicy,
    complete_rows,
    create_provider,
    find_key,
    record,
)

CANARY = "sk-canary-5f3a9c1e7b2d4f60"
HEAVY = ("litellm", "duckdb", "aiohttp", "httpx", "openai", "boto3", "jsonschema", "jinja2", "xllamacpp")

CACHED = """
import sys
from pathlib import Path
from servers.clients import complete
from trainer.providers import CompletionCache, create_provider
link = create_provider(sys.argv[1], model="openai/m" if sys.argv[1] == "litellm" else "m", api_base=sys.argv[2])
result = complete("hello", chain=[link], cache=CompletionCache(Path(sys.argv[3])))
print(result.origin, [name for name in sys.argv[4:] if name in sys.modules])
"""


@pytest.mark.parametrize("adapter", ["openai_compatible", "litellm"])
def test_a_cached_completion_imports_nothing_heavy_and_opens_no_socket(adapter, tmp_path):
    with openai_server() as server:
        model = "openai/m" if adapter == "litellm" else "m"
        link = create_provider(adapter, model=model, api_base=server.url, api_key="sk-x")
        complete("hello", chain=[link], cache=CompletionCache(tmp_path))
        address = server.url
    done = subprocess.run(
        [sys.executable, "-c", CACHED, adapter, address, str(tmp_path), *HEAVY],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRON,
    )

    assert done.stdout == "cached []\n"


def test_importing_the_room_imports_nothing_heavy():
    code = "import sys, trainer.providers; print([name for name in sys.argv[1:] if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def parrot(server, seen):
    """A server that repeats the key wherever it can."""
    key = seen.headers.get("authorization", "")
    if "fail" in seen.body["messages"][0]["content"]:
        return Reply(400, {"X-Key": key}, {"error": {"message": f"bad key {key} in ?api_key={CANARY}", "code": key}})
    return Reply()


@pytest.mark.parametrize("adapter", ["openai_compatible", "litellm"])
def test_a_key_is_found_in_nothing_that_outlives_its_call(adapter, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    told = []
    with openai_server(parrot) as server:
        model = "openai/m" if adapter == "litellm" else "m"
        prices = {model: {"input": 1, "output": 1}}
        link = create_provider(adapter, model=model, api_base=server.url, api_key=CANARY, prices=prices)
        budget = Budget(tmp_path / "budget", Limits(run=1.0))
        common = {"settings": {"max_tokens": 9}, "budget": budget, "cache": CompletionCache(tmp_path / "cache")}
        result = complete("hello", chain=[link], **common)
        record(result, Request("hello", adapter, model), tmp_path / "tape.jsonl", secrets=link.secrets)
        told += [repr(result), repr(link), repr(vars(link))]
        try:
            complete("please fail", chain=[link], policy=RetryPolicy(retries=0), **common)
        except ProviderError as error:
            told += [str(error), repr(error), repr(error.attempts), "".join(traceback.format_exception(error))]
        rows = [BatchRow({"n": 1}, call("please fail", [link])), BatchRow({"n": 2}, call("hello", [link]))]
        complete_rows(rows, ledger=tmp_path / "ledger.jsonl", output=tmp_path / "out.jsonl", on_line=told.append)

    written = [path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    places = [*told, *written, caplog.text, *capfd.readouterr()]
    assert len(written) >= 5
    assert [place for place in places if CANARY in place] == []


def test_a_secret_is_not_pickled():
    link = create_provider("openai_compatible", model="m", api_base="http://localhost/v1", api_key=CANARY)
    with pytest.raises(TypeError, match="not written down"):
        pickle.dumps(link.secrets[0])
    with pytest.raises(TypeError):
        json.dumps(vars(link))


@pytest.mark.parametrize(
    "text",
    [
        f"key {CANARY}!",
        f"https://x.example/v1?key={CANARY}&a=1",
        "Authorization: Bearer abcdef0123456789ABCDEF",
        "AKIAIOSFODNN7EXAMPLE",
        "hf_abcdefghijklmnopqrstuvwx",
    ],
)
def test_what_looks_like_a_key_is_masked(text):
    assert "********" in mask_secrets(text)
    assert not {CANARY, "abcdef0123456789ABCDEF", "AKIAIOSFODNN7EXAMPLE", "hf_abcdefghijklmnopqrstuvwx"} & set(
        mask_secrets(text).replace("=", " ").replace("!", " ").replace("&", " ").split()
    )


def test_ordinary_text_is_left_alone():
    text = "The risk-adjusted sk-learn value (bearer bonds, bearer certificates) of sk-is-a-prefix-of-words rose."
    text += " key=value at Bearer plc."

    assert mask_secrets(text) == text


def test_a_key_comes_from_the_environment_first_then_from_a_private_file(tmp_path):
    (tmp_path / "OPENAI_API_KEY").write_text("from-file\n")
    (tmp_path / "OPENAI_API_KEY").chmod(0o600)

    assert find_key("OPENAI_API_KEY", environ={"OPENAI_API_KEY": "a"}, folder=tmp_path).reveal() == "a"
    assert find_key("OPENAI_API_KEY", environ={}, folder=tmp_path).reveal() == "from-file"
    assert not find_key("OTHER", environ={}, folder=tmp_path)


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "OPENAI_API_KEY"
    path.write_text("k")
    path.chmod(0o644)

    with pytest.raises(ConfigError, match=r"may be read by others \(mode 0644\)") as caught:
        find_key("OPENAI_API_KEY", environ={}, folder=tmp_path)
    assert caught.value.hint == f"run: chmod 600 {path}"
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_option_that_a_provider_does_not_know_names_the_nearest(monkeypatch):
    class Echo(CustomProvider):
        def __init__(self, *, model, times=1):
            self.model = model

        def complete(self, prompt, **kwargs):
            return self.result(prompt, tokens_in=1, tokens_out=1)

    monkeypatch.setattr(Registry, "load", lambda self, name: Echo)
    with pytest.raises(ConfigError, match='unknown option of the provider echo "time"') as caught:
        create_provider("echo", model="m", time=2)

    assert caught.value.hint == 'did you mean "times"?'
