"""Excel and OpenDocument workbooks as records: every sheet, with the types its cells have."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Sequence

from trainer.convert.readers.compound import Compound
from trainer.convert.readers.odf_sheets import open_document_sheets
from trainer.convert.readers.package import Package
from trainer.convert.readers.sheets import Sheet, check_extent, trimmed
from trainer.core.cells import plain
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import Dataset, ReadOptions
from trainer.core.values import Finding, Json

_MOST_ABOVE = 20
"""Rows of titles and remarks that may stand above the row of names."""


def read_xlsx(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:  # noqa: ARG001  (the seam's signature)
    """A workbook of Excel 2007 and later."""
    package = Package(content, shown)
    for name in package.names:
        if re.search(r"worksheets/[^/]*\.xml\Z", name, re.IGNORECASE):
            check_extent(*_extent_of_xml(package.read(name)), name, shown)
    return _read(content, shown)


def read_xlsb(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:  # noqa: ARG001
    """A workbook of Excel in its binary form."""
    package = Package(content, shown)
    for name in package.names:
        if re.search(r"worksheets/[^/]*\.bin\Z", name, re.IGNORECASE):
            check_extent(*_extent_of_records(package.read(name)), name, shown)
    return _read(content, shown)


def read_xls(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:  # noqa: ARG001
    """A workbook of Excel 97 to 2003."""
    streams = Compound(content, shown).streams() if content.startswith(b"\xd0\xcf") else {}
    for name in ("Workbook", "Book"):
        for rows, columns in _extents_of_biff(streams.get(name, b"")):
            check_extent(rows, columns, name, shown)
    return _read(content, shown)


def read_ods(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:  # noqa: ARG001
    """A workbook of LibreOffice and its like."""
    return _dataset(*open_document_sheets(content, shown), shown)


def _read(content: bytes, shown: str) -> Dataset:
    return _dataset(*_sheets(content, shown), shown)


def _dataset(sheets: Sequence[Sheet], findings: list[Finding], shown: str) -> Dataset:
    """One sheet is a list of records; several are `sheets`, by their names. What is not laid out as a table is rows."""
    where = Where(shown)
    tables: dict[str, Json] = {}
    described: list[Json] = []
    for sheet in sheets:
        if sheet.is_hidden:
            findings.append(Finding("hidden", "warning", f'the sheet "{sheet.name}" is hidden, and read', where))
        described.append({"name": sheet.name, "rows": len(sheet.rows)} | ({"hidden": True} if sheet.is_hidden else {}))
        if not sheet.rows:
            continue
        tables[sheet.name] = _table(_filled(sheet))
        if isinstance(tables[sheet.name], dict) and "rows" in tables[sheet.name]:
            message = f'the sheet "{sheet.name}" has no row of names over its columns, and is read as rows of cells'
            findings.append(Finding("no_header", "warning", message, where))
    if not tables:
        raise ConversionError("no cells in it", where=where, hint="fill a sheet, or take the file out of the query")
    value: Json = next(iter(tables.values())) if len(tables) == 1 else {"sheets": tables}
    return Dataset(value, shown, meta={"sheets": described}, findings=tuple(findings), is_cells=True)


def _sheets(content: bytes, shown: str) -> tuple[list[Sheet], list[Finding]]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    sheets, findings, where = [], [], Where(shown)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for number, meta in enumerate(workbook.sheets_metadata):
            if meta.typ not in (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet):
                findings.append(Finding("left_out", "note", f'left out: the sheet "{meta.name}", a drawing', where))
                continue
            sheet = workbook.get_sheet_by_index(number)
            rows = [[plain(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
            merged = tuple(sheet.merged_cell_ranges or ())
            sheets.append(Sheet(meta.name, trimmed(rows), meta.visible != SheetVisibleEnum.Visible, merged))
    except PasswordError:
        hint = "open it with the password, and save it without"
        raise ConversionError("locked by a password", where=where, hint=hint) from None
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise _damaged(error, where) from None
    except BaseException as error:  # what the library itself did not expect comes as a panic, which is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(error, where) from None
    return sheets, findings


def _damaged(error: BaseException, where: Where) -> ConversionError:
    reason = str(error).partition("\n")[0][:200]
    hint = "open it in its own program, and save it again"
    return ConversionError(f"damaged, or no workbook: {reason}", where=where, hint=hint)


def _filled(sheet: Sheet) -> list[list[Json]]:
    """The rows with the words of cells that are merged over several rows in each of them, as people read them."""
    rows = sheet.rows
    for (top, left), (bottom, right) in sheet.merged:
        if top >= len(rows) or left >= len(rows[0]) or bottom == top or right - left > 0:
            continue
        if isinstance(value := rows[top][left], str):
            for row in rows[top + 1 : bottom + 1]:
                if row[left] is None:
                    row[left] = value
    return rows


def _table(rows: list[list[Json]]) -> Json:
    """Records under the row of names; with `notes`, what stands above it; else `rows`."""
    first = min((at for row in rows for at, cell in enumerate(row) if cell is not None), default=0)
    rows = [row[first:] for row in rows if any(cell is not None for cell in row)]
    header = next((at for at in range(min(len(rows), _MOST_ABOVE)) if _is_header(rows, at)), None)
    if header is None:
        return {"rows": rows}
    width = max(at for at, cell in enumerate(rows[header], 1) if cell is not None)
    names = [
        str(cell).strip() if cell is not None else f"column_{at}" for at, cell in enumerate(rows[header][:width], 1)
    ]
    records: list[Json] = [dict(zip(names, row, strict=False)) for row in rows[header + 1 :]]
    above = [" ".join(str(cell) for cell in row if cell is not None) for row in rows[:header]]
    return {"notes": above, "records": records} if above else records


def _is_header(rows: Sequence[Sequence[Json]], at: int) -> bool:
    """Whether a row names all columns of the rows below it: distinct words, and none of them beyond it."""
    row, below = rows[at], rows[at + 1 :]
    names = [cell for cell in row if cell is not None]
    if not below or not names or not all(isinstance(name, str) for name in names):
        return False
    if len({str(name).strip() for name in names}) < len(names):
        return False
    used = {place for one in below for place, cell in enumerate(one) if cell is not None}
    return all(row[place] is not None for place in used) and (len(names) > 1 or max(used, default=0) == 0)


def _extent_of_xml(sheet: bytes) -> tuple[int, int]:
    """How many rows and columns the cells of a sheet reach over, by their references."""
    cells = re.findall(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d{1,9})"[^>]*(?<!/)>', sheet)
    columns = [_column(letters.decode("ascii")) for letters in {letters for letters, _ in cells}]
    rows = [int(number) for number in {number for _, number in cells}]
    return (max(rows) - min(rows) + 1 if rows else 0), (max(columns) - min(columns) + 1 if columns else 0)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _extent_of_records(sheet: bytes) -> tuple[int, int]:
    """The same of a binary sheet: records of rows, and in them of cells."""
    at, rows, columns = 0, [0], [0]
    while at < len(sheet) - 1:
        kind, at = _varint(sheet, at, 2)
        size, at = _varint(sheet, at, 4)
        if kind == 0 and size >= 4:
            rows.append(struct.unpack_from("<I", sheet.ljust(at + 4, b"\0"), at)[0])
        elif 1 <= kind <= 11 and size >= 4:
            columns.append(struct.unpack_from("<I", sheet.ljust(at + 4, b"\0"), at)[0])
        at += size
    return max(rows) + 1, max(columns) + 1


def _varint(content: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        if at >= len(content):
            break
        byte = content[at]
        value |= (byte & 0x7F) << (7 * place)
        at += 1
        if byte < 0x80:
            break
    return value, at


_BIFF_CELLS = frozenset(
    (0x0006, 0x00BD, 0x00BE, 0x00D6, 0x00FD, 0x0203, 0x0204, 0x0205, 0x027E, 0x0002, 0x0003, 0x0004)
)


def _extents_of_biff(stream: bytes) -> Iterator[tuple[int, int]]:
    """The same of each sheet of an old workbook."""
    at, rows, columns = 0, 0, 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind in (0x0809, 0x0409, 0x0209, 0x0009):
            yield rows, columns
            rows = columns = 0
        elif kind in _BIFF_CELLS and size >= 4 and at + 8 <= len(stream):
            row, column = struct.unpack_from("<HH", stream, at + 4)
            rows, columns = max(rows, row + 1), max(columns, column + 1)
        at += 4 + size
    yield rows, columns
