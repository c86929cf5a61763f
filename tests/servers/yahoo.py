"""A loopback Yahoo Finance: figures in its shapes, the cookie and crumb dance, and every way to misbehave.

The figures are facts that Yahoo once served, under its own names; envelopes, `{raw, fmt}` pairs, epochs, nulls and
caching noise are put on here.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

CRUMB = "Zx9.recorded"
COOKIE = "A3=d=AQABBIz&S=AQAAAq"


@dataclass
class Fault:
    """How one data request goes wrong."""

    status: int = 500
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "status"
    """`status`, `cut`, `slow`, `trickle`, `close` or `bad_gzip`."""


FIGURES = json.loads((Path(__file__).parent / "figures" / "yahoo.json").read_text(encoding="utf-8"))
_PAIRED = frozenset(
    {
        "incomeStatementHistory",
        "incomeStatementHistoryQuarterly",
        "earningsHistory",
        "earningsTrend",
        "institutionOwnership",
    }
)
"""Modules whose figures come with their text."""


def quote_body(symbol: str) -> dict:
    """The body of `/v7/finance/quote`; empty where the symbol is not known."""
    quote = FIGURES.get(f"quote {symbol}")
    result = [{"language": "en-US", "region": "US", "triggerable": True, "priceHint": 2, **quote}] if quote else []
    return {"quoteResponse": {"result": result, "error": None}}


def summary_body(symbol: str, modules: Iterable[str] | None = None) -> dict:
    """The body of `/v10/finance/quoteSummary`, of these modules or all there are."""
    held = FIGURES[f"summary {symbol}"]
    result = {
        name: {"maxAge": 1, **(paired(held[name]) if name in _PAIRED else held[name])}
        for name in (modules or held)
        if name in held
    }
    return {"quoteSummary": {"result": [result], "error": None}}


def fundamentals_body(symbol: str, types: Iterable[str] | None = None) -> dict:
    """The body of `/ws/fundamentals-timeseries`: a series for each type, without points where there is no figure."""
    held = FIGURES.get(f"fundamentals {symbol}", {"currencyCode": "USD"})
    series = []
    for name in types or [name for name in held if name != "currencyCode"]:
        points = [
            {"asOfDate": day, "periodType": "12M", "currencyCode": held["currencyCode"], "reportedValue": pair(value)}
            for day, value in held.get(name, {}).items()
        ]
        meta = {"symbol": [symbol], "type": [name]}
        series.append(
            {"meta": meta, "timestamp": [0] * len(points), name: [None, *points]} if points else {"meta": meta}
        )
    return {"timeseries": {"result": series, "error": None}}


def chart_body(symbol: str) -> dict:
    """The body of `/v8/finance/chart`."""
    held = FIGURES[f"chart {symbol}"]
    indicators = {"quote": [held["quote"]], "adjclose": [{"adjclose": held["adjclose"]}]}
    answer = {"meta": held["meta"], "timestamp": held["timestamp"], "indicators": indicators, "events": held["events"]}
    return {"chart": {"result": [answer], "error": None}}


def paired(value: object) -> object:
    """Figures with their texts, as Yahoo gives them in statements: null is a zero that it does not mean."""
    if isinstance(value, list):
        return [paired(item) for item in value]
    if isinstance(value, dict):
        return {name: item if name in ("period", "organization") else paired(item) for name, item in value.items()}
    return pair(value)


def pair(value: object) -> object:
    if value is None:
        return {"raw": 0, "fmt": None, "longFmt": "0"}
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError:
            return value
        return {"raw": int(moment.timestamp()), "fmt": value}
    return {"raw": value, "fmt": f"{value:.2f}", "longFmt": f"{value:,}"}


@dataclass
class YahooServer:
    """Used as a context manager."""

    gzip: bool = False
    answers: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    """Path -> what to answer instead."""
    faults: list[Fault] = field(default_factory=list)
    """The next data requests go wrong in this way, one each."""
    crumb: str = CRUMB
    gives_crumb: bool = True
    slow_symbols: set[str] = field(default_factory=set)
    """Quotes of these do not come before the server ends."""
    answered: int = 0
    """Quotes that were sent."""
    requests: list[str] = field(default_factory=list)
    """Every path asked for, with its query."""
    agents: set[str] = field(default_factory=set)

    def __enter__(self) -> YahooServer:
        handler = type("Handler", (_Handler,), {"yahoo": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.released = threading.Event()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, start: str) -> int:
        """How many requests began with this path."""
        return sum(request.startswith(start) for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    yahoo: YahooServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        yahoo, url = self.yahoo, urlsplit(self.path)
        yahoo.requests.append(self.path)
        yahoo.agents.add(self.headers["User-Agent"])
        parameters = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/":
            return self._send(404, b"", {"Set-Cookie": f"{COOKIE}; Path=/"})
        if url.path == "/v1/test/getcrumb":
            allowed = yahoo.gives_crumb and COOKIE in (self.headers["Cookie"] or "")
            return self._send(200, yahoo.crumb.encode(), {}) if allowed else self._send(401, b"Invalid Cookie", {})
        if yahoo.faults:
            return self._misbehave(yahoo.faults.pop(0))
        if url.path in yahoo.answers:
            return self._send(*yahoo.answers[url.path])
        return self._data(url.path, parameters)

    def _data(self, path: str, parameters: dict[str, str]) -> None:
        if path.startswith(("/v7/finance/quote", "/v10/")) and parameters.get("crumb") != self.yahoo.crumb:
            said = {"finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}
            return self._json(401, said)
        symbol = parameters.get("symbols") or path.rpartition("/")[2]
        if path == "/v7/finance/quote":
            if symbol in self.yahoo.slow_symbols:
                self.yahoo.released.wait(60)
            self._json(200, quote_body(symbol))
            self.yahoo.answered += 1
            return None
        if path.startswith("/v10/finance/quoteSummary/"):
            return self._summary(symbol, parameters["modules"].split(","))
        if path.startswith("/ws/fundamentals-timeseries/"):
            return self._fundamentals(symbol, parameters["type"].split(","))
        if path.startswith("/v8/finance/chart/"):
            return self._chart(symbol)
        return self._json(404, {"finance": {"result": None, "error": {"code": "Not Found", "description": path}}})

    def _summary(self, symbol: str, modules: list[str]) -> None:
        if f"summary {symbol}" in FIGURES:
            return self._json(200, summary_body(symbol, modules))
        error = {"code": "Not Found", "description": f"Quote not found for symbol: {symbol}"}
        return self._json(404, {"quoteSummary": {"result": None, "error": error}})

    def _fundamentals(self, symbol: str, types: list[str]) -> None:
        self._json(200, fundamentals_body(symbol, types))

    def _chart(self, symbol: str) -> None:
        if f"chart {symbol}" in FIGURES:
            return self._json(200, chart_body(symbol))
        error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return self._json(404, {"chart": {"result": None, "error": error}})

    def _json(self, status: int, body: dict) -> None:
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        if self.yahoo.gzip and body:
            body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _misbehave(self, fault: Fault) -> None:
        if fault.kind == "status":
            return self._send(fault.status, fault.body, fault.headers)
        if fault.kind == "slow":
            self.yahoo.released.wait(10)
            self.close_connection = True
            return None
        if fault.kind == "close":
            self.close_connection = True
            return None
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.close_connection = True
        if fault.kind == "bad_gzip":
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(b"\x1f\x8b\x08\x00 not gzip at all")
            return None
        if fault.kind == "cut_gzip":
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(b'{"quoteResponse": {}}' * 50)[:-12])
            return None
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"quoteResponse": ')
        with contextlib.suppress(OSError):
            self._trickle(fault)
        return None

    def _trickle(self, fault: Fault) -> None:
        while fault.kind == "trickle" and not self.yahoo.released.is_set():
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.02)
