"""What a text is held against, and what was read of it so far."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from trainer.checks.calendar import Calendar
from trainer.checks.claims import Claim
from trainer.checks.figure import Judgement
from trainer.checks.lexicon import Lexicon
from trainer.checks.numerals import Numeral
from trainer.checks.quantities import Candidate, Quantity
from trainer.checks.slices import Slices
from trainer.checks.view import Datum, FactsView, MemberKey, Option
from trainer.facts import Time


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
class Assessment:
    """What became of a claim."""

    claim: Claim
    verdict: Judgement
    candidate: Candidate | None = None
    message: str = ""
    chance: float = 0.0
    """Expected accidental hits."""


@dataclass(slots=True)
class TableBindings:
    """What the exact figures of a text's tables show of their rows and columns, by block and row or column."""

    rows: dict[tuple[int, int], int] = field(default_factory=dict)
    """The measure that a row's figures are of."""
    columns: dict[tuple[int, int], int] = field(default_factory=dict)
    row_times: dict[tuple[int, int], Time] = field(default_factory=dict)
    column_times: dict[tuple[int, int], Time] = field(default_factory=dict)
    row_members: dict[tuple[int, int], dict[str, str]] = field(default_factory=dict)
    """Members by dimension."""
    column_members: dict[tuple[int, int], dict[str, str]] = field(default_factory=dict)


class Evidence:
    """Data, contexts and all that was read of a text so far; what was borne out helps to read what follows."""

    def __init__(self, view: FactsView, contexts: Sequence[ContextFigure], lexicon: Lexicon) -> None:
        self.view = view
        self.slices = Slices(view)
        self.contexts = contexts
        self.lexicon = lexicon
        self.calendar = Calendar.of(datum.time for datum in view.data)
        self.latest = max((datum.end for datum in view.data if datum.time), default=None)
        self.learned = TableBindings()
        self.currency = ""
        """Of most money in the text."""
        self.readings: list[Assessment] = []
        self.by_group: dict[tuple[int, ...], list[Assessment]] = defaultdict(list)
        """By sentence or row."""
        self.by_column: dict[tuple[int, int], list[Assessment]] = defaultdict(list)
        self._written: frozenset[int] | None = None
        self.position = 0
        """Of the claim at hand, in the order of the text."""
        self.at: dict[tuple[MemberKey, Time | None], list[Datum]] = defaultdict(list)
        """Data by members and time."""
        for datum in view.data:
            self.at[datum.members, datum.time].append(datum)
        self.own_times = tuple(
            sorted({datum.time for datum in view.data if datum.time}, key=lambda time: (time.end, time.start))
        )

    def begin(self, claims: Sequence[Claim]) -> None:
        """Takes note of the currency that a text is in."""
        counts = Counter(claim.numeral.unit for claim in claims if claim.numeral.kind == "money" and claim.numeral.unit)
        if counts and counts.total() >= 4 and counts.most_common(1)[0][1] >= 0.75 * counts.total():
            self.currency = counts.most_common(1)[0][0]

    def add(self, reading: Assessment) -> None:
        """Takes note of the next reading."""
        self._written = None
        self.readings.append(reading)
        self.by_group[reading.claim.group].append(reading)
        if reading.claim.is_cell:
            self.by_column[reading.claim.group[0], reading.claim.col].append(reading)

    def replace(self, number: int, reading: Assessment) -> None:
        """Puts another reading in the place of an earlier one."""
        self._written = None
        earlier, self.readings[number] = self.readings[number], reading
        group = self.by_group[reading.claim.group]
        self.by_group[reading.claim.group] = [reading if other is earlier else other for other in group]

    def quantity(self, datum: Datum, option: Option, cost: float = 0.0) -> Quantity:
        """A datum in one of its units, as something to count with."""
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

    def written(self) -> frozenset[int]:
        """The indices of all data that figures of the text are read as or made of."""
        if self._written is None:
            candidates = (reading.candidate for reading in self.readings if reading.candidate)
            self._written = frozenset(item.index for candidate in candidates for item in candidate.inputs)
        return self._written

    def borne_out(self, readings: Iterable[Assessment]) -> list[Quantity]:
        """What readings that hold are of, as something to count with."""
        quantities = []
        for reading in readings:
            candidate = reading.candidate
            if candidate is None or reading.verdict in ("contradicted", "unsupported"):
                continue
            if candidate.operation in ("direct", "definition", "context"):
                quantities.append(
                    candidate.inputs[0]
                    if candidate.operation != "context"
                    else replace(candidate.inputs[0], kind=_kind(reading.claim.numeral))
                )
            else:
                first = candidate.inputs[0]
                quantities.append(
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
        return quantities

    def section(self, own: Quantity) -> list[Datum]:
        """The same measure of each member at the same time; of snapshots the ones nearest to it."""
        section = list(self.view.sections.get((own.measure, own.time), ()))
        if own.time is not None and own.time.grain in ("day", "moment") and len(section) < 2:
            for (measure, members), series in self.view.series.items():
                if measure == own.measure and members != own.members:
                    section.append(min(series, key=lambda datum: (abs((datum.end - own.time.end).days), datum.index)))  # type: ignore[union-attr]
        return section


def _kind(numeral: Numeral) -> str:
    return {"multiple": "ratio", "number": "count", "fraction": "percent"}.get(numeral.kind, numeral.kind)


def shown(quantity: Quantity) -> str:
    """A value with its unit, as a message says it."""
    value = exact(quantity.value)
    return f"{value} {quantity.symbol}".strip()


def exact(value: float) -> str:
    """A stored value as people read it: whole from a billion on, else ten digits."""
    return f"{value:,.10g}" if abs(value) < 1e9 else f"{value:,.0f}"
