"""Which way a document and its blocks are read: from the language, and where none is named, from the letters."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from trainer.core.values import Json

Direction = Literal["ltr", "rtl"]

_WORDS_LANGUAGES = "ar arc arz ckb dv fa glk he iw ks lrc mzn nqo pnb ps rhg sd skr syr ug ur uzs yi"
_LANGUAGES = frozenset(_WORDS_LANGUAGES.split())
"""Languages that are written from the right wherever no script is named; CLDR says the same."""
_SCRIPTS = frozenset(["adlm", "arab", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa"])
_SAMPLE = 20_000
"""Letters that decide where no language is named."""


def language_of(meta: Mapping[str, Json]) -> str:
    """The document's language tag: `language` or `lang` of its front matter, else English."""
    return str(meta.get("language") or meta.get("lang") or "en")


def document_direction(meta: Mapping[str, Json], text: str) -> Direction:
    """`dir` of the front matter, else the language's direction, else that of most letters."""
    if meta.get("dir") in ("ltr", "rtl"):
        return "rtl" if meta["dir"] == "rtl" else "ltr"
    if meta.get("language") or meta.get("lang"):
        first, *subtags = language_of(meta).casefold().replace("_", "-").split("-")
        script = next((tag for tag in subtags if len(tag) == 4 and tag.isalpha()), "")
        return "rtl" if script in _SCRIPTS or (not script and first in _LANGUAGES) else "ltr"
    return text_direction(text[:_SAMPLE]) or "ltr"


def text_direction(text: str) -> Direction | None:
    """The direction of most letters; None for words without letters.

    >>> text_direction("ABBV: سنة مالية"), text_direction("(42)")
    ('rtl', None)
    """
    if text.isascii():
        return "ltr" if any(map(str.isalpha, text)) else None
    kinds = Counter(map(unicodedata.bidirectional, text))
    left, right = kinds["L"], kinds["R"] + kinds["AL"]
    return None if not left and not right else "rtl" if right > left else "ltr"
