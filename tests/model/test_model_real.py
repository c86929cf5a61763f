"""Reports, streams, schemas, cuts and overflows with a model that has real weights: `make model-test`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from trainer.core.errors import ProviderError
from trainer.providers import Client, Request, complete, create_provider

pytestmark = [pytest.mark.model, pytest.mark.timeout(900)]

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}, "warm": {"type": "boolean"}},
    "required": ["city", "warm"],
    "additionalProperties": False,
}
SHORT = {"temperature": 0, "max_tokens": 40, "seed": 1}


def chosen(server: str, way: str) -> list[str]:
    model = "openai/smollm2" if way == "litellm" else "smollm2"
    settings = {"provider": way, "model": model, "api_base": server, "api_key": "sk-none", "options": "{local: true}"}
    return [part for name, value in settings.items() for part in ("--set", f"llm_provider.{name}={value}")]


def made(server: str, way: str):
    model = "openai/smollm2" if way == "litellm" else "smollm2"
    return create_provider(way, model=model, api_base=server, api_key="sk-none", local=True)


@pytest.mark.parametrize("way", ["openai_compatible", "litellm"])
def test_reports_of_a_small_project_are_built(
    project: Path, trainer: Path, environment: dict[str, str], server: str, way: str
) -> None:
    command = [trainer, *chosen(server, way), "report", "--json"]
    done, again = (
        subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=600, check=False)
        for _ in range(2)
    )

    told = {report["name"]: report for report in json.loads(done.stdout)}
    statuses = {report["status"] for report in told.values()}
    # A model this small may run on until its limit, and such an answer is no whole one.
    assert statuses <= {"built", "failed", "refused"}, done.stderr
    for name, report in told.items():
        if report["status"] == "built":
            assert (project / f"output/report/{name}.md").read_text().strip()
            assert report["tokens_in"] > 50
            assert report["cost"] == 0
        else:
            assert "was cut at max_tokens (60)" in str(report["error"])
    assert {r["status"] for r in json.loads(again.stdout)} <= {"current", "failed", "refused", "built"}


@pytest.mark.parametrize("way", ["openai_compatible", "litellm"])
def test_a_stream_is_the_whole_answer(server: str, way: str) -> None:
    request = Request("Say hello in three words.", settings={**SHORT, "max_tokens": 64})
    pieces: list[str] = []
    streamed = complete(request, Client([made(server, way)]), on_text=pieces.append)
    whole = complete(request, Client([made(server, way)]))

    assert len(pieces) > 1
    assert "".join(pieces) == streamed.content == whole.content
    assert (streamed.tokens_in, streamed.tokens_out) == (whole.tokens_in, whole.tokens_out)
    assert not streamed.tokens_estimated


@pytest.mark.parametrize("way", ["openai_compatible", "litellm"])
def test_a_structured_answer_fits_its_schema(server: str, way: str) -> None:
    request = Request("Name a warm city.", settings=SHORT, schema=SCHEMA)
    provider = made(server, way)
    provider.native_schema = True

    result = complete(request, Client([provider]))

    assert set(result.metadata["json"]) == {"city", "warm"}
    assert isinstance(result.metadata["json"]["warm"], bool)


@pytest.mark.parametrize("way", ["openai_compatible", "litellm"])
def test_an_answer_that_is_cut_at_max_tokens_is_none(server: str, way: str) -> None:
    with pytest.raises(ProviderError, match=r"was cut at max_tokens \(5\)") as caught:
        complete(Request("Tell a long story.", settings={**SHORT, "max_tokens": 5}), Client([made(server, way)]))

    assert (caught.value.kind, caught.value.answer.tokens_out) == ("cut", 5)


@pytest.mark.parametrize("way", ["openai_compatible", "litellm"])
def test_a_prompt_beyond_the_window_is_told_as_that(server: str, way: str) -> None:
    with pytest.raises(ProviderError) as caught:
        complete(Request("word " * 3000, settings=SHORT), Client([made(server, way)]))

    assert caught.value.kind == "context_too_long"
    assert len(caught.value.attempts) == 1


def test_a_gguf_file_is_asked_without_a_server(weights: Path) -> None:
    local = create_provider("local", model=str(weights), context=1024, threads=2)
    request = Request("Say hello in three words.", settings={**SHORT, "max_tokens": 64})
    pieces: list[str] = []
    streamed = complete(request, Client([local]), on_text=pieces.append)

    assert "".join(pieces) == streamed.content
    assert (streamed.cost, streamed.provider, streamed.tokens_estimated) == (0.0, "local", False)
    assert local.context_window == 1024
    with pytest.raises(ProviderError) as caught:
        complete(Request("word " * 2000, settings=SHORT), Client([local]))
    assert caught.value.kind == "context_too_long"
