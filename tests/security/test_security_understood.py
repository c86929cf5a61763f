"""A model is shown what was understood of data whose source says nothing of its fields."""

from __future__ import annotations

from trainer.core.values import DataBlock, Field
from trainer.security import fence_block

ROWS = {
    "rows": [{"month": "2024-01", "city": "Arden", "rain_mm": 3.8}, {"month": "2024-02", "city": "Brook", "rain_mm": 4}]
}


def block(**more: object) -> DataBlock:
    return DataBlock("d", "file:d", 1, "file", None, ROWS, "d", **more)  # type: ignore[arg-type]


def test_each_measure_stands_with_its_unit_its_axis_and_its_period() -> None:
    assert "- Rain: unit mm; by city; period 2024-01 to 2024-02\n" in fence_block(block())


def test_what_the_source_says_of_its_fields_stands_instead() -> None:
    text = fence_block(block(fields={"rows.rain_mm": Field("Rainfall", "mm")}))
    assert "as they are understood" not in text
    assert "rows.rain_mm,Rainfall,mm" in text


def test_what_the_project_says_is_shown_too() -> None:
    text = fence_block(block(facts={"names": {"rain_mm": "Rainfall"}, "units": {"rain_mm": "inch"}}))
    assert "- Rainfall: unit inch; by city" in text
