"""What a person writes into a report stays: blocks are taken out and put back, anything else stops the build."""

from pathlib import Path

import pytest

from trainer.reports.edits import Edit, difference, put_edits, take_edits, text_digest

BUILT = "# Title\n\nFirst.\n\n## Risks\n\nFew.\n\n## Outlook\n\nGood.\n"


@pytest.mark.parametrize(
    ("edited", "section"),
    [
        (
            "# Title\n\nFirst.\n\n## Risks\n\nFew.\n\n<!-- keep -->\nMine.\n<!-- /keep -->\n\n## Outlook\n\nGood.\n",
            "Risks",
        ),
        (
            "# Title\n\nFirst.\n\n## Risks\n\nFew.\n<!-- keep -->\nMine.\n<!-- /keep -->\n\n## Outlook\n\nGood.\n",
            "Risks",
        ),
        (BUILT + "\n<!-- keep -->\nMine.\n<!-- /keep -->\n", "Outlook"),
        (BUILT + "\n<!-- keep -->\nMine.\n<!-- /keep -->", "Outlook"),
        ((BUILT + "\n<!-- keep -->\nMine.\n<!-- /keep -->\n").replace("\n", "\r\n"), "Outlook"),
    ],
)
def test_a_block_is_taken_out_and_leaves_what_was_built(edited: str, section: str) -> None:
    assert take_edits(edited) == (BUILT, (Edit(section, "Mine.\n"),))
    assert text_digest(edited) == text_digest(BUILT)


def test_a_block_is_put_back_into_its_section_of_a_new_text() -> None:
    new = "# Title\n\n## Risks\n\nMany.\n\n## News\n\nNone.\n"

    merged = put_edits(new, [Edit("Risks", "Mine.\n")])

    assert merged == "# Title\n\n## Risks\n\nMany.\n\n<!-- keep -->\nMine.\n<!-- /keep -->\n\n## News\n\nNone.\n"
    assert take_edits(merged) == (new, (Edit("Risks", "Mine.\n"),))


def test_a_block_whose_section_is_gone_goes_to_the_end() -> None:
    assert put_edits(BUILT, [Edit("Gone", "Mine.\n")]) == BUILT + "\n<!-- keep -->\nMine.\n<!-- /keep -->\n"


def test_the_difference_names_what_a_person_wrote() -> None:
    assert difference("a\nb\n", "a\nb\nc\n", shown="x.md").splitlines()[-1] == "+c"


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_a_sentence_of_a_person_stops_the_build_of_its_report_and_is_shown(blank: Path, run) -> None:
    markdown = blank / "output/report/overview.md"
    run(blank, "report")
    append(markdown, "By hand.\n")

    for flags in ((), ("--force",)):
        done = run(blank, "report", *flags)
        assert done.returncode == 1
        assert "+By hand." in done.stderr
        assert "trainer report --overwrite overview" in done.stderr
        assert "By hand." in markdown.read_text()

    assert run(blank, "report", "--overwrite").returncode == 0
    assert "By hand." not in markdown.read_text()


def test_a_kept_block_survives_a_rebuild_from_other_data_and_is_marked_in_the_provenance(blank: Path, run) -> None:
    import json

    markdown, data = blank / "output/report/overview.md", blank / "information/data/figures.json"
    run(blank, "report")
    append(markdown, "\n<!-- keep -->\nRead by **Ada**.\n<!-- /keep -->\n")

    assert run(blank, "report", "--check").returncode == 3
    assert run(blank, "report").returncode == 0
    assert run(blank, "report", "--check").returncode == 0
    data.write_text(data.read_text().replace("39600000", "39700000"))
    done = run(blank, "report")

    assert done.returncode == 0, done.stderr
    assert "$39.70 million" in markdown.read_text()
    assert "<!-- keep -->\nRead by **Ada**.\n<!-- /keep -->\n" in markdown.read_text()
    assert "Read by <strong>Ada</strong>." in (blank / "output/html/overview.html").read_text()
    block = json.loads((blank / "output/json/overview.json").read_text())["edits"]["blocks"][0]
    assert (block["by"], block["text"]) == ("a person", "Read by **Ada**.\n")


def test_a_build_that_was_cut_short_is_no_edit_of_a_person(blank: Path, run) -> None:
    provenance = blank / "output/json/overview.json"
    run(blank, "report")
    before = provenance.read_text()
    data = blank / "information/data/figures.json"
    data.write_text(data.read_text().replace("39600000", "39700000"))
    run(blank, "report")
    provenance.write_text(before)  # the files were written, the provenance was not

    assert run(blank, "report").returncode == 0


def test_line_ends_as_windows_has_them_make_nothing_stale(blank: Path, run) -> None:
    run(blank, "report")
    for path in [*(blank / "output").rglob("*.md"), *(blank / "output").rglob("*.html")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for path in (blank / "information").rglob("*.*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    done = run(blank, "report", "--check")

    assert done.returncode == 0, done.stdout
