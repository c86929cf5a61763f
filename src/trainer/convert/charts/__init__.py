"""Charts declared in Markdown, drawn as small inline SVG."""

from trainer.convert.charts.draw import draw
from trainer.convert.charts.spec import Chart, ChartError, parse_chart
from trainer.convert.charts.table import chart_rows, chart_title

__all__ = ["Chart", "ChartError", "chart_rows", "chart_title", "draw", "parse_chart"]
