"""A build that is killed at any moment loses nothing and pays nothing twice but what was in flight."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from servers.openai import OpenAIServer, openai_server
from trainer.reports import read_provenance

REPORTS = 20
AT_ONCE = 4


def project(folder: Path, server: OpenAIServer) -> Path:
    text = (folder / "config.yaml").read_text().partition("reports:")[0]
    model = f"""llm_provider:
  provider: openai_compatible
  model: stub
  api_base: {server.url}
  concurrency: {AT_ONCE}
reports:
  overview-{{NAME}}:
    instruction: overview.md
    matrix: {{NAME: [{", ".join(f"Company {number}" for number in range(REPORTS))}]}}
    formats: [md, html]
"""
    kept = text.partition("llm_provider:")[0] + "data_retriever: {provider: file}\n"
    (folder / "config.yaml").write_text(kept + model)
    return folder


@pytest.mark.parametrize("kills", [pytest.param(50, marks=pytest.mark.soak), 6])
def test_killed_builds_leave_whole_files_and_pay_only_for_calls_in_flight(
    blank: Path, environment: dict[str, str], trainer: Path, run, kills: int
) -> None:
    dice = random.Random(7)
    with openai_server(latency=0.05) as server:
        project(blank, server)
        for _ in range(kills):
            process = subprocess.Popen(
                [trainer, "report", "--force"],
                cwd=blank,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(dice.uniform(0.1, 2.0))
            process.send_signal(signal.SIGKILL)
            process.wait()
            _assert_whole(blank)
        done = run(blank, "report", "--json")

        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)) == REPORTS
        assert run(blank, "report", "--check").returncode == 0
        assert server.completed <= REPORTS + kills * AT_ONCE
        prompts = [json.dumps(seen.body["messages"]) for seen in server.requests]
        assert len(set(prompts)) == REPORTS


def test_an_interrupt_keeps_what_was_finished(blank: Path, environment: dict[str, str], trainer: Path) -> None:
    with openai_server(latency=0.5) as server:
        project(blank, server)
        process = subprocess.Popen(
            [trainer, "report"], cwd=blank, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while server.completed < 2 * AT_ONCE:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        paid = server.completed

        subprocess.run([trainer, "report"], cwd=blank, env=environment, capture_output=True, check=True)

        assert process.returncode == 130
        assert "error: interrupted; what was finished is kept\n" in said
        assert paid >= 2 * AT_ONCE
        assert server.completed <= REPORTS + AT_ONCE


def test_an_interrupt_does_what_is_to_be_done_at_the_end_and_takes_nothing_apart(environment: dict[str, str]) -> None:
    """Python's own end is half of what an interrupt takes, and more where others compete for the processor."""
    script = """
import atexit
from trainer.cli import main as door
class Part:
    def __del__(self):
        print("taken apart")
part = Part()
atexit.register(print, "closed")
door.run = lambda *_, **__: door.INTERRUPTED
door.main(["report"])
"""
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "closed\n", "")


def test_the_command_is_a_module_too(environment: dict[str, str]) -> None:
    asked = [sys.executable, "-m", "trainer", "--version"]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("trainer ")


def _assert_whole(folder: Path) -> None:
    for path in (folder / "output").rglob("*"):
        if path.suffix == ".html":
            assert path.read_text().rstrip().endswith("</html>"), path
        if path.suffix == ".json":
            assert read_provenance(path) is not None, path
        if path.suffix == ".md":
            assert path.read_text().endswith("\n"), path
