"""Cells of tables as typed records: types decided by whole columns, never a code for a number."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from trainer.core.values import Json

_LONGEST_INTEGER = 15  # beyond it a reader of JSON that has only doubles would change a digit


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


def plain(value: object) -> Json:
    """A value of a database or a workbook as JSON has it: times in ISO 8601, decimals as numbers where none is lost."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 10**_LONGEST_INTEGER else value
    if isinstance(value, Decimal):
        return plain(float(value)) if value.is_finite() and Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, datetime) and value.time() == time() and value.tzinfo is None:
        return value.date().isoformat()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(part) for part in value]
    return str(value)
