"""Decide what waits: proposals with the project's policy, its audit log, and who is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, get_args

from trainer.actions.audit import open_audit
from trainer.actions.notify import notify_people
from trainer.actions.record import Recorder
from trainer.actions.tables import open_catalog
from trainer.catalog import ApprovalPolicy, Decision, Proposal, ProposalEvent, SchemaProposalEngine
from trainer.catalog.values import OPEN_STATES, ProposalKind, ProposalState
from trainer.core.clock import Clock, isoformat, parse_duration, system_clock
from trainer.core.digest import digest
from trainer.core.errors import UsageError, unknown
from trainer.core.project import Project
from trainer.core.values import Json

_MOST_NAMED = 50
"""Proposals that one entry of the audit log names; of more it holds the number and their digest."""


@dataclass(frozen=True, slots=True)
class ProposalFilter:
    """Which proposals, as it was typed."""

    state: str | None = None
    """None for those that are open."""
    table: str | None = None
    kind: str | None = None
    source: str | None = None
    """A beginning."""
    min_confidence: float | None = None
    max_confidence: float | None = None
    limit: int | None = None


def open_engine(
    project: Project, *, clock: Clock = system_clock, tell: Callable[[str], None] = lambda _: None
) -> SchemaProposalEngine:
    """The engine of a project; `tell` is given a sentence where somebody could not be notified."""
    section = project.settings.governance
    policy = ApprovalPolicy(
        section.approve_above, section.approve_schema, parse_duration(section.expire_after) / 86_400
    )
    log = open_audit(project, clock=clock)

    def audit(events: Sequence[ProposalEvent]) -> None:
        assert log is not None
        for entry in audit_entries(events):
            log.log.append(f"proposal.{entry['event']}", entry, actor=str(entry["actor"]))

    def notify(event: str, proposals: Sequence[Proposal]) -> None:
        notify_people(project, event, [brief(one) for one in proposals], tell=tell)

    return SchemaProposalEngine(open_catalog(project, clock=clock), policy, notify, audit if log else None)


def list_proposals(project: Project, wanted: ProposalFilter, *, clock: Clock = system_clock) -> list[Proposal]:
    """The proposals that match, waiting ones first, the surest first."""
    engine = open_engine(project, clock=clock)
    return _matching(engine, wanted)


def show_proposal(
    project: Project, proposal_id: str, *, clock: Clock = system_clock
) -> tuple[Proposal, list[ProposalEvent]]:
    """One proposal with its history; the beginning of its identity will do."""
    engine = open_engine(project, clock=clock)
    proposal = engine.get(proposal_id)
    return proposal, engine.history(proposal.id)


def decide(
    project: Project,
    ids: Sequence[str],
    state: ProposalState,
    *,
    by: str,
    reason: str = "",
    wanted: ProposalFilter | None = None,
    clock: Clock = system_clock,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Decision, ...]:
    """What became of the proposals: those named, and those that match a filter."""
    engine = open_engine(project, clock=clock, tell=tell)
    if wanted is not None and wanted != ProposalFilter():
        ids = [*ids, *(one.id for one in _matching(engine, wanted))]
    elif not ids:
        raise UsageError(
            "say which proposals", hint="name them, or filter: --table T, --source PATH, --min-confidence C"
        )
    with Recorder(project, f"proposals.{state}", context={"proposals": len(ids)}, clock=clock) as recorder:
        decisions = engine.decide(ids, state, by=by, reason=reason)
        recorder.note(decided=sum(one.error is None for one in decisions))
    return decisions


def edit_proposal(
    project: Project,
    proposal_id: str,
    *,
    by: str,
    table: str | None = None,
    changes: Mapping[str, Json] | None = None,
    reason: str = "",
    clock: Clock = system_clock,
) -> Proposal:
    """The proposal with another table or other values; it waits on."""
    if not table and not changes:
        raise UsageError("say what to change", hint=f"trainer proposals edit {proposal_id} FIELD=VALUE, or --table T")
    engine = open_engine(project, clock=clock)
    with Recorder(project, "proposals.edit", context={"proposal": proposal_id}, clock=clock):
        return engine.edit(proposal_id, by=by, table=table, changes=changes, reason=reason)


def brief(proposal: Proposal) -> dict[str, Json]:
    """A proposal in a line, as notifications and lists have it."""
    return {
        "id": proposal.id,
        "kind": proposal.kind,
        "table": proposal.table,
        "state": proposal.state,
        "confidence": proposal.confidence,
        "source": proposal.source,
        "reason": proposal.reason,
        "problems": list(proposal.problems),
    }


def as_json(proposal: Proposal) -> dict[str, Json]:
    """Everything about a proposal."""
    moments = {
        name: isoformat(moment) if (moment := getattr(proposal, name)) else None
        for name in ("created_at", "expires_at", "decided_at")
    }
    return {
        **brief(proposal),
        "part": proposal.part,
        "digest": proposal.digest,
        "rows": list(proposal.rows),
        "change": proposal.change,
        "evidence": list(proposal.evidence),
        "alternatives": [{"table": one.table, "confidence": one.confidence} for one in proposal.alternatives],
        "citations": list(proposal.citations),
        "proposed_by": proposal.proposed_by,
        "decided_by": proposal.decided_by,
        "decision_reason": proposal.decision_reason,
        **moments,
    }


def audit_entries(events: Sequence[ProposalEvent]) -> Iterator[dict[str, Json]]:
    """What goes to the audit log: one entry for what somebody did at once, however many proposals it was."""
    for (event, actor, reason, at), group in itertools.groupby(
        events, key=lambda one: (one.event, one.actor, one.reason, one.at)
    ):
        members = list(group)
        entry: dict[str, Json] = {
            "event": event,
            "actor": actor,
            "reason": reason,
            "decided_at": isoformat(at.replace(tzinfo=UTC)),
            "count": len(members),
            "first_event": members[0].number,
            "last_event": members[-1].number,
        }
        ids = [one.proposal for one in members]
        yield entry | ({"proposals": ids} if len(ids) <= _MOST_NAMED else {"proposals_digest": digest(ids)})


def _matching(engine: SchemaProposalEngine, wanted: ProposalFilter) -> list[Proposal]:
    states: tuple[ProposalState, ...] = OPEN_STATES
    if wanted.state is not None:
        states = _choice("state", wanted.state, (*get_args(ProposalState), "all"))
    kind = _choice("kind", wanted.kind, get_args(ProposalKind))[0] if wanted.kind else None
    return engine.proposals(
        states=states,
        table=wanted.table,
        kind=kind,
        source=wanted.source,
        min_confidence=wanted.min_confidence,
        max_confidence=wanted.max_confidence,
        limit=wanted.limit,
    )


def _choice(what: str, word: str, allowed: Sequence[str]) -> Any:
    if word not in allowed:
        message, hint = unknown(what, word, allowed)
        raise UsageError(message, hint=hint)
    return () if word == "all" else (word,)
