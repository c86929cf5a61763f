from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from servers.yahoo import chart_body, fundamentals_body, quote_body, summary_body
from trainer.core.values import Field
from trainer.sources.yahoo_fields import STATEMENTS
from trainer.sources.yahoo_shapes import (
    NoData,
    own_name,
    schema_fields,
    shape_chart,
    shape_fundamentals,
    shape_quote,
    shape_summary,
    yahoo_name,
)


def test_a_quote_keeps_its_figures_as_given():
    shaped = shape_quote(quote_body("ABBV"))

    assert (shaped.subject, shaped.as_of) == ("AbbVie Inc.", "2025-02-14")
    assert shaped.data["regularMarketPrice"] == 192.87
    assert shaped.data["marketCap"] == 340828291072
    assert shaped.data["fiftyTwoWeekLow"] == 153.58
    assert shaped.data["regularMarketTime"] == "2025-02-14T21:00:02Z"
    assert shaped.data["dividendDate"] == "2025-05-15"


def test_the_same_name_has_the_unit_of_its_place():
    quote = shape_quote(quote_body("ABBV"))
    summary = shape_summary(summary_body("ABBV"))

    assert (quote.data["dividendYield"], quote.fields["dividendYield"].unit) == (3.4, "percent")
    assert summary.data["dividend"]["dividendYield"] == 0.0325
    assert summary.fields["dividend.dividendYield"].unit == "fraction"


def test_money_has_the_currency_it_is_in():
    fields = shape_quote(quote_body("ABBV")).fields

    assert fields["marketCap"] == Field("Market capitalisation", "USD")
    assert fields["regularMarketPrice"] == Field("Share price", "USD/share")
    assert fields["sharesOutstanding"].unit == "shares"


def test_a_company_may_be_quoted_in_one_currency_and_report_in_another():
    answer = {"symbol": "X", "currency": "EUR", "financialCurrency": "USD", "regularMarketPrice": 1, "bookValue": 2}
    fields = shape_quote({"quoteResponse": {"result": [answer]}}).fields

    assert fields["regularMarketPrice"].unit == "EUR/share"
    assert fields["bookValue"].unit == "USD/share"


def test_the_day_of_a_price_is_that_of_its_exchange():
    answer = {"symbol": "CBA.AX", "regularMarketTime": 1739574000, "gmtOffSetMilliseconds": 39_600_000}  # 23:00 UTC

    assert shape_quote({"quoteResponse": {"result": [answer]}}).as_of == "2025-02-15"


@pytest.mark.parametrize(
    ("quoted", "currency"),
    [("GBp", "GBP"), ("GBX", "GBP"), ("ZAc", "ZAR"), ("ILA", "ILS"), ("KWF", "KWD"), ("EUR", "EUR")],
)
def test_a_company_is_worth_pounds_where_its_share_is_quoted_in_pence(quoted, currency):
    names = {"symbol": "X", "currency": quoted, "financialCurrency": "USD"}
    quote = shape_quote({"quoteResponse": {"result": [{**names, "regularMarketPrice": 250.5, "marketCap": 4e10}]}})
    modules = {"price": {**names, "marketCap": 4e10}, "defaultKeyStatistics": {"enterpriseValue": 5e10}}
    summary = shape_summary({"quoteSummary": {"result": [modules]}})

    assert quote.fields["regularMarketPrice"].unit == f"{quoted}/share"
    assert quote.fields["marketCap"].unit == currency
    assert summary.fields["price.marketCap"].unit == currency
    assert summary.fields["valuation.enterpriseValue"].unit == currency


def test_the_days_of_a_chart_are_those_of_its_exchange_in_summer_too():
    days = [(2024, 6, 28), (2024, 7, 1), (2024, 12, 2)]
    stamps = [int(datetime(*day, tzinfo=ZoneInfo("Europe/London")).timestamp()) for day in days]
    meta = {"symbol": "EURUSD=X", "gmtoffset": 0, "exchangeTimezoneName": "Europe/London", "dataGranularity": "1d"}
    answer = {"meta": meta, "timestamp": stamps, "indicators": {"quote": [{"close": [1.071, 1.074, 1.05]}]}}

    shaped = shape_chart({"chart": {"result": [answer]}})

    assert [row["date"] for row in shaped.data["prices"]] == ["2024-06-28", "2024-07-01", "2024-12-02"]


def test_an_hour_in_sydney_has_the_day_of_sydney():
    meta = {"symbol": "CBA.AX", "exchangeTimezoneName": "Australia/Sydney", "dataGranularity": "60m"}
    answer = {"meta": meta, "timestamp": [1739574000], "indicators": {"quote": [{"close": [150.0]}]}}  # 23:00 UTC

    shaped = shape_chart({"chart": {"result": [answer]}})

    assert (shaped.data["prices"][0]["date"], shaped.as_of) == ("2025-02-14T23:00:00Z", "2025-02-15")


