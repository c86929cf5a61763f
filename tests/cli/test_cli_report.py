import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import copy_example

Tree = Callable[[Path], dict[str, bytes]]


def test_the_committed_example_is_up_to_date_without_a_store(example: Path, run) -> None:
    done = run(example, "report", "--check")

    assert (done.returncode, done.stderr) == (0, "")
    assert not (example / ".trainer" / "trainer.duckdb").exists()


def test_a_forced_build_of_the_example_gives_the_committed_bytes(example: Path, run, tree: Tree) -> None:
    before = tree(example)

    done = run(example, "report", "--all", "--force")

    assert done.returncode == 0, done.stderr
    assert tree(example) == before
    assert "abbvie" in done.stdout
    assert "output/html/abbvie.html" in done.stdout


def test_a_second_run_does_nothing_and_writes_nothing(blank: Path, run, tree: Tree) -> None:
    assert run(blank, "report").returncode == 0
    before = tree(blank)
    stamps = {path: path.stat().st_mtime_ns for path in (blank / "output").rglob("*")}

    done = run(blank, "report", "--json")

    assert done.returncode == 0
    assert [report["status"] for report in json.loads(done.stdout)] == ["current"]
    assert tree(blank) == before
    assert {path: path.stat().st_mtime_ns for path in (blank / "output").rglob("*")} == stamps


def test_every_figure_of_the_abbvie_report_is_traceable(example: Path) -> None:
    provenance = json.loads((example / "output/json/abbvie.json").read_text())

    keys = {(block["key"], block["version"]) for block in provenance["data"]}
    blocks = {block["name"]: block["data"] for block in provenance["data"]}
    text = (example / "output/report/abbvie.md").read_text()
    annual = "file:information/data/ABBV-annual-report.json"
    assert keys == {("file:ABBV:summary", 1), ("file:ABBV:fundamentals", 1), (annual, 1)}
    assert provenance["scores"]["figures"] == 1.0
    assert "$356.7 billion" in text
    assert 356_741_939_200 in _numbers(blocks)
    assert not [each for each in provenance["findings"] if each["kind"] in ("contradicted", "unsupported")]


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


EDITS: dict[str, tuple[Callable[[Path], None], set[str], str]] = {
    "a context": (
        lambda root: _edit(root / "information/context/biotech/07-risks.md", "#", "# Revised:"),
        {"abbvie", "butterfly", "peer-comparison"},
        "contexts: biotech/07-risks.md changed",
    ),
    "a parameter": (
        lambda root: _edit(root / "config.yaml", "COMPANY_NAME: AbbVie}", "COMPANY_NAME: AbbVie Inc}"),
        {"abbvie"},
        "params: COMPANY_NAME was 'AbbVie', is 'AbbVie Inc'",
    ),
    "a datum": (
        lambda root: _edit(root / "information/data/BFLY-fundamentals.json", '"totalRevenue": 1', '"totalRevenue": 2'),
        {"butterfly"},
        "data: fundamentals changed",
    ),
    "the instruction": (
        lambda root: _edit(root / "information/instructions/biotech/metrics-table.md", "Use only", "Only use"),
        {"metrics-table"},
        "instruction: its file changed",
    ),
    "the theme": (
        lambda root: _write(root / "information/css/own.css", "h1 { color: red }"),
        {"abbvie", "butterfly", "metrics-table", "peer-comparison"},
        "theme: template or stylesheet changed",
    ),
    "the model": (
        lambda root: _edit(root / "config.yaml", "formats: [md, html]", "formats: [md, html]\n    model: {seed: 1}"),
        {"abbvie"},
        "model: seed is new",
    ),
    "an output": (
        lambda root: _edit(root / "output/report/abbvie.md", "$356.7 billion", "$365.7 billion"),
        {"abbvie"},
        "output: output/report/abbvie.md is not what was written",
    ),
    "a missing output": (
        lambda root: (root / "output/pdf/butterfly.pdf").unlink(),
        {"butterfly"},
        "missing: output/pdf/butterfly.pdf does not exist",
    ),
    "the formats": (
        lambda root: _edit(root / "config.yaml", "formats: [md, html]", "formats: [md]"),
        {"abbvie"},
        "formats: asked for markdown",
    ),
    "the provenance": (
        lambda root: (root / "output/json/abbvie.json").write_text("{broken"),
        {"abbvie"},
        "missing: it was never built, or its provenance cannot be read",
    ),
}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory, fork_server, environment: dict[str, str]) -> Path:
    """The example without PDFs, which take most of a build's time; to be copied."""
    folder = copy_example(tmp_path_factory.mktemp("pages"))
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("[md, html, pdf]", "[md, html]"))
    for arguments in (("report",), ("report", "--prune")):
        assert fork_server.run(arguments, cwd=folder, env=environment).returncode == 0
    return folder


