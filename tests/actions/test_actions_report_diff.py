"""Editions of a report in git, and what to do where there are none."""

import shutil
import subprocess
from pathlib import Path

import pytest

from trainer.actions.report import build_reports
from trainer.actions.report_diff import diff_page, diff_report
from trainer.actions.report_outcome import BuildOptions
from trainer.core.errors import UsageError
from trainer.core.project import Project, open_project

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="editions are compared by git")


def commit(root: Path, day: str) -> None:
    who = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "a@example.org"}
    who |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "a@example.org"}
    when = {"GIT_AUTHOR_DATE": f"{day}T12:00:00Z", "GIT_COMMITTER_DATE": f"{day}T12:00:00Z"}
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", day]):
        subprocess.run(["git", "-C", root, *command], check=True, env={"PATH": "/usr/bin:/bin", **who, **when})


def earn(project: Project, old: int, new: int) -> None:
    data = project.root / "information/data/figures.json"
    data.write_text(data.read_text().replace(f"{old}00000", f"{new}00000"))
    build_reports(project, (), BuildOptions(formats=()))


@pytest.fixture
def project(blank: Path) -> Project:
    (blank / "config.yaml").write_text((blank / "config.yaml").read_text().replace("[md, html]", "[md]"))
    project = open_project(blank, explicit=None, environ={})
    build_reports(project, (), BuildOptions())
    return project


def test_editions_are_found_by_default_by_day_and_by_name(project: Project) -> None:
    commit(project.root, "2026-01-10")
    earn(project, 396, 401)
    commit(project.root, "2026-02-10")
    earn(project, 401, 413)

    for since, before in ((None, 40.1), ("HEAD~1", 39.6), ("2026-01-31", 39.6), ("2026-02-10", 40.1)):
        changes = diff_report(project, "overview", since=since)
        figure = next(one for one in changes.figures if one.measure.startswith("Revenue") and one.kind == "changed")
        assert (figure.before, figure.after) == (f"${before:.2f} million", "$41.30 million")
        assert changes.data == (f"file:information/data/figures.json: {1 if before == 39.6 else 2} -> 3",)
    assert "41.30" in diff_page(project, changes)


@pytest.mark.parametrize(
    ("since", "message"),
    [
        (None, "git holds no other edition of overview"),
        ("gone", '--since "gone" is neither a date nor a commit'),
        ("--all", '--since "--all" is neither a date nor a commit'),
        ("2020-01-01", "there is no commit of 2020-01-01 or before"),
    ],
)
def test_an_edition_that_git_does_not_hold_is_an_error(project: Project, since: str | None, message: str) -> None:
    commit(project.root, "2026-01-10")

    with pytest.raises(UsageError) as caught:
        diff_report(project, "overview", since=since)

    assert caught.value.message == message


def test_without_git_the_error_says_how_editions_are_kept(project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        diff_report(project, "overview")

    assert "git init" in str(caught.value)
    with pytest.raises(UsageError, match='unknown report "overviev"'):
        diff_report(project, "overviev")
