"""Quarters named without their year, comparisons behind a colon, and points between two fractions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trainer.checks import check_figures
from trainer.core.values import DataBlock, Field

QUARTERS = [("03-31", 300.0), ("06-30", 346.0), ("09-30", 404.0), ("12-31", 155.0)]
ROWS = [{"date": f"2024-{day}", "revenue": value} for day, value in QUARTERS]
BLOCK = DataBlock(
    "acme",
    "acme",
    1,
    "s",
    datetime(2025, 1, 31, tzinfo=UTC),
    {"name": "Acme Corp.", "quarterly": ROWS},
    "d",
    "Acme Corp.",
    "2025-01-31",
    {"quarterly.revenue": Field("Revenue", "USD")},
)


def doubted(text: str) -> list[str]:
    return [figure.text for figure in check_figures(text, data=(BLOCK,)).unverified]


@pytest.mark.parametrize(
    ("true", "false"),
    [
        (
            "Sequential revenue growth was 15.3% in the second quarter and 16.8% in the third.",
            "Sequential revenue growth was 15.3% in the second quarter and 18.6% in the third.",
        ),
        (
            "Revenue rose 16.8% from the second to the third quarter of 2024.",
            "Revenue rose 18.6% from the second to the third quarter of 2024.",
        ),
        ("Revenue in Q3 was 2.6x that of Q4.", "Revenue in Q3 was 3.7x that of Q4."),
    ],
)
def test_a_change_between_quarters_holds_only_if_it_is_theirs(true: str, false: str) -> None:
    assert doubted(true) == []
    assert doubted(false) == [next(word for word in false.split() if word not in true.split())]


def test_figures_behind_a_colon_are_read_in_the_order_that_their_link_says() -> None:
    assert doubted("Revenue rose in the third quarter of 2024: $404 after $346.") == []
    assert doubted("Revenue fell in the third quarter of 2024: $404 after $346.") == ["fell"]


RETURNS = {"name": "Alpha Fund", "fund_return": 0.188, "category_return": 0.146, "fee": 0.002, "assets": 0.91}
FUND = DataBlock("fund", "fund", 1, "s", datetime(2025, 1, 31, tzinfo=UTC), RETURNS, "e", "Alpha Fund", "2025-01-31")


def test_points_between_two_fractions_are_read_as_per_cent_in_either_direction() -> None:
    def verdicts(text: str) -> list[tuple[str, str]]:
        return [(figure.text, figure.verdict) for figure in check_figures(text, data=(FUND,)).figures]

    text = "The fund return is ahead of the category return by {} percentage points."
    assert ("4.2 percentage points", "derived") in verdicts(text.format("4.2"))
    assert ("5.3 percentage points", "derived") not in verdicts(text.format("5.3"))
