"""What is written for data, instructions and contexts of any kind."""

from __future__ import annotations

from dataclasses import replace

from trainer.core.values import Context, Output
from trainer.draft import DraftProvider

SALES = [
    {"date": "2024-01-31", "sales": 100, "returns": 5},
    {"date": "2024-02-29", "sales": 120, "returns": 4},
    {"date": "2024-03-31", "sales": 90, "returns": 6},
]
SHOPS = [{"name": "Basel", "visits": 300}, {"name": "Bern", "visits": 120}, {"name": "Chur", "visits": 45}]
GUIDE = Context(
    "guide.md",
    "Shop guide",
    "# Shop guide\n\n## Returns\n\nA return is an item that a customer brings back within thirty days of the sale.\n\n"
    "## Opening hours\n\nShops open at nine in the morning and close at six in the evening on every weekday.\n",
    "d",
)


def draft(prompt) -> str:
    return DraftProvider().complete(prompt).content


def test_without_sections_the_data_gives_them(make_prompt):
    text = draft(make_prompt({"monthly": SALES, "staff": {"people": 12, "openings": 2}}))

    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Summary", "## Monthly", "## Staff"]


def test_a_series_is_told_charted_and_tabled(make_prompt):
    text = draft(make_prompt({"monthly": SALES}, sections=("Monthly",)))

    assert (
        "Sales were 90 in March 2024, 25.0 % less than in February 2024 (120). "
        "That is the lowest of the months shown; the highest was 120 (February 2024)."
    ) in text
    assert "```chart\ntype: line\n" in text
    assert "| Jan 2024 | 100 | 5 |" in text


def test_a_list_names_its_highest_and_lowest(make_prompt):
    text = draft(make_prompt({"shops": SHOPS}, sections=("Shops",)))

    assert "Visits are highest for Basel (300) and lowest for Chur (45)." in text


def test_a_figure_goes_where_the_instruction_names_it(make_prompt):
    body = "## People\n\nGive the head count.\n\n## Money\n\nGive the net cost and the net price.\n"
    text = draft(make_prompt({"net cost": 5, "head count": 7, "net price": 9}, sections=("People", "Money"), body=body))

    people, _, money = text.partition("## Money")
    assert "Head count was 7." in people
    assert "Net cost was 5 and net price 9." in money


def test_a_passage_is_quoted_with_its_source(make_prompt):
    text = draft(make_prompt({"returns": 5}, sections=("Returns",), contexts=(GUIDE,)))

    assert "> A return is an item that a customer brings back within thirty days of the sale. [Shop guide]" in text
    assert "Shops open at nine" not in text


def test_what_neither_data_nor_contexts_answer_is_said(make_prompt):
    body = "## Weather\n\nGive rainfall, sunshine and wind.\n"
    text = draft(make_prompt({"sales": 5}, sections=("Weather",), body=body))

    assert "The data holds nothing under the names rainfall, sunshine or wind." in text


def test_no_data_and_no_contexts_still_give_every_section(make_prompt):
    text = draft(make_prompt(sections=("Summary", "Figures on sales", "Risks", "What is missing")))

    assert text.startswith("> **No language model wrote this text.** The draft writer made it by rule from no data.")
    assert text.count("\n## ") == 4
    assert "There is no data to summarise." in text


def test_a_prompt_that_is_only_text_is_answered_from_its_own_json(make_prompt):
    text = draft('Describe the shop.\n\n```json\n{"visits": 1200, "rating": 4.5}\n```\n')

    assert "Visits were 1,200 and rating 4.5." in text


def test_data_two_years_apart_is_named_as_old(make_prompt):
    prompt = make_prompt(sections=("What is missing",), new={"a": 1}, old={"b": 2})
    new, old = prompt.data
    dated = replace(prompt, data=(replace(new, as_of="2025-02-21"), replace(old, as_of="2023-12-31")))

    assert "- **Age:** old (file:old@1) ends on 31 December 2023, the newest data on 21 February 2025." in draft(dated)


def test_text_of_the_data_is_shown_and_never_obeyed_as_markdown(make_prompt):
    text = draft(make_prompt({"note": "a|b <b>x</b> [y](z) *w* `v`"}, sections=("Note",)))

    assert r"| Note | a\|b \<b\>x\</b\> \[y\](z) \*w\* \`v\` |" in text


def test_of_two_blocks_the_newer_figure_counts(make_prompt):
    prompt = make_prompt(sections=("Price",), old={"symbol": "X", "price": 5}, new={"symbol": "X", "price": 7})
    old, new = prompt.data
    dated = replace(prompt, data=(replace(old, as_of="2025-02-14"), replace(new, as_of="2025-02-21")))

    assert "Price was 7." in draft(dated)


def test_a_zero_before_makes_no_percentage(make_prompt):
    rows = [{"date": "2022-12-31", "sales": 0}, {"date": "2023-12-31", "sales": 0}, {"date": "2024-12-31", "sales": 8}]

    assert "Sales were 8 in 2024, up from 0 in 2023." in draft(make_prompt({"annual": rows}, sections=("Annual",)))


def test_another_language_is_answered_in_english_and_says_so(make_prompt):
    text = draft(replace(make_prompt({"sales": 5}), output=Output(language="sv")))

    assert "It is in English, since the draft writer does not know the language sv." in text.partition("## ")[0]


def test_two_entities_with_one_remark_share_its_meaning(make_prompt):
    flows = {"operating cash flow": 5, "free cash flow": 8}
    text = draft(make_prompt(sections=("Cash flow",), basel={**flows, "id": 1}, bern={**flows, "id": 2}))

    assert "At Basel, free cash flow of 8 is above operating cash flow of 5. At Bern, free cash flow of 8" in text
    assert text.count("The two rest on different definitions") == 1


def test_a_word_of_the_instruction_names_a_column(make_prompt):
    rows = [{"date": f"2024-0{n}-28", "temperature": n + 0.5, "rain": 10 * n, "wind": n} for n in (1, 2, 3)]
    body = "## Weather\n\nDescribe temperature and rain in a chart.\n"
    prompt = make_prompt(
        {"readings": rows},
        sections=("Weather",),
        body=body,
        units={"readings.temperature": "°C", "readings.rain": "mm"},
    )

    assert "| Date | Temperature | Rain |" in draft(prompt)
    assert "Temperature was 3.5 °C on 28 March 2024, 1 °C more than on 28 February 2024 (2.5 °C)." in draft(prompt)


def test_each_part_of_the_data_keeps_its_own_figures_in_their_order(make_prompt):
    text = draft(make_prompt({"shop": {"sales price": 2, "stock": 3}, "price": {"low": 1, "high": 9}}))

    assert "## Shop\n\nSales price was 2 and stock 3.\n\n## Price\n\nLow was 1 and high 9." in text
