"""The readings of a text: the plain one, passages in another encoding decoded, and disguises of words undone."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from trainer.security.normalise import plain

_MOST_BLOBS = 200
_LONGEST_BLOB = 100_000
_TAG_TEXT = re.compile("[\U000e0020-\U000e007e]")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A reading of a text."""

    text: str
    start: int | None = None
    """Where the passage it was decoded from starts in the plain reading; None is the plain reading itself."""
    encoding: str = ""
    """`base64`, `hex`, `reversed` …; empty for the plain reading."""
    end: int | None = None
    """Where that passage ends; None where it is no single passage."""


def readings(text: str) -> Iterator[DecodedText]:
    """The plain reading, then each passage of it in another encoding and each disguise of its words, undone once."""
    folded = plain(text)
    yield DecodedText(folded)
    if not text.isascii():
        yield from _invisible(text)
    for reading in passages(folded):
        yield replace(reading, text=plain(reading.text))
    if entity := _ENTITY.search(folded):
        yield DecodedText(plain(html.unescape(folded)), entity.start(), "entity")
    for disguise, shows, undo in _DISGUISES:
        if (at := shows(folded)) is not None:
            yield DecodedText(undo(folded), at, disguise)


def _invisible(text: str) -> Iterator[DecodedText]:
    """What stands in characters that nobody sees: tags are ASCII moved up, variation selectors are bytes."""
    if tags := _TAG_TEXT.findall(text):
        yield DecodedText(
            "".join(chr(ord(char) - 0xE0000) for char in tags), len(plain(text[: text.index(tags[0])])), "tags"
        )
    for match in _SELECTORS.finditer(text):
        codes = bytes(ord(char) - (0xFE00 if char < "\uff00" else 0xE00F0) for char in match[0])
        if readable := _readable(codes):
            yield DecodedText(readable, len(plain(text[: match.start()])), "variation selectors")


def passages(text: str, *, words: float = 0.8) -> Iterator[DecodedText]:
    """The passages of a text that are words in another encoding, decoded; of a text with very many the first ones.

    `words` is the share of letters and spaces from which they are words: keys have fewer.
    """
    count = 0
    for encoding, pattern, decode in _ENCODINGS:
        for match in pattern.finditer(text):
            try:
                readable = _readable(decode(match[0][:_LONGEST_BLOB]), words)
            except ValueError:
                continue
            if readable:
                yield DecodedText(readable, match.start(), encoding, match.end())
                count += 1
                if count >= _MOST_BLOBS:
                    return


def _readable(content: bytes, words: float = 0.8) -> str:
    """The content as text where it is words of some language; else nothing."""
    text = content.decode("utf-8", "replace")
    letters = sum(char.isalpha() or char.isspace() for char in text)
    return text if len(text) >= 8 and letters >= words * len(text) and text.isprintable() | ("\n" in text) else ""


def _from_base64(blob: str) -> bytes:
    if blob.isalpha() and (blob.islower() or blob.isupper()):
        return b""
    standard = blob.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _from_base32(blob: str) -> bytes:
    bare = blob.rstrip("=")
    return base64.b32decode(bare + "=" * (-len(bare) % 8))


def _from_hex(blob: str) -> bytes:
    return bytes.fromhex(re.sub(r"0x|\\x|[ ,:]", "", blob))


def _from_bits(blob: str) -> bytes:
    bits = re.sub(r"\s", "", blob)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def _from_codes(blob: str) -> bytes:
    return bytes(int(code) for code in re.split(r"[\s,]+", blob.strip(" ,")))


def _from_url(blob: str) -> bytes:
    decoded = urllib.parse.unquote_to_bytes(blob.replace("+", " "))
    return decoded if b" " in decoded and decoded != blob.encode() else b""


def _from_escapes(blob: str) -> bytes:
    return "".join(chr(int(code, 16)) for code in re.findall(r"\\[ux]([0-9a-fA-F]+)", blob)).encode("utf-8", "replace")


def _from_morse(blob: str) -> bytes:
    words = re.split(r"\s*/\s*|\s{2,}", blob.strip())
    return " ".join("".join(_MORSE.get(letter, "") for letter in word.split()) for word in words).encode()


_CODES = ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
_MORSE = dict(zip(_CODES.split(), "abcdefghijklmnopqrstuvwxyz", strict=True))

_ENCODINGS: tuple[tuple[str, re.Pattern[str], Callable[[str], bytes]], ...] = (
    ("base64", re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}"), _from_base64),
    ("base32", re.compile(r"[A-Z2-7]{24,}={0,6}"), _from_base32),
    ("hex", re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]?){16,}"), _from_hex),
    ("binary", re.compile(r"(?:[01]{8}\s?){12,}"), _from_bits),
    ("character codes", re.compile(r"(?:\d{2,3}[\s,]{1,2}){12,}\d{2,3}"), _from_codes),
    ("url", re.compile(r"(?<!\S)[^\s%]{0,200}%[0-9a-fA-F]{2}\S*"), _from_url),
    ("quoted-printable", re.compile(r"(?:[\w .,]{0,20}=[0-9A-F]{2}){4,}[\w .,]{0,20}"), binascii.a2b_qp),
    ("escapes", re.compile(r"(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}){6,}"), _from_escapes),
    ("morse", re.compile(r"(?<![\w.])(?:[.\-]{1,6}[ /]{1,3}){12,}[.\-]{1,6}"), _from_morse),
)
"""How each encoding looks, and its decoder, which may raise ValueError."""

