"""Cells of tables as typed records: types decided by whole columns, never a code for a number."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    columns = [ColumnTypes() for _ in names]
    for row in cells:
        for column, cell in zip(columns, row, strict=False):
            column.add(cell)
    convert = converters(columns, commas_split=commas_split)
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


@dataclass(slots=True)
class _Numerals:
    """What the numerals of a column have in common, read with one decimal mark."""

    count: int = 0
    are_all: bool = True
    are_whole: bool = True
    longest: int = 0
    decimals: set[int] = field(default_factory=set)
    end_in_nought: bool = False
    """Whether decimals end in a nought that no program prints of a number: `1.10`, but not `40.0`."""

    def add(self, numeral: str | None) -> None:
        if numeral is None or len(numeral.lstrip("-")) > 24:
            self.are_all = False
            return
        self.count += 1
        self.longest = max(self.longest, len(numeral.lstrip("-")))
        self.are_whole = self.are_whole and _INTEGER.fullmatch(numeral) is not None
        if "." in numeral:
            fraction = numeral.partition(".")[2]
            self.decimals.add(len(fraction))
            self.end_in_nought = self.end_in_nought or (len(fraction) > 1 and fraction.endswith("0"))

    def union(self, other: _Numerals) -> _Numerals:
        return _Numerals(
            self.count + other.count, self.are_all and other.are_all, self.are_whole and other.are_whole,
            max(self.longest, other.longest), self.decimals | other.decimals, self.end_in_nought or other.end_in_nought,
        )  # fmt: skip


@dataclass(slots=True)
class ColumnTypes:
    """What the cells of one column allow it to be; takes them one after the other, and holds none."""

    are_flags: bool = True
    has_comma: bool = False
    """Whether a cell can only be read with a decimal comma."""
    has_point: bool = False
    _plain: _Numerals = field(default_factory=_Numerals)
    _marked: dict[str, _Numerals] = field(default_factory=lambda: {mark: _Numerals() for mark in ("", ",", ".")})

    def add(self, cell: str) -> None:
        """Take a cell without blanks around it; an empty one says nothing."""
        if not cell:
            return
        if cell.isascii() and cell.isdigit():
            self.are_flags = False
            self._plain.add(_numeral(cell, ""))
            return
        word = cell.lower()
        self.are_flags = self.are_flags and word in ("true", "false")
        if word in _ABSENT:
            return
        for mark, numerals in self._marked.items():
            if numerals.are_all:
                numerals.add(_numeral(cell, mark))
        self.has_comma = self.has_comma or _ONLY_COMMA.fullmatch(cell) is not None
        self.has_point = self.has_point or _ONLY_POINT.fullmatch(cell) is not None

    def converter(self, mark: str) -> Callable[[str], Json]:
        """From a cell of the column that is not empty to its value."""
        if self.are_flags:
            return lambda cell: cell.lower() == "true"
        numerals = self._plain.union(self._marked[mark])
        if not numerals.count or not numerals.are_all:
            return str
        if numerals.are_whole:
            if numerals.longest > _LONGEST_INTEGER:
                return str
            return lambda cell: None if cell.lower() in _ABSENT else int(_numeral(cell, mark) or 0)
        if len(numerals.decimals) > 1 and numerals.end_in_nought:
            return str  # a program prints 1.10 beside 1.90, only versions are written 1.10 beside 1.9
        return lambda cell: None if cell.lower() in _ABSENT else float(_numeral(cell, mark) or 0)


def converters(columns: Sequence[ColumnTypes], *, commas_split: bool) -> list[Callable[[str], Json]]:
    """How to read the cells of each column, with the decimal mark that the file as a whole has.

    It is decided by the cells that can be read in one way only; where none does, there is none.
    """
    commas, points = any(column.has_comma for column in columns), any(column.has_point for column in columns)
    mark = "," if commas and not points else "." if points or commas_split else ""
    return [column.converter(mark) for column in columns]


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


def guarded_cell(value: Json) -> Json:
    """The value as the cell of a CSV that no spreadsheet runs: a text that begins as a formula gets an apostrophe.

    Blanks before the mark and its full-width forms begin one too; a negative number is none.

    >>> guarded_cell("=cmd()"), guarded_cell("-1.5"), guarded_cell(-1.5)
    ("'=cmd()", '-1.5', -1.5)
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if _FORMULA.match(text) and not _NEGATIVE.fullmatch(text) else text


_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NEGATIVE = re.compile(r"-\d+(\.\d+)?([eE][-+]?\d+)?")


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
