"""Figures of a text against data: exact verdicts, supports and formulas."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trainer.checks import (
    FigureReport,
    annotate,
    bare_text,
    check_completion,
    check_figures,
    faults,
    repair_message,
    sources_appendix,
    verification_status,
)
from trainer.core.values import Context, DataBlock, Field, Output, Prompt

WHEN = datetime(2025, 2, 21, 21, tzinfo=UTC)
FIELDS = {
    "price": Field("Share price", "USD/share"),
    "high": Field("52-week high", "USD/share"),
    "marketCap": Field("Market capitalisation", "USD"),
    "grossMargin": Field("Gross margin", "fraction"),
    "trailingPE": Field("Price to trailing earnings", "ratio"),
    "debt": Field("Total debt", "USD"),
    "cash": Field("Cash", "USD"),
    "employees": Field("Employees", "count"),
    "nextDividend": Field("Next dividend date", "date"),
    "annual.revenue": Field("Revenue", "USD"),
    "annual.netIncome": Field("Net income", "USD"),
    "quarterly.revenue": Field("Revenue", "USD"),
}
DATA = {
    "name": "Acme Corp.",
    "price": 202.08,
    "high": 207.32,
    "marketCap": 356_741_939_200,
    "grossMargin": 0.70311,
    "trailingPE": 84.9,
    "debt": 68_250_001_408,
    "cash": 5_554_999_808,
    "employees": 55_000,
    "nextDividend": "2025-05-15",
    "annual": [
        {"date": "2022-12-31", "revenue": 58_054_000_000, "netIncome": 11_836_000_000},
        {"date": "2023-12-31", "revenue": 54_318_000_000, "netIncome": 4_863_000_000},
        {"date": "2024-12-31", "revenue": 56_334_000_000, "netIncome": -4_278_000_000},
    ],
    "quarterly": [{"date": "2024-09-30", "revenue": 14_460_000_000}, {"date": "2024-12-31", "revenue": 15_102_000_000}],
}
ACME = DataBlock("acme", "s:ACME:all", 3, "s", WHEN, DATA, "d", "Acme Corp.", "2025-02-21", FIELDS)
BOLT = {"name": "Bolt Ltd.", "marketCap": 1_019_366_656, "price": 4.3}
OTHER = DataBlock("bolt", "s:BOLT:all", 1, "s", WHEN, BOLT, "e", "Bolt Ltd.", "2025-02-21", FIELDS)
CONTEXT = Context("notes.md", "Notes", "# Notes\n\nAbout 58 % of trials that enter phase 3 succeed.\n", "c")


def verdicts(text: str, *blocks: DataBlock, language: str = "en") -> list[tuple[str, str]]:
    report = check_figures(text, data=blocks or (ACME,), contexts=(CONTEXT,), language=language)
    return [(figure.text, figure.verdict) for figure in report.figures]


WORDS = ("direction", "rank", "size")


def numerals(report: FigureReport) -> list[str]:
    return [figure.text for figure in report.figures if figure.kind not in WORDS]


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("Revenue was $56.3 billion in 2024.", "$56.3 billion"),
        ("Revenue was $56,334 million in 2024.", "$56,334 million"),
        ("In 2024 it took in sales of USD 56.33bn.", "USD 56.33bn"),
        ("The gross margin is 70.3 %.", "70.3 %"),
        ("The gross margin is 70 per cent.", "70 per cent"),
        ("The gross margin is about 70%.", "70%"),
        ("It employs more than 54,000 people.", "54,000"),
        ("It employs 55,000 people.", "55,000"),
        ("Trading at 84.9x trailing earnings, it is dear.", "84.9x"),
        ("A net loss of $4.28 billion marked 2024.", "$4.28 billion"),
        ("Net income in 2024 was −$4.278 billion.", "−$4.278 billion"),
        ("The market value is roughly $357 billion.", "$357 billion"),
    ],
)
def test_a_figure_that_a_datum_holds_is_supported(text: str, figure: str) -> None:
    assert verdicts(text) == [(figure, "supported")]


@pytest.mark.parametrize(
    ("text", "language", "figure"),
    [
        ("Der Umsatz betrug 2024 56,3 Mrd. USD.", "de", "56,3 Mrd. USD"),
        ("Sie beschäftigt 55.000 Mitarbeitende.", "de", "55.000"),
        ("Sie beschäftigt 55’000 Mitarbeitende.", "de-CH", "55’000"),
        ("La capitalisation boursière atteint 356,7 milliards de dollars.", "fr", "356,7 milliards de dollars"),
    ],
)
def test_other_languages_write_numbers_their_own_way(text: str, language: str, figure: str) -> None:
    assert verdicts(text, language=language) == [(figure, "supported")]


def test_the_support_names_key_version_and_path() -> None:
    (figure,) = check_figures("Revenue was $54.3 billion in 2023.", data=(ACME,)).figures

    assert (figure.support, figure.date, figure.stored) == (
        "s:ACME:all@3 /annual/1/revenue",
        "2023",
        "54,318,000,000",
    )


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        (
            "Revenue rose to $56.3 billion in 2024 from $54.3 billion in 2023, up 3.7 %.",
            "Revenue (Acme Corp., 2024) / Revenue (Acme Corp., 2023) - 1",
        ),
        ("Total debt less cash gives net debt of $62.7 billion.", "debt - cash"),
        (
            "The share price of $202.08 is 2.5 % below the 52-week high of $207.32.",
            "Share price (Acme Corp., 2025-02-21) / 52-week high (Acme Corp., 2025-02-21) - 1",
        ),
        (
            "From 2022 to 2024 revenue shrank at a compound annual rate of 1.5 %.",
            "(Revenue (Acme Corp., 2024) / Revenue (Acme Corp., 2022)) ^ (1 / years) - 1",
        ),
        ("Cash covers 8.1 % of total debt.", "Cash (Acme Corp., 2025-02-21) / Total debt (Acme Corp., 2025-02-21)"),
    ],
)
def test_a_derived_figure_names_its_formula(text: str, formula: str) -> None:
    figures = check_figures(text, data=(ACME,)).figures

    assert [figure.formula for figure in figures if figure.verdict == "derived" and figure.kind not in WORDS] == [
        formula
    ]
    assert not [figure for figure in figures if figure.verdict in ("contradicted", "unsupported")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Revenue was $57.3 billion in 2024.", "$57.3 billion"),
        ("Revenue was $56.4 billion in 2024.", "$56.4 billion"),
        ("Revenue was $56.3 million in 2024.", "$56.3 million"),
        ("Revenue was €56.3 billion in 2024.", "€56.3 billion"),
        ("Revenue was $56.3 billion in 2023.", "$56.3 billion"),
        ("The gross margin is 70.3 bps.", "70.3 bps"),
        ("The gross margin is −70.3 %.", "−70.3 %"),
        ("Net income in 2024 was $4.28 billion.", "$4.28 billion"),
        ("Total debt is $5.55 billion.", "$5.55 billion"),
        ("Revenue rose to $56.3 billion in 2024 from $54.3 billion in 2023, up 4.7 %.", "4.7 %"),
        ("Revenue rose to $56.3 billion in 2024 from $54.3 billion in 2023, down 3.7 %.", "down"),
    ],
)
def test_a_wrong_figure_is_not_verified(text: str, wrong: str) -> None:
    found = [figure.text for figure in check_figures(text, data=(ACME,)).unverified]

    assert found == [wrong]


def test_a_contradicted_figure_names_the_datum() -> None:
    (figure,) = check_figures("Revenue was $57.3 billion in 2024.", data=(ACME,)).figures

    assert (figure.line, figure.column, figure.verdict) == (1, 13, "contradicted")
    assert figure.message == "Revenue (Acme Corp., 2024) is 56,334,000,000 USD, not $57.3 billion"
    assert figure.support == "s:ACME:all@3 /annual/2/revenue"


def test_a_figure_of_another_subject_is_not_supported() -> None:
    both = (ACME, OTHER)

    assert verdicts("Bolt has a market capitalisation of $1.02 billion.", *both) == [("$1.02 billion", "supported")]
    assert verdicts("Acme has a market capitalisation of $1.02 billion.", *both) == [("$1.02 billion", "contradicted")]


def test_years_names_and_list_numbers_are_no_figures() -> None:
    text = (
        "## 2 Outlook\n\n1. The Phase 3 trial of COVID-19 in 2021.\n"
        "2. The S&P 500, a 10-K, IL-23 and Type 2 diabetes.\n"
        "3. The 50-day average, Q3 2024, FY2023, section 4 and the last 12 months.\n"
    )

    assert verdicts(text) == []


def test_a_context_supports_what_it_says() -> None:
    (figure,) = check_figures("About 58 % of trials that enter phase 3 succeed.", contexts=(CONTEXT,)).figures

    assert (figure.verdict, figure.support) == ("context", "notes.md:3")


TABLE = """Table: Results in USD million

