"""A model is shown what was understood of data whose source says nothing of its fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trainer.core.values import DataBlock, Field, Json
from trainer.security import fence_block

ROWS = {
    "rows": [{"month": "2024-01", "city": "Arden", "rain_mm": 3.8}, {"month": "2024-02", "city": "Brook", "rain_mm": 4}]
}


def block(**more: object) -> DataBlock:
    return DataBlock("d", "file:d", 1, "file", None, ROWS, "d", **more)  # type: ignore[arg-type]


def test_each_measure_stands_with_its_unit_its_members_and_its_period() -> None:
    assert "- Rain: unit mm; by city (Arden, Brook); period 2024-01 to 2024-02\n" in fence_block(block())


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"month": ["2024-01", "2024-02"], "sales_pct": [3.1, 3.2]}, "- Sales: unit %; period 2024-01 to 2024-02"),
        ({"rows": [["month", "sales"], ["2024-01", 30], ["2024-02", 31]]}, "- Sales: period 2024-01 to 2024-02"),
        ({"cpi": [["2024-01", "3.1"], ["2024-02", "3.2"]]}, "- Cpi: period 2024-01 to 2024-02"),
        ({"revenue": {"2023": 5, "2024": 6}}, "- Revenue: period 2023 to 2024"),
        ({"rows": [{"city": "Arden", "variable": "no2", "value": 9, "unit": "ppb"}]}, "- No2: unit ppb"),
        ({"rows": [{"month": "2024-03", "margin": "12.5%"}]}, "- Margin: unit %; period 2024-03"),
        ({"rows": [{"shop": f"S{at}", "sales": at} for at in range(9)]}, "S6, S7 … 9 in all)"),
    ],
    ids=["columns", "header", "pairs", "map", "long", "one time", "many members"],
)  # fmt: skip
def test_any_shape_of_data_is_told(data: Json, line: str) -> None:
    assert line in fence_block(replace(block(), data=data))


def test_what_the_source_says_of_its_fields_stands_instead() -> None:
    text = fence_block(block(fields={"rows.rain_mm": Field("Rainfall", "mm")}))
    assert "as they are understood" not in text
    assert "rows.rain_mm,Rainfall,mm" in text


def test_what_the_project_says_is_shown_too() -> None:
    text = fence_block(block(facts={"names": {"rain_mm": "Rainfall"}, "units": {"rain_mm": "inch"}}))
    assert "- Rainfall: unit inch; by city (Arden, Brook)" in text
