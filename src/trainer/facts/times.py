"""Times as data writes them: dates, months, quarters, fiscal labels, epochs; intervals, never the clock."""

from __future__ import annotations

import itertools
import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Literal

from trainer.core.values import Json
from trainer.facts.values import Grain, Time

DayOrder = Literal["dmy", "mdy"]

_LANGUAGES = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "nb",
    "fi",
    "pl",
    "cs",
    "tr",
    "ru",
    "uk",
    "el",
    "hu",
    "ro",
)
_LONGEST = 40


@lru_cache(maxsize=65_536)
def parse_time(text: str, order: DayOrder = "mdy") -> Time | None:
    """The time that a text is as a whole: `2024-06-30`, `Q3 2024`, `FY24`, `März 2024`, `2024年度`; else None."""
    text = text.strip()
    if not text or len(text) > _LONGEST or not any(letter.isdigit() for letter in text):
        return None
    for pattern, make in _FORMS:
        if match := pattern.fullmatch(text):
            try:
                return make(match, text, order)
            except ValueError:
                return None
    return _with_month_name(text)


def year(number: int, label: str = "", *, fiscal: bool = False) -> Time:
    """A year."""
    return Time(date(number, 1, 1), date(number, 12, 31), "year", label or str(number), fiscal)


def month(number: int, of: int, label: str = "") -> Time:
    """A month; raises ValueError for one that is none."""
    return Time(
        date(number, of, 1), date(number, of, monthrange(number, of)[1]), "month", label or f"{number:04}-{of:02}"
    )


def quarter(number: int, of: int, label: str = "", *, fiscal: bool = False) -> Time:
    """A quarter of the calendar, or of a fiscal year that is taken for the calendar's until a record says otherwise."""
    last = of * 3
    days = monthrange(number, last)[1]
    return Time(date(number, last - 2, 1), date(number, last, days), "quarter", label or f"{number} Q{of}", fiscal)


def day(of: date, label: str = "") -> Time:
    """A day."""
    return Time(of, of, "day", label or of.isoformat())


def span(start: date, end: date, label: str = "") -> Time:
    """An interval with the grain that its length tells; fiscal where it is a period off the calendar."""
    length = (end - start).days + 1
    grain: Grain = "span"
    for name, low, high in (
        ("day", 1, 1), ("week", 7, 7), ("month", 28, 31), ("quarter", 84, 98), ("half", 177, 190), ("year", 357, 378),
    ):  # fmt: skip  # fiscal quarters have 12 to 14 weeks, fiscal years 51 to 54
        if low <= length <= high:
            grain = name  # type: ignore[assignment]
    off = start.day != 1 or (end + timedelta(days=1)).day != 1 or (grain == "year" and start.month != 1)
    fiscal = grain in ("quarter", "half", "year") and off
    return Time(start, end, grain, label or (end.isoformat() if fiscal else _calendar_label(start, end, grain)), fiscal)


def _calendar_label(start: date, end: date, grain: Grain) -> str:
    if grain == "year":
        return str(end.year)
    if grain == "quarter" and end.month % 3 == 0:
        return f"{end.year} Q{end.month // 3}"
    if grain == "month":
        return f"{end.year:04}-{end.month:02}"
    return end.isoformat() if grain != "span" else f"{start.isoformat()}/{end.isoformat()}"


def ending(end: date, grain: Grain, label: str = "") -> Time:
    """The period of a grain that ends on a day, or that contains it where the day is the first of its month."""
    months = {"month": 1, "quarter": 3, "half": 6, "year": 12}.get(grain)
    if months is None:
        return (
            Time(end - timedelta(days=6), end, "week", label or end.isoformat()) if grain == "week" else day(end, label)
        )
    if end.day == 1:
        last = _add_months(end, months) - timedelta(days=1)
        return replace(span(end, last), label=label or _calendar_label(end, last, grain), grain=grain)
    is_last = end.day == monthrange(end.year, end.month)[1]
    start = _add_months(end.replace(day=1), 1 - months) if is_last else _add_months(end, -months) + timedelta(days=1)
    period = span(start, end, label or (_calendar_label(start, end, grain) if is_last else end.isoformat()))
    return replace(period, grain=grain)


