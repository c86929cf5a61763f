"""CSV and TSV as typed records: the delimiter found by what fits best, types decided by whole columns."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer.convert.readers.encoding import decode
from trainer.core.cells import ColumnTypes, converters, mixed_columns, typed_records
from trainer.core.csvrows import csv_rows
from trainer.core.errors import ConversionError, Problem, Where
from trainer.core.readings import Dataset, ReadOptions
from trainer.core.values import Finding, Json

_DELIMITERS = (",", ";", "\t", "|")
_MOST_PROBLEMS = 20
_UNCLOSED = "a quotation mark that is never closed"
_MOST_TITLES = 5
"""So many lines at most stand above a header: the title of a table, its unit, the day it was made."""
_QUOTES = "a quotation mark inside a cell is written twice, and every one that opens is closed"


def read_csv(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """A list of records, one a row, named by the first row; empty cells are null."""
    return _read(content, shown, options, None)


def read_tsv(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """As `read_csv`, between tabs."""
    return _read(content, shown, options, "\t")


def stream_csv(path: Path, shown: str) -> Iterator[dict[str, Json]]:
    """The same records one after the other: the file is gone through twice, first for the types of its columns."""
    return _stream(path, shown, None)


def stream_tsv(path: Path, shown: str) -> Iterator[dict[str, Json]]:
    """As `stream_csv`, between tabs."""
    return _stream(path, shown, "\t")


def _stream(path: Path, shown: str, delimiter: str | None) -> Iterator[dict[str, Json]]:
    if delimiter is None:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            delimiter = find_delimiter("".join(itertools.islice(file, 200)))
    names: list[str] = []
    columns: list[ColumnTypes] = []
    titles = _titles(list(itertools.islice(_lines_of(path, delimiter, shown), _MOST_TITLES + 2)))
    for line, row in itertools.islice(_lines_of(path, delimiter, shown), titles, None):
        if not names:
            names = _names(row, shown, line)
            columns = [ColumnTypes() for _ in names]
            continue
        _check_widths([(line, row)], len(names), shown)
        for column, cell in zip(columns, row, strict=False):
            column.add(cell.strip())
    if not names:
        raise ConversionError("no rows", where=Where(shown))
    convert = converters(columns, commas_split=delimiter == ",")
    for _, row in itertools.islice(_lines_of(path, delimiter, shown), titles + 1, None):
        cells = (cell.strip() for cell in row)
        yield {name: turn(cell) if cell else None for name, turn, cell in zip(names, convert, cells, strict=False)}


def _lines_of(path: Path, delimiter: str, shown: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file with the lines they start on, blank ones left out."""
    line = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            for line, row, _ in csv_rows(file, delimiter=delimiter):
                if row is None:
                    raise ConversionError(_UNCLOSED, where=Where(shown, line), hint=_QUOTES)
                if any(cell and not cell.isspace() for cell in row):
                    yield line, row
        except UnicodeDecodeError:
            hint = "save the file as UTF-8, for example: iconv -f cp1252 -t utf-8"
            raise ConversionError("not UTF-8 text", where=Where(shown, line + 1), hint=hint) from None


def _read(content: bytes, shown: str, options: ReadOptions, delimiter: str | None) -> Dataset:
    decoded = decode(content, shown, options.encoding)
    delimiter = delimiter or find_delimiter(decoded.text)
    rows = _rows(decoded.text, delimiter, shown)
    if not rows:
        raise ConversionError("no rows", where=Where(shown))
    titles = _titles(rows[: _MOST_TITLES + 2])
    above, ((header_line, header), *body) = rows[:titles], rows[titles:]
    names = _names(header, shown, header_line)
    _check_widths(body, len(names), shown)
    cells = [[*row, *[""] * (len(names) - len(row))] for _, row in body]
    left_out = [
        Finding("title_line", "note", f'above the header, no data: "{row[0].strip()}"', Where(shown, line))
        for line, row in above
    ]
    if options.spelt:
        spelt = [dict(zip(names, (cell.strip() for cell in row), strict=False)) for row in cells]
        return Dataset(spelt, shown, findings=(*decoded.findings, *left_out))
    records = typed_records(names, cells, commas_split=delimiter == ",")
    findings = [Finding("mixed_column", "warning", sentence, Where(shown)) for sentence in mixed_columns(records)]
    return Dataset(records, shown, findings=(*decoded.findings, *left_out, *findings), is_cells=True)


def _titles(rows: Sequence[tuple[int, Sequence[str]]]) -> int:
    """How many of the first rows are text above the header: one cell each, and wider rows of one width below."""
    widths = [max((at for at, cell in enumerate(row, 1) if cell.strip()), default=0) for _, row in rows]
    count = next((at for at, width in enumerate(widths) if width > 1), 0)
    below = widths[count : count + 2]
    return count if count <= _MOST_TITLES and len(below) == 2 and below[0] == below[1] else 0


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


def _rows(text: str, delimiter: str, shown: str) -> list[tuple[int, list[str]]]:
    rows: list[tuple[int, list[str]]] = []
    for line, row, _ in csv_rows(io.StringIO(text), delimiter=delimiter):
        if row is None:
            raise ConversionError(_UNCLOSED, where=Where(shown, line), hint=_QUOTES)
        if any(cell.strip() for cell in row):
            rows.append((line, row))
    return rows


def _names(header: Sequence[str], shown: str, line: int) -> list[str]:
    while header and not header[-1].strip():
        header = header[:-1]
    names = [cell.strip() or f"column_{index}" for index, cell in enumerate(header, start=1)]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ConversionError(
            f'the column "{twice[0]}" stands twice', where=Where(shown, line), hint="rename one of them"
        )
    return names


def _check_widths(rows: Sequence[tuple[int, Sequence[str]]], width: int, shown: str) -> None:
    problems = [
        Problem(f"{len(row)} cells where the first row has {width}", Where(shown, line))
        for line, row in rows
        if len(row) < width or any(cell.strip() for cell in row[width:])
    ]
    if problems:
        hint = "quote a cell that holds the delimiter"
        raise ConversionError(
            problems[0].message, where=problems[0].where, hint=hint, problems=problems[:_MOST_PROBLEMS]
        )
