"""What arithmetic on a claim works on: the data that its words name, and what stands beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from trainer.checks.claims import Claim
from trainer.checks.costs import Binding, Costs
from trainer.checks.evidence import ContextFigure, Evidence
from trainer.checks.quantities import Focus, Group, Quantity
from trainer.checks.thresholds import ACCEPTED, BROKEN, FEW, FOCUS, IMPLIED
from trainer.checks.view import GENERIC, Datum, Option
from trainer.facts import Time
from trainer.facts.times import span

_WHOLES = frozenset(["revenue", "total", "asset", "equity", "population", "income"])
"""Measures that others are usually taken as shares of."""

_PRICE = frozenset(["share", "price"])


class Nearby:
    """Gathers what operations work on."""

    def __init__(self, evidence: Evidence, costs: Costs) -> None:
        self.evidence = evidence
        self.view = evidence.view
        self.costs = costs
        self.slices = evidence.slices
        self.times_of: dict[int, list[Time]] = {
            measure: sorted({datum.time for datum in data if datum.time}, key=lambda time: (time.end, time.start))
            for measure, data in self.slices.rows.items()
        }
        self.denominators = frozenset(
            number for number, words in enumerate(evidence.view.words) if words and words <= _WHOLES
        )
        self.all_sections: list[list[Quantity]] | None = None

    def focus(self, claim: Claim, binding: Binding) -> Focus:  # noqa: C901
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
            cost = self.costs.of_measure(binding, datum.measure)
            cost = min(cost, 0.45) if datum.measure in named else cost
            time = self.costs.of_time(claim, binding, datum)
            # Arithmetic is of two times; the one further away is no less meant.
            time = min(time, 0.35) if 0.35 < time < BROKEN and self.costs.is_spoken_of(claim, datum.time) else time
            return cost + self.costs.of_members(claim, binding, datum.members) + time

        measures = sorted(
            binding.affinity, key=lambda number: (number not in named, -binding.affinity[number], number)
        )[:9]
        if len(view.titles) <= len(measures) + FEW or (binding.best < 0.12 and len(view.titles) <= FEW):
            measures = [*measures, *(number for number in range(len(view.titles)) if number not in measures)]
        chosen = [datum for measure in measures for datum in view.by_measure.get(measure, ())]
        scored = sorted(((cost_of(datum), datum.index, datum) for datum in chosen), key=lambda item: item[:2])
        quantities = [
            self.evidence.quantity(datum, _suited(datum, claim), cost)
            for cost, _, datum in scored[:FOCUS]
            if cost < ACCEPTED
        ]
        beside = [
            replace(item, cost=0.15 if number == 0 else 0.35)
            for number, item in enumerate(
                reversed(self.evidence.borne_out(self.evidence.by_group.get(claim.group, ())))
            )
        ][:10][::-1]
        for reading in self.evidence.by_group.get(claim.group, ())[-3:]:
            if (
                reading.candidate
                and reading.candidate.operation == "sum"
                and reading.verdict == "derived"
                and len(reading.candidate.inputs) <= 12
            ):
                for item in reading.candidate.inputs:
                    if item.index >= 0 and item.index not in {other.index for other in quantities}:
                        quantities.append(replace(item, cost=0.2 + self.costs.of_members(claim, binding, item.members)))
        indices = {item.index for item in quantities}
        quantities += [item for item in beside if item.index < 0 or item.index not in indices]
        last = self._sentence_before(claim)
        if self._follows_up(claim):
            # `The gap is 9.5 points`: a sentence that names nothing counts with the figures of the one before.
            beside = [*(replace(item, cost=0.35) for item in last[-6:]), *beside]
        quantities += [replace(item, cost=0.6) for item in last[-4:] if item.index >= 0 and item.index not in indices]
        for figure in self.evidence.contexts:
            cost = self._context_cost(claim, figure)
            if cost is not None:
                beside = [*beside, figure.quantity(cost)]
        column = (
            self.evidence.borne_out(self.evidence.by_column.get((claim.group[0], claim.col), ()))
            if claim.is_cell
            else []
        )
        if quantities and any(item.is_context for item in beside):
            beside = [
                *beside,
                *(item for item in quantities[:4] if item.index not in {other.index for other in beside}),
            ]

        if claim.numeral.kind == "percent" and beside:
            beside = [*beside, *self._price(beside)]

        memo: dict[tuple[str, int], list[Quantity]] = {}

        def of(items: Iterable[Datum], own: Quantity) -> list[Quantity]:
            return [
                own
                if datum.index == own.index
                else self.evidence.quantity(datum, _same_option(datum, own), cost_of(datum))
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
                self.evidence.quantity(datum, _main(datum), 1.1 + 0.3 * (datum.measure not in self.denominators))
                for datum in self._together(own)
                if datum.index not in indices and datum.index != own.index
            ]
            return [*named, *others]

        absolute = {
            ref.year for ref in claim.times if ref.year is not None and ref.kind not in ("previous", "year_ago")
        }

        def series(own: Quantity) -> list[Quantity]:
            """The same measure and members at all times; one that something is compared with is meant as much."""
            items = of(view.series.get((own.measure, own.members), ()), own) if own.index >= 0 else []
            return [
                replace(item, cost=min(item.cost, 0.3)) if self.costs.is_base(claim, item.time) else item
                for item in items
            ]

        def section(own: Quantity) -> list[Quantity]:
            return of(self._section(own), own)

        return Focus(
            quantities=quantities,
            series=lambda own: once("series", own, lambda: series(own)),
            section=lambda own: once("section", own, lambda: section(own)),
            peers=lambda own: once("peers", own, lambda: peers(own)),
            sections=self._sections,
            column=column,
            row=beside,
            tables=[] if claim.is_cell else self._columns_above(claim),
            points=claim.numeral.kind == "points" or (claim.is_cell and claim.numeral.kind == "number"),
            spanned=len(absolute) > 1,
            named=frozenset(named),
            groups=self._groups(claim, binding),
            cues=self._cues(claim),
        )

    def _groups(self, claim: Claim, binding: Binding) -> list[Group]:
        """The groups of rows that the members and times named near a claim make, with what speaks against each."""
        asserted = [option for options in claim.members for option in options]
        inherited = [option for options in claim.inherited_members for option in options if option not in asserted]
        groups: list[Group] = []
        for measure in self.slices.axes if len(self.slices.axes) <= FEW else binding.affinity:
            cost = self.costs.of_measure(binding, measure)
            if cost > 0.9 or measure not in self.slices.axes:
                continue
            spoken = [ref for ref in (*claim.times, *claim.inherited_times) if ref.kind not in ("previous", "year_ago")]
            years = sorted({ref.year for ref in spoken if ref.year and not ref.is_fiscal})
            within = {(at.start, at.end): at for at in (span(date(y, 1, 1), date(y, 12, 31)) for y in years)}
            within |= {
                (time.start, time.end): time
                for time in self.times_of[measure]
                if any(
                    (distance := self.evidence.calendar.cost(ref, time)) is not None and distance <= 0.6
                    for ref in spoken
                )
            }
            for group in self.slices.named(measure, (*asserted, *inherited), [*within.values(), None]):
                missing = {name for name, _ in asserted} - {name for name, _ in group.members}
                far = sum(option in inherited for option in group.members)
                at = group.mean.time
                late = min(self.costs.time_rank(claim, at), 0.9) if at is not None else 0.6 if within else 0.0
                # Of two members of one dimension the nearer one is meant.
                nearest = {name: (name, of) for name, of in reversed(asserted)}
                other = sum(option in asserted and nearest[option[0]] != option for option in group.members)
                against = 0.7 * len(missing) + 0.25 * far + (0.0 if claim.is_cell else 0.4 * other)
                # `highest in November 1854` is no highest of a year.
                extremes = () if at is not None and self._is_finer(claim, at) else group.extremes
                groups.append(replace(group, cost=cost + 0.1 + against + late, extremes=extremes))
        return sorted(groups, key=lambda group: (group.cost, group.mean.title, group.mean.members))[:40]

    def _section(self, own: Quantity) -> list[Datum]:
        """The same measure of each member at the same time; the total of them all is none beside the others."""
        data = self.evidence.section(own) if own.index >= 0 else []
        totals = self.view.totals
        return data if set(own.members) & totals else [item for item in data if not set(item.members) & totals]

    def _sentence_before(self, claim: Claim) -> list[Quantity]:
        """What the figures of the sentence before are of."""
        if claim.is_cell or not claim.group[1]:
            return []
        return self.evidence.borne_out(self.evidence.by_group.get((claim.group[0], claim.group[1] - 1), ()))

    def _follows_up(self, claim: Claim) -> bool:
        """Whether a sentence names no member and no time of its own, and has one figure at most before this one."""
        absolute = [ref for ref in claim.times if ref.kind not in ("previous", "year_ago")]
        return not claim.members and not absolute and len(self.evidence.by_group.get(claim.group, ())) < 2

    def _is_finer(self, claim: Claim, whole: Time) -> bool:
        """Whether a figure is said of a time of its own that a group's time is not."""
        own = [ref for ref in claim.times if ref.kind not in ("previous", "year_ago")][:1]
        return claim.has_own_time and any(ref.kind != "year" or ref.year != whole.end.year for ref in own)

    def _price(self, beside: Iterable[Quantity]) -> list[Quantity]:
        """The price of a share whose high, low or target stands beside: `31 % below its high` names no price."""
        priced = [item for item in beside if item.kind == "money" and item.index >= 0]
        return [
            self.evidence.quantity(series[-1], _main(series[-1]), IMPLIED)
            for measure, words in enumerate(self.view.words)
            if words == _PRICE
            for members in dict.fromkeys(item.members for item in priced if item.measure != measure)
            if (series := self.view.series.get((measure, members)))
        ]

    def _columns_above(self, claim: Claim) -> list[list[Quantity]]:
        """The columns of the last table before a claim, where it stands near."""
        blocks = [block for block, _ in self.evidence.by_column if block < claim.group[0]]
        if not blocks or claim.group[0] - max(blocks) > 4:
            return []
        return [
            column
            for (block, _), readings in self.evidence.by_column.items()
            if block == max(blocks) and len(column := self.evidence.borne_out(readings)) > 1
        ]

    def _together(self, own: Quantity) -> list[Datum]:
        """The data of the same members at the same time, a year with the balance at its end."""
        same = self.evidence.at.get((own.members, own.time), [])
        if own.time is not None and own.time.grain not in ("day", "moment"):
            same = [
                *same,
                *(
                    datum
                    for time in self.evidence.own_times
                    if time != own.time and time.end == own.time.end
                    for datum in self.evidence.at.get((own.members, time), [])
                ),
            ]
        return same[:80]

    def _sections(self) -> list[list[Quantity]]:
        """Every measure across its members at the last time that all of them have."""
        if self.all_sections is None:
            self.all_sections = []
            firsts = {measure: series[-1] for (measure, _), series in self.view.series.items()}
            for datum in list(firsts.values())[:300]:
                option = datum.options[0]
                if option.kind in ("money", "count", "") and self.view.aggregates[datum.measure] == "sum":
                    section = self.evidence.section(self.evidence.quantity(datum, option))
                    if 1 < len(section) <= 60:
                        self.all_sections.append([self.evidence.quantity(item, item.options[0]) for item in section])
        return self.all_sections

    def _context_cost(self, claim: Claim, figure: ContextFigure) -> float | None:
        """What speaks against counting with a figure of a context: nothing where it is of the same member or words."""
        own = {option for options in (*claim.members[:1],) for option in options}
        other = {option for options in figure.claim.members for option in options}
        if own & other:
            return 0.3
        shared = len(figure.words & {word for word, weight in claim.words.items() if weight > 0.25})
        return 0.5 if shared >= 2 else 0.8 if shared else None

    def _cues(self, claim: Claim) -> Callable[[str], float]:
        text = f"{claim.head} {claim.before} {claim.after}" if not claim.is_cell else f"{claim.head} {claim.corner}"
        in_clause, in_sentence = self.asked(text, claim), self.asked(claim.sentence, claim)
        missing = {
            "change": 0.9,
            "difference": 0.9,
            "share": 0.5,
            "multiple": 0.6,
            "yearly": 1.4,
            "sum": 0.9,
            "mean": 9.0,
            "median": 9.0,
            "maximum": 9.0,  # the highest of some values is one of them: without a word it is that value
            "minimum": 9.0,
            "count": 1.0,
        }
        # `highest` said of one figure of a sentence says nothing of the others.
        begins = claim.before.strip() in ("", "(", ",")
        in_sentence |= {name: in_sentence[name] and begins for name in ("maximum", "minimum")}
        return lambda name: (
            0.0 if in_clause[name] else 0.25 if in_sentence[name] and not claim.is_cell else missing[name]
        )

    def asked(self, text: str, claim: Claim) -> dict[str, bool]:
        """Which operations the words of a text speak of."""
        has = self.evidence.lexicon.has
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
            "maximum": has("highest", text),
            "minimum": has("lowest", text),
            "count": has("count", text),
        }


def _main(datum: Datum) -> Option:
    return datum.options[0]


def _suited(datum: Datum, claim: Claim) -> Option:
    """The value as it enters arithmetic: as per cent where the result is written in points, else as it stands."""
    if claim.numeral.kind != "points":
        return _main(datum)
    return next((option for option in datum.options if option.kind == "percent"), datum.options[0])


def _same_option(datum: Datum, own: Quantity) -> Option:
    return next(
        (option for option in datum.options if (option.kind, option.symbol) == (own.kind, own.symbol)), datum.options[0]
    )


def _alike(one: Time | None, two: Time | None) -> bool:
    """Whether two times may stand in one ratio: they end together, as a year and the balance at its end do."""
    return one == two or one is None or two is None or abs((one.end - two.end).days) <= 4
