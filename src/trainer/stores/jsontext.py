"""Documents as JSON text: what cannot be stored without loss is refused, with the place where it stands."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NoReturn

from trainer.core.errors import UsageError
from trainer.core.values import Json

MOST_BYTES = 64_000_000
DEEPEST = 100
_LONGEST_KEY = 1_000
_EXACT = 2**53
_MOST_BITS = 14_000
"""Python reads and writes whole numbers of up to 4,300 digits."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document as it is kept."""

    text: str
    """Compact JSON in the order of its keys."""
    value: Json
    """The document as it will be read back."""
    odd: bool
    """Whether SQL may compare some value in it otherwise than Python: numbers from 2^53 on, NUL in a text."""


def encode(value: object, *, what: str = "data") -> Encoded:
    """The value as JSON; dates become ISO text, decimals numbers. Raises UsageError for what JSON cannot hold."""
    cleaner = _Cleaner(what)
    plain = cleaner.clean(value, "", 1)
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
    return Encoded(text, plain, cleaner.odd)


def decode(text: str, *, shown: str = "data") -> Json:
    """The value in a JSON text; raises UsageError for bad syntax, NaN, duplicate keys and bombs."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, shown),
            parse_constant=lambda name: _not_json(name, shown),
        )
    except json.JSONDecodeError as error:
        raise UsageError(f"{shown}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}") from None
    except RecursionError:
        raise UsageError(f"{shown}: nested more than {DEEPEST} levels deep") from None
    except ValueError as error:
        raise UsageError(f"{shown}: {error}", hint="write numbers this long as text") from None
    return encode(value, what=shown).value


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


class _Cleaner:
    """Walks a value, checks it, and turns what JSON lacks into what it has."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.odd = False

    def clean(self, value: object, path: str, depth: int) -> Json:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            self.odd = self.odd or "\0" in value
            return str(value)
        if isinstance(value, int):
            self.odd = self.odd or not -_EXACT < value < _EXACT
            return (
                int(value)
                if value.bit_length() <= _MOST_BITS
                else self._refuse("a number of thousands of digits", path)
            )
        if isinstance(value, float):
            self.odd = self.odd or abs(value) >= _EXACT
            return float(value) if math.isfinite(value) else self._refuse(f"the number {value}", path)
        if isinstance(value, Decimal):
            return self._decimal(value, path)
        if isinstance(value, datetime | date):
            return value.isoformat()
        return self._container(value, path, depth)

    def _container(self, value: object, path: str, depth: int) -> Json:
        if depth > DEEPEST:
            raise UsageError(f"{self.what} is nested more than {DEEPEST} levels deep", hint="flatten it")
        if isinstance(value, Mapping):
            return {self._name(key, path): self.clean(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(item, f"{path}.{index}", depth + 1) for index, item in enumerate(value)]
        return self._refuse(f"a value of type {type(value).__name__}", path)

    def _name(self, name: object, path: str) -> str:
        if not isinstance(name, str):
            self._refuse(f"the key {name!r}, which is no text,", path)
        self.odd = self.odd or "\0" in name
        return name

    def _decimal(self, value: Decimal, path: str) -> float:
        if not value.is_finite() or Decimal(repr(float(value))) != value:
            self._refuse(f"the decimal {value}, which no JSON number holds exactly,", path)
        return float(value)

    def _refuse(self, found: str, path: str) -> NoReturn:
        place = f" at {path.removeprefix('.')}" if path else ""
        raise UsageError(f"{self.what} holds {found}{place}", hint="store it as text, as null, or leave it out")


def _object(pairs: list[tuple[str, Json]], shown: str) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f'{shown}: the key "{twice}" stands twice in one object', hint="keep one of them")
    return found


def _not_json(name: str, shown: str) -> NoReturn:
    raise UsageError(f"{shown}: {name} is no JSON", hint="write null where there is no number")
