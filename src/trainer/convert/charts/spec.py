"""What a fenced `chart` block says: kind, words, and the rows to draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from trainer.core.errors import UsageError, unknown
from trainer.core.values import Json
from trainer.core.yamltext import load_yaml

ChartKind = Literal["line", "bar", "range", "spark", "heat", "scatter", "stacked", "area", "multiples"]
KINDS: tuple[str, ...] = get_args(ChartKind)
_KEYS = ("type", "title", "description", "data", "x", "y", "by", "rows", "columns", "unit", "labels")
_MOST_POINTS = 2000
_MOST_SERIES = 8


class ChartError(UsageError):
    """A chart block that cannot be drawn."""


@dataclass(frozen=True, slots=True)
class Series:
    """One measure over the chart's x values."""

    name: str
    """As the legend calls it."""
    values: tuple[float | None, ...]
    """One for each x; None where there is none."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that can be drawn: its rows are resolved and checked."""

    kind: ChartKind
    x: tuple[str, ...]
    series: tuple[Series, ...]
    title: str = ""
    description: str = ""
    unit: str = ""
    x_label: str = ""
    """What the x values are, as the table's first heading says it."""


def parse_chart(block: str, *, data: Mapping[str, Json], shown: str = "chart", first_line: int = 1) -> Chart:
    """The chart that a block declares, its rows taken from `data` or from the block; raises ChartError."""
    try:
        settings = load_yaml(block, shown=shown, first_line=first_line).value
    except UsageError as error:
        raise ChartError(error.message, where=error.where) from None
    if not isinstance(settings, dict):
        raise ChartError("a chart block holds YAML keys such as type, data, x and y")
    for key in settings:
        if key not in _KEYS:
            message, hint = unknown("chart key", key, _KEYS)
            raise ChartError(message, hint=hint)
    columns, rows = _inline_rows(settings) if "rows" in settings else _data_rows(settings, data)
    return _chart(settings, columns, rows)


def _inline_rows(settings: Mapping[str, Any]) -> tuple[list[str], list[Sequence[Json]]]:
    rows = settings["rows"]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise ChartError("rows is a list of lists: [[x, y], [x, y]]")
    width = max(len(row) for row in rows)
    columns = settings.get("columns") or ["", *(f"Series {number}" for number in range(1, width))]
    if not isinstance(columns, list) or len(columns) != width or any(len(row) != width for row in rows):
        raise ChartError(f"every row and columns must have the same length ({width})")
    return [str(column) for column in columns], rows


def _data_rows(settings: Mapping[str, Any], data: Mapping[str, Json]) -> tuple[list[str], list[Sequence[Json]]]:
    path = settings.get("data")
    if not isinstance(path, str):
        raise ChartError("a chart names its data (data: NAME.path) or holds rows")
    records = _resolve(path, data)
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        raise ChartError(f'"{path}" is not a list of records')
    x = str(settings.get("x", "date"))
    wanted = settings.get("y")
    measures = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(measures, list) or not measures:
        raise ChartError("y names the measures to draw: y: [totalRevenue]")
    present = sorted({key for record in records for key in record})
    by = settings.get("by")
    for name in (x, *measures, *([by] if by is not None else [])):
        if name not in present:
            message, hint = unknown(f'field of "{path}"', str(name), present)
            raise ChartError(message, hint=hint)
    if by is not None:
        if len(measures) != 1:
            raise ChartError("by parts one measure: name one under y")
        return _by_member(records, x=x, measure=str(measures[0]), by=str(by))
    return [x, *map(str, measures)], [[record.get(name) for name in (x, *measures)] for record in records]


def _by_member(
    records: Sequence[Mapping[str, Any]], *, x: str, measure: str, by: str
) -> tuple[list[str], list[Sequence[Json]]]:
    """One column for each member of a dimension, in the order of the data."""
    members = list(dict.fromkeys(str(record.get(by)) for record in records))
    values: dict[str, dict[str, Json]] = {}
    for record in records:
        row = values.setdefault(str(record.get(x)), {})
        if str(record.get(by)) in row:
            raise ChartError(f'"{record.get(by)}" has several rows for {x} {record.get(x)}')
        row[str(record.get(by))] = record.get(measure)
    return [x, *members], [[name, *(row.get(member) for member in members)] for name, row in values.items()]


def _resolve(path: str, data: Mapping[str, Json]) -> Json:
    name, *steps = path.split(".")
    if name not in data:
        message, hint = unknown("data", name, data)
        raise ChartError(message, hint=hint)
    value = data[name]
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, Mapping) and step in value:
            value = value[step]
        else:
            members = value if isinstance(value, Mapping) else ()
            message, hint = unknown(f'step of "{path}"', step, members)
            raise ChartError(message, hint=hint)
    return value


def _chart(settings: Mapping[str, Any], columns: list[str], rows: list[Sequence[Json]]) -> Chart:
    kind = settings.get("type", "line")
    if kind not in KINDS:
        message, hint = unknown("chart type", str(kind), KINDS)
        raise ChartError(message, hint=hint)
    if len(rows) > _MOST_POINTS or not 1 < len(columns) <= _MOST_SERIES + 1:
        raise ChartError(f"a chart has 1 to {_MOST_SERIES} measures and at most {_MOST_POINTS} points")
    if kind == "range" and len(columns) not in (3, 4):
        raise ChartError("a range chart has two measures, low and high, and perhaps a third, the present value")
    own_labels = settings.get("labels")
    labels: dict[str, Any] = own_labels if isinstance(own_labels, dict) else {}
    series = tuple(
        Series(str(labels.get(column, column)), tuple(_number(row[at + 1], column) for row in rows))
        for at, column in enumerate(columns[1:])
    )
    if kind == "scatter" and not all(_is_number(row[0]) for row in rows):
        raise ChartError("the x values of a scatter chart are numbers")
    if kind == "area" and any(value is not None and value < 0 for measure in series for value in measure.values):
        raise ChartError("areas on top of each other hold no negative values", hint="take line or stacked")
    if all(value is None for measure in series for value in measure.values):
        raise ChartError("there is no number to draw")
    words = {key: str(settings.get(key) or "") for key in ("title", "description", "unit")}
    x_label = str(labels.get(columns[0], columns[0].capitalize()))
    return Chart(kind, tuple("" if row[0] is None else str(row[0]) for row in rows), series, x_label=x_label, **words)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: Json, column: str) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e24:
        raise ChartError(f'"{value}" of {column} is not a number that can be drawn')
    return float(value)
