"""Which language a text is written in, by its commonest small words."""

from __future__ import annotations

import re
from collections import Counter

_SMALL_WORDS = {
    "en": "the of and to in is was for that with as by on at from this are were its it be has which than or",
    "de": "der die das und in von den zu mit ist im des für auf dem nicht eine ein sich als auch bei nach aus wurde",
    "fr": "le la les des et de un une du en est dans pour que qui par sur au avec plus pas ce cette aux sont été",
    "it": "il la di che e un una per in con del della è sono nel alla i le da non dei più si come gli delle",
    "es": "el la de que y en los las un una por con para del se es al como más su lo no fue han entre",
    "nl": "de het een en van in is dat op te zijn voor met niet aan er om ook als bij door naar werd worden",
    "pt": "o a de que e em do da um uma para com não os as no na por mais dos das ao se foi são",
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str | None:
    """The ISO code of the text's language; None where it is too short, mixed or not known here."""
    counts = Counter(word.casefold() for word in _WORD.findall(text))
    scores = {language: sum(counts[word] for word in words) for language, words in _WORDS.items()}
    best, second = sorted(scores, key=lambda language: -scores[language])[:2]
    if scores[best] < 12 or scores[best] < 1.25 * scores[second]:
        return None
    return best
