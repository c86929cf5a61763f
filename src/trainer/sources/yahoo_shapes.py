"""From Yahoo's answers to the shapes that reports are written from; no network, so recordings go through it too.

Figures stay exactly as Yahoo gives them. `{raw, fmt}` pairs become the raw figure, epochs become ISO dates, nulls and
caching noise go, series are lists of records in ascending order of `date`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from trainer.core.clock import isoformat, parse_moment
from trainer.core.values import Field, Json
from trainer.sources import yahoo_fields as tables
from trainer.sources.base import Fetched
from trainer.sources.yahoo_values import ascending, cleaned, day, moment, raw, records, time_zone


class NoData(Exception):
    """The answer is well formed and holds nothing; the adapter says of which query."""


def shape_quote(body: Mapping[str, Any]) -> Fetched:
    """A quote from `/v7/finance/quote`."""
    answer = first_result(body, "quoteResponse")
    names = identity(answer)
    units = units_of(names, answer.get("quoteType"))
    section = section_of(tables.QUOTE, [answer])
    if not section:  # a delisted symbol keeps its name and has no figure
        raise NoData
    data = {**names, **section}
    as_of = market_day_of(answer.get("regularMarketTime"), answer)
    return Fetched(data, subject_of(names), as_of, fields_of(data, {"": tables.QUOTE}, units))


def shape_summary(body: Mapping[str, Any]) -> Fetched:
    """A summary from `/v10/finance/quoteSummary`: sections by meaning, series, and other modules as they came."""
    modules = first_result(body, "quoteSummary")
    names = identity(modules.get("price") or modules.get("quoteType") or {}) | _currencies(modules)
    sections = {
        name: section
        for name, (table, sources) in tables.SECTIONS.items()
        if (section := section_of(table, [_module(modules, source) for source in sources]))
    }
    data = {**names, **sections, **_series(modules), **_others(modules)}
    if len(data) == len(names):
        raise NoData
    by_section = {name: table for name, (table, _) in tables.SECTIONS.items()} | dict(_SERIES)
    place = {**_module(modules, "price"), **_module(modules, "quoteType")}
    market_day = market_day_of(_module(modules, "price").get("regularMarketTime"), place)
    as_of = market_day or sections.get("financials", {}).get("mostRecentQuarter")
    return Fetched(data, subject_of(names), as_of, fields_of(data, by_section, units_of(names, place.get("quoteType"))))


def shape_fundamentals(body: Mapping[str, Any], symbol: str) -> Fetched:
    """Series `quarterly` and `annual` from `/ws/fundamentals-timeseries`, each row all that is known of its date."""
    rows: dict[str, dict[str, dict[str, Json]]] = {"annual": {}, "quarterly": {}}
    table = _lines()
    currency = ""
    for series in _result(body, "timeseries"):
        name = str((series.get("meta") or {}).get("type", [""])[0])
        period = next((period for period in rows if name.startswith(period)), None)
        own = own_name(name.removeprefix(period or ""))
        for point in (series.get(name) or []) if period and own in table else []:
            if point and (value := raw(point.get("reportedValue"))) is not None:
                rows[str(period)].setdefault(point["asOfDate"], {})[own] = value
                currency = currency or point.get("currencyCode") or ""
    rows = {period: _in_order(by_date, table) for period, by_date in rows.items()}
    series_rows = {period: ascending(by_date) for period, by_date in rows.items() if by_date}
    if not series_rows:
        raise NoData
    names = {"symbol": symbol} | ({"financialCurrency": currency} if currency else {})
    data = {**names, **series_rows}
    as_of = max(row["date"] for series in series_rows.values() for row in series)
    return Fetched(data, symbol, as_of, fields_of(data, dict.fromkeys(series_rows, table), units_of(names)))


def shape_chart(body: Mapping[str, Any]) -> Fetched:
    """Series `prices`, and `dividends` and `splits` where there were any, from `/v8/finance/chart`."""
    answer = first_result(body, "chart")
    meta = answer.get("meta") or {}
    names = identity(meta)
    interval = str(meta.get("dataGranularity") or "1d")
    zone = time_zone(meta.get("exchangeTimezoneName"), meta.get("gmtoffset"))
    is_intraday = interval[-1] in "mh"
    stamp: _Stamp = (lambda epoch: isoformat(moment(epoch))) if is_intraday else (lambda epoch: day(epoch, zone))
    prices = _prices(answer, stamp)
    if not prices:
        raise NoData
    data: dict[str, Json] = {**names, "interval": interval, "prices": prices, **_events(answer, stamp)}
    by_section: dict[str, tables.FieldTable] = {"prices": tables.PRICES, "dividends": {"amount": ("Dividend", "price")}}
    newest = prices[-1]["date"]
    as_of = parse_moment(newest).astimezone(zone).date().isoformat() if is_intraday else newest
    units = units_of(names, meta.get("instrumentType"))
    return Fetched(data, subject_of(names), as_of, fields_of(data, by_section, units))


def schema_fields() -> dict[str, Field]:
    """The fields of all kinds; `currency` stands where an answer names its own."""
    by_section: dict[str, tables.FieldTable] = {"": tables.QUOTE}
    by_section |= {name: table for name, (table, _) in tables.SECTIONS.items()}
    by_section |= dict(_SERIES) | {"prices": tables.PRICES}
    for period in ("annual", "quarterly"):
        by_section[period] = {**tables.RESULTS, **_lines()}
    units = units_of({"currency": "currency"})
    return dict(_NAMED) | {
        f"{section}.{name}" if section else name: Field(title, units.get(unit, unit))
        for section, table in by_section.items()
        for name, (title, unit) in table.items()
    }


def own_name(name: str) -> str:
    """Our name of a statement's line: `TotalRevenue` -> `totalRevenue`, `EBITDA` -> `ebitda`."""
    return name.lower() if name.isupper() else name[:1].lower() + name[1:]


