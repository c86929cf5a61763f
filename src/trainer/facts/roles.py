"""The role of each column, from its values first and its name second."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from trainer.core.values import Json
from trainer.facts.corrections import NONE, ColumnRole, Corrections, lookup
from trainer.facts.numbers import Number, decimal_mark, json_number, read_number
from trainer.facts.shapes import KEY_COLUMN, Column, DataTable, is_metric
from trainer.facts.times import month as month_of
from trainer.facts.times import month_number, parse_cells, quarter, spaced, span
from trainer.facts.units import parse_unit, scale_of, units_beside
from trainer.facts.values import Grain, Time
from trainer.facts.words import fold, has_kind, name_words, split_name, vocabulary

_IDENTIFIER = re.compile(
    r"https?://\S+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|0\d{4,}|[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+|[0-9a-f]{32,64}|\d{10}-\d\d-\d{6}"
)
_CADENCE = re.compile(r"(?:3|6|9|12)M|TTM|FY|Q[1-4]|annual|quarterly|monthly|weekly|daily", re.IGNORECASE)
_LONGEST_MEMBER = 80
"""Longer cells are prose; names of companies and products in public data sets end at about 70 characters."""


@dataclass(slots=True)
class Parsed:
    """A column with its role and its cells as that role reads them."""

    column: Column
    role: ColumnRole
    numbers: list[Number | None] = field(default_factory=list)
    times: list[Time | None] = field(default_factory=list)
    coded: bool = False
    """Whether a measure's few whole numbers are also the members of a dimension."""

    @property
    def leaf(self) -> str:
        """The last key of its name."""
        return self.column.name[-1] if self.column.name else ""


_COUNTED_TIMES = frozenset(["days", "hours", "minutes", "weeks", "nights"])


def classify(
    table: DataTable, *, corrections: Corrections = NONE, hint: Grain | None = None
) -> tuple[list[Parsed], list[Time | None]]:
    """Each column with its role, and the time of each row."""
    columns = [_classify(column, table, at, corrections) for at, column in enumerate(table.columns)]
    _mark_twins(columns)
    if not table.is_record and len(columns) > 1:
        _mark_row_numbers(columns, table.size)
    return columns, row_times(columns, table.size, hint)


def _classify(column: Column, table: DataTable, at: int, corrections: Corrections) -> Parsed:
    leaf = column.name[-1] if column.name else ""
    filled = [cell for cell in column.cells if cell is not None and cell != ""]
    if not filled:
        return Parsed(column, "empty")
    role: ColumnRole | None = lookup(corrections.roles, leaf, ".".join(column.name)) if leaf else None
    is_key = leaf == KEY_COLUMN
    words = name_words(leaf)
    texts = [cell for cell in filled if isinstance(cell, str)]
    if role is None and len(texts) == len(filled) and all(_CADENCE.fullmatch(text) for text in texts):
        return Parsed(column, "time")
    # A year, or an epoch, is told from a number by its name; a first column that counts years up is one anyhow.
    counts = _counts_times(leaf)
    is_time = has_kind(leaf, "time") and not counts
    named = is_key or is_time or _prefixed_time(words) or (at == 0 and _counts_years(filled))
    if role == "time" or (role is None and not counts):
        epochs = role == "time" or (named and not is_key) or is_key
        times = parse_cells(
            column.cells, named=named or role == "time", epochs=epochs, oldest=1 if has_kind(leaf, "year") else 1400
        )
        if times is not None and not (
            isinstance(filled[0], int | float) and is_metric(leaf) and not set(words[-1:]) & vocabulary("time")
        ):
            return Parsed(column, "time", times=times)
    if role in (None, "measure"):
        numbers = _numbers(column)
        # `-1m` and `5y` under the name of a time are names of periods, not amounts.
        is_period = is_time and numbers is not None and any(n and n.unit for n in numbers)
        if numbers is not None and not is_period:
            decided = role or _role_of_numbers(leaf, numbers, table.size)
            coded = not counts and not is_metric(leaf) and _is_coded(filled, numbers, table.size)
            return Parsed(column, decided, numbers=numbers, coded=coded)
    return Parsed(column, role or _role_of_texts(leaf, filled, table))


def _counts_times(leaf: str) -> bool:
    """Whether a name counts days or hours, as `rain_days` and `days_above_limit` do: no time, and no group of rows."""
    parts = [part.casefold() for part in split_name(leaf)]
    return len(parts) > 1 and (parts[-1] in _COUNTED_TIMES or (parts[0] in _COUNTED_TIMES and parts[1] != "since"))


