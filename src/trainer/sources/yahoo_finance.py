"""The source `yahoo_finance`: quotes, summaries, statements and prices of listed companies.

Yahoo's service is unofficial and free of charge; it wants a cookie and a crumb, and refuses those who hurry.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from trainer.core.clock import Clock, isoformat
from trainer.core.errors import Problem, SourceError, UsageError
from trainer.core.values import Json, RetrievalResult
from trainer.sources.base import (
    Health,
    Query,
    QueryField,
    Schema,
    Sink,
    check_query,
    fields_as_metadata,
    keep,
    storage_key,
)
from trainer.sources.web import Answer, Pace, Session
from trainer.sources.yahoo_fields import MODULES, STATEMENTS
from trainer.sources.yahoo_shapes import (
    NoData,
    Shaped,
    schema_fields,
    shape_chart,
    shape_fundamentals,
    shape_quote,
    shape_summary,
    yahoo_name,
)

_SITE = "https://query2.finance.yahoo.com"
_COOKIE_SITE = "https://fc.yahoo.com/"
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"

_QUERY = (
    QueryField("ticker", True, description="The company's symbol at Yahoo Finance", example="ABBV"),
    QueryField(
        "kind",
        description="What to fetch",
        default="quote",
        choices=("quote", "summary", "fundamentals", "chart"),
        example="quote",
    ),
    QueryField("modules", type="list", description="summary: Yahoo's modules", example="price,financialData"),
    QueryField(
        "period",
        description="fundamentals: which periods",
        choices=("quarterly", "annual", "all"),
        example="quarterly",
    ),
    QueryField(
        "statement",
        description="fundamentals: which statement",
        choices=(*STATEMENTS, "all"),
        example="financials",
    ),
    QueryField(
        "range",
        description="chart: how far back",
        choices=("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"),
        example="1y",
    ),
    QueryField("start", type="date", description="chart: first day, instead of a range", example="2024-01-02"),
    QueryField("end", type="date", description="chart: the day after the last", example="2025-01-01"),
    QueryField(
        "interval",
        description="chart: a row for each",
        choices=("1m", "2m", "5m", "15m", "30m", "60m", "90m", "1h", "1d", "5d", "1wk", "1mo", "3mo"),
        example="1d",
    ),
)
_ONLY = {
    "modules": "summary",
    "period": "fundamentals",
    "statement": "fundamentals",
    "range": "chart",
    "start": "chart",
    "end": "chart",
    "interval": "chart",
}
"""Query field -> the kind it is for."""
_DEFAULTS = {"period": "all", "statement": "all", "range": "1y", "interval": "1d"}


class YahooFinanceRetriever:
    """Speaks to Yahoo Finance, or to any server that answers as it does (`base_url`)."""

    name = "yahoo_finance"
    local = False

    def __init__(
        self,
        *,
        clock: Clock,
        data_store: Sink | None = None,
        base_url: str = _SITE,
        cookie_url: str = "",
        user_agent: str = _BROWSER,
        per_second: float = 8.0,
        timeout: float = 20.0,
        retries: int = 3,
        backoff: float = 0.5,
        ttl: int | None = None,
    ) -> None:
        self._base = _checked_url(base_url.rstrip("/"), "base_url")
        own_cookies = _COOKIE_SITE if self._base == _SITE else f"{self._base}/"
        self._cookie_url = _checked_url(cookie_url or own_cookies, "cookie_url")
        self._clock = clock
        self._data_store = data_store
        self._ttl = ttl
        self._web = Session("Yahoo Finance", clock, user_agent, timeout, retries, backoff, pace=Pace(per_second))
        self._lock = threading.Lock()
        self._crumb = ""

    def get_schema(self) -> Schema:
        """Ticker and kind, and the fields of every kind."""
        return Schema(self.name, "Yahoo Finance: listed companies, unofficial", _QUERY, schema_fields())

    def key(self, query: Query) -> str:
        """The storage key of the answer to `query`: what it leaves out and what it says by default are one."""
        checked = _checked(query)
        return storage_key(self.name, {name: value for name, value in checked.items() if _DEFAULTS.get(name) != value})

    def retrieve(self, query: Query, store: bool = True) -> RetrievalResult:
        """One normalised answer, series in ascending order of date, figures exactly as given."""
        checked = _checked(query)
        path, parameters = _request(checked, self._clock())
        needs_crumb = checked["kind"] in ("quote", "summary")
        answer = self._get(path, parameters) if needs_crumb else self._web.get(self._url(path, parameters))
        shaped = _shape(checked, _body(answer, checked))
        now = self._clock()
        metadata: dict[str, Json] = {
            "retrieved_at": isoformat(now),
            "subject": shaped.subject,
            "as_of": shaped.as_of,
            "url": self._url(path, parameters),
            "query": dict(query),
            "fields": fields_as_metadata(shaped.fields),
        }
        result = RetrievalResult(shaped.data, self.name, now, metadata)
        return keep(result, self.key(query), self._data_store if store else None, ttl=self._ttl)

    def health(self) -> Health:
        """Whether Yahoo gives out a crumb."""
        try:
            with self._lock:
                self._crumb = self._fetch_crumb(retries=0)
        except SourceError as error:
            return Health(False, error.message)
        return Health(True, f"{self._base} answers")

    def _get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """The answer to a request that needs a crumb; a stale one is replaced once."""
        crumb = self._current_crumb(stale="")
        answer = self._web.get(self._url(path, {**parameters, "crumb": crumb}))
        if answer.status != 401:
            return answer
        crumb = self._current_crumb(stale=crumb)
        return self._web.get(self._url(path, {**parameters, "crumb": crumb}))

    def _current_crumb(self, *, stale: str) -> str:
        """The crumb all threads use; fetched by one of them where there is none, or none but the stale one."""
        with self._lock:
            if self._crumb == stale:
                self._crumb = self._fetch_crumb()
            return self._crumb

    def _fetch_crumb(self, retries: int | None = None) -> str:
        self._web.cookies.clear()
        self._web.get(self._cookie_url, retries=retries)
        answer = self._web.get(f"{self._base}/v1/test/getcrumb", retries=retries)
        crumb = answer.body.decode("utf-8", "replace").strip()
        if answer.status != 200 or not re.fullmatch(r"[^\s<>{}]{1,64}", crumb):
            hint = "it may ask for consent in your region, or be blocking this address; try later or another network"
            raise SourceError(f"Yahoo Finance gave no crumb (status {answer.status})", hint=hint)
        return crumb

    def _url(self, path: str, parameters: Mapping[str, str]) -> str:
        return f"{self._base}{path}" + (f"?{urlencode(parameters)}" if parameters else "")


def _checked(query: Query) -> dict[str, Json]:
    """The query with its defaults; raises UsageError for what does not fit its kind too."""
    checked = check_query(query, Schema("yahoo_finance", query=_QUERY))
    checked["ticker"] = str(checked["ticker"]).upper()
    kind = str(checked["kind"])
    problems = [
        Problem(f'the query field "{name}" is for kind {_ONLY[name]}, not {kind}')
        for name in sorted(checked)
        if _ONLY.get(name, kind) != kind
    ]
    if not re.fullmatch(r"[A-Z0-9.^=&-]{1,24}", checked["ticker"]):
        problems.append(Problem(f'"{checked["ticker"]}" is not a symbol', hint="symbols look like ABBV, BRK-B, BMW.DE"))
    if "range" in checked and "start" in checked:
        problems.append(Problem("a chart takes a range or a start, not both"))
    if "end" in checked and "start" not in checked:
        problems.append(Problem('the query field "end" needs a "start"'))
    if problems:
        raise UsageError(problems[0].message, hint=problems[0].hint, problems=problems)
    return checked


def _request(checked: Mapping[str, Json], now: datetime) -> tuple[str, dict[str, str]]:
    """Path and parameters of a query."""
    symbol = quote(str(checked["ticker"]), safe="")
    kind = checked["kind"]
    if kind == "quote":
        return "/v7/finance/quote", {"symbols": str(checked["ticker"])}
    if kind == "summary":
        modules = ",".join(sorted(checked.get("modules") or MODULES))
        return f"/v10/finance/quoteSummary/{symbol}", {"formatted": "false", "modules": modules}
    if kind == "chart":
        return f"/v8/finance/chart/{symbol}", _chart_parameters(checked, now)
    end = str(int(now.timestamp()))
    parameters = {"period1": "0", "period2": end, "type": ",".join(_types(checked))}
    return f"/ws/fundamentals-timeseries/v1/finance/timeseries/{symbol}", parameters


def _types(checked: Mapping[str, Json]) -> list[str]:
    asked, statement = checked.get("period") or "all", checked.get("statement") or "all"
    periods = ("annual", "quarterly") if asked == "all" else (str(asked),)
    tables = STATEMENTS.values() if statement == "all" else [STATEMENTS[str(statement)]]
    return [period + yahoo_name(name) for period in periods for table in tables for name in table]


def _chart_parameters(checked: Mapping[str, Json], now: datetime) -> dict[str, str]:
    common = {"interval": str(checked.get("interval") or "1d"), "events": "div,split", "includePrePost": "false"}
    if "start" not in checked:
        return {"range": str(checked.get("range") or "1y"), **common}
    start = _epoch(str(checked["start"]))
    end = _epoch(str(checked["end"])) if "end" in checked else int(now.timestamp())
    return {"period1": str(start), "period2": str(end), **common}


def _epoch(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def _body(answer: Answer, checked: Mapping[str, Json]) -> dict[str, Any]:
    """The JSON of an answer; raises SourceError for everything else."""
    what = f"{checked['kind']} of {checked['ticker']}"
    if answer.status in (401, 403) or (answer.is_html and answer.status != 404):
        page = " with a page for people" if answer.is_html else ""
        hint = (
            "this address may have asked too often: wait some minutes, or answer from recorded files (provider: file)"
        )
        raise SourceError(f"Yahoo Finance refused the {what}: {answer.status}{page}", hint=hint)
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if isinstance(body, dict) and answer.status == 200:
        return body
    if answer.status in (400, 404, 422):
        raise _nothing(checked, _said(body))
    raise SourceError(f"Yahoo Finance answered {answer.status} for the {what}, and no data that can be read")


def _shape(checked: Mapping[str, Json], body: dict[str, Any]) -> Shaped:
    try:
        if checked["kind"] == "fundamentals":
            return shape_fundamentals(body, str(checked["ticker"]))
        return {"quote": shape_quote, "summary": shape_summary, "chart": shape_chart}[str(checked["kind"])](body)
    except NoData:
        raise _nothing(checked, _said(body)) from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        what = f"{checked['kind']} of {checked['ticker']}"
        message = f"Yahoo Finance answered in a shape that is not known for the {what}: {error}"
        raise SourceError(message, hint="please report it with the symbol and the kind") from error


def _nothing(checked: Mapping[str, Json], said: str) -> SourceError:
    message = f"Yahoo Finance has no {checked['kind']} for {checked['ticker']}" + (f": {said}" if said else "")
    return SourceError(message, hint="check the symbol on finance.yahoo.com; share classes are written BRK-B")


def _said(body: Any) -> str:
    """What the envelope says is wrong, if it does."""
    for envelope in body.values() if isinstance(body, dict) else ():
        error = envelope.get("error") if isinstance(envelope, dict) else None
        if isinstance(error, dict):
            return str(error.get("description") or error.get("code") or "")
    return ""


def _checked_url(url: str, option: str) -> str:
    if not re.match(r"https?://[^/\s]+", url):
        raise UsageError(f'{option} of source yahoo_finance is not a URL: "{url}"', hint="begin it with https://")
    return url
