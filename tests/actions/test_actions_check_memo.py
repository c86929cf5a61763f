"""A check that remembers what was up to date tells the same as one that reads everything."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trainer.actions.check_memo import memo_path
from trainer.actions.digest_memo import CheckMemo
from trainer.actions.report import build_reports, check_reports
from trainer.actions.report_outcome import BuildOptions, ReportOutcome
from trainer.core.project import Project, open_project

CONFIG = """
llm_provider: {provider: draft}
data_retriever: {provider: file}
reports:
  north: {instruction: sales.md, formats: [md, html], params: {PLACE: north}}
  south: {instruction: sales.md, formats: [md, html], params: {PLACE: south}}
  both: {instruction: both.md, formats: [md]}
"""
SALES = """---
title: "{PLACE}"
params: {PLACE: {required: true}}
contexts: ["{PLACE}.md"]
data: {sales: {source: file, path: "data/{PLACE}.json"}}
---
Say what was sold.
"""
BOTH = "---\ndata: {north: {report: north}}\n---\nSay what was sold in the north.\n"


def later() -> datetime:
    """A time at which every file has long been as it is."""
    return datetime.now(UTC) + timedelta(hours=1)


def opened(root: Path) -> Project:
    return open_project(root, explicit=None, environ={})


def check(root: Path) -> list[ReportOutcome]:
    return check_reports(opened(root), (), clock=later)


def told(outcomes: list[ReportOutcome]) -> list[dict[str, object]]:
    return [outcome.as_json() for outcome in outcomes]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """The root of a project whose reports are built and were checked."""
    for name, text in {"config.yaml": CONFIG}.items():
        (tmp_path / name).write_text(text)
    for folder, texts in {
        "information/instructions": {"sales.md": SALES, "both.md": BOTH},
        "information/context": {"north.md": "# North\n\nIt is cold.\n", "south.md": "# South\n\nIt is warm.\n"},
        "data": {f"{place}.json": '{"data": {"revenue": 12}, "retrieved_at": "2026-03-01T00:00:00Z"}'
                 for place in ("north", "south")},
    }.items():  # fmt: skip
        (tmp_path / folder).mkdir(parents=True)
        for name, text in texts.items():
            (tmp_path / folder / name).write_text(text)
    build_reports(opened(tmp_path), (), BuildOptions())
    check(tmp_path)
    return tmp_path


def edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    """Writes over a file and puts back the time of its last write."""

    def change(root: Path) -> None:
        file = root / path
        times = file.stat()
        text = file.read_text()
        assert old in text
        file.unlink()
        file.write_text(text.replace(old, new))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    return change


def accept(root: Path) -> None:
    (root / "output/accepted").mkdir()
    finding = '{"basis": "b", "what": "w", "by": "n", "on": "2026-03-01", "why": "y"}'
    (root / "output/accepted/north.json").write_text(f'{{"findings": [{finding}], "editions": []}}')


def test_what_was_up_to_date_is_remembered_with_all_that_is_told_of_it(built: Path) -> None:
    warm = check(built)
    assert sorted(CheckMemo.read(memo_path(opened(built))).reports) == ["both", "north", "south"]
    memo_path(opened(built)).unlink()

    assert told(warm) == told(check(built))
    assert [outcome.status for outcome in warm] == ["current"] * 3
    assert (len(warm[0].outputs), len(warm[0].sources), warm[0].model) == (2, 1, "draft")


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        (edit("information/instructions/sales.md", "sold", "lost"), ["both", "north", "south"]),
        (edit("information/context/south.md", "warm", "mild"), ["south"]),
        (edit("data/north.json", "12", "13"), ["both", "north"]),
        (edit("output/html/south.html", "/revenue<", "/REVENUE<"), ["south"]),
        (edit("output/json/south.json", '"PLACE": "south"', '"PLACE": "SOUTH"'), ["south"]),
        (edit("config.yaml", "PLACE: south", "PLACE: north"), ["south"]),
        (edit("config.yaml", "[md, html], params: {PLACE: south", "[md], params: {PLACE: south"), ["south"]),
        (edit("config.yaml", "provider: draft}", "provider: draft, temperature: 0.5}"), ["both", "north", "south"]),
        (lambda root: (root / "output/report/both.md").unlink(), ["both"]),
        (lambda root: (root / "output/json/both.json").unlink(), ["both"]),
        (accept, ["both", "north"]),
    ],
)
def test_every_change_is_told_as_without_the_memo(
    built: Path, change: Callable[[Path], None], stale: list[str]
) -> None:
    change(built)
    warm = check(built)
    memo_path(opened(built)).unlink()

    assert told(warm) == told(check(built))
    assert sorted(outcome.name for outcome in warm if outcome.status == "stale") == stale


def test_a_file_that_has_only_just_changed_is_read_at_the_next_check_too(built: Path) -> None:
    memo_path(opened(built)).unlink()
    check_reports(opened(built), ())

    assert CheckMemo.read(memo_path(opened(built))).reports == {}


@pytest.mark.parametrize("content", ["", "[]", '{"version": "0", "reports": {"north": {}}}'])
def test_a_memo_that_is_broken_or_of_another_version_is_made_anew(built: Path, content: str) -> None:
    right = memo_path(opened(built)).read_text()
    memo_path(opened(built)).write_text(content)
    check(built)

    assert memo_path(opened(built)).read_text() == right


def test_a_removed_report_is_forgotten_by_a_check_of_all(built: Path) -> None:
    (built / "config.yaml").write_text(CONFIG.replace("  south", "  east"))
    check(built)

    assert sorted(CheckMemo.read(memo_path(opened(built))).reports) == ["both", "north"]