def _add_months(of: date, months: int) -> date:
    index = of.year * 12 + of.month - 1 + months
    number, number_month = index // 12, index % 12 + 1
    return date(number, number_month, min(of.day, monthrange(number, number_month)[1]))


def epoch(value: float) -> Time | None:
    """The moment of an epoch in seconds, milliseconds or microseconds between 1971 and 2099; else None."""
    if abs(value) > 4_200_000_000_000_000_000:
        return None
    seconds = float(value)
    for divisor in (1.0, 1e3, 1e6, 1e9):
        if 3.2e7 <= abs(seconds) / divisor <= 4.1e9:
            moment = datetime.fromtimestamp(seconds / divisor, UTC)
            midnight = moment.hour == moment.minute == moment.second == 0
            label = moment.date().isoformat() if midnight else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            return Time(moment.date(), moment.date(), "day" if midnight else "moment", label)
    return None


def parse_cells(
    cells: Sequence[Json], *, named: bool, epochs: bool = False, oldest: int = 1400
) -> list[Time | None] | None:
    """The times of a column; None where it is no column of times.

    Args:
        cells: its values.
        named: whether its name is one of a time, so that bare numbers may be years or epochs.
        epochs: whether numbers are tried as epochs.
        oldest: the first year that a bare number may be.
    """
    filled = [cell for cell in cells if cell is not None and cell != ""]
    if not filled or isinstance(filled[0], bool):
        return None
    if all(isinstance(cell, str) for cell in filled):
        order = day_order(filled)
        parsed = {cell: parse_time(cell, order) for cell in dict.fromkeys(filled)}
        years_only = all(time is None or (time.grain == "year" and cell.isdigit()) for cell, time in parsed.items())
        if sum(time is not None for time in parsed.values()) < 0.9 * len(parsed) or (years_only and not named):
            return None
        return [parsed.get(cell) if isinstance(cell, str) else None for cell in cells]
    if not all(isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) < 1e19 for cell in filled):
        return None
    # Counts of years, and years of two digits, look like early years; a column of years comes down to our age.
    is_late = max(filled) >= 1000
    if named and is_late and all(float(cell).is_integer() and oldest <= cell <= 2200 for cell in filled):
        return [year(int(cell)) if cell is not None and cell != "" else None for cell in cells]
    if named and is_late and (periods := _decimal_years(filled)):
        by_cell = dict(zip(filled, periods, strict=True))
        return [by_cell.get(cell) for cell in cells]
    if named and all(float(cell).is_integer() and 19000101 <= cell <= 21991231 for cell in filled):
        return [parse_time(_dashed(str(int(cell)))) if cell is not None and cell != "" else None for cell in cells]
    if epochs and all(epoch(cell) for cell in filled):
        return [epoch(cell) if cell is not None and cell != "" else None for cell in cells]
    return None


def _decimal_years(cells: Sequence[float]) -> list[Time] | None:
    """Years with months or quarters as decimals, as statistics programs write series: 1956.25, 1970.083."""
    if len(cells) < 4 or not all(1500 <= cell <= 2200 for cell in cells):
        return None
    gap = cells[1] - cells[0]
    per_year = next((count for count in (4, 12) if abs(gap - 1 / count) < 0.002), 0)
    if not per_year or any(abs(later - earlier - gap) > 0.002 for earlier, later in itertools.pairwise(cells)):
        return None
    make = quarter if per_year == 4 else month
    numbers = [divmod(round(cell * per_year), per_year) for cell in cells]
    return [make(int(number), int(part) + 1) for number, part in numbers]


def _dashed(digits: str) -> str:
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def day_order(cells: Iterable[Json]) -> DayOrder:
    """Whether days or months stand first in dates with slashes: what any of them shows."""
    for cell in cells:
        match = re.match(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}", cell) if isinstance(cell, str) else None
        if match and int(match[1]) > 12:
            return "dmy"
        if match and int(match[2]) > 12:
            return "mdy"
    return "mdy"


