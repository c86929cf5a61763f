"""A large CSV is told as totals and means of its groups and months."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import duckdb

from trainer.facts import read
from trainer.sources.large import has_many_rows, summarise


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


def test_a_narrow_table_is_large_by_its_rows(tmp_path: Path) -> None:
    most, more = tmp_path / "most.csv", tmp_path / "more.csv"
    most.write_text("city,sales\n" + "a,1\n" * 99_999)
    more.write_text("city,sales\n" + "a,1\n" * 100_000)

    assert [has_many_rows(path, "csv") for path in (most, more)] == [False, True]


def test_a_parquet_file_is_large_by_its_rows(tmp_path: Path) -> None:
    path, broken = tmp_path / "many.parquet", tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1")
    with duckdb.connect() as database:
        database.execute(f"COPY (SELECT 1 AS sales FROM range(100001)) TO '{path}' (FORMAT parquet)")

    assert [has_many_rows(path, "parquet"), has_many_rows(broken, "parquet")] == [True, False]


def test_totals_of_decimals_have_no_noise_of_binary_sums(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("city,sales\n" + "Arden,0.1\nArden,0.2\n" * 50_000)

    assert summarise(path, "csv")["records"] == [{"city": "Arden", "rows": 100_000, "sales": 15_000}]


def test_moments_with_a_zone_are_counted_in_the_months_of_utc(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("time,city,sales\n" + "2024-01-31T23:30:00Z,Arden,1\n2024-02-01T00:30:00+02:00,Arden,2\n" * 3)

    records = summarise(path, "csv")["records"]

    assert records == [{"month": "2024-01", "city": "Arden", "rows": 6, "sales": 9}]
