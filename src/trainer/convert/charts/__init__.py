"""Charts declared in Markdown, drawn as small inline SVG."""

from trainer.convert.charts.draw import describe, draw
from trainer.convert.charts.spec import Chart, ChartError, parse_chart
from trainer.convert.charts.table import chart_rows, chart_title
from trainer.convert.charts.tikz import as_tikz

__all__ = ["Chart", "ChartError", "as_tikz", "chart_rows", "chart_title", "describe", "draw", "parse_chart"]