def spaced(times: Sequence[Time | None], hint: Grain | None) -> list[Time | None]:
    """Days that stand a month, quarter or year apart as the periods they end; others as they are."""
    days = sorted({time.start for time in times if time and time.grain in ("day", "moment")})
    if not days or any(time and time.grain not in ("day", "moment") for time in times):
        return list(times)
    grain = hint or _spacing(days)
    if grain is None or grain in ("day", "span", "moment"):
        return list(times)
    return [
        ending(time.end, grain, time.label if hint and not _regular(time.end) else "") if time else None
        for time in times
    ]


def _regular(of: date) -> bool:
    return of.day in (1, monthrange(of.year, of.month)[1])


def _spacing(days: Sequence[date]) -> Grain | None:
    gaps = sorted((later - earlier).days for earlier, later in itertools.pairwise(days))
    if not gaps or not all(_regular(of) for of in days):
        return None
    for grain, low, high in (("month", 28, 31), ("quarter", 89, 93), ("year", 365, 366)):
        if low <= gaps[0] and gaps[len(gaps) // 2] <= high and gaps[-1] <= 2.2 * high:
            return grain  # type: ignore[return-value]
    return None


def _full_year(text: str) -> int:
    number = int(text)
    return number if len(text) == 4 else number + (1900 if number >= 70 else 2000)


def _slash_date(match: re.Match[str], text: str, order: DayOrder) -> Time:
    first, second, number = int(match[1]), int(match[2]), _full_year(match[3])
    if "." in text or first > 12:
        order = "dmy"
    of_day, of_month = (first, second) if order == "dmy" else (second, first)
    return day(date(number, of_month, of_day), text)


def _moment(match: re.Match[str], text: str, _: DayOrder) -> Time:
    of = date(int(match[1]), int(match[2]), int(match[3]))
    clock = match[4]
    if clock is None or re.fullmatch(r"[T ]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?", clock):
        return day(of)
    return Time(of, of, "moment", text)


def _month(match: re.Match[str], text: str) -> Time:
    return month(int(match["year"]), int(match["month"]), text)


def _quarter(match: re.Match[str], text: str) -> Time:
    return quarter(_full_year(match["year"]), int(match["quarter"]), text, fiscal=bool(match["fiscal"]))


def _half(match: re.Match[str], text: str) -> Time:
    number = _full_year(match["year"])
    if match["half"] == "1":
        return Time(date(number, 1, 1), date(number, 6, 30), "half", text)
    return Time(date(number, 7, 1), date(number, 12, 31), "half", text)


def _season(match: re.Match[str], text: str, _: DayOrder) -> Time | None:
    first, second = int(match[1]), match[2]
    if int(second[-2:]) != (first + 1) % 100:
        return None
    return Time(date(first, 7, 1), date(first + 1, 6, 30), "year", text, is_fiscal=True)


def _week(match: re.Match[str], text: str, _: DayOrder) -> Time:
    monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
    return Time(monday, monday + timedelta(days=6), "week", text)


def _cjk(match: re.Match[str], text: str, _: DayOrder) -> Time:
    number = int(match[1])
    if match[2]:
        return year(number, text, fiscal=True)
    if match[3] and match[4]:
        return day(date(number, int(match[3]), int(match[4])), text)
    return month(number, int(match[3]), text) if match[3] else year(number, text)


_Q = r"(?:Q|q|T|К|第)"
_YEAR = r"(?P<year>\d{4}|\d\d)"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, DayOrder], Time | None]], ...] = (
    (re.compile(r"(\d{4})"), lambda _m, t, _: year(int(t)) if 1400 <= int(t) <= 2200 else None),
    (re.compile(r"(\d{4})-(\d\d?)-(\d\d?)([T ]\d\d:\d\d.{0,20})?"), _moment),
    (re.compile(r"(\d{4})/(\d\d?)/(\d\d?)([T ]\d\d:\d\d.{0,20})?"), _moment),
    (re.compile(r"(1[4-9]\d\d|2[01]\d\d)(\d\d)(\d\d)()?"), _moment),
    (re.compile(r"(?P<year>\d{4})[-/.](?P<month>0[1-9]|1[0-2])"), lambda m, t, _: _month(m, t)),
    (re.compile(r"(?P<month>\d{1,2})[-/](?P<year>\d{4})"), lambda m, t, _: _month(m, t)),
    (re.compile(r"(?P<year>\d{4})[- ]?M(?P<month>\d\d?)"), lambda m, t, _: _month(m, t)),
    (re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d\d)"), _slash_date),
    (re.compile(r"(?P<fiscal>)CY(?P<year>\d{4})Q(?P<quarter>[1-4])I?"), lambda m, t, _: _quarter(m, t)),
    (re.compile(r"CY(\d{4})"), lambda m, t, _: year(int(m[1]), t)),
    (re.compile(rf"(?P<fiscal>)(?P<year>\d{{4}})[-/ ]?{_Q}(?P<quarter>[1-4])"), lambda m, t, _: _quarter(m, t)),
    (re.compile(rf"(?P<fiscal>FY)\s*{_YEAR}[-/ ]?{_Q}(?P<quarter>[1-4])"), lambda m, t, _: _quarter(m, t)),
    (re.compile(rf"{_Q}(?P<quarter>[1-4])[-/' ]*(?P<fiscal>FY)?[' ]?{_YEAR}"), lambda m, t, _: _quarter(m, t)),
    (re.compile(rf"(?P<quarter>[1-4]){_Q}[-/' ]*(?P<fiscal>FY)?[' ]?{_YEAR}"), lambda m, t, _: _quarter(m, t)),
    (re.compile(rf"H(?P<half>[12])[-/' ]*{_YEAR}"), lambda m, t, _: _half(m, t)),
    (re.compile(rf"(?P<half>[12])H[-/' ]*{_YEAR}"), lambda m, t, _: _half(m, t)),
    (re.compile(r"(?P<year>\d{4})[-/ ]?H(?P<half>[12])"), lambda m, t, _: _half(m, t)),
    (re.compile(r"(?:FY|fy|F|GJ|AF|EF)[' -]?(\d{4}|\d\d)E?"), lambda m, t, _: year(_full_year(m[1]), t, fiscal=True)),
    (re.compile(r"(?:FY)?\s*(\d{4})[-/–](\d{2}|\d{4})"), _season),
    (re.compile(r"(\d{4})-?W(\d\d)"), _week),
    (re.compile(r"(\d{4})年(度)?(?:(\d{1,2})月)?(?:(\d{1,2})日)?(?:期)?"), _cjk),
)
_NAMED = re.compile(
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th|\.|º|er)?[- ]+(?:de |of )?)?(?P<name>[^\W\d_]{3,12})\.?[-,' ]*(?:de )?"
    r"(?:(?P<day2>\d{1,2})(?:st|nd|rd|th)?,? +)?(?P<year>\d{4}|\d\d)"
    r"|(?P<year2>\d{4})[- ](?P<name2>[^\W\d_]{3,12})\.?(?:[- ](?P<day3>\d{1,2}))?"
)


def _with_month_name(text: str) -> Time | None:
    match = _NAMED.fullmatch(text)
    if match is None:
        return None
    number_month = month_number(match["name"] or match["name2"])
    if number_month is None:
        return None
    number = _full_year(match["year"] or match["year2"])
    of_day = match["day"] or match["day2"] or match["day3"]
    try:
        return day(date(number, number_month, int(of_day)), text) if of_day else month(number, number_month, text)
    except ValueError:
        return None


def month_number(name: str) -> int | None:
    """The month that a word names in any language of `_LANGUAGES`, written out or short."""
    folded = name.casefold().strip(".")
    return _english_months().get(folded) or _all_months().get(folded)


@cache
def _english_months() -> dict[str, int]:
    whole = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october")
    table = {name: at for at, name in enumerate((*whole, "november", "december"), 1)}
    return {**table, **{name[:3]: at for name, at in table.items()}, "sept": 9}


@cache
def _all_months() -> dict[str, int]:
    """Months' names from CLDR; a name that means two months in two languages is left to the first language."""
    from babel import Locale

    table: dict[str, int] = {}
    for language in _LANGUAGES:
        months = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    table.setdefault(name.casefold().strip("."), number)
    return table
