"""Events of executions, and the lines of the spool they are written as.

A line is JSON that starts with its own checksum: `{"c":"1a2b3c4d","kind":"step",…}`, the CRC-32 of all that follows it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from trainer.core.digest import digest_bytes
from trainer.mart.contexts import context_key

MAX_LINE = 256 * 1024
"""Bytes one event may have; a longer one keeps its figures and loses its free parts."""

Mask = Callable[[str], str]

_PREFIX = len('{"c":"00000000"')
_DEEPEST = 30
_FREE = ("context", "inputs", "outputs", "attributes", "results", "error")
_NAMES = ("module", "operation", "actor")
_WORDS = ("actor", "department", "config_hash", "context_key")
_START_COLUMNS = {*_WORDS, "inputs"}
"""What of a context has a column of its own."""


class ExecutionEvent(NamedTuple):
    """Something that happened to an execution; what it carries is not changed after it was given away."""

    kind: str
    """`start`, `step`, `end` or `rating`."""
    execution_id: str
    at: int
    """Microseconds since 1970, UTC."""
    seconds: float | None
    fields: Mapping[str, Any]
    module: str = ""
    operation: str = ""
    """Of a step: its name; of a rating: where it comes from."""
    parent: str = ""
    seq: int = 0


def encode(events: Sequence[ExecutionEvent], *, mask: Mask | None = None, pid: int = 0, host: str = "") -> list[bytes]:
    """The events as lines of the spool, secrets masked; never fails, whatever the events carry."""
    rows = [_row(event, pid, host) for event in events]
    if mask is not None and not _is_clean(rows, mask):
        rows = [_masked_row(row, mask) for row in rows]
    return [_line(row) for row in rows]


def _line(row: dict[str, Any]) -> bytes:
    body = _body(row)
    if len(body) > MAX_LINE:
        cut = {"truncated": True, "bytes": len(body)}
        body = _body({name: cut if name in _FREE and name != "error" else value for name, value in row.items()})
    if len(body) > MAX_LINE:
        body = _body({name: value for name, value in row.items() if name not in _FREE})
    return b'{"c":"%08x",%s\n' % (zlib.crc32(body), body)


def is_whole(line: bytes) -> bool:
    """Whether a line without its newline is one that `encode` wrote, unharmed."""
    if line[:6] != b'{"c":"' or line[14:16] != b'",':
        return False
    try:
        return int(line[6:14], 16) == zlib.crc32(line[_PREFIX + 1 :])
    except ValueError:
        return False


def _row(event: ExecutionEvent, pid: int, host: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": event.kind,
        "execution_id": event.execution_id,
        "at": event.at,
        "seconds": event.seconds,
    }
    if event.kind == "start":
        row |= {"module": event.module, "operation": event.operation, "pid": pid, "host": host}
        if event.parent:
            row["parent_id"] = event.parent
        return _with_context(row, event.fields)
    if event.kind == "step":
        row |= {"operation": event.operation, "seq": event.seq}
    if event.kind == "rating":
        return {
            **row,
            "operation": event.operation,
            "actor": event.fields.get("actor"),
            "quality": _number(event.fields.get("score")),
            "error": _word(event.fields.get("note")),
        }
    return _with_results(row, event.fields, rest="attributes" if event.kind == "step" else "results")


def _with_context(row: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    for name in _WORDS:
        if fields.get(name) is not None:
            row[name] = _word(fields[name])
    if "config" in fields and "config_hash" not in row:
        row["config_hash"] = config_hash(fields["config"])
    if "config" in fields:
        row.setdefault("context_key", context_key(fields))
    if fields:
        row.setdefault("context_key", config_hash(fields))
        row["inputs"] = fields.get("inputs")
        row["context"] = {name: value for name, value in fields.items() if name not in _START_COLUMNS}
    return row


def _with_results(row: dict[str, Any], fields: Mapping[str, Any], *, rest: str) -> dict[str, Any]:
    others: dict[str, Any] = {}
    row["status"] = "success"
    for name, value in fields.items():
        if name in _COLUMNS:
            row[name] = _COLUMNS[name](value)
        else:
            others[name] = value
    if others:
        row[rest] = others
    return row


def _word(value: Any) -> str | None:
    return None if value is None else str(value)[:10_000]


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and abs(number) < 2**53 else None


def _same(value: Any) -> Any:
    return value


_COLUMNS: dict[str, Callable[[Any], Any]] = {
    "seconds": _number,
    "cost": _number,
    "quality": _number,
    "tokens_in": _count,
    "tokens_out": _count,
    "status": _word,
    "error_class": _word,
    "error": _word,
    "inputs": _same,
    "outputs": _same,
}
"""What has a column of its own at the end of an execution or step."""


def _known(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else _text(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_known)
_SORTED = msgspec.json.Encoder(enc_hook=_known, order="sorted")


def config_hash(value: Any) -> str:
    """What names a configuration, or any other value: equal ones have one hash, in whatever order their keys stand."""
    try:
        content = _SORTED.encode(value)
    except Exception:  # whatever a caller's own object does when it is written
        content = _SORTED.encode(_plain(value, 0))
    return digest_bytes(content)[:16]


def _body(row: Mapping[str, Any]) -> bytes:
    """The row without its opening brace: what the checksum covers."""
    try:
        body = _ENCODER.encode(row)
    except Exception:  # as above
        body = _ENCODER.encode(_plain(row, 0))
    # DuckDB's strings hold no NUL, and an escaped one would poison the whole batch
    return (_ENCODER.encode(_plain(row, 0)) if b"\\u0000" in body else body)[1:]


def _is_clean(rows: Sequence[dict[str, Any]], mask: Mask) -> bool:
    """Whether there is nothing to mask in any of the rows: one look at all their texts, since there seldom is."""
    texts: list[str] = []
    for row in rows:
        for name in (*_FREE, *_NAMES):
            if name in row and _odd(row[name], texts, name, 0):
                return False
    joined = "\n".join(texts)
    try:
        return mask(joined) == joined
    except Exception:  # the rows are then looked at one by one
        return False


def _masked_row(row: dict[str, Any], mask: Mask) -> dict[str, Any]:
    try:
        return {name: _masked(name, value, mask) for name, value in _plain(row, 0).items()}
    except Exception as error:  # a mask that fails must not let through what it should have hidden
        safe = {name: value for name, value in row.items() if name not in _FREE}
        return safe | {"error": f"not kept, for it could not be masked: {type(error).__name__}"}


def _odd(value: Any, texts: list[str], name: str, depth: int) -> bool:
    """Whether anything in the value is not plain JSON; its texts are added with the names they go by."""
    if isinstance(value, str):
        texts.append(f"{name}: {value}")
        return False
    if value is None or isinstance(value, int | float):
        return False
    odd = depth > _DEEPEST or not isinstance(value, dict | list | tuple)
    if not odd:
        pairs = value.items() if isinstance(value, dict) else ((name, item) for item in value)
        for key, item in pairs:
            odd = _odd(item, texts, str(key), depth + 1) or odd
    return odd


def _masked(name: str, value: Any, mask: Mask) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return {mask(str(key)): _masked(str(key), item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(name, item, mask) for item in value]
    label = f"{name}: "
    masked = mask(label + str(value))
    return masked[len(label) :] if masked.startswith(label) else mask(str(value))


def _plain(value: Any, depth: int) -> Any:
    """The value as JSON can hold it in any database: no NUL, no lone surrogate, no NaN, no endless nesting."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {_text(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    try:
        text = str(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
