"""Options, insights, search and similar companies, in the shapes that Yahoo answers with."""

from __future__ import annotations

import json

import pytest

from trainer.core.errors import SourceError, UsageError
from trainer.core.values import Field

QUOTE = {
    "quoteType": "EQUITY",
    "symbol": "ABBV",
    "longName": "AbbVie Inc.",
    "currency": "USD",
    "financialCurrency": "USD",
    "regularMarketPrice": 202.08,
    "regularMarketTime": 1740171602,
    "exchangeTimezoneName": "America/New_York",
}


def contract(strike: float, **more: object) -> dict:
    return {
        "contractSymbol": f"ABBV250228C{strike:.0f}",
        "strike": strike,
        "currency": "USD",
        "lastPrice": 64.35,
        "change": 0,
        "openInterest": 0,
        "contractSize": "REGULAR",
        "expiration": 1740700800,
        "lastTradeDate": 1739375126,
        "impliedVolatility": 1.0000000000000003e-05,
        "inTheMoney": True,
        **more,
    }


def options(calls: list, puts: list) -> dict:
    chain = {"expirationDate": 1740700800, "hasMiniOptions": False, "calls": calls, "puts": puts}
    answer = {"underlyingSymbol": "ABBV", "expirationDates": [1741305600, 1740700800], "quote": QUOTE}
    return {"optionChain": {"result": [{**answer, "strikes": [], "options": [chain]}], "error": None}}


INSIGHTS = {
    "symbol": "AAPL",
    "instrumentInfo": {
        "technicalEvents": {
            "provider": "Trading Central",
            "shortTermOutlook": {"direction": "Bullish", "score": 3, "scoreDescription": "Strong Bullish Evidence"},
            "longTermOutlook": {"direction": "Neutral", "score": 0},
        },
        "keyTechnicals": {"provider": "Trading Central", "support": 227.82, "resistance": 246.75},
        "valuation": {"description": "Overvalued", "discount": "-4%"},
    },
    "companySnapshot": {"company": {"hiring": 0.9512999999999999}, "sector": {"hiring": 0.5}},
    "recommendation": {"targetPrice": 280, "provider": "Argus Research", "rating": "BUY"},
    "events": [
        {"eventType": "Momentum", "imageUrl": "https://x.example/", "startDate": 1739543400, "endDate": 1739543400}
    ],
    "reports": [
        {"id": "b", "reportDate": "2025-02-19T20:04:05Z", "targetPrice": 200},
        {"id": "a", "reportDate": "2025-01-19T20:04:05Z"},
    ],
    "sigDevs": [{"headline": "A change", "date": "2025-02-21"}],
    "secReports": [{"id": "1", "formType": "10-Q", "filingDate": 1738281600000}],
}
SEARCH = {
    "quotes": [
        {"symbol": "ABBV", "longname": "AbbVie Inc.", "quoteType": "EQUITY", "exchDisp": "NYSE", "score": 2086100.0},
        {"index": "navigation", "name": "no symbol"},
    ],
    "news": [
        {
            "uuid": "1",
            "title": "Later",
            "publisher": "P",
            "link": "https://x.example/1",
            "providerPublishTime": 1740481011,
        },
        {
            "uuid": "2",
            "title": "Earlier",
            "publisher": "P",
            "link": "https://x.example/2",
            "providerPublishTime": 1740380000,
        },
    ],
}
SIMILAR = {"finance": {"result": [{"symbol": "AAPL", "recommendedSymbols": [{"symbol": "AMZN", "score": 0.297723}]}]}}
PATHS = {
    "options": "/v7/finance/options/ABBV",
    "insights": "/ws/insights/v2/finance/insights",
    "search": "/v1/finance/search",
    "similar": "/v6/finance/recommendationsbysymbol/AAPL",
}


