"""A loopback Yahoo Finance: recorded answers by path, the cookie and crumb dance, and every way to misbehave."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
from dataclasses import dataclass, field
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


@dataclass
class YahooServer:
    """Serves `recordings`, a folder of `{path, status, body}` files; used as a context manager."""

    recordings: Path
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

    def recorded(self, name: str) -> dict | None:
        path = self.recordings / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8"))["body"] if path.exists() else None


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
            empty = {"quoteResponse": {"result": [], "error": None}}
            if symbol in self.yahoo.slow_symbols:
                self.yahoo.released.wait(60)
            self._json(200, self.yahoo.recorded(f"quote-{symbol}") or empty)
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
        body = self.yahoo.recorded(f"quoteSummary-all-{symbol}")
        if body is None:
            said = {"code": "Not Found", "description": f"Quote not found for symbol: {symbol}"}
            return self._json(404, {"quoteSummary": {"result": None, "error": said}})
        held = body["quoteSummary"]["result"][0]
        chosen = {name: held[name] for name in modules if name in held}
        return self._json(200, {"quoteSummary": {"result": [chosen], "error": None}})

    def _fundamentals(self, symbol: str, types: list[str]) -> None:
        series = []
        for path in sorted(self.yahoo.recordings.glob(f"fundamentalsTimeSeries-{symbol}-*.json")):
            recorded = self.yahoo.recorded(path.stem)
            series += [each for each in recorded["timeseries"]["result"] if each["meta"]["type"][0] in types]
        if not series:
            series = [{"meta": {"symbol": [symbol], "type": [name]}} for name in types]
        return self._json(200, {"timeseries": {"result": series, "error": None}})

    def _chart(self, symbol: str) -> None:
        names = sorted(path.stem for path in self.yahoo.recordings.glob(f"chart-{symbol}-2020-*.json"))
        if names:
            return self._json(200, self.yahoo.recorded(names[-1]))
        said = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return self._json(404, {"chart": {"result": None, "error": said}})

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
