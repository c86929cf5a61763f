"""A section that asks in plain words is answered from the table, by the measure and the dimension that it names."""

from __future__ import annotations

import re
from typing import Any

import pytest

from trainer.draft import DraftProvider

CITIES = {"Arden": ("north", 30), "Brook": ("north", 10), "Crane": ("south", 50), "Dover": ("south", 10)}


@pytest.fixture
def ask(make_prompt: Any) -> Any:
    """The body of the one section that asks a question of some rows."""

    def asked(rows: list[dict[str, Any]], question: str, title: str = "Answer") -> str:
        prompt = make_prompt({"rows": rows}, sections=(title,), body=f"## {title}\n\n{question}\n")
        text: str = DraftProvider().complete(prompt).content
        return text.partition(f"## {title}\n\n")[2]

    return asked


def cities() -> list[dict[str, Any]]:
    return [{"city": name, "region": region, "visits": visits} for name, (region, visits) in CITIES.items()]


def years(*, without: tuple[str, int] = ("", 0)) -> list[dict[str, Any]]:
    return [
        {"city": name, "year": year, "visits": visits + year - 2020}
        for year in (2020, 2021, 2022)
        for name, (_, visits) in CITIES.items()
        if (name, year) != without
    ]


def test_a_ranking_names_the_first_three_and_the_last_in_order(ask):
    text = ask(cities(), "Which city has the highest visits and which the lowest?")

    assert text.startswith(
        "Visits are highest for Crane (50), ahead of Arden (30), and lowest for Brook and Dover (10).\n"
    )
    assert re.findall(r"^\| (\w+) \| (\d+) \|", text, re.MULTILINE) == [
        ("Crane", "50"), ("Arden", "30"), ("Brook", "10"), ("Dover", "10"),
    ]  # fmt: skip


def test_a_ranking_by_a_named_axis_adds_up_its_members(ask):
    text = ask(cities(), "Rank each region by visits.")

    assert text.startswith("Total visits are highest for south (60) and lowest for north (40).")


def test_shares_of_what_adds_up_stand_beside_the_values(ask):
    text = ask(cities(), "What share of all visits does each city have?")

    assert text.startswith("Of visits, 100 in all, Crane had 50.0 %.")
    assert "| Arden | 30 | 30.0 % |" in text


def test_no_share_is_told_of_a_measure_that_does_not_add_up(ask):
    rows = [{"city": name, "price": value} for name, (_, value) in CITIES.items()]

    text = ask(rows, "What share of all price does each city have?")

    assert "Shares of price are not told: nothing says that its values add up to a whole." in text
    assert "%" not in text


def test_a_trend_tells_all_rows_together_and_then_the_leading_members(ask):
    text = ask(years(), "Describe the trend of visits by city.")

    assert text.startswith("Total visits were 108 in 2022, 3.8 % more than in 2021 (104).")
    assert "Visits for Crane rose from 50 in 2020 to 52 in 2022, a change of 4.0 %." in text
    assert "| 2022 | 52 | 32 | 12 | 12 |" in text


def test_rows_that_came_and_went_make_no_total(ask):
    text = ask(years(without=("Crane", 2020)), "Describe the trend of visits.")

    assert "Total" not in text
    assert "Visits for Crane rose from 51 in 2021 to 52 in 2022" in text


def test_a_comparison_says_how_far_the_ends_lie_apart(ask):
    assert ask(cities(), "Compare visits between the groups of city.").startswith(
        "Visits of Crane (50) were 5.0 times those of Dover (10). The mean of all is 25."
    )


def test_a_value_repeated_for_each_member_of_another_axis_counts_once(ask):
    rows = [
        {"state": state, "group": group, "population": people, "visits": people + size}
        for state, people in (("Arden", 900), ("Brook", 400))
        for size, group in enumerate(("young", "old", "retired"))
    ]

    assert "highest for Arden (900) and lowest for Brook (400)" in ask(rows, "Which state has the highest population?")


def test_the_hours_of_a_day_make_one_value_of_the_day(ask):
    rows = [{"time": f"2024-05-{day:02} {hour:02}:00:00", "count": day} for day in (1, 2, 3) for hour in (0, 9, 17)]

    assert ask(rows, "How has count developed over time?").startswith(
        "Total count was 9 on 3 May 2024, 50.0 % more than on 2 May 2024 (6)."
    )


def test_a_measure_below_zero_changes_by_no_per_cent(ask):
    rows = [{"year": year, "anomaly": value} for year, value in ((2020, -0.4), (2021, 0.2), (2022, 0.6))]

    assert "Anomaly was 0.6 in 2022, up from 0.2 in 2021." in ask(rows, "Describe the trend of anomaly.")


def test_means_of_a_summary_are_weighted_by_the_rows_they_stand_for(make_prompt):
    rows = [
        {"month": f"2024-0{month}", "carrier": carrier, "rows": rows, "mean distance": mean}
        for month in (1, 2)
        for carrier, rows, mean in (("Arden", 1, 100 * month), ("Brook", 3, 200 * month))
    ]
    body = "## Trend\n\nDescribe the trend of distance.\n"
    prompt = make_prompt({"records": rows, "rows": 8}, sections=("Trend",), body=body)
    text = DraftProvider().complete(prompt).content

    assert "Mean distance was 350 in February 2024, 100.0 % more than in January 2024 (175)." in text


def test_rows_that_no_dimension_tells_apart_are_ranked_over_all_times(ask):
    rows = [{"maker": maker, "year": year, "price": price} for maker, year, price in (
        ("Arden", 2020, 10), ("Arden", 2020, 30), ("Arden", 2021, 50), ("Brook", 2020, 60), ("Brook", 2021, 80),
    )]  # fmt: skip

    assert ask(rows, "Rank each maker by price.").startswith(
        "Mean price is highest for Brook (70) and lowest for Arden (30)."
    )


def test_an_index_of_rows_is_no_amount(ask):
    rows = [{"name": name, "index": at, "visits": 9 - at} for at, name in enumerate(CITIES)]

    assert "Index" not in ask(rows, "Say what matters.", title="Summary")
