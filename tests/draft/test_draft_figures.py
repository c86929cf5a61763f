"""How figures are printed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trainer.draft.figures import change, number, numeral, points, show, times


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("356741939200", "USD", "$356.7 billion"),
        ("5554999808", "USD", "$5.555 billion"),
        ("-22000000", "USD", "−$22 million"),
        ("338760", "USD", "$338,760"),
        ("12.5", "USD", "$12.50"),
        ("1234567890123", "JPY", "¥1.235 trillion"),
        ("1500000", "CHF", "CHF 1.500 million"),
        ("202.08", "USD/share", "$202.08"),
        ("-0.47", "USD/share", "−$0.47"),
        ("0.674", "USD/share", "$0.674"),
        ("-0.28667", "USD/share", "−$0.287"),
        ("0", "USD/share", "$0.00"),
        ("0.07594", "fraction", "7.6 %"),
        ("0.00504", "fraction", "0.50 %"),
        ("-1.29245", "fraction", "−129.2 %"),
        ("2028.835", "percent", "2,029 %"),
        ("0", "percent", "0.0 %"),
        ("84.90756", "ratio", "84.91"),
        ("107.261154", "ratio", "107.3"),
        ("55000", "count", "55,000"),
        ("1765350016", "shares", "1.765 billion shares"),
        ("2011", "year", "2011"),
        ("1.81", "years", "1.8 years"),
        ("42", "kg", "42 kg"),
        ("0.123456", "", "0.1235"),
        ("0.0000012", "", "1.200e-6"),
        ("17", "", "17"),
    ],
)
def test_a_figure_has_its_unit_and_a_readable_scale(value, unit, shown):
    assert show(Decimal(value), unit) == shown


def test_half_a_digit_rounds_away_from_zero_as_people_do():
    assert show(Decimal("0.425"), "ratio") == "0.43"


def test_differences_of_shares_are_percentage_points():
    assert points(Decimal("0.407"), "fraction") == "40.7 percentage points"
    assert points(Decimal("-3.25"), "percent") == "3.3 percentage points"


def test_many_times_have_no_decimals():
    assert times(Decimal("349.96")) == "350"
    assert times(Decimal("2.604")) == "2.6"


def test_a_change_from_nothing_or_from_a_loss_has_no_percentage():
    assert change(Decimal(0), Decimal(5)) is None
    assert change(Decimal(-5), Decimal(5)) is None
    assert change(Decimal(4), Decimal(5)) == Decimal("0.25")


@pytest.mark.parametrize("value", [True, None, "5", float("nan"), float("inf"), 10**400, 1e300, [1]])
def test_what_is_no_usable_number_is_none(value):
    assert number(value) is None


@pytest.mark.parametrize(
    ("text", "found"), [("12.50", "12.50"), ("-3", "-3"), ("007", None), ("1,200", None), ("1e5", None), ("٣", None)]
)
def test_only_plain_numerals_are_read_from_text(text, found):
    assert numeral(text) == (Decimal(found) if found else None)
