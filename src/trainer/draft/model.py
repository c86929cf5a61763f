"""What a draft is written from: single facts, series over time and lists by member, by the thing they are about."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trainer.draft import wording
from trainer.draft.figures import show
from trainer.draft.markup import escaped
from trainer.facts import Time

Purpose = Literal["", "trend", "ranking", "share", "comparison"]


@dataclass(frozen=True, slots=True)
class BlockSource:
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
    """As a `Field` writes it: `USD`, `USD/share`, `fraction`, `percent`, `ratio`, `mm`; nothing for a count."""
    path: str
    """Where it stands in its block, list indices included: `quarterly.3.totalRevenue`."""
    source: BlockSource
    description: str = ""
    formula: str = ""
    """In words, for a derived figure: `total debt less cash`."""
    inputs: tuple[Fact, ...] = ()
    """What a derived figure was made from."""
    is_distance: bool = False
    """Whether it says how far its first input lies from its second."""
    adds_up: bool = False
    """Whether sums of it over members or times mean something."""

    @property
    def figure(self) -> Decimal | None:
        """The number, where it is one."""
        return self.value if isinstance(self.value, Decimal) else None

    @property
    def text(self) -> str:
        """The value as a report prints it, safe in Markdown."""
        if isinstance(self.value, Decimal):
            is_told = self.unit == "shares" and "share" in self.title.lower()
            return show(self.value, "" if is_told else self.unit)
        return wording.day(self.value) if self.unit == "date" else escaped(self.value, most=160)


@dataclass(frozen=True, slots=True)
class MeasureColumn:
    """One measure of a series or list."""

    name: str
    title: str
    unit: str
    cells: tuple[Fact | None, ...]
    """One for each record; None where the record has none."""
    member: str = ""
    """Whose values they are, where the columns of one measure are those of several members."""

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
    """Values side by side: over time, or by member at one time."""

    name: str
    """The key they stand under: `quarterly`."""
    title: str
    labels: tuple[str, ...]
    """The ISO date of each period's end, or the name of each member."""
    columns: tuple[MeasureColumn, ...]
    times: tuple[Time, ...] = ()
    """The period of each record of a series; empty for a list by member."""
    label_title: str = "Date"
    member: str = ""
    """Whose series it is, where there are several."""
    when: Time | None = None
    """When a list by member holds."""
    is_spread: bool = False
    """Whether it holds the mean, the lowest and the highest value of what has neither name nor time."""
    purpose: Purpose = ""
    """What a section asks it for; nothing where it stands in a section for want of a better one."""

    @property
    def dated(self) -> bool:
        """Whether it runs over time."""
        return bool(self.times)

    @property
    def cadence(self) -> str:
        """`day`, `week`, `month`, `quarter` or `year`, as long as its periods are; nothing for another."""
        grain = self.times[0].grain if self.times else ""
        return "" if grain in ("span", "") else "day" if grain == "moment" else grain
