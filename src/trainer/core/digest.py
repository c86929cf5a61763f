"""Values as JSON, and digests of it: 64 hex digits that are the same on every machine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Set
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Protocol, cast


class HasJson(Protocol):
    """A value whose JSON is not simply its fields."""

    def as_json(self) -> object:
        """What scripts read of it; values in it are written by their own rules."""


def digest_bytes(content: bytes) -> str:
    """The SHA-256 of `content` in hex."""
    return hashlib.sha256(content).hexdigest()


def digest(value: object) -> str:
    """The SHA-256 of the value's canonical JSON in hex."""
    return digest_bytes(canonical(value).encode("utf-8", "surrogatepass"))


def canonical(value: object) -> str:
    """One line of JSON that is equal for equal values: sorted keys, no spaces, UTF-8 as is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def pretty(value: object) -> str:
    """JSON for people and git: sorted keys, two spaces, one final newline."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, default=_plain) + "\n"


def pick(value: Any, *names: str) -> dict[str, Any]:
    """The named fields of a value, all of a dataclass where none is named; the values in it stay as they are."""
    return {name: getattr(value, name) for name in names or [field.name for field in dataclasses.fields(value)]}


def _plain(value: object) -> object:
    if hasattr(value, "as_json"):  # isinstance with a protocol takes 60 times as long
        return cast("HasJson", value).as_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return pick(value)
    if isinstance(value, Exception):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