@pytest.mark.parametrize(
    ("quote_type", "price", "volume"),
    [
        ("EQUITY", "USD/share", "shares"),
        ("ETF", "USD/share", "shares"),
        ("CURRENCY", "USD", ""),
        ("CRYPTOCURRENCY", "USD", ""),
        ("FUTURE", "USD", ""),
        ("INDEX", "", ""),
    ],
)
def test_only_shares_are_priced_by_the_share(quote_type, price, volume):
    answer = {"symbol": "X", "currency": "USD", "regularMarketPrice": 1.5, "regularMarketVolume": 7}
    quote = shape_quote({"quoteResponse": {"result": [{**answer, "quoteType": quote_type}]}})
    meta = {"symbol": "X", "currency": "USD", "instrumentType": quote_type, "dataGranularity": "1d"}
    series = {"meta": meta, "timestamp": [0], "indicators": {"quote": [{"close": [1.5]}]}}

    assert (quote.fields["regularMarketPrice"].unit, quote.fields["regularMarketVolume"].unit) == (price, volume)
    assert shape_chart({"chart": {"result": [series]}}).fields["prices.close"].unit == price


def test_a_delisted_symbol_has_no_data():
    with pytest.raises(NoData):
        shape_quote(
            {"quoteResponse": {"result": [{"symbol": "TWTR", "longName": "Twitter, Inc.", "quoteType": "NONE"}]}}
        )


def test_modules_that_are_missing_or_null_are_left_out():
    modules = {"price": {"symbol": "X", "regularMarketPrice": 2}, "financialData": None, "earningsTrend": None}

    data = shape_summary({"quoteSummary": {"result": [modules], "error": None}}).data

    assert data == {"symbol": "X", "price": {"regularMarketPrice": 2}}


def test_an_infinite_ratio_is_no_figure():
    answer = {"symbol": "X", "regularMarketPrice": 1.5, "trailingPE": "Infinity", "forwardPE": None}

    assert shape_quote({"quoteResponse": {"result": [answer]}}).data == {"symbol": "X", "regularMarketPrice": 1.5}


@pytest.mark.parametrize("symbol", ["AAPL", "ABBV", "AMZN", "BFLY", "GOOG"])
def test_no_figure_changes_on_the_way(symbol):
    answers = [
        (shape_quote, quote_body(symbol)),
        (shape_summary, summary_body(symbol)),
        (lambda body: shape_fundamentals(body, symbol), fundamentals_body(symbol)),
        *([(shape_chart, chart_body(symbol))] if symbol in ("AAPL", "ABBV") else []),
    ]
    for shape, answer in answers:
        assert numbers(shape(answer).data) <= numbers(answer)


def numbers(value: object) -> set[float]:
    if isinstance(value, dict | list):
        return {number for item in (value.values() if isinstance(value, dict) else value) for number in numbers(item)}
    return {value} if isinstance(value, int | float) and not isinstance(value, bool) else set()


def test_a_zone_nobody_knows_is_replaced_by_the_offset():
    answer = {"symbol": "X", "regularMarketTime": 1739574000, "exchangeTimezoneName": "Mars/Base"}

    assert shape_quote({"quoteResponse": {"result": [answer]}}).as_of == "2025-02-14"
    assert shape_quote({"quoteResponse": {"result": [{**answer, "gmtOffSetMilliseconds": 4e7}]}}).as_of == "2025-02-15"


def test_a_summary_is_ordered_by_meaning():
    shaped = shape_summary(summary_body("ABBV"))

    assert (shaped.subject, shaped.as_of) == ("AbbVie Inc.", "2025-02-21")
    assert shaped.data["profile"]["fullTimeEmployees"] == 55000
    assert shaped.data["balance"] == {
        "totalCash": 5554999808,
        "totalCashPerShare": 3.147,
        "totalDebt": 68250001408,
        "debtToEquity": 2028.835,
        "currentRatio": 0.66,
        "quickRatio": 0.425,
        "bookValue": 1.884,
    }
    assert shaped.data["analysts"]["targetMeanPrice"] == 204.43
    assert shaped.fields["financials.operatingMargins"] == Field("Operating margin, latest quarter", "fraction")


def test_every_name_can_be_written_in_a_template():
    for path in shape_summary(summary_body("ABBV")).fields:
        assert all(part.isidentifier() for part in path.split(".")), path
    assert shape_summary(summary_body("ABBV")).data["price"]["fiftyTwoWeekChange"] == 0.13013816


def test_series_ascend_by_date_and_join_what_belongs_together():
    data = shape_summary(summary_body("ABBV")).data

    assert [row["date"] for row in data["annual"]] == ["2021-12-31", "2022-12-31", "2023-12-31", "2024-12-31"]
    assert data["quarterly"][-1] == {
        "date": "2024-12-31",
        "totalRevenue": 15102000000,
        "netIncome": -22000000,
        "epsActual": 2.16,
        "epsEstimate": 2.11921,
        "surprisePercent": 0.019199999,
    }
    assert [row["date"] for row in data["quarterlyEstimates"]] == ["2025-03-31", "2025-06-30"]
    assert [row["period"] for row in data["recommendations"]] == ["-3m", "-2m", "-1m", "0m"]


