"""What is stored answers without a network, and says so where it is too old: through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from servers.rest import RestServer

BODY = {"records": [{"year": year, "revenue": 100 + year - 2020} for year in range(2020, 2025)]}
NOTICE = "> **Some data was out of date when this was built, because its source did not answer:**"


@pytest.fixture
def server():
    with RestServer() as running:
        running.body = BODY
        yield running


@pytest.fixture
def live(blank: Path, server: RestServer):
    """The project with its data from the server; `live(max_age)` says for how long it is fresh."""

    def write(max_age: str) -> Path:
        api = f"{{retries: 0, timeout: 5, apis: {{shop: {{base_url: {server.url}}}}}}}"
        config = blank / "config.yaml"
        config.write_text(
            "data_retriever: {sources: {api: " + api + "}}\n"
            "reports:\n  overview: {instruction: overview.md, params: {NAME: Shop}, formats: [md]}\n"
        )
        instruction = blank / "information/instructions/overview.md"
        text = instruction.read_text()
        line = next(line for line in text.splitlines() if "figures:" in line)
        query = f"  figures: {{source: api, api: shop, path: /given, max_age: {max_age}}}"
        instruction.write_text(text.replace(line, query))
        return blank

    return write


def stop(server: RestServer) -> None:
    server._server.shutdown()
    server._server.server_close()
    server._server.shutdown = server._server.server_close = lambda: None


def built(folder: Path, run, *arguments: str, exit_code: int = 0):
    done = run(folder, "report", "--json", *arguments)
    assert done.returncode == exit_code, done.stderr
    return json.loads(done.stdout)[0], done.stderr


def page(folder: Path) -> str:
    return (folder / "output/report/overview.md").read_text()


def test_what_is_stored_and_fresh_is_not_fetched_again(live, server, run):
    folder = live("1d")
    built(folder, run)
    built(folder, run, "--force")
    done = run(folder, "render", "overview", "-p", "NAME=Shop")

    assert done.returncode == 0
    assert server.paths == ["/given"]


def test_offline_the_store_answers_to_the_same_bytes_and_nothing_is_asked(live, server, run, tree):
    folder = live("0s")  # always too old, so that only --offline keeps it from being fetched
    built(folder, run)
    online = tree(folder / "output")
    prompt = run(folder, "render", "overview", "-p", "NAME=Shop").stdout
    asked = len(server.paths)

    built(folder, run, "--offline", "--force")
    rendered = run(folder, "render", "overview", "-p", "NAME=Shop", "--offline").stdout

    assert tree(folder / "output") == online
    assert rendered == prompt
    assert len(server.paths) == asked


def test_offline_what_was_never_fetched_is_an_error_that_says_what_to_do(live, run):
    done = run(live("1d"), "report", "--offline")

    assert done.returncode == 1
    assert "run it once without --offline" in done.stderr


def test_old_data_of_a_source_that_is_down_is_used_and_marked_everywhere(live, server, run):
    folder = live("0s")
    built(folder, run)
    fresh = page(folder)
    stop(server)

    outcome, told = built(folder, run, "--force")

    day = json.loads((folder / "output/json/overview.json").read_text())["data"][0]["stale_since"]
    assert outcome["status"] == "built"
    assert "is used" in told
    assert f"{NOTICE}\n>\n> - figures (api): as of {day[:10]}\n" in page(folder)
    assert NOTICE not in fresh
    findings = json.loads((folder / "output/json/overview.json").read_text())["findings"]
    assert [finding["severity"] for finding in findings if finding["kind"] == "stale_data"] == ["warning"]

    check = run(folder, "report", "--check")
    assert check.returncode == 3
    assert "figures was out of date" in check.stdout


def test_the_mark_goes_once_the_source_answers_again_though_the_data_is_the_same(live, server, run):
    folder = live("0s")
    built(folder, run)
    fresh = page(folder)
    config = folder / "config.yaml"
    right = config.read_text()
    config.write_text(right.replace(server.url, "http://127.0.0.1:9"))
    built(folder, run, "--force")
    marked = page(folder)
    built(folder, run, "--offline", "--force")
    offline = page(folder)
    config.write_text(right)

    outcome, _ = built(folder, run)

    assert NOTICE in marked
    assert offline == marked  # nobody has confirmed it since
    assert outcome["status"] == "built"
    assert page(folder) == fresh
    assert built(folder, run, "--check")[0]["status"] == "current"


def test_a_project_may_rather_fail_than_use_old_data_and_keeps_its_former_report(live, server, run):
    folder = live("0s")
    built(folder, run)
    fresh = page(folder)
    stop(server)

    done = run(folder, "--set", "data_retriever.when_down=fail", "report", "--force")

    assert done.returncode == 1
    assert page(folder) == fresh


def test_a_source_that_is_down_does_no_harm_while_its_stored_data_is_fresh(live, server, run):
    folder = live("1d")
    built(folder, run)
    stop(server)

    built(folder, run, "--force")

    assert NOTICE not in page(folder)
