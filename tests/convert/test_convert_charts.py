"""Charts: every kind is drawn from its rows, names its unit, and has the same figures as a table behind it."""

from __future__ import annotations

import re

import pytest

from corpus.convert.written import to_latex
from trainer.convert.charts import ChartError, chart_rows, draw, parse_chart

ROWS = "rows: [[2021, 5, 3], [2022, 6, 2], [2023, 7, 4]]\ncolumns: [year, wind, sun]\n"
DAYS = [
    {"date": f"2025-03-0{day}", "city": city, "rain": day * share}
    for day in (1, 2, 3)
    for city, share in (("Arden", 2.0), ("Brook", 3.5))
]


@pytest.mark.parametrize(
    ("kind", "drawn", "count"),
    [
        ("line", r"<path ", 2), ("bar", r'<rect [^>]*class="f', 8), ("scatter", r"<circle ", 6),
        ("stacked", r'<rect [^>]*class="f', 8), ("area", r'<path [^>]*fill-opacity', 2), ("multiples", r"<path ", 2),
    ],
)  # fmt: skip
def test_a_kind_draws_every_figure(kind, drawn, count):
    svg = draw(parse_chart(f"type: {kind}\n{ROWS}", data={}), ident="a")

    assert len(re.findall(drawn, svg)) == count  # with two squares of the legend among rectangles


@pytest.mark.parametrize("kind", ["line", "bar", "scatter", "stacked", "area", "multiples"])
def test_a_unit_that_figures_do_not_show_is_named(kind):
    chart = parse_chart(f"type: {kind}\nunit: TWh\n{ROWS}", data={})

    assert "TWh" in re.sub(r"<(?:title|desc)[^>]*>[^<]*</", "", draw(chart, ident="a"))
    assert chart_rows(chart)[0] == ["Year", "wind (TWh)", "sun (TWh)"]


def test_a_measure_is_parted_by_a_dimension():
    block = "type: line\ndata: weather.days\nx: date\ny: rain\nby: city\nunit: mm\n"
    chart = parse_chart(block, data={"weather": {"days": DAYS}})

    assert [(series.name, series.values) for series in chart.series] == [
        ("Arden", (2.0, 4.0, 6.0)),
        ("Brook", (3.5, 7.0, 10.5)),
    ]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("type: scatter\nrows: [[a, 1]]\n", "x values of a scatter chart are numbers"),
        ("type: area\nrows: [[2021, -1], [2022, 1]]\n", "no negative values"),
        ("data: w\nx: date\ny: [rain, rain]\nby: city\n", "by parts one measure"),
        ("data: w\nx: city\ny: rain\nby: city\n", "has several rows for city Arden"),
    ],
)
def test_what_cannot_be_drawn_says_why(block, why):
    with pytest.raises(ChartError, match=why):
        parse_chart(block, data={"w": DAYS})


def test_a_chart_is_a_picture_and_a_table_in_latex():
    tex = to_latex(f"```chart\ntype: stacked\ntitle: Costs & more\nunit: TWh\n{ROWS}```\n").content

    assert tex.count("rectangle") == 8
    assert "\\textbf{Figure 1.} Costs \\& more" in tex
    assert "wind (TWh)" in tex
