"""Each claim of a text held against data and contexts: the likeliest reading that meets it, or what stands there instead."""  # noqa: E501

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from trainer.checks.calendar import Calendar, is_before
from trainer.checks.claims import Claim
from trainer.checks.lexicon import Lexicon
from trainer.checks.numerals import Numeral
from trainer.checks.quantities import OPERATIONS, Candidate, Focus, Quantity
from trainer.checks.thresholds import (
    ACCEPTED,
    BETTER,
    BROKEN,
    CHANCE,
    DECADE,
    DERIVED_CHANCE,
    EXACT_CHANCE,
    FOCUS,
    NAMED,
    UNCALLED,
)
from trainer.checks.times import TimeRef
from trainer.checks.view import GENERIC, Datum, MemberKey, Option, View, unit_cost
from trainer.facts import Time, Unit, convert

Judgement = Literal["supported", "derived", "context", "contradicted", "unsupported"]


@dataclass(frozen=True, slots=True)
class ContextFigure:
    """A figure that a context states, and the words it stands with."""

    claim: Claim
    path: str
    words: frozenset[str]

    def quantity(self, cost: float) -> Quantity:
        """The figure as something to count with."""
        numeral = self.claim.numeral
        kind = {"multiple": "ratio", "number": "", "fraction": "percent"}.get(numeral.kind, numeral.kind)
        members = self.claim.members[0] if self.claim.members else ()
        return Quantity(
            numeral.value,
            kind,
            numeral.unit,
            -1,
            tuple(members),
            None,
            numeral.text,
            f"{self.path}:{self.claim.line}",
            cost,
            is_context=True,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a claim."""

    claim: Claim
    verdict: Judgement
    candidate: Candidate | None = None
    message: str = ""
    chance: float = 0.0
    """Expected accidental hits."""


@dataclass(slots=True)
class Binding:
    """What a claim's words, members and times say of data; computed once for each claim."""

    affinity: dict[int, float]
    best: float
    best_direct: float
    """Among the measures whose unit may be the written one."""
    member_costs: dict[MemberKey, float] = field(default_factory=dict)
    time_costs: dict[object, float] = field(default_factory=dict)


class Judge:
    """Judges claims in their order; what was borne out helps to read what follows."""

    def __init__(self, view: View, contexts: Sequence[ContextFigure], lexicon: Lexicon) -> None:
        self.view = view
        self.contexts = contexts
        self.lexicon = lexicon
        self.calendar = Calendar.of(datum.time for datum in view.data)
        self.latest = max((datum.end for datum in view.data if datum.time), default=None)
        self.learned: dict[tuple[int, int], int] = {}
        """By block and row of a table, the measure that its figures show it is."""
        self.learned_columns: dict[tuple[int, int], int] = {}
        self.column_times: dict[tuple[int, int], Time] = {}
        self.row_times: dict[tuple[int, int], Time] = {}
        self.column_members: dict[tuple[int, int], dict[str, str]] = {}
        self.row_members: dict[tuple[int, int], dict[str, str]] = {}
        self.readings: list[Reading] = []
        self.last_hits: list[Candidate] = []
        self.named: set[int] = set()
        """The measures that the claim at hand names whole."""
        self.all_sections: list[list[Quantity]] | None = None
        self.pending: dict[tuple[int, str, int], list[tuple[int, Claim, list[Candidate]]]] = defaultdict(list)
        """Cells that nothing bears out alone, by row and by column, with all arithmetic that meets them."""
        self.currency = ""
        """Of most money in the text."""
        self.by_group: dict[tuple[int, ...], list[Reading]] = defaultdict(list)
        self.by_column: dict[tuple[int, int], list[Reading]] = defaultdict(list)
        self.denominators = frozenset(number for number, words in enumerate(view.words) if words and words <= _WHOLES)
        self.at: dict[tuple[MemberKey, Time | None], list[Datum]] = defaultdict(list)
        """Data by members and time."""
        for datum in view.data:
            self.at[datum.members, datum.time].append(datum)
        self.own_times = tuple(
            sorted({datum.time for datum in view.data if datum.time}, key=lambda time: (time.end, time.start))
        )

    def judge(self, claims: Sequence[Claim]) -> list[Reading]:
        """The reading of each claim."""
        counts = Counter(claim.numeral.unit for claim in claims if claim.numeral.kind == "money" and claim.numeral.unit)
        total = sum(counts.values())
        if total >= 4 and counts.most_common(1)[0][1] >= 0.75 * total:
            self.currency = counts.most_common(1)[0][0]
        self._learn(claims)
        for number, claim in enumerate(claims):
            reading = self._read(claim)
            if reading.verdict in ("supported", "derived") and claim.is_cell:
                reading = self._misplaced(claim, self._bind(claim), reading)
            if reading.verdict in ("contradicted", "unsupported") and claim.is_cell and self.last_hits:
                for axis, at in (("row", claim.row), ("column", claim.col)):
                    self.pending[claim.group[0], axis, at].append((number, claim, self.last_hits))
            self.readings.append(reading)
            self.by_group[claim.group].append(reading)
            if claim.is_cell:
                self.by_column[claim.group[0], claim.col].append(reading)
        self._accept_templates()
        return self.readings

    def _accept_templates(self) -> None:
        """One formula over a whole row or column bears out its cells, though for each alone it may be an accident."""
        for (block, axis, at), cells in sorted(self.pending.items()):
            counts: Counter[object] = Counter()
            for _, _, hits in cells:
                counts.update({_signature(hit) for hit in hits})
            same = [
                reading
                for reading in self.readings
                if reading.claim.is_cell
                and reading.claim.group[0] == block
                and (reading.claim.row if axis == "row" else reading.claim.col) == at
            ]
            for reading in same:
                if reading.verdict == "derived" and reading.candidate:
                    counts[_signature(reading.candidate)] += 1
            if not counts:
                continue
            best, count = max(counts.items(), key=lambda item: (item[1], repr(item[0])))
            if count < max(2, 0.6 * len(same)):
                continue
            for number, claim, hits in cells:
                hit = next((hit for hit in sorted(hits, key=lambda hit: hit.cost) if _signature(hit) == best), None)
                if hit is not None:
                    self.readings[number] = Reading(claim, "derived", hit)

    # What the exact figures of a document show of its tables and its calendar.

    def _learn(self, claims: Sequence[Claim]) -> None:  # noqa: C901, PLR0912
        rows: dict[tuple[int, int], list[set[Datum]]] = defaultdict(list)
        columns: dict[tuple[int, int], list[set[Datum]]] = defaultdict(list)
        votes: Counter[bool] = Counter()
        for claim in claims:
            if claim.numeral.digits < (2 if claim.is_cell else 3) or claim.numeral.soft:
                continue
            hits = {datum for datum, _, cost in self._hits(claim.numeral) if cost < 0.9}
            if not hits or len(hits) > 12:
                continue
            if claim.is_cell:
                rows[claim.group[0], claim.row].append(hits)
                columns[claim.group[0], claim.col].append(hits)
            if claim.numeral.digits >= 4:
                for ref in claim.times[:1]:
                    for datum in hits:
                        time = datum.time
                        if ref.kind == "year" and time and time.grain == "year" and time.start.year != time.end.year:  # noqa: SIM102
                            if ref.year in (time.start.year, time.end.year):
                                votes[ref.year == time.start.year] += 1
        for key, cells in rows.items():
            self._settle(key, cells, self.learned, self.row_times, self.row_members)
        for key, cells in columns.items():
            self._settle(key, cells, self.learned_columns, self.column_times, self.column_members)
        self._keep_one_axis()
        if votes[True] > 2 * votes[False]:
            self.calendar = replace(self.calendar, overlap_first=True)
        ends: Counter[int] = Counter()
        for claim in claims:
            time = (
                self.column_times.get((claim.group[0], claim.col)) or self.row_times.get((claim.group[0], claim.row))
                if claim.is_cell
                else None
            )
            for ref in claim.times[:1]:
                if time is not None and ref.kind == "quarter" and ref.part and time.grain == "quarter":
                    month = time.end.month if time.end.day > 10 else (time.end.month - 2) % 12 + 1
                    ends[(month - 3 * ref.part - 1) % 12 + 1] += 1
        if ends:
            month, count = ends.most_common(1)[0]
            if month != 12 and count >= max(2, 0.7 * sum(ends.values())):
                self.calendar = replace(self.calendar, end_months=self.calendar.end_months | {month})

    def _keep_one_axis(self) -> None:
        """What differs from column to column is not what a row is of, and the other way round."""
        for block in {block for block, _ in (*self.column_members, *self.column_times, *self.learned_columns)}:
            columns = [of for (at, _), of in self.column_members.items() if at == block]
            dimensions = {
                name
                for of in columns
                for name in of
                if len({other.get(name) for other in columns if name in other}) > 1
            }
            for (at, _), of in self.row_members.items():
                if at == block:
                    for name in dimensions & set(of):
                        del of[name]
            for columns_of, rows_of in ((self.column_times, self.row_times), (self.learned_columns, self.learned)):
                if len({value for (at, _), value in columns_of.items() if at == block}) > 1:
                    for key in [key for key in rows_of if key[0] == block]:
                        del rows_of[key]

    def _settle(
        self,
        key: tuple[int, int],
        cells: Sequence[set[Datum]],
        measures: dict[tuple[int, int], int],
        times: dict[tuple[int, int], Time],
        members: dict[tuple[int, int], dict[str, str]],
    ) -> None:
        """What most cells of a row or column have in common; two at least, and three quarters of those that hit anything."""  # noqa: E501
        if len(cells) < 2:
            return
        measure = _common([{datum.measure for datum in hits} for hits in cells])
        if isinstance(measure, int):
            measures[key] = measure
        time = _common([{datum.time for datum in hits} for hits in cells])
        if isinstance(time, Time):
            times[key] = time
        for dimension in {name for hits in cells for datum in hits for name, _ in datum.members}:
            member = _common([{dict(datum.members).get(dimension) for datum in hits} for hits in cells])
            if isinstance(member, str):
                members.setdefault(key, {})[dimension] = member

    # One claim.

    def _read(self, claim: Claim) -> Reading:
        binding = self._bind(claim)
        self.last_hits = []
        direct = sorted(self._direct(claim, binding), key=lambda item: (item[0].cost, item[0].inputs[0].index))
        best, chance, rival = None, 1.0, None
        for candidate, datum in direct[:6]:
            if candidate.cost > ACCEPTED:
                break
            chance = self._chance(claim, binding, candidate)
            rival = self._rival(claim, binding, datum)
            if self._is_repeated(claim, datum):
                continue
            if rival is None and self._is_borne_out(claim, binding, candidate, datum, chance):
                best = candidate
                break
        if best is not None and best.cost <= 1.6:
            return self._supported(claim, best, chance)
        context = self._context(claim)
        if context is not None and (best is None or context.cost < best.cost):
            return Reading(claim, "context", context)
        if best is not None:
            return self._supported(claim, best, chance)
        converted = self._converted(claim, binding)
        if converted is not None:
            return Reading(claim, "derived", converted)
        derived, chance = self._derived(claim, binding)
        if (
            derived is not None
            and derived.cost > UNCALLED
            and not claim.is_cell
            and binding.best >= 0.8
            and self._expected(claim, binding) is not None
        ):
            derived = None
        if derived is not None:
            return Reading(claim, "derived", derived, chance=chance)
        return self._refuse(claim, binding, direct)

    def _supported(self, claim: Claim, candidate: Candidate, chance: float) -> Reading:
        formula = self.view.data[candidate.inputs[0].index].formula
        if formula:
            return Reading(claim, "derived", replace(candidate, operation="definition", formula=formula), chance=chance)
        return Reading(claim, "supported", candidate, chance=chance)

    def _misplaced(self, claim: Claim, binding: Binding, reading: Reading) -> Reading:
        """The reading of a cell, contradicted where it is another measure's than that of its column's or row's other cells."""  # noqa: E501
        candidate = reading.candidate
        if candidate is None or not claim.is_cell:
            return reading
        for store, key in ((self.learned_columns, claim.col), (self.learned, claim.row)):
            measure = store.get((claim.group[0], key))
            if measure is None or (candidate.operation == "direct" and candidate.inputs[0].measure == measure):
                continue
            if store is self.learned and candidate.operation != "direct":
                continue  # a row may end in the change or share of its figures
            if candidate.operation == "definition" or any(self.lexicon.has(cue, claim.head) for cue in ("sum", "mean")):
                continue
            fitting = sorted(
                (cost, datum.index, datum)
                for (number, members), series in self.view.series.items()
                if number == measure
                for datum in series
                if (cost := self._member_cost(claim, binding, members) + self._time_cost(claim, binding, datum)) <= 0.6
            )
            if not fitting or (
                len(fitting) > 1 and fitting[1][0] < fitting[0][0] + 0.1 and fitting[1][2].value != fitting[0][2].value
            ):
                continue
            own = self._quantity(fitting[0][2], fitting[0][2].options[0])
            message = f"{own.named()} is {_shown(own)}; {claim.numeral.text} is {candidate.inputs[0].named()}"
            return Reading(claim, "contradicted", _as_candidate(own), message)
        return reading

    def _refuse(self, claim: Claim, binding: Binding, direct: Sequence[tuple[Candidate, Datum]]) -> Reading:
        expected = self._expected(claim, binding)
        if direct and direct[0][0].cost - (direct[0][0].cost >= BROKEN) * 0 < 8 and expected is not None:
            hit = direct[0][0].inputs[0]
            if hit.measure == expected.measure and hit.index != expected.index:
                message = f"{claim.numeral.text} is {hit.named()}; {expected.named()} is {_shown(expected)}"
                return Reading(claim, "contradicted", _as_candidate(expected), message)
        if expected is not None:
            message = f"{expected.named()} is {_shown(expected)}, not {claim.numeral.text}"
            return Reading(claim, "contradicted", _as_candidate(expected), message)
        return Reading(
            claim, "unsupported", None, "no datum, no arithmetic on named data and no context gives this figure"
        )

    def _hits(self, numeral: Numeral) -> Iterator[tuple[Datum, Option, float]]:
        """The data whose value, in any unit it may be in, is what is written; with the cost of unit and sign."""
        for low, high, mirrored in ((numeral.low, numeral.high, False), (-numeral.high, -numeral.low, True)):
            for datum, option in self.view.within(low, high):
                cost = self._unit_cost(numeral, datum, option)
                if cost is None or (mirrored and option.value == 0):
                    continue
                yield datum, option, cost + option.cost + (1.0 if mirrored else 0.0)

    def _unit_cost(self, numeral: Numeral, datum: Datum, option: Option) -> float | None:
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
            and self.currency not in ("", numeral.unit)
        ):
            return cost + 3.0
        return cost

    def _converted(self, claim: Claim, binding: Binding) -> Candidate | None:
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
                        cost = self._member_cost(claim, binding, members) + self._time_cost(claim, binding, datum)
                        if cost <= 1.0 and (best is None or cost < best.cost):
                            quantity = self._quantity(datum, option, cost)
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

    def _direct(self, claim: Claim, binding: Binding) -> Iterator[tuple[Candidate, Datum]]:
        numeral = claim.numeral
        for datum, option, unit in self._hits(numeral):
            mirrored = (option.value < 0) != (numeral.value < 0) and option.value != 0 and numeral.value != 0
            sign = 0.0
            if mirrored:
                unit -= 1.0  # noqa: PLW2901
                # What is paid out is stored with a minus in some accounts, and written without one everywhere.
                is_outflow = bool(self.view.words[datum.measure] & _OUTFLOWS) and option.value < 0
                says = is_outflow or self._says_negative(claim)
                sign = BROKEN if (numeral.signed and numeral.value < 0) or not says else 0.3
            cost = self._measure_cost(binding, datum.measure, direct=True) + self._member_cost(
                claim, binding, datum.members
            )
            cost += self._time_cost(claim, binding, datum) + unit + sign
            quantity = self._quantity(datum, option, cost)
            yield (
                Candidate(option.value, option.kind, option.symbol, cost, (quantity,), "direct", later=datum.time),
                datum,
            )

    def _says_negative(self, claim: Claim) -> bool:
        text = f"{claim.head} {claim.before[-60:]} {claim.after[:24]}"
        return self.lexicon.has("negative", text) or self.lexicon.has("down", text)

    def _is_borne_out(self, claim: Claim, binding: Binding, candidate: Candidate, datum: Datum, chance: float) -> bool:
        if chance <= CHANCE:
            return not self._is_another(claim, binding, datum)
        if claim.numeral.digits >= 4 and chance <= EXACT_CHANCE and candidate.cost <= 1.0:
            return not self._is_another(claim, binding, datum)
        affinity = binding.affinity.get(datum.measure, 0.0)
        named = affinity >= 0.6 * NAMED and affinity >= binding.best_direct - 0.05
        learned = claim.is_cell and datum.measure in (
            self.learned.get((claim.group[0], claim.row)),
            self.learned_columns.get((claim.group[0], claim.col)),
        )
        return (named or learned) and candidate.cost <= 1.3

    def _is_repeated(self, claim: Claim, datum: Datum) -> bool:
        """Whether a figure would be compared with itself: `4.90 after 4.90`."""
        last = self.by_group.get(claim.group, [])[-1:]
        return (
            not claim.is_cell
            and bool(last)
            and last[0].candidate is not None
            and last[0].candidate.operation in ("direct", "definition")
            and last[0].candidate.inputs[0].index == datum.index
            and last[0].claim.numeral.kind == claim.numeral.kind
            and self.lexicon.has("versus", claim.before)
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
        named = [number for number, value in binding.affinity.items() if value >= binding.best_direct - 0.02]
        return any(
            unit_cost(claim.numeral, option.kind, option.symbol) is not None
            for (measure, _), series in self.view.series.items()
            if measure in named
            for option in series[-1].options
        )

    def _rival(self, claim: Claim, binding: Binding, datum: Datum) -> Quantity | None:
        """A datum of the same measure that fits the claim's time and members clearly better, and has another value."""
        rivals = []
        own = self._member_cost(claim, binding, datum.members) + self._time_cost(claim, binding, datum)
        if own < BETTER:
            return None
        for (measure, members), series in self.view.series.items():
            if measure != datum.measure:
                continue
            for other in series:
                cost = self._member_cost(claim, binding, members) + self._time_cost(claim, binding, other)
                if cost <= own - BETTER and other.value != datum.value:
                    rivals.append((cost, other))
        if not rivals:
            return None
        cost, other = min(rivals, key=lambda pair: (pair[0], pair[1].index))
        return self._quantity(other, other.options[0], cost)

    def _chance(self, claim: Claim, binding: Binding, candidate: Candidate) -> float:
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
        seen = set()
        for datum, option in (*self.view.within(low, high), *self.view.within(-high, -low)):
            if option.value in seen or numeral.low <= option.value <= numeral.high:
                continue
            unit = unit_cost(numeral, option.kind, option.symbol)
            if unit is None:
                continue
            cost = unit + option.cost + self._measure_cost(binding, datum.measure, direct=True)
            if (
                cost <= candidate.cost
                and cost + self._member_cost(claim, binding, datum.members) + self._time_cost(claim, binding, datum)
                <= candidate.cost
            ):
                count += 1
                seen.add(option.value)
                if count * probability > 1:
                    break
        return probability * count

    # Costs.

    def _bind(self, claim: Claim) -> Binding:
        words: Mapping[str, float] = claim.words
        affinity = self.view.affinities(words)
        if claim.is_cell:
            for store, key in ((self.learned, claim.row), (self.learned_columns, claim.col)):
                measure = store.get((claim.group[0], key))
                if measure is not None:
                    affinity[measure] = max(affinity.get(measure, 0.0), 0.85)
        # A sentence that names no measure goes on about the one before.
        if max(affinity.values(), default=0.0) < 0.2 and not claim.is_cell:
            strength = 0.42
            for reading in self.readings[:-8:-1]:
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

    def _measure_cost(self, binding: Binding, measure: int, *, direct: bool = False) -> float:
        best = binding.best_direct if direct else binding.best
        if best < 0.12:
            return 0.3
        return max(0.0, 1.8 * (best - binding.affinity.get(measure, 0.0)))

    def _member_cost(self, claim: Claim, binding: Binding, members: MemberKey) -> float:
        cached = binding.member_costs.get(members)
        if cached is None:
            cached = binding.member_costs[members] = self._member_cost_of(claim, members)
        return cached

    def _member_cost_of(self, claim: Claim, members: MemberKey) -> float:
        cost = 0.0
        own = set(members)
        dimensions = {name for name, _ in members}
        table: tuple[dict[str, str] | None, ...] = ()
        if claim.is_cell:
            table = (
                self.column_members.get((claim.group[0], claim.col)),
                self.row_members.get((claim.group[0], claim.row)),
            )
        asserted = [options for options in claim.members if any(name in dimensions for name, _ in options)]
        inherited = [options for options in claim.inherited_members if any(name in dimensions for name, _ in options)]
        for dimension, member in members:
            near = [options for options in asserted if any(name == dimension for name, _ in options)]
            far = [options for options in inherited if any(name == dimension for name, _ in options)]
            if near:
                rank = next((at for at, options in enumerate(near) if (dimension, member) in options), None)
                cost += BROKEN if rank is None else 0.0 if rank == 0 or claim.is_cell else 0.9
            elif far:
                rank = next((at for at, options in enumerate(far) if (dimension, member) in options), None)
                cost += 1.3 if rank is None else 0.1 + 0.1 * min(rank, 3)
            else:
                settled = any(dimension in (of or {}) for of in table)
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

    def _time_cost(self, claim: Claim, binding: Binding, datum: Datum) -> float:
        key = (
            (datum.time, datum.measure, datum.members) if not claim.times and not claim.inherited_times else datum.time
        )
        cached = binding.time_costs.get(key)
        if cached is None:
            cached = binding.time_costs[key] = self._time_cost_of(claim, datum)
        return cached

    def _time_cost_of(self, claim: Claim, datum: Datum) -> float:  # noqa: C901, PLR0912
        time = datum.time
        if claim.is_cell:
            for store, key, names_time in (
                (self.column_times, claim.col, claim.column_has_time),
                (self.row_times, claim.row, claim.row_has_time),
            ):
                settled = store.get((claim.group[0], key))
                if settled is not None and time is not None and names_time:
                    return 0.0 if time == settled else BROKEN if _same_grain(time, settled) else 1.0
        if time is None:
            return 0.5 if claim.times and claim.has_own_time and claim.times[0].kind != "day" else 0.1
        versus = self._is_versus(claim)
        costs, base_costs = [], []
        absolute = [ref for ref in claim.times if ref.kind not in ("previous", "year_ago")]
        for rank, ref in enumerate(claim.times):
            if ref.kind in ("previous", "year_ago"):
                cost = self._relative(claim, ref, time, absolute)
            else:
                cost = self.calendar.cost(ref, time)
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
        if claim.listed and not claim.is_cell:
            return 0.4
        if versus and any(
            self._relative(claim, ref, time, absolute or claim.inherited_times) is not None
            for ref in (_YEAR_AGO, _PREVIOUS)
        ):
            return 0.5
        if claim.times and claim.has_own_time:
            return 1.6
        inherited = [ref for ref in claim.inherited_times if ref.kind not in ("previous", "year_ago")]
        for rank, ref in enumerate(inherited):
            if (cost := self.calendar.cost(ref, time)) is not None:
                base_costs.append(cost + 0.25 + 0.1 * rank)
        if base_costs:
            return min(base_costs)
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
        return 0.0 if self.latest is None or (self.latest - time.end).days < 366 else 0.4

    def _relative(self, claim: Claim, ref: TimeRef, time: Time, absolute: Sequence[TimeRef]) -> float | None:
        """The cost of a time as the one a year, or a step, before those that are spoken of."""
        bases = [
            reading.candidate.later
            for group in ((claim.group[0], claim.group[1] - 1), claim.group)
            for reading in self.by_group.get(group, ())
            if reading.candidate and reading.candidate.later
        ]
        bases = bases[-3:]
        own = self.own_times
        if not bases:
            refs = absolute or claim.inherited_times
            bases = [
                base
                for base in own
                if any(
                    self.calendar.cost(item, base) is not None
                    for item in refs
                    if item.kind not in ("previous", "year_ago")
                )
            ]
        if not bases and self.latest:
            bases = [base for base in own if base.end == self.latest]
        if not bases:
            bases = [base for base in own if base.grain == time.grain]
        if ref.kind == "year_ago":
            return 0.1 if any(is_before(time, base, years=ref.part or 1) for base in bases) else None
        for base in bases:
            before = [item for item in own if item.end < base.end and _same_grain(item, base)]
            if before and max(item.end for item in before) == time.end and _same_grain(time, base):
                return 0.15
        return None

    def _is_versus(self, claim: Claim) -> bool:
        return (
            self.lexicon.has("versus", claim.before[-40:])
            or claim.before.rstrip()[-1:] == "("
            or self.lexicon.has("previous_year", claim.after[:40])
            or bool(_FROM.search(claim.before) and _TO.match(claim.after))
        )

    # Contexts and arithmetic.

    def _context(self, claim: Claim) -> Candidate | None:
        """The figure of a context that says the same of the same; none where a context says another figure of it."""
        numeral = claim.numeral
        size = abs(numeral.value) or 1.0
        chance = numeral.width / (DECADE * size) * len(self.contexts)
        scored = []
        for figure in self.contexts:
            other = figure.claim.numeral
            if not _same_unit(numeral, other):
                continue
            shared = sum(
                min(weight, figure.claim.words.get(word, 0.0))
                for word, weight in claim.words.items()
                if word not in GENERIC and figure.claim.words.get(word, 0.0) > 0.3 and weight > 0.3
            )
            meets = other.low <= numeral.high and numeral.low <= other.high
            if numeral.width < 0.5 * other.width and abs(numeral.value - other.value) > 1e-9 * size:
                meets = False
            scored.append((shared, meets, figure))
        meeting = [item for item in scored if item[1]]
        if not meeting:
            return None
        shared, _, figure = max(meeting, key=lambda item: item[0])
        nearest = max(item[0] for item in scored)
        if nearest > shared + 0.25 or (shared <= 0.3 and chance > CHANCE):
            return None
        cost = 1.6 - 0.5 * min(shared, 3.0)
        return Candidate(
            figure.claim.numeral.value, numeral.kind, numeral.unit, max(cost, 0.1), (figure.quantity(cost),), "context"
        )

    def _derived(self, claim: Claim, binding: Binding) -> tuple[Candidate | None, float]:  # noqa: C901, PLR0912
        numeral = claim.numeral
        size = abs(numeral.value)
        probability = numeral.width / (DECADE * size) if size else 1.0
        low, high = size / math.sqrt(10), size * math.sqrt(10)
        hits: list[Candidate] = []
        plausible: dict[float, float] = {}
        focus = self._focus(claim, binding)
        negative = self.lexicon.has(
            "down", f"{claim.head} {claim.before[-70:]} {claim.after[:40]}"
        ) or self.lexicon.has("negative", claim.before[-40:])
        if not numeral.value:
            return None, 1.0
        stated = self._stated_count(claim)
        for operation in OPERATIONS:
            for candidate in operation(focus):
                if candidate.cost > ACCEPTED or (candidate.operation == "count" and not numeral.integer):
                    continue
                if numeral.bare and numeral.digits < 3 and candidate.operation in ("ratio", "per", "product"):
                    continue
                if numeral.kind == "money" and not candidate.symbol and self.currency not in ("", numeral.unit):
                    continue
                unit = unit_cost(numeral, candidate.kind, candidate.symbol)
                if unit is not None and stated and candidate.operation in ("sum", "mean"):
                    unit += 0.0 if len(candidate.inputs) == stated else 1.2
                if unit is None or (numeral.kind == "points" and candidate.kind == "percent"):
                    continue
                cost = candidate.cost + unit
                value = abs(candidate.value)
                matches = numeral.low <= candidate.value <= numeral.high
                mirrored = numeral.low <= -candidate.value <= numeral.high and candidate.value != 0
                if matches or (mirrored and not (numeral.signed and numeral.value < 0 and candidate.value > 0)):
                    if mirrored and not matches:
                        if numeral.signed and numeral.value > 0 and not negative:
                            continue
                        if not negative and candidate.operation not in (
                            "difference",
                            "points",
                            "change",
                            "compound growth",
                            "distance",
                        ):
                            continue
                        cost += 0.1 if negative or candidate.operation in ("difference", "points") else 0.4
                    hits.append(replace(candidate, cost=cost))
                elif low <= value <= high:
                    key = float(f"{value:.6g}")
                    plausible[key] = min(plausible.get(key, 99.0), cost)
        self.last_hits = hits
        if not hits:
            return None, 1.0
        best = min(hits, key=lambda item: (item.cost, item.operation, item.formula))
        count = sum(cost <= best.cost + 1e-9 for cost in plausible.values())
        chance = probability * count
        # Measures that are named whole, and a word for the arithmetic: there are only a few ways to combine them.
        whole = [item for item in hits if item.cost <= 1.3 and _is_bound(item, self.named)]
        if whole and chance > DERIVED_CHANCE:
            return min(whole, key=lambda item: (item.cost, item.operation, item.formula)), chance
        limit = DERIVED_CHANCE if best.cost <= 1.5 else CHANCE
        if chance <= limit or (count <= 6 and best.cost <= 0.95) or (numeral.soft and best.cost <= 1.2):
            return best, chance
        return None, chance

    def _quantity(self, datum: Datum, option: Option, cost: float = 0.0) -> Quantity:
        return Quantity(
            option.value,
            option.kind,
            option.symbol,
            datum.measure,
            datum.members,
            datum.time,
            self.view.titles[datum.measure],
            datum.source,
            cost,
            datum.index,
            self.view.aggregates[datum.measure],
        )

    def _focus(self, claim: Claim, binding: Binding) -> Focus:  # noqa: C901
        """The data that a claim's words name, with what may be counted with them."""
        view = self.view

        named = {
            number
            for number in binding.affinity
            if all(claim.words.get(word, 0.0) > 0.3 for word in view.words[number] - GENERIC)
            and view.words[number] - GENERIC
        }
        """Named in the sentence itself, though another measure stands nearer."""

        def cost_of(datum: Datum) -> float:
            cost = self._measure_cost(binding, datum.measure)
            cost = min(cost, 0.45) if datum.measure in named else cost
            return cost + self._member_cost(claim, binding, datum.members) + self._time_cost(claim, binding, datum)

        self.named = named
        measures = sorted(
            binding.affinity, key=lambda number: (number not in named, -binding.affinity[number], number)
        )[:9]
        chosen = (
            [datum for (measure, _), series in view.series.items() if measure in measures for datum in series]
            if binding.best >= 0.12
            else []
        )
        scored = sorted(((cost_of(datum), datum.index, datum) for datum in chosen), key=lambda item: item[:2])
        quantities = [self._quantity(datum, _main(datum), cost) for cost, _, datum in scored[:FOCUS] if cost < ACCEPTED]
        beside = [
            replace(item, cost=0.15 if number == 0 else 0.35)
            for number, item in enumerate(reversed(self._borne_out(self.by_group.get(claim.group, ()))))
        ][:10][::-1]
        for reading in self.by_group.get(claim.group, ())[-3:]:
            if (
                reading.candidate
                and reading.candidate.operation == "sum"
                and reading.verdict == "derived"
                and len(reading.candidate.inputs) <= 12
            ):
                for item in reading.candidate.inputs:
                    if item.index >= 0 and item.index not in {other.index for other in quantities}:
                        quantities.append(replace(item, cost=0.2 + self._member_cost(claim, binding, item.members)))
        indices = {item.index for item in quantities}
        quantities += [item for item in beside if item.index < 0 or item.index not in indices]
        if not claim.is_cell and claim.group[1] > 0:
            last = self._borne_out(self.by_group.get((claim.group[0], claim.group[1] - 1), ()))
            quantities += [
                replace(item, cost=0.6) for item in last[-4:] if item.index >= 0 and item.index not in indices
            ]
        for figure in self.contexts:
            cost = self._context_cost(claim, figure)
            if cost is not None:
                beside = [*beside, figure.quantity(cost)]
        column = self._borne_out(self.by_column.get((claim.group[0], claim.col), ())) if claim.is_cell else []
        if quantities and any(item.is_context for item in beside):
            beside = [
                *beside,
                *(item for item in quantities[:4] if item.index not in {other.index for other in beside}),
            ]

        memo: dict[tuple[str, int], list[Quantity]] = {}

        def of(items: Iterable[Datum], own: Quantity) -> list[Quantity]:
            return [
                own if datum.index == own.index else self._quantity(datum, _same_option(datum, own), cost_of(datum))
                for datum in items
            ]

        def once(name: str, own: Quantity, make: Callable[[], list[Quantity]]) -> list[Quantity]:
            key = (name, own.index if own.index >= 0 else -id(own))
            if key not in memo:
                memo[key] = make()
            return memo[key]

        def peers(own: Quantity) -> list[Quantity]:
            if own.index < 0:
                return [item for item in quantities if item.index != own.index]
            named = [
                item
                for item in quantities
                if item.index != own.index and item.members == own.members and _alike(item.time, own.time)
            ]
            named += [item for item in beside if item.index < 0 and not item.is_context]
            indices = {item.index for item in named}
            others = [
                self._quantity(datum, _main(datum), 1.1 + 0.3 * (datum.measure not in self.denominators))
                for datum in self._together(own)
                if datum.index not in indices and datum.index != own.index
            ]
            return [*named, *others]

        return Focus(
            quantities,
            lambda own: once(
                "series",
                own,
                lambda: (
                    [
                        replace(item, cost=min(item.cost, 0.3)) if self._is_base(claim, item.time) else item
                        for item in of(view.series.get((own.measure, own.members), ()), own)
                    ]
                    if own.index >= 0
                    else []
                ),
            ),
            lambda own: once("section", own, lambda: of(self._section(own), own) if own.index >= 0 else []),
            lambda own: once("peers", own, lambda: peers(own)),
            self._sections,
            column,
            beside,
            [] if claim.is_cell else self._columns_above(claim),
            self._cues(claim),
        )

    def _stated_count(self, claim: Claim) -> int:
        """How many times a sentence says that it sums up: `over the three years`; 0 where it does not say."""
        words = self.lexicon.terms("numbers")[:12]
        match = re.search(
            rf"(?<!\w)(?:(\d\d?)|({'|'.join(words)}))[\s-]+(?:years?|quarters?|months?|jahren?|quartalen?|monaten?|ans|années|exercices"
            r"|trimestres|mois|años|meses|anni|mesi|trimestri)\b",
            claim.sentence,
            re.IGNORECASE,
        )
        if match is None:
            return 0
        return int(match[1]) if match[1] else [word.casefold() for word in words].index(match[2].casefold()) + 1

    def _is_base(self, claim: Claim, time: Time | None) -> bool:
        """Whether a time is the one that something is compared with."""
        return time is not None and any(self.calendar.cost(ref, time) is not None for ref in claim.base_times)

    def _columns_above(self, claim: Claim) -> list[list[Quantity]]:
        """The columns of the last table before a claim, where it stands near."""
        blocks = [block for block, _ in self.by_column if block < claim.group[0]]
        if not blocks or claim.group[0] - max(blocks) > 4:
            return []
        return [
            column
            for (block, _), readings in self.by_column.items()
            if block == max(blocks) and len(column := self._borne_out(readings)) > 1
        ]

    def _together(self, own: Quantity) -> list[Datum]:
        """The data of the same members at the same time, a year with the balance at its end."""
        same = self.at.get((own.members, own.time), [])
        if own.time is not None and own.time.grain not in ("day", "moment"):
            same = [
                *same,
                *(
                    datum
                    for time in self.own_times
                    if time != own.time and time.end == own.time.end
                    for datum in self.at.get((own.members, time), [])
                ),
            ]
        return same[:80]

    def _section(self, own: Quantity) -> list[Datum]:
        """The same measure of each member at the same time; of snapshots the ones nearest to it."""
        section = list(self.view.sections.get((own.measure, own.time), ()))
        if own.time is not None and own.time.grain in ("day", "moment") and len(section) < 2:
            for (measure, members), series in self.view.series.items():
                if measure == own.measure and members != own.members:
                    section.append(min(series, key=lambda datum: (abs((datum.end - own.time.end).days), datum.index)))  # type: ignore[union-attr]
        return section

    def _sections(self) -> list[list[Quantity]]:
        """Every measure across its members at the last time that all of them have."""
        if self.all_sections is None:
            self.all_sections = []
            firsts = {measure: series[-1] for (measure, _), series in self.view.series.items()}
            for datum in list(firsts.values())[:300]:
                option = datum.options[0]
                if option.kind in ("money", "count", "") and self.view.aggregates[datum.measure] == "sum":
                    section = self._section(self._quantity(datum, option))
                    if 1 < len(section) <= 60:
                        self.all_sections.append([self._quantity(item, item.options[0]) for item in section])
        return self.all_sections

    def _context_cost(self, claim: Claim, figure: ContextFigure) -> float | None:
        """What speaks against counting with a figure of a context: nothing where it is of the same member or words."""
        own = {option for options in (*claim.members[:1],) for option in options}
        other = {option for options in figure.claim.members for option in options}
        if own & other:
            return 0.3
        shared = len(figure.words & {word for word, weight in claim.words.items() if weight > 0.25})
        return 0.5 if shared >= 2 else 0.8 if shared else None

    def _borne_out(self, readings: Iterable[Reading]) -> list[Quantity]:
        found = []
        for reading in readings:
            candidate = reading.candidate
            if candidate is None or reading.verdict in ("contradicted", "unsupported"):
                continue
            if candidate.operation in ("direct", "definition", "context"):
                found.append(
                    candidate.inputs[0]
                    if candidate.operation != "context"
                    else replace(candidate.inputs[0], kind=_kind(reading.claim.numeral))
                )
            else:
                first = candidate.inputs[0]
                found.append(
                    Quantity(
                        candidate.value,
                        candidate.kind,
                        candidate.symbol,
                        -1,
                        first.members,
                        candidate.later,
                        reading.claim.numeral.text,
                        "; ".join(dict.fromkeys(item.source for item in candidate.inputs[:4])),
                    )
                )
        return found

    def _cues(self, claim: Claim) -> Callable[[str], float]:
        text = f"{claim.head} {claim.before} {claim.after}" if not claim.is_cell else f"{claim.head} {claim.corner}"
        near, far = self._asked(text, claim), self._asked(claim.sentence, claim)
        missing = {
            "change": 0.9,
            "difference": 0.9,
            "share": 0.5,
            "multiple": 0.6,
            "yearly": 1.4,
            "sum": 0.9,
            "mean": 2.0,
            "median": 9.0,
            "extreme": 9.0,  # the highest of some values is one of them: without a word it is that value
            "count": 1.0,
        }
        return lambda name: 0.0 if near[name] else 0.25 if far[name] and not claim.is_cell else missing[name]

    def _asked(self, text: str, claim: Claim) -> dict[str, bool]:
        """Which operations the words of a text speak of."""
        has = self.lexicon.has
        direction = has("up", text) or has("down", text) or claim.numeral.signed
        return {
            "change": direction or has("change", text),
            "difference": direction or has("difference", text),
            "share": has("share", text),
            "multiple": has("versus", text) or has("share", text) or claim.numeral.kind == "multiple",
            "yearly": has("yearly", text),
            "sum": has("sum", text),
            "mean": has("mean", text),
            "median": has("median", text),
            "extreme": has("highest", text) or has("lowest", text),
            "count": has("count", text),
        }

    def _expected(self, claim: Claim, binding: Binding) -> Quantity | None:
        """The one datum that a claim's words bind wholly, where there is one."""
        if binding.best < NAMED:
            return None
        measures = [number for number, value in binding.affinity.items() if value >= binding.best - 0.02]
        scored = []
        for (measure, members), series in self.view.series.items():
            if measure not in measures:
                continue
            for datum in series:
                option = next(
                    (
                        option
                        for option in datum.options
                        if unit_cost(claim.numeral, option.kind, option.symbol) is not None
                    ),
                    None,
                )
                if option is not None:
                    cost = self._member_cost(claim, binding, members) + self._time_cost(claim, binding, datum)
                    scored.append((cost, datum.index, datum, option))
        scored.sort(key=lambda item: item[:2])
        if (
            not scored
            or scored[0][0] > 1.0
            or (len(scored) > 1 and scored[1][0] <= scored[0][0] + 0.1 and scored[1][2].value != scored[0][2].value)
        ):
            return None
        return self._quantity(scored[0][2], scored[0][3], scored[0][0])


def _is_bound(candidate: Candidate, named: set[int]) -> bool:
    """Whether two measures, or one of two members, that are named whole are compared."""
    if candidate.operation not in ("distance", "share", "ratio", "difference") or len(candidate.inputs) != 2:
        return False
    one, two = candidate.inputs
    is_pair = one.measure != two.measure or (one.members != two.members and two.cost <= 1.2)
    return is_pair and one.measure in named and two.measure in named


def _rank_cost(claim: Claim, rank: int) -> float:
    """What speaks against the times of a sentence that a figure is not right beside."""
    if claim.has_own_time:
        return 0.95 if rank else 0.0
    return min(0.45 * (rank + 1), 0.9)


def _common(cells: Sequence[set[object]]) -> object:
    """What is in three quarters of the sets, two at least, and in more of them than anything else; else None."""
    counts: Counter[object] = Counter(item for items in cells for item in items)
    ranked = counts.most_common(2)
    if not ranked or ranked[0][1] < max(2, 0.75 * len(cells)) or (len(ranked) > 1 and ranked[1][1] == ranked[0][1]):
        return None
    return ranked[0][0]


def _signature(candidate: Candidate) -> object:
    """What a formula is over, whatever the row or time: its operation and the measures, or where the inputs stand."""
    return candidate.operation, tuple((item.measure, item.is_context) for item in candidate.inputs[:4])


_FROM = re.compile(r"(?<!\w)(?:from|von|de|desde|da)\s*$", re.IGNORECASE)
_TO = re.compile(r"[^.;]{0,24}?(?<!\w)(?:to|auf|à|a)\s+(?:about\s+|rund\s+)?$|\s*(?:to|auf|à|a)\s", re.IGNORECASE)
"""`from X to Y`: X is of the time before."""
_OUTFLOWS = frozenset(
    ["repurchase", "dividend", "payment", "paid", "expenditure", "outflow", "purchase", "repayment", "investment"]
)
_YEAR_AGO = TimeRef(0, 0, "", "year_ago", part=1)
_PREVIOUS = TimeRef(0, 0, "", "previous", part=1)
_WHOLES = frozenset(["revenue", "total", "asset", "equity", "population", "income"])
"""Measures that others are usually taken as shares of."""


def _main(datum: Datum) -> Option:
    return datum.options[0]


def _same_option(datum: Datum, own: Quantity) -> Option:
    return next(
        (option for option in datum.options if (option.kind, option.symbol) == (own.kind, own.symbol)), datum.options[0]
    )


def _alike(one: Time | None, two: Time | None) -> bool:
    """Whether two times may stand in one ratio: they end together, as a year and the balance at its end do."""
    return one == two or one is None or two is None or abs((one.end - two.end).days) <= 4


def _same_grain(one: Time, two: Time) -> bool:
    return one.grain == two.grain or {one.grain, two.grain} <= {"day", "moment"}


def _same_unit(numeral: Numeral, other: Numeral) -> bool:
    if numeral.kind == other.kind:
        return numeral.unit == other.unit or not numeral.unit or not other.unit
    return (
        {numeral.kind, other.kind} <= {"number", "money", "count"}
        or {numeral.kind, other.kind} <= {"number", "multiple"}
        or {numeral.kind, other.kind} <= {"fraction", "percent"}
    )


def _kind(numeral: Numeral) -> str:
    return {"multiple": "ratio", "number": "count", "fraction": "percent"}.get(numeral.kind, numeral.kind)


def _as_candidate(quantity: Quantity) -> Candidate:
    return Candidate(
        quantity.value, quantity.kind, quantity.symbol, quantity.cost, (quantity,), "direct", later=quantity.time
    )


def _shown(quantity: Quantity) -> str:
    value = exact(quantity.value)
    return f"{value} {quantity.symbol}".strip()


def exact(value: float) -> str:
    """A stored value as people read it: whole from a billion on, else ten digits."""
    return f"{value:,.10g}" if abs(value) < 1e9 else f"{value:,.0f}"
