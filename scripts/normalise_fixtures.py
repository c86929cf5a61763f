"""Write the figures that the loopback servers of the tests answer with, from recorded answers.

    python scripts/normalise_fixtures.py RECORDINGS tests/servers/figures

RECORDINGS holds `yahoo/*.json` (`{path, status, body}`) and `edgar/` as the services answered. What is written are
figures under the services' own names, and nothing else: no prose, no envelopes, no pairs of a figure and its text. The
servers put the shapes back on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from trainer.core.files import write_atomic
from trainer.sources.edgar_shapes import LINES
from trainer.sources.yahoo_fields import MODULES, QUOTE, RENAMED, SECTIONS, STATEMENTS
from trainer.sources.yahoo_shapes import own_name

TICKERS = ("AAPL", "ABBV", "AMZN", "BFLY", "GOOG")
CHARTS = ("AAPL-2020-08-31-to-2020-11-07", "ABBV-2020-01-01-to-2020-01-03")
IDENTITY = (
    "symbol",
    "longName",
    "shortName",
    "fullExchangeName",
    "exchangeName",
    "currency",
    "financialCurrency",
    "quoteType",
)
PLACE = ("exchangeTimezoneName", "gmtOffSetMilliseconds", "timeZoneFullName")
PROSE = ("longBusinessSummary",)
SERIES = (
    "incomeStatementHistory",
    "incomeStatementHistoryQuarterly",
    "earningsHistory",
    "earningsTrend",
    "recommendationTrend",
)
ROWS = {"upgradeDowngradeHistory": 2, "institutionOwnership": 2}
"""Modules without a shape of their own, of which a few rows are enough."""
FIRST_FACT = "2015-01-01"
COMPANY = ("cik", "name", "tickers", "exchanges", "sicDescription", "stateOfIncorporation", "fiscalYearEnd")
FILING = ("accessionNumber", "filingDate", "reportDate", "form", "items", "primaryDocument", "primaryDocDescription")
MOST_FILINGS = 60
REPORTED = ("totalRevenue", "netIncome", "researchAndDevelopment", "dilutedEPS", "totalAssets")
TAGS = frozenset(tag for line in REPORTED for tag in LINES[line][2])


def main(arguments: list[str]) -> None:
    """Write `yahoo.json` and `edgar.json`."""
    recordings, target = Path(arguments[0]), Path(arguments[1])
    for name, figures in (("yahoo", yahoo(recordings / "yahoo")), ("edgar", edgar(recordings / "edgar"))):
        rows = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in figures.items())
        write_atomic(target / f"{name}.json", "{" + ",\n".join(rows) + "}\n")


def yahoo(folder: Path) -> dict[str, Any]:
    """Figures by kind and symbol: `quote AAPL`."""
    figures: dict[str, Any] = {}
    for ticker in TICKERS:
        quote = body(folder, f"quote-{ticker}")["quoteResponse"]["result"][0]
        figures[f"quote {ticker}"] = {name: quote[name] for name in (*IDENTITY, *PLACE, *QUOTE) if name in quote}
        summary = body(folder, f"quoteSummary-all-{ticker}")["quoteSummary"]["result"][0]
        figures[f"summary {ticker}"] = modules(summary, all_rows=ticker == "ABBV")
        series = [
            each
            for path in sorted(folder.glob(f"fundamentalsTimeSeries-{ticker}-*.json"))
            for each in body(folder, path.stem)["timeseries"]["result"]
        ]
        figures[f"fundamentals {ticker}"] = statements(series)
    for name in CHARTS:
        figures[f"chart {name.partition('-')[0]}"] = chart(body(folder, f"chart-{name}")["chart"]["result"][0])
    return figures


def modules(summary: dict[str, Any], *, all_rows: bool) -> dict[str, Any]:
    """What the sections and series are made of."""
    wanted: dict[str, list[str]] = {name: [*IDENTITY, *PLACE] for name in MODULES}
    for table, sources in SECTIONS.values():
        for source in sources:
            module, _, part = source.partition(".")
            wanted.setdefault(module, []).extend([part] if part else [RENAMED.get(name, name) for name in table])
    result = {
        module: {name: plain(summary[module][name]) for name in names if name in summary[module] and name not in PROSE}
        for module, names in wanted.items()
        if module in summary and module not in SERIES
    }
    result |= {module: plain(summary[module]) for module in SERIES if module in summary}
    for module, count in ROWS.items() if all_rows else ():
        ((name, rows),) = ((name, rows) for name, rows in summary[module].items() if isinstance(rows, list))
        result[module] = {name: plain(rows[:count])}
    return result


def plain(value: Any) -> Any:
    """A value without pairs: the figure, a date as its text, null for a zero that has none."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "raw" in value:
        text = value.get("fmt")
        return text if text and len(text) == 10 and text[4] == "-" else None if text is None else value["raw"]
    return {name: plain(item) for name, item in value.items() if name != "maxAge" and item not in ({}, [])}


