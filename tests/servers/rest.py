"""A loopback REST service: four ways of paging, four ways to say who asks, JSON, JSON Lines and CSV."""

from __future__ import annotations

import base64
import gzip
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

RECORDS = [{"id": number, "code": f"{number:03d}"} for number in range(1, 8)]
SECRET = "s3cret-key"


class RestServer:
    """Used as a context manager; `requests` holds each path with its query and headers."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.body: object = None
        """What /given answers."""
        self.edition = 1
        """Of what /tagged serves."""
        self.answered: list[int] = []
        """The status of each answer of /tagged."""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.elsewhere = ""
        """Where /away redirects to."""

    def __enter__(self) -> RestServer:
        handler = type("Handler", (_Handler,), {"rest": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._server.server_port}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    rest: RestServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.rest.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        answer = getattr(self, f"get_{url.path.strip('/').replace('/', '_') or 'root'}", None)
        if answer is None:
            return self.json({"error": f"no {url.path}"}, status=404)
        return answer(given)

    def get_root(self, _: dict[str, str]) -> None:
        self.json({})

    def get_one(self, given: dict[str, str]) -> None:
        self.json({"given": given, "price": 1.50})

    def get_list(self, _: dict[str, str]) -> None:
        self.json({"result": {"items": RECORDS}})

    def get_csv(self, _: dict[str, str]) -> None:
        self.send(b"id,code\n1,001\n2,002\n", "text/csv; charset=utf-8")

    def get_lines(self, _: dict[str, str]) -> None:
        self.send(b'{"id": 1}\n{"id": 2}\n', "application/x-ndjson")

    def get_broken(self, _: dict[str, str]) -> None:
        self.send(b'{"id": 1,\n "x"}', "application/json")

    def get_page(self, _: dict[str, str]) -> None:
        self.send(b"<html>log in</html>", "text/html")

    def get_numbered(self, given: dict[str, str]) -> None:
        first = (int(given["page"]) - 1) * 3
        self.json({"items": RECORDS[first : first + 3]})

    def get_offset(self, given: dict[str, str]) -> None:
        first, size = int(given["skip"]), int(given["limit"])
        self.json({"items": RECORDS[first : first + size]})

    def get_cursor(self, given: dict[str, str]) -> None:
        first = int(given.get("token", "0"))
        following = {"next": str(first + 3)} if first + 3 < len(RECORDS) else {}
        self.json({"items": RECORDS[first : first + 3], **following})

    def get_linked(self, given: dict[str, str]) -> None:
        first = int(given.get("from", "0"))
        key = f"&key={given['key']}" if "key" in given else ""
        link = f'</linked?from={first + 3}{key}>; rel="next"' if first + 3 < len(RECORDS) else ""
        self.json(RECORDS[first : first + 3], headers={"Link": link})

    def get_tagged(self, _: dict[str, str]) -> None:
        tag = f'"{self.rest.edition}"'
        status = 304 if self.headers["If-None-Match"] == tag else 200
        self.rest.answered.append(status)
        body = b"" if status == 304 else json.dumps({"edition": self.rest.edition}).encode()
        self.send(body, "application/json", status=status, headers={"ETag": tag, "Cache-Control": "max-age=3600"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.rest.requests.append((self.path, body))
        if "fail" in body["query"]:
            return self.json({"data": None, "errors": [{"message": "no field fail"}]})
        return self.json({"data": {"trials": [{"id": body["variables"].get("id"), "day": "2025-02-28"}]}})

    def get_given(self, _: dict[str, str]) -> None:
        self.json(self.rest.body, headers={"Last-Modified": "Mon, 30 Dec 2024 23:00:00 GMT"})

    def get_endless(self, given: dict[str, str]) -> None:
        self.json({"items": [1], "next": int(given.get("token", "0")) + 1})

    def get_astray(self, _: dict[str, str]) -> None:
        self.json({"items": [1], "next": "http://127.0.0.1:9/"})

    def get_away(self, _: dict[str, str]) -> None:
        self.send(b"", "text/plain", status=302, headers={"Location": self.rest.elsewhere})

    def get_moved(self, _: dict[str, str]) -> None:
        self.send(b"", "text/plain", status=302, headers={"Location": "/private"})

    def get_loop(self, _: dict[str, str]) -> None:
        self.send(b"", "text/plain", status=302, headers={"Location": "/loop"})

    def get_local(self, _: dict[str, str]) -> None:
        self.send(b"", "text/plain", status=302, headers={"Location": "file:///etc/hostname"})

    def get_big(self, _: dict[str, str]) -> None:
        self.send(b"x" * 1_000_000, "text/plain")

    def get_bomb(self, _: dict[str, str]) -> None:
        self.send(gzip.compress(b"\0" * 20_000_000), "text/plain", headers={"Content-Encoding": "gzip"})

    def get_later(self, given: dict[str, str]) -> None:
        if len(self.rest.requests) > int(given["after"]):
            return self.json({"ready": True})
        return self.send(b"", "text/plain", status=503, headers={"Retry-After": given["wait"]})

    def get_private(self, given: dict[str, str]) -> None:
        basic = "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()
        shown = {self.headers["Authorization"], self.headers["X-Api-Key"], given.get("key")}
        if shown & {f"Bearer {SECRET}", basic, SECRET}:
            return self.json({"welcome": True})
        return self.json({"error": f"bad key {given.get('key')} {self.headers['Authorization']}"}, status=401)

    def json(self, body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send(json.dumps(body).encode(), "application/json", status=status, headers=headers)

    def send(self, body: bytes, kind: str, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
