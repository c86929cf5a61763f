"""What speaks against a datum's being meant by a claim: its measure, members, time and unit, each as a cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trainer.checks.calendar import is_before
from trainer.checks.claims import Claim
from trainer.checks.evidence import Evidence
from trainer.checks.numerals import Numeral
from trainer.checks.quantities import Quantity
from trainer.checks.thresholds import BROKEN, NAMED
from trainer.checks.times import TimeRef
from trainer.checks.view import Datum, MemberKey, Option, unit_cost
from trainer.facts import Time

_FROM = re.compile(r"(?<!\w)(?:from|von|de|desde|da)\s*$", re.IGNORECASE)
_TO = re.compile(
    r"[^.;]{0,24}?(?<!\w)(?:to|auf|à|a|para|até|hasta)\s+(?:about\s+|rund\s+)?$|[^\d.;]{0,16}?(?<!\w)(?:to|auf|à|a|para|até|hasta)\s",
    re.IGNORECASE,
)
"""`from X to Y`: X is of the time before."""
_YEAR_AGO = TimeRef(0, 0, "", "year_ago", part=1)
_PREVIOUS = TimeRef(0, 0, "", "previous", part=1)


@dataclass(slots=True)
class Binding:
    """What a claim's words, members and times say of data; computed once for each claim."""

    affinity: dict[int, float]
    best: float
    best_direct: float
    """Among the measures whose unit may be the written one."""
    member_costs: dict[MemberKey, float] = field(default_factory=dict)
    time_costs: dict[object, float] = field(default_factory=dict)


