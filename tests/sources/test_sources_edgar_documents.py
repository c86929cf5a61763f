"""EDGAR's filings as Markdown by items, and one figure through the years with what was restated."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from servers.edgar import EdgarServer
from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source
from trainer.sources.edgar_document import sections_of

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def edgar():
    with EdgarServer() as running:
        yield running


@pytest.fixture
def sec(edgar):
    options = {"user_agent": "Ann ann@example.org", "base_url": edgar.url, "data_url": edgar.url, "per_second": 1000}
    return create_source("sec_filings", SourceContext(lambda: NOW), retries=0, **options)


PAGE = """<html xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"><head><title>one-2024</title></head><body>
<div style="display:none"><ix:header><ix:hidden>0001551152false2024FY</ix:hidden></ix:header></div>
<p>FORM 10-K</p>
<table><tr><td><a href="#a">Item 1.</a></td><td>Business</td></tr>
<tr><td>Item 1A.</td><td>Risk Factors</td></tr></table>
<p>PART I</p><p><b>ITEM 1.&#160;BUSINESS</b></p><p>We make tea. As told in Item 1A, risks are many.</p>
<p>ITEM 1A. RISK FACTORS</p><p>Rain.</p>
<table><tr><th>Year</th><th>Rain</th></tr><tr><td>2024</td><td>812</td></tr></table>
<p>PART II</p><p>Item 7 — Management's Discussion</p><p>Sales were $<ix:nonFraction>1,200</ix:nonFraction>.</p>
</body></html>"""


def submissions(edgar: EdgarServer, **columns: list) -> None:
    recent = {
        "accessionNumber": ["0000000001-25-000009", "0000000001-25-000002", "0000000001-24-000001"],
        "filingDate": ["2025-02-20", "2025-02-14", "2024-02-14"],
        "reportDate": ["2025-02-19", "2024-12-31", "2023-12-31"],
        "form": ["8-K", "10-K", "10-K"],
        "primaryDocument": ["news.htm", "one-20241231.htm", ""],
        **columns,
    }
    body = {"cik": "1", "name": "One Corp", "filings": {"recent": recent, "files": []}}
    edgar.answers["/submissions/CIK0000000001.json"] = (200, json.dumps(body).encode())
    edgar.answers["/Archives/edgar/data/1/000000000125000002/one-20241231.htm"] = (200, PAGE.encode())


def test_the_newest_filing_of_a_form_is_markdown_by_items(sec, edgar):
    submissions(edgar)
    result = sec.retrieve({"ticker": "1", "kind": "document"})

    cover, *items = result.data["sections"]
    assert "FORM 10-K" in cover["text"]
    assert "0001551152" not in json.dumps(result.data)
    assert [(section["part"], section["item"], section["title"]) for section in items] == [
        ("I", "1", "BUSINESS"),
        ("I", "1A", "RISK FACTORS"),
        ("II", "7", "Management's Discussion"),
    ]
    assert "| 2024 | 812 |" in items[1]["text"]
    assert "As told in Item 1A" in items[0]["text"]
    assert "Sales were \\$1,200." in items[2]["text"]
    assert (result.metadata["as_of"], result.metadata["subject"]) == ("2025-02-14", "One Corp")
    assert result.metadata["url"].endswith("/Archives/edgar/data/1/000000000125000002/one-20241231.htm")
    assert result.data["reportDate"] == "2024-12-31"


def test_one_item_alone_is_what_a_prompt_needs(sec, edgar):
    submissions(edgar)
    for name in ("1a", "I.1A"):
        result = sec.retrieve({"ticker": "1", "kind": "document", "section": name})
        assert [section["title"] for section in result.data["sections"]] == ["RISK FACTORS"]

    with pytest.raises(SourceError, match=r"the document has no item 9\n  it has I\.1, I\.1A, II\.7"):
        sec.retrieve({"ticker": "1", "kind": "document", "section": "9"})


def test_a_filing_is_asked_for_by_its_number(sec, edgar):
    submissions(edgar)
    edgar.answers["/Archives/edgar/data/1/000000000125000009/news.htm"] = (
        200,
        b"<html><p>Item 2.02 Results of Operations</p><p>Good.</p><p>Item 9.01. Exhibits</p><p>None.</p></html>",
    )
    result = sec.retrieve({"ticker": "1", "kind": "document", "accession": "0000000001-25-000009"})

    assert [(section["item"], section["title"]) for section in result.data["sections"]] == [
        ("2.02", "Results of Operations"),
        ("9.01", "Exhibits"),
    ]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"form": "20-F"}, "EDGAR has no form 20-F of 1\n  see: kind=filings"),
        ({"accession": "0000000001-99-000001"}, "EDGAR has no filing 0000000001-99-000001 of 1"),
        ({"accession": "0000000001-24-000001"}, "names no main document"),
    ],
)
def test_a_document_that_is_not_there_is_told(sec, edgar, query, message):
    submissions(edgar)

    with pytest.raises(SourceError, match=message):
        sec.retrieve({"ticker": "1", "kind": "document", **query})


def test_the_page_over_the_limit_is_no_document(sec, edgar):
    submissions(edgar)
    page = b"<!DOCTYPE html><html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head></html>"
    edgar.answers["/Archives/edgar/data/1/000000000125000002/one-20241231.htm"] = (200, page)

    with pytest.raises(SourceError, match="EDGAR refused the document of 1"):
        sec.retrieve({"ticker": "1", "kind": "document"})


CONTENTS = """Cover

Item 1. Business 3

Item 1A. Risk Factors 10

Item 7. Management's Discussion 30

PART I

Item 1. Business

