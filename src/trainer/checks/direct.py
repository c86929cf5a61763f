"""Data, converted data and contexts that say what a claim says, as they stand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from trainer.checks.claims import Claim
from trainer.checks.concepts import concepts
from trainer.checks.costs import Binding, Costs
from trainer.checks.evidence import ContextFigure, Evidence
from trainer.checks.numerals import Numeral
from trainer.checks.quantities import Candidate, Quantity
from trainer.checks.thresholds import BESIDE, BETTER, BROKEN, CHANCE, DECADE, EXACT_CHANCE, NAMED
from trainer.checks.view import GENERIC, Datum, Option, unit_cost
from trainer.facts import Unit, convert

_OUTFLOWS = frozenset(
    ["repurchase", "dividend", "payment", "paid", "expenditure", "outflow", "purchase", "repayment", "investment"]
)


class Direct:
    """Reads a claim as a datum or a context's figure."""

    def __init__(self, evidence: Evidence, costs: Costs) -> None:
        self.evidence = evidence
        self.view = evidence.view
        self.costs = costs

    def hits(self, numeral: Numeral) -> Iterator[tuple[Datum, Option, float]]:
        """The data whose value, in any unit it may be in, is what is written; with the cost of unit and sign."""
        for low, high, mirrored in ((numeral.low, numeral.high, False), (-numeral.high, -numeral.low, True)):
            for datum, option in self.view.within(low, high):
                cost = self.costs.of_unit(numeral, datum, option)
                if cost is None or (mirrored and option.value == 0):
                    continue
                yield datum, option, cost + option.cost + (1.0 if mirrored else 0.0)

    def candidates(self, claim: Claim, binding: Binding) -> Iterator[tuple[Candidate, Datum]]:
        """Every datum that has a claim's value, with what speaks against its being meant."""
        numeral = claim.numeral
        for datum, option, unit in self.hits(numeral):
            mirrored = (option.value < 0) != (numeral.value < 0) and option.value != 0 and numeral.value != 0
            sign = 0.0
            if mirrored:
                unit -= 1.0  # noqa: PLW2901
                # What is paid out is stored with a minus in some accounts, and written without one everywhere.
                is_outflow = bool(self.view.words[datum.measure] & _OUTFLOWS) and option.value < 0
                says = is_outflow or self._says_negative(claim)
                sign = BROKEN if (numeral.signed and numeral.value < 0) or not says else 0.3
            cost = self.costs.of_measure(binding, datum.measure, direct=True) + self.costs.of_members(
                claim, binding, datum.members
            )
            cost += self.costs.of_time(claim, binding, datum) + unit + sign
            quantity = self.evidence.quantity(datum, option, cost)
            yield (
                Candidate(option.value, option.kind, option.symbol, cost, (quantity,), "direct", later=datum.time),
                datum,
            )

    def _says_negative(self, claim: Claim) -> bool:
        text = f"{claim.head} {claim.before[-60:]} {claim.after[:24]}"
        return self.evidence.lexicon.has("negative", text) or self.evidence.lexicon.has("down", text)

    def is_borne_out(self, claim: Claim, binding: Binding, candidate: Candidate, datum: Datum, chance: float) -> bool:
        """Whether a datum bears a claim out: by its digits alone, or by few digits and its measure's name."""
        if chance <= CHANCE:
            return not self._is_another(claim, binding, datum)
        if claim.numeral.digits >= 4 and chance <= EXACT_CHANCE and candidate.cost <= 1.0:
            return not self._is_another(claim, binding, datum)
        affinity = binding.affinity.get(datum.measure, 0.0)
        named = affinity >= 0.6 * NAMED and affinity >= binding.best_direct - 0.05
        learned = claim.is_cell and datum.measure in (
            self.evidence.learned.rows.get((claim.group[0], claim.row)),
            self.evidence.learned.columns.get((claim.group[0], claim.col)),
        )
        return (named or learned) and candidate.cost <= 1.3

    def is_repeated(self, claim: Claim, datum: Datum) -> bool:
        """Whether a figure would be compared with itself: `4.90 after 4.90`."""
        last = self.evidence.by_group.get(claim.group, [])[-1:]
        return (
            not claim.is_cell
            and bool(last)
            and last[0].candidate is not None
            and last[0].candidate.operation in ("direct", "definition")
            and last[0].candidate.inputs[0].index == datum.index
            and last[0].claim.numeral.kind == claim.numeral.kind
            and self.evidence.lexicon.has("versus", claim.before)
            and len(claim.before) < 24
        )

    def _is_another(self, claim: Claim, binding: Binding, datum: Datum) -> bool:
        """Whether another measure is named right before a figure of few digits, and this one by no word."""
        if (
            claim.numeral.digits >= 4
            or binding.best_direct < 0.85
            or binding.affinity.get(datum.measure, 0.0) > 0.25
            or claim.is_cell
        ):
            return False
        before = {word for word, _, _ in concepts(claim.before)}
        named = [
            number
            for number, value in binding.affinity.items()
            if value >= binding.best_direct - 0.02 and self.view.words[number] & before
        ]
        return any(
            unit_cost(claim.numeral, option.kind, option.symbol) is not None
            for (measure, _), series in self.view.series.items()
            if measure in named
            for option in series[-1].options
        )

    def rival(self, claim: Claim, binding: Binding, datum: Datum) -> Quantity | None:
        """A datum of the same measure that fits the claim's time and members clearly better, and has another value."""
        rivals = []
        own = self.costs.of_members(claim, binding, datum.members) + self.costs.of_time(claim, binding, datum)
        if own < BETTER:
            return None
        for other in self.view.by_measure[datum.measure]:
            cost = self.costs.of_members(claim, binding, other.members)
            if cost > own - BETTER or other.value == datum.value:
                continue
            cost += self.costs.of_time(claim, binding, other)
            if cost <= own - BETTER:
                rivals.append((cost, other))
        if not rivals:
            return None
        cost, other = min(rivals, key=lambda pair: (pair[0], pair[1].index))
        return self.evidence.quantity(other, other.options[0], cost)

    def chance(self, claim: Claim, binding: Binding, candidate: Candidate) -> float:
        """Expected accidental hits among the data at least as plausible."""
        numeral = claim.numeral
        size = abs(numeral.value)
        if not size:
            return 1.0
        probability = numeral.width / (DECADE * size)
        low, high = size / math.sqrt(10), size * math.sqrt(10)
        most = self.view.count_within(low, high) + self.view.count_within(-high, -low)
        if probability * most <= CHANCE or (numeral.digits >= 4 and probability * most <= 5 * CHANCE):
            return probability * most
        count = 0
        counted = set()
        likelihoods: dict[tuple[int, str, str, float], float | None] = {}
        for datum, option in (*self.view.within(low, high), *self.view.within(-high, -low)):
            # Thousands of data of one decade are of a few measures and units, each of which is weighed once.
            key = (datum.measure, option.kind, option.symbol, option.cost)
            if key not in likelihoods:
                unit = unit_cost(numeral, option.kind, option.symbol)
                of_measure = self.costs.of_measure(binding, datum.measure, direct=True)
                likelihoods[key] = None if unit is None else unit + option.cost + of_measure
            cost = likelihoods[key]
            if cost is None or cost > candidate.cost or option.value in counted:
                continue
            if numeral.low <= option.value <= numeral.high:
                continue
            if cost + self.costs.of_place(claim, binding, datum) <= candidate.cost:
                count += 1
                counted.add(option.value)
                if count * probability > 1:
                    break
        return probability * count

    def converted(self, claim: Claim, binding: Binding) -> Candidate | None:
        """The datum that is what is written in another unit of the same dimension."""
        numeral = claim.numeral
        if numeral.kind != "physical":
            return None
        best: Candidate | None = None
        written = Unit("physical", numeral.unit)
        for number, value in binding.affinity.items():
            if value < NAMED:
                continue
            for (measure, members), series in self.view.series.items():
                if measure != number:
                    continue
                for datum in series:
                    for option in datum.options:
                        if option.kind != "physical" or option.symbol == numeral.unit:
                            continue
                        converted = convert(Decimal(repr(option.value)), Unit("physical", option.symbol), written)
                        if converted is None or not numeral.low <= float(converted) <= numeral.high:
                            continue
                        cost = self.costs.of_members(claim, binding, members) + self.costs.of_time(
                            claim, binding, datum
                        )
                        if cost <= 1.0 and (best is None or cost < best.cost):
                            quantity = self.evidence.quantity(datum, option, cost)
                            formula = f"{{0}} in {numeral.unit}"
                            best = Candidate(
                                float(converted),
                                "physical",
                                numeral.unit,
                                cost,
                                (quantity,),
                                "conversion",
                                formula,
                                datum.time,
                            )
        return best

    def context(self, claim: Claim) -> Candidate | None:
        """The figure of a context that says the same of the same; none where a context says another figure of it."""
        numeral = claim.numeral
        size = abs(numeral.value) or 1.0
        chance = numeral.width / (DECADE * size) * len(self.evidence.contexts)
        scored = []
        for figure in self.evidence.contexts:
            other = figure.claim.numeral
            if not _same_unit(numeral, other):
                continue
            shared = sum(
                min(weight, figure.claim.words.get(word, 0.0))
                for word, weight in claim.words.items()
                if word not in GENERIC and figure.claim.words.get(word, 0.0) > 0.3 and weight > 0.3
            )
            # Figures that only touch are two: what rounds to 3 and what rounds to 4 have 3.5 in common.
            meets = other.low < numeral.high and numeral.low < other.high
            if numeral.width < 0.5 * other.width and abs(numeral.value - other.value) > 1e-9 * size:
                meets = False
            scored.append((shared, meets, figure))
        meeting = [item for item in scored if item[1] and not self._is_told(claim, item[2])]
        if not meeting:
            return None
        shared, _, figure = max(meeting, key=lambda item: item[0])
        # A sentence that states two figures contradicts neither.
        place = (figure.path, figure.claim.group)
        nearest = max(
            (item[0] for item in scored if (item[2].path, item[2].claim.group) != place or item[2] is figure),
            default=0.0,
        )
        if nearest > shared + 0.25 or (shared <= 0.3 and chance > CHANCE):
            return None
        cost = 1.6 - 0.5 * min(shared, 3.0)
        return Candidate(
            figure.claim.numeral.value, numeral.kind, numeral.unit, max(cost, 0.1), (figure.quantity(cost),), "context"
        )

    def _is_told(self, claim: Claim, figure: ContextFigure) -> bool:
        """Whether the figure just before is this one already: `from 24 % to 24 %`."""
        last = self.evidence.by_group.get(claim.group, [])[-1:]
        if not last or last[0].candidate is None or last[0].candidate.operation != "context":
            return False
        item = last[0].candidate.inputs[0]
        is_same_figure = (item.source, item.value) == (f"{figure.path}:{figure.claim.line}", figure.claim.numeral.value)
        return is_same_figure and len(claim.before) < BESIDE and bool(claim.before.strip())


def _same_unit(numeral: Numeral, other: Numeral) -> bool:
    if numeral.kind == other.kind:
        return numeral.unit == other.unit or not numeral.unit or not other.unit
    return (
        {numeral.kind, other.kind} <= {"number", "money", "count"}
        or {numeral.kind, other.kind} <= {"number", "multiple"}
        or {numeral.kind, other.kind} <= {"fraction", "percent"}
    )
