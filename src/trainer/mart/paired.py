"""Two variants on the same cases: how much better one is, and whether that may be chance.

The sign-flip test of Fisher (The Design of Experiments, 1935, section 21), computed exactly: if neither variant were
better, each case's difference could as well have had the other sign.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

CHANCE = 0.05
"""A difference this improbable or less is not called chance: Fisher's own one in twenty."""


def chance(differences: Sequence[int]) -> float:
    """How probable a difference at least as large would be if the signs were tossed; 1 where nothing differs.

    >>> chance([1, 1, 1, 1, 1, 1])
    0.03125
    >>> chance([2, -1, 0])
    1.0
    """
    sums = Counter({0: 1})
    for size in (abs(difference) for difference in differences if difference):
        sums = Counter(
            {
                total: sums[total - size] + sums[total + size]
                for total in {one + sign * size for one in sums for sign in (-1, 1)}
            }
        )
    observed = abs(sum(differences))
    extreme = sum(count for total, count in sums.items() if abs(total) >= observed)
    return extreme / sums.total()
