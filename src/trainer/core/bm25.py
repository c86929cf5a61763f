"""Okapi BM25: which passages say most about a query, by their words alone."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75
_WORD = re.compile(r"\w+")
# Scripts written without spaces between words: kana, Han, Hangul, Thai, Lao, Khmer, Burmese.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)


def rank(query: str, passages: Sequence[str]) -> list[tuple[int, float]]:
    """Every passage's index and score, best first; equal scores keep the passages' order, no shared word scores 0.

    >>> rank("phase trials", ["Revenue grew.", "Trials in phase 3."])
    [(1, 1.219939), (0, 0.0)]
    """
    counts = [Counter(words(passage)) for passage in passages]
    lengths = [count.total() for count in counts]
    average = (sum(lengths) / len(lengths) if lengths else 0.0) or 1.0
    weights = {word: _rarity(word, counts) for word in sorted(set(words(query)))}
    scores = [
        round(sum(weight * _frequency(count[word], length / average) for word, weight in weights.items()), 6)
        for count, length in zip(counts, lengths, strict=True)
    ]
    return sorted(enumerate(scores), key=lambda scored: (-scored[1], scored[0]))


def words(text: str) -> list[str]:
    """The words of `text` as they are compared: case, accents and widths folded, unspaced scripts in pairs of letters.

    >>> words("Ｐhase Ⅲ: Größe, naïve, 臨床試験")
    ['phase', 'iii', 'grosse', 'naive', '臨床', '床試', '試験']
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    folded = unicodedata.normalize("NFKC", bare).casefold()
    return [part for word in _WORD.findall(folded) for part in _parts(word)]


def _parts(word: str) -> Iterator[str]:
    start = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > start:
            yield word[start : run.start()]
        letters = run.group()
        yield from (letters[index : index + 2] for index in range(max(1, len(letters) - 1)))
        start = run.end()
    if start < len(word):
        yield word[start:]


def _rarity(word: str, counts: Sequence[Counter[str]]) -> float:
    holders = sum(word in count for count in counts)
    return math.log(1 + (len(counts) - holders + 0.5) / (holders + 0.5))


def _frequency(times: int, relative_length: float) -> float:
    damping = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * relative_length)
    return times * (_SATURATION + 1) / (times + damping)
