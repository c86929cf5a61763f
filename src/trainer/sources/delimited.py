"""CSV and TSV as typed records: the delimiter found by what fits best, types decided by whole columns."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence

from trainer.core.errors import Problem, SourceError, Where
from trainer.core.values import Json

_DELIMITERS = (",", ";", "\t", "|")
_MOST_PROBLEMS = 20
_LONGEST_INTEGER = 15  # beyond it a reader of JSON that has only doubles would change a digit


def read_delimited(text: str, shown: str) -> Json:
    """`{"records": […]}`: one record a row, named by the first row. Raises SourceError."""
    delimiter = "\t" if shown.lower().endswith(".tsv") else find_delimiter(text)
    rows = _rows(text, delimiter, shown)
    if not rows:
        raise SourceError("no rows", where=Where(shown))
    (header_line, header), *body = rows
    names = _names(header, shown, header_line)
    _check_widths(body, len(names), shown)
    return {"records": typed_records(names, [[*row, *[""] * (len(names) - len(row))] for _, row in body])}


def find_delimiter(text: str) -> str:
    """The delimiter by which the first rows agree best on a number of cells; a comma where none does."""
    sample = list(itertools.islice(io.StringIO(text), 200))

    def agreement(delimiter: str) -> tuple[float, int]:
        try:
            widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter) if row)
        except csv.Error:
            return (0.0, 0)
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        return (count / widths.total(), width) if width > 1 else (0.0, 0)

    return max(_DELIMITERS, key=agreement)


def typed_records(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[dict[str, Json]]:
    """Records whose columns hold one type each: whole numbers, numbers, true and false, or text; empty is null.

    Zeros in front, long identifiers and anything else that a number would not give back stay text.
    """
    cells = [[cell.strip() for cell in row] for row in rows]
    convert = [_converter([row[index] for row in cells]) for index in range(len(names))]
    return [
        {name: convert[index](row[index]) if row[index] else None for index, name in enumerate(names)} for row in cells
    ]


def _rows(text: str, delimiter: str, shown: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((start, row))
            start = reader.line_num + 1
    except csv.Error as error:
        hint = "a quotation mark inside a cell is written twice, and every one that opens is closed"
        raise SourceError(f"not valid CSV: {error}", where=Where(shown, start), hint=hint) from None
    return rows


def _names(header: Sequence[str], shown: str, line: int) -> list[str]:
    while header and not header[-1].strip():
        header = header[:-1]
    names = [cell.strip() or f"column_{index}" for index, cell in enumerate(header, start=1)]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise SourceError(f'the column "{twice[0]}" stands twice', where=Where(shown, line), hint="rename one of them")
    return names


def _check_widths(rows: Sequence[tuple[int, Sequence[str]]], width: int, shown: str) -> None:
    problems = [
        Problem(f"{len(row)} cells where the first row has {width}", Where(shown, line))
        for line, row in rows
        if len(row) < width or any(cell.strip() for cell in row[width:])
    ]
    if problems:
        hint = "quote a cell that holds the delimiter"
        raise SourceError(problems[0].message, where=problems[0].where, hint=hint, problems=problems[:_MOST_PROBLEMS])


def _converter(column: Sequence[str]) -> Callable[[str], Json]:
    values = [cell for cell in column if cell]
    if values and all(cell.lower() in ("true", "false") for cell in values):
        return lambda cell: cell.lower() == "true"
    if not values or not all(_NUMBER.fullmatch(cell) and len(cell.lstrip("+-")) <= 24 for cell in values):
        return str
    if all(_INTEGER.fullmatch(cell) for cell in values):
        return int if all(len(cell.lstrip("+-")) <= _LONGEST_INTEGER for cell in values) else str
    return float


_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d{1,2})?")
