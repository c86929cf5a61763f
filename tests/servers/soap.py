"""A loopback SOAP service: its WSDL, one operation, faults, and a word on who asked."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WSDL = (Path(__file__).parent / "figures" / "rates.wsdl").read_text(encoding="utf-8")
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
)
RATES = (
    '<GetRatesResponse xmlns="http://rates.example/">'
    "<rate><day>2025-02-27</day><value>1.0480</value><deals>3</deals></rate>"
    "<rate><day>2025-02-28</day><value>12345678901234567.89</value></rate>"
    "</GetRatesResponse>"
)


class SoapServer:
    """Used as a context manager."""

    def __init__(self) -> None:
        self.body = RATES
        self.status = 200
        self.wsdl = WSDL
        self.requests: list[tuple[str, dict[str, str], str]] = []

    def __enter__(self) -> SoapServer:
        handler = type("Handler", (_Handler,), {"soap": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.wsdl = WSDL.replace("http://rates.example/soap", f"{self.url}/soap")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, envelope: str) -> tuple[int, str]:
        currency = re.search(r"currency>([^<]*)<", envelope)
        if currency and currency[1] == "XXX":
            fault = "<s:Fault><faultcode>s:Client</faultcode><faultstring>no currency XXX</faultstring></s:Fault>"
            return 500, ENVELOPE.format(fault)
        return self.status, ENVELOPE.format(self.body)


class _Handler(BaseHTTPRequestHandler):
    soap: SoapServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.soap.requests.append((self.path, dict(self.headers), ""))
        self.send(200, self.soap.wsdl)

    def do_POST(self) -> None:
        envelope = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.soap.requests.append((self.path, dict(self.headers), envelope))
        self.send(*self.soap.answer(envelope))

    def send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
