"""Words of direction and rank, with and without figures: true ones pass, false ones are reported at the word."""

from __future__ import annotations

from typing import Any

import pytest

from trainer.checks import check_figures
from trainer.core.values import DataBlock

VISITS = {2019: 40, 2020: 31, 2021: 33, 2022: 38, 2023: 51}
COUNTRIES = [
    {"country": country, "year": year, "visits": visits * factor}
    for country, factor in (("Norway", 100), ("Peru", 90))
    for year, visits in VISITS.items()
] + [{"country": "Egypt", "year": year, "visits": 5000 - 800 * (year - 2019)} for year in VISITS]
TIPS = [
    {"day": day, "tip": tip} for day, tips in (("Saturday", (2.0, 2.0, 5.0)), ("Sunday", (3.5, 3.5))) for tip in tips
]


def alarms(text: str, data: Any) -> list[str]:
    """The figures and words of a text that are not verified."""
    block = DataBlock("d", "d", 1, "file", None, data, repr(data))
    return [figure.text for figure in check_figures(text, data=(block,)).unverified]


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("In Norway, visits {} between 2020 and 2023.", "rose", "fell"),
        ("Visits in Egypt have {} since 2020.", "fallen", "risen"),
        ("In 2022, visits were {} in Norway than in Peru.", "higher", "lower"),
        ("In Norway, visits {} in 2023.", "rose for the third year in a row", "rose for the fourth year in a row"),
    ],
)
def test_a_word_of_direction_is_held_against_the_series_that_a_sentence_names(text: str, true: str, false: str) -> None:
    assert alarms(text.format(true), COUNTRIES) == []
    assert alarms(text.format(false), COUNTRIES) == [false]


@pytest.mark.parametrize(
    ("true", "false", "word"),
    [
        ("In Peru, visits were highest in 2023.", "In Peru, visits were highest in 2019.", "highest"),
        ("In Norway, visits peaked in 2023, at 5,100.", "In Norway, visits peaked in 2019, at 4,000.", "peaked"),
        ("In 2019, Egypt exceeded Norway in visits.", "In 2023, Egypt exceeded Norway in visits.", "exceeded"),
        (
            "From 2020 to 2023, visits grew faster in Norway than in Egypt.",
            "From 2020 to 2023, visits grew faster in Egypt than in Norway.",
            "faster",
        ),
        (
            "In Egypt, visits fell for four consecutive years to 2023.",
            "In Norway, visits rose for four consecutive years to 2023.",
            "rose for four consecutive",
        ),
    ],
)
def test_words_are_held_against_the_series_that_a_sentence_names(true: str, false: str, word: str) -> None:
    assert alarms(true, COUNTRIES) == []
    assert alarms(false, COUNTRIES) == [word]


def test_a_streak_that_may_reach_back_before_the_data_is_not_doubted() -> None:
    assert alarms("In Egypt, visits fell for the ninth year in a row in 2023.", COUNTRIES) == []


def test_means_of_groups_are_ranked_among_the_groups() -> None:
    assert alarms("The mean tip was highest on Sunday (3.5).", TIPS) == []
    assert alarms("The mean tip was highest on Sunday.", TIPS) == []
    assert alarms("The mean tip was highest on Saturday (3.00).", TIPS) == ["highest"]
    assert alarms("The mean tip was highest on Saturday.", TIPS) == ["highest"]


def test_a_round_limit_holds_where_the_value_lies_a_little_beyond_it() -> None:
    assert alarms("In 2023, visits in Norway were above 4,900.", COUNTRIES) == []
    assert alarms("In 2023, visits in Norway were below 4,900.", COUNTRIES) == ["4,900"]
    assert alarms("In 2023, visits in Norway were above 2,700.", COUNTRIES) == ["2,700"]


def test_a_second_comparison_is_of_what_the_sentence_began_with() -> None:
    text = "In Norway, visits were 3,300 in 2021, higher than in 2020 (3,100) and {} than in 2019 (4,000)."

    assert alarms(text.format("lower"), COUNTRIES) == []
    assert alarms(text.format("higher"), COUNTRIES) == ["higher"]


@pytest.mark.parametrize(
    "text", ["In 2023, Norway had {} visits {} than Peru.", "In 2023, visits were {} {} in Norway than in Peru."]
)
def test_a_difference_of_two_members_goes_the_way_that_the_sentence_names_them(text: str) -> None:
    norway, peru = (
        next(r["visits"] for r in COUNTRIES if (r["country"], r["year"]) == (c, 2023)) for c in ("Norway", "Peru")
    )

    assert alarms(text.format(f"{norway - peru:,}", "more"), COUNTRIES) == []
    assert alarms(text.format(f"{norway - peru:,}", "fewer"), COUNTRIES) == ["fewer"]


def test_a_bracket_may_say_what_kind_of_time_a_figure_is_of() -> None:
    quarters = [
        {"quarter_end": end, "net_income_usd": value}
        for end, value in (("2024-06-30", 1_370_000_000), ("2024-09-30", 1_561_000_000), ("2024-12-31", -22_000_000))
    ]
    text = (
        "Das Nettoergebnis lag bei −22 Mio. $ (Quartal bis zum 31. Dezember 2024), "
        "nach {} Mrd. $ (Quartal bis zum 30. September 2024)."
    )

    assert alarms(text.format("1,561"), quarters) == []
    assert alarms(text.format("1,370"), quarters) == ["1,370 Mrd. $"]


LEVELS = [
    {"year": 1958, "unemployed": 4681, "forces": 2637},
    {"year": 1959, "unemployed": 3813, "forces": 2552},
    {"year": 1960, "unemployed": 3931, "forces": 2514},
    {"year": 1961, "unemployed": 4806, "forces": 2572},
    {"year": 1962, "unemployed": 4007, "forces": 2827},
]
CITIES = [
    {"city": "Arden", "population": 39250017},
    {"city": "Brook", "population": 27862596},
    {"city": "Cedar", "population": 585501},
    {"city": "Dover", "population": 952065},
]


@pytest.mark.parametrize(
    ("rows", "true", "word", "false"),
    [
        (
            LEVELS,
            "In 1961 the unemployed numbered 4,806, their {} level, before they fell to 4,007 in 1962.",
            "highest",
            "lowest",
        ),
        (
            LEVELS,
            "Les unemployed étaient 4 806 en 1961, le niveau le {}, avant de tomber à 4 007 en 1962.",
            "plus élevé",
            "plus bas",
        ),
        (LEVELS, "In 1961 there were 4,806 unemployed, {} than the 3,931 of 1960.", "more", "fewer"),
        (CITIES, "Arden has a population of 39,250,017, {} Brook with 27,862,596.", "ahead of", "behind"),
        (CITIES, "The {} population is 585,501.", "lowest", "highest"),
        (CITIES, "Arden has a population of 39,250,017. Thus Arden is the {} of all.", "largest", "smallest"),
    ],
)
def test_the_word_is_told_and_not_the_figure(rows: list[dict[str, Any]], true: str, word: str, false: str) -> None:
    assert alarms(true.format(word), rows) == []
    assert false in alarms(true.format(false), rows)
