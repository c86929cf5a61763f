"""A person accepts findings and signs off editions; what they accepted comes back when its ground changes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer.actions.report import build_reports, check_reports
from trainer.actions.report_accept import accept_findings, review_report, revoke_acceptances
from trainer.actions.report_outcome import BuildOptions
from trainer.core.errors import UsageError
from trainer.core.project import Project, open_project

CONFIG = """
llm_provider: {provider: draft}
data_retriever: {provider: file}
reports: {north: {instruction: north.md, formats: [md, html]}}
"""
SALES = {"subject": "North", "as_of": "2026-03-31", "retrieved_at": "2026-04-01T00:00:00Z"}
DAY = datetime(2026, 4, 2, tzinfo=UTC)


def write_sales(root: Path, **data: int) -> None:
    (root / "sales.json").write_text(json.dumps({**SALES, "data": {"currency": "EUR", **data}}))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose report states a ratio that the checks do not find in its data."""
    instructions = tmp_path / "information/instructions"
    instructions.mkdir(parents=True)
    (tmp_path / "config.yaml").write_text(CONFIG)
    write_sales(tmp_path, revenue=1_250_000, employees=37)
    (instructions / "north.md").write_text(
        "---\ntitle: North\ndata: {sales: {source: file, path: sales.json}}\n"
        "output: {sections: [Revenue and employees]}\n---\nSum up.\n"
    )
    project = open_project(tmp_path, explicit=None, environ={})
    build_reports(project, (), BuildOptions())
    return project


def built(project: Project) -> str:
    (outcome,) = build_reports(project, (), BuildOptions())
    return f"{outcome.status}, {outcome.findings} findings"


def accept(project: Project, *words: str, edition: bool = False) -> None:
    accept_findings(project, "north", words, why="counted by hand", by="Ada", edition=edition, clock=lambda: DAY)


def test_an_accepted_finding_is_marked_as_such_and_no_longer_counted(project: Project) -> None:
    (finding,) = review_report(project, "north").open
    accept(project, str(finding["text"]))

    assert [str(reason) for reason in check_reports(project, ())[0].reasons] == [
        "accepted: what people accepted of it changed"
    ]
    assert built(project) == "built, 0 findings"
    text = (project.output / "report/north.md").read_text()
    assert 'accepted by Ada on 2026-04-02: counted by hand")' in text
    assert "[✓]" in text
    assert 'class="mark accepted"' in (project.output / "html/north.html").read_text()
    assert built(project).startswith("current")


def test_it_comes_back_when_the_data_behind_it_changes(project: Project) -> None:
    accept(project, "unsupported")
    built(project)

    write_sales(project.root, revenue=1_250_000, employees=37, shops=4)
    assert built(project) == "built, 1 findings"
    assert len(review_report(project, "north").open) == 1

    write_sales(project.root, revenue=1_250_000, employees=37)
    assert built(project) == "built, 0 findings"


def test_an_edition_is_signed_off_until_its_data_changes(project: Project) -> None:
    accept(project, edition=True)
    built(project)
    assert (
        'status: "Of 4 figures, 1 not verified; signed off by Ada, 2026-04-02"'
        in (project.output / "report/north.md").read_text()
    )

    write_sales(project.root, revenue=1_260_000, employees=37)
    built(project)

    assert "signed off" not in (project.output / "report/north.md").read_text()
    assert review_report(project, "north").signed_off is None


def test_what_was_accepted_can_be_taken_back(project: Project) -> None:
    text = str(review_report(project, "north").open[0]["text"])
    accept(project, text, edition=True)

    review = revoke_acceptances(project, "north", [text], edition=True)

    assert (len(review.open), review.accepted.findings, review.signed_off) == (1, (), None)
    with pytest.raises(UsageError, match="nothing like that was accepted of north"):
        revoke_acceptances(project, "north", [text])


def test_an_acceptance_needs_an_open_finding_and_a_reason(project: Project) -> None:
    with pytest.raises(UsageError, match='unknown open finding "€1"'):
        accept(project, "€1")
    with pytest.raises(UsageError, match="needs its reason"):
        accept_findings(project, "north", ["unsupported"], why=" ", by="Ada")


def test_a_broken_file_of_acceptances_is_an_error_that_names_it(project: Project) -> None:
    path = project.output / "accepted/north.json"
    path.parent.mkdir()
    path.write_text('{"findings": 1}')

    (outcome,) = check_reports(project, ())

    assert outcome.error is not None
    assert outcome.error.message.startswith("output/accepted/north.json: not a file of acceptances")
