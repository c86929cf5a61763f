"""What an answer must look like before it is written."""

from __future__ import annotations

import pytest

from trainer.checks import check_completion, faults, repair_message
from trainer.checks.document import read_document
from trainer.checks.reading import grade_of
from trainer.core.errors import UsageError
from trainer.core.values import Output, Prompt

SECTIONS = ("Summary", "Financials", "Risks")
GOOD = "# Title\n\n## Summary\n\nAll is well.\n\n## Financials\n\nMoney came in.\n\n## Risks\n\nSome.\n"


def prompt(sections: tuple[str, ...] = SECTIONS, **output: object) -> Prompt:
    return Prompt("a.md", "A", "Write.", output=Output(sections=sections, **output))  # type: ignore[arg-type]


def kinds(text: str, **output: object) -> list[tuple[str, str, int | None]]:
    verdict = check_completion(text, prompt=prompt(**output), checks=("structure",))  # type: ignore[arg-type]
    return [(found.kind, found.severity, found.where.line if found.where else None) for found in verdict.findings]


def test_an_answer_with_all_sections_in_order_passes() -> None:
    verdict = check_completion(GOOD, prompt=prompt(), checks=("structure",))

    assert (verdict.findings, verdict.scores["structure"], verdict.passed) == ((), 1.0, True)


def test_a_blank_answer_is_an_error() -> None:
    assert kinds(" \n\n") == [("empty", "error", 1)]


def test_a_missing_section_is_named_with_the_heading_to_add() -> None:
    verdict = check_completion(GOOD.replace("## Risks", "## Risk"), prompt=prompt(), checks=("structure",))

    assert [(found.kind, found.text, found.hint) for found in verdict.findings] == [
        ("missing_section", "Risks", 'add the heading "## Risks"; "risk" is not it')
    ]


def test_numbers_marks_and_case_of_a_heading_do_not_matter() -> None:
    assert kinds(GOOD.replace("## Summary", "## 1. **SUMMARY**")) == []


def test_sections_out_of_order_are_found() -> None:
    text = "## Financials\n\nA.\n\n## Summary\n\nB.\n\n## Risks\n\nC.\n"

    assert kinds(text) == [("section_order", "warning", 1)]


def test_an_empty_section_is_found_but_one_with_subsections_is_not() -> None:
    assert kinds(GOOD.replace("Money came in.\n\n", "")) == [("empty_section", "error", 7)]
    assert kinds(GOOD.replace("Money came in.", "### Cash\n\nSome.")) == []


def test_a_section_at_another_level_or_twice_is_found() -> None:
    assert kinds(GOOD.replace("## Risks", "### Risks")) == [("section_level", "warning", 11)]
    assert kinds(GOOD + "\n## Risks\n\nMore.\n") == [("repeated_section", "warning", 15)]


@pytest.mark.parametrize(
    "left",
    [
        "{COMPANY_NAME}",
        "{{ price }}",
        "[insert figure]",
        "[Company Name]",
        "TODO",
        "TBD",
        "$XX.X",
        "X.X %",
        "Lorem ipsum",
    ],
)
def test_a_placeholder_left_is_an_error(left: str) -> None:
    assert kinds(GOOD.replace("Money came in.", f"It is {left} now.")) == [("placeholder", "error", 9)]


@pytest.mark.parametrize("fine", ["`{NAME}`", "[the filing](a.html)", "{a set}", "a todo list", "Generation X. X-rays"])
def test_what_only_looks_like_a_placeholder_passes(fine: str) -> None:
    assert kinds(GOOD.replace("Money came in.", f"It is {fine} now.")) == []


def test_talk_about_the_answer_is_found() -> None:
    assert kinds("Certainly! Here it is.\n\n" + GOOD) == [("chatter", "warning", 1)]


def test_html_that_runs_something_is_found() -> None:
    assert kinds(GOOD.replace("Some.", "<script>x()</script>")) == [("raw_html", "warning", 13)]


def test_an_unclosed_fence_is_found() -> None:
    assert kinds(GOOD + "\n```chart\ntype: line\n") == [("unclosed_fence", "warning", 15)]


def test_an_answer_in_another_language_is_found() -> None:
    german = (
        "Die Gesellschaft ist mit dem Umsatz des Jahres zufrieden und hat das Ziel nicht nur erreicht, sondern "
        "auch bei der Marge und auf dem Weg zu den Zielen."
    )
    text = GOOD.replace("Some.", german)

    assert kinds(text) == [("language", "error", 1)]
    assert kinds(text, language="de-CH") == []


SCHEMA = {"type": "object", "required": ["name"], "properties": {"year": {"type": "integer"}}}


def test_a_structured_answer_is_held_against_its_schema() -> None:
    assert kinds('{"name": "A", "year": 2024}', sections=(), schema=SCHEMA) == []
    assert kinds('```json\n{"name": "A"}\n```', sections=(), schema=SCHEMA) == []

    verdict = check_completion('{"year": "x"}', prompt=prompt((), schema=SCHEMA), checks=("structure",))

    assert [found.message for found in verdict.findings] == [
        "$.year: 'x' is not of type 'integer'",
        "$: 'name' is a required property",
    ]