| Year | Revenue | Net income |
|---|---:|---:|
| 2023 | 54,318 | 4,863 |
| 2024 | 56,334 | (4,278) |
"""


def test_tables_take_labels_periods_and_scale_from_their_headings() -> None:
    assert [verdict for _, verdict in verdicts(TABLE)] == ["supported"] * 4


def test_swapped_cells_are_found() -> None:
    swapped = TABLE.replace("54,318", "X").replace("56,334", "54,318").replace("X", "56,334")

    assert verdicts(swapped) == [
        ("56,334", "contradicted"),
        ("4,863", "supported"),
        ("54,318", "contradicted"),
        ("4,278", "supported"),
    ]


def test_rows_of_charts_are_figures() -> None:
    chart = (
        '```chart\ntype: bar\ntitle: "Revenue"\nunit: USD\ncolumns: [date, Revenue]\nrows:\n'
        '  - ["2023-12-31", 54318000000]\n  - ["2024-12-31", 56335000000]\n```\n'
    )
    figures = check_figures(chart, data=(ACME,)).figures

    assert [(figure.line, figure.text, figure.verdict) for figure in figures] == [
        (7, "54318000000", "supported"),
        (8, "56335000000", "unsupported"),
    ]


def test_full_dates_are_held_against_the_dates_of_the_data() -> None:
    assert verdicts("The next dividend date is 15 May 2025.") == [("15 May 2025", "supported")]
    assert verdicts("The next dividend date is 16 May 2025.") == [("16 May 2025", "contradicted")]
    assert verdicts("They met on 3 March 2019.") == [("3 March 2019", "unsupported")]


def test_marks_and_appendix_do_not_change_what_a_second_check_finds() -> None:
    text = "## Results\n\nRevenue was **$57.3 billion** in 2024, after $54.3 billion in 2023.\n"
    report = check_figures(text, data=(ACME,))
    marked = annotate(text, report) + "\n" + sources_appendix(report)
    again = check_figures(marked, data=(ACME,))

    assert "**$57.3 billion‡** in 2024" in marked
    assert "| Revenue (Acme Corp.) | 2023 | $54.3 billion | `s:ACME:all@3 /annual/1/revenue` |" in marked
    assert [(figure.text, figure.verdict) for figure in again.figures] == [
        (figure.text, figure.verdict) for figure in report.figures
    ]


def test_a_mark_leads_to_the_appendix_whose_first_row_is_what_is_not_verified() -> None:
    text = "## Results\n\nRevenue was $54.3 billion in 2023 and $57.3 billion in 2024, or 57.3 billion.\n"
    report = check_figures(text, data=(ACME,))
    marked = annotate(text, report, is_linked=True) + "\n" + sources_appendix(report)

    assert '$57.3 billion[†](#sources-of-figures "no datum, no arithmetic' in marked
    assert sources_appendix(report).splitlines()[6].startswith("| not verified |  | $57.3 billion")
    assert [figure.verdict for figure in check_figures(marked, data=(ACME,)).figures] == [
        figure.verdict for figure in report.figures
    ]


def test_marks_tell_what_the_data_contradicts_from_what_nothing_holds_and_from_what_a_person_accepted() -> None:
    text = "## Results\n\nRevenue was $57.3 billion in 2024. It has 8,123 vans and 77 boats.\n"
    report = check_figures(text, data=(ACME,))
    boats = next(figure for figure in report.unverified if figure.text.startswith("77"))

    marked = annotate(text, report, accepted={(boats.line, boats.column): 'accepted by Ada: "counted"'}, is_linked=True)

    assert [mark for mark in marked if mark in "‡†✓"] == ["‡", "†", "✓", "‡", "†", "✓"]
    assert "77[✓](#sources-of-figures \"accepted by Ada: 'counted'\") boats" in marked
    assert verification_status(report).endswith(" figures, 1 contradicted by the data, 2 not verified")
    assert "2 not" not in verification_status(report, accepted={(boats.line, boats.column)})
    assert bare_text(marked) == "## Results\n\nRevenue was $57.3 billion in 2024. It has 8,123 vans and 77 boats.\n"


def test_the_bare_text_of_a_report_is_what_it_says() -> None:
    report = (
        '---\ntitle: "T"\n---\n\n# T\n\n> **No model wrote this.**\n\n## A\n\n> A quotation stays.\n\n'
        "```chart\ntype: bar\n```\n\n<!-- keep -->\nMine.\n<!-- /keep -->\n\n"
        "## Sources of figures\n\n| a | b |\n| - | - |\n"
    )

    assert bare_text(report) == "## A\n\n> A quotation stays.\n\nMine.\n"


def test_the_appendix_has_one_row_for_the_members_of_a_table() -> None:
    cities = [("Arden", 312_400), ("Brook", 288_150), ("Crane", 120_330), ("Dover", 98_770), ("Elm", 45_210)]
    data = DataBlock(
        "c", "file:c", 1, "file", None, {"cities": [{"city": city, "population": size} for city, size in cities]}, "d"
    )
    text = "| City | Population |\n| --- | ---: |\n" + "".join(f"| {city} | {size:,} |\n" for city, size in cities)

    assert sources_appendix(check_figures(text, data=(data,))).splitlines()[6:] == [
        "| Population (Arden; Brook; Crane; +2) |  | 312,400 · 288,150 · 120,330 · 98,770 · 45,210 "
        "| `file:c@1 /cities/*/population` |"
    ]


def test_a_report_without_faults_gets_no_marks() -> None:
    text = "Revenue was $56.3 billion in 2024.\n"

    assert annotate(text, check_figures(text, data=(ACME,))) == text


def test_the_completion_is_scored_and_the_repair_message_names_the_datum() -> None:
    prompt = Prompt("i.md", "T", "", data=(ACME,), output=Output(sections=("Results",)))
    text = "## Results\n\nRevenue was $57.3 billion in 2024, after $54.3 billion in 2023.\n"
    verdict = check_completion(text, prompt=prompt)

    assert (verdict.scores["figures"], verdict.scores["quality"], verdict.passed) == (0.5, 0.75, False)
    assert len(faults(verdict)) == 1
    assert "line 3: Revenue (Acme Corp., 2024) is 56,334,000,000 USD, not $57.3 billion." in repair_message(verdict)


def test_numbers_of_any_shape_do_not_break_the_check() -> None:
    odd = "1.2.3.4 ,,, 1,2,3 €€5 $ % -- 1e5 ½ ٣ 99999999999999999999999 0.0 (−) 12–15–18 | 3 | $1,3700.0 \x00 5%%"

    assert isinstance(check_figures(odd, data=(ACME,)).figures, tuple)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Revenue of $56.3 billion in 2024 was the second highest of the three years.",
         ("second highest", "derived")),
        ("Revenue in 2022 was the highest of the years shown.", ("highest", "derived")),
        ("Revenue in 2024 was the lowest of the three years.", ("lowest", "contradicted")),
        ("Revenue in Q4 2024 was the lowest of the two quarters.", ("lowest", "contradicted")),
        ("Revenue of $54.3 billion in 2023 was eleven times its net income.", ("eleven times", "derived")),
        ("Revenue of $54.3 billion in 2023 was more than ten times its net income.", ("more than ten times", "derived")),  # noqa: E501
        ("Revenue of $54.3 billion in 2023 was twice its net income.", ("twice", "contradicted")),
        ("Revenue doubled from $54.3 billion in 2023 to $56.3 billion in 2024.", ("doubled", "contradicted")),
        ("The market capitalisation of Acme, $356.7 billion, is the second largest of the two companies.",
         ("second largest", "contradicted")),
    ],
)  # fmt: skip
def test_sizes_and_ranks_in_words_are_held_against_the_data(text: str, claim: tuple[str, str]) -> None:
    found = verdicts(text, ACME, OTHER)

    assert claim in found
    assert all(verdict != "unsupported" for _, verdict in found)


@pytest.mark.parametrize(
    "prose",
    [
        "Think twice the next time; the largest of the products sold well.",
        "Demand doubled, and the best of the drugs won; a trial takes three times as long.",
        "The firm doubled down on its revenue and is one of the largest of its peers.",
        "Revenue was among the highest of the industry, twice in a row.",
        "Two thirds of patients respond, and half of the team works on it.",
        "The second largest shareholder sold; net income was hit twice as hard.",
        "Revenue had the best of the years ahead of it.",
    ],
)
def test_ordinary_prose_about_size_and_rank_holds_no_figure(prose: str) -> None:
    assert verdicts(prose, ACME, OTHER) == []


def test_a_false_rank_is_told_with_the_true_one() -> None:
    report = check_figures("Revenue in 2024 was the highest of the three years.\n", data=(ACME,))

    assert [figure.message for figure in report.figures] == [
        "Revenue (Acme Corp., 2024) is 56,334,000,000, number 2 of 3; Revenue (Acme Corp., 2022) is 58,054,000,000"
    ]


@pytest.mark.parametrize(
    "said",
    [
        ("In Q4 2024 revenue rose from $14.46 billion to $15.1 billion.", "en"),
        ("In Q4 2024 revenue rose 4.4 % to $15.1 billion.", "en"),
        ("Im Q4 2024 wuchs der Umsatz um 4,4 % von 14,46 Mrd. USD auf 15,1 Mrd. USD.", "de"),
        ("Au T4 2024, le chiffre d’affaires a progressé de 14,46 milliards USD à 15,1 milliards USD.", "fr"),
    ],
)
def test_the_period_of_a_change_is_that_of_what_it_leads_to(said: tuple[str, str]) -> None:
    text, language = said
    wrong = text.replace("4 2024", "9 2024").replace("3 2024", "4 2024").replace("9 2024", "3 2024")

    assert {verdict for _, verdict in verdicts(text, language=language)} <= {"supported", "derived"}
    assert {"contradicted", "unsupported"} & {verdict for _, verdict in verdicts(wrong, language=language)}


def test_the_appendix_has_one_row_a_measure_or_formula_with_time_and_source() -> None:
    text = (
        "Revenue was $56.3 billion in the year to 31 December 2024, or $56,334 million; 58 % of trials succeed.\n\n"
        "```chart\ntype: bar\ncolumns: [date, Revenue]\nrows:\n"
        '  - ["2023-12-31", 54318000000]\n  - ["2024-12-31", 56334000000]\n```\n\n'
        "Revenue in 2024 was 3.7 % more than in 2023, and the next dividend is due on 15 May 2025.\n"
    )
    appendix = sources_appendix(check_figures(text, data=(ACME,), contexts=(CONTEXT,)))

    assert appendix.splitlines()[6:] == [
        "| Revenue (Acme Corp.) | 2023 – 2024 | $56.3 billion · $56,334 million | `s:ACME:all@3 /annual/*/revenue` |",
        "| Revenue (Acme Corp.) | 2024 | 3.7 % | Revenue (Acme Corp., 2024) / Revenue (Acme Corp., 2023) - 1 |",
        "| Dates | 2024-12-31 – 2025-05-15 | 31 December 2024 · 15 May 2025 | `s:ACME:all@3 /annual/2/revenue` |",
        "| 58 % |  | 58 % | `notes.md:3` |",
    ]


@pytest.mark.parametrize("end", [".", ",", ";", ":", ")", "!", "…"])
def test_no_figure_ends_in_the_punctuation_behind_it(end: str) -> None:
    report = check_figures(f"Revenue was 56.3 billion{end} It grew 3.7 %{end} Staff: 55,000{end}\n", data=(ACME,))

    assert numerals(report) == ["56.3 billion", "3.7 %", "55,000"]
