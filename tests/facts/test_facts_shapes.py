"""Every shape of data that services and files give becomes observations with measure, members, time and unit."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal

import pytest

from trainer.core.values import Field
from trainer.facts import Facts, merge, read, read_csv, read_jsonl


def rows(facts: Facts) -> list[tuple[str, str, str, str]]:
    """Measure, members, time and value of each observation, as texts."""
    return [
        (one.measure, "/".join(one.members.values()), one.time.label if one.time else "", str(one.value))
        for one in facts.observations
    ]


SALES = [("sale", "Arden", "2024-01", "30"), ("sale", "Brook", "2024-01", "31"), ("sale", "Arden", "2024-02", "35")]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(
            {"rows": [
                {"month": "2024-01", "city": "Arden", "sales": 30},
                {"month": "2024-01", "city": "Brook", "sales": 31},
                {"month": "2024-02", "city": "Arden", "sales": 35},
            ]},
            id="records",
        ),
        pytest.param(
            {"month": ["2024-01", "2024-01", "2024-02"], "city": ["Arden", "Brook", "Arden"], "sales": [30, 31, 35]},
            id="columns",
        ),
        pytest.param(
            {
                "columns": ["month", "city", "sales"],
                "data": [["2024-01", "Arden", 30], ["2024-01", "Brook", 31], ["2024-02", "Arden", 35]],
            },
            id="header and rows apart",
        ),
        pytest.param(
            [["month", "city", "sales"], ["2024-01", "Arden", 30], ["2024-01", "Brook", 31], ["2024-02", "Arden", 35]],
            id="a first row of names",
        ),
        pytest.param(
            {"data": [
                {"month": "Jan 2024", "city": "Arden", "variable": "sales", "value": 30},
                {"month": "Jan 2024", "city": "Brook", "variable": "sales", "value": 31},
                {"month": "Feb 2024", "city": "Arden", "variable": "sales", "value": 35},
            ]},
            id="a long table",
        ),
    ],
)  # fmt: skip
def test_a_table_says_the_same_in_every_shape(value: object) -> None:
    facts = read(value, name="d")
    got = [
        (measure, members, time.replace("Jan 2024", "2024-01").replace("Feb 2024", "2024-02"), number)
        for measure, members, time, number in rows(facts)
    ]
    assert got == SALES


def test_pairs_of_a_time_and_a_text_are_a_series() -> None:
    facts = read({"rainfall": [["2024-01-31", "43.3"], ["2024-02-29", "12.1"]]}, name="d")
    assert rows(facts) == [("rainfall", "", "2024-01", "43.3"), ("rainfall", "", "2024-02", "12.1")]


def test_years_are_read_from_keys_from_names_from_numbers_and_from_labels() -> None:
    by_key = read({"revenue": {"2023": 54, "2024": 56}}, name="d")
    by_name = read({"revenue_2023": 54, "revenue_2024": 56}, name="d")
    by_number = read({"rows": [{"year": 2023, "revenue": 54}, {"year": 2024, "revenue": 56}]}, name="d")
    by_label = read({"rows": [{"period": "FY2023", "revenue": 54}, {"period": "FY2024", "revenue": 56}]}, name="d")
    for facts in (by_key, by_name, by_number, by_label):
        years = [(one.time.start.year, one.time.grain, one.value) for one in facts.observations if one.time]
        assert years == [(2023, "year", 54), (2024, "year", 56)]


def test_a_map_of_maps_is_read_by_entity_and_by_metric() -> None:
    by_entity = read({"stations": {"Arden": {"pm25": 4.1, "no2": 12}, "Brook": {"pm25": 11.0, "no2": 30}}}, name="d")
    by_metric = read({"revenue": {"2023": 5, "2024": 6}, "profit": {"2023": 1, "2024": 2}}, name="d")
    assert rows(by_entity)[:2] == [("pm25", "Arden", "", "4.1"), ("pm25", "Brook", "", "11.0")]
    assert list(by_entity.dimensions) == ["station"]
    assert {one.measure for one in by_metric.observations} == {"revenue", "profit"}


def _nested(order: tuple[str, ...]) -> dict[str, object]:
    """One cost and one share for each of two cities and two years, nested in this order."""
    keys = {"entity": ("Arden", "Brook"), "year": ("2021", "2022"), "metric": ("cost", "share")}

    def level(at: int, path: dict[str, str]) -> object:
        if at == len(order):
            return 10 * (1 + keys["entity"].index(path["entity"])) + int(path["year"][-1]) + len(path["metric"]) / 8
        return {key: level(at + 1, {**path, order[at]: key}) for key in keys[order[at]]}

    result = level(0, {})
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize("order", list(itertools.permutations(("entity", "year", "metric"))))
def test_entity_year_and_metric_are_told_apart_in_every_nesting(order: tuple[str, ...]) -> None:
    facts = read(_nested(order), name="a")
    assert sorted(rows(facts))[:2] == [("cost", "Arden", "2021", "11.5"), ("cost", "Arden", "2022", "12.5")]
    assert len(facts.observations) == 8
    assert {one.time.label for one in facts.observations if one.time} == {"2021", "2022"}


def test_periods_as_columns_are_times_and_labels_of_rows_are_measures() -> None:
    facts = read_csv("Item,2023,2024\nRevenue,54,56\nNet income,4,5\n", name="d")
    assert rows(facts) == [
        ("revenue", "", "2023", "54"), ("net_income", "", "2023", "4"),
        ("revenue", "", "2024", "56"), ("net_income", "", "2024", "5"),
    ]  # fmt: skip


def test_entities_as_columns_are_members() -> None:
    facts = read_csv("date,Arden,Brook,Cole\n2024-01-31,1,2,3\n2024-02-29,4,5,6\n", name="rainfall.csv")
    assert rows(facts)[0] == ("rainfall", "Arden", "2024-01", "1")


def test_json_lines_are_one_table() -> None:
    lines = "\n".join(json.dumps({"day": f"2024-03-0{day}", "visits": day * 10}) for day in (1, 2, 3))
    assert [time for _, _, time, _ in rows(read_jsonl(lines, name="d"))] == ["2024-03-01", "2024-03-02", "2024-03-03"]


def test_a_parallel_map_of_units_gives_the_columns_theirs() -> None:
    facts = read(
        {
            "hourly_units": {"temperature_2m": "°C"},
            "hourly": {"time": ["2024-01-01T00:00", "2024-01-01T01:00"], "temperature_2m": [3.1, 2.9]},
        },
        name="d",
    )
    (measure,) = facts.measures.values()
    assert [unit.symbol for unit in measure.units] == ["degC"]


def test_company_facts_of_the_sec_are_read_with_unit_period_and_subject() -> None:
    record = {
        "start": "2023-01-30",
        "end": "2024-01-28",
        "val": 60922000000,
        "accn": "0001045810-24-000029",
        "fy": 2024,
        "fp": "FY",
        "form": "10-K",
        "filed": "2024-02-21",
    }
    again = {**record, "filed": "2025-02-26", "fy": 2025}
    instant = {"end": "2024-01-28", "val": 65728000000, "fy": 2024, "form": "10-K", "filed": "2024-02-21"}
    concepts = {
        "Revenues": {"label": "Revenues", "description": "All revenue.", "units": {"USD": [record, again]}},
        "Assets": {"label": "Assets", "description": "All assets.", "units": {"USD": [instant]}},
    }
    value = {"cik": 1045810, "entityName": "NVIDIA CORP", "facts": {"us-gaap": concepts}}
    facts = read(value, name="d")
    revenue = next(one for one in facts.observations if one.measure == "revenue")
    assert (str(revenue.time.start), str(revenue.time.end), revenue.time.grain) == ("2023-01-30", "2024-01-28", "year")  # type: ignore[union-attr]
    assert facts.measures["revenue"].units[0].symbol == "USD"
    assert dict(revenue.members) == {"subject": "NVIDIA CORP"}
    assert [out.why for out in facts.left_out].count("twin") == 1
    assert len(facts.observations) == 2


def test_raw_and_formatted_values_are_one_and_the_format_tells_per_cent() -> None:
    facts = read(
        {
            "holders": [
                {"organization": "Fund A", "pctHeld": {"raw": 0.0563, "fmt": "5.63%"}},
                {"organization": "Fund B", "pctHeld": {"raw": 0.01, "fmt": "1.00%"}},
            ]
        },
        name="d",
    )
    (measure,) = facts.measures.values()
    assert [(unit.symbol, unit.scale) for unit in measure.units] == [("%", Decimal(100))]
    assert [str(one.value) for one in facts.observations] == ["0.0563", "0.01"]


def test_a_sources_fields_title_and_unit_their_measures() -> None:
    facts = read(
        {"monthly": [{"date": "2025-07-31", "pm25": 4.1}]},
        name="d",
        subject="Arden",
        fields={"monthly.pm25": Field("Mean PM2.5", "µg/m³")},
    )
    (one,) = facts.observations
    assert facts.measures[one.measure].title == "Mean PM2.5"
    assert facts.measures[one.measure].units[0].symbol == "µg/m^3"
    assert dict(one.members) == {"subject": "Arden"}


def test_undated_data_stays_undated() -> None:
    assert read({"revenue": 90}, name="d").observations[0].time is None


def test_facts_of_several_blocks_are_one_and_keep_what_each_is_in() -> None:
    us = read({"symbol": "AAA", "currency": "USD", "marketCap": 10}, name="us")
    no = read({"symbol": "BBB", "currency": "NOK", "marketCap": 20}, name="no")
    facts = merge(us, no)
    assert list(facts.measures) == ["market_cap"]
    assert [member.name for member in facts.dimensions["subject"].members] == ["AAA", "BBB"]
    assert [unit.symbol for unit in facts.observations[0].units] == ["USD"]
    assert [unit.symbol for unit in facts.observations[1].units] == ["NOK"]


def test_values_without_any_key_and_with_odd_ones_are_read() -> None:
    data = [{":": 0}, {"0": [None, None, None], "": [None, None, 0]}, None]
    facts = read(data, name="d", fields={":": Field("0")})
    assert [one.source.path for one in facts.observations] == ["/0/:", "/1//2"]


def test_row_names_in_words_are_members_and_row_numbers_are_nothing() -> None:
    named = read_csv("rownames,mpg\nMazda RX4,21.0\nDatsun 710,22.8\nValiant,18.1\n", name="d")
    numbered = read_csv("rownames,mpg\n1,21.0\n2,22.8\n3,18.1\n", name="d")
    assert next(one.members for one in named.observations) == {"rownames": "Mazda RX4"}
    assert [one.measure for one in numbered.observations] == ["mpg"] * 3


def test_months_as_numbers_below_a_year_are_months_of_that_year() -> None:
    data = {"years": [{"year": 2014, "months": [{"month": 1, "rain_days": 18}, {"month": 2, "rain_days": 17}]}]}
    facts = read(data, name="weather")

    assert [(one.measure, one.time and one.time.label) for one in facts.observations] == [
        ("rain_day", "2014-01"),
        ("rain_day", "2014-02"),
    ]


def test_counted_days_are_no_group_of_rows_wherever_their_name_has_them() -> None:
    rows = [
        {"month": f"2024-{month:02}", "city": city, "days_above_limit": (month + at) % 4}
        for month in range(1, 13)
        for at, city in enumerate(("Graz", "Linz"))
    ]
    facts = read(rows, name="air")

    assert {dimension for one in facts.observations for dimension in one.members} == {"city"}
    assert {one.measure for one in facts.observations} == {"day_above_limit"}


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("population_thousands", "Population"),
        ("Population (in thousands)", "Population"),
        ("output_in_millions", "Output"),
    ],
)
def test_a_scale_in_a_name_is_the_scale_of_its_values(key: str, title: str) -> None:
    (measure,) = read({"rows": [{key: 21198}, {key: 3615}]}, name="states").measures.values()

    assert (measure.title, measure.units[0].kind, measure.units[0].symbol) == (title, "count", "")
    assert measure.units[0].scale in (1000, 1_000_000)


def test_a_column_of_units_stays_one_beside_a_few_names_of_what_is_counted() -> None:
    facts = read(
        [
            {"concept": concept, "end": f"20{year}-12-31", "unit": unit, "value": value}
            for year in range(10, 25)
            for concept, unit, value in (("Revenue", "USD", 900 + year), ("Interest rate", "pure", 0.03))
        ]
        + [{"concept": "Pending suits", "end": "2024-12-31", "unit": "lawsuits", "value": 435}],
        name="facts",
    )

    assert not facts.dimensions
    units = {measure.title: [unit.symbol for unit in measure.units] for measure in facts.measures.values()}
    assert units["Revenue"] == ["USD"]
    assert units["Interest rate"] == ["%", "x"]


@pytest.mark.parametrize("name", ["order_id", "userId", "Sales No", "Order ID", "price_key"])
def test_whole_numbers_under_the_name_of_a_code_are_no_measure(name: str) -> None:
    rows = [{name: 1001 + at * 7, "qty": 1 + at % 3, "price": 3.5 + at} for at in range(6)]

    assert list(read(rows, name="sales").measures) == ["qty", "price"]


def test_columns_of_several_orders_of_magnitude_are_measures_whatever_their_names() -> None:
    facts = read_csv(
        "YEAR,CONSUMPTION,COPPERPRICE,STOCKINDEX\n1951,3173,26.56,0.98\n1952,3281,27.31,1.04\n1953,3136,32.95,1.05\n",
        name="copper",
    )

    assert {measure.title for measure in facts.measures.values()} == {"CONSUMPTION", "COPPERPRICE", "STOCKINDEX"}


def test_a_delay_that_varies_is_a_measure() -> None:
    facts = read_csv("carrier,mean_delay\nAA,8.6\nB6,13.0\nDL,9.3\n", name="delays")

    assert [str(one.value) for one in facts.observations] == ["8.6", "13.0", "9.3"]


@pytest.mark.parametrize("name", ["changed_at", "insertedAt", "loaded_at", "synced"])
def test_the_time_of_a_row_is_its_day_and_not_when_somebody_wrote_it(name: str) -> None:
    rows = [{"day": f"2025-0{at}-10", "cost_eur": 100 * at, name: f"2025-0{at + 1}-11T10:00:00"} for at in (1, 2, 3)]

    times = [str(observation.time.start) for observation in read({"records": rows}, name="repair").observations]

    assert [time[:10] for time in times] == ["2025-01-10", "2025-02-10", "2025-03-10"]
