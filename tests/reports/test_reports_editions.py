"""What changed between two editions: figures matched by measure and date, sentences by their words."""

from typing import Any

from trainer.draft.wording import sentences
from trainer.reports import Provenance
from trainer.reports.editions import Edition, EditionDiff, compare_editions, diff_markdown


def edition(text: str = "", *figures: dict[str, Any]) -> Edition:
    provenance = Provenance("north", "North", "2026-01-31", {}, {}, (), {}, {}, (), {}, (), figures=figures)
    return Edition("one", provenance, text)


def figure(text: str, value: float, measure: str = "Revenue (North)", **more: str) -> dict[str, Any]:
    return {"text": text, "value": value, "verdict": "supported", "measure": measure, **more}


def diff(before: Edition, after: Edition) -> EditionDiff:
    return compare_editions(before, after, split=sentences)


def test_a_figure_of_a_period_is_held_against_the_same_period() -> None:
    before = edition("", figure("€10", 10, date="2024"), figure("€12", 12, date="2025"))
    after = edition("", figure("€12", 12, date="2025"), figure("€15", 15, date="2026"), figure("€11", 11, date="2024"))

    changes = diff(before, after).figures

    assert [(one.kind, one.before, one.after, one.date_after) for one in changes] == [
        ("changed", "€10", "€11", "2024"),
        ("added", "", "€15", "2026"),
    ]
    assert changes[0].change == 0.1


def test_a_figure_of_today_is_held_against_the_same_datum_of_then() -> None:
    place = "file:shares@{} /price"
    before = edition("", figure("€50", 50, "Price", date="2026-01-31", support=place.format(1)))
    after = edition("", figure("€40", 40, "Price", date="2026-02-28", support=place.format(7)))

    (change,) = diff(before, after).figures

    assert change.cells() == ("Price", "€50 (2026-01-31)", "€40 (2026-02-28)", "−20.0 %", "supported")


def test_a_figure_that_lost_its_support_is_a_change_though_its_words_are_the_same() -> None:
    before = edition("", figure("€50", 50))
    after = edition("", {**figure("€50", 50), "verdict": "contradicted"})

    assert [one.verdict for one in diff(before, after).figures] == ["contradicted"]


def test_sentences_are_matched_by_their_words_and_named_by_their_section() -> None:
    table = "| Year | Sales |\n| --- | --- |\n| 2025 | {} |\n"
    before = f"## Summary\n\nSales rose by a tenth in the north. Nobody left.\n\n{table.format(10)}"
    after = f"## Summary\n\nSales rose by a fifth in the north. A shop opened.\n\n{table.format(12)}"

    changes = diff(edition(before), edition(after)).sentences

    assert [(one.kind, one.section, one.before, one.after) for one in changes] == [
        ("changed", "Summary", "Sales rose by a tenth in the north.", "Sales rose by a fifth in the north."),
        ("added", "Summary", "", "A shop opened."),
        ("removed", "Summary", "Nobody left.", ""),
        ("changed", "Summary", "2025 | 10", "2025 | 12"),
    ]


def test_the_same_edition_has_no_differences() -> None:
    same = edition("## Summary\n\nAll is well.\n", figure("€50", 50))

    assert diff(same, same).is_empty
    assert diff_markdown(diff(same, same)).endswith("Nothing changed.\n")


def test_the_markdown_says_what_changed_and_lets_no_figure_break_a_table() -> None:
    text = diff_markdown(diff(edition("", figure("5 | 6", 5)), edition("Now.\n", figure("7", 7))))

    assert "| Revenue (North) | 5 \\| 6 | 7 | +40.0 % | supported |" in text
    assert "### Above the first section\n\n- **Now.**" in text
