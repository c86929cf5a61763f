"""A word of direction, rank or size with its verdict, and what its readers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainer.checks.calendar import same_length
from trainer.checks.claims import Members, Sentence
from trainer.checks.concepts import concepts
from trainer.checks.evidence import Assessment, Evidence
from trainer.checks.quantities import Quantity
from trainer.checks.thresholds import SUBJECT
from trainer.checks.times import TimeRef, find_times
from trainer.checks.view import Datum

PredicateKind = Literal["direction", "rank", "size"]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A word of direction, rank or size, and whether the data bears it out."""

    line: int
    column: int
    text: str
    kind: PredicateKind
    holds: bool
    message: str
    inputs: tuple[Quantity, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What a sentence speaks of, as far as its words alone tell."""

    measures: frozenset[int]
    """Those that are named, and equally well."""
    members: tuple[tuple[int, int, Members], ...]
    """Start, end, and whom a name may be of, in the order of the sentence."""
    times: tuple[TimeRef, ...]
    """Without relative ones."""

    def series(self, evidence: Evidence, members: Members | None = None) -> list[Quantity] | None:
        """The one series that is of some members, else of all that are named; None where there are several or none."""
        named = [members] if members is not None else [of for _, _, of in self.members]
        data = [
            series
            for (measure, of), series in evidence.view.series.items()
            if measure in self.measures and all(set(options) & set(of) for options in named)
        ]
        if len(data) != 1:
            return None
        last = evidence.quantity(data[0][-1], data[0][-1].options[0])
        return [
            as_quantity(evidence, datum, last)
            for datum in data[0]
            if datum.time is last.time is None or same_length(datum.time, last.time)
        ]


def subject_of(evidence: Evidence, text: str) -> Subject | None:
    """What a sentence speaks of; None where it names no measure well enough."""
    affinity = evidence.view.affinities({word: 1.0 for word, _, _ in concepts(text)})
    best = max(affinity.values(), default=0.0)
    if best < SUBJECT:
        return None
    times = (ref for ref in find_times(text, lexicon=evidence.lexicon) if ref.kind not in ("previous", "year_ago"))
    return Subject(
        frozenset(number for number, value in affinity.items() if value >= best - 0.02),
        tuple(evidence.view.members_in(text)),
        tuple(times),
    )


def predicate(  # noqa: PLR0917
    sentence: Sentence,
    start: int,
    end: int,
    kind: PredicateKind,
    holds: bool,
    message: str,
    inputs: tuple[Quantity, ...],
) -> Predicate:
    """The predicate of a word of a sentence; its message stands only where it does not hold."""
    line, column = sentence.place(start)
    return Predicate(line, column, sentence.text[start:end], kind, holds, "" if holds else message, inputs)


def quantity_of(reading: Assessment) -> Quantity | None:
    """What a figure is, where it is verified."""
    if reading.candidate is None or reading.verdict in ("contradicted", "unsupported"):
        return None
    if reading.candidate.operation in ("direct", "definition"):
        return reading.candidate.inputs[0]
    candidate = reading.candidate
    return Quantity(
        candidate.value,
        candidate.kind,
        candidate.symbol,
        -1,
        candidate.inputs[0].members,
        candidate.later,
        reading.claim.numeral.text,
        "",
    )


def value_like(datum: Datum, like: Quantity) -> float:
    """A datum's value in the unit of another one."""
    return next(
        (option.value for option in datum.options if (option.kind, option.symbol) == (like.kind, like.symbol)),
        datum.options[0].value,
    )


def as_quantity(evidence: Evidence, datum: Datum, like: Quantity) -> Quantity:
    """A datum in the unit of another one."""
    return Quantity(
        value_like(datum, like),
        like.kind,
        like.symbol,
        datum.measure,
        datum.members,
        datum.time,
        evidence.view.titles[datum.measure],
        datum.source,
        index=datum.index,
    )


def own_quantity(evidence: Evidence, datum: Datum) -> Quantity:
    """A datum in the unit that it most likely has."""
    option = datum.options[0]
    return Quantity(
        option.value,
        option.kind,
        option.symbol,
        datum.measure,
        datum.members,
        datum.time,
        evidence.view.titles[datum.measure],
        datum.source,
        index=datum.index,
    )