@pytest.mark.parametrize("what", EDITS)
def test_after_an_edit_exactly_the_reports_made_from_it_are_stale_and_rebuilt(
    request: pytest.FixtureRequest, tmp_path: Path, run, tree: Tree, what: str
) -> None:
    if what == "a missing output":  # a PDF
        example = copy_example(tmp_path)
    else:
        example = shutil.copytree(request.getfixturevalue("pages"), tmp_path / "example")
    edit, stale, reason = EDITS[what]
    edit(example)

    checked = run(example, "report", "--check", "--json")
    outcomes = {report["name"]: report for report in json.loads(checked.stdout)}
    assert checked.returncode == 3
    assert {name for name, report in outcomes.items() if report["status"] == "stale"} == stale
    told = [f"{each['ingredient']}: {each['detail']}" for name in stale for each in outcomes[name]["reasons"]]
    assert any(line.startswith(reason) for line in told), told

    before = tree(example)
    built = run(example, "report", "--overwrite", "--json")
    assert built.returncode == 0, built.stderr
    run(example, "report", "--prune")
    assert {report["name"] for report in json.loads(built.stdout) if report["status"] == "built"} == stale
    assert run(example, "report", "--check").returncode == 0
    changed = {path for path, content in tree(example).items() if before.get(path) != content}
    assert {re.split(r"[/.]", path)[-2] for path in changed if path != "output/index.html"} <= stale


def test_offline_builds_by_draft_and_a_second_offline_run_does_nothing(blank: Path, run) -> None:
    settings = ("provider=openai", "model=gpt-4o", "api_key=k")
    model = [part for setting in settings for part in ("--set", f"llm_provider.{setting}")]

    first = run(blank, *model, "report", "--offline", "--json")
    second = run(blank, *model, "report", "--offline", "--json")

    assert [(report["status"], report["provider"]) for report in json.loads(first.stdout)] == [("built", "draft")]
    assert [report["status"] for report in json.loads(second.stdout)] == ["current"]
    assert run(blank, *model, "report", "--check").returncode == 3


def test_a_matrix_makes_a_report_for_each_combination(blank: Path, run) -> None:
    _edit(blank / "config.yaml", "  overview:", "  overview-{NAME}:")
    _edit(blank / "config.yaml", "params: {NAME: Sample Ltd}", "matrix: {NAME: [Sample Ltd, Other & Sons]}")

    done = run(blank, "report", "--json")

    assert done.returncode == 0, done.stderr
    assert [report["name"] for report in json.loads(done.stdout)] == ["overview-sample-ltd", "overview-other-sons"]
    assert "# Other & Sons: overview" in (blank / "output/report/overview-other-sons.md").read_text()


def test_a_version_counts_on_in_a_clone_from_where_the_committed_provenance_stopped(
    blank: Path, run, tree: Tree
) -> None:
    data = blank / "information/data/figures.json"
    run(blank, "report")
    _edit(data, "39600000", "39700000")
    run(blank, "report")
    before = tree(blank)
    shutil.rmtree(blank / ".trainer")

    assert run(blank, "report", "--force").returncode == 0
    assert tree(blank) == before
    _edit(data, "39700000", "39800000")
    run(blank, "report")

    provenance = json.loads((blank / "output/json/overview.json").read_text())
    assert [block["version"] for block in provenance["data"]] == [3]


def test_the_index_lists_every_report(example: Path) -> None:
    page = (example / "output/index.html").read_text()

    for name in ("abbvie", "butterfly", "metrics-table", "peer-comparison"):
        assert f'href="html/{name}.html"' in page
        assert f'href="pdf/{name}.pdf"' in page


def _numbers(value: object) -> set[float]:
    if isinstance(value, dict):
        return {number for item in value.values() for number in _numbers(item)}
    if isinstance(value, list):
        return {number for item in value for number in _numbers(item)}
    return {value} if isinstance(value, int | float) else set()


def test_a_figure_edited_by_hand_is_told_by_line_figure_and_datum(example: Path, run) -> None:
    report = example / "output/report/abbvie.md"
    lines = report.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "$356.7 billion" in text)
    _edit(report, "$356.7 billion", "$365.7 billion")

    done = run(example, "report", "--check")

    assert done.returncode == 3
    assert f"output/report/abbvie.md:{line}:" in done.stdout
    assert "$365.7 billion is contradicted" in done.stdout
    assert "file:ABBV:summary@1 /price/marketCap" in done.stdout
