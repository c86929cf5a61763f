"""Each claim of a text held against data and contexts, by an ordered list of rules: the first that speaks decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from trainer.checks.arithmetic import Arithmetic
from trainer.checks.claims import Claim
from trainer.checks.costs import Binding, Costs
from trainer.checks.direct import Direct
from trainer.checks.evidence import Assessment, ContextFigure, Evidence, shown
from trainer.checks.figure import UNVERIFIED
from trainer.checks.learning import Templates, learn
from trainer.checks.lexicon import Lexicon
from trainer.checks.nearby import Nearby
from trainer.checks.numerals import Numeral
from trainer.checks.quantities import Candidate, Quantity
from trainer.checks.thresholds import ACCEPTED, BOUND, LIKELY, LIMIT_DIGITS, LIMIT_DISTANCE, NAMED, UNCALLED
from trainer.checks.view import Datum, FactsView

_FIRST = 6
"""So many of the likeliest data that meet a figure are tried."""


@dataclass(slots=True)
class Case:
    """A claim before the rules."""

    claim: Claim
    binding: Binding
    direct: Sequence[tuple[Candidate, Datum]]
    """The data that meet it, the likeliest first."""
    datum: Candidate | None
    """The likeliest of them that is no accident and has no rival."""
    chance: float
    hits: Sequence[Candidate] = ()
    """All arithmetic that meets it, once that was tried."""


JudgeRule = Callable[["Judge", Case], Assessment | None]


class Judge:
    """Judges claims in their order; what was borne out helps to read what follows."""

    def __init__(self, view: FactsView, contexts: Sequence[ContextFigure], lexicon: Lexicon) -> None:
        self.evidence = Evidence(view, contexts, lexicon)
        self.costs = Costs(self.evidence)
        self.data = Direct(self.evidence, self.costs)
        self.nearby = Nearby(self.evidence, self.costs)
        self.arithmetic = Arithmetic(self.evidence, self.nearby)

    def judge(self, claims: Sequence[Claim]) -> list[Assessment]:
        """The reading of each claim."""
        self.evidence.begin(claims)
        learn(self.evidence, self.data, claims)
        templates = Templates()
        for number, claim in enumerate(claims):
            self.evidence.position = number
            reading, hits = self._read(claim)
            if reading.verdict in UNVERIFIED and claim.other is not None:
                other, _ = self._read(replace(claim, numeral=claim.other))
                reading = reading if other.verdict in UNVERIFIED else other
            if reading.verdict in UNVERIFIED and (stored := _as_stored(claim.numeral)) is not None:
                other, _ = self._read(replace(claim, numeral=stored))
                reading = replace(other, claim=claim) if _is_of_no_unit(other) else reading
            if reading.verdict in UNVERIFIED and claim.is_cell and hits:
                templates.add(number, claim, hits)
            self.evidence.add(reading)
        templates.accept(self.evidence)
        self._read_again()
        return self.evidence.readings

    def _read(self, claim: Claim) -> tuple[Assessment, Sequence[Candidate]]:
        """The reading that the first rule gives, and all arithmetic that met the figure."""
        binding = self.costs.bind(claim)
        direct = sorted(self.data.candidates(claim, binding), key=lambda item: (item[0].cost, item[0].inputs[0].index))
        case = Case(claim, binding, direct, *self._likeliest(claim, binding, direct))
        reading = next(reading for rule in RULES if (reading := rule(self, case)) is not None)
        if reading.verdict in ("supported", "derived") and claim.is_cell:
            reading = self._misplaced(claim, binding, reading)
        return reading, case.hits

    def _likeliest(
        self, claim: Claim, binding: Binding, direct: Sequence[tuple[Candidate, Datum]]
    ) -> tuple[Candidate | None, float]:
        chance = 1.0
        for candidate, datum in direct[:_FIRST]:
            if candidate.cost > ACCEPTED:
                break
            chance = self.data.chance(claim, binding, candidate)
            if self.data.is_repeated(claim, datum) or self.data.rival(claim, binding, datum) is not None:
                continue
            if self.data.is_borne_out(claim, binding, candidate, datum, chance):
                return candidate, chance
        return None, chance

    def _read_again(self) -> None:
        """Figures that nothing bore out yet, now beside those that follow: `up 3.7 %, from 54.3 to 56.3 billion`."""
        for number, reading in enumerate(self.evidence.readings):
            is_last = self.evidence.by_group[reading.claim.group][-1] is reading
            if reading.claim.is_cell or reading.verdict not in UNVERIFIED or is_last:
                continue
            self.evidence.position = number
            again, _ = self._read(reading.claim)
            if again.verdict == "derived":
                self.evidence.replace(number, again)

    def _misplaced(self, claim: Claim, binding: Binding, reading: Assessment) -> Assessment:
        """The reading of a cell, contradicted where its head or the other cells of its row or column ask for another measure."""  # noqa: E501
        candidate = reading.candidate
        if candidate is None:
            return reading
        own = self._learned_datum(claim, binding, candidate) or self._headed(claim, binding, candidate)
        if own is None or claim.numeral.low <= own.value <= claim.numeral.high:
            return reading  # the same amount under two names: a product's revenue stands by product and by segment
        message = f"{own.named()} is {shown(own)}; {claim.numeral.text} is {candidate.inputs[0].named()}"
        return Assessment(claim, "contradicted", _as_candidate(own), message)

    def _learned_datum(self, claim: Claim, binding: Binding, candidate: Candidate) -> Quantity | None:
        """The datum of the measure that the other cells show, where a cell is of another one."""
        learned, block = self.evidence.learned, claim.group[0]
        if candidate.operation == "definition" or any(
            self.evidence.lexicon.has(cue, claim.head) for cue in ("sum", "mean")
        ):
            return None
        # A row may end in the change or share of its figures; a column of them is one.
        by_row = learned.rows.get((block, claim.row)) if candidate.operation == "direct" else None
        for measure in (learned.columns.get((block, claim.col)), by_row):
            if measure is None or (candidate.operation == "direct" and candidate.inputs[0].measure == measure):
                continue
            own = self.costs.only_datum(claim, binding, [measure], most=0.6)
            if own is not None:
                return own
        return None

    def _headed(self, claim: Claim, binding: Binding, candidate: Candidate) -> Quantity | None:
        """The datum that a cell's heads bind, where it is one that they do not name at all."""
        item = candidate.inputs[0]
        if candidate.operation != "direct" or item.index < 0 or binding.best < BOUND:
            return None
        own = self.costs.expected(claim, binding)
        if own is None or binding.affinity.get(item.measure, 0.0) >= NAMED:
            return None
        return own if own.cost <= self.costs.of_place(claim, binding, self.evidence.view.data[item.index]) else None


