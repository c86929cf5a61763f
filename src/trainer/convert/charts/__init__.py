"""Charts declared in Markdown, drawn as small inline SVG."""

from trainer.convert.charts.draw import draw
from trainer.convert.charts.spec import Chart, ChartError, parse_chart

__all__ = ["Chart", "ChartError", "draw", "parse_chart"]
