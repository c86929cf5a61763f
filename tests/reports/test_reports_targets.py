"""Targets beside one another, and what is told after a build."""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path

import pytest


def add(folder: Path, text: str) -> None:
    config = folder / "config.yaml"
    config.write_text(config.read_text() + text)


def test_a_target_writes_into_its_own_folder_and_makes_nothing_stale(blank: Path, run) -> None:
    add(blank, "targets:\n  dev:\n    site: {folder: preview}\n    reports: {overview: {formats: [md]}}\n")
    assert run(blank, "report").returncode == 0

    done = run(blank, "report", "--target", "dev", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["outputs"] == ["preview/report/overview.md"]
    assert run(blank, "report", "--check").returncode == 0
    assert run(blank, "report", "--check", env={"TRAINER_TARGET": "dev"}).returncode == 0


def test_a_folder_outside_of_the_project_is_refused(blank: Path, run) -> None:
    done = run(blank, "--set", "site.folder=../elsewhere", "report")

    assert done.returncode == 2
    assert "site.folder lies outside the project: ../elsewhere" in done.stderr


def test_config_check_tells_what_is_wrong_with_every_target(blank: Path, run) -> None:
    add(blank, "targets:\n  a: {llm_provider: {modell: x}}\n  b: {reports: {overview: {instruction: none.md}}}\n")

    done = run(blank, "config", "check")

    assert done.returncode == 2
    assert 'unknown key "llm_provider.modell"' in done.stderr
    assert 'unknown instruction "none.md"' in done.stderr


def test_a_hook_is_told_what_was_built_and_only_that(blank: Path, run) -> None:
    command = "hooks.after_build.command=[sh, -c, 'cat >> told.json']"

    built = run(blank, "--set", command, "report")
    again = run(blank, "--set", command, "report")

    assert (built.returncode, again.returncode) == (0, 0)
    told = json.loads((blank / "told.json").read_text())
    assert (told["event"], told["project"], told["target"], told["count"]) == ("build", blank.name, None, 1)
    assert (told["items"][0]["name"], told["items"][0]["status"]) == ("overview", "built")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("[sh, -c, 'echo no room >&2; exit 3']", "hooks.after_build.command ended with 3: no room"),
        ("[no-such-program]", "hooks.after_build.command could not be run"),
    ],
)
def test_a_hook_that_fails_leaves_the_reports_and_says_so(blank: Path, run, command: str, message: str) -> None:
    done = run(blank, "--set", f"hooks.after_build.command={command}", "report")

    assert done.returncode == 6
    assert message in done.stderr
    assert (blank / "output/report/overview.md").is_file()


def test_a_webhook_gets_the_same(blank: Path, run) -> None:
    bodies: list[bytes] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/built"
        done = run(blank, "--set", f"hooks.after_build.webhook={url}", "report")
    finally:
        server.shutdown()
        server.server_close()

    assert done.returncode == 0, done.stderr
    assert json.loads(bodies[0])["items"][0]["status"] == "built"
