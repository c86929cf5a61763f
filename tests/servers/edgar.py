"""A loopback EDGAR: reported figures in its shapes, a contact it asks for, and an HTML 403 over the rate limit."""

from __future__ import annotations

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REFUSED = b"<!DOCTYPE html><html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head></html>"


FIGURES = json.loads((Path(__file__).parent / "figures" / "edgar.json").read_text(encoding="utf-8"))


def companies_body() -> dict:
    """The body of `/files/company_tickers.json`."""
    rows = enumerate(FIGURES["companies"])
    return {str(number): {"cik_str": cik, "ticker": ticker, "title": title} for number, (cik, ticker, title) in rows}


def facts_body(name: str) -> dict | None:
    """The body of `/api/xbrl/companyfacts/{name}.json`."""
    held = FIGURES.get(f"facts {name}")
    if held is None:
        return None
    names = ("start", "end", "val", "accn", "form", "filed")
    concepts = {
        tag: {
            "label": tag,
            "description": None,
            "units": {
                unit: [{key: value for key, value in zip(names, row, strict=True) if value is not None} for row in rows]
                for unit, rows in units.items()
            },
        }
        for tag, units in held["us-gaap"].items()
    }
    return {"cik": held["cik"], "entityName": held["entityName"], "facts": {"dei": {}, "us-gaap": concepts}}


def submissions_body(name: str) -> dict | None:
    """The body of `/submissions/{name}.json`."""
    held = FIGURES.get(f"submissions {name}")
    if held is None:
        return None
    company = {key: value for key, value in held.items() if key not in ("recent", "files")}
    return {**company, "filings": {"recent": held["recent"], "files": held["files"]}}


class EdgarServer:
    """Used as a context manager."""

    def __init__(self, *, most_per_second: int = 1000) -> None:
        self.most_per_second = most_per_second
        self.gzip = True
        self.answers: dict[str, tuple[int, bytes]] = {}
        """Path -> what to answer instead."""
        self.requests: list[str] = []
        self.times: list[float] = []

    def __enter__(self) -> EdgarServer:
        handler = type("Handler", (_Handler,), {"edgar": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def over_the_limit(self) -> bool:
        now = time.monotonic()
        self.times.append(now)
        return sum(now - moment < 1.0 for moment in self.times) > self.most_per_second

    def answer(self, path: str) -> bytes | None:
        folder, _, name = path.removesuffix(".json").rpartition("/")
        body = {
            "/files": lambda _: companies_body(),
            "/submissions": submissions_body,
            "/api/xbrl/companyfacts": facts_body,
        }.get(folder, lambda _: None)(name)
        return None if body is None else json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    edgar: EdgarServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        edgar = self.edgar
        edgar.requests.append(self.path)
        if edgar.over_the_limit() or "@" not in (self.headers["User-Agent"] or ""):
            return self.send(403, REFUSED, "text/html")
        if self.path in edgar.answers:
            return self.send(*edgar.answers[self.path], "application/json")
        body = edgar.answer(self.path)
        if body is None:
            return self.send(404, b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "application/xml")
        return self.send(200, body, "application/json")

    def send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        if self.edgar.gzip:
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def facts(*observations: dict, concept: str = "Revenues", unit: str = "USD", name: str = "Small Co") -> bytes:
    """A company's facts of one concept, for cases the recordings do not show."""
    body = {"cik": 7, "entityName": name, "facts": {"us-gaap": {concept: {"units": {unit: list(observations)}}}}}
    return json.dumps(body).encode()
