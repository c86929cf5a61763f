"""Read quarantined rows again after a person mended them: what fits now joins its table, the rest waits on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from trainer.actions.wiring import open_store
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


def replay_quarantine(project: Project, *, clock: Clock = system_clock) -> list[ReplayOutcome]:
    """What came of the rows of each table, as they stand in the files of `.trainer/ingest/quarantine` now.

    Rows that fit are added to the stored document first and leave the quarantine after, so that a kill loses none.
    """
    quarantine = Quarantine(project.state / "ingest" / "quarantine")
    store = open_store(project, clock=clock)
    outcomes = []
    for digest, group in groupby(quarantine.replay(), key=lambda replayed: replayed.table.digest):
        tables = list(group)
        fitting = {one.table.table: one.records for one in tables if one.records}
        if fitting:
            _add(store, tables[0].table.file, fitting)
            quarantine.settle(digest, tables)
        outcomes += [_outcome(one) for one in tables]
    store.close()
    return outcomes


def _outcome(replayed: Replayed) -> ReplayOutcome:
    table = replayed.table
    return ReplayOutcome(table.file, table.table, len(replayed.records), len(table.rows))


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
