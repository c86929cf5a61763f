"""The seam for checks of other packages, and what importing the room costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trainer.checks import check_completion
from trainer.checks.screen import brought, quality
from trainer.core.values import Prompt

CHECK = """
from trainer.core.values import Finding, Verdict

def no_shouting(text, *, prompt):
    found = (Finding("shouting", "warning", "not so loud"),) if "!!" in text else ()
    return Verdict(found, {"calm": 0.0 if found else 1.0})
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package as pip leaves it: a module and the line that names its check."""
    (tmp_path / "loud_package.py").write_text(CHECK, encoding="utf-8")
    folder = tmp_path / "loud_package-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: loud-package\nVersion: 1.0\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text(
        "[trainer.checks]\nshouting = loud_package:no_shouting\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    brought.cache_clear()


def test_a_check_of_another_package_runs_beside_the_others(package: None) -> None:
    verdict = check_completion("What a year!!\n", prompt=Prompt("a.md", "A", "Write."))
    brought.cache_clear()

    assert [finding.kind for finding in verdict.findings] == ["shouting"]
    assert (verdict.scores["calm"], verdict.scores["structure"]) == (0.0, 1.0)


def test_quality_is_the_weighted_mean_of_the_scored_parts() -> None:
    assert quality({"figures": 0.5, "structure": 1.0}) == 0.6429
    assert quality({}) == 1.0


def test_importing_the_room_imports_nothing_heavy() -> None:
    heavy = "'jsonschema', 'duckdb', 'jinja2', 'litellm'"
    code = f"import sys, trainer.checks; print([name for name in ({heavy}) if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
