"""The table behind a chart, for readers and formats without drawings."""

from __future__ import annotations

from trainer.convert.charts.numbers import figure, unit_label
from trainer.convert.charts.spec import Chart


def chart_rows(chart: Chart) -> list[list[str]]:
    """The head and then a row for each x value, with its figures as people write them."""
    unit = unit_label(chart.unit)
    head = [chart.x_label, *(f"{series.name} ({unit})" if unit else series.name for series in chart.series)]
    body = [
        [name, *(figure(series.values[at], unit=chart.unit) for series in chart.series)]
        for at, name in enumerate(chart.x)
    ]
    return [head, *body]


def chart_title(chart: Chart) -> str:
    """The chart's title, else the names of what it shows."""
    return chart.title or ", ".join(series.name for series in chart.series)
