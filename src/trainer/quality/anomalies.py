"""Values that look wrong though no rule forbids them: far from others, off their season, a hundred times too large."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median

from trainer.core.values import Json
from trainer.quality.rules import day_of
from trainer.quality.values import DetectedAnomaly

_FEWEST = 20
"""Values from which it can be told what is far from them."""
_FAR = 8.0
"""Robust standard deviations: of normal values one in 10^15 is farther, of log-normal ones as prices 1 in 30,000."""
_SCALES = (100.0, 1000.0)
"""Factors by which prices are wrong: pence for pounds, thousands for units."""
_NEAR_SCALE = 0.2
"""How near a jump must be to such a factor, as a share of it."""
_NEIGHBOURS = 3
_OLDEST = 1850
_PLACEHOLDERS = frozenset(("1900-01-01", "1970-01-01", "9999-12-31", "0001-01-01"))
"""Days that programs write where there is none."""


def detect_anomalies(
    rows: Sequence[Mapping[str, Json]], names: Sequence[str], *, now: datetime
) -> list[DetectedAnomaly]:
    """What looks wrong, by row and column; a value is told once, by its most special kind."""
    anomalies: list[DetectedAnomaly] = []
    times = _times(rows, names)
    for name in names:
        cells = [row.get(name) for row in rows]
        numbers = [
            float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else math.nan for cell in cells
        ]
        filled = [number for number in numbers if math.isfinite(number)]
        if len(filled) >= _FEWEST and len(filled) * 2 > len(cells):
            by_row: dict[int, DetectedAnomaly] = {}
            phases = _phases(numbers, times)
            others = _seasonal(name, phases) if phases else _outliers(name, numbers)
            for anomaly in (*_scales(name, numbers), *others):
                by_row.setdefault(anomaly.row, anomaly)
            anomalies += by_row.values()
        elif any(day_of(cell) for cell in cells):
            anomalies += _dates(name, cells, now)
    return sorted(anomalies, key=lambda anomaly: (anomaly.row, anomaly.column))


def robust_scores(numbers: Sequence[float]) -> list[float]:
    """How many robust standard deviations each number is from the median; 0 where more than half are equal."""
    middle = median(numbers)
    spread = 1.4826 * median(abs(number - middle) for number in numbers)
    return [(number - middle) / spread if spread > 0 else 0.0 for number in numbers]


def _outliers(name: str, numbers: Sequence[float]) -> Iterator[DetectedAnomaly]:
    """Far from all others, or in a series that wanders, far from what stands around.

    Of positive values that reach over orders of magnitude, their logarithms are looked at.
    """
    placed = [(row, number) for row, number in enumerate(numbers, 1) if math.isfinite(number)]
    values = [number for _, number in placed]
    if min(values) > 0 and max(values) > 30 * median(values):
        values = [math.log(value) for value in values]
    what = "the median"
    if _wanders(values):
        what = "those around it"
        values = [
            value - median(values[max(0, at - _NEIGHBOURS) : at + 1 + _NEIGHBOURS]) for at, value in enumerate(values)
        ]
    for (row, number), score in zip(placed, robust_scores(values), strict=True):
        if abs(score) > _FAR:
            yield DetectedAnomaly(row, name, "outlier", number, f"{abs(score):.0f} deviations from {what}")


def _wanders(values: Sequence[float]) -> bool:
    """Whether values go on from one another, as prices do: a step is less than half as long as they are apart."""
    middle = median(values)
    steps = median(abs(later - earlier) for earlier, later in itertools.pairwise(values))
    return steps < median(abs(value - middle) for value in values) / 2


def _scales(name: str, numbers: Sequence[float]) -> Iterator[DetectedAnomaly]:
    """A hundred or a thousand times what stands before and after it."""
    for at, number in enumerate(numbers):
        around = [
            other
            for other in (*numbers[max(0, at - _NEIGHBOURS) : at], *numbers[at + 1 : at + 1 + _NEIGHBOURS])
            if math.isfinite(other) and other > 0
        ]
        if not (math.isfinite(number) and number > 0) or len(around) < _NEIGHBOURS:
            continue
        level = median(around)
        if max(around) > 3 * min(around):  # a series that jumps anyhow
            continue
        ratio = number / level if number > level else level / number
        for factor in _SCALES:
            if abs(ratio - factor) <= _NEAR_SCALE * factor:
                what = "larger" if number > level else "smaller"
                yield DetectedAnomaly(at + 1, name, "scale", number, f"about {factor:.0f} times {what} than around it")


def _phases(numbers: Sequence[float], times: Sequence[datetime] | None) -> dict[int, list[tuple[int, float]]]:
    """Row and number by month of the year, or by day of the week; nothing where times have no such period."""
    if times is None:
        return {}
    days = (times[-1] - times[0]).days / max(1, len(times) - 1)
    period = 12 if 27 <= days <= 32 else 7 if 0.9 <= days <= 1.1 else 0
    phases: dict[int, list[tuple[int, float]]] = {}
    if period and len(numbers) >= 4 * period:
        for row, (number, time) in enumerate(zip(numbers, times, strict=True), 1):
            if math.isfinite(number):
                phases.setdefault(time.month if period == 12 else time.weekday(), []).append((row, number))
    levels = [median(number for _, number in members) for members in phases.values()]
    spreads = [
        abs(number - level) for members, level in zip(phases.values(), levels, strict=True) for _, number in members
    ]
    # where phases do not differ by more than their own members do, there is no season
    return phases if phases and max(levels) - min(levels) > 4 * median(spreads) else {}


def _seasonal(name: str, phases: Mapping[int, Sequence[tuple[int, float]]]) -> Iterator[DetectedAnomaly]:
    """Far from what the same month, or day of the week, usually is."""
    residuals = []
    for members in phases.values():
        level = median(number for _, number in members)
        residuals += [(row, number, number - level) for row, number in members]
    scores = robust_scores([residual for *_, residual in residuals])
    for (row, number, _), score in zip(residuals, scores, strict=True):
        if abs(score) > _FAR:
            yield DetectedAnomaly(row, name, "seasonal", number, f"{abs(score):.0f} deviations from its season's usual")


def _times(rows: Sequence[Mapping[str, Json]], names: Sequence[str]) -> list[datetime] | None:
    """The times of the rows, where the first column of days gives each one and they rise."""
    for name in names:
        days = [day_of(row.get(name)) for row in rows]
        if days and all(days):
            times = [day for day in days if day is not None]
            return times if all(one < other for one, other in itertools.pairwise(times)) else None
    return None


def _dates(name: str, cells: Sequence[Json], now: datetime) -> Iterator[DetectedAnomaly]:
    for row, cell in enumerate(cells, 1):
        day = day_of(cell)
        if day is None:
            continue
        if str(cell)[:10] in _PLACEHOLDERS:
            yield DetectedAnomaly(row, name, "impossible_date", cell, "a day that programs write where there is none")
        elif day.year < _OLDEST or day.year > now.year + 100:
            yield DetectedAnomaly(row, name, "impossible_date", cell, "no day that anybody lives to record")
