from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from servers.edgar import EdgarServer, facts
from trainer.core.errors import SourceError, UsageError
from trainer.core.values import Field
from trainer.sources import SourceContext, create_source, retrieve_many
from trainer.sources.edgar_shapes import shape_facts

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
CONTACT = "Ann Example ann@example.org"


@pytest.fixture
def edgar():
    with EdgarServer() as running:
        yield running


@pytest.fixture
def sec(edgar, clock, kept):
    return create_source(
        "sec_filings",
        SourceContext(clock=clock),
        data_store=kept,
        user_agent=CONTACT,
        base_url=edgar.url,
        data_url=edgar.url,
        per_second=1000,
        retries=0,
    )


def test_reported_figures_are_series_under_the_names_other_sources_use(sec, edgar):
    result = sec.retrieve({"ticker": "aapl", "years": 3})

    assert [row["date"] for row in result.data["annual"]] == ["2023-09-30", "2024-09-28", "2025-09-27"]
    assert result.data["annual"][-1]["totalRevenue"] == 416161000000
    assert result.data["annual"][-1]["researchAndDevelopment"] == 34550000000
    assert result.data["annual"][-1]["dilutedEPS"] == 7.46
    assert result.data["annual"][-1]["totalAssets"] == 359241000000
    assert result.data["quarterly"][-1]["date"] == result.metadata["as_of"] == "2025-12-27"
    assert len(result.data["quarterly"]) == 12
    assert result.metadata["subject"] == "Apple Inc."
    assert result.metadata["url"] == f"{edgar.url}/api/xbrl/companyfacts/CIK0000320193.json"
    assert result.metadata["fields"]["annual.dilutedEPS"] == {
        "title": "Earnings per share, diluted",
        "unit": "USD/share",
    }
    assert result.storage_key == "sec_filings:AAPL:facts:years=3"


def test_an_older_concept_carries_the_years_before_the_newer(sec):
    annual = sec.retrieve({"ticker": "AAPL", "years": 30}).data["annual"]

    revenue = {row["date"]: row.get("totalRevenue") for row in annual}
    assert revenue["2016-09-24"] == 215639000000
    assert revenue["2018-09-29"] == 265595000000


def test_what_was_known_on_a_day_is_what_was_filed_by_then():
    first = {"start": "2023-01-01", "end": "2023-12-31", "val": 100, "filed": "2024-02-01", "accn": "1"}
    restated = {**first, "val": 90, "filed": "2025-02-01", "accn": "2"}
    body = json.loads(facts(first, restated, concept="NetIncomeLoss"))

    def net_income(known_on: str | None) -> list[tuple[int, str]]:
        annual = shape_facts(body, years=5, known_on=known_on).data.get("annual", [])
        return [(row["netIncome"], row["filed"]) for row in annual]

    assert net_income(None) == [(90, "2025-02-01")]
    assert net_income("2025-01-31") == [(100, "2024-02-01")]
    assert net_income("2024-02-01") == [(100, "2024-02-01")]
    assert net_income("2024-01-31") == []


def test_an_annual_report_and_its_amendments_outrank_a_later_proxy():
    year = {"start": "2024-01-01", "end": "2024-12-31"}
    annual = {**year, "val": 24_000_000, "form": "10-K", "filed": "2025-02-20"}
    proxy = {**year, "val": 24_000, "form": "DEF 14A", "filed": "2025-04-07"}
    amended = {**year, "val": 25_000_000, "form": "10-K/A", "filed": "2025-03-01"}

    def net_income(*facts_: dict) -> tuple[int, tuple[str, ...]]:
        shaped = shape_facts(json.loads(facts(*facts_, concept="NetIncomeLoss")), years=5)
        return shaped.data["annual"][0]["netIncome"], shaped.warnings

    assert net_income(annual, proxy) == (
        24_000_000,
        (
            "netIncome of 2024-12-31: 24,000,000 in 10-K of 2025-02-20, but 24,000 in DEF 14A of 2025-04-07;"
            " one of them is in thousands, the first is used",
        ),
    )
    assert net_income(annual, amended) == (25_000_000, ())
    assert net_income(proxy) == (24_000, ())