def likely_datum(judge: Judge, case: Case) -> Assessment | None:
    """A datum that is likely to be meant has this value."""
    return _supported(judge, case) if case.datum is not None and case.datum.cost <= LIKELY else None


def context_figure(judge: Judge, case: Case) -> Assessment | None:
    """A context says the same of the same."""
    context = judge.data.context(case.claim)
    if context is None or (case.datum is not None and case.datum.cost <= context.cost):
        return None
    return Assessment(case.claim, "context", context)


def any_datum(judge: Judge, case: Case) -> Assessment | None:
    """A datum has this value, though less speaks for it."""
    return _supported(judge, case) if case.datum is not None else None


def converted_datum(judge: Judge, case: Case) -> Assessment | None:
    """A datum in another unit has it."""
    converted = judge.data.converted(case.claim, case.binding)
    return Assessment(case.claim, "derived", converted) if converted is not None else None


def arithmetic(judge: Judge, case: Case) -> Assessment | None:
    """Arithmetic on named data gives it, and no word binds one datum that is another."""
    derivation = judge.arithmetic.derive(case.claim, case.binding)
    case.hits = derivation.hits
    derived = derivation.best
    if derived is None or _is_uncalled(judge, case, derived):
        return None
    return Assessment(case.claim, "derived", derived, chance=derivation.chance)


