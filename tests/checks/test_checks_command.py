"""`trainer checks` through the real executable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ENVELOPE = {
    "source": "test",
    "retrieved_at": "2025-02-14T21:00:02Z",
    "subject": "Acme Corp.",
    "as_of": "2025-02-14",
    "fields": {"revenue": {"title": "Revenue", "unit": "USD"}},
    "data": {"name": "Acme Corp.", "revenue": 56_334_000_000},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme.json").write_text(json.dumps(ENVELOPE), encoding="utf-8")
    (tmp_path / "notes.md").write_text("About 58 % of trials that enter phase 3 succeed.\n", encoding="utf-8")
    (tmp_path / "good.md").write_text(
        "Revenue was $56.3 billion.\n\nAbout 58 % of trials that enter phase 3 succeed.\n"
    )
    (tmp_path / "bad.md").write_text("# Acme\n\nRevenue was $57.3 billion.\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def checks(run):
    """Runs `trainer checks` in a folder."""
    return lambda folder, *arguments, stdin="": run(folder, "checks", *arguments, stdin=stdin)


def test_a_true_file_exits_0(folder: Path, checks) -> None:
    done = checks(folder, "good.md", "--data", "acme.json", "--context", "notes.md")

    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "2 figures: 1 supported, 0 derived, 1 context, 0 contradicted, 0 unsupported; quality 1.00\n",
        "",
    )


def test_a_contradicted_figure_exits_1_and_names_line_figure_and_datum(folder: Path, checks) -> None:
    done = checks(folder, "bad.md", "--data", "acme.json")

    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == (
        "bad.md:3:13: contradicted: $57.3 billion: Revenue (Acme Corp., 2025-02-14) is 56,334,000,000 USD, not $57.3 billion"  # noqa: E501
    )


def test_json_is_one_document_of_the_promised_shape(folder: Path, checks) -> None:
    document = json.loads(checks(folder, "bad.md", "--data", "acme.json", "--json").stdout)

    assert document["findings"] == [
        {
            "line": 3,
            "column": 13,
            "text": "$57.3 billion",
            "kind": "money",
            "verdict": "contradicted",
            "support": "acme.json@1 /revenue",
            "formula": "",
            "message": "Revenue (Acme Corp., 2025-02-14) is 56,334,000,000 USD, not $57.3 billion",
        }
    ]
    assert document["scores"]["figures"] == 0.0


def test_sarif_names_file_and_region(folder: Path, checks) -> None:
    document = json.loads(checks(folder, "bad.md", "--data", "acme.json", "--sarif").stdout)
    (result,) = document["runs"][0]["results"]

    assert (document["version"], result["level"], result["ruleId"]) == ("2.1.0", "error", "contradicted")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "bad.md"},
        "region": {"startColumn": 13, "startLine": 3},
    }


def test_stdin_is_read_and_unsupported_alone_exits_0(folder: Path, checks) -> None:
    done = checks(folder, "-", "--data", "acme.json", stdin="Its market share is 31.4 %.\n")

    assert (done.returncode, done.stdout.splitlines()[0].startswith("-:1:21: unsupported: 31.4 %")) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.md",), "none.md: there is no such file"),
        (("good.md", "--data", "none.json"), "no such data file: none.json"),
        (("good.md", "--context", "none.md"), "none.md: there is no such file"),
        (("good.md", "--json", "--sarif"), "--json and --sarif exclude each other"),
    ],
)
def test_wrong_usage_exits_2_with_one_message(folder: Path, arguments: tuple[str, ...], said: str, checks) -> None:
    done = checks(folder, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
