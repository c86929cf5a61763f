"""A server on loopback that speaks the OpenAI chat protocol, and fails in every way a test asks for.

The model's name, or the `fault` given to the server, says what happens: `status-429`, `empty`, `cut`, `slow` …
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """One request as the server got it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


@dataclass
class Reply:
    """What to answer: a status, headers, a body, or some way to break off."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    """A JSON value or bytes; None is the usual completion."""
    delay: float = 0.0
    cut: int | None = None
    """Close the connection after so many bytes of the body, or so many events of the stream."""
    drip: float = 0.0
    """Seconds between two pieces of the body."""
    usage: bool = True
    finish: str = "stop"
    content: str | None = None
    """The text of the answer, instead of the one that the prompt's digest makes."""
    hang_up: bool = False
    """Close the connection without a byte."""


Script = Callable[["OpenAIServer", Seen], Reply]


def content_for(messages: list[dict[str, Any]]) -> str:
    """The server's usual answer: a text that depends on the messages alone."""
    mark = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:12]
    return f'# Summary\n\nAnswer {mark}: «ünïcode» – tables | and "quotes".\n'


def tokens_of(text: str) -> int:
    """The server's tokenizer: one token a word."""
    return len(text.split())


class OpenAIServer:
    """A running server; `requests` holds what it was sent, `completed` how many completions it finished."""

    def __init__(
        self, script: Script | None = None, *, latency: float = 0.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.script = script or (lambda server, seen: Reply())
        self.latency = latency
        self.requests: list[Seen] = []
        self.completed = 0
        self.port = 0
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        """The address up to and with `/v1`."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def start(self) -> OpenAIServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, backlog=1024)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in (tasks := asyncio.all_tasks(self._loop)):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode("latin-1").split("\r\n")
                headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in rest if line)}
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                seen = Seen(first.split()[1], headers, json.loads(raw) if raw else {}, time.monotonic())
                self.requests.append(seen)
                if not await self._answer(writer, seen):
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, seen: Seen) -> bool:
        if seen.path.endswith("/models"):
            return await _send(writer, Reply(body={"data": [{"id": "model-b"}, {"id": "model-a"}]}), b"")
        reply = self.script(self, seen)
        if reply.hang_up:
            return False
        await asyncio.sleep(reply.delay or self.latency)
        if reply.status == 200 and reply.body is None and seen.body.get("stream"):
            return await self._stream(writer, seen, reply)
        whole = await _send(writer, reply, _dumped(_usual_body(seen, reply) if reply.body is None else reply.body))
        self.completed += whole and reply.status == 200
        return whole

    async def _stream(self, writer: asyncio.StreamWriter, seen: Seen, reply: Reply) -> bool:
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for number, event in enumerate(_events(seen, reply)):
            if number == reply.cut:
                return False
            data = b"data: " + event + b"\n\n"
            # Split inside the event and inside characters: a reader must join what belongs together.
            for piece in (data[:7], data[7:]):
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
            await asyncio.sleep(reply.drip)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        self.completed += 1
        return True


async def _send(writer: asyncio.StreamWriter, reply: Reply, body: bytes) -> bool:
    body = body or _dumped(reply.body)
    headers = {"Content-Type": "application/json", **reply.headers, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {reply.status} Status\r\n{lines}\r\n".encode("latin-1"))
    if reply.cut is not None:
        writer.write(body[: reply.cut])
        await writer.drain()
        return False
    if reply.drip:
        for at in range(len(body)):
            writer.write(body[at : at + 1])
            await writer.drain()
            await asyncio.sleep(reply.drip)
    else:
        writer.write(body)
    await writer.drain()
    return True


def _dumped(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _usual_body(seen: Seen, reply: Reply) -> dict[str, Any]:
    return _completion(seen, reply) if reply.status == 200 else {"error": {"message": f"fault {reply.status}"}}


def _usage(seen: Seen, content: str) -> dict[str, int]:
    tokens_in = sum(tokens_of(message["content"]) for message in seen.body["messages"])
    tokens_out = tokens_of(content)
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _completion(seen: Seen, reply: Reply) -> dict[str, Any]:
    content = content_for(seen.body["messages"]) if reply.content is None else reply.content
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": seen.body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": reply.finish}],
    }
    return answer | ({"usage": _usage(seen, content)} if reply.usage else {})


def _events(seen: Seen, reply: Reply) -> Iterator[bytes]:
    content = content_for(seen.body["messages"]) if reply.content is None else reply.content
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": seen.body["model"]}
    pieces = [content[at : at + 7] for at in range(0, len(content), 7)]
    for piece in pieces:
        yield _dumped({**base, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
    yield _dumped({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish}]})
    if reply.usage and seen.body.get("stream_options", {}).get("include_usage"):
        yield _dumped({**base, "choices": [], "usage": _usage(seen, content)})
    yield b"[DONE]"


@contextmanager
def openai_server(script: Script | None = None, **options: Any) -> Iterator[OpenAIServer]:
    """A server for as long as the block runs."""
    server = OpenAIServer(script, **options).start()
    try:
        yield server
    finally:
        server.stop()


def in_turn(*replies: Reply) -> Script:
    """A script that gives the replies one after the other, then the last for ever."""
    left = list(replies)
    lock = threading.Lock()

    def script(server: OpenAIServer, seen: Seen) -> Reply:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script
