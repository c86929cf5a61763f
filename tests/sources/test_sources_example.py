"""The example's data files are what the scripts make of the recordings, and their figures agree with one another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "information" / "data"
REPORT_URL = "https://www.sec.gov/Archives/edgar/data/1551152/000155115225000020/abbv-20241231.htm"


def envelope(name: str) -> dict:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def run(script: str, *arguments: str) -> None:
    subprocess.run([sys.executable, str(REPOSITORY / "scripts" / script), *arguments], check=True, timeout=120)


def test_the_committed_files_are_what_the_script_makes_of_the_recordings(recorded, tmp_path):
    run("normalise_recordings.py", str(recorded), str(tmp_path), "ABBV", "BFLY")

    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(made) == [
        f"{ticker}-{kind}.json" for ticker in ("ABBV", "BFLY") for kind in ("fundamentals", "quote", "summary")
    ]
    for name, content in made.items():
        assert (DATA / name).read_bytes() == content


def test_the_committed_annual_report_is_what_the_script_makes_of_the_filing(recorded, tmp_path):
    filing = recorded.parent / "filings" / "abbv-10-k-2025-02-14.html"
    if not filing.is_file():
        pytest.skip(f"no recorded filing at {filing}")
    run("normalise_annual_report.py", str(filing), "2025-02-14", REPORT_URL, str(tmp_path / "report.json"))

    assert (DATA / "ABBV-annual-report.json").read_bytes() == (tmp_path / "report.json").read_bytes()


def test_revenue_by_product_adds_up_to_the_revenue_of_the_company():
    data = envelope("ABBV-annual-report.json")["data"]

    for year, column in ((data["annual"][-1], "totalRevenue"), (data["annual"][-2], "previousRevenue")):
        assert sum(product.get(column, 0) for product in data["products"]) == year["totalRevenue"]


def test_what_the_company_filed_and_what_the_data_service_says_agree():
    filed = {row["date"]: row for row in envelope("ABBV-annual-report.json")["data"]["annual"]}
    served = {row["date"]: row for row in envelope("ABBV-summary.json")["data"]["annual"]}

    for day in ("2022-12-31", "2023-12-31", "2024-12-31"):
        assert filed[day]["totalRevenue"] == served[day]["totalRevenue"]
        assert filed[day]["netIncome"] == served[day]["netIncome"]


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def test_every_file_says_where_and_when_its_data_was_got_and_holds_no_copied_prose(path):
    found = envelope(path.name)

    assert {"source", "retrieved_at", "url", "subject", "as_of", "fields", "data"} == set(found)
    assert max(len(text) for text in texts(found["data"])) < 80


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []
