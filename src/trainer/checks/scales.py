"""The scale that a text shows its data to be in: thousands that no key, unit or title tells of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from trainer.checks.claims import Claim
from trainer.checks.thresholds import NAMED
from trainer.checks.view import FactsView

FACTORS = (1e3, 1e4, 1e6, 1e8, 1e9)
"""What accounts and statistics are stored in: thousands, millions, billions, and the 万 and 億 of East Asia."""


def shown_scales(view: FactsView, claims: Iterable[Claim]) -> Mapping[int, float]:
    """By measure, the factor by which exact figures of a text exceed its data.

    Two figures at least have to agree, and half as many as meet the data as it stands: one alone may be a slip, and is
    told as one.
    """
    votes: dict[int, Counter[float]] = defaultdict(Counter)
    places: set[tuple[float, float]] = set()
    for claim in claims:
        numeral = claim.numeral
        place = (numeral.low, numeral.high)
        if numeral.kind not in ("number", "money") or numeral.soft or numeral.digits < 3 or place in places:
            continue
        places.add(place)
        named = view.affinities(claim.words) if numeral.digits < 4 else {}
        for factor in (1.0, *FACTORS):
            measures = {
                datum.measure
                for datum, option in view.within(numeral.low / factor, numeral.high / factor)
                if option is datum.options[0] and option.kind in ("", "count", "money")
            }
            for measure in measures:
                if numeral.digits >= 4 or named.get(measure, 0.0) >= NAMED:
                    votes[measure][factor] += 1
    factors = {}
    for measure, counts in votes.items():
        likeliest = max(FACTORS, key=lambda factor: (counts[factor], -factor))
        if counts[likeliest] >= max(2, 0.5 * counts[1.0]):
            factors[measure] = likeliest
    return factors
