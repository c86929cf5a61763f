"""Rows that say the same: equal ones by their digest, nearly equal ones by MinHash (Broder, 1997)."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence

from trainer.core.digest import canonical
from trainer.core.values import Json
from trainer.quality.values import DuplicatePair

_PERMUTATIONS, _BANDS = 64, 16
"""Sixteen bands of four: pairs that share 90 % of their triples are met in 99.99 % of cases, those of 40 % in 34 %."""
_PRIME = (1 << 61) - 1
_SHORTEST = 24
"""Letters of a row; shorter ones share their triples by chance."""
_MOST_IN_BUCKET = 50


def find_duplicates(rows: Sequence[Mapping[str, Json]], *, similarity: float = 0.9) -> list[DuplicatePair]:
    """Pairs of rows, each later one with the earliest that it equals or resembles by at least `similarity`."""
    pairs: dict[int, DuplicatePair] = {}
    first: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        earlier = first.setdefault(canonical(row), number)
        if earlier != number:
            pairs[number] = DuplicatePair(number, earlier, 1.0)
    shingles = {
        number: _triples(row)
        for number, row in enumerate(rows, 1)
        if number not in pairs and len(_text(row)) >= _SHORTEST
    }
    buckets: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for number, triples in shingles.items():
        for band in _bands(triples):
            bucket = buckets.setdefault(band, [])
            for other in bucket:
                if number not in pairs and (shared := jaccard(triples, shingles[other])) >= similarity:
                    pairs[number] = DuplicatePair(number, other, round(shared, 3))
            if len(bucket) < _MOST_IN_BUCKET:
                bucket.append(number)
    return [pairs[number] for number in sorted(pairs)]


def jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    """The share of all members that both have."""
    return len(one & other) / max(1, len(one | other))


def _text(row: Mapping[str, Json]) -> str:
    return " ".join(str(cell).casefold() for cell in row.values() if isinstance(cell, str))


def _triples(row: Mapping[str, Json]) -> frozenset[int]:
    """The hashed triples of a row's letters, numbers included, the same in every process."""
    text = " ".join(str(cell).casefold() for cell in row.values() if cell is not None)
    return frozenset(
        int.from_bytes(hashlib.blake2b(text[at : at + 3].encode(), digest_size=7).digest())
        for at in range(max(1, len(text) - 2))
    )


def _bands(triples: frozenset[int]) -> list[tuple[int, tuple[int, ...]]]:
    signature = [min((a * triple + b) % _PRIME for triple in triples) for a, b in _COEFFICIENTS]
    size = _PERMUTATIONS // _BANDS
    return [(band, tuple(signature[band * size : (band + 1) * size])) for band in range(_BANDS)]


_GENERATOR = random.Random(1)  # noqa: S311  (the same permutations everywhere)
_COEFFICIENTS = [(_GENERATOR.randrange(1, _PRIME), _GENERATOR.randrange(_PRIME)) for _ in range(_PERMUTATIONS)]
