"""Candidates of models in a project: tried, recorded with their chance, and never the reason of a rebuild."""

from __future__ import annotations

import pytest

from servers.openai import openai_server
from trainer.actions.learning import decide, identity
from trainer.actions.mart import list_executions
from trainer.actions.report import BuildOptions, build_reports
from trainer.core.project import open_project


@pytest.fixture
def project(blank):
    def opened(server_url: str = "http://127.0.0.1:9", **overrides: str):
        settings = {
            "llm_provider.provider": "openai_compatible",
            "llm_provider.api_base": server_url,
            "llm_provider.model": "base",
            "mart.explore.share": "1.0",
            "mart.explore.seed": "1",
            "mart.candidates": "{report: [{model: small}, {model: large}]}",
            "llm_provider.prices": "{small: {input: 1, output: 1}, large: {input: 1, output: 1}}",
            **overrides,
        }
        return open_project(blank, environ={}, overrides=[f"{name}={value}" for name, value in settings.items()])

    return opened


def test_the_candidate_is_asked_and_recorded_and_the_report_is_current_afterwards(project):
    with openai_server() as server:
        opened = project(server.url)
        (built,) = build_reports(opened, [], BuildOptions())
        (current,) = build_reports(opened, [], BuildOptions())

    assert (built.status, current.status) == ("built", "current")
    (item,) = [record for record in list_executions(opened, operation="report") if record.parent_id]
    assert built.model == item.context["config"]["model"] == "small"
    assert (item.context["policy"], item.context["propensity"], item.context["explored"]) == ("default", 1.0, False)


def test_a_model_that_is_named_for_this_run_is_asked(project):
    with openai_server() as server:
        opened = project(server.url)
        (built,) = build_reports(opened, [], BuildOptions(changes={"model": "mine"}))

    assert built.model == "mine"


def test_nothing_is_decided_where_nothing_is_declared(blank):
    assert decide(open_project(blank, environ={}), "report", {"instruction": "overview.md"}) is None


@pytest.mark.parametrize(
    ("environ", "actor"),
    [({"USER": "ann"}, "ann"), ({"USER": "runner", "GITHUB_ACTOR": "bob"}, "bob"), ({}, None)],
)
def test_the_actor_is_who_ci_names_else_the_user(blank, environ, actor):
    assert identity(open_project(blank, environ={}), environ).get("actor") == actor


def test_the_actor_is_the_address_that_git_knows(blank):
    (blank / ".git").mkdir()
    (blank / ".git" / "config").write_text("[core]\n\tbare = false\n[user]\n\tname = Ann\n\temail = ann@example.org\n")

    assert identity(open_project(blank, environ={}), {"USER": "runner"})["actor"] == "ann@example.org"
