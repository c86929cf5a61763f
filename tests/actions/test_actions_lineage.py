"""Back from a report to its data, and forward from a datum to what it went into."""

from __future__ import annotations

import pytest

from trainer.actions.lineage import Lineage, Uses, lineage
from trainer.actions.report import BuildOptions, build_reports
from trainer.core.errors import UsageError
from trainer.core.project import open_project


@pytest.fixture
def project(blank):
    opened = open_project(blank, environ={})
    build_reports(opened, [], BuildOptions())
    return opened


def test_a_report_is_traced_back_and_its_data_forward(project):
    back = lineage(project, "overview")
    assert isinstance(back, Lineage)
    (key,) = back.data
    forward = lineage(project, key.rpartition("@")[0])
    exactly = lineage(project, key)

    assert (back.instruction, back.completion["model"], len(back.builds)) == ("overview.md", "draft", 1)
    assert set(back.outputs) == {"output/report/overview.md", "output/html/overview.html"}
    assert isinstance(forward, Uses)
    assert forward.reports == ("overview@1",)
    assert forward.outputs == tuple(back.outputs)
    assert [record.execution_id for record in forward.executions] == [back.builds[0].execution_id]
    assert exactly.executions == forward.executions


def test_what_is_not_known_is_told_with_the_nearest_name(project):
    with pytest.raises(UsageError) as refused:
        lineage(project, "overviw")

    assert "overview" in refused.value.hint
