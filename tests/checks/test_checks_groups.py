"""Groups of rows, scales that a text shows, names in its language, figures that follow: what true reports rest on."""

from __future__ import annotations

from typing import Any

import pytest

from trainer.checks import check_figures
from trainer.core.values import Context, DataBlock

PASSENGERS = [
    {"class": "1st", "sex": "Male", "survived": "Yes", "count": 62},
    {"class": "1st", "sex": "Male", "survived": "No", "count": 118},
    {"class": "1st", "sex": "Female", "survived": "Yes", "count": 141},
    {"class": "1st", "sex": "Female", "survived": "No", "count": 4},
    {"class": "3rd", "sex": "Male", "survived": "Yes", "count": 88},
    {"class": "3rd", "sex": "Male", "survived": "No", "count": 422},
    {"class": "3rd", "sex": "Female", "survived": "Yes", "count": 90},
    {"class": "3rd", "sex": "Female", "survived": "No", "count": 106},
]
JOBS = [
    {"month": "2007-12", "nonfarm": 138411, "construction": 7490},
    {"month": "2009-12", "nonfarm": 129781, "construction": 5654},
    {"month": "2015-12", "nonfarm": 143093, "construction": 6632},
]
PEOPLE = [
    {"country": country, "year": year, "population": population}
    for country, year, population in [
        ("Germany", 1960, 72814900),
        ("Germany", 2019, 83092962),
        ("Spain", 1960, 30455000),
        ("Spain", 2019, 47133521),
    ]
]


def alarms(text: str, data: Any) -> list[str]:
    """The figures and words of a text that are not verified."""
    block = DataBlock("d", "d", 1, "file", None, data, repr(data))
    return [figure.text for figure in check_figures(text, data=(block,)).unverified]


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("In all, 711 of 1,316 passengers survived.", "In all, 761 of 1,316 passengers survived."),
        ("Of the first class 203 survived.", "Of the first class 178 survived."),
        ("Among the women 231 survived.", "Among the women 213 survived."),
        ("In the third class 512 men were counted.", "In the third class 521 men were counted."),
    ],
)
def test_rows_are_added_up_over_the_groups_that_a_sentence_names(true: str, false: str) -> None:
    rows = [*PASSENGERS, {"class": "Crew", "sex": "Male", "survived": "Yes", "count": 330}]
    rows[5] = {**rows[5], "count": 424}  # sums of the table above: 711 survivors, 1,648 people
    total = sum(int(str(row["count"])) for row in rows)
    true, false = true.replace("1,316", f"{total:,}"), false.replace("1,316", f"{total:,}")

    assert alarms(true, {"rows": rows}) == []
    assert len(alarms(false, {"rows": rows})) == 1


def test_means_over_a_group_of_rows_are_derived() -> None:
    rows = [
        {"site": site, "variety": variety, "year": year, "harvest": value}
        for site, variety, year, value in [
            ("Waseca", "Trebi", 1931, 63.8),
            ("Waseca", "Velvet", 1931, 50.2),
            ("Waseca", "Trebi", 1932, 45.3),
            ("Waseca", "Velvet", 1932, 37.4),
            ("Morris", "Trebi", 1931, 33.8),
            ("Morris", "Velvet", 1931, 26.4),
        ]
    ]
    text = "The mean harvest in Waseca was {} in 1931.\n\n| Site | Mean 1931 |\n|---|---|\n| Waseca | 57.0 |\n| Morris | {} |\n"  # noqa: E501

    assert alarms(text.format("57.0", "30.1"), {"rows": rows}) == []
    assert alarms(text.format("58.0", "31.1"), {"rows": rows}) == ["58.0", "31.1"]


