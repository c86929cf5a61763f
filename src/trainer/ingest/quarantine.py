"""Rows that did not fit their table, in files that a person can mend: one JSON object a line, the row in `raw`.

After a fix, `replay` reads them as the rows of the same table would be read: those that fit now come out, the others
stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trainer.core.digest import canonical, pick
from trainer.core.errors import UsageError, Where
from trainer.core.files import write_atomic
from trainer.core.values import Json
from trainer.ingest.columns import decide_columns
from trainer.ingest.dialect import CsvDialect, rows_of
from trainer.ingest.values import ColumnProfile, FileExtract, QuarantinedRow

_EXAMPLES = 40
"""Times that the examples of a column outweigh a mended cell, so that one cell changes no type."""


@dataclass(frozen=True, slots=True)
class QuarantinedTable:
    """The rows of one table that wait for a fix."""

    file: str
    """As shown."""
    digest: str
    """Of the content they came from."""
    table: str
    dialect: CsvDialect
    columns: tuple[ColumnProfile, ...]
    rows: tuple[QuarantinedRow, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of the rows of one table."""

    table: QuarantinedTable
    """With the rows that still do not fit."""
    records: tuple[dict[str, Json], ...]
    """Those that fit now."""


class Quarantine:
    """The folder of a project's quarantined rows, one file a content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, extract: FileExtract) -> None:
        """Write down the quarantined rows of a file; nothing where there are none."""
        dialect = CsvDialect(str(extract.meta.get("delimiter") or ","), str(extract.meta.get("quote", '"')))
        self._write(
            extract.digest,
            [
                QuarantinedTable(extract.file, extract.digest, table.name, dialect, table.columns, table.quarantined)
                for table in extract.tables
                if table.quarantined
            ],
        )

    def tables(self) -> Iterator[QuarantinedTable]:
        """All tables with rows that wait, by the digest of their files."""
        for path in sorted(self.folder.glob("*.jsonl")):
            yield from _read(path)

    def replay(self) -> Iterator[Replayed]:
        """Read the rows of all tables again, as they stand in the quarantine's files now; nothing is changed yet."""
        for table in self.tables():
            yield _replayed(table)

    def settle(self, digest: str, replayed: Sequence[Replayed]) -> None:
        """Leave only the rows that still do not fit, once the others are safe; all tables of a content at once."""
        self._write(digest, [one.table for one in replayed if one.table.rows])

    def _write(self, digest: str, tables: Sequence[QuarantinedTable]) -> None:
        path = self.folder / f"{digest}.jsonl"
        if not tables:
            path.unlink(missing_ok=True)
            return
        lines = []
        for table in tables:
            head = {
                "file": table.file, "digest": table.digest, "table": table.table,
                "dialect": {"delimiter": table.dialect.delimiter, "quote": table.dialect.quote},
                "columns": [
                    {**pick(one, "name", "type", "unit", "role", "semantic"), "examples": list(one.examples)}
                    for one in table.columns
                ],
            }  # fmt: skip
            lines.append(canonical(head))
            lines += [
                canonical({"line": row.line, "reason": row.reason, "message": row.message, "raw": row.raw})
                for row in table.rows
            ]
        write_atomic(path, "\n".join(lines) + "\n")


def _read(path: Path) -> list[QuarantinedTable]:
    """The tables in a file, a person's changes to it included; raises UsageError with the line where it is broken."""
    tables: list[QuarantinedTable] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if "columns" in record:
                columns = tuple(
                    ColumnProfile(
                        one["name"],
                        one["role"],
                        one["type"],
                        one.get("unit", ""),
                        semantic=one.get("semantic", ""),
                        examples=tuple(one["examples"]),
                    )
                    for one in record["columns"]
                )
                dialect = CsvDialect(**record["dialect"])
                tables.append(QuarantinedTable(record["file"], record["digest"], record["table"], dialect, columns, ()))
            else:
                row = QuarantinedRow(int(record["line"]), record["reason"], record["message"], str(record["raw"]))
                tables[-1] = replace(tables[-1], rows=(*tables[-1].rows, row))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            hint = 'change only what stands in "raw"'
            raise UsageError(f"not a quarantined row: {error}", where=Where(str(path), number), hint=hint) from None
    return tables


def _replayed(table: QuarantinedTable) -> Replayed:
    width = len(table.columns)
    still: list[QuarantinedRow] = []
    fitting: list[tuple[QuarantinedRow, list[str]]] = []
    for row in table.rows:
        parsed = list(rows_of(row.raw, table.dialect))
        cells = parsed[0][1] if len(parsed) == 1 else None
        if cells is None:
            still.append(row)
        elif len(cells) != width:
            still.append(replace(row, message=f"{len(cells)} cells where the table has {width}"))
        else:
            fitting.append((row, cells))
    names = [column.name for column in table.columns]
    columns = [
        [*list(column.examples) * _EXAMPLES, *(cells[at] for _, cells in fitting)]
        for at, column in enumerate(table.columns)
    ]
    decisions = decide_columns(names, columns, commas_split=table.dialect.delimiter == ",") if fitting else []
    records = []
    for row, cells in fitting:
        record: dict[str, Json] = {}
        try:
            for column, decision, cell in zip(table.columns, decisions, cells, strict=True):
                is_text = column.type in ("text", "empty") or decision.profile.type != column.type
                record[column.name] = (cell.strip() or None) if is_text else decision.value(cell)
                if is_text and column.type not in ("text", "empty") and cell.strip():
                    raise ValueError(f'{column.name}: "{cell[:40]}" is no {column.type}')
            records.append(record)
        except ValueError as error:
            still.append(replace(row, reason="type", message=str(error)))
    return Replayed(replace(table, rows=tuple(sorted(still, key=lambda row: row.line))), tuple(records))