def _prefixed_time(words: Sequence[str]) -> bool:
    return bool(words) and (
        words[-1].endswith(("date", "time", "timestamp")) or bool({"date", "timestamp"} & set(words))
    )


def _counts_years(cells: Sequence[Json]) -> bool:
    if len(cells) < 3 or not all(
        isinstance(cell, int) and not isinstance(cell, bool) and 1500 <= cell <= 2150 for cell in cells
    ):
        return False
    return all(later - earlier == 1 for earlier, later in itertools.pairwise(cells))


def _numbers(column: Column) -> list[Number | None] | None:
    """The numbers of a column nearly all of whose cells are numbers; None for another column."""
    texts = [cell for cell in column.cells if isinstance(cell, str) and cell.strip()]
    if not texts:
        if all(cell is None or cell == "" or isinstance(cell, bool) for cell in column.cells):
            return None
        numbers = [json_number(cell) if cell != "" else None for cell in column.cells]
        # A column that holds a number beyond all use has no highest value that could be told.
        unread = any(number is None and _is_number(cell) for number, cell in zip(numbers, column.cells, strict=True))
        return None if unread else numbers
    if any(_IDENTIFIER.fullmatch(text) for text in texts[:50]):
        return None
    mark = decimal_mark(texts)
    numbers = [read_number(cell, mark) if isinstance(cell, str) else json_number(cell) for cell in column.cells]
    count = sum(number is not None for number in numbers)
    others = Counter(
        cell for cell, number in zip(column.cells, numbers, strict=True) if number is None and cell not in (None, "")
    )
    if count == 0 or not all(_is_unit_like(number.unit) for number in numbers if number and number.unit):
        return None
    # A few marks for "not available" (`-`, `n/a`, `..`) are no reason to read a column of numbers as texts.
    marks = sum(
        times
        for text, times in others.items()
        if isinstance(text, str) and len(text) <= 4 and not any(map(str.isdigit, text))
    )
    return numbers if sum(others.values()) == marks and count >= 0.5 * (count + marks) else None


def _is_number(cell: Json) -> bool:
    if isinstance(cell, float):
        return math.isfinite(cell)
    return isinstance(cell, int) and not isinstance(cell, bool)


def _is_unit_like(unit: str) -> bool:
    return (
        bool(parse_unit(unit))
        or unit in ("*", "†", "‡", "+", "<", ">", "~", "≈", "≤", "≥")
        or unit.upper() in ("K", "M", "B", "T", "BN", "MN")
    )


def _role_of_numbers(leaf: str, numbers: Sequence[Number | None], size: int) -> ColumnRole:
    words = name_words(leaf)
    joined = "".join(words)
    whole = all(number is None or number.value == number.value.to_integral_value() for number in numbers)
    # A `status` or `delay` that is called so by its last word alone is a setting where it never varies.
    varies = len({number.value for number in numbers if number}) > 1
    if words and (joined in vocabulary("technical") or (words[-1] in vocabulary("technical") and not varies)):
        return "constant"
    if whole and words and (words[-1] in vocabulary("identity") or not is_metric(leaf)):
        named = joined in vocabulary("identifier") or (words[-1] in vocabulary("identifier") and len(words) < 4)
        if named and (words[-1] != "index" or size > 1):
            return "identifier"
    return "measure"


def _is_coded(filled: Sequence[Json], numbers: Sequence[Number | None], size: int) -> bool:
    """Whether a few small whole numbers recur so often that they name groups: cylinders, grades, doses."""
    if size < 20 or any(not isinstance(cell, int) or isinstance(cell, bool) for cell in filled):
        return False
    distinct = {number.value for number in numbers if number}
    return 2 <= len(distinct) <= 12 and size >= 3 * len(distinct) and max(abs(value) for value in distinct) <= 100


