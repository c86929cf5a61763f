"""A text as a model reads it: compatibility forms folded, look-alike letters undone, encoded passages decoded."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from trainer.security.characters import strip_invisible

_TAG_TEXT = re.compile("[\U000e0020-\U000e007e]")
_SOFT = re.compile(
    "[\xad\u034f\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_WORD = re.compile(r"[^\W\d_]+")
_SPACED = re.compile(r"(?<!\w)\w(?:[ .\-_*·]\w){2,200}(?!\w)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")
_PERCENT = re.compile(r"[^\s%]{0,200}%[0-9a-fA-F]{2}\S*")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]?){16,}")
_CYRILLIC = re.compile("[\u0400-\u052f]")
_MOST_BLOBS = 200
_LONGEST_BLOB = 100_000

_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁԛԝһӏвмнткАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧαονικρτυχɡⅼ",
    "aeopcyxijsdqwhlbmhtkABEKMHOPCTYXIJSABEZHIKMNOPTYXaovikptuxgl",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of a text."""

    text: str
    start: int | None = None
    """Where the passage it was decoded from starts in the plain reading; None is the plain reading itself."""
    encoding: str = ""
    """`base64`, `hex`, `url`, `entity`, `tags` or `spaced` (letter by letter); empty for the plain reading."""


def plain(text: str) -> str:
    """The plain reading: same lines, but in NFKC, nothing invisible, and no foreign letters inside Latin words."""
    if text.isascii():
        return text
    return fold_lookalikes(_SOFT.sub("", unicodedata.normalize("NFKC", strip_invisible(text))))


def views(text: str) -> Iterator[Reading]:
    """The plain reading, then each passage of it that was written in another encoding, decoded once."""
    folded = plain(text)
    yield Reading(folded)
    if not text.isascii() and (tags := _TAG_TEXT.findall(text)):
        at = text.index(tags[0])
        yield Reading("".join(chr(ord(char) - 0xE0000) for char in tags), len(plain(text[:at])), "tags")
    yield from _decoded(folded)


def fold_lookalikes(text: str) -> str:
    """The text with Cyrillic and Greek look-alikes made Latin inside words that mix them with Latin letters."""
    if text.isascii():
        return text
    return _WORD.sub(lambda match: _fold_word(match[0]), text)


def mixed_words(text: str) -> list[tuple[int, str]]:
    """Offset and text of the words that mix Latin letters with look-alikes of another script."""
    if text.isascii():
        return []
    return [(match.start(), match[0]) for match in _WORD.finditer(text) if _is_mixed(match[0])]


def _fold_word(word: str) -> str:
    return word.translate(_LOOKALIKES) if _is_mixed(word, shortest=2) else word


def _is_mixed(word: str, *, shortest: int = 4) -> bool:
    """Whether a word reads as Latin only because look-alikes stand in for some of its letters."""
    if word.isascii() or len(word) < shortest:
        return False
    folded = word.translate(_LOOKALIKES)
    if not folded.isascii() or not any(char.isascii() for char in word):
        return False
    # TNFα and NFκB are names, not disguises
    return bool(_CYRILLIC.search(word)) or sum(char.isascii() and char.isupper() for char in word) < 2


def _decoded(text: str) -> Iterator[Reading]:
    for index, (match, encoding, decoded) in enumerate(_passages(text)):
        if index >= _MOST_BLOBS:
            return
        yield Reading(plain(decoded), match.start(), encoding)


def _passages(text: str) -> Iterator[tuple[re.Match[str], str, str]]:
    for match in _BASE64.finditer(text):
        if readable := _readable(_from_base64(match[0])):
            yield match, "base64", readable
    for match in _HEX.finditer(text):
        if readable := _readable(_from_hex(match[0])):
            yield match, "hex", readable
    if text.count("%") > 2:
        for match in _PERCENT.finditer(text):
            if (decoded := urllib.parse.unquote_plus(match[0])) != match[0] and " " in decoded:
                yield match, "url", decoded
    if entity := _ENTITY.search(text):
        yield entity, "entity", html.unescape(text)
    if spaced := _SPACED.search(text):
        yield spaced, "spaced", _SPACED.sub(lambda match: re.sub(r"[ .\-_*·]", "", match[0]), text)


def _from_base64(blob: str) -> bytes:
    if len(blob) > _LONGEST_BLOB or (blob.isalpha() and (blob.islower() or blob.isupper())):
        return b""
    standard = blob.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _from_hex(blob: str) -> bytes:
    digits = re.sub(r"0x|\\x|[ ,:]", "", blob[:_LONGEST_BLOB])
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def _readable(content: bytes) -> str:
    """The content as text where it is words of some language; else nothing."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    words = sum(char.isalpha() or char.isspace() for char in text)
    return text if len(text) >= 8 and words >= 0.8 * len(text) and text.isprintable() | ("\n" in text) else ""
