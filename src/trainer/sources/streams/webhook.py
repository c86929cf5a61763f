"""Webhooks: a receiver that keeps what is signed in an inbox on disk before it says so, and that inbox as a stream.

A message is answered with 202 once it is in the inbox and the disk has it. From there it goes into the store like any
other stream's. What identifies a message is what is signed, so that a replay of it is the same document.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, field

from trainer.core.appendlog import AppendLog
from trainer.core.clock import isoformat, parse_duration
from trainer.core.errors import Problem, SourceError, TrainerError
from trainer.core.values import Json
from trainer.sources.base import SourceContext
from trainer.sources.query import raise_problems
from trainer.sources.streams.base import (
    BATCH_BYTES,
    DecodedStream,
    Event,
    MessageOptions,
    StreamBatch,
    content_id,
    dead_body,
    dead_letter,
)

_MOST_CALLERS = 64
_CALLER_SECONDS = 10
_RENEWED = 16_000_000
"""Bytes of an inbox that was emptied and is then begun anew."""

Headers: TypeAlias = Mapping[str, str]
Scheme = Literal["github", "slack", "standard", "stripe"]


class WebhookOptions(MessageOptions, frozen=True, kw_only=True):
    """Who may call, and where."""

    secret: Annotated[
        str | list[str],
        Meta(description="What messages are signed with, best as ${NAME}; several while it is changed."),
    ]
    scheme: Annotated[Scheme, Meta(description="How they are signed.")] = "standard"
    listen: Annotated[str, Meta(description="Where to listen; a proxy before it adds TLS.")] = "127.0.0.1:8700"
    path: Annotated[str, Meta(description="The path that is called; without, `/NAME`.")] = ""
    tolerance: Annotated[str | float, Meta(description="How old a signed time may be.")] = "5m"
    max_bytes: Annotated[int, Meta(ge=1, description="Bytes of the largest message.")] = 1_000_000
    headers: Annotated[list[str], Meta(description="Headers to keep with each record: `[X-GitHub-Event]`.")] = field(
        default_factory=list
    )


@dataclass(frozen=True, slots=True)
class Signed:
    """What a caller's headers say of a message."""

    content: bytes
    """What the signature is of."""
    signatures: tuple[bytes, ...]
    """Those given, any of which may be right."""
    identity: str
    """What tells it from all others, made of what is signed alone."""
    moment: float | None = None
    """The signed time, in seconds since 1970; None where the scheme has none."""


def read_signature(scheme: Scheme, headers: Headers, body: bytes) -> Signed:
    """What is signed and how; raises ValueError where headers are missing or no such."""
    match scheme:
        case "github":
            kind, _, signature = headers.get("X-Hub-Signature-256", "").partition("=")
            if kind != "sha256":
                raise ValueError("X-Hub-Signature-256 is missing")
            return Signed(body, (bytes.fromhex(signature),), content_id(body))
        case "slack":
            moment = headers.get("X-Slack-Request-Timestamp", "")
            signature = headers.get("X-Slack-Signature", "").removeprefix("v0=")
            content = b"v0:" + moment.encode() + b":" + body
            return Signed(content, (bytes.fromhex(signature),), content_id(content), float(moment))
        case "standard":
            name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
            versions = [part.partition(",") for part in headers.get("webhook-signature", "").split(" ")]
            signatures = tuple(base64.b64decode(text) for version, _, text in versions if version == "v1")
            if not name:
                raise ValueError("webhook-id is missing")
            return Signed(f"{name}.{moment}.".encode() + body, signatures, name, float(moment))
        case "stripe":
            pairs = [part.strip().partition("=") for part in headers.get("Stripe-Signature", "").split(",")]
            moment = next((value for name, _, value in pairs if name == "t"), "")
            signatures = tuple(bytes.fromhex(value) for name, _, value in pairs if name == "v1")
            content = moment.encode() + b"." + body
            return Signed(content, signatures, content_id(content), float(moment))


def is_signed(signed: Signed, secrets: Sequence[bytes]) -> bool:
    """Whether one of the signatures is that of one of the secrets; takes as long whichever is right, or none."""
    right = False
    for secret in secrets:
        expected = hmac.new(secret, signed.content, hashlib.sha256).digest()
        for signature in signed.signatures:
            right |= hmac.compare_digest(expected, signature)
    return right


class Inbox:
    """Messages in one append-only file, in the order they came; shared by processes, whole after a crash.

    Its first line names it, so that a position in it is never taken for one in its successor.
    """

    def __init__(self, path: Path) -> None:
        self._log = AppendLog(path, hint="free some space or make the folder writable; callers will try again")

    def add(self, message: Json) -> None:
        """Add a message; it is on the disk when this returns."""
        with self._log.locked() as log:
            if os.fstat(log.handle).st_size == 0:
                log.append({"inbox": uuid.uuid4().hex})
            log.append(message)

    def read(self, position: Json) -> tuple[list[tuple[Json, Json]], bool]:
        """Messages behind a position, each with the position behind it, and whether there are no more now."""
        if not self._log.path.exists():
            return [], True
        with self._log.locked() as log:
            name = self._name(log.handle)
            offset = position["offset"] if position and position["inbox"] == name else 0
            content = os.pread(log.handle, BATCH_BYTES, offset)
            while b"\n" not in content and offset + len(content) < os.fstat(log.handle).st_size:
                content += os.pread(log.handle, BATCH_BYTES, offset + len(content))
        messages: list[tuple[Json, Json]] = []
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return messages, False
            offset += len(line)
            message = json.loads(line)
            if "inbox" not in message:
                messages.append((message, {"inbox": name, "offset": offset}))
        return messages, len(content) < BATCH_BYTES

    def renew(self, position: Json, *, above: int = _RENEWED) -> None:
        """Begin it anew where it is large and everything in it stands before the position."""
        with self._log.locked() as log:
            size = os.fstat(log.handle).st_size
            if size > above and position == {"inbox": self._name(log.handle), "offset": size}:
                self._log.rewrite([{"inbox": uuid.uuid4().hex}])

    @staticmethod
    def _name(handle: int) -> str:
        line = os.pread(handle, 200, 0).partition(b"\n")[0]
        return str(json.loads(line)["inbox"]) if line else ""