def yahoo_name(name: str) -> str:
    """Yahoo's name of a statement's line: the reverse of `own_name`."""
    return name.upper() if name in ("ebit", "ebitda") else name[:1].upper() + name[1:]


_Stamp: TypeAlias = Callable[[Any], str]

_SERIES: Mapping[str, tables.FieldTable] = {
    "annual": tables.RESULTS,
    "quarterly": tables.RESULTS,
    "annualEstimates": tables.ESTIMATES,
    "quarterlyEstimates": tables.ESTIMATES,
    "recommendations": tables.RECOMMENDATIONS,
}

_NAMED = {
    "symbol": Field("Symbol", "text"),
    "name": Field("Name", "text"),
    "exchange": Field("Exchange", "text"),
    "currency": Field("Currency of the price", "text"),
    "financialCurrency": Field("Currency of the accounts", "text"),
    "interval": Field("Interval", "text"),
    "date": Field("Date", "date"),
    "period": Field("Period", "text"),
}

_ROW = ("date", "period")
_SHARES = ("EQUITY", "ETF", "MUTUALFUND")

_SHAPED_MODULES = frozenset(
    {
        "incomeStatementHistory",
        "incomeStatementHistoryQuarterly",
        "earningsHistory",
        "earningsTrend",
        "recommendationTrend",
        "quoteType",
        *(source.partition(".")[0] for _, sources in tables.SECTIONS.values() for source in sources),
        # Yahoo still names these and serves nothing in them that the series above do not hold.
        "balanceSheetHistory",
        "balanceSheetHistoryQuarterly",
        "cashflowStatementHistory",
        "cashflowStatementHistoryQuarterly",
        "earnings",
    }
)


def _lines() -> dict[str, tuple[str, str]]:
    return {name: meaning for statement in tables.STATEMENTS.values() for name, meaning in statement.items()}


def _in_order(rows: dict[str, dict[str, Json]], table: tables.FieldTable) -> dict[str, dict[str, Json]]:
    return {date: {name: row[name] for name in table if name in row} for date, row in rows.items()}


def _result(body: Mapping[str, Any], envelope: str) -> list[Any]:
    result = (body.get(envelope) or {}).get("result") if isinstance(body.get(envelope), dict) else None
    if not result:
        raise NoData
    return list(result)


def first_result(body: Mapping[str, Any], envelope: str) -> dict[str, Any]:
    """The first answer in an envelope; raises NoData where there is none."""
    first = _result(body, envelope)[0]
    if not isinstance(first, dict):
        raise NoData
    return first


