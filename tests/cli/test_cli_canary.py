"""A secret that the environment gave to the settings is found nowhere that a command writes."""

from pathlib import Path

import pytest

from servers.openai import Reply, openai_server
from servers.rest import RestServer

CANARY = "canary+KEY/98765=="
LOGIN = "canary-login-4711"
SPELLINGS = (CANARY, LOGIN, "canary%2BKEY%2F98765%3D%3D", "canary+KEY/98765%3D%3D")

CONFIG = """
llm_provider:
  provider: openai_compatible
  model: m
  api_base: "{model}"
  api_key: "${{CANARY}}"
  prices: {{m: {{input: 1, output: 1}}}}
data_retriever:
  sources:
    api:
      apis:
        echo:
          base_url: "{rest}"
          headers: {{X-Key: "${{CANARY}}"}}
          parameters: {{apikey: "${{CANARY}}", note: "${{CANARY}}"}}
        address: {{base_url: "http://user:${{LOGIN}}@127.0.0.1:9"}}
site: {{title: "All of ${{CANARY}}", url: "https://reports.example/${{CANARY}}/"}}
reports:
  one:
    instruction: one.md
    title: "Report of ${{CANARY}}"
    params: {{NOTE: "${{CANARY}}"}}
"""
INSTRUCTION = """---
title: "On {NOTE}"
params: {NOTE: {required: true}}
data: {d: {source: api, api: echo, path: /one}}
---
Write on {NOTE}.
"""


def parrot(server, seen) -> Reply:
    """Answers with all it was told, the key too."""
    return Reply(content=f"# Summary\n\nThe key is {seen.headers.get('authorization', '')}.\n")


def test_a_secret_of_the_settings_is_found_in_nothing_that_a_command_writes_or_prints(tmp_path: Path, run) -> None:
    (tmp_path / "information/instructions").mkdir(parents=True)
    (tmp_path / "information/instructions/one.md").write_text(INSTRUCTION)
    (tmp_path / "notes.json").write_text('[{"key": "nobody", "sales": 5}, {"key": "else", "sales": 7}]')
    env = {"CANARY": CANARY, "LOGIN": LOGIN}
    printed: list[str] = []
    with openai_server(parrot) as model, RestServer() as rest:
        (tmp_path / "config.yaml").write_text(CONFIG.format(model=model.url, rest=rest.url))
        for arguments in (
            ("config", "show", "--json"),
            ("config", "check"),
            ("doctor",),
            ("retrieve", "api", "api=echo", "path=/one"),
            ("retrieve", "api", "api=echo", "path=/missing"),
            ("retrieve", "api", "api=address", "path=/x"),
            ("render", "one", "-p", f"NOTE={CANARY}"),
            ("report", "--json"),
            ("report", "--check"),
            ("run", "one", "-p", f"NOTE={CANARY}", "--record", "tape.jsonl"),
            ("store", "get", "one:echo", "--json"),
            ("store", "query"),
            ("store", "export", "out.jsonl"),
            ("facts", "one:echo", "--json"),
            ("facts", "notes.json"),
            ("checks", "output/report/one.md", "--data", "one:echo", "--json"),
            ("checks", "output/report/one.md", "--data", "notes.json", "--sarif"),
            ("security", "scan", "output/report/one.md", "--json"),
            ("security", "audit", "verify"),
            ("models", "--json"),
            ("models",),
            ("ingest", "notes.json", "--json"),
            ("tables", "list", "--json"),
            ("proposals", "list", "--json"),
            ("convert", "notes.json", "-t", "markdown", "-o", "-"),
            ("retrieve", "nothing"),
            ("mart", "executions", "--json"),
            ("mart", "show"),
            ("mart", "recommend", "--json"),
            ("mart", "export", "records.jsonl"),
        ):
            done = run(tmp_path, *arguments, env=env)
            printed += [f"{arguments[0]}: {line}" for line in (done.stdout + done.stderr).splitlines()]
        assert any(CANARY in str(headers) for _, headers in rest.requests)
        assert run(tmp_path, "report", "--check", env=env).returncode == 0

    assert [line for line in printed if any(spelling in line for spelling in SPELLINGS)] == []
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 10
    assert [path for path in written if any(spelling.encode() in path.read_bytes() for spelling in SPELLINGS)] == []


@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_key_that_settings_do_not_name_is_masked_like_one_they_do(tmp_path: Path, run, place: str) -> None:
    (tmp_path / "config.yaml").write_text(
        "llm_provider: {provider: openai, model: gpt-4o, api_base: http://127.0.0.1:9/v1}"
    )
    key = "plain-words-canary"
    env = {"OPENAI_API_KEY": key} if place == "environment" else {}
    if place == "file":
        (tmp_path / ".trainer/keys").mkdir(parents=True)
        (tmp_path / ".trainer/keys/OPENAI_API_KEY").write_text(key)
        (tmp_path / ".trainer/keys/OPENAI_API_KEY").chmod(0o600)

    done = run(tmp_path, "run", "-", "--no-retry", "--debug", stdin=f"What is {key}?", env=env)

    assert done.returncode != 0
    assert key not in done.stdout + done.stderr


@pytest.mark.parametrize("form", ["json", "table", "csv", "markdown"])
def test_what_was_stored_before_it_was_a_secret_is_masked_in_every_form(tmp_path: Path, run, form: str) -> None:
    (tmp_path / "config.yaml").write_text("{}\n")
    run(tmp_path, "store", "put", "a:1", "-", stdin='{"note": "call plain-words-canary", "n": 1}')
    (tmp_path / "config.yaml").write_text("llm_provider: {provider: openai, model: m, api_key: '${MYKEY}'}\n")

    done = run(
        tmp_path,
        "store",
        "query",
        "--field",
        "data.note",
        "--field",
        "data.n",
        "--format",
        form,
        env={"MYKEY": "plain-words-canary"},
    )

    assert done.returncode == 0, done.stderr
    assert "call" in done.stdout
    assert "plain-words-canary" not in done.stdout
