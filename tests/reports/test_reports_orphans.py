"""What is left of removed reports, matrix rows and formats is told by --check and removed by --prune."""

import json
from pathlib import Path

import pytest


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        ("  overview:", "  other:", ["output/html/overview.html", "output/json/overview.json"]),
        ("[md, html]", "[md]", ["output/html/overview.html"]),
    ],
)
def test_what_nothing_asks_for_is_told_and_removed(blank: Path, run, old: str, new: str, left: list[str]) -> None:
    run(blank, "report")
    edit(blank / "config.yaml", old, new)
    run(blank, "report")

    checked = run(blank, "report", "--check", "--json")
    orphan = next(report for report in json.loads(checked.stdout) if report["status"] == "orphaned")
    pruned = run(blank, "report", "--prune")

    assert checked.returncode == 3
    assert "trainer report --prune" in checked.stderr
    assert set(left) <= set(orphan["outputs"])
    assert pruned.returncode == 0, pruned.stderr
    assert [path for path in left if (blank / path).exists()] == []
    assert run(blank, "report", "--check").returncode == 0
    assert run(blank, "report", "--prune").stdout == ""


def test_a_removed_report_that_a_person_edited_is_not_removed(blank: Path, run) -> None:
    run(blank, "report")
    markdown = blank / "output/report/overview.md"
    markdown.write_text(markdown.read_text() + "By hand.\n")
    edit(blank / "config.yaml", "  overview:", "  other:")

    assert run(blank, "report", "--prune").returncode == 1
    assert markdown.exists()
    assert run(blank, "report", "--prune", "--overwrite").returncode == 0
    assert not markdown.exists()


def test_a_provenance_that_names_a_file_outside_removes_none(blank: Path, run, tmp_path: Path) -> None:
    run(blank, "report")
    record = blank / "output/json/overview.json"
    (blank / "precious.txt").write_text("x")
    edit(record, "output/html/overview.html", "precious.txt")
    edit(blank / "config.yaml", "  overview:", "  other:")

    run(blank, "report", "--prune", "--overwrite")

    assert (blank / "precious.txt").exists()
    assert not record.exists()


def test_a_format_asked_for_once_makes_nothing_stale(blank: Path, run) -> None:
    run(blank, "report")

    done = run(blank, "report", "--format", "docx")

    assert done.returncode == 0, done.stderr
    assert (blank / "output/docx/overview.docx").exists()
    assert run(blank, "report", "--check").returncode == 0


def test_one_broken_instruction_does_not_stop_the_other_reports(blank: Path, run) -> None:
    config = blank / "config.yaml"
    config.write_text(config.read_text() + "  broken: {instruction: nowhere.md}\n")

    done = run(blank, "report")

    assert done.returncode == 6
    assert 'unknown instruction "nowhere.md"' in done.stderr
    assert (blank / "output/report/overview.md").exists()
    checked = run(blank, "report", "--check", "--json")
    assert [(report["name"], report["status"]) for report in json.loads(checked.stdout)] == [
        ("overview", "current"),
        ("broken", "failed"),
    ]


def test_names_in_any_script_give_files_of_their_own(blank: Path, run) -> None:
    edit(blank / "config.yaml", "  overview:", '  "o-{NAME}":')
    edit(blank / "config.yaml", "params: {NAME: Sample Ltd}", "matrix: {NAME: [北京, 上海, Αθήνα, Köln, القاهرة]}")
    edit(blank / "config.yaml", "[md, html]", "[md]")

    done = run(blank, "report", "--json")

    assert done.returncode == 0, done.stderr
    names = [report["name"] for report in json.loads(done.stdout)]
    assert names == ["o-北京", "o-上海", "o-αθήνα", "o-koln", "o-القاهرة"]
    assert all((blank / f"output/report/{name}.md").exists() for name in names)
