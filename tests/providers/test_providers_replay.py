"""Cassettes: recorded, matched, scrubbed; a miss names what differs."""

from __future__ import annotations

import dataclasses

import pytest

from servers.clients import complete
from servers.openai import openai_server
from trainer.core.errors import ProviderError, UsageError
from trainer.core.secrets import Secret
from trainer.core.values import Output, Prompt
from trainer.providers import Request, create_provider, record

PROMPT = Prompt("a.md", "A", "Line one.\nWrite about AbbVie.\nEnd.", system="Be brief.", output=Output(("Summary",)))
SETTINGS = {"temperature": 0.2}


def recorded(tmp_path, prompt=PROMPT, settings=None, model="m"):
    settings = SETTINGS if settings is None else settings
    with openai_server() as server:
        link = create_provider("openai_compatible", model=model, api_base=server.url)
        result = complete(prompt, chain=[link], settings=settings)
    record(result, Request(prompt, "openai_compatible", model, settings), tmp_path / "tape.jsonl")
    return result


def miss(tmp_path, prompt=PROMPT, settings=None, model="m"):
    link = create_provider("replay", model=model, path=tmp_path)
    with pytest.raises(ProviderError) as caught:
        complete(prompt, chain=[link], settings=SETTINGS if settings is None else settings, sleep=pytest.fail)
    assert caught.value.kind == "missing_recording"
    return caught.value.message.partition("differs in ")[2]


def test_a_recorded_completion_is_replayed_with_all_it_said(tmp_path):
    fresh = recorded(tmp_path)
    link = create_provider("replay", model="m", path=tmp_path)
    again = complete(PROMPT, chain=[link], settings=SETTINGS)

    assert again.origin == "replayed"
    assert (again.content, again.tokens_used, again.cost) == (fresh.content, fresh.tokens_used, fresh.cost)
    assert (again.provider, again.model) == ("openai_compatible", "m")


def test_a_miss_names_the_ingredient_that_differs_from_the_nearest_recording(tmp_path):
    recorded(tmp_path)
    recorded(tmp_path, Prompt("b.md", "B", "Something else altogether, and long enough to be far away."))
    other_text = dataclasses.replace(PROMPT, text="Line one.\nWrite about Butterfly.\nEnd.")

    assert miss(tmp_path, settings={"temperature": 0.3}) == "settings.temperature: 0.3 instead of 0.2"
    assert miss(tmp_path, settings={"temperature": 0.2, "seed": 1}) == "settings.seed: 1 instead of null"
    assert miss(tmp_path, model="n") == 'model: "n" instead of "m"'
    assert miss(tmp_path, other_text) == (
        'message 2 (user) from line 2: "Butterfly.\\nEnd." instead of "AbbVie.\\nEnd."'
    )
    assert miss(tmp_path, dataclasses.replace(PROMPT, output=Output(("Risks",)))) == (
        'sections: ["Risks"] instead of ["Summary"]'
    )


def test_an_empty_folder_says_so(tmp_path):
    link = create_provider("replay", model="m", path=tmp_path)
    with pytest.raises(ProviderError, match="no recording at all") as caught:
        link.complete(PROMPT)

    assert caught.value.hint == "record it: run the same command with --record and a model"


def test_recording_again_replaces_and_keeps_the_bytes(tmp_path):
    recorded(tmp_path)
    first = (tmp_path / "tape.jsonl").read_bytes()
    recorded(tmp_path)

    assert (tmp_path / "tape.jsonl").read_bytes() == first
    recorded(tmp_path, settings={"temperature": 0.9})
    assert len((tmp_path / "tape.jsonl").read_text().splitlines()) == 2


def test_secrets_never_reach_a_cassette_and_the_recording_still_answers(tmp_path):
    key = "hunter2-canary"
    prompt = Prompt("a.md", "A", f"The key is sk-0123456789abcdefghij and {key}.")
    with openai_server() as server:
        link = create_provider("openai_compatible", model="m", api_base=server.url, api_key=key)
        result = complete(prompt, chain=[link])
    result = dataclasses.replace(result, content=f"It is {key} and sk-0123456789abcdefghij.")
    record(result, Request(prompt, "openai_compatible", "m"), tmp_path / "tape.jsonl", secrets=[Secret(key)])

    text = (tmp_path / "tape.jsonl").read_text()
    assert key not in text
    assert "sk-0123456789" not in text
    assert create_provider("replay", model="m", path=tmp_path, secrets=[key]).complete(prompt).content == (
        "It is ******** and ********."
    )


def test_a_broken_line_is_named(tmp_path):
    recorded(tmp_path)
    with (tmp_path / "tape.jsonl").open("a") as file:
        file.write('{"request": {}}\n')

    with pytest.raises(UsageError, match=r"tape\.jsonl:2: not a recorded completion"):
        create_provider("replay", model="m", path=tmp_path).complete(PROMPT)


def test_replay_opens_no_socket(tmp_path, monkeypatch):
    import socket

    recorded(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", lambda *arguments: pytest.fail("a socket was opened"))
    link = create_provider("replay", model="m", path=tmp_path)

    assert complete(PROMPT, chain=[link], settings=SETTINGS).origin == "replayed"
