"""The source `yahoo_finance`: quotes, summaries, statements and prices of listed companies.

Yahoo's service is unofficial and free of charge; it wants a cookie and a crumb, and refuses those who hurry.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from trainer.core.errors import Problem, SourceError, UsageError
from trainer.core.values import Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.http_client import HTTPClient, Response
from trainer.sources.network import literal_hosts
from trainer.sources.query import QueryField, QueryFields, raise_problems
from trainer.sources.yahoo_fields import MODULES, STATEMENTS
from trainer.sources.yahoo_research import shape_insights, shape_options, shape_search, shape_similar
from trainer.sources.yahoo_shapes import (
    NoData,
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
    QueryField(
        "ticker",
        True,
        description="The company's symbol at Yahoo Finance: ABBV, BRK-B, BMW.DE",
        example="ABBV",
        except_kind="search",
        pattern=r"[A-Z0-9.^=&-]{1,24}",
        upper=True,
    ),
    QueryField(
        "kind",
        description="What to fetch",
        default="quote",
        choices=("quote", "summary", "fundamentals", "chart", "options", "insights", "search", "similar"),
        example="quote",
    ),
    QueryField("text", True, kind="search", description="A company's name, or part of one", example="abbvie"),
    QueryField(
        "expiration", type="date", kind="options", description="Which day; the next without", example="2025-03-21"
    ),
    QueryField("modules", type="list", kind="summary", description="Yahoo's modules", example="price,financialData"),
    QueryField(
        "period",
        kind="fundamentals",
        description="Which periods",
        default="all",
        choices=("quarterly", "annual", "all"),
        example="quarterly",
    ),
    QueryField(
        "statement",
        kind="fundamentals",
        description="Which statement",
        default="all",
        choices=(*STATEMENTS, "all"),
        example="financials",
    ),
    QueryField(
        "range",
        kind="chart",
        description="How far back; 1y where there is no start",
        choices=("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"),
        example="1y",
    ),
    QueryField("start", type="date", kind="chart", description="First day, instead of a range", example="2024-01-02"),
    QueryField("end", type="date", kind="chart", description="The day after the last", example="2025-01-01"),
    QueryField(
        "interval",
        kind="chart",
        description="A row for each",
        default="1d",
        choices=("1m", "2m", "5m", "15m", "30m", "60m", "90m", "1h", "1d", "5d", "1wk", "1mo", "3mo"),
        example="1d",
    ),
)


class YahooFinanceRetriever(DataRetriever):
    """Speaks to Yahoo Finance, or to any server that answers as it does (`base_url`)."""

    name = "yahoo_finance"

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
        base_url: str = _SITE,
        cookie_url: str = "",
        user_agent: str = _BROWSER,
        per_second: float = 8.0,
        timeout: float = 20.0,
        retries: int = 3,
        backoff: float = 0.5,
        proxy: str = "",
        ca_file: str = "",
        client_certificate: str = "",
        private_hosts: Sequence[str] = (),
    ) -> None:
        super().__init__(data_store=data_store, context=context, ttl=ttl)
        self._base = _checked_url(base_url.rstrip("/"), "base_url")
        own_cookies = _COOKIE_SITE if self._base == _SITE else f"{self._base}/"
        self._cookie_url = _checked_url(cookie_url or own_cookies, "cookie_url")
        self._http = HTTPClient(
            "Yahoo Finance",
            self.context,
            address=self._base,
            user_agent=user_agent,
            per_second=per_second,
            timeout=timeout,
            retries=retries,
            backoff=backoff,
            proxy=proxy,
            ca_file=ca_file,
            client_certificate=client_certificate,
            private_hosts=[*private_hosts, *literal_hosts(self._cookie_url)],
            cached=False,  # its addresses hold a crumb, and its answers no ETag
        )
        self._lock = threading.Lock()
        self._crumb = ""

    def get_schema(self) -> Schema:
        """Ticker and kind, and the fields of every kind."""
        return Schema(self.name, "Yahoo Finance: listed companies, unofficial", _QUERY, schema_fields())

    def check(self, query: QueryFields) -> dict[str, Json]:
        """The query with its defaults; a chart has a range or a start."""
        checked = super().check(query)
        problems = []
        if "range" in checked and "start" in checked:
            problems.append(Problem("a chart takes a range or a start, not both"))
        if "end" in checked and "start" not in checked:
            problems.append(Problem('the query field "end" needs a "start"'))
        raise_problems(problems)
        if checked.get("range") == "1y":
            del checked["range"]  # the default, so that one question has one key
        return checked

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """One normalised answer, series in ascending order of date, figures exactly as given."""
        path, parameters = _request(query, self.context.clock())
        if query["kind"] in ("quote", "summary", "options"):
            response = self._get_with_crumb(path, parameters)
        else:
            response = self._http.get(self._url(path, parameters))
        shaped = _shape(query, _body(response, query))
        return replace(shaped, metadata={"url": self._url(path, parameters)})

    def health(self) -> Health:
        """Whether Yahoo gives out a crumb."""
        try:
            with self._lock:
                self._crumb = self._fetch_crumb(retries=0)
        except SourceError as error:
            return Health(False, error.message)
        return Health(True, f"{self._base} answers")

    def _get_with_crumb(self, path: str, parameters: Mapping[str, str]) -> Response:
        """The answer to a request that needs a crumb; a stale one is replaced once."""
        crumb = self._current_crumb(stale="")
        response = self._http.get(self._url(path, {**parameters, "crumb": crumb}), secrets=[crumb])
        if response.status != 401:
            return response
        crumb = self._current_crumb(stale=crumb)
        return self._http.get(self._url(path, {**parameters, "crumb": crumb}), secrets=[crumb])

    def _current_crumb(self, *, stale: str) -> str:
        """The crumb all threads use; fetched by one of them where there is none, or none but the stale one."""
        with self._lock:
            if self._crumb == stale:
                self._crumb = self._fetch_crumb()
            return self._crumb

    def _fetch_crumb(self, retries: int | None = None) -> str:
        self._http.cookies.clear()
        self._http.get(self._cookie_url, retries=retries)
        response = self._http.get(f"{self._base}/v1/test/getcrumb", retries=retries)
        crumb = response.body.decode("utf-8", "replace").strip()
        if response.status != 200 or not re.fullmatch(r"[^\s<>{}]{1,64}", crumb):
            hint = "it may ask for consent in your region, or be blocking this address; try later or another network"
            raise SourceError(f"Yahoo Finance gave no crumb (status {response.status})", hint=hint)
        return crumb

    def _url(self, path: str, parameters: Mapping[str, str]) -> str:
        return f"{self._base}{path}" + (f"?{urlencode(parameters)}" if parameters else "")


def _request(query: Mapping[str, Json], now: datetime) -> tuple[str, dict[str, str]]:
    """Path and parameters of a query."""
    symbol = quote(str(query.get("ticker", "")), safe="")
    kind = query["kind"]
    if kind in _RESEARCH:
        path, parameters = _RESEARCH[kind](symbol, query)
        return path, {name: value for name, value in parameters.items() if value}
    if kind == "quote":
        return "/v7/finance/quote", {"symbols": str(query["ticker"])}
    if kind == "summary":
        modules = ",".join(sorted(query.get("modules") or MODULES))
        return f"/v10/finance/quoteSummary/{symbol}", {"formatted": "false", "modules": modules}
    if kind == "chart":
        return f"/v8/finance/chart/{symbol}", _chart_parameters(query, now)
    end = str(int(now.timestamp()))
    parameters = {"period1": "0", "period2": end, "type": ",".join(_types(query))}
    return f"/ws/fundamentals-timeseries/v1/finance/timeseries/{symbol}", parameters


_RESEARCH: Mapping[str, Callable[[str, Mapping[str, Json]], tuple[str, dict[str, str]]]] = {
    "options": lambda symbol, query: (
        f"/v7/finance/options/{symbol}",
        {"formatted": "false", "date": str(_epoch(str(query["expiration"]))) if "expiration" in query else ""},
    ),
    "insights": lambda _, query: ("/ws/insights/v2/finance/insights", {"symbol": str(query["ticker"])}),
    "search": lambda _, query: (
        "/v1/finance/search",
        {"q": str(query["text"]), "quotesCount": "10", "newsCount": "10"},
    ),
    "similar": lambda symbol, _: (f"/v6/finance/recommendationsbysymbol/{symbol}", {}),
}
"""Kind -> path and parameters, for a symbol and a query."""


def _types(query: Mapping[str, Json]) -> list[str]:
    period, statement = str(query["period"]), str(query["statement"])
    periods = ("annual", "quarterly") if period == "all" else (period,)
    tables = STATEMENTS.values() if statement == "all" else [STATEMENTS[statement]]
    return [period + yahoo_name(name) for period in periods for table in tables for name in table]


def _chart_parameters(query: Mapping[str, Json], now: datetime) -> dict[str, str]:
    common = {"interval": str(query.get("interval") or "1d"), "events": "div,split", "includePrePost": "false"}
    if "start" not in query:
        return {"range": str(query.get("range") or "1y"), **common}
    start = _epoch(str(query["start"]))
    end = _epoch(str(query["end"])) if "end" in query else int(now.timestamp())
    return {"period1": str(start), "period2": str(end), **common}


def _epoch(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def _body(response: Response, query: Mapping[str, Json]) -> dict[str, Any]:
    """The JSON of an answer; raises SourceError for everything else."""
    what = _what(query)
    if response.status in (401, 403) or (response.is_html and response.status != 404):
        page = " with a page for people" if response.is_html else ""
        hint = (
            "this address may have asked too often: wait some minutes, or answer from recorded files (provider: file)"
        )
        raise SourceError(f"Yahoo Finance refused the {what}: {response.status}{page}", hint=hint)
    try:
        body = response.json()
    except SourceError:
        body = None
    if isinstance(body, dict) and response.status == 200:
        return body
    if response.status in (400, 404, 422):
        raise _nothing(query, _error_text(body))
    raise SourceError(f"Yahoo Finance answered {response.status} for the {what}, and no data that can be read")


def _shape(query: Mapping[str, Json], body: dict[str, Any]) -> Fetched:
    try:
        return _SHAPES[str(query["kind"])](body, str(query.get("ticker") or query.get("text")))
    except NoData as nothing:
        raise _nothing(query, _error_text(body) or str(nothing)) from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        what = _what(query)
        message = f"Yahoo Finance answered in a shape that is not known for the {what}: {error}"
        raise SourceError(message, hint="please report it with the symbol and the kind") from error


def _what(query: Mapping[str, Json]) -> str:
    return f"{query['kind']} of {query.get('ticker') or query.get('text')}"


_SHAPES: Mapping[str, Callable[[dict[str, Any], str], Fetched]] = {
    "quote": lambda body, _: shape_quote(body),
    "summary": lambda body, _: shape_summary(body),
    "fundamentals": shape_fundamentals,
    "chart": lambda body, _: shape_chart(body),
    "options": lambda body, _: shape_options(body),
    "insights": shape_insights,
    "search": shape_search,
    "similar": shape_similar,
}
"""Kind -> from an answer, and what was asked, to the data."""


def _nothing(query: Mapping[str, Json], reason: str) -> SourceError:
    message = f"Yahoo Finance has no {_what(query).replace(' of ', ' for ', 1)}" + (f": {reason}" if reason else "")
    return SourceError(message, hint="check the symbol on finance.yahoo.com; share classes are written BRK-B")


def _error_text(body: Any) -> str:
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
