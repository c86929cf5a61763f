"""What a command imports is what it costs to start: heavy packages stay out until they are needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def imported(folder: Path, *arguments: str) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    return code, set(modules)


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


def test_rendering_unchanged_data_opens_no_database(blank: Path, run) -> None:
    run(blank, "render", "overview", "-p", "NAME=Sample")

    code, modules = imported(blank, "render", "overview", "-p", "NAME=Sample")

    assert code == 0
    assert modules & HEAVY <= {"markdown_it"}  # contexts are Markdown, and reading it takes 35 ms


def test_no_file_of_the_environment_runs_code_at_start_that_nobody_asked_for() -> None:
    site = Path(next(path for path in sys.path if path.endswith("site-packages")))
    allowed = {"distutils-precedence.pth", "a1_coverage.pth"}

    unexpected = {path.name for path in site.glob("*.pth")} - allowed

    assert all("trainer_core" in name or name.startswith("_") for name in unexpected), unexpected
