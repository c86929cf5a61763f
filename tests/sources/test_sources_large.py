"""A large CSV is told as totals and means of its groups and months."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

from trainer.facts import read
from trainer.sources.large import summarise


def test_a_large_file_becomes_totals_and_means_by_member_and_month(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    rows = [
        (f"2024-0{month}-{day:02}", city, day, 1.5 * day)
        for month, day, city in itertools.product((1, 2), range(1, 21), ("Arden", "Brook"))
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("date", "city", "sales", "price"), *rows])

    summary = summarise(path, "csv")
    facts = read(summary, name="sales")
    totals = [one for one in facts.observations if one.measure == "sale"]

    assert summary["rows"] == 80
    assert [(one.time.label, one.members["city"], one.value) for one in totals if one.time] == [
        ("2024-01", "Arden", 210), ("2024-01", "Brook", 210), ("2024-02", "Arden", 210), ("2024-02", "Brook", 210),
    ]  # fmt: skip
    assert {one.value for one in facts.observations if one.measure == "mean_price"} == {15.75}


def test_lists_and_objects_of_json_lines_are_no_members(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"city": "Arden", "sales": 2, "tags": ["a"], "more": {"x": 1}}\n' * 3)

    assert summarise(path, "jsonl") == {"records": [{"city": "Arden", "rows": 3, "sales": 6}], "rows": 3}
