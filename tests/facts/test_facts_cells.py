"""Cells of other people's data: numbers, times and units as they are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from trainer.facts import convert, head_units, parse_time, parse_unit, read, read_csv, read_number


@pytest.mark.parametrize(
    ("text", "value", "step", "unit"),
    [
        ("1,234.50", "1234.50", "0.01", ""), ("1.234,5", "1234.5", "0.1", ""), ("1 234,5", "1234.5", "0.1", ""),
        ("(3.2)", "-3.2", "0.1", ""), ("−5 %", "-5", "1", "%"), ("$1.2bn", "1.2", "0.1", "$ bn"),
        ("1'234'567", "1234567", "1", ""), ("12,5", "12.5", "0.1", ""), ("€ 5m", "5", "1", "€ m"),
    ],
)  # fmt: skip
def test_a_number_is_read_with_its_precision_and_what_stands_beside_it(
    text: str, value: str, step: str, unit: str
) -> None:
    number = read_number(text)
    assert number is not None
    assert (number.value, number.step, number.unit) == (Decimal(value), Decimal(step), unit)


@pytest.mark.parametrize("text", ["A1", "-C5", "2024-01-01", "12-34", "abc", "1E100", "", "IFRS 16", "10-K"])
def test_codes_dates_and_words_are_no_numbers(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("text", "start", "end", "grain", "fiscal"),
    [
        ("2024-06-30", (2024, 6, 30), (2024, 6, 30), "day", False),
        ("Q3 2024", (2024, 7, 1), (2024, 9, 30), "quarter", False),
        ("3Q24", (2024, 7, 1), (2024, 9, 30), "quarter", False), ("FY24", (2024, 1, 1), (2024, 12, 31), "year", True),
        ("März 2024", (2024, 3, 1), (2024, 3, 31), "month", False),
        ("août 2023", (2023, 8, 1), (2023, 8, 31), "month", False),
        ("2024年3月", (2024, 3, 1), (2024, 3, 31), "month", False),
        ("2024年度", (2024, 1, 1), (2024, 12, 31), "year", True),
        ("2023/24", (2023, 7, 1), (2024, 6, 30), "year", True),
        ("31.12.2024", (2024, 12, 31), (2024, 12, 31), "day", False),
        ("2024-W05", (2024, 1, 29), (2024, 2, 4), "week", False),
        ("H1 2024", (2024, 1, 1), (2024, 6, 30), "half", False),
    ],
)  # fmt: skip
def test_a_time_is_an_interval_with_a_grain(text, start, end, grain, fiscal) -> None:
    time = parse_time(text)
    assert time is not None
    assert (time.start, time.end, time.grain, time.is_fiscal) == (date(*start), date(*end), grain, fiscal)


@pytest.mark.parametrize(
    ("head", "rest", "kind", "symbol", "scale"),
    [
        ("Revenue (USD m)", "Revenue", "money", "USD", 10**6), ("rain_mm", "rain", "physical", "mm", 1),
        ("growth_pct", "growth", "percent", "%", 1), ("Area, km²", "Area", "physical", "km^2", 1),
        ("revenue_usd_m", "revenue", "money", "USD", 10**6), ("売上高 (百万円)", "売上高", "money", "JPY", 10**6),
        ("pm10_ug_m3", "pm10", "physical", "µg/m^3", 1), ("wind_m_s", "wind", "physical", "m/s", 1),
        ("Anteil %", "Anteil", "percent", "%", 1), ("temp_c", "temp", "physical", "degC", 1),
    ],
)  # fmt: skip
def test_a_head_tells_the_unit_with_its_scale(head: str, rest: str, kind: str, symbol: str, scale: int) -> None:
    name, units = head_units(head)
    assert name == rest
    assert [(unit.kind, unit.symbol, unit.scale) for unit in units] == [(kind, symbol, scale)]


@pytest.mark.parametrize("head", ["share_count", "temperature_2m", "revenueOfA", "price_per_share", "day"])
def test_a_head_without_a_unit_stays_whole(head: str) -> None:
    assert head_units(head) == (head, ())


@pytest.mark.parametrize(
    ("head", "rest", "symbol", "per"),
    [
        ("yield_t_ha", "yield", "t", "ha"),
        ("price_eur_mwh", "price", "EUR", "mwh"),
        ("rain_mm_day", "rain", "mm", "day"),
    ],
)
def test_two_units_at_the_end_of_a_key_are_one_by_the_other(head: str, rest: str, symbol: str, per: str) -> None:
    name, units = head_units(head)
    assert (name, [(unit.symbol, unit.per) for unit in units]) == (rest, [(symbol, per)])


def test_units_of_one_dimension_are_converted_and_others_are_not() -> None:
    celsius, fahrenheit, mm, inch = (parse_unit(text)[0] for text in ("°C", "°F", "mm", "inch"))
    assert round(convert(Decimal("12.1"), celsius, fahrenheit) or 0, 1) == Decimal("53.8")
    assert round(convert(Decimal("43.3"), mm, inch) or 0, 2) == Decimal("1.70")
    assert convert(Decimal(1), mm, celsius) is None


def test_pence_are_hundredths_of_their_currency() -> None:
    assert [(unit.symbol, unit.scale) for unit in parse_unit("GBp")] == [("GBP", Decimal("0.01"))]


def test_decimal_years_of_statistics_programs_are_quarters_and_months() -> None:
    quarters = read({"time": [1956.0, 1956.25, 1956.5, 1956.75], "value": [1, 2, 3, 4]}, name="d")
    assert [one.time.label for one in quarters.observations if one.time][:2] == ["1956 Q1", "1956 Q2"]


def test_years_of_two_digits_and_counts_of_years_are_no_times() -> None:
    facts = read({"rows": [{"year": at, "cost": at} for at in (92, 93, 94)]}, name="d")
    assert all(one.time is None for one in facts.observations)


def test_identifiers_constants_and_birthdays_are_no_measures_and_no_times() -> None:
    facts = read_csv("id,born,maxAge,height\n7,1980-01-01,1,1.80\n9,1990-01-01,1,1.75\n", name="d")
    assert list(facts.measures) == ["height"]
    assert {out.why for out in facts.left_out} == {"identifier", "time", "constant"}
    assert all(one.time is None for one in facts.observations)


def test_a_rate_that_may_be_a_fraction_keeps_every_reading() -> None:
    (measure,) = read(
        {"rows": [{"name": "A", "yield": 58.2}, {"name": "B", "yield": 14.4}]}, name="d"
    ).measures.values()
    assert {unit.kind for unit in measure.units} == {"percent", "count"}


def test_a_column_with_a_number_beyond_all_use_has_no_highest_value() -> None:
    facts = read({"rows": [{"name": "a", "size": 1e50}, {"name": "b", "size": 2.0}]}, name="d")
    assert facts.observations == ()
    assert "text" in {out.why for out in facts.left_out}
