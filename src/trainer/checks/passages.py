"""Figures that stand in contexts and in the texts of data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from trainer.checks.datums import Data
from trainer.checks.document import read_document
from trainer.checks.labels import labels
from trainer.checks.mentions import Mention
from trainer.checks.numerals import Numeral, find_numerals
from trainer.core.values import Context


class Passages:
    """The figures that contexts and texts in the data hold, found by magnitude and the words they share."""

    def __init__(self, data: Data, contexts: Sequence[Context]) -> None:
        self.found: dict[float, list[tuple[Numeral, frozenset[str], str, bool]]] = {}
        for context in contexts:
            for line, numeral, words in _figures_of(context.text):
                self._add(numeral, words, f"{context.path}:{line}", True)
        for support, text, _subject in data.texts:
            if any(letter.isdigit() for letter in text):
                for _line, numeral, words in _figures_of(text):
                    self._add(numeral, words, support, False)

    def _add(self, numeral: Numeral, words: frozenset[str], place: str, context: bool) -> None:
        self.found.setdefault(round(abs(numeral.value), 6), []).append((numeral, words, place, context))

    def find(self, mention: Mention, *, least: int) -> tuple[str, bool] | None:
        """Place of the passage that states the figure, and whether it is a context; None where none does.

        It must share `least` words with what stands around the figure.
        """
        written = mention.numeral
        words = {token for token, weight in mention.weights.items() if weight >= 0.35}
        best: tuple[int, str, bool] | None = None
        for numeral, theirs, place, context in self.found.get(round(abs(written.value), 6), ()):
            shared = len(words & theirs)
            same = numeral.kind == written.kind and numeral.currency == written.currency
            if same and shared >= least and (best is None or shared > best[0]):
                best = shared, place, context
        return (best[1], best[2]) if best else None


@lru_cache(maxsize=256)
def _figures_of(text: str) -> tuple[tuple[int, Numeral, frozenset[str]], ...]:
    found = []
    for block in read_document(text).blocks:
        numerals = find_numerals(block.text)
        for numeral in numerals:
            line, _ = block.place(numeral.start)
            around = block.text[max(0, numeral.start - 200) : numeral.end + 200]
            words = frozenset(token for token, _, _ in labels(around))
            found.append((line, numeral, words))
    return tuple(found)
