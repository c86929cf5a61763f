"""`trainer retrieve` through the real executable, on a project of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from servers.yahoo import Fault
from trainer import __version__

REPORT = """---
title: Overview
params: {TICKER: {required: true}}
data:
  quote: {ticker: "{TICKER}", kind: quote, max_age: 1d}
output: {sections: [Summary]}
---
Write about {TICKER}.
"""


@pytest.fixture
def tree(tmp_path: Path, server) -> Path:
    """A project whose default source is a loopback Yahoo."""
    options = f"{{base_url: '{server.url}', retries: 0, per_second: 1000}}"
    (tmp_path / "config.yaml").write_text(
        "llm_provider: {provider: draft}\n"
        f"data_retriever: {{provider: yahoo_finance, sources: {{yahoo_finance: {options}}}}}\n"
        "reports:\n"
        "  abbvie: {instruction: overview.md, params: {TICKER: ABBV}}\n"
        "  nobody: {instruction: overview.md, params: {TICKER: NOPE}}\n"
    )
    (tmp_path / "information/instructions").mkdir(parents=True)
    (tmp_path / "information/context").mkdir()
    (tmp_path / "information/instructions/overview.md").write_text(REPORT)
    (tmp_path / "prices.csv").write_text("date,price\n2024-01-02,1.5\n")
    return tmp_path


def test_one_query_prints_its_storage_key(tree, run):
    done = run(tree, "retrieve", "yahoo_finance", "ticker=ABBV", "kind=quote")

    assert (done.returncode, done.stdout, done.stderr) == (0, "yahoo_finance:ABBV:quote\n", "")


def test_without_a_source_the_configured_one_is_asked(tree, run):
    assert run(tree, "retrieve", "ticker=BFLY").stdout == "yahoo_finance:BFLY:quote\n"


def test_no_store_prints_the_data_and_keeps_nothing(tree, run):
    done = run(tree, "retrieve", "file", "path=prices.csv", "--no-store")

    assert json.loads(done.stdout) == {"records": [{"date": "2024-01-02", "price": 1.5}]}
    assert not (tree / ".trainer" / "trainer.duckdb").exists()


def test_json_is_one_document_with_data_and_version(tree, run):
    first = json.loads(run(tree, "retrieve", "ticker=ABBV", "--json").stdout)
    second = json.loads(run(tree, "retrieve", "ticker=ABBV", "--json").stdout)

    assert (first["status"], first["version"]) == ("fetched", 1)
    assert (second["status"], second["version"]) == ("unchanged", 1)
    assert first["data"] == second["data"]
    assert first["data"]["regularMarketPrice"] == 192.87
    assert first["metadata"]["subject"] == "AbbVie Inc."


def test_a_ttl_keeps_it_from_being_fetched_again_until_asked(tree, server, run):
    run(tree, "retrieve", "ticker=ABBV", "--ttl", "1d")
    again = json.loads(run(tree, "retrieve", "ticker=ABBV", "--json").stdout)
    refreshed = json.loads(run(tree, "retrieve", "ticker=ABBV", "--refresh", "--json").stdout)

    assert (again["status"], again["version"], again["data"]) == ("fresh", 1, None)
    assert refreshed["status"] == "unchanged"
    assert server.asked("/v7/finance/quote") == 2


def test_all_that_the_reports_need_is_fetched_and_failures_are_told_apart(tree, run):
    done = run(tree, "retrieve", "--all", "--json")

    assert done.returncode == 6
    assert [(each["key"], each["status"]) for each in json.loads(done.stdout)] == [
        ("yahoo_finance:ABBV:quote", "fetched"),
        ("yahoo_finance:NOPE:quote", "failed"),
    ]
    assert "yahoo_finance:NOPE:quote: Yahoo Finance has no quote for NOPE" in done.stderr
    assert "1 of 2 queries failed" in done.stderr


def test_a_rerun_asks_only_for_what_failed(tree, server, run):
    run(tree, "retrieve", "--all")
    asked = server.asked("/v7/finance/quote")

    done = run(tree, "retrieve", "--all")

    assert server.asked("/v7/finance/quote") == asked + 1
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["key", "status", "version"],
        ["yahoo_finance:ABBV:quote", "fresh", "1"],
        ["yahoo_finance:NOPE:quote", "failed", "-"],
    ]


def test_when_all_fail_the_job_failed(tree, server, run):
    server.faults[:] = [Fault(500), Fault(500)]

    assert run(tree, "retrieve", "--all").returncode == 1


def test_every_query_leaves_a_record_with_its_key_and_how_it_ended(tree, run):
    run(tree, "retrieve", "--all")

    records = json.loads(run(tree, "mart", "executions", "--json").stdout)

    queries = {each["context"]["key"]: each["status"] for each in records if "key" in (each["context"] or {})}
    assert queries == {"yahoo_finance:ABBV:quote": "success", "yahoo_finance:NOPE:quote": "fail"}


def test_the_help_of_a_source_names_what_it_can_be_asked(tree, run):
    text = " ".join(run(tree, "retrieve", "yahoo_finance", "--help").stdout.split())

    assert "ticker=ABBV The company's symbol" in text
    assert "interval=1d A row for each (kind=chart; 1m, 2m," in text
    assert 'did you mean "yahoo_finance"?' in run(tree, "retrieve", "yahoo_finanse", "--help").stderr


def test_sources_are_listed_with_their_health(tree, server, run):
    server.gives_crumb = False

    listed = json.loads(run(tree, "retrieve", "--list", "--json").stdout)

    health = {each["name"]: each["ok"] for each in listed}
    assert (health["file"], health["yahoo_finance"]) == (True, False)
    ticker = next(each for each in listed if each["name"] == "yahoo_finance")["query"][0]
    assert {name: ticker[name] for name in ("name", "required", "type", "example", "default", "choices", "kind")} == {
        "name": "ticker",
        "required": True,
        "type": "text",
        "example": "ABBV",
        "default": None,
        "choices": [],
        "kind": "",
    }
    assert f"yahoo_finance {__version__}: Yahoo Finance" in run(tree, "retrieve", "--list").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "name a query, --all or --list"),
        (("--all", "ticker=ABBV"), 2, "name a query, --all or --list"),
        (("yahoo_finanse", "ticker=ABBV"), 2, 'did you mean "yahoo_finance"?'),
        (("yahoo_finance", "tikcer=ABBV"), 2, 'did you mean "ticker"?'),
        (("yahoo_finance", "ticker"), 2, '"ticker" is not NAME=VALUE'),
        (("ticker=ABBV", "--ttl", "soon"), 2, '"soon" is not a duration'),
        (("ticker=NOPE",), 1, "Yahoo Finance has no quote for NOPE"),
        (("file", "path=../config.yaml"), 1, "../config.yaml: outside the project"),
        (("file", "path=missing.csv"), 1, "missing.csv: no such file"),
    ],
)
def test_what_is_wrong_is_told_in_one_message(tree, arguments, code, message, run):
    done = run(tree, "retrieve", *arguments)

    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_interrupt_keeps_what_was_fetched_and_waits_for_nobody(tree, server, run):
    server.slow_symbols.add("NOPE")
    command = [sys.executable, "-c", "from trainer.cli.main import main; main()", "retrieve", "--all"]
    process = subprocess.Popen(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while server.asked("/v7/finance/quote") < 2 or not server.answered:
        time.sleep(0.01)

    time.sleep(0.3)  # the first answer is on its way through a loopback socket
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=9)

    assert process.returncode == 130
    assert "interrupted; what was finished is kept" in told
    assert json.loads(run(tree, "retrieve", "ticker=ABBV", "--json").stdout)["status"] == "unchanged"


def test_every_request_to_a_service_leaves_a_record_without_the_crumb(tree, run):
    run(tree, "retrieve", "ticker=ABBV")

    listed = json.loads(run(tree, "mart", "executions", "--json").stdout)
    command = next(each["execution_id"] for each in listed if "key" not in (each["context"] or {}))
    steps = json.loads(run(tree, "mart", "show", command, "--json").stdout)["steps"]

    assert [step["attributes"]["url"].partition("?")[0].rpartition("/")[2] for step in steps] == [
        "",
        "getcrumb",
        "quote",
    ]
    assert [step["attributes"]["http_status"] for step in steps] == [404, 200, 200]
    assert "Zx9" not in json.dumps(steps)
