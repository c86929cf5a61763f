"""Comparing two configurations while they run: intervals that may be looked at any time, and how many runs are needed.

An ordinary 95 % interval that is looked at after each run is wrong far more often than one time in twenty. These hold
at all looks together: the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
(Time-uniform central limit theory, 2021), equation (14).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ArmVerdict = Literal["running", "first", "second", "equal", "harm"]

_TIGHTEST_AT = 100
"""Runs of each at which the interval is narrowest for what it could be."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two series of results say so far."""

    verdict: ArmVerdict
    """`first` or `second` is better; `equal`: neither by as much as matters; `harm`: the second is too bad."""
    difference: float
    """Second minus first."""
    low: float
    high: float
    """Holds at every look."""
    first: int
    second: int
    needed: int
    """Runs of each from the beginning on, for a difference as large as matters."""


def compare(
    first: Sequence[float], second: Sequence[float], *, effect: float, alpha: float = 0.05, harm: float | None = None
) -> Comparison:
    """Whether the second does better than the first, where a difference of `effect` matters.

    `harm` is the loss from which on the experiment ends at once.
    """
    counts = len(first), len(second)
    if min(counts) < 2:
        return Comparison("running", 0.0, -math.inf, math.inf, *counts, needed(0.15**2, effect, alpha))
    (mean_first, variance_first), (mean_second, variance_second) = _moments(first), _moments(second)
    radius_first, radius_second = (
        _radius(counts[0], variance_first, alpha / 2),
        _radius(counts[1], variance_second, alpha / 2),
    )
    # each holds with half of alpha; the errors of two series that know nothing of each other add as squares
    difference, radius = mean_second - mean_first, math.hypot(radius_first, radius_second)
    low, high = difference - radius, difference + radius
    verdict: ArmVerdict = "running"
    if harm is not None and high < -harm:
        verdict = "harm"
    elif low > 0:
        verdict = "second"
    elif high < 0:
        verdict = "first"
    elif -effect < low and high < effect:
        verdict = "equal"
    size = needed(max(variance_first, variance_second), effect, alpha)
    return Comparison(verdict, difference, low, high, *counts, size)


def needed(variance: float, effect: float, alpha: float = 0.05) -> int:
    """Runs of each until a difference of `effect` is outside of the interval."""
    low, high = 2, 2
    while math.sqrt(2) * _radius(high, variance, alpha / 2) > effect and high < 10**8:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if math.sqrt(2) * _radius(middle, variance, alpha / 2) > effect:
            low = middle + 1
        else:
            high = middle
    return high


def _radius(count: int, variance: float, alpha: float) -> float:
    spread = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / _TIGHTEST_AT
    inner = 2 * (count * spread + 1) / (count**2 * spread) * math.log(math.sqrt(count * spread + 1) / alpha)
    return math.sqrt(variance * inner)


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and variance with four results of deviation 0.15 beside it: a few equal results are no certainty."""
    mean = math.fsum(values) / len(values)
    return mean, (math.fsum((value - mean) ** 2 for value in values) + 4 * 0.15**2) / (len(values) + 3)
