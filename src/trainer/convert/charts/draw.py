"""The kinds of chart, each a function from a chart to the parts of a drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from trainer.convert.charts.axes import colour, frame, short_names
from trainer.convert.charts.numbers import axis_text, figure, scale, steps, unit_label
from trainer.convert.charts.spec import Chart, Series
from trainer.convert.charts.svg import INK, WIDTH, coordinate, drawing, line, tag, text, text_width

Drawn = tuple[list[str], float]
"""The parts and the height they need."""


def draw(chart: Chart, *, ident: str) -> str:
    """The chart as one `<svg>` element; `ident` makes its inner ids unique on the page."""
    parts, height = _KINDS[chart.kind](chart)
    return drawing(
        parts,
        height=height,
        title=chart.title or ", ".join(series.name for series in chart.series),
        description=chart.description or describe(chart),
        ident=ident,
        width=_SPARK_WIDTH if chart.kind == "spark" else WIDTH,
    )


def describe(chart: Chart) -> str:
    """What the chart shows, in one sentence a measure."""
    names = short_names(chart.x)
    sentences = []
    for series in chart.series:
        there = [(value, at) for at, value in enumerate(series.values) if value is not None]
        if not there:
            continue
        (low, low_at), (high, high_at) = min(there), max(there)
        first, last = there[0], there[-1]
        sentences.append(
            f"{series.name}: {figure(first[0], unit=chart.unit)} ({names[first[1]]}) to "
            f"{figure(last[0], unit=chart.unit)} ({names[last[1]]}); "
            f"lowest {figure(low, unit=chart.unit)} ({names[low_at]}), "
            f"highest {figure(high, unit=chart.unit)} ({names[high_at]})."
        )
    return " ".join(sentences)


def _line(chart: Chart) -> Drawn:
    shares = _positions(chart.x)
    outline = frame(chart, from_zero=_nearly_zero(chart), centres=shares)
    xs = [outline.left + share * (outline.right - outline.left) for share in shares]
    parts = [*outline.parts]
    for at, series in enumerate(chart.series):
        for run in _runs(series):
            points = [(xs[index], outline.y(value)) for index, value in run]
            parts.append(_path(points, at))
            if len(points) <= 24:
                parts += [tag("circle", cx=x, cy=y, r=2.6, fill=colour(at), class_=f"f{at}") for x, y in points]
    return parts, outline.height


def _bar(chart: Chart) -> Drawn:
    count = len(chart.x)
    outline = frame(chart, from_zero=True, centres=[(at + 0.5) / count for at in range(count)])
    slot = (outline.right - outline.left) / count
    width = min(slot * 0.72, 46.0 * len(chart.series)) / len(chart.series)
    parts = [*outline.parts]
    for at, series in enumerate(chart.series):
        for index, value in enumerate(series.values):
            if value is None:
                continue
            x = outline.left + slot * (index + 0.5) + width * (at - len(chart.series) / 2)
            top, bottom = sorted((outline.y(value), outline.zero))
            parts.append(
                tag(
                    "rect",
                    x=x + 0.5,
                    y=top,
                    width=max(width - 1, 0.5),
                    height=max(bottom - top, 0.5),
                    fill=colour(at),
                    class_=f"f{at}",
                )
            )
    parts.append(line(outline.left, outline.zero, outline.right, outline.zero, strong=True))
    return parts, outline.height


def _scatter(chart: Chart) -> Drawn:
    """A point for each row, on two axes of numbers."""
    xs = [float(name) for name in chart.x]
    ticks = steps(min(xs), max(xs))
    shares = [(tick - ticks[0]) / (ticks[-1] - ticks[0]) for tick in ticks]
    named = replace(chart, x=tuple(f"{tick:g}" for tick in ticks))
    measure = chart.series[0].name if len(chart.series) == 1 else ""
    outline = frame(named, from_zero=False, centres=shares, measure=measure)
    parts = [*outline.parts]
    for at, series in enumerate(chart.series):
        for value, x in zip(series.values, xs, strict=True):
            if value is not None:
                share = (x - ticks[0]) / (ticks[-1] - ticks[0])
                place = outline.left + share * (outline.right - outline.left)
                parts.append(
                    tag(
                        "circle",
                        cx=place,
                        cy=outline.y(value),
                        r=3.4,
                        fill=colour(at),
                        fill_opacity=0.75,
                        class_=f"f{at}",
                    )
                )
    parts.append(text(chart.x_label, outline.right, outline.height + 6, anchor="end", size=11))
    return parts, outline.height + 14


def _stacked(chart: Chart) -> Drawn:
    """Bars of all measures on top of each other, negative ones below the base line."""
    count = len(chart.x)
    rises = [sum(max(series.values[at] or 0.0, 0.0) for series in chart.series) for at in range(count)]
    falls = [sum(min(series.values[at] or 0.0, 0.0) for series in chart.series) for at in range(count)]
    centres = [(at + 0.5) / count for at in range(count)]
    outline = frame(chart, from_zero=True, centres=centres, extremes=(min(falls), max(rises)))
    slot = (outline.right - outline.left) / count
    width = min(slot * 0.72, 60.0)
    parts = [*outline.parts]
    ends = [[0.0, 0.0] for _ in range(count)]
    for at, series in enumerate(chart.series):
        for index, value in enumerate(series.values):
            if not value:
                continue
            side = int(value < 0)
            start, ends[index][side] = ends[index][side], ends[index][side] + value
            top, bottom = sorted((outline.y(start), outline.y(ends[index][side])))
            x = outline.left + slot * (index + 0.5) - width / 2
            height = max(bottom - top, 0.5)
            parts.append(tag("rect", x=x, y=top, width=width, height=height, fill=colour(at), class_=f"f{at}"))
    parts.append(line(outline.left, outline.zero, outline.right, outline.zero, strong=True))
    return parts, outline.height


def _area(chart: Chart) -> Drawn:
    """Areas of all measures on top of each other."""
    shares = _positions(chart.x)
    totals = [0.0] * len(chart.x)
    highest = max(sum(series.values[at] or 0.0 for series in chart.series) for at in range(len(chart.x)))
    outline = frame(chart, from_zero=True, centres=shares, extremes=(0.0, highest))
    xs = [outline.left + share * (outline.right - outline.left) for share in shares]
    parts = [*outline.parts]
    for at, series in enumerate(chart.series):
        lower = totals
        totals = [below + (value or 0.0) for below, value in zip(lower, series.values, strict=True)]
        edge = [*zip(xs, totals, strict=True), *reversed(list(zip(xs, lower, strict=True)))]
        track = "M" + "L".join(f"{coordinate(x)} {coordinate(outline.y(value))}" for x, value in edge) + "Z"
        parts.append(tag("path", d=track, fill=colour(at), fill_opacity=0.85, class_=f"f{at}"))
    return parts, outline.height


_PANEL = 120.0


def _multiples(chart: Chart) -> Drawn:
    """A small line chart for each measure, two in a row, all on one scale."""
    values = [value for series in chart.series for value in series.values if value is not None]
    ticks = steps(min(values), max(values), most=2)
    names = short_names(chart.x)
    divisor, suffix = scale(ticks)
    labels = [
        axis_text(tick, unit=chart.unit, step=ticks[1] - ticks[0], divisor=divisor, suffix=suffix) for tick in ticks
    ]
    left, width = max(map(text_width, labels)) + 10, WIDTH / 2
    parts: list[str] = []
    for at, series in enumerate(chart.series):
        x0, y0 = (at % 2) * width, (at // 2) * (_PANEL + 46)
        bottom, inner = y0 + 24 + _PANEL, width - left - 14
        heights = [bottom - (tick - ticks[0]) / (ticks[-1] - ticks[0]) * (_PANEL - 14) for tick in ticks]
        unit = unit_label(chart.unit)
        parts.append(text(f"{series.name} ({unit})" if unit else series.name, x0 + left, y0 + 12, muted=False))
        for label, y in zip(labels, heights, strict=True):
            parts += [
                line(x0 + left, y, x0 + left + inner, y),
                text(label, x0 + left - 6, y + 4, anchor="end", size=11),
            ]
        for run in _runs(series):
            points = [
                (
                    x0 + left + _positions(chart.x)[index] * inner,
                    bottom - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (_PANEL - 14),
                )
                for index, value in run
            ]
            parts.append(_path(points, at))
        parts.append(text(names[0], x0 + left, bottom + 16, size=11))
        parts.append(text(names[-1], x0 + left + inner, bottom + 16, anchor="end", size=11))
    return parts, -(-len(chart.series) // 2) * (_PANEL + 46)


def _range(chart: Chart) -> Drawn:
    """One row for each x: a bar from low to high, a mark at the present value, the figures at the ends."""
    lows, highs, *rest = chart.series
    marks = rest[0].values if rest else (None,) * len(chart.x)
    names = [name if len(name) <= 30 else f"{name[:29]}…" for name in chart.x]
    values = [value for series in chart.series for value in series.values if value is not None]
    left, right = max(text_width(name) for name in names) + 14, WIDTH - 12
    ticks = steps(min(values), max(values))

    def x(value: float) -> float:
        return left + 52 + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (right - left - 104)

    parts = []
    for at, (name, low, high, mark) in enumerate(zip(names, lows.values, highs.values, marks, strict=True)):
        y = 18 + at * 30
        parts.append(text(name, 0, y + 4, muted=False))
        if low is None or high is None:
            continue
        parts.append(
            tag("rect", x=x(low), y=y - 4, width=max(x(high) - x(low), 1), height=8, rx=4, fill="#b9cbdb", class_="r")
        )
        parts.append(text(figure(low, unit=chart.unit), x(low) - 6, y + 4, anchor="end", size=11))
        parts.append(text(figure(high, unit=chart.unit), x(high) + 6, y + 4, size=11))
        if mark is not None:
            parts.append(tag("circle", cx=x(mark), cy=y, r=5, fill=colour(0), class_="f0"))
    height = 18 + len(names) * 30
    if not rest:
        return parts, height
    legend = f"{lows.name} to {highs.name}; dot: {rest[0].name}"
    return [*parts, text(legend, left + 52, height + 6, size=11)], height + 14


_SPARK_WIDTH = 240.0


def _spark(chart: Chart) -> Drawn:
    """A line without axes, its last value in words."""
    parts = []
    for at, series in enumerate(chart.series):
        there = [value for value in series.values if value is not None]
        low, high = min(there, default=0.0), max(there, default=1.0)
        span = (high - low) or 1.0
        top = 6.0 + at * 36
        room = _SPARK_WIDTH - 84
        shares = _positions(chart.x)
        for run in _runs(series):
            points = [(4 + shares[index] * room, top + 24 - (value - low) / span * 24) for index, value in run]
            parts.append(_path(points, at))
            parts.append(tag("circle", cx=points[-1][0], cy=points[-1][1], r=2.8, fill=colour(at), class_=f"f{at}"))
        if there:
            parts.append(text(figure(there[-1], unit=chart.unit), room + 14, top + 16, muted=False, size=13))
    return parts, 36.0 * len(chart.series)


def _heat(chart: Chart) -> Drawn:
    """A row for each measure, a cell for each x, darker for more; the figure in every cell that has room."""
    names = short_names(chart.x)
    left = max(text_width(series.name) for series in chart.series) + 12
    width = (WIDTH - left) / len(names)
    values = [value for series in chart.series for value in series.values if value is not None]
    low, high = min(values), max(values)
    stride = max(1, int(-(-(max(text_width(name, 11) for name in names) + 8) // width)))
    parts = [
        text(name, left + width * (at + 0.5), 12, anchor="middle", size=11)
        for at, name in enumerate(names)
        if at % stride == 0
    ]
    for row, series in enumerate(chart.series):
        y = 20 + row * 30
        parts.append(text(series.name, 0, y + 19, muted=False))
        for at, value in enumerate(series.values):
            share = 0.0 if value is None else (value - low) / ((high - low) or 1.0)
            parts += _heat_cell((left + width * at, y, width), value, share, unit=chart.unit)
    return parts, 20 + 30.0 * len(chart.series)


def _heat_cell(place: tuple[float, float, float], value: float | None, share: float, *, unit: str) -> list[str]:
    x, y, width = place
    level = -1 if value is None else min(int(share * 6), 5)
    fill = "#f0f2f4" if level < 0 else ("#e6eef5", "#c9dbea", "#a3c2dc", "#7aa5c9", "#4a7fae", "#1f4e79")[level]
    cell = tag("rect", x=x + 1, y=y + 1, width=max(width - 2, 0.5), height=28, rx=2, fill=fill, class_=f"h{level}")
    words = figure(value, unit=unit)
    if text_width(words, 11) > width - 6:
        return [cell]
    ink = "#ffffff" if level >= 4 else INK
    return [
        cell,
        tag("text", words, x=x + width / 2, y=y + 19, font_size=11, text_anchor="middle", fill=ink, class_=f"w{level}"),
    ]


def _path(points: list[tuple[float, float]], at: int) -> str:
    track = "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)
    return tag(
        "path",
        d=track,
        fill="none",
        stroke=colour(at),
        stroke_width=2,
        stroke_linejoin="round",
        stroke_linecap="round",
        class_=f"s{at}",
    )


def _runs(series: Series) -> list[list[tuple[int, float]]]:
    """The unbroken stretches of a series; a gap in the data is a gap in the line."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(series.values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index, value))
    return [run for run in runs if run]


def _positions(names: tuple[str, ...]) -> list[float]:
    """Each x as a share of the width: dates by time, everything else evenly; a margin on both sides."""
    count = len(names)
    even = [(at + 0.5) / count for at in range(count)]
    try:
        days = [date.fromisoformat(name[:10]).toordinal() for name in names]
    except ValueError:
        return even
    if count < 2 or days != sorted(set(days)):
        return even
    return [0.03 + 0.94 * (day - days[0]) / (days[-1] - days[0]) for day in days]


def _nearly_zero(chart: Chart) -> bool:
    """Whether a line chart should start at zero: its values do not all lie far from it."""
    values = [value for series in chart.series for value in series.values if value is not None]
    return min(values) < 0.5 * max(values)


_KINDS: dict[str, Callable[[Chart], Drawn]] = {
    "line": _line,
    "bar": _bar,
    "range": _range,
    "spark": _spark,
    "heat": _heat,
    "scatter": _scatter,
    "stacked": _stacked,
    "area": _area,
    "multiples": _multiples,
}