def test_a_company_was_smaller_when_looked_at_from_an_earlier_day(sec):
    result = sec.retrieve({"ticker": "AAPL", "known_on": "2020-12-31"})

    assert result.metadata["as_of"] == "2020-09-26"
    assert result.storage_key == "sec_filings:AAPL:facts:known_on=2020-12-31"


def test_figures_of_one_currency_are_not_mixed_with_those_of_another():
    year = {"start": "2023-01-01", "end": "2023-12-31", "filed": "2024-02-01", "accn": "1"}
    units = {"EUR": [{**year, "val": 10}], "USD": [{**year, "val": 11}]}
    assets = {"EUR": [{"end": "2023-12-31", "val": 5, "filed": "2024-02-01"}]}
    body = {"facts": {"ifrs-full": {"Revenue": {"units": units}, "Assets": {"units": assets}}}}

    shaped = shape_facts(body, years=5)

    assert shaped.data["annual"] == [
        {"date": "2023-12-31", "totalRevenue": 10, "totalAssets": 5, "filed": "2024-02-01"}
    ]
    assert shaped.fields["annual.totalRevenue"] == Field("Revenue", "EUR")


def test_a_half_year_is_neither_a_quarter_nor_a_year():
    half = {"start": "2023-01-01", "end": "2023-06-30", "val": 1, "filed": "2023-08-01"}

    assert shape_facts(json.loads(facts(half)), years=5).as_of is None


def test_filings_are_listed_by_form_with_the_address_of_each(sec):
    result = sec.retrieve({"ticker": "MRVL", "kind": "filings", "forms": "10-K,10-Q", "limit": 2})

    assert [(row["date"], row["form"], row["reportDate"]) for row in result.data["filings"]] == [
        ("2026-03-11", "10-K", "2026-01-31"),
        ("2026-05-28", "10-Q", "2026-05-02"),
    ]
    assert result.data["filings"][0]["url"].endswith(
        "/Archives/edgar/data/1835632/000183563226000011/mrvl-20260131.htm"
    )
    assert result.data["industry"] == "Semiconductors & Related Devices"
    assert result.storage_key == "sec_filings:MRVL:filings:forms=10-K,10-Q:limit=2"


def test_older_pages_are_fetched_only_when_they_are_needed(sec, edgar):
    older = {
        "accessionNumber": ["0001193125-05-000001"],
        "filingDate": ["2005-02-17"],
        "form": ["S-1"],
        "primaryDocument": [""],
    }
    edgar.answers["/submissions/CIK0001318605-submissions-001.json"] = (200, json.dumps(older).encode())

    sec.retrieve({"ticker": "TSLA", "kind": "filings", "limit": 5})
    assert "/submissions/CIK0001318605-submissions-001.json" not in edgar.requests

    found = sec.retrieve({"ticker": "TSLA", "kind": "filings", "forms": "S-1"}).data["filings"]
    assert found[0]["date"] == "2005-02-17"
    assert found[0]["url"].endswith("/Archives/edgar/data/1318605/000119312505000001/")


def test_a_cik_stands_for_a_ticker(sec, edgar):
    assert sec.retrieve({"ticker": "0000320193"}).metadata["subject"] == "Apple Inc."
    assert edgar.requests == ["/api/xbrl/companyfacts/CIK0000320193.json"]


def test_the_list_of_companies_is_fetched_once(sec, edgar):
    retrieve_many(
        [("sec", {"ticker": ticker, "kind": kind}) for ticker in ("AAPL", "MRVL") for kind in ("facts",)], {"sec": sec}
    )

    assert edgar.requests.count("/files/company_tickers.json") == 1


def test_an_unknown_ticker_names_the_nearest(sec):
    with pytest.raises(SourceError, match="EDGAR knows no company with the ticker AAPLL\n  did you mean"):
        sec.retrieve({"ticker": "AAPLL"})


def test_a_company_without_facts_is_told(sec):
    with pytest.raises(SourceError, match="EDGAR has no facts of ABBV\n"):
        sec.retrieve({"ticker": "ABBV"})


def test_a_query_nothing_matches_is_told(sec):
    with pytest.raises(SourceError, match="EDGAR has no facts of AAPL that match the query"):
        sec.retrieve({"ticker": "AAPL", "known_on": "1999-01-01"})