class Costs:
    """Weighs data against claims; 0 where nothing speaks against one, `BROKEN` where what is asserted is another."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.view = evidence.view

    def of_place(self, claim: Claim, binding: Binding, datum: Datum) -> float:
        """What speaks against a datum's members and time."""
        return self.of_members(claim, binding, datum.members) + self.of_time(claim, binding, datum)

    def bind(self, claim: Claim) -> Binding:
        """How far the words of a claim, and what its table shows, name each measure."""
        words: Mapping[str, float] = claim.words
        affinity = self.view.affinities(words)
        if claim.is_cell:
            for store, key in ((self.evidence.learned.rows, claim.row), (self.evidence.learned.columns, claim.col)):
                measure = store.get((claim.group[0], key))
                if measure is not None:
                    affinity[measure] = max(affinity.get(measure, 0.0), 0.85)
        # A sentence that names no measure goes on about the one before.
        if max(affinity.values(), default=0.0) < 0.2 and not claim.is_cell:
            strength = 0.42
            for reading in self.evidence.readings[max(0, self.evidence.position - 7) : self.evidence.position][::-1]:
                if reading.claim.is_cell or strength < 0.2:
                    break
                if reading.candidate and reading.verdict in ("supported", "derived"):
                    for item in reading.candidate.inputs[:1]:
                        if item.measure >= 0:
                            affinity[item.measure] = max(affinity.get(item.measure, 0.0), strength)
                strength *= 0.9
        direct = (
            value
            for number, value in affinity.items()
            if any(unit_cost(claim.numeral, kind, symbol) is not None for kind, symbol in self.view.kinds[number])
        )
        return Binding(affinity, max(affinity.values(), default=0.0), max(direct, default=0.0))

    def of_measure(self, binding: Binding, measure: int, *, direct: bool = False) -> float:
        """What speaks against a measure; `direct` weighs it against those alone whose unit may be the written one."""
        best = binding.best_direct if direct else binding.best
        if best < 0.12:
            return 0.3
        return max(0.0, 1.8 * (best - binding.affinity.get(measure, 0.0)))

    def of_members(self, claim: Claim, binding: Binding, members: MemberKey) -> float:
        """What speaks against the members that a value is of."""
        cached = binding.member_costs.get(members)
        if cached is None:
            cached = binding.member_costs[members] = self._of_members(claim, members)
        return cached

    def _of_members(self, claim: Claim, members: MemberKey) -> float:
        cost = 0.0
        own = set(members)
        dimensions = {name for name, _ in members}
        table: tuple[dict[str, str] | None, ...] = ()
        if claim.is_cell:
            table = (
                self.evidence.learned.column_members.get((claim.group[0], claim.col)),
                self.evidence.learned.row_members.get((claim.group[0], claim.row)),
            )
        asserted = [options for options in claim.members if any(name in dimensions for name, _ in options)]
        inherited = [options for options in claim.inherited_members if any(name in dimensions for name, _ in options)]
        for dimension, member in members:
            rivals = [options for options in asserted if any(name == dimension for name, _ in options)]
            inherited_rivals = [options for options in inherited if any(name == dimension for name, _ in options)]
            if rivals:
                rank = next((at for at, options in enumerate(rivals) if (dimension, member) in options), None)
                cost += BROKEN if rank is None else 0.0 if rank == 0 or claim.is_cell else 0.9
            elif inherited_rivals:
                rank = next((at for at, options in enumerate(inherited_rivals) if (dimension, member) in options), None)
                # What the sentences before speak of only ranks, and all together is no rival of theirs.
                is_total = (dimension, member) in self.view.totals
                cost += (0.4 if is_total else 1.3) if rank is None else 0.1 + 0.1 * min(rank, 3)
            else:
                settled = any(dimension in (of or {}) for of in table)
                settled = settled or any(
                    name in self.view.implied.get(dimension, ()) and (name, of) in own
                    for options in (*asserted, *inherited)
                    for name, of in options
                )
                if self.view.breadth.get(dimension, 1) > 1 and not settled:
                    cost += 0.1 if (dimension, member) in self.view.totals else 0.5
        # A member that is named and of which this datum is not: another subject's figure.
        for options in asserted[:1]:
            if not own & set(options) and not any(name in dimensions for name, _ in options):
                cost += 0.5
        for of_axis in table:
            for dimension, member in (of_axis or {}).items():
                if dict(members).get(dimension, member) != member and not any(
                    name == dimension for options in asserted for name, _ in options
                ):
                    cost += BROKEN  # the other cells show of whom the column or row is
        return cost

    def of_time(self, claim: Claim, binding: Binding, datum: Datum) -> float:
        """What speaks against a datum's time."""
        key = (
            (datum.time, datum.measure, datum.members) if not claim.times and not claim.inherited_times else datum.time
        )
        cached = binding.time_costs.get(key)
        if cached is None:
            cached = binding.time_costs[key] = self._of_time(claim, datum)
        return cached

    def _of_time(self, claim: Claim, datum: Datum) -> float:  # noqa: C901, PLR0912
        time = datum.time
        if claim.is_cell:
            for store, key, names_time in (
                (self.evidence.learned.column_times, claim.col, claim.column_has_time),
                (self.evidence.learned.row_times, claim.row, claim.row_has_time),
            ):
                settled = store.get((claim.group[0], key))
                if settled is not None and time is not None and names_time:
                    return 0.0 if time == settled else BROKEN if same_grain(time, settled) else 1.0
        if time is None:
            return 0.5 if claim.times and claim.has_own_time and claim.times[0].kind != "day" else 0.1
        versus = self._is_versus(claim)
        costs, base_costs = [], []
        absolute = [ref for ref in claim.times if ref.kind not in ("previous", "year_ago")]
        for rank, ref in enumerate(claim.times):
            if ref.kind in ("previous", "year_ago"):
                cost = self._relative(claim, ref, time, absolute)
            else:
                cost = self.evidence.calendar.cost(ref, time)
                if cost is not None and ref.year is None:
                    cost += self._year_gap(claim, time)
            if cost is not None and ref in claim.base_times:
                base_costs.append(cost + 1.3)
            elif cost is not None:
                costs.append(cost + (0.0 if claim.is_cell else _rank_cost(claim, rank)))
        if costs:
            return min(costs)
        is_snapshot = time.grain in ("day", "moment") and len(self.view.series[datum.measure, datum.members]) < 3
        if claim.times and claim.has_own_time and not versus:
            # The day on which everything was looked up is not the period that a value is of.
            return 1.0 if is_snapshot else BROKEN
        if versus and any(
            self._relative(claim, ref, time, absolute or claim.inherited_times) is not None
            for ref in (_YEAR_AGO, _PREVIOUS)
        ):
            return 0.5
        if claim.times and claim.has_own_time:
            return 1.6
        inherited = [ref for ref in claim.inherited_times if ref.kind not in ("previous", "year_ago")]
        for rank, ref in enumerate(inherited):
            if (cost := self.evidence.calendar.cost(ref, time)) is not None:
                base_costs.append(cost + 0.25 + 0.1 * rank)
        if base_costs:
            return min(base_costs)
        if claim.listed and not claim.is_cell:
            return 0.9 if inherited else 0.4
        if inherited and not (
            time.grain in ("day", "moment") and len(self.view.series[datum.measure, datum.members]) < 4
        ):
            return 1.4
        series = self.view.series[datum.measure, datum.members]
        if len({item.time for item in series}) < 2 or series[-1].end == datum.end:
            return 0.2
        return 0.5 if time.grain in ("day", "moment") and len(series) < 4 else 1.2

    def _year_gap(self, claim: Claim, time: Time) -> float:
        """What speaks against a quarter or month of another year than the one that is spoken of."""
        years = [ref for ref in (*claim.times, *claim.inherited_times) if ref.year is not None]
        if years:
            return 0.0 if any(ref.year in (time.end.year, time.end.year + 1) for ref in years) else 0.8
        return 0.0 if self.evidence.latest is None or (self.evidence.latest - time.end).days < 366 else 0.4

    def _relative(self, claim: Claim, ref: TimeRef, time: Time, absolute: Sequence[TimeRef]) -> float | None:
        """The cost of a time as the one a year, or a step, before those that are spoken of."""
        bases = [
            reading.candidate.later
            for group in ((claim.group[0], claim.group[1] - 1), claim.group)
            for reading in self.evidence.by_group.get(group, ())
            if reading.candidate and reading.candidate.later
        ]
        bases = bases[-3:]
        own = self.evidence.own_times
        if not bases:
            refs = absolute or claim.inherited_times
            bases = [
                base
                for base in own
                if any(
                    self.evidence.calendar.cost(item, base) is not None
                    for item in refs
                    if item.kind not in ("previous", "year_ago")
                )
            ]
        if not bases and self.evidence.latest:
            bases = [base for base in own if base.end == self.evidence.latest]
        if not bases:
            bases = [base for base in own if base.grain == time.grain]
        if ref.kind == "year_ago":
            return 0.1 if any(is_before(time, base, years=ref.part or 1) for base in bases) else None
        for base in bases:
            before = [item for item in own if item.end < base.end and same_grain(item, base)]
            if before and max(item.end for item in before) == time.end and same_grain(time, base):
                return 0.15
        return None

    def _is_versus(self, claim: Claim) -> bool:
        return (
            self.evidence.lexicon.has("versus", claim.before[-40:])
            or claim.before.rstrip()[-1:] == "("
            or self.evidence.lexicon.has("previous_year", claim.after[:40])
            or bool(_FROM.search(claim.before) and _TO.match(claim.after))
        )

    def is_spoken_of(self, claim: Claim, time: Time | None) -> bool:
        """Whether a time is named in a claim's sentence."""
        return time is not None and any(
            (cost := self.evidence.calendar.cost(ref, time)) is not None and cost <= 0.3
            for ref in claim.times
            if ref.kind not in ("previous", "year_ago") and (ref.year is not None or not self._year_gap(claim, time))
        )

    def is_base(self, claim: Claim, time: Time | None) -> bool:
        """Whether a time is the one that something is compared with."""
        return time is not None and any(self.evidence.calendar.cost(ref, time) is not None for ref in claim.base_times)

    def of_unit(self, numeral: Numeral, datum: Datum, option: Option) -> float | None:
        """As `unit_cost`; a price is in its exchange's currency whatever the accounts beside it are in, and where data names
        no currency the one of the whole text is meant.
        """  # noqa: D205, E501
        cost = unit_cost(numeral, option.kind, option.symbol)
        if (
            cost is None
            and numeral.kind == "money"
            and option.kind == "money"
            and "price" in self.view.words[datum.measure]
        ):
            return 0.6 if numeral.unit in self.view.currencies and len(self.view.currencies) > 1 else None
        if (
            cost is not None
            and numeral.kind == "money"
            and not option.symbol
            and self.evidence.currency not in ("", numeral.unit)
        ):
            return cost + 3.0
        return cost

    def time_rank(self, claim: Claim, time: Time) -> float:
        """What speaks against a time by how far from the claim it is named."""
        refs = [ref for ref in (*claim.times, *claim.inherited_times) if ref.kind not in ("previous", "year_ago")]
        for rank, ref in enumerate(refs):
            if self.evidence.calendar.cost(ref, time) is not None:
                return 0.3 * rank
            if time.grain == "year" and ref.year == time.start.year:
                return 0.3 * rank + 0.3
        return 0.9

    def expected(self, claim: Claim, binding: Binding) -> Quantity | None:
        """The one datum that a claim's words bind wholly, where there is one."""
        if binding.best < NAMED:
            return None
        measures = [number for number, value in binding.affinity.items() if value >= binding.best - 0.02]
        return self.only_datum(claim, binding, measures, most=1.0)

    def only_datum(self, claim: Claim, binding: Binding, measures: Sequence[int], *, most: float) -> Quantity | None:
        """The datum of some measures that fits a claim's members, time and unit best, where it is alone in that."""
        scored = []
        for measure in sorted(measures):
            for datum in self.view.by_measure.get(measure, ()):
                option = next((option for option in datum.options if _fits(claim.numeral, option)), None)
                if option is not None:
                    scored.append((self.of_place(claim, binding, datum), datum.index, datum, option))
        scored.sort(key=lambda item: item[:2])
        if not scored or scored[0][0] > most:
            return None
        if len(scored) > 1 and scored[1][0] <= scored[0][0] + 0.1 and scored[1][2].value != scored[0][2].value:
            return None
        return self.evidence.quantity(scored[0][2], scored[0][3], scored[0][0])


def _rank_cost(claim: Claim, rank: int) -> float:
    """What speaks against the times of a sentence that a figure is not right beside."""
    if claim.has_own_time:
        return 0.95 if rank else 0.0
    return min(0.45 * (rank + 1), 0.9)


def _fits(numeral: Numeral, option: Option) -> bool:
    return unit_cost(numeral, option.kind, option.symbol) is not None


def same_grain(one: Time, two: Time) -> bool:
    """Whether two times are of one length, a moment as long as a day."""
    return one.grain == two.grain or {one.grain, two.grain} <= {"day", "moment"}
