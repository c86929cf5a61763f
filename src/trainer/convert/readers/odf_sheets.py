"""The sheets of an OpenDocument workbook, with the types its cells have."""

from __future__ import annotations

import re
from typing import Any

from trainer.convert.readers.package import Package, attribute, child, children, local, parse_xml
from trainer.convert.readers.sheets import Sheet, check_extent, trimmed
from trainer.core.cells import plain
from trainer.core.errors import ConversionError, Where
from trainer.core.values import Finding, Json


def open_document_sheets(content: bytes, shown: str) -> tuple[list[Sheet], list[Finding]]:
    """All sheets, and what is told of them; raises ConversionError for what is no workbook."""
    if content.startswith(b"PK"):
        package = Package(content, shown)
        manifest = package.optional("META-INF/manifest.xml")
        if manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None:
            raise package.fault("locked by a password", hint="open it with the password, and save it without")
        root = package.xml("content.xml")
    else:
        root = parse_xml(content, "", shown)
    body = child(root, "body", "spreadsheet")
    if body is None:
        raise ConversionError(
            "no workbook in it", where=Where(shown), hint="open it in its own program, and save it again"
        )
    hidden = {
        attribute(style, "name")
        for style in root.iter("{*}style")
        for settings in children(style, "table-properties")
        if attribute(settings, "display") == "false"
    }
    sheets: list[Sheet] = []
    for table in children(body, "table"):
        name = attribute(table, "name") or f"Sheet{len(sheets) + 1}"
        merged: list[tuple[tuple[int, int], tuple[int, int]]] = []
        rows = _rows(table, name, shown, merged)
        sheets.append(Sheet(name, trimmed(rows), attribute(table, "style-name") in hidden, tuple(merged)))
    return sheets, []


def _rows(table: Any, name: str, shown: str, merged: list[tuple[tuple[int, int], tuple[int, int]]]) -> list[list[Json]]:
    """The rows up to the last one that holds something; those that stand for many alike are that many."""
    rows: list[list[Json]] = []
    empty = width = 0
    for element in table.iter("{*}table-row"):
        times = _times(element, "number-rows-repeated")
        cells = _cells(element, len(rows) + empty, merged)
        if not cells:
            empty += times
            continue
        width = max(width, len(cells))
        check_extent(len(rows) + empty + times, width, name, shown)
        rows += [[] for _ in range(empty)]
        rows += [list(cells) for _ in range(times)]
        empty = 0
    return rows


def _cells(row: Any, at: int, merged: list[tuple[tuple[int, int], tuple[int, int]]]) -> list[Json]:
    """The cells up to the last one that holds something."""
    cells: list[Json] = []
    empty = 0
    for cell in children(row, "table-cell", "covered-table-cell"):
        times = _times(cell, "number-columns-repeated")
        value = _value(cell)
        if value is None:
            empty += times
            continue
        cells += [None] * min(empty, 20_000)
        empty = 0
        down, across = _times(cell, "number-rows-spanned"), _times(cell, "number-columns-spanned")
        if down > 1 or across > 1:
            merged.append(((at, len(cells)), (at + down - 1, len(cells) + across - 1)))
        cells += [value] * min(times, 20_000)
    return cells


def _value(cell: Any) -> Json:
    """A cell's value by its type; its words where it has none that is known."""
    kind = attribute(cell, "value-type")
    number = attribute(cell, "value")
    if kind in ("float", "percentage", "currency") and number is not None:
        try:
            return plain(float(number))
        except ValueError:
            return number
    if kind == "boolean":
        return attribute(cell, "boolean-value") == "true"
    if kind == "date" and (day := attribute(cell, "date-value")):
        return day.removesuffix("T00:00:00")
    if kind == "time" and (time := attribute(cell, "time-value")):
        return _clock(time)
    words = [_words(paragraph) for paragraph in children(cell, "p", "h", "list")]
    return "\n".join(words) if any(words) else None


def _clock(duration: str) -> str:
    """`12:30:00` for `PT12H30M00S`."""
    parts = re.fullmatch(r"PT(\d{1,6})H(\d{1,2})M(\d{1,2})(?:[.,]\d*)?S", duration)
    return ":".join(part.zfill(2) for part in parts.groups()) if parts else duration


def _words(paragraph: Any) -> str:
    pieces = [paragraph.text or ""]
    for one in paragraph:
        name = local(one)
        if name == "s":
            pieces.append(" " * min(_times(one, "c"), 200))
        elif name in ("tab", "line-break"):
            pieces.append("\t" if name == "tab" else "\n")
        elif name != "annotation":
            pieces.append(_words(one))
        pieces.append(one.tail or "")
    return "".join(pieces)


def _times(element: Any, name: str) -> int:
    count = attribute(element, name) or "1"
    return max(int(count), 1) if count.isdecimal() and len(count) < 10 else 1