def test_a_scale_that_a_table_says_holds_for_the_data_and_for_running_text() -> None:
    text = "Jobs, in thousands:\n\n| | Dec 2007 | Dec 2009 |\n|---|---|---|\n| Nonfarm | 138,411 | 129,781 |\n| Construction | 7,490 | 5,654 |\n\nBy December 2015 the nonfarm total had climbed to {}.\n"  # noqa: E501

    assert alarms(text.format("143.1 million"), {"rows": JOBS}) == []
    assert alarms(text.format("143.1 billion"), {"rows": JOBS}) == ["143.1 billion"]


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("Im Jahr 2019 hatte Deutschland 83,1 Mio. Einwohner.", "Im Jahr 2019 hatte Spanien 83,1 Mio. Einwohner."),
        ("En 2019, l'Allemagne comptait 83,1 millions d'habitants.", "En 2019, l'Espagne comptait 83,1 millions d'habitants."),  # noqa: E501
        ("2019年のスペインの人口は4,713万人である。", "2019年のドイツの人口は4,713万人である。"),
        ("A Espanha tinha 47,1 milhões de habitantes em 2019.", "A Alemanha tinha 47,1 milhões de habitantes em 2019."),
    ],
)  # fmt: skip
def test_countries_are_known_by_their_names_in_the_language_of_the_text(true: str, false: str) -> None:
    assert alarms(true, {"rows": PEOPLE}) == []
    assert len(alarms(false, {"rows": PEOPLE})) == 1


def test_a_figure_may_follow_from_one_that_stands_behind_it() -> None:
    assert alarms("Nonfarm jobs fell by 8,630 to 129,781, from 138,411 in December 2007.", {"rows": JOBS}) == []


@pytest.mark.parametrize(
    "text",
    [
        "The rate is given per 100,000 inhabitants.",
        "Die Rate gilt je 1.000 Einwohner bei den 50- bis 54-Jährigen.",
        "La tasa se da por cada 100.000 habitantes.",
    ],
)
def test_what_a_rate_is_per_is_no_figure(text: str) -> None:
    assert alarms(text, {"rows": JOBS}) == []


@pytest.mark.parametrize(
    ("true", "false", "word"),
    [
        ("Nonfarm jobs stood at 129,781 in December 2009, down from 138,411 in December 2007.", ("down", "up"), "up"),
        ("Im Jahr 2019 hatte Spanien 47,1 Mio. Einwohner, mehr als im Jahr 1960 (30,5 Mio.).", ("mehr", "weniger"), "weniger"),  # noqa: E501
        ("Em 2019 a população da Espanha subiu de 30,5 milhões para 47,1 milhões.", ("subiu", "caiu"), "caiu"),
    ],
)  # fmt: skip
def test_a_direction_is_held_against_the_figures_on_both_sides(true: str, false: tuple[str, str], word: str) -> None:
    data = {"rows": JOBS if "jobs" in true else PEOPLE}

    assert alarms(true, data) == []
    assert alarms(true.replace(*false), data) == [word]


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("En 2019 España era el país menos poblado, con 47,1 millones.", "En 2019 España era el país más poblado, con 47,1 millones."),  # noqa: E501
        ("En 2019, le pays le plus peuplé était l'Allemagne, avec 83,1 millions.", "En 2019, le pays le moins peuplé était l'Allemagne, avec 83,1 millions."),  # noqa: E501
    ],
)  # fmt: skip
def test_a_superlative_of_any_adjective_is_a_rank(true: str, false: str) -> None:
    assert alarms(true, {"rows": PEOPLE}) == []
    assert len(alarms(false, {"rows": PEOPLE})) == 1


def test_a_change_since_a_time_that_no_word_names_proves_nothing() -> None:
    rows = [{"year": 1950 + at, "miles": 3000 + 137 * at + 91 * (at * at % 17)} for at in range(60)]
    text = "In 2009 people drove {:,} miles, {:,} miles more than in 1950."
    last, first = rows[-1]["miles"], rows[0]["miles"]
    wrong = last - rows[7]["miles"]

    assert alarms(text.format(last, last - first), {"rows": rows}) == []
    assert alarms(text.format(last, wrong), {"rows": rows}) == [f"{wrong:,} miles"]