def limit(judge: Judge, case: Case) -> Assessment | None:
    """The one datum that the words bind lies on the side of a round limit: `above 70`, `fell below 70`."""
    claim = case.claim
    has = judge.evidence.lexicon.before
    side = 1 if has("limit_over").search(claim.before) else -1 if has("limit_under").search(claim.before) else 0
    own = (
        judge.costs.expected(claim, case.binding) if side and _significant(claim.numeral.text) <= LIMIT_DIGITS else None
    )
    if own is None or not own.value or not claim.numeral.value:
        return None
    ratio = (own.value / claim.numeral.value) ** side
    if not 1 <= ratio <= LIMIT_DISTANCE:
        return None
    formula = f"{{0}} is {'above' if side > 0 else 'below'} {claim.numeral.text}"
    return Assessment(claim, "derived", replace(_as_candidate(own), operation="limit", formula=formula))


def another_datum(judge: Judge, case: Case) -> Assessment | None:
    """The words bind one datum, and it says otherwise."""
    own = judge.costs.expected(case.claim, case.binding)
    if own is None:
        return None
    text = case.claim.numeral.text
    hit = case.direct[0][0].inputs[0] if case.direct and case.direct[0][0].cost < 2 * ACCEPTED + LIKELY else None
    if hit is not None and hit.measure == own.measure and hit.index != own.index:
        message = f"{text} is {hit.named()}; {own.named()} is {shown(own)}"
    else:
        message = f"{own.named()} is {shown(own)}, not {text}"
    return Assessment(case.claim, "contradicted", _as_candidate(own), message)


def nothing(judge: Judge, case: Case) -> Assessment:  # noqa: ARG001
    """Nothing given says so."""
    message = "no datum, no arithmetic on named data and no context gives this figure"
    return Assessment(case.claim, "unsupported", None, message)


RULES: tuple[JudgeRule, ...] = (
    likely_datum,
    context_figure,
    any_datum,
    converted_datum,
    arithmetic,
    limit,
    another_datum,
    nothing,
)
"""In this order; the first that gives a reading decides."""


def _supported(judge: Judge, case: Case) -> Assessment:
    assert case.datum
    formula = judge.evidence.view.data[case.datum.inputs[0].index].formula
    if formula:
        derived = replace(case.datum, operation="definition", formula=formula)
        return Assessment(case.claim, "derived", derived, chance=case.chance)
    return Assessment(case.claim, "supported", case.datum, chance=case.chance)


def _is_uncalled(judge: Judge, case: Case, derived: Candidate) -> bool:
    """Whether the words bind one datum, and none of them calls for arithmetic on it."""
    claim, binding = case.claim, case.binding
    if claim.is_cell:
        cues = judge.nearby.asked(f"{claim.head} {claim.corner}", claim)
        calls = any(cues.values()) or claim.numeral.kind in ("percent", "points", "multiple")
    else:
        calls = derived.cost <= UNCALLED
    return not calls and binding.best >= BOUND and judge.costs.expected(claim, binding) is not None


def _as_stored(numeral: Numeral) -> Numeral | None:
    """A figure with a scale as data that names no unit may hold it: `7,157.2 thousand tons` as 7,157.2."""
    factor = numeral.scale if numeral.kind in ("number", "money", "physical") else 1.0
    if factor == 1.0 or numeral.digits < _STORED_DIGITS or numeral.soft:
        return None
    value, low, high = (item / factor for item in (numeral.value, numeral.low, numeral.high))
    return replace(numeral, value=value, low=low, high=high, scale=1.0, kind="number", unit="")


def _is_of_no_unit(reading: Assessment) -> bool:
    """Whether a figure is a datum of which neither data nor text tells a unit, so that it may be in any."""
    candidate = reading.candidate
    return (
        reading.verdict == "supported"
        and candidate is not None
        and candidate.kind in ("", "raw")
        and candidate.cost <= LIKELY
    )


_STORED_DIGITS = 4
"""Fewer digits meet some datum of another scale by accident."""


def _significant(text: str) -> int:
    """The digits of a number without the noughts around them: 2 of `7,300`."""
    return len(re.sub(r"\D", "", text).strip("0"))


def _as_candidate(quantity: Quantity) -> Candidate:
    return Candidate(
        quantity.value, quantity.kind, quantity.symbol, quantity.cost, (quantity,), "direct", later=quantity.time
    )