def test_a_structured_answer_made_into_markdown_is_read_as_markdown() -> None:
    verdict = check_completion("## A\n\nTODO\n", prompt=prompt((), schema=SCHEMA))

    assert [found.kind for found in verdict.findings] == ["placeholder"]
    assert kinds("Sorry, no.", sections=(), schema=SCHEMA) == [("schema", "error", 1)]


def test_text_that_is_not_json_is_named_by_line_and_column() -> None:
    verdict = check_completion('{"a": 1,\n "b" 2}', prompt=prompt((), schema=SCHEMA), checks=("structure",))

    assert str(verdict.findings[0].where) == "answer:2:6"


def test_an_unknown_check_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match='did you mean "structure"'):
        check_completion(GOOD, prompt=prompt(), checks=("structur",))


def test_the_repair_message_names_every_fault_and_nothing_else() -> None:
    verdict = check_completion(GOOD.replace("Some.", "TODO"), prompt=prompt(), checks=("structure",))

    assert len(faults(verdict)) == 1
    assert "1. line 13: a placeholder is left: TODO." in repair_message(verdict)
    assert not repair_message(check_completion(GOOD, prompt=prompt(), checks=("structure",)))


def ruled(text: str, instruction: str) -> list[str]:
    asked = Prompt("a.md", "A", "", body=instruction)
    return [found.kind for found in check_completion(text, prompt=asked, checks=("structure",)).findings]


def test_the_length_an_instruction_asks_for_is_counted() -> None:
    assert ruled("One two three four.", "Write at most 3 words.") == ["too_long"]
    assert ruled("One two three.", "Write at most 3 words.") == []
    assert ruled("One two.", "Write at least 1,000 words.") == ["too_short"]


def test_words_an_instruction_forbids_are_found() -> None:
    instruction = 'Never use the words "world-class" or "leading".'

    assert ruled("A leading, World-class firm.", instruction) == ["forbidden", "forbidden"]
    assert ruled("A misleading firm.", instruction) == []


def test_advice_is_a_fault_only_where_the_instruction_forbids_it() -> None:
    text = "Investors should buy now. Analysts rate it a buy."

    assert ruled(text, "No advice to buy, sell or hold.") == ["advice"]
    assert ruled(text, "Write freely.") == []


HARD = (
    "Notwithstanding considerable macroeconomic uncertainty, the corporation's diversified immunological portfolio "
    "demonstrated extraordinary commercial resilience throughout the financial period under consideration. "
) * 7
EASY = "The firm sold more drugs than last year. It paid back some of its debt. Costs fell a bit too. " * 7


@pytest.mark.parametrize(
    "instruction",
    [
        "Keep a reading level of at most grade 10.",
        "Flesch-Kincaid grade 10 or below.",
        "Write for a 10th-grade reader.",
    ],
)
def test_prose_harder_than_the_reading_level_asked_for_is_found(instruction: str) -> None:
    assert ruled(HARD, instruction) == ["reading_level"]
    assert ruled(EASY, instruction) == []


def test_a_reading_level_is_asked_only_of_english_and_of_a_hundred_words() -> None:
    assert ruled(HARD[:190], "Reading level: grade 8.") == []
    assert ruled(HARD, "Read the 10-K at your level.") == []

    asked = Prompt("a.md", "A", "", body="Reading level: grade 8.", output=Output(language="fr"))
    found = check_completion(HARD, prompt=asked, checks=("structure",)).findings
    assert [finding.kind for finding in found] == ["language"]


def test_the_reading_level_is_the_flesch_kincaid_grade() -> None:
    # 7 x 3 sentences, 7 x 20 words, 7 x 20 syllables
    assert round(grade_of(read_document(EASY)) or 0, 2) == round(0.39 * 20 / 3 + 11.8 * 20 / 20 - 15.59, 2)


TABLE = "| Item | 2024 |\n|---|---|\n| Net sales | 5 |\n| EBITDA (USD) | 2 |\n"


@pytest.mark.parametrize(
    ("instruction", "missing"),
    [
        ("Give a table with the rows revenue, EBITDA and net income.", ["missing_row"]),
        ("Give a table with rows for revenue and EBITDA.", []),
        (
            'Give a table with the rows "Revenue" and "Cash", and the columns "2023" and "2024".',
            ["missing_column", "missing_row"],
        ),
        ("Give a table with these rows:\n\n- Revenue\n- Free cash flow\n\nWrite no more.", ["missing_row"]),
        ("Give a table with the rows you find useful, and a row for each of the last four quarters.", []),
        ("The table has many rows and columns. Read it, and think.", []),
    ],
)
def test_rows_and_columns_an_instruction_asks_for_are_looked_for(instruction: str, missing: list[str]) -> None:
    assert ruled(TABLE, instruction) == missing


def test_a_table_asked_for_and_not_written_is_found() -> None:
    assert ruled("No table here.", "Give a table with the rows revenue and EBITDA.") == ["missing_table"]
