"""`trainer doctor` tells what is there, what is broken, and what mends it."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, Run
from trainer.actions.doctor import _EXTRAS


def diagnoses(run: Run, folder: Path, *before: str, env: dict[str, str] | None = None) -> tuple[int, dict[str, dict]]:
    done = run(folder, *before, "doctor", "--json", env=env)
    return done.returncode, {found["name"]: found for found in json.loads(done.stdout)}


def test_a_fresh_project_is_well(run: Run, blank: Path) -> None:
    code, found = diagnoses(run, blank)

    assert code == 0
    assert {name for name, one in found.items() if one["status"] != "ok"} == set()
    assert found["reports"]["detail"] == "1 configured, all instructions well"
    assert found["store"]["detail"].startswith("duckdb: 0 documents")


def test_every_extra_is_looked_for() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    assert set(declared) == set(_EXTRAS)


def test_outside_a_project_it_still_tells_of_the_machine(run: Run, tmp_path: Path) -> None:
    code, found = diagnoses(run, tmp_path)

    assert (code, found["python"]["status"], found["project"]["status"]) == (1, "ok", "error")
    assert "trainer init" in found["project"]["remedy"]


def break_instruction(project: Path) -> None:
    (project / "information" / "instructions" / "overview.md").write_text("Write about {{ nobody }}.\n")


def break_store(project: Path) -> None:
    (project / ".trainer").mkdir()
    (project / ".trainer" / "trainer.duckdb").write_bytes(b"not a database" * 1000)


@pytest.mark.parametrize(("what", "harm"), [("reports", break_instruction), ("store", break_store)])
def test_what_is_broken_is_named_and_the_rest_still_told(
    run: Run, blank: Path, what: str, harm: Callable[[Path], None]
) -> None:
    harm(blank)
    code, found = diagnoses(run, blank)

    assert (code, found[what]["status"]) == (1, "error")
    assert found["disk"]["status"] == "ok"


def test_a_model_server_that_is_away_is_a_warning_with_a_remedy(run: Run, blank: Path) -> None:
    settings = (
        "llm_provider.provider=openai_compatible", "llm_provider.model=tiny",
        "llm_provider.api_base=http://127.0.0.1:9/v1",
    )  # fmt: skip
    code, found = diagnoses(run, blank, *(part for setting in settings for part in ("--set", setting)))

    assert (code, found["model"]["status"]) == (0, "warning")
    assert "api_base" in found["model"]["remedy"]


def test_the_table_says_what_is_broken_on_stderr(run: Run, blank: Path) -> None:
    break_store(blank)
    done = run(blank, "doctor")

    assert done.returncode == 1
    assert done.stdout.startswith("what")
    assert done.stderr.startswith("error: broken: store")
