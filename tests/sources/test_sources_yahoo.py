from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from servers.yahoo import Fault
from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source

REPOSITORY = Path(__file__).resolve().parents[2]
HTML = {"Content-Type": "text/html"}


def test_a_quote_is_fetched_normalised_and_stored(yahoo, server, kept):
    result = yahoo.retrieve({"ticker": "abbv", "kind": "quote"})

    assert result.data["regularMarketPrice"] == 192.87
    assert result.retrieved_at == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert result.storage_key == "yahoo_finance:ABBV:quote"
    assert {name: result.metadata[name] for name in ("subject", "as_of", "url", "query")} == {
        "subject": "AbbVie Inc.",
        "as_of": "2025-02-14",
        "url": f"{server.url}/v7/finance/quote?symbols=ABBV",
        "query": {"ticker": "abbv", "kind": "quote"},
    }
    assert result.metadata["fields"]["marketCap"] == {"title": "Market capitalisation", "unit": "USD"}
    assert [(call["key"], call["data"], call["skip_unchanged"]) for call in kept.calls] == [
        ("yahoo_finance:ABBV:quote", result.data, True)
    ]
    assert kept.calls[0]["metadata"]["retrieved_at"] == "2025-03-01T12:00:00Z"


def test_the_crumb_is_in_no_stored_url(yahoo, kept):
    yahoo.retrieve({"ticker": "ABBV"})

    assert "crumb" not in json.dumps(kept.calls)


@pytest.mark.parametrize("ticker", ["ABBV", "BFLY"])
@pytest.mark.parametrize("kind", ["quote", "summary", "fundamentals"])
def test_the_examples_files_have_the_shape_of_the_live_source(yahoo, clock, ticker, kind):
    file = create_source(
        "file", SourceContext(clock=clock, root=REPOSITORY), path="information/data/{ticker}-{kind}.json"
    )
    query = {"ticker": ticker, "kind": kind}

    live, recorded = yahoo.retrieve(query), file.retrieve(query)

    prose = "longBusinessSummary"
    live.data.get("profile", {}).pop(prose, None)
    live.metadata["fields"].pop(f"profile.{prose}", None)
    assert json.dumps(live.data) == json.dumps(recorded.data)
    for name in ("subject", "as_of", "fields"):
        assert live.metadata[name] == recorded.metadata[name]


def test_modules_of_a_summary_can_be_chosen(yahoo, server):
    data = yahoo.retrieve({"ticker": "ABBV", "kind": "summary", "modules": ["recommendationTrend", "price"]}).data

    assert set(data) == {"symbol", "name", "exchange", "currency", "price", "recommendations"}
    assert "modules=price%2CrecommendationTrend" in server.requests[-1]


def test_one_statement_and_period_is_fetched_alone(yahoo, server):
    query = {"ticker": "AAPL", "kind": "fundamentals", "period": "annual", "statement": "cash-flow"}
    result = yahoo.retrieve(query)

    assert set(result.data) == {"symbol", "financialCurrency", "annual"}
    assert result.data["annual"][-1]["freeCashFlow"] == 108807000000
    assert result.storage_key == "yahoo_finance:AAPL:fundamentals:period=annual:statement=cash-flow"
    assert "quarterly" not in server.requests[-1]


def test_a_chart_is_asked_for_by_range_or_by_days(yahoo, server):
    by_range = yahoo.retrieve({"ticker": "AAPL", "kind": "chart", "range": "5y", "interval": "1wk"})
    yahoo.retrieve({"ticker": "AAPL", "kind": "chart", "start": "2020-08-31", "end": "2020-11-07"})

    assert by_range.data["prices"][-1]["date"] == "2020-11-06"
    assert "range=5y&interval=1wk&events=div%2Csplit" in server.requests[-2]
    assert "period1=1598832000&period2=1604707200&interval=1d" in server.requests[-1]


def test_what_a_query_says_by_default_does_not_change_its_key(yahoo):
    assert yahoo.key({"ticker": "ABBV"}) == "yahoo_finance:ABBV:quote"
    assert yahoo.key({"ticker": "abbv", "kind": "chart", "range": "1y", "interval": "1d"}) == "yahoo_finance:ABBV:chart"
    assert yahoo.key({"ticker": "BRK-B", "kind": "chart", "range": "5y"}) == "yahoo_finance:BRK-B:chart:range=5y"


