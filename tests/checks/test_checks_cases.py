"""Ordinary data of several shapes, and what is rightly said of it: months, cities, units, years by any name."""

from __future__ import annotations

from typing import Any

import pytest

from trainer.checks import check_figures
from trainer.core.values import DataBlock, Field

WEATHER = DataBlock(
    "weather",
    "weather",
    1,
    "file",
    None,
    {
        "monthly": [
            {"date": "2025-07-31", "pm25": 4.1, "temperature": 17.9, "rainfall": 111.0, "dustDays": 0},
            {"date": "2025-08-31", "pm25": 3.8, "temperature": 17.2, "rainfall": 58.6, "dustDays": 2},
            {"date": "2025-09-30", "pm25": 6.1, "temperature": 12.1, "rainfall": 43.3, "dustDays": 3},
        ]
    },
    "w",
    "Arden",
    "2025-09-30",
    {
        "monthly.pm25": Field("Mean PM2.5", "µg/m³"),
        "monthly.temperature": Field("Mean temperature", "°C"),
        "monthly.rainfall": Field("Rainfall", "mm"),
        "monthly.dustDays": Field("Days above 15 µg/m³ PM2.5", "days"),
    },
)
YEARS: list[Any] = [
    {"rows": [{"year": 2023, "revenue": 54318000000}, {"year": 2024, "revenue": 56334000000}]},
    {"rows": [{"period": "FY2023", "revenue": 54318000000}, {"period": "FY2024", "revenue": 56334000000}]},
    {"revenue": {"2023": 54318000000, "2024": 56334000000}},
    {"revenue_2023": 54318000000, "revenue_2024": 56334000000},
]


def block(data: Any) -> DataBlock:
    return DataBlock("d", "d", 1, "file", None, data, repr(data))


def verdicts(text: str, data: DataBlock) -> list[tuple[str, str]]:
    words = ("direction", "rank", "size")
    return [
        (figure.text, figure.verdict)
        for figure in check_figures(text, data=(data,)).figures
        if figure.kind not in words
    ]


def test_millimetres_are_no_millions() -> None:
    assert verdicts("In September 2025 rainfall was 43.3 mm.", WEATHER) == [("43.3 mm", "supported")]


@pytest.mark.parametrize(
    "text", ["mean PM2.5 was 6.1 mg/m³", "the mean temperature was 12.1 °F", "rainfall was 43.3 inches"]
)
def test_another_unit_is_not_supported(text: str) -> None:
    assert [verdict for _, verdict in verdicts(f"In September 2025 {text}.", WEATHER)] == ["unsupported"]


@pytest.mark.parametrize("text", ["the mean temperature was 53.8 °F", "rainfall was 4.33 cm"])
def test_a_value_converted_to_another_unit_is_derived(text: str) -> None:
    assert [verdict for _, verdict in verdicts(f"In September 2025 {text}.", WEATHER)] == ["derived"]


def test_a_month_takes_its_year_from_the_one_beside_it() -> None:
    text = "PM2.5 rose from 3.8 µg/m³ in August to 6.1 µg/m³ in September 2025."

    assert verdicts(text, WEATHER) == [("3.8 µg/m³", "supported"), ("6.1 µg/m³", "supported")]


def test_days_are_counted_and_the_threshold_in_a_measures_name_is_no_figure() -> None:
    text = "In September 2025 there were 9 days above 15 µg/m³ PM2.5."

    assert verdicts(text, WEATHER) == [("9 days", "contradicted")]


def test_sums_and_means_over_months_are_derived() -> None:
    text = "From July to September 2025 rainfall was 212.9 mm in all.\n\nOver the three months mean PM2.5 was 4.7 µg/m³ on average.\n"  # noqa: E501

    assert [verdict for _, verdict in verdicts(text, WEATHER)] == ["derived", "derived"]


def test_the_value_of_another_row_is_told_as_that() -> None:
    cities = block([{"city": "Arden", "admissions": 30}, {"city": "Brook", "admissions": 31}])
    (figure,) = check_figures("Admissions in Arden were 31.", data=(cities,)).figures

    assert (figure.verdict, figure.message) == ("contradicted", "31 is Admissions (Brook); Admissions (Arden) is 30")


@pytest.mark.parametrize("data", YEARS)
def test_years_as_numbers_labels_keys_and_in_names_are_times(data: Any) -> None:
    text = "Revenue was 56.3 billion in 2024, up 3.7 % from 54.3 billion in 2023."

    assert verdicts(text, block(data)) == [
        ("56.3 billion", "supported"),
        ("3.7 %", "derived"),
        ("54.3 billion", "supported"),
    ]


def test_swapped_months_are_contradicted() -> None:
    months = block({"rows": [{"month": "2024-01", "sales": 1500}, {"month": "2024-02", "sales": 1600}]})

    assert ("1,600", "contradicted") in verdicts("In January sales were 1,600 and in February 1,500.", months)
    assert verdicts("In January sales were 1,500 and in February 1,600.", months) == [
        ("1,500", "supported"),
        ("1,600", "supported"),
    ]


def test_two_thirds_of_undated_data_stay_undated() -> None:
    (figure,) = check_figures(
        "Two thirds of revenue came from A.", data=(block({"revenue": 90, "revenueOfA": 60}),)
    ).figures

    assert (figure.verdict, figure.date) == ("derived", "")


def test_a_definition_finds_its_measures() -> None:
    (figure,) = check_figures(
        "Net margin was 7.5 %.", data=(block({"netIncome": 4238000000, "totalRevenue": 56334000000}),)
    ).figures

    assert (figure.verdict, figure.formula) == ("derived", "net income / revenue")


@pytest.mark.parametrize(
    "text",
    [
        "The accounts follow IFRS 16 and ISO 15489.",
        "Telephone 022 555 98 76 or +41 61 555 20 30.",
        "See Section 4, Annex 2 and Form 10-K; template v3.2.1.",
        "The fleet (A350-900, B787-9, 737-800) grew.",
        "Over 52 weeks and above the 200-day line.",
    ],
)
def test_names_references_and_telephones_are_no_figures(text: str) -> None:
    assert verdicts(text, block({"revenue": 90})) == []


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("2024年の売上高は563億ドルで、前年比3.7%増加した。", "563億ドル"),
        ("2024年营业收入为563亿美元。", "563亿美元"),
        ("Les ventes ont atteint 56,3 milliards en 2024.", "56,3 milliards"),
        ("Der Umsatz betrug 2024 56,3 Mrd.", "56,3 Mrd."),
        ("Los ingresos fueron de 56.334 millones en 2024.", "56.334 millones"),
    ],
)
def test_a_language_is_told_by_its_words(text: str, figure: str) -> None:
    assert (figure, "supported") in verdicts(text, block(YEARS[0]))


def test_a_numeral_that_nothing_reads_is_told() -> None:
    report = check_figures("About ½ of it went.", data=(block({"revenue": 90}),))

    assert [(item.line, item.column, item.text) for item in report.unread] == [(1, 7, "½")]
