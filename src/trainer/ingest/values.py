"""What is taken out of one incoming file: its type, its words, its tables, and the rows that do not fit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainer.core.values import Finding, Json
from trainer.facts import ColumnRole

ColumnType = Literal["text", "integer", "number", "boolean", "date", "time", "timestamp", "json", "empty"]
"""What the cells of a column are stored as; `json` is a list or an object."""
QuarantineReason = Literal["width", "type", "encoding", "syntax"]
"""Why a row is kept out: its number of cells, a cell of another type, bytes that are no text, open quotes."""


@dataclass(frozen=True, slots=True)
class FileType:
    """What type a file is of."""

    kind: str | None
    """A name of the table of formats, or `code`, `image`, `media`; None where it abstains."""
    media_type: str | None
    """As IANA names it; None where it abstains."""
    confidence: float
    """From 0 to 1: how far name, content and parse probe agree."""
    reason: str = ""
    """Why it abstains, or what is odd: a name that says something else."""
    hint: str = ""
    """What to do about it."""
    language: str = ""
    """Of source code."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column of a table."""

    name: str
    role: ColumnRole
    """Time, member, measure, identifier …, as the room `facts` gives it."""
    type: ColumnType
    unit: str = ""
    """`USD`, `%`, `kg`; of its head or of its cells."""
    null: int = 0
    """Cells without a value."""
    semantic: str = ""
    """`iban`, `isin`, `email`, `phone`, `postal_code` …, checked by digits where there are any to check."""
    null_marks: tuple[str, ...] = ()
    """How absence is written: `NA`, `-`."""
    examples: tuple[str, ...] = ()
    """The first different values."""
    doubt: str = ""
    """What a person should look at: dates whose order nothing tells."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that is kept out of its table, with what is needed to put it in after a fix."""

    line: int
    """Counted from 1; the row's number where lines cannot be told."""
    reason: QuarantineReason
    message: str
    """What is wrong in words: `9 cells where the table has 8`."""
    raw: str
    """The row as it stands in the file."""


@dataclass(frozen=True, slots=True)
class ExtractedTable:
    """One table of a file."""

    name: str
    columns: tuple[ColumnProfile, ...]
    rows: int
    """Rows that are loaded."""
    quarantined: tuple[QuarantinedRow, ...] = ()
    duplicates: int = 0
    """Rows with an identifier that are equal to an earlier one in every cell."""
    rows_in: int = 0
    """Rows that the file holds: those loaded, quarantined and duplicates together."""
    records: tuple[Mapping[str, Json], ...] | None = None
    """What is loaded; None where it lies in `path`."""
    path: str = ""
    """The Parquet file of a large table."""
    confidence: float = 1.0
    """From 0 to 1: how far the detectors of its dialect agree, and how well its rows fit."""
    notes: tuple[str, ...] = ()
    """What stands above and below it."""
    quarantined_more: int = 0
    """Quarantined rows beyond those that are listed."""

    @property
    def quarantined_rows(self) -> int:
        """How many rows are quarantined."""
        return len(self.quarantined) + self.quarantined_more


@dataclass(frozen=True, slots=True)
class FileExtract:
    """What one file holds."""

    file: str
    """As shown; a member of an archive is `archive.zip!/member.csv`."""
    digest: str
    """SHA-256 of its bytes."""
    size: int
    type: FileType
    text: str = ""
    """Its words."""
    title: str = ""
    headings: tuple[str, ...] = ()
    meta: Mapping[str, Json] = field(default_factory=dict)
    """What the file says of itself, and of source code the symbols, imports, lines and licence."""
    data: Mapping[str, Json] | None = None
    """What is stored; None where nothing could be read."""
    tables: tuple[ExtractedTable, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: str = ""
    """Why nothing could be read; empty where something was."""
    hint: str = ""
    """What to do about it."""
    members: tuple[FileExtract, ...] = ()
    """The files in an archive, each one a file of its own."""

    @property
    def characters(self) -> int:
        """How many characters its words have."""
        return len(self.text)

    @property
    def confidence(self) -> float:
        """The most that anything said of the file can be sure: the least sure of its type and tables."""
        return min([self.type.confidence, *(table.confidence for table in self.tables)])
