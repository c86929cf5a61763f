"""The types a person would choose for columns, decided by all of their cells, and the cells as those types.

A code is never a number: zeros in front, more digits than a double holds, and what a column's name or check digits say
is a code stay text. Roles and units are those of the room `facts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from trainer.core.cells import ColumnTypes, converters
from trainer.core.values import Json
from trainer.facts import ColumnRole, decimal_mark, head_units, parse_time, parse_unit, read_number, unit_text
from trainer.facts.roles import classify
from trainer.facts.shapes import table_of
from trainer.ingest.semantics import semantic_of
from trainer.ingest.values import ColumnProfile, ColumnType

_NULL_MARKS = frozenset(
    ("na", "n/a", "#n/a", "<na>", "nan", "nil", "null", "none", "-", "–", "—", "..", "...", "…", "?", "\\n", "#null!",
     "n.a.", "k.a.")
)  # fmt: skip
"""What programs and people write where there is nothing, in small letters; of numbers and times always, of texts only
those no word can be."""
_TEXT_MARKS = frozenset(("n/a", "#n/a", "<na>", "null", "\\n", "#null!"))
_FEW_FAULTS = 0.10
"""The share of cells without any digit, in a column of numbers, that are faults rather than a sign that it is none."""
_FEWER_FAULTS = 0.02
"""The same of cells with digits, which may well be codes."""
_SAMPLED = 5_000
"""Rows by which columns get their roles."""
_DATE = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})")
_CLOCK = re.compile(
    r"(?P<date>\S+?)(?:T|\s+)(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?)(?P<zone>Z|\s?[-+]\d{2}:?\d{2}|\s?UTC)?"
)
_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp][Mm])?")
DateOrder = Literal["ymd", "dmy", "mdy", "doubt"]
Converter = Callable[[str], Json]


@dataclass(frozen=True, slots=True)
class ColumnDecision:
    """What a column of texts is, and how its cells are read."""

    profile: ColumnProfile
    convert: Converter
    """From a cell to its value; raises ValueError for one that is not of the type."""
    marks: frozenset[str]
    """What means that there is nothing, in small letters."""

    def value(self, cell: str) -> Json:
        """The value of a cell, None for an empty one; raises ValueError."""
        cell = cell.strip()
        return None if not cell or cell.lower() in self.marks else self.convert(cell)


def decide_columns(
    names: Sequence[str], columns: Sequence[Sequence[str]], *, units: Sequence[str] = (), commas_split: bool = True
) -> list[ColumnDecision]:
    """What each column of a delimited file is, by all of its cells.

    `commas_split` says that commas part the cells, so that one within a cell is on purpose.
    """
    stripped = [[cell.strip() for cell in column] for column in columns]
    types = [_types_of(column) for column in stripped]
    plain = converters(types, commas_split=commas_split)
    order = _date_order(stripped)
    decisions = []
    for at, (name, cells) in enumerate(zip(names, stripped, strict=True)):
        decision = _decide(name, cells, plain[at], order)
        if at < len(units) and units[at] and (unit := _unit_name(units[at])):
            decision = replace(decision, profile=replace(decision.profile, unit=unit))
        decisions.append(decision)
    return decisions


def with_roles(profiles: Sequence[ColumnProfile], records: Sequence[Mapping[str, Json]]) -> tuple[ColumnProfile, ...]:
    """The profiles with the roles that `facts` gives to their columns, and units of heads."""
    table = table_of([dict(record) for record in records[:_SAMPLED]], "")
    roles: dict[str, ColumnRole] = {}
    if table is not None:
        for parsed in classify(table)[0]:
            if len(parsed.column.name) == 1:
                roles[parsed.leaf] = "member" if parsed.coded and parsed.role == "measure" else parsed.role
    result = []
    for profile in profiles:
        role = roles.get(profile.name, "text")
        if profile.type in ("date", "timestamp"):
            role = "time"
        elif (
            profile.semantic
            and profile.semantic not in ("currency", "version")
            and role in ("measure", "text", "member")
        ):
            role = "identifier"
        unit = profile.unit or (_unit_name(head_units(profile.name)[1]) if role == "measure" else "")
        result.append(replace(profile, role="empty" if profile.type == "empty" else role, unit=unit))
    return tuple(result)


def profile_records(records: Sequence[Mapping[str, Json]]) -> tuple[ColumnProfile, ...]:
    """What the columns of typed records are; the cells stay as they are."""
    names = list(dict.fromkeys(name for record in records for name in record))
    profiles = []
    for name in names:
        cells = [record.get(name) for record in records]
        filled = [cell for cell in cells if cell is not None and cell != ""]
        texts = [cell for cell in filled if isinstance(cell, str)]
        digits = [str(cell) for cell in filled if isinstance(cell, int) and not isinstance(cell, bool)]
        semantic = semantic_of(name, texts or digits) if len(texts or digits) == len(filled) else None
        examples = tuple(dict.fromkeys(str(cell)[:80] for cell in filled))[:3]
        kind = _type_of_values(filled)
        profiles.append(
            ColumnProfile(
                name,
                "text",
                kind,
                null=len(cells) - len(filled),
                semantic=semantic.name if semantic else "",
                examples=examples,
            )
        )
    return with_roles(profiles, records)


def _types_of(cells: Sequence[str]) -> ColumnTypes:
    types = ColumnTypes()
    for cell in cells:
        types.add(cell)
    return types


def _decide(name: str, cells: Sequence[str], plain: Converter, order: DateOrder) -> ColumnDecision:
    filled = [cell for cell in cells if cell]
    valued = [cell for cell in filled if cell.lower() not in _NULL_MARKS]
    semantic = semantic_of(name, valued)
    base = ColumnProfile(name, "text", "text", semantic=semantic.name if semantic else "")
    if not valued:
        return _decision(replace(base, type="empty" if not filled else "text"), str, cells, _TEXT_MARKS)
    if semantic is not None and (semantic.is_code or not any(map(str.isdigit, "".join(valued[:50])))):
        return _decision(base, str, cells, _TEXT_MARKS)
    for decide in (_flags, _dates, _clock_times):
        if (decision := decide(base, valued, order)) is not None:
            return _decision(*decision, cells, _NULL_MARKS)
    if plain is not str:
        values = [plain(cell) for cell in valued[:_SAMPLED]]
        if not isinstance(values[0], bool):
            kind: ColumnType = "integer" if all(isinstance(value, int) for value in values) else "number"
            return _decision(replace(base, type=kind), plain, cells, _NULL_MARKS)
    if (numbers := _numbers(base, valued)) is not None:
        return _decision(*numbers, cells, _NULL_MARKS)
    return _decision(_doubted_dates(base, valued), str, cells, _TEXT_MARKS)


def _decision(
    profile: ColumnProfile, convert: Converter, cells: Sequence[str], marks: frozenset[str]
) -> ColumnDecision:
    absent = [cell for cell in cells if not cell or cell.lower() in marks]
    written = tuple(dict.fromkeys(cell for cell in absent if cell))
    examples = tuple(dict.fromkeys(cell[:80] for cell in cells if cell and cell.lower() not in marks))[:3]
    return ColumnDecision(replace(profile, null=len(absent), null_marks=written, examples=examples), convert, marks)


def _flags(base: ColumnProfile, valued: Sequence[str], _: DateOrder) -> tuple[ColumnProfile, Converter] | None:
    words = {cell.lower() for cell in valued}
    for true, false in (("true", "false"), ("yes", "no")):
        if words <= {true, false}:
            return replace(base, type="boolean"), lambda cell, true=true: cell.lower() == true
    return None


def _dates(base: ColumnProfile, valued: Sequence[str], order: DateOrder) -> tuple[ColumnProfile, Converter] | None:
    """Days and points in time, where all cells but a few faults are such, and their order is told."""
    sample = valued[:200]
    clocked = sum(_CLOCK.fullmatch(cell) is not None for cell in sample) > 0.9 * len(sample)
    dated = sum(_looks_like_day(cell) for cell in sample) > 0.85 * len(sample)
    if not (clocked or dated):
        return None
    own = _date_order([valued]) if any(_DATE.match(cell) for cell in sample) else "ymd"
    if own == "doubt":
        own = order
    if own == "doubt":
        return None

    def convert(cell: str) -> Json:
        return _iso_moment(cell, own) if clocked else _iso_day(cell, own)

    if not _few_faults(valued, convert):
        return None
    return replace(base, type="timestamp" if clocked else "date"), convert


def _clock_times(base: ColumnProfile, valued: Sequence[str], _: DateOrder) -> tuple[ColumnProfile, Converter] | None:
    return (replace(base, type="time"), str) if all(_TIME.fullmatch(cell) for cell in valued) else None


def _numbers(base: ColumnProfile, valued: Sequence[str]) -> tuple[ColumnProfile, Converter] | None:
    """Numbers with one unit beside them: money, percentages, masses; and plain ones with a few faults among them."""
    mark = decimal_mark(valued)
    readings = [read_number(cell, mark) for cell in valued]
    units = {number.unit for number in readings if number is not None}
    digits = [cell for cell, number in zip(valued, readings, strict=True) if number is not None]
    if not digits or len(units) > 1 or any(_is_code(cell) for cell in digits) or _are_versions(digits):
        return None
    unit = next(iter(units))
    named = _unit_name(unit)
    if unit and not named:
        return None

    def convert(cell: str) -> Json:
        number = read_number(cell, mark)
        if number is None or number.unit != unit:
            raise ValueError(f'"{cell[:40]}" is no number')
        whole = number.value == number.value.to_integral_value() and number.step >= 1
        return int(number.value) if whole else float(number.value)

    if not _few_faults(valued, convert):
        return None
    whole = all(number is None or number.step >= 1 for number in readings)
    return replace(base, type="integer" if whole else "number", unit=named), convert


def _few_faults(valued: Sequence[str], convert: Converter) -> bool:
    """Whether the cells that cannot be converted are so few, and so odd, that they are faults."""
    worded = coded = 0
    for cell in valued:
        try:
            convert(cell)
        except ValueError:
            if any(letter.isdigit() for letter in cell) and not _DATE.fullmatch(cell):
                coded += 1
            else:
                worded += 1
    return worded <= _FEW_FAULTS * len(valued) and coded <= _FEWER_FAULTS * len(valued)


def _is_code(cell: str) -> bool:
    """Whether a cell of digits would not come back from a number: zeros in front, or more digits than a double has."""
    whole = re.sub(r"[^\d]", "", re.sub(r"[.,]\d+$", "", cell))
    return bool(re.match(r"[^\d.,]*0\d", cell)) or len(whole) > 15


def _are_versions(cells: Sequence[str]) -> bool:
    """Whether decimals are numbers of versions: `1.9` beside `1.10`, which no program prints of one number."""
    fractions = {cell.partition(".")[2] for cell in cells if re.fullmatch(r"\d+\.\d{1,3}", cell)}
    widths = {len(fraction) for fraction in fractions}
    every = all(re.fullmatch(r"\d+(?:\.\d{1,3})?", cell) for cell in cells)
    return every and len(widths) > 1 and any(len(one) > 1 and one.endswith("0") for one in fractions)


def _looks_like_day(cell: str) -> bool:
    if _DATE.fullmatch(cell):
        return True
    time = parse_time(cell) if re.search(r"[^\W\d]{3}", cell) or re.fullmatch(r"\d{8}", cell) else None
    return time is not None and time.grain == "day"


def _date_order(columns: Sequence[Sequence[str]]) -> DateOrder:
    """The order of day, month and year that the dates of columns show; dots mean that days come first."""
    orders: set[str] = set()
    for cells in columns:
        firsts, seconds, dotted, year_first = 0, 0, False, False
        for cell in cells:
            match = _DATE.match(cell)
            if match is None:
                continue
            year_first = year_first or len(match[1]) == 4
            dotted = dotted or match[2] == "."
            if len(match[1]) <= 2:
                firsts, seconds = max(firsts, int(match[1])), max(seconds, int(match[3]))
        if year_first and not firsts:
            orders.add("ymd")
        elif firsts > 12 >= seconds or (firsts and dotted and seconds <= 12):
            orders.add("dmy")
        elif seconds > 12 >= firsts:
            orders.add("mdy")
    possible = orders - {"ymd"} or orders
    return possible.pop() if len(possible) == 1 else "doubt"  # type: ignore[return-value]


def _iso_day(cell: str, order: DateOrder) -> str:
    """A day as ISO 8601; raises ValueError for one that is none, or does not exist."""
    match = _DATE.fullmatch(cell)
    if match is None:
        time = parse_time(cell)
        if time is None or time.grain != "day":
            raise ValueError(f'"{cell[:40]}" is no date')
        return time.start.isoformat()
    first, second, third = int(match[1]), int(match[3]), int(match[4])
    if len(match[1]) == 4 or (order == "ymd" and len(match[4]) <= 2):
        year, month, day = first, second, third
    elif order == "dmy":
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    if year < 100:
        year += 1900 if year > 68 else 2000  # as POSIX strptime reads two digits
    try:
        return datetime(year, month, day).date().isoformat()
    except ValueError:
        raise ValueError(f'"{cell[:40]}" is no day of the calendar') from None


def _iso_moment(cell: str, order: DateOrder) -> str:
    match = _CLOCK.fullmatch(cell)
    if match is None:
        return _iso_day(cell, order) + "T00:00:00"
    time = match["time"].replace(",", ".")
    half = re.search(r"\s?([AaPp])[Mm]$", time)
    hours, _, rest = (time[: half.start()] if half else time).partition(":")
    hour = int(hours) % 12 + 12 * (half[1].lower() == "p") if half else int(hours)
    if hour > 23:
        raise ValueError(f'"{cell[:40]}" has no hour of the day')
    rest = rest if ":" in rest else f"{rest}:00"
    zone = (match["zone"] or "").strip().replace("UTC", "Z")
    return f"{_iso_day(match['date'], order)}T{hour:02}:{rest}{zone}"


def _doubted_dates(base: ColumnProfile, valued: Sequence[str]) -> ColumnProfile:
    """The profile of a text, with a doubt where it is dates whose order nothing tells."""
    if all(_DATE.match(cell) for cell in valued[:200]) and _date_order([valued]) == "doubt":
        return replace(base, doubt=f'"{valued[0]}" may be a day of two months: nothing tells the order')
    return base


def _type_of_values(filled: Sequence[Json]) -> ColumnType:
    if not filled:
        return "empty"
    if any(isinstance(cell, list | dict) for cell in filled):
        return "json"
    if all(isinstance(cell, bool) for cell in filled):
        return "boolean"
    if all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in filled):
        return "integer" if all(isinstance(cell, int) for cell in filled) else "number"
    texts = [cell for cell in filled if isinstance(cell, str)]
    if len(texts) == len(filled):
        if all(re.fullmatch(r"\d{4}-\d\d-\d\d", text) for text in texts):
            return "date"
        if all(re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", text) for text in texts):
            return "timestamp"
    return "text"


def _unit_name(unit: object) -> str:
    """A unit as people write it, where all that it may mean is one thing."""
    units = parse_unit(unit) if isinstance(unit, str) else unit
    if not units or not isinstance(units, tuple):
        return ""
    if unit in ("$", "£", "¥"):  # several countries have them; the usual one is meant until something else says
        return {"$": "USD", "£": "GBP", "¥": "JPY"}[str(unit)]
    return unit_text(units[0])
