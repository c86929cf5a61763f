"""What a text says in words of direction, rank and size, held against the data that its figures and names bind.

Each is reported at the word itself. Nothing is said where the words do not bind what is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from trainer.checks.claims import Sentence
from trainer.checks.directions import directions
from trainer.checks.evidence import Assessment, Evidence
from trainer.checks.predicate import Predicate
from trainer.checks.ranks import ranks
from trainer.checks.sizes import sizes
from trainer.checks.trends import comparisons, spans, streaks, surpassings

READERS: tuple[Callable[[Evidence, Sentence, Sequence[Assessment]], Iterator[Predicate]], ...] = (
    directions,
    ranks,
    sizes,
    streaks,
    spans,
    comparisons,
    surpassings,
)
"""In this order; of two that speak of one word the first decides."""


def check_predicates(evidence: Evidence, sentences: Sequence[Sentence]) -> Iterator[Predicate]:
    """Every predicate of the sentences that binds data, with whether it holds."""
    by_group: dict[tuple[int, ...], list[Assessment]] = {}
    for reading in evidence.readings:
        if not reading.claim.is_cell:
            by_group.setdefault(reading.claim.group, []).append(reading)
    for sentence in sentences:
        places: set[tuple[int, int]] = set()
        for read in READERS:
            for predicate in read(evidence, sentence, by_group.get(sentence.group, [])):
                if (predicate.line, predicate.column) not in places:
                    places.add((predicate.line, predicate.column))
                    yield predicate
