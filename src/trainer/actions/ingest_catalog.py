"""From what was taken out of files to proposals for the catalogue: one for each table of rows, or one for the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from trainer.catalog import (
    MOST_ROWS,
    ColumnSignal,
    Proposal,
    ProposalDraft,
    SchemaProposalEngine,
    Signals,
    TableField,
    TableMatch,
)
from trainer.catalog.definition import is_field_name
from trainer.catalog.matching import map_columns
from trainer.catalog.validation import convert_value
from trainer.core.digest import digest
from trainer.core.values import Json
from trainer.ingest import ExtractedTable, FileExtract
from trainer.ingest.quarantine import Replayed
from trainer.ingest.values import ColumnProfile

DATASETS = "datasets"
_TABULAR = frozenset(("csv", "tsv", "xlsx", "xls", "xlsb", "ods", "json", "jsonl", "yaml", "parquet"))
"""Kinds whose tables are what the file is about; those in a document illustrate its words."""
_TYPES = {"timestamp": "datetime", "time": "text", "json": "text", "empty": "text"}
"""Types as the catalogue calls them."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a file belongs, and what became of that."""

    table: str
    confidence: float
    reason: str
    approved: bool = False
    """Whether all that was proposed is in the table."""
    refused: bool = False
    """Whether somebody had rejected the same content before."""
    proposal: str | None = None
    """The first that waits, else the first."""


def place_files(
    engine: SchemaProposalEngine, extracts: Sequence[FileExtract], *, table: str | None = None, dry_run: bool = False
) -> list[Placement]:
    """Where each file belongs; what is sure enough for the policy is in its table afterwards, the rest waits.

    `table` is the one that a person named. All proposals are made in one transaction, each content once. With
    `dry_run` nothing is proposed. Raises UsageError for an unknown table.
    """
    drafts: list[ProposalDraft] = []
    owners: list[int] = []
    schemas: dict[str, ProposalDraft] = {}
    for number, extract in enumerate(extracts):
        for draft in drafts_of(engine, extract, table=table):
            if draft.kind == "change_schema":
                schemas.setdefault(digest([draft.table, draft.change]), draft)
            else:
                drafts.append(draft)
                owners.append(number)
    if dry_run:
        sure = engine.policy.approve_above
        first = dict(zip(reversed(owners), reversed(drafts), strict=True))
        return [
            Placement(draft.table, draft.confidence, draft.reason, approved=draft.confidence > sure)
            for _, draft in sorted(first.items())
        ]
    proposals: dict[int, list[Proposal]] = {number: [] for number in range(len(extracts))}
    for owner, proposal in zip(owners, engine.propose(drafts) if drafts else (), strict=True):
        proposals[owner].append(proposal)
    if schemas:  # after the rows: where the policy approves it, rows filed from then on have the field
        engine.propose(list(schemas.values()))
    return [_placement(proposals[number]) for number in range(len(extracts))]


def place_replayed(engine: SchemaProposalEngine, replayed: Replayed) -> Proposal | None:
    """Propose quarantined rows that fit now for the table that the rest of their file's rows were proposed for.

    They are as sure as those were. None where the file was filed as a whole, was refused, or is not proposed yet;
    rows that were proposed before give their former proposal.
    """
    table = replayed.table
    former = next(
        (
            one
            for one in engine.proposals(source=table.file)
            if one.kind == "insert" and one.digest == table.digest and one.part in ("", table.table)
        ),
        None,
    )
    if former is None or former.state in ("rejected", "expired") or not replayed.records:
        return None
    columns = map_columns(engine.catalog.table(former.table), column_signals(table.columns))
    if 2 * len(columns) <= len(table.columns):
        return None
    rows = tuple({field: record.get(column) for column, field in columns.items()} for record in replayed.records)
    draft = ProposalDraft(
        "insert", former.table, former.confidence, f"{former.reason}; the rows were mended", rows=rows,
        source=table.file, digest=digest([table.digest, rows]), part=table.table, evidence=former.evidence,
        alternatives=former.alternatives, proposed_by="ingest",
    )  # fmt: skip
    return engine.propose([draft])[0]


def drafts_of(engine: SchemaProposalEngine, extract: FileExtract, *, table: str | None = None) -> list[ProposalDraft]:
    """The proposals that a file leads to: rows of its tables where their columns are fields, else the file as a row.

    After the rows of a table stand the changes of its schema without which some of the file's values have no place.
    """
    drafts = []
    if extract.type.kind in _TABULAR:
        for part in extract.tables:
            if part.records is None or not 0 < part.rows <= MOST_ROWS:
                continue
            match = _match(engine, signals_of(extract, part), table)
            if match.columns:
                drafts += [_row_draft(extract, part, match), *_schema_drafts(engine, extract, part, match)]
    if drafts:
        return drafts
    signals = signals_of(extract)
    is_large = any(part.path for part in extract.tables)
    match = _match(engine, signals, table or (DATASETS if is_large else None))
    filling = engine.catalog.fill(match.table, signals, source=extract.file)
    confidence = min(match.confidence, extract.confidence, filling.confidence)
    return [
        replace(
            _draft(extract, match, confidence),
            rows=(filling.values,),
            citations=(filling.citations,) if filling.citations else (),
        )
    ]


def lowered(extract: FileExtract, confidence: float) -> FileExtract:
    """The extract with its tables no surer than `confidence`."""
    tables = tuple(replace(table, confidence=min(table.confidence, confidence)) for table in extract.tables)
    return replace(extract, tables=tables)


