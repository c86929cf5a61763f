"""What passes between a pool and its workers: a length, a JSON header, and bytes."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_LENGTHS = struct.Struct("!QQ")


def send(stream: IO[bytes], header: dict[str, Any], content: bytes = b"") -> None:
    """Write one frame."""
    head = json.dumps(header).encode()
    stream.write(_LENGTHS.pack(len(head), len(content)) + head + content)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Read one frame; raises EOFError where the other side has gone."""
    head_length, content_length = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    head = json.loads(_exactly(stream, head_length))
    return head, _exactly(stream, content_length)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if content is None or len(content) < length:
        raise EOFError
    return content
