"""What any data says, as values: observations of measures, by members and time, in units, each with its source.

The model is that of SDMX and the RDF Data Cube: an observation is one value of one measure, at one member of each
dimension, at one time. Readers make these of any shape of data; checks, drafts and charts read nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Grain = Literal["year", "half", "quarter", "month", "week", "day", "moment", "span"]
"""How long a time is; `span` is any other interval."""

UnitKind = Literal["money", "percent", "points", "ratio", "count", "physical", "time", "index"]

Aggregate = Literal["sum", "mean", "none"]
"""What may be done with the values of a measure along an axis: add them, average them, or neither."""


@dataclass(frozen=True, slots=True)
class Time:
    """When an observation holds."""

    start: date
    end: date
    """The last day, included."""
    grain: Grain
    label: str
    """As the data says it: `FY2024`, `2024-06`."""
    is_fiscal: bool = False
    """Whether its name is the subject's own and need not be the calendar's."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit that a value may be in, and by what the stored number has to be multiplied to be in it."""

    kind: UnitKind
    symbol: str
    """An ISO currency (`USD`), `%`, a unit that Pint knows (`mm`, `degC`), or the counted noun (`shares`)."""
    scale: Decimal = Decimal(1)
    """1,000,000 where the data is in millions; 100 where a fraction is meant as per cent."""
    per: str = ""
    """What it is divided by: `share`, `employee`, `m3`."""


@dataclass(frozen=True, slots=True)
class Source:
    """The place of one value."""

    name: str
    """The data block's name in the instruction, or the file's name."""
    key: str = ""
    """Of the document in the store."""
    version: int = 0
    path: str = ""
    """RFC 6901: `/quarterly/3/totalRevenue`."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured."""

    id: str
    """Unique within the facts, stable for equal data: the distinguishing keys, `income.net_income`."""
    title: str
    """As a table's head would call it: `Net income`."""
    words: tuple[str, ...]
    """Its telling words, folded, singular; the rarest in the data first."""
    units: tuple[Unit, ...] = ()
    """Every unit its values may be in; empty where the data does not say."""
    aggregate: Aggregate = "sum"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """An axis along which values differ: company, city, product."""

    name: str
    """The key or head it was found under: `ticker`."""
    words: tuple[str, ...]
    members: tuple[Member, ...]
    """In the order of the data."""


@dataclass(frozen=True, slots=True)
class Member:
    """One place on an axis."""

    name: str
    """As the data writes it: `ABBV`."""
    aliases: tuple[str, ...] = ()
    """Other names for it that stand beside it in the data: `AbbVie Inc.`."""
    is_total: bool = False
    """Whether it is the sum over the others: `All`, `Total`."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of one measure."""

    value: Decimal
    """As stored; times a unit's `scale` it is in that unit."""
    step: Decimal
    """One unit of the last digit that is written: 0.01 for `3.50`, so that the true value lies within half of it."""
    measure: str
    """The measure's id."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Dimension name to member name."""
    time: Time | None = None
    """None where the data tells none; never taken from a clock."""
    source: Source = Source("")
    units: tuple[Unit, ...] = ()
    """Where they are narrower than the measure's; empty for the measure's own."""


LeftOutReason = Literal["identifier", "constant", "text", "twin", "time", "empty", "unreadable", "too_many"]
"""Why something is no observation."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in the data that is no observation."""

    source: Source
    why: LeftOutReason
    detail: str = ""
    """The text, the time's label, or a value that shows what it is."""


@dataclass(frozen=True, slots=True)
class Definition:
    """How one measure is made of others: `gross margin = gross profit / revenue`."""

    name: str
    words: tuple[str, ...]
    formula: str
    """Arithmetic over names of measures."""
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was understood of some data."""

    observations: tuple[Observation, ...] = ()
    """In the order of the data."""
    measures: Mapping[str, Measure] = field(default_factory=dict)
    """By id."""
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    """By name."""
    definitions: tuple[Definition, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