def _role_of_texts(leaf: str, filled: Sequence[Json], table: DataTable) -> ColumnRole:
    texts = [cell for cell in filled if isinstance(cell, str)]
    if not texts:
        flags = all(isinstance(cell, bool) for cell in filled)
        return "member" if flags and not table.is_record else "text"
    if leaf == KEY_COLUMN:
        return "member"
    if has_kind(leaf, "unit") and _are_units(leaf, texts):
        return "unit"
    words = name_words(leaf)
    if (
        words
        and words[-1] in vocabulary("secondary_time")
        and not is_metric(leaf)
        and all(len(text) <= 4 for text in texts)
    ):
        return "time"
    if any(_IDENTIFIER.fullmatch(text) for text in texts[:20]):
        return "identifier"
    is_name = bool(words) and (
        "".join(words) in vocabulary("naming") or (not table.is_record and words[-1] in vocabulary("naming"))
    )
    coded = sum(any(letter.isdigit() for letter in text) for text in texts) * 2 > len(texts)
    if words and not is_name and words[-1] in vocabulary("identifier") and (coded or table.is_record):
        return "identifier"
    if max(map(len, texts)) > _LONGEST_MEMBER * 2 or sum(map(len, texts)) > _LONGEST_MEMBER * len(texts):
        return "text"
    if table.is_record:
        return "member" if is_name else "text"
    # A column that most rows leave empty names none of them, and a remark says something of them.
    is_prose = bool(words) and words[-1] in vocabulary("prose") and len(set(texts)) * 2 > len(texts)
    if len(filled) * 2 < table.size or is_prose:
        return "text"
    return "member"


def _are_units(leaf: str, texts: Sequence[str]) -> bool:
    """Whether texts are units: all, or of several nearly all cells beside a few names of what is counted (`claims`)."""
    figure = " ".join(word for word in name_words(leaf) if word not in vocabulary("unit"))
    is_unit = [bool(units_beside(figure, text) or scale_of(text)) for text in texts]
    return all(is_unit) or (len(set(texts)) > 2 and sum(is_unit) >= 0.9 * len(is_unit))


def _mark_twins(columns: Sequence[Parsed]) -> None:
    """A formatted copy of a number beside it is no second fact."""
    by_parent: dict[tuple[str, ...], list[Parsed]] = {}
    for parsed in columns:
        by_parent.setdefault(parsed.column.name[:-1], []).append(parsed)
    for siblings in by_parent.values():
        valued = any(fold(parsed.leaf) in vocabulary("value") for parsed in siblings)
        for parsed in siblings:
            if valued and fold(parsed.leaf) in vocabulary("twin") and parsed.role in ("measure", "member", "text"):
                parsed.role = "twin"
    rendered: dict[str, Parsed] = {}
    for parsed in columns:
        base = re.sub(r"(?i)[_ ]?(fmt|formatted|display|text|str|string)$", "", parsed.leaf)
        if base != parsed.leaf and base in rendered and parsed.role in ("measure", "member", "text"):
            parsed.role = "twin"
        rendered[parsed.leaf] = parsed


def _mark_row_numbers(columns: Sequence[Parsed], size: int) -> None:
    """A first column that counts the rows is their number."""
    first = columns[0]
    if first.role == "measure" and size > 2 and not is_metric(first.leaf):
        values = [number.value if number else None for number in first.numbers]
        start = values[0]
        if start in (Decimal(0), Decimal(1)) and values == [start + at for at in range(size)]:
            first.role = "identifier"


def row_times(columns: Sequence[Parsed], size: int, hint: Grain | None) -> list[Time | None]:
    """The time of each row, from its start and end, from a date, or from a year beside a month or quarter."""
    timed = [parsed for parsed in columns if parsed.role == "time" and parsed.times]
    timed = [parsed for parsed in timed if not set(name_words(parsed.leaf)) & vocabulary("attribute_time")]
    primary = [parsed for parsed in timed if not _is_secondary(parsed.leaf)] or timed
    if not primary:
        return [None] * size
    starts = [parsed for parsed in primary if _has_word(parsed, "start")]
    ends = [parsed for parsed in primary if _has_word(parsed, "end") and parsed not in starts]
    label = next(
        (p for p in primary if p not in starts and p not in ends and any(t and t.is_fiscal for t in p.times)), None
    )
    if starts and ends:
        return [
            _spanned(start, end, label.times[row] if label else None)
            for row, (start, end) in enumerate(zip(starts[0].times, ends[0].times, strict=True))
        ]
    composed = _composed(columns, primary, size)
    if composed is not None:
        return composed
    finest = max(primary, key=lambda parsed: (_fineness(parsed.times), -primary.index(parsed)))
    first = (
        ends[0] if ends and ends[0].column.name[-1:] and _fineness(ends[0].times) >= _fineness(finest.times) else finest
    )
    if label and label is not first:
        return [_relabelled(time, label.times[row]) for row, time in enumerate(first.times)]
    grain = hint or _named_grain(first.leaf)
    return spaced(first.times, grain)


def _is_secondary(leaf: str) -> bool:
    return bool(set(name_words(leaf)) & vocabulary("secondary_time"))


