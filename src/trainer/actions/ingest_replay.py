"""Read quarantined rows again after a person mended them: what fits now joins its table, the rest waits on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from trainer.actions.ingest_catalog import place_replayed
from trainer.actions.proposals import open_engine
from trainer.actions.wiring import open_store
from trainer.catalog import Proposal
from trainer.core.clock import Clock, system_clock
from trainer.core.project import Project
from trainer.core.values import Json
from trainer.ingest.quarantine import Quarantine, Replayed
from trainer.stores import DataStore


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """What came of the quarantined rows of one table."""

    file: str
    table: str
    replayed: int
    """Rows that fit now, and are stored."""
    waiting: int
    """Rows that still do not fit."""
    catalogue_table: str | None = None
    """The table of the catalogue that the rows were proposed for; None where the file is no rows of one."""
    proposal: str | None = None
    state: str | None = None
    """Of the proposal: `approved` where the rows are in the table, `waiting` where somebody decides."""


def replay_quarantine(project: Project, *, clock: Clock = system_clock) -> list[ReplayOutcome]:
    """What came of the rows of each table, as they stand in the files of `.trainer/ingest/quarantine` now.

    Rows that fit are added to the stored document and proposed to the catalogue first, and leave the quarantine after,
    so that a kill loses none; each step can be done twice.
    """
    quarantine = Quarantine(project.state / "ingest" / "quarantine")
    store = open_store(project, clock=clock)
    engine = open_engine(project, clock=clock)
    outcomes = []
    for digest, group in groupby(quarantine.replay(), key=lambda replayed: replayed.table.digest):
        tables = list(group)
        fitting = {one.table.table: one.records for one in tables if one.records}
        if fitting:
            _add(store, tables[0].table.file, fitting)
        proposals = [place_replayed(engine, one) for one in tables]
        if fitting:
            quarantine.settle(digest, tables)
        outcomes += [_outcome(one, proposal) for one, proposal in zip(tables, proposals, strict=True)]
    store.close()
    return outcomes


def _outcome(replayed: Replayed, proposal: Proposal | None) -> ReplayOutcome:
    table = replayed.table
    counts = len(replayed.records), len(table.rows)
    if proposal is None:
        return ReplayOutcome(table.file, table.table, *counts)
    return ReplayOutcome(table.file, table.table, *counts, proposal.table, proposal.id, proposal.state)


def _add(store: DataStore, file: str, fitting: Mapping[str, Sequence[Mapping[str, Json]]]) -> None:
    """A new version of a file's document with more rows; of a large table, `replayed` beside its Parquet file."""
    document = store.retrieve(f"ingest:{file}")
    if document is None or not isinstance(document.data, dict):
        return
    data = dict(document.data)
    for name, records in fitting.items():
        if "tables" in data:
            data["tables"] = [
                {**table, "records": _joined(table["records"], records)} if table["title"] == name else table
                for table in data["tables"]
            ]
        else:
            place = "records" if "records" in data else "replayed"
            data[place] = _joined(data.get(place) or [], records)
    store.update(document.key, data, if_version=document.version)


def _joined(records: Sequence[Json], more: Sequence[Mapping[str, Json]]) -> list[Json]:
    """The records with those more that are not there yet: a replay that was killed before its end is done again."""
    return [*records, *(dict(record) for record in more if dict(record) not in records)]
