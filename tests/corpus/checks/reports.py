"""True reports about companies: varied words, tables, scales and languages, each figure marked where it is printed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from corpus.checks.companies import Company

_MARK = re.compile("\x01(\\d+)\x02(.*?)\x03", re.DOTALL)
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
MONATE = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
MOIS = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]


@dataclass
class Printed:
    """Something printed that can be corrupted."""

    what: str
    """`money`, `percent`, `multiple`, `count`, `price`, `period`, `company`, `direction`."""
    text: str
    start: int = 0
    end: int = 0
    derived: bool = False
    value: float = 0.0
    others: tuple[str, ...] = ()
    """What else could stand there and be false: other periods, companies, directions."""
    table: int = -1
    """Number of the table it is a cell of."""


@dataclass
class Report:
    """A finished true report."""

    name: str
    text: str
    language: str
    companies: tuple[Company, ...]
    printed: list[Printed] = field(default_factory=list)
    held_out: bool = False


class Writer:
    """Writes one report; every printed figure is remembered with its place."""

    def __init__(
        self, rng: random.Random, language: str, companies: tuple[Company, ...], everyone: tuple[str, ...]
    ) -> None:
        self.rng = rng
        self.language = language
        self.companies = companies
        self.everyone = everyone
        self.items: list[Printed] = []
        self.tables = 0
        self.in_table = -1
        self.style = rng.randrange(4)

    def finish(self, name: str, marked: str, *, held_out: bool) -> Report:
        text, last = "", 0
        for found in _MARK.finditer(marked):
            text += marked[last : found.start()]
            item = self.items[int(found[1])]
            item.start, item.end = len(text), len(text) + len(found[2])
            text += found[2]
            last = found.end()
        used = [item for item in self.items if item.end]
        return Report(name, text + marked[last:], self.language, self.companies, used, held_out)

    def mark(self, what: str, text: str, **more: object) -> str:
        self.items.append(Printed(what, text, table=self.in_table, **more))  # type: ignore[arg-type]
        return f"\x01{len(self.items) - 1}\x02{text}\x03"

    def number(self, value: float, decimals: int) -> str:
        plain = f"{abs(value):,.{decimals}f}"
        language = self.language.partition("-")[0]
        if self.language.endswith("-CH"):
            return plain.replace(",", "’")
        if language == "de":
            return plain.translate(str.maketrans(",.", ".,"))
        if language == "fr":
            return plain.replace(",", "\u202f").replace(".", ",")
        return plain

    def money(self, value: float, currency: str = "USD", *, derived: bool = False) -> str:
        """An amount without its sign, in the report's style."""
        return self.mark("money", self._money(value, currency), derived=derived, value=value)

    def _money(self, value: float, currency: str) -> str:
        size = abs(value)
        language = self.language.partition("-")[0]
        sign = {"USD": "$", "EUR": "€"}[currency]
        big, scale = (1e9, "b") if size >= 1e9 else (1e6, "m")
        decimals = 2 if size / big < 10 else 1
        if self.style == 3 and size >= 1e9:
            big, scale, decimals = 1e6, "m", 0
        shown = self.number(size / big, decimals)
        if language == "de":
            word = (
                {"b": "Mrd.", "m": "Mio."}[scale] if self.style != 1 else {"b": "Milliarden", "m": "Millionen"}[scale]
            )
            return f"{shown} {word} {currency if self.style != 2 else {'USD': 'US-Dollar', 'EUR': 'Euro'}[currency]}"
        if language == "fr":
            word = {"b": "milliards", "m": "millions"}[scale]
            return (
                f"{shown} {word} {'de dollars' if currency == 'USD' else 'd’euros'}"
                if self.style % 2
                else f"{shown} {word} {currency}"
            )
        word = {"b": "billion", "m": "million"}[scale]
        short = {"b": "bn", "m": "m"}[scale]
        return (
            f"{sign}{shown} {word}",
            f"{sign}{shown}{short}",
            f"{currency} {shown} {word}",
            f"{sign}{shown} {word}",
        )[self.style]

    def price(self, value: float, currency: str = "USD") -> str:
        language = self.language.partition("-")[0]
        shown = self.number(value, 2)
        text = f"{shown} {currency}" if language in ("de", "fr") else {"USD": "$", "EUR": "€"}[currency] + shown
        return self.mark("price", text, value=value)

    def percent(self, value: float, decimals: int = 1, *, derived: bool = False) -> str:
        sign = "−" if value < 0 else ""
        unit = {"de": " %", "fr": " %"}.get(self.language.partition("-")[0], ("%", " %", " per cent", "%")[self.style])
        return self.mark("percent", sign + self.number(value, decimals) + unit, derived=derived, value=value)

    def size(self, value: float, decimals: int = 1, *, derived: bool = False) -> str:
        """A percentage whose sign a word beside it says."""
        return self.percent(abs(value), decimals, derived=derived)

    def times(self, value: float, *, derived: bool = False) -> str:
        shown = self.number(value, 1 if abs(value) >= 3 else 2)
        word = {"de": "x", "fr": " fois"}.get(
            self.language.partition("-")[0], ("x", " times", "x", " times")[self.style]
        )
        return self.mark("multiple", f"{'−' if value < 0 else ''}{shown}{word}", derived=derived, value=value)

    def ratio(self, value: float) -> str:
        return self.mark("count", self.number(value, 2), value=value)

    def count(self, value: float) -> str:
        return self.mark("count", self.number(value, 0), value=value)

    def cell(self, value: float, scale: float, decimals: int, *, derived: bool = False) -> str:
        """A bare number in a table; negatives with a sign or in brackets."""
        shown = self.number(value / scale, decimals)
        text = shown if value >= 0 else (f"({shown})" if self.style == 1 else f"−{shown}")
        return self.mark("cell", text, derived=derived, value=value)

    def cell_percent(self, value: float, *, derived: bool = False) -> str:
        return self.mark("cell", f"{'−' if value < 0 else ''}{self.number(value, 1)} %", derived=derived, value=value)

    def company(self, company: Company) -> str:
        others = tuple(name for name in self.everyone if name != company.name)
        return self.mark("company", company.name, others=others)

    def quarter(self, day: str, days: list[str]) -> str:
        return self.mark(
            "period", self._quarter(day), others=tuple(self._quarter(other) for other in days if other != day)
        )

    def _quarter(self, day: str) -> str:
        year, quarter = day[:4], (int(day[5:7]) + 2) // 3
        language = self.language.partition("-")[0]
        if language == "de":
            return (f"Q{quarter} {year}", f"{quarter}. Quartal {year}")[self.style % 2]
        if language == "fr":
            return f"T{quarter} {year}"
        word = ("first", "second", "third", "fourth")[quarter - 1]
        return (f"Q{quarter} {year}", f"the {word} quarter of {year}", f"Q{quarter} {year}", f"{year} Q{quarter}")[
            self.style
        ]

    def year(self, day: str, days: list[str]) -> str:
        return self.mark("period", day[:4], others=tuple(other[:4] for other in days if other != day))

    def day(self, day: str) -> str:
        year, month, number = day[:4], int(day[5:7]), int(day[8:10])
        return {"de": f"{number}. {MONATE[month - 1]} {year}", "fr": f"{number} {MOIS[month - 1]} {year}"}.get(
            self.language.partition("-")[0],
            (f"{number} {MONTHS[month - 1]} {year}", f"{MONTHS[month - 1]} {number}, {year}")[self.style % 2],
        )

    def way(self, value: float, up: str, down: str) -> str:
        return self.mark("direction", up if value >= 0 else down, others=(down if value >= 0 else up,))

    def open_table(self) -> None:
        self.tables += 1
        self.in_table = self.tables

    def close_table(self) -> None:
        self.in_table = -1


Part = Callable[[Writer, Company], str | None]
