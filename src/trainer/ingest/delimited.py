"""Delimited text as tables, every row accounted for: loaded, quarantined with a reason, or the duplicate of another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trainer.core.digest import canonical
from trainer.core.values import Json
from trainer.ingest.columns import ColumnDecision, decide_columns, with_roles
from trainer.ingest.dialect import CsvDialect, DialectVote, detect_dialect, rows_of
from trainer.ingest.regions import GridRow, Region, find_regions
from trainer.ingest.values import ColumnProfile, ExtractedTable, QuarantinedRow

_BROKEN = re.compile("[\udc80-\udcff]")
"""Bytes that are no text, as `surrogateescape` carries them."""
_LONGEST_RAW = 4_000
"""Characters of a quarantined row that are kept; no row of a table that people read is longer."""
_MOST_QUARANTINED = 1_000
"""Quarantined rows of a table that are listed; the others are counted."""


def read_delimited(
    text: str, name: str, *, path: Path | None = None, delimiter: str | None = None
) -> tuple[list[ExtractedTable], DialectVote]:
    """The tables of a delimited text, and how its dialect was decided.

    `path` is where the file lies, for the detector that reads files; `delimiter` what its type says.
    """
    vote = detect_dialect(text, path, delimiter=delimiter)
    grid = [
        GridRow(line, tuple(cells or ()), raw, is_broken=cells is None)
        for line, cells, raw in rows_of(text, vote.dialect)
    ]
    regions = find_regions(grid)
    tables = []
    for number, region in enumerate(regions, 1):
        table = load_region(region, vote.dialect, name if len(regions) == 1 else f"{name} {number}")
        doubt = min(vote.confidence, 0.9 if len(regions) > 1 else 1.0)
        tables.append(replace(table, confidence=round(min(table.confidence, doubt), 3)))
    return tables, vote


def load_region(region: Region, dialect: CsvDialect, name: str) -> ExtractedTable:
    """The rows of a region as typed records; rows in = loaded + quarantined + duplicates."""
    width = len(region.names)
    quarantined: list[QuarantinedRow] = []
    fitting: list[tuple[GridRow, list[str]]] = []
    for row in region.rows:
        cells = list(row.cells)
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if row.is_broken:
            quarantined.append(_quarantine(row, "syntax", "a quotation mark that is never closed"))
        elif _BROKEN.search(row.raw):
            quarantined.append(_quarantine(row, "encoding", "bytes that are no text in the file's encoding"))
        elif len(cells) != width:
            quarantined.append(_quarantine(row, "width", f"{len(cells)} cells where the table has {width}"))
        else:
            fitting.append((row, cells))
    columns = [[cells[at] for _, cells in fitting] for at in range(width)]
    decisions = decide_columns(region.names, columns, units=region.units, commas_split=dialect.delimiter == ",")
    records: list[dict[str, Json]] = []
    for row, cells in fitting:
        try:
            records.append(_record(decisions, cells))
        except ValueError as error:
            quarantined.append(_quarantine(row, "type", str(error)))
    profiles = with_roles([decision.profile for decision in decisions], records)
    loaded = without_duplicates(records, profiles)
    quarantined.sort(key=lambda row: row.line)
    return ExtractedTable(
        name,
        profiles,
        len(loaded),
        tuple(quarantined[:_MOST_QUARANTINED]),
        duplicates=len(records) - len(loaded),
        rows_in=len(region.rows),
        records=tuple(loaded),
        confidence=_confidence(region, profiles, len(quarantined)),
        notes=region.notes,
        quarantined_more=max(0, len(quarantined) - _MOST_QUARANTINED),
    )


def without_duplicates(records: Sequence[dict[str, Json]], profiles: Sequence[ColumnProfile]) -> list[dict[str, Json]]:
    """The records without those equal to an earlier one in every cell, where a column identifies them.

    Where none does, equal rows are kept: a measurement that came out the same twice is two facts.
    """
    if not any(profile.role == "identifier" for profile in profiles):
        return list(records)
    return list({canonical(record): record for record in reversed(records)}.values())[::-1]


def _record(decisions: Sequence[ColumnDecision], cells: Sequence[str]) -> dict[str, Json]:
    record: dict[str, Json] = {}
    for decision, cell in zip(decisions, cells, strict=True):
        try:
            record[decision.profile.name] = decision.value(cell)
        except ValueError as error:
            raise ValueError(f"{decision.profile.name}: {error}") from None
    return record


def _quarantine(row: GridRow, reason: str, message: str) -> QuarantinedRow:
    raw = row.raw[:_LONGEST_RAW].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return QuarantinedRow(row.line, reason, message, raw)  # type: ignore[arg-type]


def _confidence(region: Region, profiles: Sequence[ColumnProfile], quarantined: int) -> float:
    """How sure a table is: less for rows that do not fit, for names that are missing, and for doubtful columns."""
    confidence = 1.0
    if region.rows:
        confidence -= 2 * quarantined / len(region.rows)
    if not region.has_header:
        confidence -= 0.15
    if any(profile.doubt for profile in profiles):
        confidence -= 0.15
    if len(profiles) == 1:  # what no delimiter parts is often no table at all
        confidence -= 0.15
    return max(0.0, confidence)
