"""What data holds, whatever its shape: single facts, series with dates, and lists of records, by the thing they say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median

from trainer.draft import english
from trainer.draft.figures import show
from trainer.draft.markup import escaped


@dataclass(frozen=True, slots=True)
class Source:
    """The data block a fact comes from."""

    name: str
    """As the instruction names it."""
    key: str
    """Storage key and version: `yahoo_finance:ABBV:summary@1`."""
    as_of: str | None
    """The ISO date the block is valid for."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One datum, or what follows from data by a formula."""

    title: str
    value: Decimal | str
    unit: str
    path: str
    """Where it stands in its block, list indices included: `quarterly.3.totalRevenue`."""
    source: Source
    description: str = ""
    formula: str = ""
    """In words, for a derived figure: `total debt less cash`."""
    inputs: tuple[Fact, ...] = ()
    """What a derived figure was made from."""

    @property
    def figure(self) -> Decimal | None:
        """The number, where it is one."""
        return self.value if isinstance(self.value, Decimal) else None

    @property
    def text(self) -> str:
        """The value as a report prints it, safe in Markdown."""
        if isinstance(self.value, Decimal):
            shown = show(self.value, self.unit)
            return shown.removesuffix(" shares") if "share" in self.title.lower() else shown
        return english.day(self.value) if self.unit == "date" else escaped(self.value, most=160)


@dataclass(frozen=True, slots=True)
class Column:
    """One measure of a series or list."""

    name: str
    title: str
    unit: str
    cells: tuple[Fact | None, ...]
    """One for each record; None where the record has none."""

    @property
    def known(self) -> tuple[tuple[int, Fact], ...]:
        """The cells that are there, with their record's index."""
        return tuple((index, cell) for index, cell in enumerate(self.cells) if cell is not None)

    @property
    def numeric(self) -> bool:
        """Whether all its cells are numbers, and there is one."""
        return bool(self.known) and all(cell.figure is not None for _, cell in self.known)


@dataclass(frozen=True, slots=True)
class Records:
    """A list of records: a series where each has a date, else a plain list with labels."""

    name: str
    """The last part of its path: `quarterly`."""
    title: str
    labels: tuple[str, ...]
    """A date or name for each record."""
    columns: tuple[Column, ...]
    dated: bool
    label_title: str = "Date"

    @property
    def cadence(self) -> str:
        """`day`, `week`, `month`, `quarter` or `year`, by the usual distance of its dates; nothing where unclear."""
        return cadence(self.labels) if self.dated else ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that data is about, with all that the blocks say of it."""

    name: str
    """As the data names it: `AbbVie Inc.`."""
    facts: tuple[Fact, ...]
    records: tuple[Records, ...]
    sources: tuple[Source, ...]

    @property
    def short(self) -> str:
        """Its name as a sentence uses it, safe in Markdown."""
        return escaped(english.short_name(self.name), most=60)


_CADENCES = (("day", 0.5, 4), ("week", 5, 9), ("month", 26, 33), ("quarter", 80, 100), ("year", 350, 380))


def cadence(labels: tuple[str, ...]) -> str:
    """How far apart ascending ISO dates usually lie, as a word."""
    numbers = [_ordinal(label) for label in labels]
    gaps = [after - before for before, after in pairwise(numbers)]
    usual = median(gaps) if gaps else 0
    return next((name for name, low, high in _CADENCES if low <= usual <= high), "")


def _ordinal(label: str) -> float:
    try:
        return date.fromisoformat(label[:10]).toordinal()
    except ValueError:
        return 0.0
