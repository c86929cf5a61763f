"""A small linear classifier of injected instructions: words and the letters in them, summed over a window of text.

The model is one file of whole-number weights, trained by `scripts/injection/train.py`; `docs/explanation/security.md`
says on what, and how it does on texts of others. A feature is hashed to a bucket: the letters of a word (three to five
in a row, with its borders), the word, and the runs of two and three words. Every part of the sum belongs to one word,
so a text is read once, whatever windows it is judged in; the score of a window is the sum of its words' parts over the
square root of their number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import accumulate
from zlib import crc32

BITS = 17
"""Letters have 2**17 buckets, and so have words."""
WINDOWS = (24, 64, 192)
"""Lengths in words of the windows that a text is judged in: a sentence, a paragraph, a page."""
MODEL = "classifier.bin"
"""A line of JSON (scale, bias, slope, shift), then the weights as signed bytes: of letters, then of words."""
_MASK = (1 << BITS) - 1
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(f"[{_UNSPACED}]|[^\\W\\d_{_UNSPACED}]+|\\d+|[^\\w\\s]{{1,3}}|_+|\n{{2,}}")
"""A letter of a script that sets no spaces, a word, a number, up to three signs, or a blank line."""
_LONGEST_WORD = 24


@dataclass(frozen=True, slots=True)
class SuspiciousPassage:
    """The part of a text that is most like an injected instruction."""

    probability: float
    """That it is one, from 0 to 1, as calibrated on texts kept apart from training."""
    start: int
    end: int


def most_suspicious(text: str) -> SuspiciousPassage:
    """The passage of `text` most like an injected instruction; a text without words has one of probability 0."""
    spans = [match.span() for match in _TOKEN.finditer(text)]
    if not spans:
        return SuspiciousPassage(0.0, 0, 0)
    model = _model()
    runs = model.weights[1 << BITS :]
    words = [text[start:end] for start, end in spans]
    sums = [0, *accumulate(word_parts(words, _letters, lambda code: runs[run_bucket(code)]))]
    score, first, last = best_window(sums)
    return SuspiciousPassage(model.probability(score), spans[first][0], spans[last - 1][1])


def tokens(text: str) -> list[str]:
    """The words of a text, as the classifier reads them."""
    return _TOKEN.findall(text)


def word_parts(words: Sequence[str], word: Callable[[str], int], run: Callable[[int], int]) -> list[int]:
    """What each word adds to the sum: its letters, itself, and the runs of two and three words that end with it."""
    parts = []
    previous, pair = 0, 0
    for text in words:
        lowered = "0" if text.isdecimal() else text.lower()
        code = lowered.encode("utf-8", "replace")
        three = crc32(code, pair)
        pair = crc32(code, previous)
        previous = crc32(code)
        parts.append(word(lowered) + run(previous) + run(pair) + run(three))
    return parts


def letter_buckets(word: str) -> list[int]:
    """The buckets of a word's letters, three to five in a row."""
    bordered = f"<{word[:_LONGEST_WORD]}>"
    return [
        crc32(bordered[start : start + size].encode("utf-8", "replace")) & _MASK
        for size in (3, 4, 5)
        for start in range(max(1, len(bordered) - size + 1))
    ]


def run_bucket(code: int) -> int:
    """The bucket of a word or a run of words with this checksum."""
    return (code ^ (code >> BITS)) & _MASK


def best_window(sums: Sequence[float], windows: Sequence[int] = WINDOWS) -> tuple[float, int, int]:
    """Score, first and past-the-last word of the window that scores highest, from the running sums of the words."""
    count = len(sums) - 1
    best = (-math.inf, 0, count)
    for size in windows:
        if size >= count:
            return max(best, (sums[count] / math.sqrt(count), 0, count))
        step = size // 4
        root = math.sqrt(size)
        for first in (*range(0, count - size, step), count - size):
            score = (sums[first + size] - sums[first]) / root
            if score > best[0]:
                best = (score, first, first + size)
    return best


@dataclass(frozen=True, slots=True)
class _Model:
    """The weights, ready to score."""

    weights: memoryview
    scale: float
    bias: float
    slope: float
    shift: float

    def probability(self, total: float) -> float:
        exponent = self.slope * (total / self.scale + self.bias) + self.shift
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, exponent))))


@cache
def _model() -> _Model:
    header, _, weights = (files(__package__) / MODEL).read_bytes().partition(b"\n")
    return _Model(memoryview(weights).cast("b"), **json.loads(header))


@lru_cache(maxsize=65_536)
def _letters(word: str) -> int:
    weights = _model().weights
    return sum(weights[bucket] for bucket in letter_buckets(word))
