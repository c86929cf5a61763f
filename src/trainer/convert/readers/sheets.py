"""A sheet of a workbook as its cells stand."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.core.errors import ConversionError, Where
from trainer.core.values import Json

MOST_CELLS = 6_000_000
"""Of the rectangle around a sheet's cells, which is held as a whole: some 400 MB."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as its cells stand."""

    name: str
    rows: list[list[Json]]
    is_hidden: bool = False
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    """Top left and bottom right of each range of merged cells, counted like `rows`."""


def trimmed(rows: list[list[Json]]) -> list[list[Json]]:
    """Rows of one length, up to the last cell that holds something; empty cells are null."""
    rows = [[None if cell == "" else cell for cell in row] for row in rows]
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    width = max((max((at for at, cell in enumerate(row, 1) if cell is not None), default=0) for row in rows), default=0)
    return [row[:width] + [None] * (width - len(row)) for row in rows]


def check_extent(rows: int, columns: int, name: str, shown: str) -> None:
    """Raise ConversionError for a sheet whose cells reach over more than can be held."""
    if rows * columns > MOST_CELLS:
        message = f"{name} reaches over {rows:,} rows and {columns:,} columns, more than {MOST_CELLS:,} cells"
        hint = "delete what is empty around the cells, or save it as CSV"
        raise ConversionError(message, where=Where(shown), hint=hint)
