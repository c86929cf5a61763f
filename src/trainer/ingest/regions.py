"""Where the tables of a grid lie: what stands above, heads of one or more rows, rows, and what stands below."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.facts import parse_time, parse_unit, read_number

_MOST_HEADS = 3
"""Rows of one head; deeper ones are the pivot tables of reports, which no record can be made of."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row of a grid."""

    line: int
    """Counted from 1."""
    cells: tuple[str, ...]
    raw: str
    """As it stands in the file."""
    is_broken: bool = False
    """Whether its quotation marks never close."""

    @property
    def filled(self) -> int:
        """How many cells are not blank."""
        return sum(bool(cell.strip()) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Region:
    """One table of a grid."""

    names: tuple[str, ...]
    """Of its columns; each stands once."""
    rows: tuple[GridRow, ...]
    """All rows below the head, those of another width too."""
    has_header: bool
    """Whether its names stand in the file."""
    units: tuple[str, ...] = ()
    """Units of its columns, where a row below the head gives them."""
    notes: tuple[str, ...] = ()
    """Lines above and below it that are no rows of it."""


def find_regions(rows: Sequence[GridRow]) -> list[Region]:
    """The tables of a grid in order: parted by blank rows where what follows has another width or a head of its own."""
    blocks = _blocks(rows)
    regions: list[Region] = []
    notes: list[str] = []
    for block in blocks:
        width = _width(block)
        if width < 2 and len(blocks) > 1 and len(block) < 3:
            notes += [_text(row) for row in block]
            continue
        above, body, below = _trimmed(block, width)
        if not body:
            notes += [_text(row) for row in block]
            continue
        former = regions[-1] if regions else None
        if former and not above and len(former.names) == width and not _has_head(body, width):
            joined = Region(former.names, (*former.rows, *body), former.has_header, former.units, former.notes)
            regions[-1] = joined  # a blank row within a table parts nothing
            notes += [_text(row) for row in below]
            continue
        region = _region(body, width, (*notes, *(_text(row) for row in above)))
        notes = [_text(row) for row in below]
        regions.append(region)
    if notes and regions:
        last = regions[-1]
        regions[-1] = Region(last.names, last.rows, last.has_header, last.units, (*last.notes, *notes))
    return regions


def _blocks(rows: Sequence[GridRow]) -> list[list[GridRow]]:
    """Rows between blank ones."""
    blocks: list[list[GridRow]] = [[]]
    for row in rows:
        if row.filled or row.is_broken:
            blocks[-1].append(row)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _width(block: Sequence[GridRow]) -> int:
    """The width that most rows have; of those with few filled cells, as titles in spreadsheets are, the filled ones."""
    widths = Counter(len(row.cells) for row in block if row.filled > 1 or len(row.cells) == 1)
    if not widths:
        return max((len(row.cells) for row in block), default=1)
    most = max(widths.values())
    return max(width for width, count in widths.items() if count == most)


def _trimmed(block: Sequence[GridRow], width: int) -> tuple[Sequence[GridRow], Sequence[GridRow], Sequence[GridRow]]:
    """What stands above a table, the table, and what stands below: lines with one cell, or a few and no number."""
    if width < 2:
        return (), block, ()
    start, end = 0, len(block)
    while start < end and _is_note(block[start], width):
        start += 1
    while end > start and _is_note(block[end - 1], width) and not block[end - 1].is_broken:
        end -= 1
    return block[:start], block[start:end], block[end:]


def _is_note(row: GridRow, width: int) -> bool:
    """Whether a row says something of a table rather than being one of its rows."""
    filled = [cell for cell in row.cells if cell.strip()]
    if row.is_broken:
        return False
    if len(row.cells) == width and width < 3:
        return False
    if len(filled) == 1 and (width > 2 or len(row.cells) == 1):
        return bool(row.cells[0].strip()) and not _is_value(filled[0])
    return len(row.cells) < width and len(filled) <= 2 and width > 3 and not any(map(_is_value, filled))


def _region(body: Sequence[GridRow], width: int, notes: tuple[str, ...]) -> Region:
    depth = _head_depth(body, width)
    if depth == 0:
        names = tuple(f"column_{at}" for at in range(1, width + 1))
        return Region(names, tuple(body), has_header=False, notes=notes)
    heads = [_padded(row.cells, width) for row in body[:depth]]
    units: tuple[str, ...] = ()
    if depth > 1 and _are_units(heads[-1]):
        units = tuple(cell.strip("[]() ") for cell in heads[-1])
        heads = heads[:-1]
    return Region(_names(heads, width), tuple(body[depth:]), has_header=True, units=units, notes=notes)


def _head_depth(body: Sequence[GridRow], width: int) -> int:
    """How many rows the head has; 0 where the first row is one of data."""
    if not _has_head(body, width):
        return 0
    depth = 1
    while depth < min(_MOST_HEADS, len(body) - 1):
        row, above = body[depth], body[depth - 1]
        cells = _padded(row.cells, width)
        below = [_padded(other.cells, width) for other in body[depth + 1 : depth + 30]]
        if _are_units(cells) or (
            any(not cell.strip() for cell in _padded(above.cells, width)[1:])
            and not any(map(_is_value, cells))
            and _typed_columns(below, width)
        ):
            depth += 1
        else:
            break
    return depth


def _has_head(body: Sequence[GridRow], width: int) -> bool:
    """Whether the first row names the columns: texts that stand once, above columns of something else.

    Where all columns are text, names are short, and do not come back below.
    """
    first = [cell.strip() for cell in _padded(body[0].cells, width)]
    filled = [cell for cell in first if cell]
    if len(body) < 2:
        return len(filled) == width and not any(map(_is_value, filled)) and width > 1
    if not filled or len(body[0].cells) > width:
        return False
    values = sum(map(_is_value, filled))
    below = [_padded(row.cells, width) for row in body[1:60]]
    if values and not (values < len(filled) / 2 or _are_periods(filled)):
        return False
    if _typed_columns(below, width):
        typed = [at for at in _typed_columns(below, width) if first[at]]
        named = sum(not _is_value(first[at]) or _are_periods([first[at]]) for at in typed)
        return named * 2 > len(typed) if typed else len(filled) * 2 >= width
    if values:
        return False
    repeated = sum(any(first[at] == row[at].strip() for row in below) for at in range(width) if first[at])
    longest = max(len(cell) for cell in filled)
    return repeated == 0 and longest <= 60 and len(set(filled)) == len(filled)


def _typed_columns(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns most of whose cells are numbers or dates."""
    typed = []
    for at in range(width):
        cells = [row[at] for row in rows if at < len(row) and row[at].strip()]
        if cells and sum(map(_is_value, cells)) * 2 > len(cells):
            typed.append(at)
    return typed


def _is_value(cell: str) -> bool:
    """Whether a cell is a number or a time rather than a name."""
    cell = cell.strip()
    return bool(cell) and (read_number(cell) is not None or parse_time(cell) is not None)


def _are_periods(cells: Sequence[str]) -> bool:
    """Whether values in a head are periods, which name columns: `2023`, `Q1 2024`."""
    values = [cell for cell in cells if _is_value(cell)]
    return all(re.fullmatch(r"(?:19|20)\d\d", cell) or not cell[:1].isdigit() for cell in values)


def _are_units(cells: Sequence[str]) -> bool:
    """Whether a row gives the units of the columns above it: `[kg]`, `(USD)`, `%`."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(parse_unit(cell.strip("[]() ")) and not _is_value(cell) for cell in filled)


def _names(heads: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """The names of columns: the cells of all rows of a head, those of upper rows reaching over what is blank below."""
    spread = []
    for number, head in enumerate(heads):
        cells = [" ".join(cell.split()) for cell in head]
        if number < len(heads) - 1:
            for at in range(1, width):
                cells[at] = cells[at] or cells[at - 1]
        spread.append(cells)
    names: list[str] = []
    taken: Counter[str] = Counter()
    for at in range(width):
        parts = dict.fromkeys(cells[at] for cells in spread if cells[at])
        name = " ".join(parts) or f"column_{at + 1}"
        taken[name] += 1
        names.append(name if taken[name] == 1 else f"{name}_{taken[name]}")
    return tuple(names)


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


def _text(row: GridRow) -> str:
    return " ".join(cell.strip() for cell in row.cells if cell.strip()) or row.raw.strip()
