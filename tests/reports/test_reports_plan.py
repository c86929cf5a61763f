"""Whether a report is stale, and because of which ingredient."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trainer.core.digest import digest_bytes
from trainer.reports import Ingredients, Plan, Provenance, ReportSpec, Written, output_paths, plan_report

SPEC = ReportSpec("alpha", "alpha", "overview.md", formats=("markdown", "html"))
NOW = Ingredients(
    instruction="i1",
    params={"A": 1, "B": "two"},
    contexts={"a.md": "c1", "b.md": "c2"},
    data={"quote": "d1", "live": "d2"},
    model={"provider": "draft", "seed": None},
    checks={"policy": "warn"},
    theme="t1",
    formats=("markdown", "html"),
    title=None,
    program={"report": 1},
)


@pytest.fixture
def built(tmp_path: Path) -> Provenance:
    """The provenance of the report as it was just built, its files beside it."""
    outputs = []
    for kind, path in output_paths(tmp_path / "output", SPEC).items():
        path.parent.mkdir(parents=True)
        path.write_text(kind)
        outputs.append(Written(path.relative_to(tmp_path).as_posix(), digest_bytes(kind.encode())))
    return Provenance(
        report="alpha",
        title="Alpha",
        date=None,
        ingredients=NOW.recorded({"quote": "d1", "live": "d2"}),
        params={},
        data=(),
        prompt={},
        completion={},
        findings=(),
        scores={},
        outputs=tuple(outputs),
    )


@pytest.fixture
def reasons(tmp_path: Path) -> Callable[..., list[str]]:
    def find(now: Ingredients, recorded: Provenance | None, spec: ReportSpec = SPEC) -> list[str]:
        plan = plan_report(spec, now=now, recorded=recorded, root=tmp_path, output=tmp_path / "output")
        assert plan.stale == bool(plan.reasons)
        return [str(reason) for reason in plan.reasons]

    return find


def test_what_was_just_built_is_up_to_date(built: Provenance, reasons) -> None:
    assert reasons(NOW, built) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"instruction": "i2"}, ["instruction: its file changed"]),
        ({"params": {"A": 2, "B": "two"}}, ["params: A was 1, is 2"]),
        ({"params": {"A": "1", "B": "two"}}, ["params: A was 1, is '1'"]),
        ({"params": {"A": True, "B": "two"}}, ["params: A was 1, is True"]),
        ({"params": {"B": "two", "C": 3}}, ["params: A is gone", "params: C is new"]),
        ({"contexts": {"a.md": "c9", "b.md": "c2"}}, ["contexts: a.md changed"]),
        ({"contexts": {"a.md": "c1", "z.md": "c2"}}, ["contexts: b.md is gone", "contexts: z.md is new"]),
        ({"data": {"quote": "d9", "live": "d2"}}, ["data: quote changed"]),
        ({"data": {"quote": "d1"}}, ["data: live is gone"]),
        ({"data": {"quote": "d1", "live": None}}, []),
        ({"data": {"quote": "d1", "live": "d2", "new": None}}, ["data: new is new"]),
        ({"model": {"provider": "openai", "seed": None}}, ["model: provider was 'draft', is 'openai'"]),
        ({"model": {"provider": "draft", "seed": 0}}, ["model: seed was None, is 0"]),
        ({"checks": {"policy": "block"}}, ["checks: policy was 'warn', is 'block'"]),
        ({"theme": "t2"}, ["theme: template or stylesheet changed"]),
        ({"formats": ("markdown",)}, ["formats: asked for markdown"]),
        ({"title": "New"}, ["title: its title changed"]),
        ({"program": {"report": 2}}, ["program: report was 1, is 2"]),
    ],
)
def test_each_ingredient_that_changed_is_named(
    built: Provenance, reasons, change: dict[str, Any], told: list[str]
) -> None:
    assert reasons(replace(NOW, **change), built) == told


def test_all_that_changed_is_told_at_once(built: Provenance, reasons) -> None:
    now = replace(NOW, instruction="i2", theme="t2", title="New")

    assert [reason.partition(":")[0] for reason in reasons(now, built)] == ["instruction", "theme", "title"]


def test_the_order_of_names_is_no_change(built: Provenance, reasons) -> None:
    now = replace(NOW, params=dict(reversed(NOW.params.items())), data=dict(reversed(NOW.data.items())))

    assert reasons(now, built) == []


def test_a_report_never_built_or_of_another_layout_is_stale(built: Provenance, reasons) -> None:
    told = ["missing: it was never built, or its provenance cannot be read"]

    assert reasons(NOW, None) == told
    assert reasons(NOW, replace(built, schema=0)) == told


def test_a_provenance_that_names_no_ingredients_makes_all_of_them_new(built: Provenance, reasons) -> None:
    found = {reason.partition(":")[0] for reason in reasons(NOW, replace(built, ingredients={}))}

    assert found == {"instruction", "params", "contexts", "data", "model", "checks", "theme", "formats", "program"}


def test_a_file_that_is_gone_or_edited_makes_its_report_stale(built: Provenance, reasons, tmp_path: Path) -> None:
    (tmp_path / "output/report/alpha.md").unlink()
    (tmp_path / "output/html/alpha.html").write_text("edited")

    assert reasons(NOW, built) == [
        "missing: output/report/alpha.md does not exist",
        "output: output/html/alpha.html is not what was written: it was edited, or a build was cut short",
    ]


def test_markdown_is_always_among_the_files(tmp_path: Path) -> None:
    spec = ReportSpec("a", "a", "i.md", formats=("latex", "docx", "pdf"))

    found = {kind: path.relative_to(tmp_path).as_posix() for kind, path in output_paths(tmp_path, spec).items()}

    assert found == {"markdown": "report/a.md", "latex": "latex/a.tex", "docx": "docx/a.docx", "pdf": "pdf/a.pdf"}


def test_a_plan_without_reasons_is_not_stale() -> None:
    assert Plan(SPEC).stale is False