def _module(modules: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    module: Any = modules
    for name in path.split("."):
        module = module.get(name) if isinstance(module, dict) else None
    return module if isinstance(module, dict) else {}


def identity(answer: Mapping[str, Any]) -> dict[str, Json]:
    """Symbol, name, exchange and currencies, those that an answer names."""
    names = {
        "symbol": answer.get("symbol"),
        "name": answer.get("longName") or answer.get("shortName"),
        "exchange": answer.get("fullExchangeName") or answer.get("exchangeName") or answer.get("exchange"),
        "currency": answer.get("currency"),
        "financialCurrency": answer.get("financialCurrency"),
    }
    return {name: value for name, value in names.items() if value}


def _currencies(modules: Mapping[str, Any]) -> dict[str, Json]:
    quoted = (modules.get("summaryDetail") or {}).get("currency")
    books = (modules.get("financialData") or {}).get("financialCurrency")
    books = books or (modules.get("earnings") or {}).get("financialCurrency")
    names = {"currency": (modules.get("price") or {}).get("currency") or quoted, "financialCurrency": books}
    return {name: value for name, value in names.items() if value}


def subject_of(names: Mapping[str, Json]) -> str:
    """What an answer is about."""
    return str(names.get("name") or names.get("symbol") or "")


def section_of(table: tables.FieldTable, answers: Sequence[Mapping[str, Any]]) -> dict[str, Json]:
    """What a table names, each figure from the first answer that has it."""
    section: dict[str, Json] = {}
    for name, (_, unit) in table.items():
        values = (raw(answer.get(tables.RENAMED.get(name, name))) for answer in answers)
        value = next((value for value in values if value is not None), None)
        # Yahoo writes an infinite ratio as the text "Infinity": that is no figure.
        if value is None or value == "" or (isinstance(value, str) and unit not in ("text", "")):
            continue
        section[name] = _in_unit(value, unit)
    return section


def _in_unit(value: Json, unit: str) -> Json:
    if unit == "epoch":
        return day(value)
    if unit == "moment":
        return isoformat(moment(value))
    return value


def _series(modules: Mapping[str, Any]) -> dict[str, Json]:
    series = {
        "annual": _results(modules.get("incomeStatementHistory"), None),
        "quarterly": _results(modules.get("incomeStatementHistoryQuarterly"), modules.get("earningsHistory")),
        "annualEstimates": _estimates(modules.get("earningsTrend"), "y"),
        "quarterlyEstimates": _estimates(modules.get("earningsTrend"), "q"),
        "recommendations": _recommendations(modules.get("recommendationTrend")),
    }
    return {name: rows for name, rows in series.items() if rows}


def _results(statements: Any, earnings: Any) -> list[dict[str, Json]]:
    rows: dict[str, dict[str, Json]] = {}
    for statement in records(statements, "incomeStatementHistory"):
        # Yahoo fills lines it no longer serves with a zero that has no text; a real zero has one.
        figures = {name: raw(statement.get(name)) for name in ("totalRevenue", "netIncome") if _said(statement, name)}
        rows.setdefault(_end(statement, "endDate"), {}).update(figures)
    for report in records(earnings, "history"):
        figures = {name: raw(report.get(name)) for name in ("epsActual", "epsEstimate", "surprisePercent")}
        rows.setdefault(_end(report, "quarter"), {}).update(figures)
    return ascending({date: row for date, row in rows.items() if date})


def _said(statement: Mapping[str, Any], name: str) -> bool:
    value = statement.get(name)
    return not (isinstance(value, dict) and value.get("raw") == 0 and value.get("fmt") is None)


def _end(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if isinstance(value, dict) and value.get("fmt"):
        return str(value["fmt"])
    epoch = raw(value)
    return day(epoch) if isinstance(epoch, int | float) else str(epoch or "")[:10]


def _estimates(trend: Any, period: str) -> list[dict[str, Json]]:
    rows = [_estimate(row) for row in records(trend, "trend") if str(row.get("period")).endswith(period)]
    return sorted(rows, key=lambda row: str(row["date"]))


def _estimate(trend: Mapping[str, Any]) -> dict[str, Json]:
    row: dict[str, Json] = {"date": _end(trend, "endDate")}
    for prefix, module, year_ago in (
        ("eps", "earningsEstimate", "yearAgoEps"),
        ("revenue", "revenueEstimate", "yearAgoRevenue"),
    ):
        figures = trend.get(module) or {}
        for ours, theirs in (
            ("Average", "avg"),
            ("Low", "low"),
            ("High", "high"),
            ("YearAgo", year_ago),
            ("Growth", "growth"),
            ("Analysts", "numberOfAnalysts"),
        ):
            row[prefix + ours] = raw(figures.get(theirs))
    return {name: value for name, value in row.items() if value is not None}


def _recommendations(trend: Any) -> list[dict[str, Json]]:
    rows = [
        {name: row.get(name) for name in ("period", *tables.RECOMMENDATIONS) if row.get(name) is not None}
        for row in records(trend, "trend")
    ]
    return list(reversed(rows))


def _others(modules: Mapping[str, Any]) -> dict[str, Json]:
    others = {name: cleaned(module) for name, module in modules.items() if name not in _SHAPED_MODULES}
    return {name: module for name, module in others.items() if module not in (None, {}, [])}


def _prices(answer: Mapping[str, Any], stamp: _Stamp) -> list[dict[str, Json]]:
    stamps = answer.get("timestamp") or []
    indicators = answer.get("indicators") or {}
    columns = dict((indicators.get("quote") or [{}])[0])
    adjusted = (indicators.get("adjclose") or [{}])[0].get("adjclose")
    columns |= {"adjClose": adjusted} if adjusted else {}
    rows: dict[str, dict[str, Json]] = {}
    for index, epoch in enumerate(stamps):
        row = {name: columns[name][index] for name in tables.PRICES if len(columns.get(name) or []) > index}
        if row.get("close") is not None:
            rows[stamp(epoch)] = row
    return ascending(rows)


def _events(answer: Mapping[str, Any], stamp: _Stamp) -> dict[str, Json]:
    events = answer.get("events") or {}
    dividends = {
        stamp(event["date"]): {"amount": event["amount"]} for event in (events.get("dividends") or {}).values()
    }
    splits = {stamp(event["date"]): {"ratio": event["splitRatio"]} for event in (events.get("splits") or {}).values()}
    series = {"dividends": ascending(dividends), "splits": ascending(splits)}
    return {name: rows for name, rows in series.items() if rows}


def fields_of(
    data: Mapping[str, Json], by_section: Mapping[str, tables.FieldTable], units: Mapping[str, str]
) -> dict[str, Field]:
    """The fields of these sections that the data really holds."""
    fields = {name: _NAMED[name] for name in data if name in _NAMED}
    for section, table in by_section.items():
        held = data if not section else data.get(section)
        names = {name for row in held for name in row} if isinstance(held, list) else set(held or {})
        for name in filter(names.__contains__, [*(_ROW if section else ()), *table]):
            title, unit = table.get(name) or (_NAMED[name].title, _NAMED[name].unit)
            fields[f"{section}.{name}" if section else name] = Field(title, units.get(unit, unit))
    return fields


def units_of(names: Mapping[str, Json], quote_type: Any = None) -> dict[str, str]:
    """Yahoo's kinds of unit -> the unit; only shares and funds are priced by the share, and an index in nothing."""
    by_share = quote_type in (None, "", *_SHARES)
    quoted = str(names.get("currency") or "")
    books = str(names.get("financialCurrency") or quoted)
    quoted = quoted or books
    return {
        "quote": tables.SUBUNITS.get(quoted, quoted),
        "price": "" if quote_type == "INDEX" else f"{quoted}/share" if quoted and by_share else quoted,
        "shares": "shares" if by_share else "",
        "books": books,
        "eps": f"{books}/share" if books else "",
        "epoch": "date",
        "moment": "date",
    }


def market_day_of(epoch: Any, place: Mapping[str, Any]) -> str | None:
    """The day of a price where its exchange is."""
    name = place.get("exchangeTimezoneName") or place.get("timeZoneFullName")
    milliseconds = place.get("gmtOffSetMilliseconds")
    zone = time_zone(name, milliseconds / 1000 if isinstance(milliseconds, int | float) else None)
    return day(epoch, zone) if epoch else None
