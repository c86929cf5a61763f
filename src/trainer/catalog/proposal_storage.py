# ruff: noqa: S608  (names come from a table of this page; every value is a parameter)
"""Proposals and their events in the database: written, read and found by the beginning of their identity."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trainer.catalog.catalog import utc
from trainer.catalog.storage import insert_records
from trainer.catalog.values import Alternative, Proposal, ProposalEvent
from trainer.core.clock import isoformat
from trainer.core.errors import UsageError
from trainer.core.values import Json

if TYPE_CHECKING:
    import duckdb

_COLUMNS = {
    "id": "VARCHAR",
    "kind": "VARCHAR",
    "table_name": "VARCHAR",
    "state": "VARCHAR",
    "confidence": "DOUBLE",
    "reason": "VARCHAR",
    "source": "VARCHAR",
    "digest": "VARCHAR",
    "part": "VARCHAR",
    "payload": "JSON",
    "problems": "JSON",
    "proposed_by": "VARCHAR",
    "created_at": "TIMESTAMP",
    "expires_at": "TIMESTAMP",
    "decided_by": "VARCHAR",
    "decided_at": "TIMESTAMP",
    "decision_reason": "VARCHAR",
}


def _record(proposal: Proposal) -> dict[str, Json]:
    payload = {
        "rows": proposal.rows,
        "change": dict(proposal.change),
        "evidence": proposal.evidence,
        "alternatives": [asdict(one) for one in proposal.alternatives],
        "citations": proposal.citations,
    }
    record = {name: getattr(proposal, name) for name in _COLUMNS if name not in ("table_name", "payload")}
    for name in ("created_at", "expires_at", "decided_at"):
        record[name] = isoformat(record[name])[:19] if record[name] else None
    return {**record, "table_name": proposal.table, "payload": payload, "problems": list(proposal.problems)}


def insert_proposals(connection: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> None:
    """Store proposals that are new."""
    insert_records(connection, "catalog_proposals", _COLUMNS, map(_record, proposals))


def replace_proposal(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> None:
    """Store a proposal in place of the one with its identity."""
    connection.execute("DELETE FROM catalog_proposals WHERE id = ?", [proposal.id])
    insert_proposals(connection, [proposal])


def update_proposals(connection: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> None:
    """Store the decisions of proposals that are there."""
    if proposals:
        ids = [one.id for one in proposals]
        connection.execute("DELETE FROM catalog_proposals WHERE id IN (SELECT unnest(?::VARCHAR[]))", [ids])
        insert_proposals(connection, proposals)


def add_events(
    connection: duckdb.DuckDBPyConnection, events: Sequence[tuple[Proposal, str, str, str]], at: datetime
) -> None:
    """Add `(proposal, actor, event, reason)` to the history, numbered on from the last."""
    if not events:
        return
    last = connection.execute("SELECT coalesce(max(number), 0) FROM catalog_events").fetchone()
    first = (last[0] if last else 0) + 1
    columns = {
        **dict.fromkeys(("proposal", "actor", "event", "reason"), "VARCHAR"),
        "number": "BIGINT",
        "happened_at": "TIMESTAMP",
        "details": "JSON",
    }
    records = (
        {
            "number": number,
            "proposal": proposal.id,
            "happened_at": isoformat(at)[:19],
            "actor": actor,
            "event": event,
            "reason": reason,
            "details": {"kind": proposal.kind, "table": proposal.table, "source": proposal.source},
        }
        for number, (proposal, actor, event, reason) in enumerate(events, first)
    )
    insert_records(connection, "catalog_events", columns, records)


def event_of(row: Sequence[Any]) -> ProposalEvent:
    """The event in a row of `number, proposal, happened_at, actor, event, reason, details`."""
    number, proposal, at, actor, event, reason, details = row
    return ProposalEvent(number, proposal, at, actor, event, reason, json.loads(details))


def read_proposals(
    connection: duckdb.DuckDBPyConnection, condition: str, parameters: Sequence[Any], *, limit: int | None = None
) -> list[Proposal]:
    """The proposals that meet a condition in SQL: waiting ones first, the surest first."""
    bounds = f" LIMIT {limit:d}" if limit is not None else ""
    rows = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM catalog_proposals WHERE {condition} "
        f"ORDER BY state <> 'waiting', state <> 'deferred', confidence DESC, created_at, id{bounds}",
        list(parameters),
    ).fetchall()
    return [_proposal(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _proposal(row: Mapping[str, Any]) -> Proposal:
    payload = json.loads(row["payload"])
    return Proposal(
        id=row["id"],
        kind=row["kind"],
        table=row["table_name"],
        state=row["state"],
        confidence=row["confidence"],
        reason=row["reason"],
        source=row["source"],
        digest=row["digest"],
        part=row["part"],
        rows=tuple(payload["rows"]),
        change=payload["change"],
        evidence=tuple(payload["evidence"]),
        alternatives=tuple(Alternative(**one) for one in payload["alternatives"]),
        citations=tuple(payload["citations"]),
        problems=tuple(json.loads(row["problems"])),
        proposed_by=row["proposed_by"],
        created_at=utc(row["created_at"]) or row["created_at"],
        expires_at=utc(row["expires_at"]),
        decided_by=row["decided_by"],
        decided_at=utc(row["decided_at"]),
        decision_reason=row["decision_reason"],
        is_new=False,
    )


def find_proposal(connection: duckdb.DuckDBPyConnection, proposal_id: str) -> Proposal:
    """The proposal whose identity begins so; raises UsageError where there is none, or several."""
    rows = read_proposals(connection, "starts_with(id, ?)", [proposal_id], limit=2)
    if len(rows) != 1 or not proposal_id:
        what = "several proposals begin with" if rows else "there is no proposal"
        raise UsageError(f'{what} "{proposal_id}"', hint="see: trainer proposals list")
    return rows[0]


def find_proposals(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> list[Proposal]:
    """The proposals with those identities, or beginnings of them, in their order."""
    whole = {one.id: one for one in read_proposals(connection, "id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)])}
    return [whole.get(identity) or find_proposal(connection, identity) for identity in ids]
