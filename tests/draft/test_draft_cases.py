"""Ordinary data of other people: each place with itself, years as keys, lists by name, titles, parameters."""

from __future__ import annotations

from dataclasses import replace

from trainer.draft import DraftProvider

CITIES = [
    {"date": "2025-08-01", "city": "Arden", "pm25": 3.8},
    {"date": "2025-08-01", "city": "Brook", "pm25": 11.0},
    {"date": "2025-09-01", "city": "Arden", "pm25": 4.4},
    {"date": "2025-09-01", "city": "Brook", "pm25": 12.2},
]
UNITS = {"readings.pm25": "µg/m³"}


def draft(prompt) -> str:
    return DraftProvider().complete(prompt).content


def summary(make_prompt, data, ask: str, **more):
    return draft(make_prompt(data, sections=("Summary",), body=f"## Summary\n\nState {ask}.\n", **more))


def test_each_city_is_compared_with_itself_and_with_the_other_at_one_time(make_prompt):
    text = summary(make_prompt, {"readings": CITIES}, "PM25 and how it changed", units=UNITS)

    assert "In September 2025 Pm25 was highest for Brook (12.2 µg/m³) and lowest for Arden (4.4 µg/m³)." in text
    assert "Pm25 for Arden was 4.4 µg/m³ in September 2025, 15.8 % more than in August 2025 (3.8 µg/m³)." in text
    assert "Pm25 for Brook was 12.2 µg/m³ in September 2025, 10.9 % more than in August 2025 (11 µg/m³)." in text


def test_a_parameter_that_names_a_member_selects_it(make_prompt):
    prompt = make_prompt({"readings": CITIES}, sections=("Summary",), body="## Summary\n\nState PM25.\n", units=UNITS)
    text = draft(replace(prompt, params={"CITY": "Arden"}))

    assert "Pm25 was 4.4 µg/m³ in September 2025, 15.8 % more than in August 2025 (3.8 µg/m³)." in text
    assert "Brook" not in text


def test_a_parameter_that_names_a_period_ends_there(make_prompt):
    prompt = make_prompt({"readings": CITIES}, sections=("Summary",), body="## Summary\n\nState PM25.\n", units=UNITS)
    text = draft(replace(prompt, params={"MONTH": "August 2025"}))

    assert "highest for Brook (11 µg/m³) and lowest for Arden (3.8 µg/m³)" in text
    assert "September" not in text


def test_years_as_keys_are_a_series(make_prompt):
    text = summary(make_prompt, {"revenue": {"2023": 54_318_000_000, "2024": 56_334_000_000}}, "revenue")

    assert "Revenue was 56.33 billion in 2024, 3.7 % more than in 2023 (54.32 billion)." in text


def test_the_highest_month_is_a_month(make_prompt):
    rows = [{"month": f"2024-0{at}", "sales": sales} for at, sales in ((1, 1500), (2, 1600), (3, 1750))]
    text = summary(make_prompt, {"rows": rows}, "sales and how they changed")

    assert "That is the highest of the months shown; the lowest was 1,500 (January 2024)." in text


def test_what_is_asked_of_each_name_is_tabled_by_name(make_prompt):
    products = [{"name": "Alpha", "units": 1200, "price": 9.5}, {"name": "Beta", "units": 800, "price": 12.25}]
    text = summary(make_prompt, {"products": products, "total_units": 2000}, "units and price of each product")

    assert "| Alpha | 1,200 | 9.5 |\n| Beta | 800 | 12.25 |" in text


def test_rows_without_a_name_of_their_own_are_averaged_by_group(make_prompt):
    rows = [{"species": name, "length": length} for name, length in (("a", 1.0), ("a", 2.0), ("b", 4.0), ("b", 6.0))]
    text = draft(make_prompt({"rows": rows}, sections=("Length",)))

    assert "Mean length is highest for b (5) and lowest for a (1.5)." in text


def test_the_largest_share_of_a_sum_is_told_where_sums_mean_something(make_prompt):
    visits = [{"name": "Basel", "visits": 300}, {"name": "Bern", "visits": 120}, {"name": "Chur", "visits": 80}]
    text = draft(make_prompt({"shops": visits}, sections=("Shops",)))

    assert "Basel has 60.0 % of the sum of 500." in text


def test_all_names_that_share_the_extreme_are_told(make_prompt):
    cars = [{"name": name, "mpg": mpg} for name, mpg in (("Ada", 33.9), ("Bolt", 10.4), ("Cub", 10.4), ("Dart", 21.0))]
    text = draft(make_prompt({"cars": cars}, sections=("Cars",)))

    assert "Mpg is highest for Ada (33.9) and lowest for Bolt and Cub (10.4)." in text


def test_an_extreme_of_many_is_nobodys_own(make_prompt):
    flags = [{"name": name, "doors": 5 if name == "Ada" else 3} for name in ("Ada", "Bolt", "Cub", "Dart", "Echo")]
    text = draft(make_prompt({"cars": flags}, sections=("Cars",)))

    assert "Doors are highest for Ada (5) and lowest for several of them (3)." in text


def test_rows_that_only_two_columns_tell_apart_are_called_by_both(make_prompt):
    rows = [
        {"county": county, "state": state, "area": area, "kind": "rural"}
        for county, state, area in (("Adams", "IL", 52), ("Adams", "WI", 68), ("Brown", "IL", 31), ("Brown", "WI", 55))
    ]
    text = draft(make_prompt({"rows": rows}, sections=("Area",)))

    assert "Area is highest for Adams (WI) (68) and lowest for Brown (IL) (31)." in text


def test_counts_by_several_groups_are_summed_by_the_first(make_prompt):
    rows = [
        {"class": rank, "sex": sex, "age": age, "count": count}
        for rank, sex, age, count in (
            ("1st", "f", "adult", 144), ("1st", "m", "adult", 175), ("1st", "f", "child", 1), ("1st", "m", "child", 5),
            ("2nd", "f", "adult", 93), ("2nd", "m", "adult", 168), ("2nd", "f", "child", 13), ("2nd", "m", "child", 11),
        )
    ]  # fmt: skip
    text = draft(make_prompt({"rows": rows}, sections=("Count",)))

    assert "Total count is highest for 1st (325) and lowest for 2nd (285)." in text


def test_one_row_is_told_as_figures_and_not_as_a_table(make_prompt):
    text = draft(make_prompt({"shops": [{"name": "Basel", "visits": 312, "staff": 4}]}, sections=("Shops",)))

    assert text.endswith("## Shops\n\nVisits were 312 and staff 4.\n")


def test_a_plain_table_is_summarised_without_saying_a_sentence_twice(make_prompt):
    rows = [{"name": name, "mpg": mpg, "hp": hp} for name, mpg, hp in (("Ada", 33.9, 65), ("Bolt", 10.4, 205))]
    text = draft(make_prompt({"rows": rows}))

    assert text.count("Mpg is highest for Ada (33.9) and lowest for Bolt (10.4).") == 1
    assert "## Rows" not in text


def test_a_list_whose_rows_are_of_different_times_tells_each(make_prompt):
    cars = [{"model": name, "year": year, "hp": hp} for name, year, hp in (("GT", 2017, 647), ("FF", 2015, 652))]
    text = draft(make_prompt({"cars": [*cars, {"model": "Viper", "year": 2017, "hp": 645}]}, sections=("Cars",)))

    assert "Hp is highest for FF (652) and lowest for Viper (645)." in text
    assert "| Model | Year | Hp |\n| --- | --- | ---: |\n| GT | 2017 | 647 |\n| FF | 2015 | 652 |" in text
