"""The words by which a language writes figures, times and comparisons, as patterns; read from `words/languages.yaml`."""  # noqa: E501

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from trainer.core.yamltext import load_yaml

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Letters of scripts that put no spaces between words, as a class of a pattern."""
_WORD = re.compile(rf"[^\W\d_{CJK}]+|[{CJK}]")
_KANA = re.compile("[\u3040-\u30ff]")
_HAN = re.compile("[\u3400-\u9fff]")
NEVER = re.compile(r"(?!)")
SHORT = 200
"""Most letters of a text that is read once for all places it stands in, as heads, cells and sentences do."""


@cache
def languages() -> Mapping[str, Mapping[str, Any]]:
    """The data file, by ISO code."""
    text = resources.files("trainer.checks").joinpath("words/languages.yaml").read_text("utf-8")
    value: Mapping[str, Mapping[str, Any]] = load_yaml(text, shown="languages.yaml").value
    return value


@lru_cache(maxsize=64)
def detect_language(text: str) -> str:
    """The ISO code of the text's language by its commonest small words; `en` where nothing tells."""
    scores = _scores(text)
    best = max(scores, key=lambda code: (scores[code], code == "en"))
    return best if scores[best] > scores["en"] else "en"


def sure_language(text: str) -> str | None:
    """The ISO code of the text's language; None where it is too short, mixed or not known here."""
    scores = _scores(text)
    best, second = sorted(scores, key=lambda code: -scores[code])[:2]
    return best if scores[best] >= 12 and scores[best] >= 1.25 * scores[second] else None


def _scores(text: str) -> dict[str, int]:
    """How many small words of each language stand in a text; scripts tell by their letters."""
    counts = Counter(word.casefold() for word in _WORD.findall(text))
    scores = {code: sum(counts[word] for word in words["small"].split()) for code, words in languages().items()}
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    words = len(text.split())
    scores["ja"] = kana + han if kana * 10 > words else 0
    scores["zh"] = han if han * 4 > words and not scores["ja"] else 0
    return scores


def alternation(terms: Iterable[object], *, glued: bool = False) -> str:
    """A pattern of any of the terms, the longest first; `word*` stands for all words that start so.

    `glued` terms may follow a letter or digit at once, as in `29.4x`.
    """
    return "|".join(_term(str(term), glued) for term in sorted(map(str, terms), key=lambda term: (-len(term), term)))


def _term(term: str, glued: bool) -> str:
    stem = term.removesuffix("*")
    pattern = r"[\s\u00a0-]+".join(map(re.escape, re.split(r"[\s]+", stem)))
    if re.match(rf"[{CJK}]", stem):
        return pattern
    start = r"(?<!\w)" if stem[:1].isalnum() and not glued else ""
    end = r"\w*" if term.endswith("*") else r"(?!\w)" if stem[-1:].isalnum() else ""
    return f"{start}{pattern}{end}"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of a text's language, and of English, which stands in texts of any language."""

    language: str
    """ISO code."""

    def terms(self, key: str) -> list[str]:
        """The terms under a key that is a list."""
        return list(_terms(self.language, key))

    def mapped(self, key: str) -> dict[str, float]:
        """Each term under a key that maps values to terms, folded, with its value; the text's own language wins."""
        return _mapped(self.language, key)

    def pattern(self, key: str) -> re.Pattern[str]:
        """A pattern of the terms under a key."""
        return _pattern(self.language, key)

    def own(self, key: str) -> re.Pattern[str]:
        """As `pattern`, of the text's own language alone: `lag` is a verb of direction in English only."""
        return _pattern(self.language, key, alone=True)

    def before(self, key: str) -> re.Pattern[str]:
        """A pattern of the terms at the end of what stands before something."""
        return _before(self.language, key)

    def has(self, key: str, text: str) -> bool:
        """Whether a text has one of the terms."""
        return bool(_pattern(self.language, key).search(text))


def _codes(language: str) -> tuple[str, ...]:
    own = language if language in languages() else "en"
    return (own,) if own == "en" else (own, "en")


@cache
def _terms(language: str, key: str) -> tuple[str, ...]:
    terms: list[str] = []
    for code in _codes(language):
        value = languages()[code].get(key, [])
        terms += value.split() if isinstance(value, str) else [str(term) for term in value]
    return tuple(dict.fromkeys(terms))


@cache
def _mapped(language: str, key: str) -> dict[str, float]:
    terms: dict[str, float] = {}
    for code in reversed(_codes(language)):
        for value, words in languages()[code].get(key, {}).items():
            terms |= {str(word).casefold(): float(value) for word in words}
    return terms


@cache
def _before(language: str, key: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{_pattern(language, key).pattern})[\s*(]*$", re.IGNORECASE)


@cache
def _pattern(language: str, key: str, *, alone: bool = False) -> re.Pattern[str]:
    values = [languages()[code][key] for code in _codes(language) if key in languages()[code]]
    terms: Iterable[str] = (
        _mapped(language, key) if values and isinstance(values[0], Mapping) else _terms(language, key)
    )
    if alone and key in languages()[_codes(language)[0]]:
        terms = [str(term) for term in languages()[_codes(language)[0]][key]]
    return re.compile(alternation(terms), re.IGNORECASE) if terms else NEVER
