"""Reports that use reports: their figures and text, the order of building, what makes them stale, circles, failures."""

import json
from pathlib import Path

import pytest

from trainer.actions.report import build_reports, check_reports
from trainer.actions.report_outcome import BuildOptions
from trainer.actions.report_plan import plan_reports
from trainer.core.errors import ConfigError
from trainer.core.project import Project, open_project

CONFIG = """
llm_provider: {provider: draft}
data_retriever: {provider: file}
reports:
  group:
    instruction: group.md
    formats: [md]
    data: {north: {report: north}}
  north:
    instruction: branch.md
    formats: [md]
"""
BRANCH = """---
title: The northern branch
data: {sales: {source: file, path: sales.json}}
output: {sections: [Revenue and employees]}
---
Sum up.
"""
SALES = {
    "subject": "Northern branch",
    "as_of": "2026-03-31",
    "retrieved_at": "2026-04-01T00:00:00Z",
    "data": {"currency": "EUR", "revenue": 1250000, "employees": 37},
}


def opened(root: Path) -> Project:
    return open_project(root, explicit=None, environ={})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    instructions = tmp_path / "information/instructions"
    instructions.mkdir(parents=True)
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "sales.json").write_text(json.dumps(SALES))
    (instructions / "branch.md").write_text(BRANCH)
    (instructions / "group.md").write_text(
        "---\ntitle: The group\noutput: {sections: [Revenue and employees]}\n---\nSum up.\n"
    )
    return tmp_path


def built(root: Path, *names: str, force: bool = False) -> dict[str, str]:
    outcomes = build_reports(opened(root), names, BuildOptions(force=force))
    return {outcome.name: outcome.status for outcome in outcomes}


def test_a_report_that_is_used_is_built_first_though_it_was_not_named(root: Path) -> None:
    assert built(root, "group") == {"group": "built", "north": "built"}

    provenance = json.loads((root / "output/json/group.json").read_text())
    block = provenance["data"][0]
    assert (block["name"], block["key"], block["source"]) == ("north", "report:north:sales", "file")
    assert block["computed_from"] == ["file:sales.json@1"]
    assert block["data"]["revenue"] == 1_250_000
    assert "report:north" in provenance["ingredients"]["contexts"]
    assert [one["support"] for one in provenance["figures"] if one["text"] == "37"] == [
        "report:north:sales@1 /employees"
    ]


def test_it_is_built_again_when_the_figures_or_the_text_of_the_other_changed(root: Path) -> None:
    built(root)
    assert [outcome.status for outcome in check_reports(opened(root), ["group"])] == ["current", "current"]

    (root / "sales.json").write_text(json.dumps({**SALES, "data": {**SALES["data"], "employees": 41}}))

    outcomes = check_reports(opened(root), ["group"])
    assert [outcome.status for outcome in outcomes] == ["stale", "stale"]
    assert "data: its report north is stale" in map(str, outcomes[0].reasons)
    assert built(root) == {"group": "built", "north": "built"}
    assert "41" in (root / "output/report/group.md").read_text()


def test_it_stays_where_the_other_was_built_to_the_same(root: Path) -> None:
    built(root)

    assert built(root, "north", force=True) == {"north": "built"}
    instruction = root / "information/instructions/branch.md"
    instruction.write_text(BRANCH.replace("Sum up.", "Sum it up."))

    assert built(root) == {"group": "current", "north": "built"}


def test_one_whose_own_report_fails_is_not_built(root: Path) -> None:
    (root / "sales.json").unlink()

    outcomes = build_reports(opened(root), [], BuildOptions())

    assert [(outcome.name, outcome.status) for outcome in outcomes] == [("group", "failed"), ("north", "failed")]
    assert outcomes[0].error is not None
    assert outcomes[0].error.message == "its report north was not built"


def test_a_circle_is_an_error_that_shows_it(root: Path) -> None:
    (root / "config.yaml").write_text(CONFIG + "    data: {group: {report: group}}\n")

    with pytest.raises(ConfigError) as caught:
        plan_reports(opened(root), ["north"], BuildOptions())

    assert caught.value.message == "reports that use one another: group -> north -> group"


def test_an_unknown_report_is_told_with_the_nearest(root: Path) -> None:
    (root / "config.yaml").write_text(CONFIG.replace("{report: north}", "{report: nroth}"))

    planned = plan_reports(opened(root), ["group"], BuildOptions())

    assert planned.errors["group"].problems[0].message == 'unknown report "nroth"'
    assert planned.errors["group"].problems[0].hint == 'did you mean "north"?'
