"""From Yahoo's answers on options, opinions, names and neighbours to the shapes that reports are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.core.clock import isoformat
from trainer.core.values import Field, Json
from trainer.sources import yahoo_fields as tables
from trainer.sources.base import Fetched
from trainer.sources.yahoo_shapes import (
    NoData,
    fields_of,
    first_result,
    identity,
    market_day_of,
    section_of,
    subject_of,
    units_of,
)
from trainer.sources.yahoo_values import cleaned, day, moment, records


def shape_options(body: Mapping[str, Any]) -> Fetched:
    """Series `calls` and `puts` by strike, of one expiration, from `/v7/finance/options`, and all expirations."""
    answer = first_result(body, "optionChain")
    quote = answer.get("quote") or {}
    names = {"symbol": answer.get("underlyingSymbol")} | identity(quote)
    dates = sorted(day(epoch) for epoch in answer.get("expirationDates") or ())
    chain = next(iter(records(answer, "options")), {})
    series = {side: _contracts(records(chain, side)) for side in ("calls", "puts")}
    if not any(series.values()):
        raise NoData(f"the expirations are {', '.join(dates)}" if dates else "")
    data: dict[str, Json] = {
        **{name: value for name, value in names.items() if value},
        "expirationDates": dates,
        "expiration": day(chain["expirationDate"]),
        **section_of({"regularMarketPrice": tables.QUOTE["regularMarketPrice"]}, [quote]),
        **{side: rows for side, rows in series.items() if rows},
    }
    table = {"regularMarketPrice": tables.QUOTE["regularMarketPrice"], "expiration": ("Expiration", "epoch")}
    by_section = {"": table, "calls": tables.CONTRACT, "puts": tables.CONTRACT}
    as_of = market_day_of(quote.get("regularMarketTime"), quote)
    fields = fields_of(data, by_section, units_of(names, quote.get("quoteType")))
    return Fetched(data, subject_of(names), as_of, fields)


def shape_insights(body: Mapping[str, Any], symbol: str) -> Fetched:
    """Outlooks, technical marks, scores, opinions, events and filings, from `/ws/insights`."""
    envelope = body.get("finance")
    answer = envelope.get("result") if isinstance(envelope, dict) else None
    if not isinstance(answer, dict):
        raise NoData
    instrument = answer.get("instrumentInfo") or {}
    snapshot = answer.get("companySnapshot") or {}
    parts: dict[str, Json] = {
        "outlooks": _outlooks(instrument.get("technicalEvents") or {}),
        "technicals": cleaned(instrument.get("keyTechnicals") or {}),
        "valuation": cleaned(instrument.get("valuation") or {}),
        "scores": cleaned(snapshot.get("company") or {}),
        "sectorScores": cleaned(snapshot.get("sector") or {}),
        "recommendation": cleaned(answer.get("recommendation") or {}),
        "bullish": cleaned((answer.get("upsell") or {}).get("msBullishSummary") or []),
        "bearish": cleaned((answer.get("upsell") or {}).get("msBearishSummary") or []),
        "events": _dated(records(answer, "events"), "endDate"),
        "reports": _dated(records(answer, "reports"), "reportDate"),
        "developments": _dated(records(answer, "sigDevs"), "date"),
        "filings": _dated(records(answer, "secReports"), "filingDate"),
    }
    held = {name: part for name, part in parts.items() if part}
    if not held:
        raise NoData
    series = ("events", "reports", "developments", "filings")
    newest = max((str(row["date"])[:10] for name in series for row in held.get(name, ())), default=None)
    fields = {f"{name}.date": Field("Date", "date") for name in series if name in held}
    for section, suffix in (("scores", ""), ("sectorScores", ", sector")):
        for name in filter(held.get(section, {}).__contains__, _SCORES):
            fields[f"{section}.{name}"] = Field(_SCORES[name] + suffix, "fraction")
    return Fetched({"symbol": symbol, **held}, symbol, newest, fields)


def shape_search(body: Mapping[str, Any], text: str) -> Fetched:
    """Series `matches`, the best first, and `news`, the oldest first, from `/v1/finance/search`."""
    matches = [
        {ours: row[theirs] for ours, theirs in _MATCH.items() if row.get(theirs) not in (None, "")}
        for row in records(body, "quotes")
        if row.get("symbol")
    ]
    news = [
        {"date": isoformat(moment(row["providerPublishTime"])), **_parts(row, ("title", "publisher", "link"))}
        for row in records(body, "news")
        if row.get("providerPublishTime")
    ]
    if not matches and not news:
        raise NoData
    news.sort(key=lambda row: str(row["date"]))
    data: dict[str, Json] = {"text": text, "matches": matches, **({"news": news} if news else {})}
    fields = {"news.date": Field("Published", "date")} if news else {}
    return Fetched(data, text, str(news[-1]["date"])[:10] if news else None, fields)


def shape_similar(body: Mapping[str, Any], symbol: str) -> Fetched:
    """Series `similar` of the companies looked at by the same people, the likest first."""
    answer = first_result(body, "finance")
    similar = [_parts(row, ("symbol", "score")) for row in records(answer, "recommendedSymbols")]
    if not similar:
        raise NoData
    fields = {"similar.score": Field("Likeness by who looks at both", "fraction")}
    return Fetched({"symbol": symbol, "similar": similar}, symbol, None, fields)


_SCORES = {
    "innovativeness": "Innovativeness",
    "hiring": "Hiring",
    "sustainability": "Sustainability",
    "insiderSentiments": "Insiders' sentiment",
    "earningsReports": "Earnings reports",
    "dividends": "Dividends",
}
_MATCH = {
    "symbol": "symbol",
    "name": "longname",
    "shortName": "shortname",
    "type": "quoteType",
    "exchange": "exchDisp",
    "sector": "sector",
    "industry": "industry",
    "score": "score",
}
"""Our name of a part of a match -> Yahoo's."""


def _contracts(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Json]]:
    """Contracts by strike, each with what it is called."""
    ordered = sorted(rows, key=lambda row: float(row["strike"]))
    return [section_of(tables.CONTRACT, [row]) for row in ordered]


def _outlooks(events: Mapping[str, Any]) -> list[dict[str, Json]]:
    """Short, intermediate and long term, where Yahoo has an opinion."""
    terms = {"short": "shortTermOutlook", "intermediate": "intermediateTermOutlook", "long": "longTermOutlook"}
    return [{"term": term, **cleaned(events[name])} for term, name in terms.items() if events.get(name)]


def _dated(rows: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Json]]:
    """Records with their ISO date first, the oldest first."""
    series = []
    for row in rows:
        if row.get(name):
            date = row[name] if isinstance(row[name], str) else day(row[name])
            others = {part: value for part, value in row.items() if part not in (name, "imageUrl", "snapshotUrl")}
            series.append({"date": date, **cleaned(others)})
    return sorted(series, key=lambda record: str(record["date"]))


def _parts(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Json]:
    return {name: row[name] for name in names if row.get(name) not in (None, "")}
