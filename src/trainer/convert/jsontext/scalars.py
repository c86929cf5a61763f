"""Strings, numbers and words of nearly-JSON."""

from __future__ import annotations

import json
import re

from trainer.core.values import Json

_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}
_OTHER_WORDS: dict[str, Json] = {
    "True": True, "TRUE": True, "False": False, "FALSE": False, "None": None, "NULL": None, "Null": None,
    "nil": None, "undefined": None,
}  # fmt: skip
_NOT_FINITE = re.compile(r"[-+]?(?:NaN|nan|Infinity|inf)\b")
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][-+]?\d+)?")
_GROUPED = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?=\s*(?:[,}\n]))")
_HEX = re.compile(r"0[xX][0-9a-fA-F]+")
_STOP = re.compile(r"[,}\]\n]|;(?=\s*[\"'\w]+\s*:)|(?<!\s)\s++(?=\"[^\"\n]{0,60}\"\s*+:)|\Z")
_UNOPENED = re.compile(r"([A-Za-z0-9][^\"\n:{}\[\]]*)\"(?=\s*(?:[}\]]|,\s*(?:[\"}\]]|\Z)))")
_QUOTE_ESCAPE = re.compile(r"(\\\\)|\\'")
_DRIVE = re.compile(r"[A-Za-z]:\\")
_BAD_ESCAPE = re.compile(r'(\\\\)|\\(?:u(?![0-9a-fA-F]{4})|[^"\\/bfnrtu]|\Z)')
_UNMEANT = re.compile(r'(\\\\)|\\(?:u(?![0-9a-fA-F]{4})|[^"\\/nrtu]|\Z)')
_UNMEANT_IN_PATH = re.compile(r'(\\\\)|\\(?:u(?![0-9a-fA-F]{4})|[^"\\/u]|\Z)')
"""Who escapes no backslash in a string means none of its escapes: backspace and form feed never (`\\beta`, `\\frac`),
line ends and tabs where it is the path of a drive. A backslash that is escaped (the first group) stays so."""


def string_value(raw: str, opening: str) -> tuple[str, list[str]]:
    """What a string's inside means, and what had to be mended for it."""
    repairs = [] if opening == '"' else ["quotes replaced"]
    if opening == '"':
        try:
            return str(json.loads(f'"{raw}"')), repairs
        except ValueError:
            pass
    if opening != '"':
        raw = raw.replace(f"\\{opening}", opening)
    if "\n" in raw or "\t" in raw or "\r" in raw:
        repairs.append("line end in a string escaped")
    escaped, inner = _quotes_escaped(raw)
    if inner and opening == '"':
        repairs.append("quote in a string escaped")
    unescaped = _QUOTE_ESCAPE.sub(lambda match: match[1] or "'", escaped)
    bad = _BAD_ESCAPE
    if any(not match[1] for match in bad.finditer(unescaped)):
        bad = _UNMEANT_IN_PATH if _DRIVE.match(raw) else _UNMEANT
    mended = bad.sub(lambda match: match[1] or "\\" + match[0], unescaped)
    if mended != escaped:
        repairs.append("bad escape mended")
    try:
        return str(json.loads(f'"{mended}"', strict=False)), repairs
    except ValueError:
        return raw, [*repairs, "bad escape mended"]


def _quotes_escaped(raw: str) -> tuple[str, bool]:
    escaped = re.sub(r'(\\.)|"', lambda match: match[1] or '\\"', raw, flags=re.DOTALL)
    return escaped, escaped != raw


def bare_value(text: str, at: int, *, member: bool) -> tuple[Json, int, str] | None:
    """The value without quotes at `at`, where it ends and what was mended; None where there is none."""
    if member and (unopened := _UNOPENED.match(text, at)):
        return unopened[1], unopened.end(), "missing quote added"
    stop = _stop(text, at)
    words = text[at:stop].rstrip()
    end = at + len(words)
    if words in _WORDS:
        return _WORDS[words], end, ""
    if words in _OTHER_WORDS:
        return _OTHER_WORDS[words], end, f"{words} replaced"
    if match := _NOT_FINITE.fullmatch(words):
        return None, end, f"{match[0]} taken for null"
    if member and (grouped := _GROUPED.match(text, at)):
        return _number(grouped[0].replace(",", "")), grouped.end(), "digits ungrouped"
    return _figure(words, end) or _word(words, end, member=member)


def _stop(text: str, at: int) -> int:
    match = _STOP.search(text, at)
    assert match
    stop = match.start()
    for mark in ("//", "/*", " #"):
        comment = text.find(mark, at, stop)
        if comment > 0 and not text.startswith("://", comment - 1):
            stop = comment
    return stop


def _figure(words: str, end: int) -> tuple[Json, int, str] | None:
    if _PLAIN_NUMBER.fullmatch(words):
        return _number(words), end, ""
    if _HEX.fullmatch(words):
        return int(words, 16), end, "number respelt"
    if re.fullmatch(r"[-+]?0\d+", words):
        return words, end, "number with leading zeros kept as text"
    if _NUMBER.fullmatch(words):
        plain = words.replace("_", "").lstrip("+")
        return _number(plain if not plain.endswith(".") else f"{plain}0"), end, "number respelt"
    return None


def _number(words: str) -> Json:
    if re.fullmatch(r"-?\d+", words):
        return int(words) if len(words) < 400 else None
    value = float(words)
    return value if value not in (float("inf"), float("-inf")) else None


def _word(words: str, end: int, *, member: bool) -> tuple[Json, int, str] | None:
    """A bare word as text: several words only as a member's value, where nothing else can be meant."""
    if not re.match(r"[\w$€£+-]", words) or re.search(r"[\"'{}\[\]():;=<>]", words):
        return None
    if not member and " " in words:
        return None
    return words, end, "bare word quoted"
