"""A PDF that would be printed from the same page is left as it is, with `--force` too."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.core.digest import digest_bytes, pretty

OTHER = b"%PDF-1.7 as no printer of ours would write it"
CLIPPED = {"kind": "clipped", "severity": "warning", "message": "is cut off", "line": 9, "text": "Revenue"}


@pytest.fixture
def printed(blank: Path, run: Callable[..., object]) -> Path:
    """A project whose report's PDF is not what printing it again would give, as its provenance knows."""
    config = blank / "config.yaml"
    config.write_text(config.read_text().replace("[md, html]", "[md, pdf]"))
    run(blank, "report")
    _pdf(blank).write_bytes(OTHER)
    recorded = json.loads(_provenance(blank).read_text())
    (output,) = (item for item in recorded["outputs"] if item["path"].endswith(".pdf"))
    output["digest"] = digest_bytes(OTHER)
    recorded["findings"].append(CLIPPED)
    _provenance(blank).write_text(pretty(recorded))
    return blank


def _pdf(root: Path) -> Path:
    return root / "output/pdf/overview.pdf"


def _provenance(root: Path) -> Path:
    return root / "output/json/overview.json"


def test_a_forced_build_leaves_a_pdf_of_the_same_page_and_keeps_what_its_printing_told(printed: Path, run) -> None:
    before = _provenance(printed).read_bytes()

    done = run(printed, "report", "--force", "--json")

    assert done.returncode == 0, done.stderr
    assert _pdf(printed).read_bytes() == OTHER
    assert _provenance(printed).read_bytes() == before
    assert json.loads(done.stdout)[0]["changed"] == []


def test_another_page_is_printed(printed: Path, run) -> None:
    instruction = printed / "information/instructions/overview.md"
    instruction.write_text(instruction.read_text().replace('title: "', 'title: "New '))

    assert run(printed, "report").returncode == 0
    assert len(_pdf(printed).read_bytes()) > 1000
    assert CLIPPED not in json.loads(_provenance(printed).read_text())["findings"]


def test_a_pdf_that_is_not_what_was_written_is_printed(printed: Path, run) -> None:
    _pdf(printed).write_bytes(b"cut short")

    assert run(printed, "report").returncode == 0
    assert len(_pdf(printed).read_bytes()) > 1000
