"""A server on loopback that speaks what boto3 speaks to SageMaker: JSON, and event streams with their checksums."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32


class SageMakerServer:
    """`calls` holds each request as (operation or path, body); `error` makes every invocation fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answer: bytes = b"{}"
        self.events: list[bytes] = []
        self.stream_error: str = ""
        self.error: tuple[int, str, dict[str, Any]] | None = None
        self.pages: list[dict[str, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: Any) -> None:
                pass

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target = self.headers.get("X-Amz-Target", "").partition(".")[2]
                server.calls.append((target or self.path, json.loads(raw)))
                if target:
                    self.send("application/x-amz-json-1.1", json.dumps(server.control(target)).encode())
                elif server.error:
                    status, code, body = server.error
                    self.send("application/json", json.dumps(body).encode(), status, code)
                elif self.path.endswith("invocations-response-stream"):
                    parts = b"".join(event("PayloadPart", part) for part in server.events)
                    failed = b""
                    if server.stream_error:
                        failed = event(server.stream_error, b'{"Message": "the container died"}', kind="exception")
                    self.send("application/vnd.amazon.eventstream", parts + failed)
                else:
                    self.send("application/json", server.answer)

            def send(self, content_type: str, body: bytes, status: int = 200, code: str = "") -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                if code:
                    self.send_header("x-amzn-ErrorType", code)
                self.end_headers()
                self.wfile.write(body)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def control(self, operation: str) -> dict[str, Any]:
        if operation == "ListEndpoints":
            return self.pages.pop(0)
        return {"ModelArn": "arn:m", "EndpointConfigArn": "arn:c", "EndpointArn": "arn:e"}

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def event(name: str, payload: bytes, *, kind: str = "event") -> bytes:
    """One message of the event-stream encoding."""
    headers = b""
    for key, value in ((f":{kind}-type", name), (":content-type", "application/octet-stream"), (":message-type", kind)):
        headers += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


@contextmanager
def sagemaker_server() -> Iterator[SageMakerServer]:
    """A server for as long as the block runs."""
    server = SageMakerServer()
    try:
        yield server
    finally:
        server.stop()