def _has_word(parsed: Parsed, kind: str) -> bool:
    return bool(set(name_words(parsed.leaf)) & vocabulary(kind))


def _spanned(start: Time | None, end: Time | None, label: Time | None) -> Time | None:
    if end is None or start is None:
        return _relabelled(end or start, label)
    if end.end < start.start:
        return end
    period = span(start.start, end.end)
    return _relabelled(period, label)


def _relabelled(time: Time | None, label: Time | None) -> Time | None:
    """A period under the fiscal name that stands beside it."""
    if time is None or label is None:
        return time or label
    if time.grain in ("day", "moment") and label.grain in ("quarter", "year"):
        months = 3 if label.grain == "quarter" else 12
        start = time.end - timedelta(days=round(months * 30.44) - 1)
        return Time(start, time.end, label.grain, label.label, is_fiscal=True)
    return Time(time.start, time.end, time.grain, label.label, is_fiscal=label.is_fiscal)


def _fineness(times: Sequence[Time | None]) -> int:
    order = ("year", "half", "quarter", "month", "week", "day", "moment")
    return max((order.index(time.grain) for time in times if time and time.grain in order), default=-1)


def _named_grain(leaf: str) -> Grain | None:
    words = set(name_words(leaf))
    grains: tuple[Grain, ...] = ("month", "quarter")
    return next((grain for grain in grains if words & vocabulary(grain)), None)


def _composed(columns: Sequence[Parsed], primary: Sequence[Parsed], size: int) -> list[Time | None] | None:
    """Times of a year beside a month, quarter or day that stand in columns of their own."""
    years = next((p for p in primary if _fineness(p.times) == 0), None)
    if years is None or any(_fineness(p.times) > 0 for p in primary):
        return None
    months = _part(columns, years, "month", 12)
    quarters = _part(columns, years, "quarter", 4) if months is None else None
    days = _part(columns, years, "day", 31) if months is not None else None
    if months is None and quarters is None:
        return None
    result: list[Time | None] = []
    for row in range(size):
        year = years.times[row]
        of_month, of_quarter = months[row] if months else None, quarters[row] if quarters else None
        if year and of_month and days and days[row]:
            day_of = parse_cells([f"{year.start.year:04}-{of_month:02}-{days[row]:02}"], named=True)
            result.append(day_of[0] if day_of else None)
        elif year and of_month:
            result.append(month_of(year.start.year, of_month))
        elif year and of_quarter:
            result.append(
                quarter(year.start.year, of_quarter, fiscal=year.is_fiscal or has_kind(years.leaf, "secondary_time"))
            )
        else:
            result.append(year)
    return result


def times_below(columns: Sequence[Parsed], years: Sequence[Time | None]) -> list[Time | None] | None:
    """The times of rows that name a month, quarter or day only, below records that name the years."""
    if not years or any(year is None or year.grain != "year" for year in years):
        return None
    above = Parsed(Column(("year",), [], []), "time", times=list(years))
    return _composed([*columns, above], [above], len(years))


def _part(columns: Sequence[Parsed], years: Parsed, kind: str, most: int) -> list[int | None] | None:
    for parsed in columns:
        if parsed is years or not parsed.leaf or not has_kind(parsed.leaf, kind) or parsed.role == "empty":
            continue
        if _counts_times(parsed.leaf):
            continue
        values = [_ordinal(cell, kind) for cell in parsed.column.cells]
        if all(value is None or 1 <= value <= most for value in values) and sum(
            value is not None for value in values
        ) >= 0.9 * len(values):
            parsed.role = "time"
            return values
    return None


def _ordinal(cell: Json, kind: str) -> int | None:
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, int | float):
        return int(cell) if float(cell).is_integer() else None
    if kind == "month" and isinstance(cell, str) and (number := month_number(cell)):
        return number
    match = re.fullmatch(r"(?:Q|q|T|第)?\s*(\d{1,2})(?:月|日|四半期|季度)?", str(cell).strip())
    return int(match[1]) if match else None


def aliases_of(main: Sequence[Json], other: Sequence[Json]) -> Mapping[Json, Json] | None:
    """The other name of each member, where two columns name the same things one to one."""
    there: dict[Json, Json] = {}
    back: dict[Json, Json] = {}
    for one, two in zip(main, other, strict=True):
        if one is None or two is None:
            continue
        if there.setdefault(one, two) != two or back.setdefault(two, one) != one:
            return None
    return there if len(there) > 1 else None