NOTE = Context("note.md", "Note", "Lead times have come down from 11 months to 6 months.\n", "n")


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("Lead times are 6 months, down from 11 months.", []),
        ("Lead times are 7 months, down from 11 months.", ["7 months"]),
        ("Lead times came down from 11 months to 11 months.", ["11 months"]),
    ],
)
def test_a_context_that_states_two_figures_of_one_thing_bears_out_both_once(text: str, doubted: list[str]) -> None:
    figures = check_figures(text, contexts=(NOTE,)).unverified

    assert [figure.text for figure in figures if figure.kind == "time"] == doubted


def test_a_sum_over_years_is_none_over_quarters() -> None:
    rows = [
        {"quarter": f"{year}-Q{part}", "repurchases": 1000 + 137 * at}
        for at, (year, part) in enumerate((year, part) for year in (2022, 2023, 2024) for part in (1, 2, 3, 4))
    ]
    last = sum(int(str(row["repurchases"])) for row in rows[-3:])

    assert alarms(f"Repurchases over the last three quarters came to {last:,}.", {"rows": rows}) == []
    assert alarms(f"Repurchases over the three years came to {last:,}.", {"rows": rows}) == [f"{last:,}"]


def test_bands_above_columns_say_nothing_of_the_unit_of_their_cells() -> None:
    """`$10-20k` is a member of an axis; its sign and scale are not those of the counts below it."""
    incomes = [
        {"religion": "Agnostic", "<$10k": 27, "$10-20k": 34, ">150k": 84},
        {"religion": "Buddhist", "<$10k": 21, "$10-20k": 30, ">150k": 53},
    ]
    text = (
        "| Religion | <$10k | $10-20k | >150k |\n| --- | ---: | ---: | ---: |\n"
        "| Agnostic | 27 | 34 | 84 |\n| Buddhist | 21 | 30 | 53 |\n"
    )

    assert alarms(text, incomes) == []
    assert alarms(text.replace("| 30 |", "| 30,417 |"), incomes) == ["30,417"]


def test_rows_that_say_the_same_are_all_counted_in_a_mean() -> None:
    rows = [{"sex": "Male", "tip": tip} for tip in (2.25, 2.25, 2.25, 5.5)] + [{"sex": "Female", "tip": 3.75}] * 2

    assert alarms("The mean tip of men was 3.0625, that of the whole table 3.291667.", rows) == []
    assert alarms("The mean tip is highest for Female (3.75) and lowest for Male (3.0625).", rows) == []
    assert alarms("The mean tip is highest for Male (3.0625).", rows) == ["highest"]
    # 3.875 is the mean of the two values that differ.
    assert alarms("The mean tip of men was 3.875.", rows) == ["3.875"]


def test_extremes_of_rows_that_several_share_and_bands_of_ages_are_known() -> None:
    rows = [
        {"age": age, "smoker": smoker, "cases": cases}
        for age, smoker, cases in [
            ("0-9", "a", 0),
            ("0-9", "b", 0),
            ("30-49", "a", 41),
            ("75+", "a", 7),
            ("75+", "b", 9),
        ]
    ]

    assert alarms("Cases are highest for 30-49 (41) and lowest for several groups (0).", rows) == []
    assert alarms("Mean cases are 8 for 75\\+ and 41 for 30-49.", rows) == []
    assert alarms("Mean cases are 6 for 75\\+.", rows) == ["6"]


def test_a_filing_that_repeats_last_years_figures_is_no_second_row() -> None:
    rows = [
        {"site": site, "year": year, "visits": visits, "filed": filed}
        for site, year, visits, filed in [
            ("Arden", 2022, 310, "2023-02-01"),
            ("Arden", 2022, 310, "2024-02-01"),
            ("Arden", 2023, 350, "2024-02-01"),
            ("Brook", 2022, 200, "2023-02-01"),
            ("Brook", 2022, 200, "2024-02-01"),
            ("Brook", 2023, 190, "2024-02-01"),
        ]
    ]

    assert alarms("In 2022 both sites together had 510 visits.", rows) == []
    assert alarms("In 2022 the sites together had 1,020 visits.", rows) == ["1,020"]
