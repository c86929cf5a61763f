"""Every way a server misbehaves, for every source that speaks HTTP: one clear error, in time, and nothing stored."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from pathlib import Path

import pytest

from trainer.core.errors import SourceError
from trainer.sources import SourceContext, create_source

TIMEOUT = 0.5
FIGURES = Path(__file__).parents[1] / "servers" / "figures"
QUERIES = {
    "quote": ("yahoo_finance", {"ticker": "ABBV"}),
    "summary": ("yahoo_finance", {"ticker": "ABBV", "kind": "summary"}),
    "fundamentals": ("yahoo_finance", {"ticker": "ABBV", "kind": "fundamentals"}),
    "chart": ("yahoo_finance", {"ticker": "ABBV", "kind": "chart"}),
    "options": ("yahoo_finance", {"ticker": "ABBV", "kind": "options"}),
    "insights": ("yahoo_finance", {"ticker": "ABBV", "kind": "insights"}),
    "search": ("yahoo_finance", {"text": "abbvie", "kind": "search"}),
    "similar": ("yahoo_finance", {"ticker": "ABBV", "kind": "similar"}),
    "companies": ("sec_filings", {"ticker": "AAPL"}),
    "facts": ("sec_filings", {"ticker": "320193"}),
    "concept": ("sec_filings", {"ticker": "320193", "kind": "concept", "concept": "totalRevenue"}),
    "document": ("sec_filings", {"ticker": "1", "kind": "document"}),
    "filings": ("sec_filings", {"ticker": "320193", "kind": "filings"}),
    "api": ("api", {"api": "shop", "path": "/x", "select": "/items"}),
    "graphql": ("api", {"api": "shop", "path": "/x", "graphql": "{items}", "select": "/items"}),
    "soap": ("soap", {"service": "near", "operation": "GetRates", "currency": "USD"}),
    "wsdl": ("soap", {"service": "far", "operation": "GetRates", "currency": "USD"}),
    "xml": ("api", {"api": "feed", "path": "/x", "select": "/feed/entry"}),
}


def answer(body: bytes = b"", status: str = "200 OK", kind: str = "application/json", **headers: str) -> bytes:
    named = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


PAGE = b"<!DOCTYPE html><html><title>Request Rate Threshold Exceeded</title></html>"
FAULTS: dict[str, bytes] = {
    "closed": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "cut": answer(b'{"a": 1', Content_Length="1000"),
    "cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "chunk of 4 GB": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n{}",
    "bad gzip": answer(b"\x1f\x8b\x08\x00 no gzip", Content_Encoding="gzip"),
    "cut gzip": answer(gzip.compress(b'{"a": 1}' * 99)[:-9], Content_Encoding="gzip"),
    "two gzips": answer(gzip.compress(gzip.compress(b"{}")), Content_Encoding="gzip, gzip"),
    "brotli": answer(b"\x0b\x02\x80{}\x03", Content_Encoding="br"),
    "401": answer(b'{"error": "no"}', "401 Unauthorized"),
    "403 page": answer(PAGE, "403 Forbidden", "text/html"),
    "404": answer(b"{}", "404 Not Found"),
    "404 page": answer(PAGE, "404 Not Found", "text/html"),
    "410": answer(b"", "410 Gone"),
    "418": answer(b"teapot", "418 I'm a teapot", "text/plain"),
    "429": answer(b"", "429 Too Many Requests"),
    "429 for an hour": answer(b"", "429 Too Many Requests", Retry_After="3600"),
    "429 for ever": answer(b"", "429 Too Many Requests", Retry_After="99999999999999999999"),
    "500": answer(b"Traceback", "500 Internal Server Error"),
    "503 page": answer(PAGE, "503 Service Unavailable", "text/html"),
    "page": answer(PAGE, kind="text/html"),
    "page called JSON": answer(PAGE),
    "redirect in circles": answer(b"", "302 Found", Location="/again"),
    "redirect to a file": answer(b"", "302 Found", Location="file:///etc/passwd"),
    "redirect nowhere": answer(b"", "302 Found", Location="http://["),
    "redirect to metadata": answer(b"", "302 Found", Location="http://169.254.169.254/latest/meta-data/"),
    "empty": answer(b""),
    "null": answer(b"null"),
    "list": answer(b"[1]"),
    "text": answer(b'"hello"'),
    "empty object": answer(b"{}"),
    "other object": answer(b'{"quoteResponse": [], "quoteSummary": 1, "chart": null, "facts": 3, "filings": "x"}'),
    "half JSON": answer(b'{"a": '),
    "NaN": answer(b'{"items": NaN}'),
    "a key twice": answer(b'{"items": 1, "items": 2}'),
    "deep": answer(b"[" * 100_000),
    "bytes": answer(bytes(range(256)), kind="application/octet-stream"),
    "no UTF-8": answer('{"items": "é"}'.encode("latin-1")),
    "no TLS": b"",
    "slow": b"wait",
    "drip": b"drip",
}


class FaultyServer:
    """Answers what has to work before the fault, and then with the fault."""

    def __init__(self, fault: bytes) -> None:
        self.fault = fault
        self.ended = threading.Event()

    def __enter__(self) -> str:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()
        return self.url

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.socket.shutdown(socket.SHUT_RDWR)  # closing alone would leave the thread waiting, and the port taken
        self.socket.close()

    def accept(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                path = connection.recv(65536).partition(b" ")[2].partition(b" ")[0].decode("utf-8", "replace")
                connection.sendall(self.reply(path))
                while path not in PRELUDE and self.fault == b"drip" and not self.ended.is_set():
                    connection.sendall(b"x")
                    time.sleep(0.02)
                if path not in PRELUDE and self.fault == b"wait":
                    self.ended.wait(20)
            except OSError:
                return

    def reply(self, path: str) -> bytes:
        if path in PRELUDE:
            return PRELUDE[path]
        return {b"wait": b"", b"drip": b"HTTP/1.1 200 OK\r\nX-Long: "}.get(self.fault, self.fault)


FILING = {"accessionNumber": ["0000000001-25-000001"], "filingDate": ["2025-02-14"], "form": ["10-K"]}
COMPANY = {"cik": "1", "name": "One", "filings": {"recent": {**FILING, "primaryDocument": ["one.htm"]}}}
PRELUDE = {
    "/": answer(b"", "404 Not Found", Set_Cookie="A3=1"),
    "/v1/test/getcrumb": answer(b"Zx9", kind="text/plain"),
    "/submissions/CIK0000000001.json": answer(json.dumps(COMPANY).encode()),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", QUERIES)
def test_a_fault_is_one_clear_error_in_time(name, fault, kept, clock):
    source, query = QUERIES[name]
    with FaultyServer(FAULTS[fault]) as plain:
        url = plain.replace("http:", "https:") if fault == "no TLS" else plain
        own = {
            "yahoo_finance": {"base_url": url},
            "sec_filings": {"base_url": url, "data_url": url, "user_agent": "Ann ann@example.org"},
            "soap": {
                "services": {
                    "near": {"wsdl": "rates.wsdl", "address": f"{url}/soap", "per_second": 1000},
                    "far": {"wsdl": f"{url}/service?wsdl", "per_second": 1000},
                }
            },
            "api": {
                "apis": {
                    "shop": {"base_url": url, "per_second": 1000},
                    "feed": {"base_url": url, "per_second": 1000, "format": "xml"},
                }
            },
        }[source]
        options = {"timeout": TIMEOUT, "retries": 0, **own} | (
            {} if source in ("api", "soap") else {"per_second": 1000}
        )
        retriever = create_source(source, SourceContext(clock, root=FIGURES), data_store=kept, **options)
        start = time.monotonic()
        with pytest.raises(SourceError) as caught:
            retriever.retrieve(query)

    assert time.monotonic() - start < TIMEOUT + 5  # the machine is busy; what hangs hangs for ever
    assert kept.calls == []
    assert 0 < len(str(caught.value)) < 600
    assert "Traceback" not in str(caught.value) or fault == "500"


def test_the_matrix_is_wide():
    assert len(QUERIES) * len(FAULTS) >= 150
