"""CSV and TSV as typed records: the delimiter found by what fits best, types decided by whole columns."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from trainer.core.errors import Problem, SourceError, Where
from trainer.core.values import Json

_DELIMITERS = (",", ";", "\t", "|")
_MOST_PROBLEMS = 20
_LONGEST_INTEGER = 15  # beyond it a reader of JSON that has only doubles would change a digit


def read_delimited(text: str, shown: str, *, spelt: bool = False) -> Json:
    """`{"records": […]}`: one record a row, named by the first row; `spelt` leaves every cell as it is written.

    Raises SourceError.
    """
    delimiter = "\t" if shown.lower().endswith(".tsv") else find_delimiter(text)
    rows = _rows(text, delimiter, shown)
    if not rows:
        raise SourceError("no rows", where=Where(shown))
    (header_line, header), *body = rows
    names = _names(header, shown, header_line)
    _check_widths(body, len(names), shown)
    cells = [[*row, *[""] * (len(names) - len(row))] for _, row in body]
    if spelt:
        return {"records": [dict(zip(names, (cell.strip() for cell in row), strict=False)) for row in cells]}
    return {"records": typed_records(names, cells, commas_split=delimiter == ",")}


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


def typed_records(
    names: Sequence[str], rows: Sequence[Sequence[str]], *, commas_split: bool = True
) -> list[dict[str, Json]]:
    """Records whose columns hold one type each: whole numbers, numbers, true and false, or text; empty is null.

    Zeros in front, long identifiers, versions (`1.9`, `1.10`) and anything else that a number would not give back stay
    text. In a column of numbers, NA and its like are null. Separators of thousands and decimal commas are read as such
    where the file leaves no doubt; `commas_split` says that commas part its cells, so that one in a cell is on purpose.
    """
    cells = [[cell.strip() for cell in row] for row in rows]
    mark = _decimal_mark(cells, commas_split=commas_split)
    convert = [_converter([row[index] for row in cells], mark) for index in range(len(names))]
    return [
        {name: convert[index](row[index]) if row[index] else None for index, name in enumerate(names)} for row in cells
    ]


def mixed_columns(records: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    """A sentence for each column that stayed text although most of its cells are numbers."""
    for name in records[0] if records else ():
        cells = [(row, record[name]) for row, record in enumerate(records, 1) if isinstance(record[name], str)]
        others = [(row, cell) for row, cell in cells if not re.search(r"\d", cell) or re.search(r"[^\W\d]", cell)]
        if others and len(cells) - len(others) > len(others):
            row, cell = others[0]
            yield f'the column "{name}" stays text: "{cell}" in row {row} is no number'


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


def _converter(column: Sequence[str], mark: str) -> Callable[[str], Json]:
    """From a cell of the column to its value."""
    if all(cell.lower() in ("true", "false") for cell in column if cell):
        return lambda cell: cell.lower() == "true"
    numerals = {cell: _numeral(cell, mark) for cell in column if cell and cell.lower() not in _ABSENT}
    plain = [numeral for numeral in numerals.values() if numeral is not None]
    if not plain or len(plain) < len(numerals) or any(len(numeral.lstrip("-")) > 24 for numeral in plain):
        return str
    if all(_INTEGER.fullmatch(numeral) for numeral in plain):
        if any(len(numeral.lstrip("-")) > _LONGEST_INTEGER for numeral in plain):
            return str
        return lambda cell: int(numerals[cell] or 0) if cell in numerals else None
    decimals = {len(numeral.partition(".")[2]) for numeral in plain if "." in numeral}
    if len(decimals) > 1 and any("." in numeral and numeral.endswith("0") for numeral in plain):
        return str  # a program prints 1.10 beside 1.90, only versions are written 1.10 beside 1.9
    return lambda cell: float(numerals[cell] or 0) if cell in numerals else None


def _decimal_mark(rows: Sequence[Sequence[str]], *, commas_split: bool) -> str:
    """The decimal mark of the file, by the cells that can be read in one way only; empty where none decides."""
    commas = any(_ONLY_COMMA.fullmatch(cell) for row in rows for cell in row)
    points = any(_ONLY_POINT.fullmatch(cell) for row in rows for cell in row)
    if commas and not points:
        return ","
    return "." if points or commas_split else ""


def _numeral(cell: str, mark: str) -> str | None:
    """The cell as Python writes numbers; None where it is none."""
    cell = cell.replace("\u2212", "-")
    if mark == "," and _WITH_COMMA.fullmatch(cell):
        return re.sub(r"[^\d,-]", "", cell).replace(",", ".")
    if mark == "." and _WITH_POINT.fullmatch(cell):
        return re.sub(r"[^\d.-]", "", cell)
    return cell if _NUMBER.fullmatch(cell) and (mark != "," or "." not in cell) else None


_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d{1,2})?")
_WITH_COMMA = re.compile(r"-?(0|[1-9]\d*|[1-9]\d{0,2}([. \u00a0\u202f'’]\d{3})+)(,\d+)?")
_WITH_POINT = re.compile(r"-?(0|[1-9]\d*|[1-9]\d{0,2}([,\u00a0\u202f'’]\d{3})+)(\.\d+)?")
# 1,234 may be either; 1,2 and 1.234,5 have a decimal comma, 1.2 and 1,234.5 a decimal point
_ONLY_COMMA = re.compile(r"-?(\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+)")
_ONLY_POINT = re.compile(r"-?(\d+\.(\d{1,2}|\d{4,})|\d{1,3}(,\d{3})+\.\d+)")
_ABSENT = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "nil", "null", "none", "-", "–", "—", "..", "…", "?"})
"""What programs and people write where there is no figure, in small letters."""