def test_cookie_and_crumb_are_fetched_once_for_all_threads(yahoo, server):
    threads = [threading.Thread(target=yahoo.retrieve, args=({"ticker": "ABBV"},)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert server.asked("/v7/finance/quote") == 8
    assert server.asked("/v1/test/getcrumb") == 1


def test_prices_and_statements_need_no_crumb(yahoo, server):
    server.gives_crumb = False

    assert yahoo.retrieve({"ticker": "ABBV", "kind": "fundamentals"}).metadata["as_of"] == "2023-12-31"


def test_a_stale_crumb_is_replaced_once(yahoo, server):
    yahoo.retrieve({"ticker": "ABBV"})
    server.crumb = "another"

    assert yahoo.retrieve({"ticker": "BFLY"}).metadata["subject"] == "Butterfly Network, Inc."
    assert server.asked("/v1/test/getcrumb") == 2
    assert server.asked("/v7/finance/quote") == 3


def test_a_crumb_that_is_refused_twice_is_an_error(yahoo, server):
    refused = Fault(401, b'{"finance": {"result": null, "error": {"description": "Invalid Crumb"}}}')
    server.faults[:] = [refused, refused]

    with pytest.raises(SourceError, match="refused the quote of ABBV: 401"):
        yahoo.retrieve({"ticker": "ABBV"})
    assert server.asked("/v7/finance/quote") == 2


def test_no_crumb_is_one_clear_error(yahoo, server):
    server.gives_crumb = False

    with pytest.raises(SourceError, match=r"gave no crumb \(status 401\)\n  it may ask for consent"):
        yahoo.retrieve({"ticker": "ABBV"})
    assert yahoo.health().detail == "Yahoo Finance gave no crumb (status 401)"


PASSING = [
    Fault(429),
    Fault(429, headers={"Retry-After": "0"}),
    Fault(429, headers={"Retry-After": "Sat, 01 Mar 2025 11:59:00 GMT"}),
    Fault(500),
    Fault(503, b"<html>", HTML),
    Fault(kind="cut"),
    Fault(kind="close"),
    Fault(kind="slow"),
    Fault(kind="trickle"),
    Fault(kind="bad_gzip"),
    Fault(kind="cut_gzip"),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}-{fault.status}-{len(fault.headers)}")
def test_what_passes_is_tried_again(server, clock, fault):
    yahoo = create_source(
        "yahoo_finance",
        SourceContext(clock=clock),
        base_url=server.url,
        per_second=1000,
        timeout=0.3,
        retries=1,
        backoff=0.001,
    )
    server.faults[:] = [fault]

    assert yahoo.retrieve({"ticker": "ABBV"}).data["symbol"] == "ABBV"
    assert server.asked("/v7/finance/quote") == 2


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(429), "Yahoo Finance answered 429, too many requests (3 tries)\n  run the same command again in a few"),
        (Fault(500), "Yahoo Finance answered 500 (3 tries)"),
        (Fault(kind="cut"), "Yahoo Finance broke off in the middle of its answer (3 tries)"),
        (Fault(kind="close"), "Yahoo Finance cannot be reached: "),
        (Fault(kind="bad_gzip"), "Yahoo Finance sent an answer that cannot be unpacked (3 tries)"),
        (Fault(kind="slow"), "Yahoo Finance did not answer within 0.3 s (3 tries)"),
    ],
    ids=lambda value: value.kind + str(value.status) if isinstance(value, Fault) else "",
)
def test_what_does_not_pass_is_one_clear_error(server, clock, fault, message):
    yahoo = create_source(
        "yahoo_finance",
        SourceContext(clock=clock),
        base_url=server.url,
        per_second=1000,
        timeout=0.3,
        retries=2,
        backoff=0.001,
    )
    server.faults[:] = [fault] * 3

    with pytest.raises(SourceError) as caught:
        yahoo.retrieve({"ticker": "ABBV"})

    assert str(caught.value).startswith(message)
    assert server.asked("/v7/finance/quote") == 3


