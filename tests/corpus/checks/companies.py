"""The data that the corpus of reports is written about: the example's files, recorded answers, two invented bodies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainer.core.clock import parse_moment
from trainer.core.values import DataBlock, Field

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Company:
    """A company as reports speak of it."""

    name: str
    blocks: tuple[DataBlock, ...]
    currency: str = "USD"

    @property
    def data(self) -> dict[str, Any]:
        return self.blocks[0].data

    def get(self, path: str) -> Any:
        """The value at a dotted path; None where there is none."""
        value: Any = self.data
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def series(self, name: str, field: str) -> list[tuple[str, float]]:
        """Date and value of a series, without gaps."""
        return [(row["date"], row[field]) for row in self.data.get(name, []) if row.get(field) is not None]


def committed() -> list[Company]:
    """The companies whose figures stand in the repository."""
    return [
        Company("AbbVie", (_file("ABBV-summary"), _file("ABBV-fundamentals"))),
        Company("Butterfly Network", (_file("BFLY-summary"), _file("BFLY-fundamentals"))),
        _utility(),
    ]


def recorded() -> list[Company]:
    """The companies whose figures the loopback server answers with."""
    from servers.yahoo import summary_body
    from trainer.sources.yahoo_shapes import shape_summary

    found = []
    for ticker, name in (("AAPL", "Apple"), ("AMZN", "Amazon"), ("GOOG", "Alphabet")):
        shaped = shape_summary(summary_body(ticker))
        when = datetime(2025, 2, 21, 21, tzinfo=UTC)
        key = f"yahoo_finance:{ticker}:summary"
        data, fields = dict(shaped.data), dict(shaped.fields)
        block = DataBlock("summary", key, 1, "yahoo_finance", when, data, ticker, shaped.subject, shaped.as_of, fields)
        found.append(Company(name, (block,)))
    return found


def _file(name: str) -> DataBlock:
    held = json.loads((ROOT / "information" / "data" / f"{name}.json").read_text(encoding="utf-8"))
    fields = {path: Field(**meaning) for path, meaning in held["fields"].items()}
    key = f"yahoo_finance:{name.replace('-', ':')}"
    return DataBlock(
        name.partition("-")[2],
        key,
        1,
        held["source"],
        parse_moment(held["retrieved_at"]),
        held["data"],
        name,
        held["subject"],
        held["as_of"],
        fields,
    )


def _utility() -> Company:
    fields = {
        "price.regularMarketPrice": Field("Share price", "EUR/share"),
        "price.marketCap": Field("Market capitalisation", "EUR"),
        "price.fiftyTwoWeekLow": Field("52-week low", "EUR/share"),
        "price.fiftyTwoWeekHigh": Field("52-week high", "EUR/share"),
        "price.beta": Field("Beta", "ratio"),
        "valuation.trailingPE": Field("Price to trailing earnings", "ratio"),
        "valuation.enterpriseValue": Field("Enterprise value", "EUR"),
        "financials.totalRevenue": Field("Revenue, trailing 12 months", "EUR"),
        "financials.revenueGrowth": Field("Revenue growth", "fraction"),
        "financials.grossMargins": Field("Gross margin", "fraction"),
        "financials.operatingMargins": Field("Operating margin", "fraction"),
        "financials.grossProfits": Field("Gross profit", "EUR"),
        "financials.ebitda": Field("EBITDA", "EUR"),
        "balance.totalCash": Field("Cash and short-term investments", "EUR"),
        "balance.totalDebt": Field("Total debt", "EUR"),
        "balance.currentRatio": Field("Current ratio", "ratio"),
        "profile.fullTimeEmployees": Field("Full-time employees", "count"),
        "annual.totalRevenue": Field("Revenue", "EUR"),
        "annual.netIncome": Field("Net income", "EUR"),
        "quarterly.totalRevenue": Field("Revenue", "EUR"),
        "quarterly.netIncome": Field("Net income", "EUR"),
    }
    revenue = [1_812_400_000, 2_045_700_000, 1_967_300_000, 2_231_900_000]
    income = [143_600_000, 187_200_000, 96_800_000, 211_500_000]
    quarters = ["2024-03-31", "2024-06-30", "2024-09-30", "2024-12-31"]
    data = {
        "name": "Nordwind Energie AG",
        "profile": {"fullTimeEmployees": 7438},
        "price": {
            "regularMarketPrice": 63.42,
            "marketCap": 4_871_300_000,
            "fiftyTwoWeekLow": 48.17,
            "fiftyTwoWeekHigh": 71.95,
            "beta": 0.83,
        },
        "valuation": {"trailingPE": 23.04, "enterpriseValue": 6_428_700_000},
        "financials": {
            "totalRevenue": 2_231_900_000,
            "revenueGrowth": 0.1345,
            "grossMargins": 0.3872,
            "operatingMargins": 0.1426,
            "grossProfits": 864_200_000,
            "ebitda": 517_600_000,
        },
        "balance": {"totalCash": 382_900_000, "totalDebt": 1_940_300_000, "currentRatio": 1.37},
        "annual": [
            {"date": f"{2021 + at}-12-31", "totalRevenue": revenue[at], "netIncome": income[at]} for at in range(4)
        ],
        "quarterly": [
            {"date": day, "totalRevenue": value, "netIncome": profit}
            for day, value, profit in zip(
                quarters,
                (538_100_000, 497_600_000, 562_900_000, 633_300_000),
                (47_200_000, 38_900_000, 55_700_000, 69_700_000),
                strict=True,
            )
        ],
    }
    when = datetime(2025, 2, 20, 18, tzinfo=UTC)
    block = DataBlock(
        "summary", "file:nordwind:summary", 1, "file", when, data, "n", "Nordwind Energie AG", "2025-02-20", fields
    )
    return Company("Nordwind Energie", (block,), "EUR")
