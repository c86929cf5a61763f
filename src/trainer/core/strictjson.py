"""JSON as RFC 8259 has it: no key twice, no NaN, no number that is infinite, no bomb; every refusal by line and column.

>>> read_json('{"a": [1, 2]}')
{'a': [1, 2]}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import NoReturn

from trainer.core.errors import UsageError, Where
from trainer.core.values import Json

MOST_BYTES = 64_000_000
DEEPEST = 100
"""Levels of lists and objects; every recursive reader of the house manages twice as many within Python's limit."""

_MOST_DIGITS = 4_300
"""Digits of a whole number; Python itself reads no more."""
# only a text with one of these can hold an infinite number or half a character, and only then is it looked at again
_HUGE = re.compile(r"[eE]\+?0*[1-9][0-9]{2}|[0-9]{309}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(
    r'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")(?P<key>\s*:)?'
    r"|(?P<open>[\[{])|(?P<close>[\]}])"
    r"|(?P<word>-?(?:NaN|Infinity))|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)",
    re.DOTALL,
)


def read_json(
    content: str | bytes,
    *,
    shown: str = "data",
    first_line: int = 1,
    most_bytes: int = MOST_BYTES,
    spelt: bool = False,
) -> Json:
    """The value in a JSON text or in UTF-8 bytes; `first_line` is where the text starts in the file `shown`.

    With `spelt`, a number that is written otherwise than it would be shown is the text that it was: `1.10`, `2e3`.

    Raises UsageError for bad syntax, keys that stand twice, NaN and infinity, halves of surrogate pairs, whole numbers
    of more than 4,300 digits, more than 100 levels, and more than `most_bytes`.
    """
    if len(content) > most_bytes:
        raise UsageError(
            f"more than the {most_bytes:,} bytes that are read at once",
            where=Where(shown),
            hint="split it, or give it as JSON lines, one value a line",
        )
    text = _decoded(content, shown, first_line) if isinstance(content, bytes) else content.removeprefix("\ufeff")
    try:
        parse_float = _spelt if spelt else _finite if _HUGE.search(text) else None
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse, parse_float=parse_float)
    except json.JSONDecodeError as error:
        where = Where(shown, error.lineno + first_line - 1, error.colno)
        raise UsageError(f"not valid JSON: {error.msg}", where=where) from None
    except (ValueError, RecursionError):
        raise _fault(text, shown, first_line) from None
    if _is_too_deep(value) or (_SURROGATE.search(text) and _has_half_pair(value)):
        raise _fault(text, shown, first_line)
    return value


def _decoded(content: bytes, shown: str, first_line: int) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + first_line
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise UsageError(
            f"not UTF-8 text (byte 0x{content[error.start]:02x})",
            where=Where(shown, line, column),
            hint="save the file as UTF-8",
        ) from None


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _spelt(text: str) -> float | str:
    number = _finite(text)
    return number if repr(number) == text else text


def _is_too_deep(value: Json) -> bool:
    """Whether the value has more than `DEEPEST` levels; level by level, so that it never recurses."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _has_half_pair(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _fault(text: str, shown: str, first_line: int) -> UsageError:
    """What is wrong first with a text that is JSON to Python and not to us."""
    at, message, hint = next(_faults(text), (0, "not valid JSON", ""))
    line, column = text.count("\n", 0, at) + first_line, at - text.rfind("\n", 0, at)
    return UsageError(message, where=Where(shown, line, column), hint=hint or None)


def _faults(text: str) -> Iterator[tuple[int, str, str]]:
    """Offset, message and hint of each fault, in order."""
    keys: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        at = token.start()
        if token["open"]:
            keys.append(set())
            if len(keys) > DEEPEST:
                yield at, f"nested more than {DEEPEST} levels deep", "flatten it"
        elif token["close"]:
            keys.pop()
        elif token["word"]:
            yield at, f"{token['word']} is no JSON", "write null where there is no number"
        elif number := token["number"]:
            if number.lstrip("-").isdigit() and len(number) > _MOST_DIGITS:
                yield at, f"a whole number of more than {_MOST_DIGITS:,} digits", "write numbers this long as text"
            elif not number.lstrip("-").isdigit() and math.isinf(float(number)):
                yield at, f"{number[:40]} is too large a number", "write it as text"
        else:
            name = json.loads(token["text"], strict=False)
            if _has_half_pair(name):
                yield at, "a \\u escape that is half a character", "write both halves of the surrogate pair"
            if token["key"] and name in keys[-1]:
                yield at, f'the key "{name}" stands twice in one object', "keep one of them"
            if token["key"]:
                keys[-1].add(name)
