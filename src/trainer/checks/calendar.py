"""Whether a time that a text names is the time of a datum, calendars and fiscal years alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from trainer.checks.times import TimeRef
from trainer.facts.values import Time

_LABEL = re.compile(
    r"(?:FY\s?)?(?:(?P<q1>[1-4])Q[\s-]?(?:FY)?(?P<y1>\d{4})|(?P<y2>\d{4})[\s-]?Q(?P<q2>[1-4])|Q(?P<q3>[1-4])[\s-]?(?:FY)?(?P<y3>\d{4}))",
    re.IGNORECASE,
)
_YEAR_LABEL = re.compile(r"(?:FY|GJ)\s?'?(\d{4}|\d\d)", re.IGNORECASE)
DAYS = {"day": 1, "week": 7, "month": 31, "quarter": 92, "half": 183, "year": 366}
"""How long times of each grain are, at most."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """How the subjects of some data count their years."""

    end_months: frozenset[int] = frozenset()
    """The months in which fiscal years end, where they are not the calendar's."""
    ends: frozenset[date] = frozenset()
    """The last days of all years."""
    overlap_first: bool = False
    """Whether the document calls a fiscal year by the calendar year most of which it covers, not by the one it ends in."""  # noqa: E501

    @classmethod
    def of(cls, times: Iterable[Time | None]) -> Calendar:
        """The calendar that the times of data show."""
        ends = {time.end for time in times if time is not None and time.grain == "year"}
        months = Counter(end.month for end in ends)
        return cls(frozenset(month for month in months if month != 12), frozenset(ends))

    def cost(self, ref: TimeRef, time: Time | None) -> float | None:
        """How much speaks against a datum's time being the one named, 0 where nothing does; None where it is another."""  # noqa: E501
        if time is None:
            return 0.4
        return _cost(self, ref, time)


@lru_cache(maxsize=65_536)
def _cost(calendar: Calendar, ref: TimeRef, time: Time) -> float | None:
    if ref.kind == "day":
        return _day(ref, time)
    if ref.kind == "month":
        if ref.month != time.end.month or (ref.year is not None and ref.year != time.end.year):
            if (
                time.grain in ("quarter", "year", "span")
                and ref.month == time.start.month
                and ref.year in (None, time.start.year)
            ):
                return 1.0
            return None
        return {"month": 0.0, "day": 0.2, "moment": 0.2, "quarter": 0.2, "year": 0.3}.get(time.grain, 0.4)
    if ref.kind == "quarter":
        return _quarter(calendar, ref, time)
    if ref.kind == "half":
        length = (time.end - time.start).days
        if not 150 <= length <= 200 and time.grain not in ("day", "moment"):
            return None
        ends = 6 if ref.part == 1 else 12
        if ref.year is None:
            return 0.5
        return 0.1 if time.end.year == ref.year and (time.end.month == ends or calendar.end_months) else None
    if ref.kind == "months":
        months = round((time.end - time.start).days / 30.4)
        return 0.0 if months == ref.part and ref.year in _years(calendar, time) else None
    if ref.kind == "year":
        return _year(calendar, ref, time)
    return None


def _day(ref: TimeRef, time: Time) -> float | None:
    if (ref.month, ref.day) == (time.end.month, time.end.day) and ref.year in (None, time.end.year):
        return 0.0
    if (ref.month, ref.day) == (time.start.month, time.start.day) and ref.year in (None, time.start.year):
        return 0.3 if time.grain in ("day", "moment", "week") else 1.0
    if ref.year is not None and ref.month and ref.day and time.grain not in ("day", "moment"):
        try:
            day = date(ref.year, ref.month, ref.day)
        except ValueError:
            return None
        return 0.3 if abs((day - time.end).days) <= 4 else None
    return None


def _years(calendar: Calendar, time: Time) -> tuple[int, ...]:
    """The years a time may be called by, the likeliest first."""
    if match := _YEAR_LABEL.search(time.label):
        number = int(match[1])
        return (number if number > 99 else 2000 + number,)
    by_end = time.end.year
    fiscal = next((month for month in calendar.end_months if time.end.month > month and time.is_fiscal), None)
    if time.grain != "year":
        if calendar.end_months and fiscal is not None:
            return (by_end + 1, by_end)
        return (by_end,)
    middle = time.start + timedelta(days=(time.end - time.start).days // 2)
    if middle.year == by_end:
        return (by_end,)
    return (middle.year, by_end) if calendar.overlap_first else (by_end, middle.year)


def _year(calendar: Calendar, ref: TimeRef, time: Time) -> float | None:
    years = _years(calendar, time)
    if time.grain == "year":
        if ref.year not in years:
            return None
        return 0.0 if ref.year == years[0] else 1.0
    if time.grain in ("day", "moment"):
        if time.end in calendar.ends or any(abs((time.end - end).days) <= 3 for end in calendar.ends):
            return 0.1 if ref.year == time.end.year else None
        return 0.9 if ref.year == time.end.year else None
    return 1.2 if ref.year in years else None


def _quarter(calendar: Calendar, ref: TimeRef, time: Time) -> float | None:
    length = (time.end - time.start).days + 1
    if match := _LABEL.search(time.label):
        part = int(match["q1"] or match["q2"] or match["q3"])
        year = int(match["y1"] or match["y2"] or match["y3"])
        if part == ref.part and ref.year in (None, year):
            return 0.0
        if time.grain == "quarter" and not time.is_fiscal and not calendar.end_months:
            return None
    if time.grain not in ("quarter", "day", "moment", "month"):
        return 0.9 if time.grain == "span" and length < 100 else None
    calendar_part = (time.end.month - 1) // 3 + 1
    costs = []
    if calendar_part == ref.part and ref.year in (None, time.end.year):
        costs.append(0.5 if calendar.end_months else 0.0)
    for month in calendar.end_months:
        # Fiscal quarters end up to a week from the end of a month; 26 April is April's.
        end = time.end if time.end.day > 10 else time.end - timedelta(days=10)
        part = ((end.month - month - 1) % 12) // 3 + 1
        year = end.year + (end.month > month)
        if part == ref.part and ref.year in (None, year):
            costs.append(0.0)
        elif part == ref.part and ref.year == year - 1 and not ref.is_fiscal:
            costs.append(1.0)
    if not costs:
        return None
    return min(costs) + (0.6 if time.grain == "month" else 0.2 if time.grain in ("day", "moment") else 0.0)


def is_before(earlier: Time, later: Time, *, years: int) -> bool:
    """Whether a time lies so many years before another of the same length."""
    if abs((later.end - later.start).days - (earlier.end - earlier.start).days) > 12:
        return False
    return abs((later.end - earlier.end).days - round(365.25 * years)) <= 20


def same_length(one: Time | None, two: Time | None) -> bool:
    """Whether two times are of one grain, so that a change between them means something."""
    if one is None or two is None:
        return one is two
    return abs((one.end - one.start).days - (two.end - two.start).days) <= 0.06 * max(DAYS.get(one.grain, 30), 40)
