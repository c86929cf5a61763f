"""Facts by word, member, time and value, so that a text's claims find their observations at once."""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from trainer.facts.values import Facts, Member, Observation, Time
from trainer.facts.words import text_words


class Index:
    """Inverted indexes over facts; each is made when it is first asked for, in time linear in the facts.

    Args:
        facts: what to index.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @cached_property
    def measures_by_word(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of measures by folded word."""
        table: dict[str, list[str]] = defaultdict(list)
        for measure in self.facts.measures.values():
            for word in measure.words:
                table[word].append(measure.id)
        return {word: tuple(ids) for word, ids in table.items()}

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """How telling each word of measures is: the logarithm of one over its share of them."""
        total = len(self.facts.measures)
        return {word: math.log(1 + total / len(ids)) for word, ids in self.measures_by_word.items()}

    @cached_property
    def members_by_words(self) -> Mapping[tuple[str, ...], tuple[tuple[str, Member], ...]]:
        """Dimension and member by the folded words of each of the member's names."""
        table: dict[tuple[str, ...], list[tuple[str, Member]]] = defaultdict(list)
        for dimension in self.facts.dimensions.values():
            for member in dimension.members:
                for name in dict.fromkeys((member.name, *member.aliases)):
                    if words := text_words(name):
                        table[words].append((dimension.name, member))
        return {words: tuple(members) for words, members in table.items()}

    @cached_property
    def by_measure(self) -> Mapping[str, tuple[int, ...]]:
        """Places of observations by measure, in the order of the data."""
        table: dict[str, list[int]] = defaultdict(list)
        for at, observation in enumerate(self.facts.observations):
            table[observation.measure].append(at)
        return {measure: tuple(places) for measure, places in table.items()}

    @cached_property
    def by_member(self) -> Mapping[tuple[str, str], frozenset[int]]:
        """Places of observations by dimension and member."""
        table: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, observation in enumerate(self.facts.observations):
            for pair in observation.members.items():
                table[pair].append(at)
        return {pair: frozenset(places) for pair, places in table.items()}

    @cached_property
    def _magnitudes(self) -> tuple[list[Decimal], list[int]]:
        order = sorted(range(len(self.facts.observations)), key=lambda at: abs(self.facts.observations[at].value))
        return [abs(self.facts.observations[at].value) for at in order], order

    def measures(self, words: Iterable[str]) -> list[tuple[str, float]]:
        """Measures that some folded words name, the best first: the share of the measure's weight that they cover.

        >>> Index(facts).measures(["net", "income"])
        [('net_income', 1.0), ('interest_income', 0.41)]
        """
        wanted = set(words)
        ids = dict.fromkeys(measure for word in sorted(wanted) for measure in self.measures_by_word.get(word, ()))
        scores = [(measure, self._coverage(measure, wanted)) for measure in ids]
        return sorted(scores, key=lambda pair: (-pair[1], pair[0]))

    def _coverage(self, measure: str, wanted: set[str]) -> float:
        words = self.facts.measures[measure].words
        whole = sum(self.weights[word] for word in words)
        return sum(self.weights[word] for word in words if word in wanted) / whole if whole else 0.0

    def select(
        self, measure: str, members: Mapping[str, str] | None = None, time: Time | None = None
    ) -> tuple[Observation, ...]:
        """The observations of a measure at some members and within a time, in the order of the data."""
        places: Sequence[int] = self.by_measure.get(measure, ())
        for pair in (members or {}).items():
            there = self.by_member.get(pair, frozenset())
            places = [at for at in places if at in there]
        every = (self.facts.observations[at] for at in places)
        if time is None:
            return tuple(every)
        return tuple(one for one in every if one.time and time.start <= one.time.start and one.time.end <= time.end)

    def between(self, low: Decimal, high: Decimal) -> tuple[Observation, ...]:
        """The observations whose stored magnitude lies in a closed interval, by magnitude."""
        magnitudes, order = self._magnitudes
        start, end = bisect.bisect_left(magnitudes, low), bisect.bisect_right(magnitudes, high)
        return tuple(self.facts.observations[at] for at in order[start:end])
