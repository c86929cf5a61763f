"""Documents as JSON text: what cannot be stored without loss is refused, with the place where it stands."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from trainer.core.errors import UsageError
from trainer.core.strictjson import DEEPEST, MOST_BYTES
from trainer.core.values import Json

MANY = "*"
"""What stands for the paths of lists where there are more than a question would look through."""
_LONGEST_KEY = 1_000
_EXACT = 2**53
_MOST_BITS = 14_000
"""Python reads and writes whole numbers of up to 4,300 digits."""
_MOST_LISTS = 100


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document as it is kept."""

    text: str
    """Compact JSON in the order of its keys."""
    value: Json
    """The document as it will be read back."""
    odd: bool
    """Whether SQL may compare some value in it otherwise than Python: numbers from 2^53 on, NUL in a text."""
    lists: frozenset[str]
    """Where lists stand: names parted by dots, positions left out; `*` alone for very many."""


def encode(value: object, *, what: str = "data") -> Encoded:
    """The value as JSON; dates become ISO text, decimals numbers. Raises UsageError for what JSON cannot hold."""
    cleaner = _Cleaner()
    try:
        plain = cleaner.clean(value, "", 1)
    except _Refused as refused:
        place = f" at {'.'.join(reversed(refused.place))}" if refused.place else ""
        raise UsageError(f"{what} {refused.reason}{place}", hint=refused.hint) from None
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{what} holds half of a surrogate pair (\\u{ord(text[error.start]):04x}), which is no character",
            hint="decode the text properly, or replace what cannot be decoded",
        ) from None
    if size > MOST_BYTES:
        raise UsageError(
            f"{what} takes {size:,} bytes, more than the {MOST_BYTES:,} a document may have",
            hint="split it into several documents, or keep the file elsewhere and store its path",
        )
    return Encoded(text, plain, cleaner.odd, frozenset(cleaner.lists))


def check_key(key: str) -> str:
    """The key, if it can be one; raises UsageError."""
    if not isinstance(key, str) or not key:
        raise UsageError("a key must be a text that is not empty", hint="such as yahoo_finance:ABBV:quote")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise UsageError("the key holds half of a surrogate pair, which is no character") from None
    if "\0" in key or size > _LONGEST_KEY:
        raise UsageError(
            f"the key {key[:40]!r} has a NUL character or more than {_LONGEST_KEY} bytes", hint="choose a shorter one"
        )
    return key


class _Refused(Exception):
    """Something that JSON cannot hold; each level adds where it stands."""

    def __init__(self, reason: str, hint: str = "store it as text, as null, or leave it out") -> None:
        self.reason = reason
        self.hint = hint
        self.place: list[str] = []


class _Cleaner:
    """Walks a value, checks it, and turns what JSON lacks into what it has; what needs no turning is not copied."""

    def __init__(self) -> None:
        self.odd = False
        self.lists: set[str] = set()

    def clean(self, value: object, path: str, depth: int) -> Json:
        if isinstance(value, str):
            self.odd = self.odd or "\0" in value
            return value if type(value) is str else str(value)
        if isinstance(value, Mapping | list | tuple):
            if depth > DEEPEST:
                raise _Refused(f"is nested more than {DEEPEST} levels deep", "flatten it")
            return self._object(value, path, depth) if isinstance(value, Mapping) else self._list(value, path, depth)
        return self._scalar(value)

    def _object(self, value: Mapping[object, object], path: str, depth: int) -> Json:
        members: dict[str, Json] = {}
        for name, item in value.items():
            if not isinstance(name, str):
                raise _Refused(f"holds the key {name!r}, which is no text,")
            self.odd = self.odd or "\0" in name
            try:
                members[name] = self.clean(item, f"{path}.{name}" if path else name, depth + 1)
            except _Refused as refused:
                refused.place.append(name)
                raise
        unchanged = type(value) is dict and all(members[name] is item for name, item in value.items())
        return value if unchanged else members

    def _list(self, value: list[object] | tuple[object, ...], path: str, depth: int) -> Json:
        if path not in self.lists:
            self.lists = {MANY} if len(self.lists) >= _MOST_LISTS or MANY in self.lists else self.lists | {path}
        items: list[Json] = []
        for index, item in enumerate(value):
            try:
                items.append(self.clean(item, path, depth + 1))
            except _Refused as refused:
                refused.place.append(str(index))
                raise
        unchanged = type(value) is list and all(one is other for one, other in zip(items, value, strict=True))
        return value if unchanged else items

    def _scalar(self, value: object) -> Json:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if value.bit_length() > _MOST_BITS:
                raise _Refused("holds a number of thousands of digits")
            self.odd = self.odd or not -_EXACT < value < _EXACT
            return value if type(value) is int else int(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise _Refused(f"holds the number {value}")
            self.odd = self.odd or abs(value) >= _EXACT
            return value if type(value) is float else float(value)
        if isinstance(value, Decimal):
            if not value.is_finite() or Decimal(repr(float(value))) != value:
                raise _Refused(f"holds the decimal {value}, which no JSON number holds exactly,")
            return float(value)
        if isinstance(value, datetime | date):
            return value.isoformat()
        raise _Refused(f"holds a value of type {type(value).__name__}")