def statements(series: list[dict[str, Any]]) -> dict[str, Any]:
    """Yahoo's names of the lines we read -> date -> figure, and the currency."""
    lines = {name for table in STATEMENTS.values() for name in table}
    figures: dict[str, Any] = {}
    for each in series:
        name = each["meta"]["type"][0]
        period = next((period for period in ("annual", "quarterly") if name.startswith(period)), "")
        if own_name(name.removeprefix(period)) not in lines or not period:
            continue
        for point in filter(None, each.get(name) or []):
            figures["currencyCode"] = point.get("currencyCode", "USD")
            figures.setdefault(name, {})[point["asOfDate"]] = point["reportedValue"]["raw"]
    return figures


def chart(answer: dict[str, Any]) -> dict[str, Any]:
    """Meta and columns."""
    meta = (
        "symbol",
        "longName",
        "fullExchangeName",
        "currency",
        "gmtoffset",
        "exchangeTimezoneName",
        "dataGranularity",
    )
    return {
        "meta": {name: answer["meta"][name] for name in meta},
        "timestamp": answer["timestamp"],
        "quote": answer["indicators"]["quote"][0],
        "adjclose": answer["indicators"]["adjclose"][0]["adjclose"],
        "events": answer.get("events", {}),
    }


def edgar(folder: Path) -> dict[str, Any]:
    """Companies, facts of the lines we read, and the newest filings, by CIK."""
    companies = json.loads((folder / "company_tickers.json").read_text(encoding="utf-8")).values()
    wanted = [company for company in companies if company["ticker"] in ("AAPL", "ABBV", "MRVL", "TSLA")]
    figures: dict[str, Any] = {"companies": [[each["cik_str"], each["ticker"], each["title"]] for each in wanted]}
    for path in sorted((folder / "companyfacts").glob("*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        figures[f"facts {path.stem}"] = {
            "cik": facts["cik"],
            "entityName": facts["entityName"],
            "us-gaap": {
                tag: {unit: observations(rows) for unit, rows in concept["units"].items()}
                for tag, concept in facts["facts"]["us-gaap"].items()
                if tag in TAGS
            },
        }
    for path in sorted((folder / "submissions").glob("*.json")):
        company = json.loads(path.read_text(encoding="utf-8"))
        recent = company["filings"]["recent"]
        figures[f"submissions {path.stem}"] = {
            **{name: company[name] for name in COMPANY},
            "recent": {name: recent[name][:MOST_FILINGS] for name in FILING},
            "files": [{"name": page["name"]} for page in company["filings"]["files"]],
        }
    return figures


def observations(rows: list[dict[str, Any]]) -> list[list[Any]]:
    """Start, end, value, accession number, form and day of filing of each figure."""
    names = ("start", "end", "val", "accn", "form", "filed")
    return [[row.get(name) for name in names] for row in rows if row["end"] >= FIRST_FACT]


def body(folder: Path, name: str) -> dict[str, Any]:
    """The recorded answer's body."""
    answer: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["body"]
    return answer


if __name__ == "__main__":
    main(sys.argv[1:])
