"""Which figure of a sentence is of which time and member: spans, lists, codes, and sentences that follow one up."""

from __future__ import annotations

from typing import Any

import pytest

from trainer.checks import check_figures
from trainer.core.values import DataBlock

RATES = [
    {"state": state, "year": year, "death_rate": rate, "drivers": drivers}
    for state, year, rate, drivers in [
        ("AZ", 1985, 4.43, 2104),
        ("AZ", 1990, 2.51, 2391),
        ("DE", 1985, 2.28, 451),
        ("DE", 1990, 2.14, 488),
        ("LA", 1985, 3.06, 2671),
        ("LA", 1990, 2.57, 2603),
    ]
]
FIRMS = [
    {"firm": firm, "year": year, "capital": capital, "value": value}
    for firm, year, capital, value in [
        ("Northwind", 1935, 10.5, 417.5),
        ("Northwind", 1954, 414.9, 703.2),
        ("Brightwater", 1935, 6.5, 197.0),
        ("Brightwater", 1954, 238.7, 927.3),
    ]
]
DEATHS = [
    {"entity": entity, "year": year, "deaths": deaths}
    for year, values in {
        2015: (9550, 3495, 1270, 14315),
        2016: (1311, 4720, 1760, 7791),
        2017: (49, 648, 394, 1091),
    }.items()
    for entity, deaths in zip(("Earthquake", "Flood", "Storm", "Altogether"), values, strict=True)
]


def alarms(text: str, data: Any) -> list[str]:
    """The figures and words of a text that are not verified."""
    block = DataBlock("d", "d", 1, "file", None, {"rows": data}, repr(data))
    return [figure.text for figure in check_figures(text, data=(block,)).unverified]


@pytest.mark.parametrize(
    "text",
    [
        "Between 1985 and 1990 the death rate in AZ fell from {} to {}.",
        "The death rate in AZ fell from {} to {} between 1985 and 1990.",
        "De 1985 à 1990, le death rate de AZ est passé de {} à {}.",
        "Der Wert (death rate) von AZ sank zwischen 1985 und 1990 von {} auf {}.",
        "The death rate in AZ was {} and {} in 1985 and 1990, respectively.",
    ],
)
def test_of_two_figures_over_a_span_the_first_is_of_its_start(text: str) -> None:
    mark = "," if text.startswith(("De", "Der")) else "."
    first, last = f"4{mark}43", f"2{mark}51"

    assert alarms(text.format(first, last), RATES) == []
    assert alarms(text.format(last, first), RATES)


def test_a_second_change_of_a_sentence_is_over_the_same_times() -> None:
    text = "Brightwater's capital grew from 6.5 in 1935 to 238.7 in 1954, while its value rose from {} to {}."

    assert alarms(text.format("197.0", "927.3"), FIRMS) == []
    assert alarms(text.format("417.5", "703.2"), FIRMS) == ["417.5", "703.2"]


def test_figures_listed_behind_as_many_members_are_of_one_each() -> None:
    text = "In 1954 the value of Northwind and Brightwater was {} and {}."

    assert alarms(text.format("703.2", "927.3"), FIRMS) == []
    assert alarms(text.format("927.3", "703.2"), FIRMS) == ["927.3", "703.2"]


@pytest.mark.parametrize("word", ["de", "la"])
def test_small_words_are_no_codes_of_states(word: str) -> None:
    text = f"La tasa (death rate) de AZ era {word} 2,51 en 1990, y en DE de 2,14."

    assert alarms(text, RATES) == []
    assert alarms(text.replace("2,51", "2,57"), RATES) == ["2,57"]


def test_a_sentence_that_names_nothing_counts_with_the_figures_before_it() -> None:
    text = "In 1990 AZ had 2,391 drivers and LA had 2,603 drivers. That is a gap of {} drivers."

    assert alarms(text.format("212"), RATES) == []
    assert alarms(text.format("221"), RATES) == ["221"]


def test_a_member_that_is_the_sum_of_the_others_is_the_total() -> None:
    text = "In 2016 {} people died in an Earthquake. The total number of deaths fell from 7,791 in 2016 to {} in 2017."

    assert alarms(text.format("1,311", "1,091"), DEATHS) == []
    assert alarms(text.format("1,311", "1,901"), DEATHS) == ["1,901"]
    assert alarms("In 2016 the Earthquake share of all deaths was 16.8 %.", DEATHS) == []


def test_the_mean_of_a_named_span_is_over_all_its_times() -> None:
    rows = [
        {"year": 1990 + at, "inflation": value}
        for at, value in enumerate((5.4, 4.2, 3.0, 3.1, 2.6, 2.8, 2.9, 2.3, 1.6))
    ]

    assert alarms("The average inflation from 1991 to 1997 was 2.99.", rows) == []
    assert alarms("The average inflation from 1991 to 1997 was 3.19.", rows) == ["3.19"]


def test_a_scale_that_the_text_alone_names_may_be_that_of_the_data() -> None:
    rows = [
        {"year": 1973, "consumption": 8480.3},
        {"year": 1974, "consumption": 8105.2},
        {"year": 1975, "consumption": 7157.2},
    ]

    assert alarms("In 1975 consumption was 7,157.2 thousand tons.", rows) == []
    assert alarms("In 1975 consumption was 7,175.2 thousand tons.", rows) == ["7,175.2 thousand"]


def test_of_two_dimensions_the_highest_is_that_of_the_named_member() -> None:
    rows = [
        {"carrier": carrier, "origin": origin, "flights": flights}
        for carrier, origin, flights in [
            ("Jetline", "JFK", 42076),
            ("Jetline", "EWR", 6557),
            ("Deltair", "JFK", 20701),
            ("Deltair", "EWR", 4342),
            ("Unity", "JFK", 4534),
            ("Unity", "EWR", 46087),
        ]
    ]
    text = "Jetline is the {} at JFK with 42,076 flights."

    assert alarms(text.format("biggest"), rows) == []
    assert alarms(text.format("smallest"), rows) == ["smallest"]


@pytest.mark.parametrize(
    "code",
    [
        "```\nstate  death rate 1985  drivers 1985\nAZ  {}  2104\nLA  3.06  2671\n```",
        "```csv\nstate,death rate 1990,drivers 1990\nAZ,{},2391\nLA,2.57,2603\n```",
        "```text\nIn 1990 the death rate in AZ was {}.\nIn LA the death rate was 2.57.\n```",
        '```json\n{{"state": "AZ", "year": 1990, "death_rate": {}}}\n```',
    ],
)
def test_figures_in_code_that_is_no_program_are_checked(code: str) -> None:
    true = "4.43" if "1985" in code else "2.51"

    assert alarms(code.format(true), RATES) == []
    assert alarms(code.format("3.91"), RATES) == ["3.91"]


def test_numbers_of_a_program_are_no_figures() -> None:
    assert alarms("```python\nlimit = 391.25\n```", RATES) == []
