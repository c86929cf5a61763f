"""The values that travel from a file to a governed row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from trainer.core.values import Json

ProposalKind = Literal["insert", "create_table", "change_schema", "reclassify"]
SCHEMA_KINDS: tuple[ProposalKind, ...] = ("create_table", "change_schema")
"""Those that change a YAML file of the project."""
ProposalState = Literal["waiting", "deferred", "approved", "rejected", "expired"]
OPEN_STATES: tuple[ProposalState, ...] = ("waiting", "deferred")
"""Those that can still be decided."""
POLICY = "policy"
"""Who decided where nobody did."""


@dataclass(frozen=True, slots=True)
class ColumnSignal:
    """A column of a table in a file."""

    name: str
    type: str = "text"
    unit: str | None = None
    semantic: str | None = None
    """`iban`, `email`, `currency` …"""
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a file, or of one table in it, before it is decided where it belongs."""

    file_name: str
    media_type: str | None = None
    title: str = ""
    text: str = ""
    """The head of its text; no more than 20,000 letters are used."""
    headings: tuple[str, ...] = ()
    columns: tuple[ColumnSignal, ...] = ()
    symbols: tuple[str, ...] = ()
    """Names that source code defines."""
    language: str | None = None
    """The programming language."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """Whatever else was measured: `pages`, `words`, `rows`, `author`, `size`, `width`, `duration_seconds` …"""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another table that it might be."""

    table: str
    confidence: float


@dataclass(frozen=True, slots=True)
class TableMatch:
    """The table a file belongs to."""

    table: str
    confidence: float
    """Calibrated: of matches that say 0.9, at least nine in ten are right."""
    reason: str
    evidence: tuple[str, ...] = ()
    """The words, names and columns that spoke for it, the strongest first."""
    alternatives: tuple[Alternative, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    """The field of each of the file's columns; empty where not its rows but the file as a whole is a row."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a value stands in its source."""

    source: str
    start: int
    """In letters of the text."""
    end: int
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Filling:
    """A row made from a document."""

    values: Mapping[str, Json]
    citations: Mapping[str, Citation]
    """By field, for the values that stand in the text."""
    confidence: float
    """That the values are right: the least of those of required and key fields."""


@dataclass(frozen=True, slots=True)
class ProposalDraft:
    """A change that somebody, or a program, would like to make."""

    kind: ProposalKind
    table: str
    confidence: float
    reason: str
    rows: tuple[Mapping[str, Json], ...] = ()
    """By field; of an insertion."""
    change: Mapping[str, Json] = field(default_factory=dict)
    """The overlay of a definition, as `information/tables/*.yaml` holds it; of a schema change or a new table.

    Of a re-classification: `{"proposal": ID}`, and `table` is where its rows belong.
    """
    source: str = ""
    """Where it comes from: a path, an address, a program."""
    digest: str = ""
    """Of the content; the same content is never proposed twice. Without one, of the change itself."""
    part: str = ""
    """Of the source: a sheet, a table, a member of an archive."""
    evidence: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    citations: tuple[Mapping[str, Citation], ...] = ()
    """One mapping a row, or none at all."""
    proposed_by: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change with its state."""

    id: str
    kind: ProposalKind
    table: str
    state: ProposalState
    confidence: float
    reason: str
    source: str
    digest: str
    part: str
    rows: tuple[Mapping[str, Json], ...]
    change: Mapping[str, Json]
    evidence: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    citations: tuple[Mapping[str, Json], ...]
    problems: tuple[str, ...]
    """Why it could not be approved as it is."""
    proposed_by: str
    created_at: datetime
    expires_at: datetime | None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    is_new: bool = True
    """Whether this call made it; False where the same content had been proposed before."""


@dataclass(frozen=True, slots=True)
class ProposalEvent:
    """One step in a proposal's history."""

    number: int
    proposal: str
    at: datetime
    actor: str
    event: str
    """`proposed`, `approved`, `rejected`, `edited`, `deferred`, `expired`, `reverted`, `failed`."""
    reason: str
    details: Mapping[str, Json]