@pytest.fixture
def answer(server):
    def answer(kind: str, body: object, status: int = 200) -> None:
        server.answers[PATHS[kind]] = (status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    return answer


def test_options_are_series_by_strike_of_one_expiration(yahoo, answer):
    answer("options", options([contract(140), contract(130, volume=2)], [contract(150, inTheMoney=False)]))
    result = yahoo.retrieve({"ticker": "ABBV", "kind": "options"})

    assert [row["strike"] for row in result.data["calls"]] == [130, 140]
    assert result.data["calls"][0]["volume"] == 2
    assert result.data["calls"][0]["impliedVolatility"] == 1.0000000000000003e-05
    assert result.data["calls"][0]["lastTradeDate"] == "2025-02-12T15:45:26Z"
    assert result.data["puts"][0]["inTheMoney"] is False
    assert result.data["expiration"] == "2025-02-28"
    assert result.data["expirationDates"] == ["2025-02-28", "2025-03-07"]
    assert (result.data["regularMarketPrice"], result.metadata["as_of"]) == (202.08, "2025-02-21")
    assert result.metadata["fields"]["calls.strike"] == {"title": "Strike", "unit": "USD/share"}
    assert "warnings" not in result.metadata


def test_an_expiration_that_is_none_is_told_with_those_there_are(yahoo, answer, server):
    answer("options", options([], []))

    with pytest.raises(SourceError, match="no options for ABBV: the expirations are 2025-02-28, 2025-03-07"):
        yahoo.retrieve({"ticker": "ABBV", "kind": "options", "expiration": "2022-03-01"})
    assert any("date=1646092800" in path for path in server.requests)


def test_insights_are_outlooks_scores_opinions_and_series_by_date(yahoo, answer):
    answer("insights", {"finance": {"result": INSIGHTS, "error": None}})
    result = yahoo.retrieve({"ticker": "AAPL", "kind": "insights"})

    assert [(row["term"], row["score"]) for row in result.data["outlooks"]] == [("short", 3), ("long", 0)]
    assert result.data["technicals"]["support"] == 227.82
    assert result.data["valuation"]["discount"] == "-4%"
    assert result.data["scores"] == {"hiring": 0.9512999999999999}
    assert [row["id"] for row in result.data["reports"]] == ["a", "b"]
    assert result.data["filings"] == [{"date": "2025-01-31", "id": "1", "formType": "10-Q"}]
    assert result.data["events"] == [{"date": "2025-02-14", "eventType": "Momentum", "startDate": "2025-02-14"}]
    assert result.metadata["as_of"] == "2025-02-21"
    assert result.metadata["fields"]["sectorScores.hiring"] == {"title": "Hiring, sector", "unit": "fraction"}


def test_insights_of_a_symbol_without_any_are_told(yahoo, answer):
    answer("insights", {"finance": {"result": {"symbol": "AAPL"}, "error": None}})

    with pytest.raises(SourceError, match="Yahoo Finance has no insights for AAPL"):
        yahoo.retrieve({"ticker": "AAPL", "kind": "insights"})


def test_a_search_finds_symbols_and_news(yahoo, answer):
    answer("search", SEARCH)
    result = yahoo.retrieve({"text": "AbbVie Inc", "kind": "search"})

    assert result.storage_key == "yahoo_finance:search:text=AbbVie%20Inc"
    assert result.data["matches"] == [
        {"symbol": "ABBV", "name": "AbbVie Inc.", "type": "EQUITY", "exchange": "NYSE", "score": 2086100.0}
    ]
    assert [row["title"] for row in result.data["news"]] == ["Earlier", "Later"]
    assert result.metadata["as_of"] == "2025-02-25"


def test_a_search_without_matches_is_told(yahoo, answer):
    answer("search", {"quotes": [], "news": []})

    with pytest.raises(SourceError, match="Yahoo Finance has no search for Xqzw"):
        yahoo.retrieve({"text": "Xqzw", "kind": "search"})


def test_similar_companies_come_with_how_like_they_are(yahoo, answer):
    answer("similar", SIMILAR)
    result = yahoo.retrieve({"ticker": "AAPL", "kind": "similar"})

    assert result.data["similar"] == [{"symbol": "AMZN", "score": 0.297723}]
    assert Field(**result.metadata["fields"]["similar.score"]).unit == "fraction"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"kind": "search"}, 'the query field "text" of source yahoo_finance is missing\n  for example text=abbvie'),
        ({"kind": "search", "text": "a", "ticker": "A"}, '"ticker" is not for kind search'),
        ({"kind": "options"}, 'the query field "ticker" of source yahoo_finance is missing'),
        ({"ticker": "A", "text": "a"}, 'the query field "text" is for kind search, not quote'),
        ({"ticker": "A", "expiration": "2025-03-21"}, '"expiration" is for kind options, not quote'),
    ],
)
def test_each_kind_has_its_fields(yahoo, query, message):
    with pytest.raises(UsageError, match=message):
        yahoo.key(query)