def test_a_long_retry_after_is_told_and_not_waited_for(yahoo, server):
    server.faults[:] = [Fault(429, headers={"Retry-After": "900"})]

    with pytest.raises(SourceError, match="run the same command again in 900 s"):
        yahoo.retrieve({"ticker": "ABBV"})
    assert server.asked("/v7/finance/quote") == 1


def test_an_html_403_is_recognised_and_not_tried_again(yahoo, server):
    server.faults[:] = [Fault(403, b"<html><body>Too busy</body></html>", HTML)]

    with pytest.raises(SourceError, match="refused the quote of ABBV: 403 with a page for people"):
        yahoo.retrieve({"ticker": "ABBV"})
    assert server.asked("/v7/finance/quote") == 1


def test_a_page_in_place_of_data_is_recognised(yahoo, server):
    server.faults[:] = [Fault(200, b"<!doctype html><title>Consent</title>", HTML)]

    with pytest.raises(SourceError, match="200 with a page for people"):
        yahoo.retrieve({"ticker": "ABBV"})


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff"])
def test_an_answer_that_is_not_the_json_asked_for_is_one_clear_error(yahoo, server, body):
    server.answers["/v7/finance/quote"] = (200, body, {})

    with pytest.raises(SourceError, match="answered 200 for the quote of ABBV, and no data that can be read"):
        yahoo.retrieve({"ticker": "ABBV"})


def test_an_answer_in_another_shape_is_one_clear_error(yahoo, server):
    server.answers["/v7/finance/quote"] = (200, b'{"quoteResponse": {"result": [{"regularMarketTime": 1e300}]}}', {})

    with pytest.raises(SourceError, match="in a shape that is not known for the quote of ABBV"):
        yahoo.retrieve({"ticker": "ABBV"})


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("quote", ""),
        ("summary", ": Quote not found for symbol: NOPE"),
        ("fundamentals", ""),
        ("chart", ": No data found, symbol may be delisted"),
    ],
)
def test_a_symbol_without_data_is_named(yahoo, kept, kind, said):
    with pytest.raises(SourceError) as caught:
        yahoo.retrieve({"ticker": "NOPE", "kind": kind})

    assert caught.value.message == f"Yahoo Finance has no {kind} for NOPE{said}"
    assert kept.calls == []


def test_a_gzipped_answer_is_unpacked(yahoo, server):
    server.gzip = True

    assert yahoo.retrieve({"ticker": "ABBV", "kind": "summary"}).metadata["subject"] == "AbbVie Inc."


def test_a_server_that_is_not_there_is_named(clock):
    yahoo = create_source("yahoo_finance", SourceContext(clock), base_url="http://127.0.0.1:9", retries=0)

    with pytest.raises(SourceError, match=r"cannot be reached: Connection refused\n  check that 127\.0\.0\.1:9 can"):
        yahoo.retrieve({"ticker": "ABBV"})
    assert not yahoo.health().ok


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"ticker": "A B"}, '"ticker" of source yahoo_finance cannot be "A B"'),
        ({"ticker": "ABBV/../x"}, '"ticker" of source yahoo_finance cannot be "ABBV/../X"'),
        ({"ticker": "ABBV", "range": "1y"}, 'the query field "range" is for kind chart, not quote'),
        ({"ticker": "ABBV", "kind": "chart", "range": "1y", "start": "2024-01-01"}, "a range or a start, not both"),
        ({"ticker": "ABBV", "kind": "chart", "end": "2024-01-01"}, 'the query field "end" needs a "start"'),
        (
            {"ticker": "ABBV", "kind": "chart", "start": "2024-02-31"},
            'must be a date like 2025-02-14, not "2024-02-31"',
        ),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_before_anything_is_sent(yahoo, server, query, message):
    with pytest.raises(UsageError, match=message):
        yahoo.retrieve(query)
    assert server.requests == []


def test_a_pace_of_nothing_is_refused(clock):
    with pytest.raises(UsageError, match="per_second must be more than 0"):
        create_source("yahoo_finance", SourceContext(clock), per_second=0)


def test_the_base_url_must_be_one(clock):
    with pytest.raises(UsageError, match='base_url of source yahoo_finance is not a URL: "query2'):
        create_source("yahoo_finance", SourceContext(clock), base_url="query2.finance.yahoo.com")