def signals_of(extract: FileExtract, table: ExtractedTable | None = None) -> Signals:
    """What the catalogue goes by: the head of a file's words, its columns, and all that was measured."""
    columns = table.columns if table else extract.tables[0].columns if len(extract.tables) == 1 else ()
    measured: dict[str, Json] = {
        **{name: value for name, value in extract.meta.items() if isinstance(value, str | int | float | list)},
        "size": extract.size, "digest": extract.digest, "words": len(extract.text.split()), "path": extract.file,
    }  # fmt: skip
    if extract.tables:
        measured["rows"] = sum(one.rows for one in ([table] if table else extract.tables))
    if "seconds" in measured:
        measured["duration_seconds"] = measured["seconds"]
    symbols = extract.meta.get("symbols")
    return Signals(
        file_name=extract.file,
        media_type=extract.type.media_type,
        title=extract.title,
        text=extract.text[:20_000],
        headings=extract.headings,
        columns=column_signals(columns),
        symbols=tuple(map(str, symbols)) if isinstance(symbols, list) else (),
        language=extract.type.language or None,
        facts=measured,
    )


def column_signals(columns: Sequence[ColumnProfile]) -> tuple[ColumnSignal, ...]:
    """The columns of a table as the catalogue knows them."""
    return tuple(
        ColumnSignal(one.name, _TYPES.get(one.type, one.type), one.unit or None, one.semantic or None, one.examples)
        for one in columns
    )


def _match(engine: SchemaProposalEngine, signals: Signals, table: str | None) -> TableMatch:
    if table is None:
        return engine.catalog.match(signals)
    definition = engine.catalog.table(table)
    columns = map_columns(definition, signals.columns)
    # rows are rows of the table only where most of their columns are fields of it
    columns = columns if 2 * len(columns) > len(signals.columns) else {}
    return TableMatch(definition.name, 1.0, "the table was named", columns=columns)


def _row_draft(extract: FileExtract, part: ExtractedTable, match: TableMatch) -> ProposalDraft:
    rows = tuple(
        {field: record.get(column) for column, field in match.columns.items()} for record in part.records or ()
    )
    confidence = min(match.confidence, extract.type.confidence, part.confidence)
    reason = f"{match.reason}; {part.quarantined_rows} rows are quarantined" if part.quarantined_rows else match.reason
    return replace(
        _draft(extract, match, confidence), rows=rows, reason=reason, part=part.name if len(extract.tables) > 1 else ""
    )


def _schema_drafts(
    engine: SchemaProposalEngine, extract: FileExtract, part: ExtractedTable, match: TableMatch
) -> Iterator[ProposalDraft]:
    """A new field for each column that is none, a wider type for each field that some values of its column are not.

    One draft for each field, so that each is decided by itself; equal in every file, so that each is asked once.
    """
    definition = engine.catalog.table(match.table)
    for column in part.columns:
        filled = part.rows - column.null
        name = match.columns.get(column.name) or field_name(column.name)
        if not name or not filled or column.type == "empty":
            continue
        former = definition.field(name)
        if former is None:
            field: dict[str, Json] = {"type": _TYPES.get(column.type, column.type)}
            field |= {key: value for key, value in (("unit", column.unit), ("semantic", column.semantic)) if value}
            if name != column.name:
                field["labels"] = [column.name]
            reason = f"the column {column.name} is no field of {definition.name}"
        elif column.name in match.columns and name not in definition.key and (wider := _wider(former, column, part)):
            field = {"type": wider}
            reason = f"{definition.name}.{name} is {former.type}, and {column.name} holds values that are none"
        else:
            continue
        examples = ", ".join(f'"{one[:40]}"' for one in column.examples[:3])
        yield ProposalDraft(
            "change_schema", definition.name, round(min(match.confidence, part.confidence), 3), reason,
            change={"fields": {name: field}}, source=extract.file, proposed_by="ingest",
            evidence=(f"{extract.file}: {filled} of {part.rows} rows have it, such as {examples}",),
        )  # fmt: skip


def field_name(column: str) -> str:
    """The name of a field for a column: `Cost Centre` is `cost_centre`; empty where it can be none."""
    name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
    return name if is_field_name(name) else ""


def _wider(field: TableField, column: ColumnProfile, part: ExtractedTable) -> str | None:
    """The type that takes what the field has and what the column brings; None where the field's own does."""

    def is_fitting(value: Json) -> bool:
        try:
            convert_value(field, value)
        except ValueError:
            return False
        return True

    if all(is_fitting(value) for record in part.records or () if (value := record.get(column.name)) is not None):
        return None
    return "number" if (field.type, column.type) == ("integer", "number") else "text"


def _draft(extract: FileExtract, match: TableMatch, confidence: float) -> ProposalDraft:
    return ProposalDraft(
        "insert", match.table, round(confidence, 3), match.reason, source=extract.file, digest=extract.digest,
        evidence=match.evidence, alternatives=match.alternatives, proposed_by="ingest",
    )  # fmt: skip


def _placement(proposals: Sequence[Proposal]) -> Placement:
    """What became of a file, by all that was proposed of it: it is in only where all of it is."""
    undecided = [one for one in proposals if one.state in ("waiting", "deferred")]
    refused = [one for one in proposals if one.state in ("rejected", "expired")]
    first = (undecided or refused or list(proposals))[0]
    reason = "; ".join((first.reason, *first.problems[:2]))
    return Placement(
        first.table, min(one.confidence for one in proposals), reason,
        approved=not undecided and not refused, refused=bool(refused) and not undecided, proposal=first.id,
    )  # fmt: skip