class WebhookStream(DecodedStream):
    """The inbox of one caller; receives while it is followed."""

    kind = "webhook"
    settings = WebhookOptions
    options: WebhookOptions

    def __init__(self, name: str, options: WebhookOptions, context: SourceContext) -> None:
        super().__init__(name, options, context)
        secrets = [options.secret] if isinstance(options.secret, str) else options.secret
        host, _, port = options.listen.rpartition(":")
        problems = []
        if not secrets or not all(secrets):
            problems.append(
                Problem(f"the stream {name} has no secret", hint="set it as ${NAME}, and NAME in the environment")
            )
        if not host or not port.isdigit():
            problems.append(Problem(f"the stream {name} cannot listen at {options.listen}", hint="write it host:port"))
        raise_problems(problems)
        self._secrets = [_key(options.scheme, secret) for secret in secrets]
        self._address = (host.strip("[]"), int(port))
        self._path = options.path or f"/{name}"
        self.inbox = Inbox((context.state or context.root / ".trainer") / "inbox" / f"{name}.jsonl")
        self._server: ThreadingHTTPServer | None = None
        self._position: Json = None

    def open(self, position: Json) -> None:
        """Go on behind what is stored."""
        self._position = position
        self._ahead: Iterator[tuple[Json, Json]] = iter(())
        self._at_end = False

    def serve(self) -> None:
        """Listen."""
        try:
            self._server = _Server(self._address, _handler(self))
        except OSError as error:
            hint = "is another receiver running? Each needs a port of its own (listen)"
            raise SourceError(
                f"{self.name}: cannot listen at {self.options.listen}: {error.strerror}", hint=hint
            ) from error
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name=f"webhook {self.name}", daemon=True
        ).start()

    @property
    def port(self) -> int:
        """Where it listens, while it does."""
        assert self._server is not None
        return int(self._server.server_port)

    def poll(self, limit: int, wait: float) -> StreamBatch:
        """The next messages of the inbox."""
        events: list[Event] = []
        position = self._position
        while len(events) < limit:
            entry = next(self._ahead, None)
            if entry is None:
                if events:
                    break
                messages, self._at_end = self.inbox.read(position)
                if not messages:
                    if self._server is not None:
                        time.sleep(wait)
                    return StreamBatch(caught_up=True)
                self._ahead = iter(messages)
                continue
            message, position = entry
            events.append(self.event(message["id"], dead_body(message), message["metadata"]))
        self._position = position
        return StreamBatch(tuple(events), position=position)

    def commit(self, batch: StreamBatch) -> None:
        """Begin the inbox anew now and then."""
        self.inbox.renew(batch.position)

    def close(self) -> None:
        """Listen no more; whoever calls is told that nobody is there, and tries again."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def receive(self, path: str, headers: Headers, body: bytes) -> tuple[int, str]:
        """The status and words for a call; 202 once the message is on the disk."""
        if path.partition("?")[0] != self._path:
            return 404, "nothing is received here"
        try:
            signed = read_signature(self.options.scheme, headers, body)
        except (ValueError, TypeError) as error:
            return 401, f"not signed: {error}"
        if not is_signed(signed, self._secrets):
            return 401, "the signature is not right"
        now = self.context.clock()
        if signed.moment is not None and not abs(now.timestamp() - signed.moment) <= parse_duration(
            self.options.tolerance
        ):
            return 401, "the signed time is too far from now"
        chosen = {name: headers[name] for name in self.options.headers if name in headers}
        metadata = {"received_at": isoformat(now), **({"headers": chosen} if chosen else {})}
        try:
            self.inbox.add(dead_letter(Event(signed.identity, metadata=metadata, body=body)))
        except TrainerError as error:
            return 503, error.message
        return 202, "received"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._callers = threading.BoundedSemaphore(_MOST_CALLERS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread for each caller, up to a number of them; the next waits."""
        self._callers.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer within seconds, however slowly the caller sends, and make room."""
        end = threading.Timer(_CALLER_SECONDS, self.shutdown_request, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._callers.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no event."""


def _handler(stream: WebhookStream) -> type[BaseHTTPRequestHandler]:
    class DeliveryHandler(BaseHTTPRequestHandler):
        timeout = _CALLER_SECONDS
        server_version = "trainer"
        sys_version = ""

        def log_message(self, *_: object) -> None:
            """What came is in the store."""

        def do_POST(self) -> None:
            """Take the message in."""
            length = self.headers.get("Content-Length", "")
            if not length.isdigit():
                return self._answer(411, "say how long the message is")
            if int(length) > stream.options.max_bytes:
                return self._answer(413, f"more than {stream.options.max_bytes:,} bytes")
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                return self._answer(400, "the message was cut")
            return self._answer(*stream.receive(self.path, self.headers, body))  # type: ignore[arg-type]

        def _answer(self, status: int, words: str) -> None:
            content = f"{words}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

    return DeliveryHandler


def _key(scheme: Scheme, secret: str) -> bytes:
    """The bytes of a secret: Standard Webhooks writes them in base64 behind `whsec_`."""
    if scheme == "standard" and secret.startswith("whsec_"):
        return base64.b64decode(secret.removeprefix("whsec_"))
    return secret.encode()
