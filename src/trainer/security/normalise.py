"""A text as a model reads it: compatibility forms folded, look-alike letters undone."""

from __future__ import annotations

import re
import unicodedata

from trainer.security.characters import strip_invisible

_SOFT = re.compile(
    "[\xad\u034f\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile("[\u0400-\u052f]")

_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁԛԝһӏвмнткАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧαονικρτυχɡⅼ",
    "aeopcyxijsdqwhlbmhtkABEKMHOPCTYXIJSABEZHIKMNOPTYXaovikptuxgl",
)
_DRAWN = str.maketrans(
    "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"
    + "".join(chr(first + n) for first in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6) for n in range(26)),
    "abcdefghijklmnoprstuvwyz" + "abcdefghijklmnopqrstuvwxyz" * 4,
)
"""Small capitals and letters in squares, circles and flags, which NFKC leaves alone."""


def plain(text: str) -> str:
    """The plain reading: same lines, but in NFKC, nothing invisible, and no foreign letters inside Latin words."""
    if text.isascii():
        return text
    visible = unicodedata.normalize("NFKC", strip_invisible(text)).translate(_DRAWN)
    return fold_lookalikes(_SOFT.sub("", visible))


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
