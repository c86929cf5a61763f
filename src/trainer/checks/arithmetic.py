"""Claims that follow from data by arithmetic: all operations tried, the likeliest that meets the figure taken."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from trainer.checks.calendar import DAYS
from trainer.checks.claims import Claim
from trainer.checks.concepts import concepts
from trainer.checks.costs import Binding
from trainer.checks.evidence import Evidence
from trainer.checks.nearby import Nearby
from trainer.checks.numerals import Numeral
from trainer.checks.quantities import OPERATIONS, Candidate, Focus, Quantity
from trainer.checks.thresholds import ACCEPTED, BESIDE, BROKEN, CHANCE, DECADE, DERIVED_CHANCE, OTHER_SUBJECT, SURE
from trainer.checks.view import unit_cost

_WITH_SIGN = frozenset(
    ["share", "share of total", "change", "distance", "compound growth", "difference", "points", "inverse"]
)
"""Arithmetic whose results running text writes with the sign for per cent."""
_EITHER_WAY = frozenset(["difference", "points", "change", "compound growth", "distance"])
"""Arithmetic whose results are written without their sign: a gap, a step, `3 % apart`."""

_GRAINS = {
    "year": "years?|jahren?|ans|années|exercices|años|anni|anos",
    "quarter": "quarters?|quartalen?|trimestres|trimestri",
    "month": "months?|monaten?|mois|meses|mesi",
}
"""Words for the times that a sum is over."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """What arithmetic says of a claim."""

    best: Candidate | None
    """The likeliest result that meets the figure, where it is no accident."""
    chance: float = 1.0
    """Expected accidental hits among the results at least as likely."""
    hits: tuple[Candidate, ...] = ()
    """All results that meet it."""


class Arithmetic:
    """Reads a claim as the result of an operation."""

    def __init__(self, evidence: Evidence, nearby: Nearby) -> None:
        self.evidence = evidence
        self.view = evidence.view
        self.nearby = nearby

    def derive(self, claim: Claim, binding: Binding) -> Derivation:
        """The likeliest operation over nearby data that gives a claim's figure, and how likely an accident is."""
        numeral = claim.numeral
        size = abs(numeral.value)
        focus = self.nearby.focus(claim, binding)
        if not size:
            return self._nought(claim, focus)
        negative = self._is_negative(claim)
        hits: list[Candidate] = []
        plausible: dict[float, float] = {}
        """The results of the figure's decade that do not meet it, with the least cost of each."""
        beside = {_identity(item) for item in focus.row if not claim.is_cell}
        pairs: set[float] = set()
        """Of these, the results of two figures that stand in the sentence."""
        for candidate in self._results(claim, focus):
            sign = _sign_cost(numeral, candidate, negative=negative)
            value = abs(candidate.value)
            if sign is not None:
                hits.append(replace(candidate, cost=candidate.cost + sign))
            elif size / math.sqrt(10) <= value <= size * math.sqrt(10) and not _meets(numeral, value):
                key = float(f"{value:.6g}")
                plausible[key] = min(plausible.get(key, 99.0), candidate.cost)
                if _is_pair_of(candidate, beside):
                    pairs.add(key)
        if not hits:
            return Derivation(None)
        best = min(hits, key=_likelihood)
        count = sum(cost <= best.cost + 1e-9 for cost in plausible.values())
        chance = numeral.width / (DECADE * size) * count
        # Measures that are named whole, and a word for the arithmetic: there are only a few ways to combine them.
        whole = [item for item in hits if item.cost <= SURE and _is_bound(item, focus.named)]
        if whole and chance > DERIVED_CHANCE:
            return Derivation(min(whole, key=_likelihood), chance, tuple(hits))
        # Two figures of the sentence itself: few results compete with theirs.
        both = [item for item in hits if item.cost <= SURE and _is_pair_of(item, beside)]
        if both and chance > DERIVED_CHANCE and numeral.width / (DECADE * size) * len(pairs) <= DERIVED_CHANCE:
            return Derivation(min(both, key=_likelihood), chance, tuple(hits))
        limit = DERIVED_CHANCE if best.cost <= 1.5 else CHANCE
        if chance <= limit or (count <= 6 and best.cost <= 0.95) or (numeral.soft and best.cost <= 1.2):
            return Derivation(best, chance, tuple(hits))
        return Derivation(None, chance, tuple(hits))

    def _nought(self, claim: Claim, focus: Focus) -> Derivation:
        """A nought, which any two equal values give: only as the extreme of what words name."""
        extremes = [
            candidate
            for candidate in self._results(claim, focus)
            if candidate.operation == "extreme" and not candidate.value and candidate.cost <= SURE
        ]
        return Derivation(min(extremes, key=_likelihood, default=None))

    def _results(self, claim: Claim, focus: Focus) -> Iterator[Candidate]:
        """What every operation gives that may be written as the figure is, with the cost of its unit."""
        numeral = claim.numeral
        stated, grain = self._stated_count(claim)
        subject = self._subject(claim)
        for operation in OPERATIONS:
            for candidate in operation(focus):
                unit = self._unit_cost(claim, candidate, focus)
                if unit is None or candidate.cost > ACCEPTED:
                    continue
                if stated and candidate.operation in ("sum", "mean"):
                    unit += _span_cost(candidate, stated, grain)
                if subject is not None and candidate.operation in ("change", "times", "compound growth"):
                    unit += OTHER_SUBJECT if candidate.inputs[0].measure not in (subject, -1) else 0.0
                if unit < BROKEN and (candidate.operation != "count" or numeral.integer):
                    yield replace(candidate, cost=candidate.cost + unit)

    def _unit_cost(self, claim: Claim, candidate: Candidate, focus: Focus) -> float | None:
        """As `view.unit_cost`; None also where running text would write a result of this kind otherwise."""
        numeral = claim.numeral
        if numeral.bare and numeral.digits < 3 and candidate.operation in ("ratio", "per", "product"):
            return None
        is_percent = candidate.kind in ("percent", "points") and candidate.operation in _WITH_SIGN
        if numeral.kind == "number" and is_percent and not claim.is_cell:
            return None
        if numeral.kind == "points" and candidate.kind == "percent":
            return None
        if numeral.kind == "money" and not candidate.symbol and self.evidence.currency not in ("", numeral.unit):
            return None
        if numeral.kind == "physical" and not candidate.kind and self._is_other_unit(candidate, focus):
            return None
        return unit_cost(numeral, candidate.kind, candidate.symbol)

    def _is_negative(self, claim: Claim) -> bool:
        """Whether words say that a figure written without a sign is below zero."""
        has = self.evidence.lexicon.has
        text = f"{claim.head} {claim.before[-70:]} {claim.after[:40]}"
        return has("down", text) or has("negative", claim.before[-40:])

    def _is_other_unit(self, candidate: Candidate, focus: Focus) -> bool:
        """Whether a value without a unit is none of those that a physical unit is written of, as others have one."""
        has_units = any(kind == "physical" for kinds in self.view.kinds for kind, _ in kinds)
        return has_units and candidate.inputs[0].measure not in focus.named

    def _subject(self, claim: Claim) -> int | None:
        """The measure of the figure that a change stands right behind: `revenue was 170.0 billion, up 18.8 %`."""
        before = [
            reading
            for reading in self.evidence.by_group.get(claim.group, ())
            if reading.claim.numeral.end <= claim.numeral.start and not claim.is_cell
        ]
        if not before or len(claim.before) > BESIDE or concepts(claim.before) or before[-1].candidate is None:
            return None
        candidate = before[-1].candidate
        return candidate.inputs[0].measure if candidate.operation == "direct" else None

    def _stated_count(self, claim: Claim) -> tuple[int, str]:
        """How many times a sentence says that it sums up, and of what grain: `over the three years`; 0 where it does not."""  # noqa: E501
        words = self.evidence.lexicon.terms("numbers")[:12]
        grains = "|".join(f"(?P<{grain}>{names})" for grain, names in _GRAINS.items())
        match = re.search(rf"(?<!\w)(?:(\d\d?)|({'|'.join(words)}))[\s-]+(?:{grains})\b", claim.sentence, re.IGNORECASE)
        if match is None:
            return 0, ""
        grain = next(name for name in _GRAINS if match[name])
        folded = [word.casefold() for word in words]
        return int(match[1]) if match[1] else folded.index(match[2].casefold()) + 1, grain


