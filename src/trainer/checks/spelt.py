"""Claims of size and rank in words: `twice its net income`, `doubled`, `the second highest of the four quarters`.

Only forms that say what is compared with what are read, so that ordinary prose holds none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from trainer.checks.numerals import Numeral

_NUMBER_WORDS = "two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: value for value, word in enumerate(_NUMBER_WORDS.split(), 2)}
_NUMBER = "|".join(_NUMBERS)
_GREW = {
    "doubled": 2,
    "tripled": 3,
    "quadrupled": 4,
    "verdoppelt": 2,
    "verdoppelte": 2,
    "verdreifacht": 3,
    "doublé": 2,
    "triplé": 3,
}
_TIMES = re.compile(
    rf"\b(?:(?:(?P<twice>twice)|(?P<times>{_NUMBER})\s+times)"
    r"(?=\s+(?:the|its|their|that|those|what|as\s+(?:much|high|large|big|many)\s+as)\b)"
    rf"|(?P<grew>{'|'.join(_GREW)}))\b(?!\s+down)",
    re.IGNORECASE,
)
_ORDINALS = {"second": 2, "third": 3, "fourth": 4, "fifth": 5}
_HIGH = "highest|largest|biggest|greatest|strongest|best"
_LOW = "lowest|smallest|weakest|worst"
_RANK = re.compile(
    rf"\bthe\s+(?:(?P<nth>{'|'.join(_ORDINALS)})[\s-]+)?(?:(?P<high>{_HIGH})|(?P<low>{_LOW}))"
    r"(?:\s+(?:figure|value|level|result|revenue|profit))?\s+(?:of|in|among|over)\s+(?:the\s+|all\s+)*(?:last\s+|past\s+)?"
    rf"(?:(?P<many>{_NUMBER}|\d{{1,2}})\s+)?(?P<of>quarters|years|months|companies|peers|products|medicines|drugs|brands)\b",
    re.IGNORECASE,
)


_OVER = re.compile(r"\b(?:more than|over|at least)(?:\s+\w+)?\s*$", re.IGNORECASE)
_UNDER = re.compile(r"\b(?:nearly|almost|less than|not quite|just under)(?:\s+\w+)?\s*$", re.IGNORECASE)


def spelt_claims(text: str) -> Iterator[Numeral]:
    """The claims of size (`multiple`) and rank (`rank`) that a sentence makes in words."""
    for found in _TIMES.finditer(text):
        grown = _GREW.get((found["grew"] or "").casefold())
        value = float(grown or (2 if found["twice"] else _NUMBERS[found["times"].casefold()]))
        low, high = _between(text[max(0, found.start() - 24) : found.start()], value)
        yield Numeral(found.start(), found.end(), found[0], value, low, high, "multiple", soft=True)
    for found in _RANK.finditer(text):
        value = float(_ORDINALS.get((found["nth"] or "").casefold(), 1))
        yield Numeral(found.start(), found.end(), found[0], value, value, value, "rank", soft=True)


def _between(before: str, value: float) -> tuple[float, float]:
    """The ratios that people call so many times, given the words before."""
    if _OVER.search(before):
        return value, math.inf
    return (0.75 * value, value) if _UNDER.search(before) else (0.9 * value, 1.1 * value)


def grows(numeral: Numeral) -> bool:
    """Whether a claim of size is about one quantity at two times."""
    return numeral.text.casefold() in _GREW


def rank_claim(numeral: Numeral) -> tuple[bool, str, int]:
    """What a claim of rank says: whether counted from the highest, among what, and among how many (0 if unsaid)."""
    found = _RANK.fullmatch(numeral.text)
    if not found:
        raise ValueError(f"no claim of rank: {numeral.text}")
    many = (found["many"] or "0").casefold()
    return bool(found["high"]), found["of"].casefold(), _NUMBERS.get(many) or int(many)
