"""What a command imports is what it costs to start: heavy packages stay out until they are needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from servers.openai import openai_server
from trainer.cli.commands import COMMANDS

HEAVY = {
    "aiohttp",
    "duckdb",
    "jinja2",
    "jsonschema",
    "litellm",
    "markdown_it",
    "pydantic",
    "pygments",
    "rich",
    "weasyprint",
}

_PROBE = """
import json, sys
from trainer.cli.main import run
import io, contextlib
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    code = run(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]))
"""

WORK = {
    "trainer.actions.checked_answer",
    "trainer.actions.rendered_text",
    "trainer.actions.report_build",
    "trainer.checks",
    "trainer.convert.jsontext",
    "trainer.convert.repair",
    "trainer.draft.write",
    "trainer.facts",
    "trainer.mart.drainer",
    "trainer.mart.learning",
    "trainer.prompts.rendering",
    "trainer.providers.batch",
    "trainer.providers.litellm_wrapper",
    "trainer.security.completion",
    "trainer.security.detect",
    "trainer.security.pii",
    "trainer.sources.streams",
    "trainer.stores.base",
    "trainer.stores.query",
}
"""What makes and judges: hundreds of patterns and values, a third of a second to import, for a new result alone."""


def imported(folder: Path, *arguments: str) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    return code, {name for name in modules if name.startswith("trainer.")} | {name.split(".")[0] for name in modules}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("report", "--help"), ("reprot",)])
def test_help_version_and_a_misspelling_import_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    _, modules = imported(tmp_path, *arguments)

    assert modules & (HEAVY | {"msgspec", "yaml"}) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_loads_and_has_complete_help(tmp_path: Path, run, name: str) -> None:
    done = run(tmp_path, name, "--help")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: trainer {name}")
    assert "Show this message and exit." in done.stdout


def test_a_check_of_unchanged_reports_opens_neither_database_nor_model(example: Path) -> None:
    code, modules = imported(example, "report", "--check")

    assert code == 0
    assert modules & HEAVY <= {"markdown_it"}  # contexts are Markdown, and reading it takes 35 ms


def test_a_second_check_of_unchanged_reports_loads_nothing_that_makes_or_judges(example: Path) -> None:
    (example / ".trainer").mkdir()  # where nothing was ever built, nothing is kept either
    imported(example, "report", "--check")

    code, modules = imported(example, "report", "--check")

    assert code == 0
    assert modules & (HEAVY | WORK) == set()


def test_rendering_what_was_rendered_loads_nothing_that_renders(blank: Path, run) -> None:
    run(blank, "render", "overview", "-p", "NAME=Sample")
    run(blank, "render", "overview", "-p", "NAME=Sample")

    code, modules = imported(blank, "render", "overview", "-p", "NAME=Sample")

    assert code == 0
    assert modules & (HEAVY | WORK) == set()


def test_a_run_from_the_cache_loads_nothing_that_renders_asks_or_judges(blank: Path, run) -> None:
    command = ("run", "overview", "-p", "NAME=Sample")
    with openai_server() as server:
        config = f'llm_provider: {{provider: openai_compatible, model: m, api_base: "{server.url}"}}\n'
        (blank / "config.yaml").write_text(config)
        run(blank, *command)

    code, modules = imported(blank, *command)

    assert code == 0
    assert modules & (HEAVY | WORK) == set()


def test_no_file_of_the_environment_runs_code_at_start_that_nobody_asked_for() -> None:
    site = Path(next(path for path in sys.path if path.endswith("site-packages")))
    allowed = {"distutils-precedence.pth", "a1_coverage.pth"}

    unexpected = {path.name for path in site.glob("*.pth")} - allowed

    assert all("trainer_core" in name or name.startswith("_") for name in unexpected), unexpected