def _span_cost(candidate: Candidate, stated: int, grain: str) -> float:
    """What speaks against a sum over the times that are said: nothing where it covers them, in whatever steps."""
    times = [item.time for item in candidate.inputs if item.time]
    if not times:
        return 0.0 if len(candidate.inputs) == stated else OTHER_SUBJECT
    days = (max(time.end for time in times) - min(time.start for time in times)).days + 1
    if abs(days / DAYS[grain] - stated) < 0.1 * stated or times[0].grain in ("day", "moment"):
        return 0.0 if len(candidate.inputs) == stated or times[0].grain not in ("day", "moment") else OTHER_SUBJECT
    return BROKEN if len(times) == stated else OTHER_SUBJECT


def _meets(numeral: Numeral, value: float) -> bool:
    return numeral.low <= value <= numeral.high


def _sign_cost(numeral: Numeral, candidate: Candidate, *, negative: bool) -> float | None:
    """What the sign speaks against a result that meets a figure, 0 where it is written; None where it meets it in no way."""  # noqa: E501
    if _meets(numeral, candidate.value):
        return 0.0
    if not candidate.value or not _meets(numeral, -candidate.value):
        return None
    if numeral.signed and (numeral.value < 0 or not negative):
        return None
    if negative:
        return 0.1
    if candidate.operation not in _EITHER_WAY:
        return None
    return 0.1 if candidate.operation in ("difference", "points") else 0.4


def _identity(item: Quantity) -> tuple[int, float]:
    return item.index, item.value if item.index < 0 else 0.0


def _is_pair_of(candidate: Candidate, beside: set[tuple[int, float]]) -> bool:
    return len(candidate.inputs) == 2 and all(_identity(item) in beside for item in candidate.inputs)


def _likelihood(candidate: Candidate) -> tuple[float, str, str]:
    return candidate.cost, candidate.operation, candidate.formula


def _is_bound(candidate: Candidate, named: frozenset[int]) -> bool:
    """Whether two measures, or one of two members, that are named whole are compared."""
    if candidate.operation not in ("distance", "share", "ratio", "difference") or len(candidate.inputs) != 2:
        return False
    one, two = candidate.inputs
    is_pair = one.measure != two.measure or (one.members != two.members and two.cost <= 1.2)
    return is_pair and one.measure in named and two.measure in named
