"""Characters nobody sees: which are needed by a script or an emoji, and which only hide something."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_FLAG = "\U0001f3f4"
_SUBDIVISIONS = ("gbeng", "gbsct", "gbwls")
_TAG_BASE = 0xE0000

_SUSPECT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINED_SCRIPTS = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc]"
)
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


def strip_invisible(text: str) -> str:
    """The text without control and invisible characters, save those a script or an emoji needs.

    Tab and newline stay, line and paragraph separators become a newline, lone surrogates become U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    if not _SUSPECT.search(text):
        return text
    rtl = bool(_RIGHT_TO_LEFT.search(text))
    flags = _flag_spans(text)
    return _SUSPECT.sub(lambda match: _kept(text, match.start(), rtl, flags), text)


def hidden_characters(text: str) -> list[int]:
    """The offsets of characters that hide something: tags, zero-width inside words, bidi overrides.

    Ordinary dross (a byte order mark at the start, soft hyphens, control characters of bad exports) is not counted.
    """
    if text.isascii() or not _SUSPECT.search(text):
        return []
    rtl = bool(_RIGHT_TO_LEFT.search(text))
    flags = _flag_spans(text)
    return [
        match.start()
        for match in _SUSPECT.finditer(text)
        if _hides(text, match.start()) and not _kept(text, match.start(), rtl, flags)
    ]


def _kept(text: str, at: int, rtl: bool, flags: dict[int, int]) -> str:
    char = text[at]
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    if char in "\u2028\u2029\x85\x0b\x0c":
        return "\n"
    before = text[at - 1] if at else ""
    after = text[at + 1] if at + 1 < len(text) else ""
    return char if _needed(char, before, after, rtl=rtl, in_flag=at in flags) else ""


def _needed(char: str, before: str, after: str, *, rtl: bool, in_flag: bool) -> bool:
    if char in "\u200c\u200d":
        return _joins(before) and (char == "\u200c" or _joins(after))
    if char in "\ufe0e\ufe0f":
        return bool(before) and (before in "#*0123456789" or _is_symbol(before))
    if char in "\u200e\u200f\u061c":
        return rtl
    if "\ufe00" <= char <= "\ufe0d" or "\u180b" <= char <= "\u180f":
        return (bool(before) and ord(before) > 0x2E7F) or bool(_JOINED_SCRIPTS.match(before))
    if "\u0600" <= char <= "\u0605" or char in "\u06dd\u070f\u0890\u0891\u08e2\u17b4\u17b5\U000110bd\u2800":
        return True
    return in_flag


def _joins(char: str) -> bool:
    return bool(char) and (bool(_JOINED_SCRIPTS.match(char)) or _is_symbol(char) or char == "\ufe0f")


@cache
def _is_symbol(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk", "Sm")


def _flag_spans(text: str) -> dict[int, int]:
    """The offsets of tag characters inside the three flags that use them."""
    spans: dict[int, int] = {}
    at = text.find(_FLAG)
    while at >= 0:
        for name in _SUBDIVISIONS:
            tags = "".join(chr(_TAG_BASE + ord(letter)) for letter in name) + "\U000e007f"
            if text.startswith(tags, at + 1):
                spans.update(dict.fromkeys(range(at + 1, at + 1 + len(tags)), at))
        at = text.find(_FLAG, at + 1)
    return spans


def _hides(text: str, at: int) -> bool:
    char = text[at]
    if char >= "\U000e0000" or char in "\u202d\u202e\u2066\u2067\u2068\u3164\u115f\u1160\uffa0":
        return True
    if "\ufe00" <= char <= "\ufe0f":
        return text[at - 1 : at].isalnum() and text[at - 1 : at].isascii() and text[at - 1] not in "0123456789"
    inside = text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()
    return inside and char in "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u034f"
