"""The frame of a chart: plot area, value axis, labels under it, legend above it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from trainer.convert.charts.numbers import axis_text, scale, steps, unit_label
from trainer.convert.charts.spec import Chart, Series
from trainer.convert.charts.svg import COLOURS, WIDTH, line, tag, text, text_width

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things go in a drawing."""

    left: float
    right: float
    top: float
    bottom: float
    height: float
    y: Callable[[float], float]
    """The height at which a value is drawn."""
    zero: float
    """The height of the base line."""
    parts: tuple[str, ...]
    """Grid, labels and legend."""


def frame(
    chart: Chart,
    *,
    from_zero: bool,
    centres: list[float],
    plot_height: float = 200,
    extremes: tuple[float, float] | None = None,
    measure: str = "",
) -> Frame:
    """The frame of a chart whose x values lie at `centres`, each a share of the plot's width.

    `extremes` are the least and the greatest value, where those of the series do not say it; `measure` is written over
    the upright axis, with the unit.
    """
    values = extremes or [value for series in chart.series for value in series.values if value is not None]
    low, high = min(values), max(values)
    ticks = steps(min(low, 0) if from_zero else low, max(high, 0) if from_zero else high)
    divisor, suffix = scale(ticks)
    labels = [
        axis_text(tick, unit=chart.unit, step=ticks[1] - ticks[0], divisor=divisor, suffix=suffix) for tick in ticks
    ]
    left = max(text_width(label) for label in labels) + 12
    right = WIDTH - 12
    legend, top = _legend(chart.series, left)
    unit = unit_label(chart.unit)
    if head := f"{measure} ({unit})" if measure and unit else measure or unit:
        legend, top = [*legend, text(head, 0, top)], top + 14
    bottom = top + plot_height

    def y(value: float) -> float:
        return bottom - (value - ticks[0]) / (ticks[-1] - ticks[0]) * plot_height

    zero = y(0) if ticks[0] <= 0 <= ticks[-1] else bottom
    grid = [line(left, y(tick), right, y(tick), strong=y(tick) == zero) for tick in ticks]
    names = [text(label, left - 8, y(tick) + 4, anchor="end") for tick, label in zip(ticks, labels, strict=True)]
    under = _x_labels(chart.x, [left + share * (right - left) for share in centres], bottom + 18)
    return Frame(left, right, top, bottom, bottom + 28, y, zero, (*legend, *grid, *names, *under))


def _legend(series: tuple[Series, ...], left: float) -> tuple[list[str], float]:
    """The legend of several measures, wrapped into rows, and where the plot starts below it."""
    if len(series) == 1:
        return [], 10.0
    parts, x, y = [], left, 14.0
    for at, measure in enumerate(series):
        width = text_width(measure.name) + 34
        if x + width > WIDTH and x > left:
            x, y = left, y + 18
        parts.append(tag("rect", x=x, y=y - 9, width=10, height=10, rx=2, fill=colour(at), class_=f"f{at}"))
        parts.append(text(measure.name, x + 15, y, muted=False))
        x += width
    return parts, y + 16


def colour(at: int) -> str:
    """The colour of a chart's n-th measure."""
    return COLOURS[at % len(COLOURS)]


def _x_labels(names: tuple[str, ...], centres: list[float], y: float) -> list[str]:
    """As many x labels as fit, evenly chosen, never overlapping."""
    shown = short_names(names)
    widest = max(text_width(name) for name in shown) + 14
    room = max(1, int((WIDTH - centres[0]) / widest))
    stride = max(1, -(-len(shown) // room))
    chosen = range(len(shown) - 1, -1, -stride)
    parts = []
    for at in sorted(chosen):
        half = text_width(shown[at]) / 2
        anchor = "end" if centres[at] + half > WIDTH else "middle"
        parts.append(text(shown[at], WIDTH - 4 if anchor == "end" else centres[at], y, anchor=anchor))
    return parts


def short_names(names: tuple[str, ...]) -> list[str]:
    """The x values as an axis shows them: dates by year, month or day, as fine as they need."""
    dates = [_DATE.fullmatch(name[:10]) for name in names]
    if not all(dates):
        return [name if len(name) <= 24 else f"{name[:23]}…" for name in names]
    parts = [tuple(map(int, date.groups())) for date in dates if date]
    if len({year for year, _, _ in parts}) == len(parts) and len({(m, d) for _, m, d in parts}) == 1:
        return [str(year) for year, _, _ in parts]
    months = {(year, month) for year, month, _ in parts}
    if len(months) == len(parts):
        return [f"{_MONTHS[(month - 1) % 12]} {year}" for year, month, _ in parts]
    return [f"{day} {_MONTHS[(month - 1) % 12]} {year}" for year, month, day in parts]