_WORD = re.compile(r"[^\W\d_]{4,20}")
_SPACED = re.compile(r"(?<!\w)\w(?:[ .\-_*·|]\w){2,200}(?!\w)")
_LEET_WORD = re.compile(r"[a-z@$!]{0,12}[013457@$!][a-z013457@$!]{2,24}")
_LEET = str.maketrans("013457@$!", "oieastasi")
_JOINED = re.compile(
    r"(?<![a-zA-Z])[A-Za-z]{2,20}(?:[_\-./+*~|][A-Za-z]{2,20}){3,40}|[A-Z]?[a-z]{2,20}(?:[A-Z][a-z]{1,20}){3,40}"
)
_CUT = re.compile(r"(?<=\w)(?:<!--.{0,200}?-->|</?[a-z]{1,10}>|\*\*|__|``?|\\\n|-\n)(?=\w)")
_BACKWARDS = re.compile(
    r"instructions\W+(?:previous|prior|above|your|the|all)\W+(?:\w+\W+){0,2}(?:ignore|disregard|forget)|prompt\W+system\W",
    re.IGNORECASE,
)
_ACCENTS = re.compile("[\u0300-\u036f\u00c0-\u024f\u1e00-\u1eff]")

_TELLING = frozenset(
    re.split(
        " ",
        "ignore disregard forget override bypass previous instructions instruction prompt system reveal everything "
        "guidelines restrictions pretend respond output print repeat developer password following secret rules above",
    )
)
"""Words of attackers by which a disguised text is recognised."""
_LONG = sorted(word for word in _TELLING if len(word) > 5)
_SIGNATURES = {(word[0], word[-1], "".join(sorted(word))): word for word in _TELLING}
_SCRAMBLED = re.compile(
    "|".join(rf"\b(?!{word}\b){word[0]}[a-z]{{{len(word) - 2}}}{word[-1]}\b" for word in _LONG), re.IGNORECASE
)
"""A word that starts and ends like a telling one and is as long, but is not it."""

Shows = Callable[[str], int | None]
"""Where a disguise shows in a text; None where it does not."""


def _by(pattern: re.Pattern[str]) -> Shows:
    def shows(text: str) -> int | None:
        match = pattern.search(text)
        return match.start() if match else None

    return shows


def _by_words(words: list[str]) -> Shows:
    def shows(text: str) -> int | None:
        lowered = text.lower()
        return min((at for word in words if (at := lowered.find(word)) >= 0), default=None)

    return shows


def _shows_leet(text: str) -> int | None:
    words = (match for match in _LEET_WORD.finditer(text.lower()) if match[0].translate(_LEET) in _TELLING)
    return next((match.start() for match in words), None)


def _shows_joined(text: str) -> int | None:
    runs = (match for match in _JOINED.finditer(text) if any(word in match[0].lower() for word in _TELLING))
    return next((match.start() for match in runs), None)


def _shows_scrambled(text: str) -> int | None:
    words = (match for match in _SCRAMBLED.finditer(text) if _unscrambled(match[0]) != match[0])
    return next((match.start() for match in words), None)


def _unscrambled(text: str) -> str:
    """The text with the telling words put right whose inner letters stand in another order."""

    def put_right(match: re.Match[str]) -> str:
        word = match[0].lower()
        return _SIGNATURES.get((word[0], word[-1], "".join(sorted(word))), match[0])

    return _WORD.sub(put_right, text)


def _unjoined(text: str) -> str:
    """The text with words that hang together by signs or capitals set apart."""
    apart = _JOINED.sub(lambda match: re.sub(r"[_\-./+*~|]", " ", match[0]), text)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", apart)


def _without_accents(text: str) -> str:
    return re.sub("[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]", "", unicodedata.normalize("NFD", text))


_DISGUISES: tuple[tuple[str, Shows, Callable[[str], str]], ...] = (
    (
        "letter by letter",
        _by(_SPACED),
        lambda text: _SPACED.sub(lambda match: re.sub(r"[ .\-_*·|]", "", match[0]), text),
    ),
    ("reversed", _by_words([word[::-1] for word in _LONG]), lambda text: text[::-1]),
    ("words reversed", _by(_BACKWARDS), lambda text: " ".join(reversed(text.split()))),
    (
        "rot13",
        _by_words([codecs.encode(word, "rot13") for word in _LONG]),
        lambda text: codecs.encode(text, "rot13"),
    ),
    (
        "leet",
        _shows_leet,
        lambda text: _LEET_WORD.sub(lambda match: match[0].translate(_LEET), text.lower()),
    ),
    ("scrambled letters", _shows_scrambled, _unscrambled),
    ("joined words", _shows_joined, _unjoined),
    ("cut words", _by(_CUT), lambda text: _CUT.sub("", text)),
    ("accents", _by(_ACCENTS), _without_accents),
)
"""A disguise of words, how it shows, and how it is undone; what is undone is judged by the rules alone."""
