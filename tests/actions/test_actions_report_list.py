"""Reports chosen by tags of their own, their instruction and their contexts, and the list with state, age and cost."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer.actions.report import build_reports, check_reports
from trainer.actions.report_list import list_reports
from trainer.actions.report_outcome import BuildOptions
from trainer.core.errors import UsageError
from trainer.core.project import Project, open_project

CONFIG = """
llm_provider: {provider: draft}
data_retriever: {provider: file}
reports:
  north: {instruction: plain.md, formats: [md], tags: [monthly, sales]}
  south: {instruction: plain.md, formats: [md], tags: [yearly]}
  staff: {instruction: tagged.md, formats: [md]}
  broken: {instruction: gone.md, formats: [md], tags: [monthly]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    instructions, contexts = tmp_path / "information/instructions", tmp_path / "information/context"
    instructions.mkdir(parents=True)
    contexts.mkdir(parents=True)
    (tmp_path / "config.yaml").write_text(CONFIG)
    (instructions / "plain.md").write_text("# Sales\n\nSay what is there.\n")
    (instructions / "tagged.md").write_text(
        "---\ntitle: Staff\ntags: [people]\ncontexts: [law.md]\n---\nSay who is there.\n"
    )
    (contexts / "law.md").write_text("---\ntags: [legal]\n---\n# Law\n\nNobody works on Sundays.\n")
    return open_project(tmp_path, explicit=None, environ={})


def chosen(project: Project, *tags: str, names: tuple[str, ...] = ()) -> list[str]:
    return [listing.name for listing in list_reports(project, names, tags=tags)]


def test_a_tag_may_be_the_reports_own_its_instructions_or_its_contexts(project: Project) -> None:
    assert chosen(project, "monthly") == ["north", "broken"]
    assert chosen(project, "people") == ["staff"]
    assert chosen(project, "legal") == ["staff"]


def test_several_tags_select_the_reports_of_any_and_names_narrow_them(project: Project) -> None:
    assert chosen(project, "people", "sales") == ["north", "staff"]
    assert chosen(project, "monthly", names=("n*",)) == ["north"]


def test_a_tag_that_nothing_has_is_an_error_with_the_nearest(project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(project, "montly")

    assert (caught.value.problems[0].message, caught.value.problems[0].hint) == (
        'unknown tag "montly" among the 4 reports to choose from',
        'did you mean "monthly"?',
    )


def test_only_the_tagged_reports_are_built_and_checked(project: Project) -> None:
    outcomes = build_reports(project, (), BuildOptions(tags=("yearly", "people")))

    assert [(outcome.name, outcome.status) for outcome in outcomes] == [("south", "built"), ("staff", "built")]
    assert [outcome.status for outcome in check_reports(project, (), tags=["yearly"])] == ["current"]
    assert not (project.output / "report/north.md").exists()


def test_the_list_says_state_age_cost_and_findings(project: Project) -> None:
    (project.root / "config.yaml").write_text(
        CONFIG.replace("tags: [yearly]", "tags: [yearly], data: {sales: {source: file, path: sales.json}}")
    )
    (project.root / "sales.json").write_text('{"retrieved_at": "2026-03-01T00:00:00Z", "data": {"revenue": 12}}')
    project = open_project(project.root, explicit=None, environ={})
    build_reports(project, ("south", "staff"), BuildOptions())
    (project.instructions / "tagged.md").write_text("Say who was there.\n")
    project = open_project(project.root, explicit=None, environ={})

    listed = list_reports(project, (), clock=lambda: datetime(2026, 3, 11, tzinfo=UTC))

    assert [(one.name, one.state, one.cost, one.findings) for one in listed] == [
        ("north", "new", None, None),
        ("south", "current", 0.0, 0),
        ("staff", "stale", 0.0, 0),
        ("broken", "failed", None, None),
    ]
    assert [one.age_days for one in listed] == [None, 10, None, None]
    assert listed[3].error is not None
