"""Units that stand at the head of a document, in a neighbouring column, or in other scripts."""

from __future__ import annotations

import pytest

from trainer.core.values import Json
from trainer.facts import Facts, parse_unit, read, read_csv, unit_text

RAIN: list[Json] = [{"date": "2024-01-01", "rain": 3.5}, {"date": "2024-01-02", "rain": 4.1}]
SALES: list[Json] = [{"year": 2022, "revenue": 1310, "employees": 33}, {"year": 2023, "revenue": 1500, "employees": 40}]
POWER: Json = {"year": [2021, 2022, 2023], "solar": [1.2, 3.4, 5.6], "wind": [2.2, 3.3, 4.4]}


def units(facts: Facts) -> dict[str, list[str]]:
    """The units of each measure, as texts."""
    return {measure.id: [unit_text(unit) for unit in measure.units] for measure in facts.measures.values()}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"unit": "mm", "data": RAIN}, {"rain": ["mm"]}),
        ({"meta": {"units": "mm", "source": "gauge"}, "data": RAIN}, {"rain": ["mm"]}),
        ({"unit": "million USD", "data": SALES}, {"revenue": ["USD million"], "employee": []}),
        ({"currency": "EUR", "scale": "millions", "data": SALES}, {"revenue": ["EUR million"], "employee": []}),
        ({"unit": "GWh", **POWER}, {"solar": ["GWh"], "wind": ["GWh"]}),
        ({"notes": ["Acme", "(in millions of EUR, except headcount)"], "records": SALES},
         {"revenue": ["EUR million"], "employee": []}),
        ({"単位": "百万円", "data": [{"年度": 2021, "売上高": 12}, {"年度": 2022, "売上高": 13}]},
         {"売上高": ["JPY million"]}),
    ],
)  # fmt: skip
def test_a_unit_stated_above_a_table_holds_for_its_figures(value: Json, expected: dict[str, list[str]]) -> None:
    assert units(read(value, name="data")) == expected


def test_a_unit_beside_a_figure_of_the_record_is_not_that_of_a_table_below() -> None:
    facts = read({"temperature": 20.5, "unit": "°C", "days": RAIN}, name="weather")

    assert units(facts)["rain"] == []


def test_a_unit_column_belongs_to_the_figure_that_it_is_named_after() -> None:
    facts = read_csv("city,rain,rain_unit,temp,temp_unit\nBern,3.5,mm,3,C\nRome,4.1,mm,9,C\n", name="weather")

    assert units(facts) == {"rain": ["mm"], "temp": ["°C"]}


def test_a_price_is_not_in_the_unit_of_the_quantity_beside_it() -> None:
    facts = read_csv("item,qty,uom,price,currency\nnails,5,kg,3.20,EUR\nsand,9,kg,14.20,EUR\n", name="stock")

    assert units(facts) == {"qty": ["kg"], "price": ["EUR"]}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("単位：百万円", "JPY million"), ("単位:億元", "CNY hundred million"), ("千人", "人 thousand"),
        ("万元", "CNY ten thousand"), ("백만원", "KRW million"), ("10億円", "JPY billion"), ("千トン", "t thousand"),
    ],
)  # fmt: skip
def test_a_unit_of_chinese_japanese_and_korean_heads_is_read(text: str, unit: str) -> None:
    assert [unit_text(one) for one in parse_unit(text)] == [unit]
    assert units(read_csv(f"年度,売上({text})\n2021,12\n2022,13\n", name="data")) == {"売上": [unit]}