We design and sell widgets, and Item 7 says more of it in a sentence that runs on and on and on and on and on and on.

Item 1A. Risk Factors

Competition is intense.

PART II

Item 7. Management's Discussion

Revenue grew.
"""


def test_a_table_of_contents_is_not_the_document():
    sections = sections_of(CONTENTS)

    assert [section.get("item") for section in sections] == [None, "1", "1A", "7"]
    assert sections[1]["text"].endswith("and on.")
    assert sections[3]["part"] == "II"


def test_the_parts_of_a_quarterly_report_number_their_items_anew():
    words = "word " * 50
    text = "\n\n".join(
        ["PART I", "Item 1. Statements", words, "Item 2. Discussion", words, "PART II", "Item 1. Proceedings", words]
    )

    assert [f"{section.get('part')}.{section['item']}" for section in sections_of(text)[1:]] == ["I.1", "I.2", "II.1"]


@pytest.mark.parametrize("text", ["No items at all.\n\nOnly text.", "", CONTENTS, "Item 5. Alone\n\ntext"])
def test_no_word_of_a_document_is_lost(text):
    assert (
        " ".join(section["text"] for section in sections_of(text)).split()
        == [word for word in text.split() if word not in ("PART", "I", "II")]
        or "PART" in text
    )
    assert "".join("".join(section["text"].split()) for section in sections_of(text)) == "".join(text.split())


def fact(end: str, value: float, filed: str, *, form: str = "10-K", start: str | None = "", **more: object) -> dict:
    began = {"start": start or f"{end[:4]}-01-01"} if start is not None else {}
    return {**began, "end": end, "val": value, "filed": filed, "form": form, "accn": f"a-{filed}", **more}


def company(**concepts: list[dict]) -> bytes:
    held = {tag: {"units": {"USD": facts}} for tag, facts in concepts.items()}
    return json.dumps({"cik": 7, "entityName": "Small Co", "facts": {"us-gaap": held}}).encode()


@pytest.fixture
def small(edgar):
    edgar.answers["/api/xbrl/companyfacts/CIK0000000007.json"] = (
        200,
        company(
            Revenues=[
                fact("2022-12-31", 100, "2023-02-01"),
                fact("2022-12-31", 90, "2024-02-01"),
                fact("2023-12-31", 200, "2024-02-01"),
                fact("2023-12-31", 250, "2024-03-01", form="DEF 14A"),
            ],
            SalesRevenueNet=[fact("2021-12-31", 70, "2022-02-01"), fact("2022-12-31", 91, "2023-02-01")],
            Assets=[fact("2023-12-31", 900, "2024-02-01", start=None)],
        ),
    )
    return {"ticker": "7", "kind": "concept"}


def test_one_figure_through_the_years_names_concept_form_and_filing(sec, small):
    result = sec.retrieve({**small, "concept": "totalRevenue"})

    assert [(row["date"], row["value"], row["concept"]) for row in result.data["annual"]] == [
        ("2021-12-31", 70, "SalesRevenueNet"),
        ("2022-12-31", 90, "Revenues"),
        ("2023-12-31", 200, "Revenues"),
    ]
    assert result.data["latest"]["annual"] == {
        "date": "2023-12-31",
        "value": 200,
        "concept": "Revenues",
        "form": "10-K",
        "filed": "2024-02-01",
        "accessionNumber": "a-2024-02-01",
    }
    assert result.data["concepts"] == ["Revenues", "SalesRevenueNet"]
    assert result.metadata["fields"]["annual.value"] == {"title": "Revenue", "unit": "USD"}
    assert "warnings" not in result.metadata


def test_what_was_restated_is_told_with_the_filing_that_did(sec, small):
    assert sec.retrieve({**small, "concept": "totalRevenue"}).data["restated"] == [
        {
            "date": "2022-12-31",
            "series": "annual",
            "was": 100,
            "became": 90,
            "concept": "Revenues",
            "form": "10-K",
            "filed": "2024-02-01",
            "accessionNumber": "a-2024-02-01",
        }
    ]


def test_what_was_known_on_a_day_is_what_was_filed_by_then(sec, small):
    result = sec.retrieve({**small, "concept": "totalRevenue", "known_on": "2023-12-31"})

    assert [row["value"] for row in result.data["annual"]] == [70, 100]
    assert "restated" not in result.data


def test_concepts_are_tried_in_the_order_they_are_named(sec, small):
    result = sec.retrieve({**small, "concept": "SalesRevenueNet,Revenues"})

    assert [(row["value"], row["concept"]) for row in result.data["annual"]] == [
        (70, "SalesRevenueNet"),
        (91, "SalesRevenueNet"),
        (200, "Revenues"),
    ]


def test_a_figure_at_a_moment_has_moments(sec, small):
    assert [row["value"] for row in sec.retrieve({**small, "concept": "Assets"}).data["moments"]] == [900]


def test_a_concept_that_the_company_does_not_tell_names_the_nearest(sec, small):
    with pytest.raises(SourceError, match='unknown concept of 7 "Revenue"\n  did you mean "Revenues"'):
        sec.retrieve({**small, "concept": "Revenue"})


def test_each_kind_has_its_fields(sec):
    with pytest.raises(UsageError, match='"concept" of source sec_filings is missing'):
        sec.key({"ticker": "7", "kind": "concept"})
    with pytest.raises(UsageError, match='"known_on" is for kind facts or concept, not document'):
        sec.key({"ticker": "7", "kind": "document", "known_on": "2024-01-01"})
    with pytest.raises(UsageError, match='"accession" of source sec_filings cannot be "12"'):
        sec.key({"ticker": "7", "kind": "document", "accession": "12"})
