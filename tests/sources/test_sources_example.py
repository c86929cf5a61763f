"""The example's data files are what the scripts make of the recordings, and their figures agree with one another."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from servers.yahoo import fundamentals_body, quote_body, summary_body
from trainer.sources.edgar_shapes import LINES

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "information" / "data"
PRODUCT, REGION = "srt:ProductOrServiceAxis", "srt:StatementGeographicalAxis"
REVENUE = "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax"
HOME, ABROAD = "country:US", "us-gaap:NonUsMember"
REPORT_URL = "https://www.sec.gov/Archives/edgar/data/1551152/000155115225000020/abbv-20241231.htm"


def envelope(name: str) -> dict:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def run(script: str, *arguments: str) -> None:
    subprocess.run([sys.executable, str(REPOSITORY / "scripts" / script), *arguments], check=True, timeout=120)


def test_the_committed_files_are_what_the_script_makes_of_the_answers(tmp_path):
    answers, data = tmp_path / "answers", tmp_path / "data"
    answers.mkdir()
    data.mkdir()
    for ticker in ("ABBV", "BFLY"):
        for name, body in (
            (f"quote-{ticker}", quote_body(ticker)),
            (f"quoteSummary-all-{ticker}", summary_body(ticker)),
            (f"fundamentalsTimeSeries-{ticker}-all", fundamentals_body(ticker)),
        ):
            (answers / f"{name}.json").write_text(json.dumps({"status": 200, "body": body}))
    run("normalise_recordings.py", str(answers), str(data), "ABBV", "BFLY")

    made = {path.name: path.read_bytes() for path in data.iterdir()}
    assert sorted(made) == [
        f"{ticker}-{kind}.json" for ticker in ("ABBV", "BFLY") for kind in ("fundamentals", "quote", "summary")
    ]
    for name, content in made.items():
        assert (DATA / name).read_bytes() == content


def test_the_committed_annual_report_is_what_the_script_makes_of_a_filing_with_its_figures(tmp_path):
    filing, report = tmp_path / "filing.html", tmp_path / "report.json"
    filing.write_text(inline_xbrl(envelope("ABBV-annual-report.json")["data"]))
    run("normalise_annual_report.py", str(filing), "2025-02-14", REPORT_URL, str(report))

    assert (DATA / "ABBV-annual-report.json").read_bytes() == report.read_bytes()


def inline_xbrl(data: dict) -> str:
    """A filing that tags the figures of a data file, and nothing else."""
    units = {"money": "usd", "per share": "usdPerShare", "shares": "shares"}
    facts = [
        (f"us-gaap:{tags[0]}", units[kind], row[line], row["date"][:4], ())
        for row in data["annual"]
        for line, (_, kind, tags) in LINES.items()
        if line in row
    ]
    latest, previous = (row["date"][:4] for row in reversed(data["annual"][-2:]))
    members = {product["name"]: f"abbv:{re.sub('[ /]', '', product['name'])}Member" for product in data["products"]}
    for product in data["products"]:
        axes = ((PRODUCT, members[product["name"]]), ("us-gaap:SegmentAxis", f"abbv:{product.get('area', '').title()}"))
        for name, year, region in (
            ("totalRevenue", latest, ()),
            ("unitedStates", latest, ((REGION, HOME),)),
            ("international", latest, ((REGION, ABROAD),)),
            ("previousRevenue", previous, ()),
        ):
            if name in product:
                facts.append((REVENUE, "usd", product[name], year, (*axes, *region)))
    for row in data["productRevenue"]:
        for name, member in members.items():
            path = re.sub(r"\W+", "", name[:1].lower() + name[1:])
            if path in row:
                facts.append((REVENUE, "usd", row[path], row["date"][:4], ((PRODUCT, member),)))
    contexts = "".join(
        f"<context id='c{number}'><segment>"
        + "".join(f"<explicitMember dimension='{axis}'>{member}</explicitMember>" for axis, member in axes)
        + f"</segment><period><startDate>{year}-01-01</startDate><endDate>{year}-12-31</endDate></period></context>"
        for number, (_, _, _, year, axes) in enumerate(facts)
    )
    figures = "".join(
        f"<nonFraction name='{concept}' unitRef='{unit}' contextRef='c{number}'"
        f" sign='{'-' if value < 0 else ''}'>{abs(value):,}</nonFraction>"
        for number, (concept, unit, value, _, _) in enumerate(facts)
    )
    names = "<nonNumeric name='dei:EntityCentralIndexKey'>0001551152</nonNumeric>"
    names += "<nonNumeric name='dei:EntityRegistrantName'>AbbVie Inc.</nonNumeric>"
    return f"<html xmlns='http://www.xbrl.org/2013/inlineXBRL'>{contexts}{names}{figures}</html>"


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