def test_without_a_contact_nothing_is_sent(edgar, clock):
    nameless = create_source("sec_filings", SourceContext(clock), base_url=edgar.url, data_url=edgar.url)

    with pytest.raises(UsageError, match="EDGAR answers only those who name a contact"):
        nameless.retrieve({"ticker": "AAPL"})
    assert not nameless.health().ok
    assert edgar.requests == []


def test_an_html_403_is_recognised_and_not_tried_again(edgar, clock):
    edgar.most_per_second = 0
    hasty = create_source(
        "sec_filings", SourceContext(clock), user_agent=CONTACT, base_url=edgar.url, data_url=edgar.url, retries=3
    )

    with pytest.raises(SourceError, match="EDGAR refused the list of companies: 403 with a page for people"):
        hasty.retrieve({"ticker": "AAPL"})
    assert len(edgar.requests) == 1


def test_the_rate_limit_is_kept_by_all_threads_together(edgar, clock):
    edgar.most_per_second = 10
    sec = create_source("sec_filings", SourceContext(clock), user_agent=CONTACT, base_url=edgar.url, data_url=edgar.url)
    for number in range(16):
        year = {"start": "2023-01-01", "end": "2023-12-31", "val": number, "filed": "2024-02-01"}
        edgar.answers[f"/api/xbrl/companyfacts/CIK{number:010d}.json"] = (200, facts(year))

    outcomes = retrieve_many([("sec", {"ticker": str(number)}) for number in range(16)], {"sec": sec}, workers=16)

    assert [outcome.error for outcome in outcomes] == [None] * 16
    assert max(sum(0 <= other - moment < 1 for other in edgar.times) for moment in edgar.times) <= 10


_CHILD = """
import sys
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from trainer.sources import SourceContext, create_source
url, rates, count = sys.argv[1:]
context = SourceContext(rates=Path(rates))
sec = create_source("sec_filings", context, user_agent="Ann a@example.org", base_url=url, data_url=url)
sec.retrieve({"ticker": "0"})
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda number: sec.retrieve({"ticker": str(number)}), range(int(count))))
"""


@pytest.mark.parametrize(
    ("processes", "count"), [(3, 10), pytest.param(8, 50, marks=pytest.mark.soak)], ids=["short", "long"]
)
def test_the_rate_limit_is_kept_by_all_processes_together(edgar, tmp_path, processes, count):
    edgar.most_per_second = 10
    for number in range(count):
        year = {"start": "2023-01-01", "end": "2023-12-31", "val": number, "filed": "2024-02-01"}
        edgar.answers[f"/api/xbrl/companyfacts/CIK{number:010d}.json"] = (200, facts(year))
    command = [sys.executable, "-c", _CHILD, edgar.url, str(tmp_path), str(count)]

    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    assert [child.stdout.readline() for child in children] == ["ready\n"] * processes
    began = len(edgar.times)
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()

    assert [child.wait(timeout=300) for child in children] == [0] * processes
    assert max(sum(0 <= other - moment < 1 for other in edgar.times) for moment in edgar.times) <= 10
    times = edgar.times[began:]
    print(f"{len(times)} requests, {(len(times) - 1) / (max(times) - min(times)):.2f} a second")
    if processes == 8:
        assert (len(times) - 1) / (max(times) - min(times)) >= 9


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"facts": {"us-gaap": {"Revenues": {"units": {"USD": [1]}}}}}'])
def test_an_answer_that_cannot_be_used_is_one_clear_error(sec, edgar, body):
    edgar.answers["/api/xbrl/companyfacts/CIK0000000007.json"] = (200, body)

    with pytest.raises(SourceError, match="EDGAR"):
        sec.retrieve({"ticker": "7"})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"ticker": "A PPL"}, '"ticker" of source sec_filings cannot be "A PPL"'),
        ({"ticker": "AAPL", "limit": 3}, 'the query field "limit" is for kind filings, not facts'),
        ({"ticker": "AAPL", "years": 0}, 'the query field "years" of source sec_filings must be at least 1'),
        ({"ticker": "AAPL", "known_on": "yesterday"}, "must be a date"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_before_anything_is_sent(sec, edgar, query, message):
    with pytest.raises(UsageError, match=message):
        sec.retrieve(query)
    assert edgar.requests == []