def test_a_zero_that_yahoo_does_not_mean_is_left_out():
    data = shape_summary(summary_body("BFLY")).data

    assert data["annual"][0] == {"date": "2020-12-31", "netIncome": -162706000}


def test_caching_noise_and_nulls_are_dropped():
    text = json.dumps(shape_summary(summary_body("AAPL")).data)

    assert "maxAge" not in text
    assert "null" not in text
    assert '"fmt"' not in text


def test_a_module_without_a_shape_of_its_own_comes_cleaned():
    data = shape_summary(summary_body("ABBV")).data

    assert data["upgradeDowngradeHistory"]["history"][0] == {
        "epochGradeDate": "2025-02-03",
        "firm": "Citigroup",
        "toGrade": "Buy",
        "fromGrade": "Buy",
        "action": "main",
    }
    assert data["institutionOwnership"]["ownershipList"][0]["reportDate"] == "2024-12-31"


@pytest.mark.parametrize("symbol", ["AAPL", "ABBV", "AMZN", "BFLY", "GOOG"])
def test_every_field_that_is_named_is_there_and_the_other_way_round(symbol):
    for shaped in (
        shape_quote(quote_body(symbol)),
        shape_fundamentals(fundamentals_body(symbol), symbol),
    ):
        assert leaves(shaped.data) == set(shaped.fields)

    summary = shape_summary(summary_body(symbol))
    assert set(summary.fields) <= leaves(summary.data)
    assert summary.fields.keys() <= schema_fields().keys() | leaves({"recommendations": [{"period": 0}]}) | {
        path for path in summary.fields if path.endswith((".date", ".period"))
    }


def leaves(data: object, path: str = "") -> set[str]:
    if isinstance(data, dict):
        return {leaf for name, value in data.items() for leaf in leaves(value, f"{path}.{name}".strip("."))}
    if isinstance(data, list):
        return {leaf for value in data for leaf in leaves(value, path)}
    return {path}


def test_statements_of_one_date_are_one_row():
    types = ("annualTotalDebt", "annualDilutedEPS", "annualResearchAndDevelopment")
    shaped = shape_fundamentals(fundamentals_body("AAPL", types), "AAPL")

    assert shaped.as_of == "2024-09-30"
    assert [row["date"] for row in shaped.data["annual"]] == ["2022-09-30", "2023-09-30", "2024-09-30"]
    assert shaped.data["annual"][-1]["researchAndDevelopment"] == 31370000000
    assert shaped.data["annual"][-1]["totalDebt"] == 106629000000
    assert shaped.fields["annual.totalDebt"] == Field("Total debt", "USD")
    assert shaped.fields["annual.dilutedEPS"].unit == "USD/share"


def test_a_chart_is_a_series_of_prices():
    shaped = shape_chart(chart_body("AAPL"))

    assert shaped.data["prices"][0] == {
        "date": "2020-08-31",
        "open": 127.58000183105469,
        "high": 131,
        "low": 126,
        "close": 129.0399932861328,
        "adjClose": 125.82673645019531,
        "volume": 225702700,
    }
    assert shaped.data["dividends"] == [{"date": "2020-11-06", "amount": 0.205}]
    assert shaped.data["splits"] == [{"date": "2020-08-31", "ratio": "4:1"}]
    assert shaped.as_of == shaped.data["prices"][-1]["date"] == "2020-11-06"


def test_a_day_without_a_close_is_no_row():
    answer = {
        "meta": {"symbol": "X", "currency": "USD", "dataGranularity": "1d"},
        "timestamp": [1577975400, 1578061800],
        "indicators": {"quote": [{"close": [1.5, None], "open": [None, None]}]},
    }

    assert shape_chart({"chart": {"result": [answer]}}).data["prices"] == [{"date": "2020-01-02", "close": 1.5}]


def test_prices_within_a_day_keep_their_time():
    answer = {
        "meta": {"symbol": "X", "dataGranularity": "5m", "gmtoffset": -18000},
        "timestamp": [1577975400],
        "indicators": {"quote": [{"close": [1.5]}]},
    }

    shaped = shape_chart({"chart": {"result": [answer]}})

    assert shaped.data["prices"][0]["date"] == "2020-01-02T14:30:00Z"
    assert shaped.as_of == "2020-01-02"


@pytest.mark.parametrize("shape", [shape_quote, shape_summary, shape_chart])
@pytest.mark.parametrize(
    "answer", [{}, {"quoteResponse": {"result": []}}, {"quoteSummary": {"result": None}}, {"chart": {"result": [{}]}}]
)
def test_an_answer_without_data_is_told(shape, answer):
    with pytest.raises(NoData):
        shape(answer)


def test_a_chart_of_a_day_without_trade_has_no_data():
    with pytest.raises(NoData):
        shape_chart({"chart": {"result": [{"meta": {"symbol": "AAPL"}, "indicators": {"quote": [{}]}}]}})


def test_every_line_of_a_statement_has_its_name_at_yahoo():
    for table in STATEMENTS.values():
        for name in table:
            assert own_name(yahoo_name(name)) == name
