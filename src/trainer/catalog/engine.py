# ruff: noqa: S608  (names come from checked definitions; every value is a parameter)
"""Proposals and their decisions: nothing enters a table, and no table changes, but through here.

A decision and what it does are one transaction: a row is in its table exactly when its proposal is approved, whenever
the process dies. Whoever decides takes the database's lock, so of two people deciding at once one is first, and the
other is told who was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from trainer.catalog.catalog import Catalog, reliabilities
from trainer.catalog.definition import (
    built_in_value,
    checked_definition,
    find_field,
    overlaid,
    table_name,
)
from trainer.catalog.overlay import overlay_diff, overlay_text
from trainer.catalog.proposal_storage import (
    add_events,
    event_of,
    find_proposal,
    find_proposals,
    insert_proposals,
    read_proposals,
    replace_proposal,
    update_proposals,
)
from trainer.catalog.row_writer import RowWriter, conflict_of, missing_references
from trainer.catalog.storage import (
    read_rows,
    remove_rows,
)
from trainer.catalog.validation import validate_row
from trainer.catalog.values import (
    OPEN_STATES,
    POLICY,
    SCHEMA_KINDS,
    Proposal,
    ProposalDraft,
    ProposalEvent,
    ProposalKind,
    ProposalState,
)
from trainer.core.clock import isoformat
from trainer.core.digest import digest
from trainer.core.errors import TrainerError, UsageError
from trainer.core.files import write_atomic
from trainer.core.values import Json
from trainer.core.yamltext import load_yaml

if TYPE_CHECKING:
    import duckdb

MOST_ROWS = 10_000
"""Rows of one proposal; more are a dataset, which is one row of `datasets`."""


class DecidedError(TrainerError):
    """Somebody else decided the proposal before."""


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """What is approved without a person."""

    approve_above: float = 0.9
    """Row insertions with more confidence are approved; 1 lets nothing through."""
    approve_schema: bool = False
    """Whether the same holds for new tables and changed schemas."""
    expire_days: float = 30
    """After how many days a proposal that nobody decided expires; 0 for never."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one proposal in a decision."""

    proposal: Proposal
    error: TrainerError | None = None
    """Why it was not decided so: decided by another before, expired, or not valid."""


@dataclass(frozen=True)
class SchemaProposalEngine:
    """Proposes, decides and applies, as one policy allows."""

    catalog: Catalog
    policy: ApprovalPolicy = ApprovalPolicy()
    notify: Callable[[str, Sequence[Proposal]], None] = lambda _event, _proposals: None
    """Called after the transaction with `waiting` or `failed`; it must not raise."""
    audit: Callable[[Sequence[ProposalEvent]], None] | None = None
    """Is given every decision at least once, in order: after a crash, with the next one."""

    # -- proposing ------------------------------------------------------------------------------------------------

    def propose(self, drafts: Sequence[ProposalDraft]) -> tuple[Proposal, ...]:
        """Propose many changes in one transaction, in their order; each is decided by the policy, or waits.

        The same content is proposed once: a further draft of it gives the former proposal, whatever its state.
        Raises UsageError for an unknown table or a change that is none, before anything is stored.
        """
        now = self.catalog.clock()
        fresh: dict[str, Proposal] = {}
        order: list[str] = []
        for draft in drafts:
            proposal = self._new(draft, now)
            fresh.setdefault(proposal.id, proposal)
            order.append(proposal.id)
        with self.catalog.open() as connection:
            former = read_proposals(connection, "id IN (SELECT unnest(?::VARCHAR[]))", [list(fresh)])
            proposals = {proposal.id: replace(proposal, is_new=False) for proposal in former}
            new = self._judged(connection, [one for one in fresh.values() if one.id not in proposals])
            insert_proposals(connection, new)
            add_events(connection, [(one, one.proposed_by, "proposed", one.reason) for one in new], now)
            ready = [one for one in new if self._may_approve(one)]
            decided = self._apply_inserts(
                connection, [one for one in ready if one.kind == "insert"], by=POLICY, reason=self._why(), at=now
            )
            proposals |= {one.id: one for one in new} | {one.proposal.id: one.proposal for one in decided}
        for one in ready:
            if one.kind != "insert":
                proposals[one.id] = self.decide([one.id], "approved", by=POLICY, reason=self._why())[0].proposal
        if ready:
            self.settle_audit()
        waiting = [one for one in proposals.values() if one.is_new and one.state == "waiting"]
        if waiting:
            self.notify("waiting", waiting)
        return tuple(proposals[identity] for identity in order)

    def propose_row_insertion(
        self, table_name: str, row_data: Mapping[str, Json], *, confidence: float, reason: str = "", source: str = ""
    ) -> Proposal:
        """Propose one row."""
        draft = ProposalDraft("insert", table_name, confidence, reason, rows=(row_data,), source=source)
        return self.propose([draft])[0]

    def propose_table_creation(
        self, table_name: str, schema: Mapping[str, Json], *, confidence: float, reason: str = ""
    ) -> Proposal:
        """Propose a new table, defined as a YAML file would."""
        return self.propose([ProposalDraft("create_table", table_name, confidence, reason, change=schema)])[0]

    def propose_schema_modification(
        self,
        table_name: str,
        changes: Mapping[str, Json],
        *,
        confidence: float = 0.5,
        reason: str = "",
        evidence: Sequence[str] = (),
    ) -> Proposal:
        """Propose to lay `changes` (`fields`, `remove` …) over a table's definition."""
        draft = ProposalDraft("change_schema", table_name, confidence, reason, change=changes, evidence=tuple(evidence))
        return self.propose([draft])[0]

    def propose_reclassification(
        self, proposal_id: str, table_name: str, *, confidence: float = 0.5, reason: str = ""
    ) -> Proposal:
        """Propose that the rows of an earlier proposal belong to another table."""
        change = {"proposal": self.get(proposal_id).id}
        return self.propose([ProposalDraft("reclassify", table_name, confidence, reason, change=change)])[0]

    # -- looking --------------------------------------------------------------------------------------------------

    def get_pending_proposals(self) -> list[Proposal]:
        """Those that wait, deferred ones last, the surest first."""
        return self.proposals(states=OPEN_STATES)

    def proposals(
        self,
        *,
        states: Sequence[ProposalState] = (),
        table: str | None = None,
        kind: ProposalKind | None = None,
        source: str | None = None,
        min_confidence: float | None = None,
        max_confidence: float | None = None,
        limit: int | None = None,
    ) -> list[Proposal]:
        """Proposals that match, waiting ones first, the surest first; `source` is a beginning."""
        conditions: list[str] = []
        values: list[Any] = []
        filters: tuple[tuple[str, Any], ...] = (
            ("state IN (SELECT unnest(?::VARCHAR[]))", list(states) or None),
            ("table_name = ?", self.catalog.table(table).name if table else None),
            ("kind = ?", kind),
            ("starts_with(source, ?)", source),
            ("confidence >= ?", min_confidence),
            ("confidence <= ?", max_confidence),
        )
        for condition, value in filters:
            if value is not None:
                conditions.append(condition)
                values.append(value)
        with self.catalog.open() as connection:
            self._expire(connection)
            return read_proposals(connection, " AND ".join(conditions) or "TRUE", values, limit=limit)

    def get(self, proposal_id: str) -> Proposal:
        """The proposal with that identity or a beginning of it; raises UsageError where there is none, or several."""
        with self.catalog.open() as connection:
            self._expire(connection)
            return find_proposal(connection, proposal_id)

    def history(self, proposal_id: str) -> list[ProposalEvent]:
        """What happened to a proposal, the oldest first."""
        with self.catalog.open() as connection:
            rows = connection.execute(
                "SELECT number, proposal, happened_at, actor, event, reason, details FROM catalog_events "
                "WHERE proposal = ? ORDER BY number",
                [proposal_id],
            ).fetchall()
        return [event_of(row) for row in rows]

    def schema_diff(self, proposal: Proposal) -> str:
        """What a change of a schema does to the project's YAML file, as `diff -u` shows it; empty for other kinds."""
        if proposal.kind not in SCHEMA_KINDS:
            return ""
        return overlay_diff(proposal.table, self.catalog.overlay(proposal.table) or "", proposal.change)

    # -- deciding -------------------------------------------------------------------------------------------------

    def approve_proposal(self, proposal_id: str, *, approved_by: str, reason: str = "") -> Proposal:
        """Approve one and apply it; raises DecidedError where somebody was first, UsageError where it is not valid."""
        return _only(self.decide([proposal_id], "approved", by=approved_by, reason=reason))

    def reject_proposal(self, proposal_id: str, *, rejected_by: str, reason: str = "") -> Proposal:
        """Reject one; raises DecidedError where somebody was first."""
        return _only(self.decide([proposal_id], "rejected", by=rejected_by, reason=reason))

    def decide(self, ids: Iterable[str], state: ProposalState, *, by: str, reason: str = "") -> tuple[Decision, ...]:
        """Approve, reject or defer proposals in one transaction; one that cannot be keeps none of the others back.

        A change of a schema is a transaction of its own, since it is written to a file too.
        """
        schemas: list[Proposal] = []
        failed: list[Proposal] = []
        decisions: dict[str, Decision] = {}
        with self.catalog.open() as connection:
            self._expire(connection)
            now = self.catalog.clock()
            ready: list[Proposal] = []
            for proposal in find_proposals(connection, list(dict.fromkeys(ids))):
                decisions[proposal.id] = Decision(proposal)
                if proposal.state not in OPEN_STATES:
                    decisions[proposal.id] = Decision(proposal, _decided(proposal))
                elif state == "approved" and proposal.kind in SCHEMA_KINDS:
                    schemas.append(proposal)
                else:
                    ready.append(proposal)
            if state == "approved":
                inserts = [one for one in ready if one.kind == "insert"]
                applied = list(self._apply_inserts(connection, inserts, by=by, reason=reason, at=now))
                applied += [
                    self._reclassify(connection, one, by=by, reason=reason, at=now)
                    for one in ready
                    if one.kind == "reclassify"
                ]
                decisions |= {one.proposal.id: one for one in applied}
                failed = [one.proposal for one in applied if one.error]
            else:
                closed = [_closed(one, state, by, reason, now) for one in ready]
                update_proposals(connection, closed)
                add_events(connection, [(one, by, state, reason) for one in closed], now)
                decisions |= {one.id: Decision(one) for one in closed}
        for proposal in schemas:
            decisions[proposal.id] = self._apply_schema(proposal, by=by, reason=reason)
        self.settle_audit()
        if failed:
            self.notify("failed", failed)
        return tuple(decisions.values())

    def settle_audit(self) -> None:
        """Hand the decisions that the audit log has not seen yet to it.

        After the transaction, since a log of what did not happen would be worse than one that is late.
        """
        if self.audit is None:
            return
        with self.catalog.opener() as connection:
            rows = connection.execute(
                "SELECT number, proposal, happened_at, actor, event, reason, details FROM catalog_events "
                "WHERE event <> 'proposed' AND number > (SELECT coalesce(max(number), 0) FROM catalog_audited) "
                "ORDER BY number"
            ).fetchall()
            if rows:
                self.audit([event_of(row) for row in rows])
                connection.execute("INSERT INTO catalog_audited VALUES (?, now()::TIMESTAMP)", [rows[-1][0]])

    def edit(
        self,
        proposal_id: str,
        *,
        by: str,
        table: str | None = None,
        changes: Mapping[str, Json] | None = None,
        rows: Sequence[Mapping[str, Json]] | None = None,
        reason: str = "",
    ) -> Proposal:
        """Change an open insertion: its table, fields of all of its rows, or the rows; it waits on.

        Raises DecidedError where somebody decided it before, UsageError for an unknown table or field.
        """
        with self.catalog.open() as connection:
            self._expire(connection)
            proposal = find_proposal(connection, proposal_id)
            if proposal.state not in OPEN_STATES:
                raise _decided(proposal)
            if proposal.kind != "insert":
                raise UsageError("only the rows of an insertion can be edited", hint="reject it and propose another")
            definition = self.catalog.table(table or proposal.table)
            edited = [{**row, **(changes or {})} for row in (proposal.rows if rows is None else rows)]
            if table and definition.name != proposal.table:
                edited = [{key: value for key, value in row.items() if definition.field(key)} for row in edited]
            for name in changes or {}:
                find_field(definition, name)
            now = self.catalog.clock()
            changed = replace(proposal, table=definition.name, rows=tuple(edited), state="waiting")
            changed = self._judged(connection, [changed])[0]
            replace_proposal(connection, changed)
            add_events(connection, [(changed, by, "edited", reason)], now)
        self.settle_audit()
        return changed

    # -- applying -------------------------------------------------------------------------------------------------

    def _apply_inserts(
        self,
        connection: duckdb.DuckDBPyConnection,
        proposals: Sequence[Proposal],
        *,
        by: str,
        reason: str,
        at: datetime,
    ) -> list[Decision]:
        """Put the rows of proposals in; those with a problem stay as they are."""
        sources = reliabilities(connection)
        by_table: dict[str, list[Proposal]] = {}
        for proposal in proposals:
            by_table.setdefault(proposal.table, []).append(proposal)
        decisions: dict[str, Decision] = {}
        approved: list[Proposal] = []
        for name, group in by_table.items():
            definition = self.catalog.table(name)
            writer = RowWriter(definition, sources, by, reason, at)
            candidates = {one.id: writer.candidates(one) for one in group}
            ids = [row.id for rows, _ in candidates.values() for row in rows]
            writer.present = read_rows(connection, definition, ids)
            for one in group:
                rows, problems = candidates[one.id]
                if problems:
                    waiting = replace(one, problems=tuple(problems))
                    error = UsageError(
                        f"{one.id} cannot be inserted: {problems[0]}",
                        hint=f"mend it: trainer proposals edit {one.id} FIELD=VALUE",
                    )
                    decisions[one.id] = Decision(waiting, error)
                    continue
                writer.add(rows)
                approved.append(_closed(one, "approved", by, reason, at))
            writer.write(connection)
        update_proposals(connection, approved)
        add_events(connection, [(one, by, "approved", reason) for one in approved], at)
        return [decisions[one.id] for one in proposals if one.id in decisions] + [Decision(one) for one in approved]

    def _reclassify(
        self, connection: duckdb.DuckDBPyConnection, proposal: Proposal, *, by: str, reason: str, at: datetime
    ) -> Decision:
        """Move the rows of an earlier insertion to another table: an open one is only re-addressed."""
        former = find_proposal(connection, str(proposal.change["proposal"]))
        definition = self.catalog.table(proposal.table)
        rows = tuple({key: value for key, value in row.items() if definition.field(key)} for row in former.rows)
        moved = replace(former, table=definition.name, rows=rows)
        if former.state == "approved":
            problems = [problem for row in rows for problem in validate_row(definition, row).problems]
            if problems:
                error = UsageError(f"its rows do not fit {definition.name}: {problems[0]}")
                return Decision(replace(proposal, problems=tuple(problems[:20])), error)
            origin = self.catalog.table(former.table)
            old = connection.execute(
                f'SELECT row_id FROM "{origin.table}" WHERE row_proposal = ?', [former.id]
            ).fetchall()
            remove_rows(connection, origin, [row[0] for row in old])
            writer = RowWriter(definition, reliabilities(connection), by, reason, at, action="moved")
            candidates, _ = writer.candidates(moved)
            writer.present = read_rows(connection, definition, [row.id for row in candidates])
            writer.add(candidates)
            writer.write(connection)
        else:
            moved = self._judged(connection, [moved])[0]
        replace_proposal(connection, moved)
        done = _closed(proposal, "approved", by, reason, at)
        update_proposals(connection, [done])
        add_events(connection, [(done, by, "approved", reason), (moved, by, "reclassified", reason)], at)
        return Decision(done)

    def _apply_schema(self, proposal: Proposal, *, by: str, reason: str) -> Decision:
        """Write the project's YAML file, then migrate and note the decision in one transaction.

        A crash between the two leaves a file that the next opening migrates to, and a proposal that can be approved
        again without effect on either.
        """
        path = self.catalog.overlay_path(proposal.table)
        if path is None:
            return Decision(proposal, UsageError("this catalogue has no folder for changed schemas"))
        former = self.catalog.overlay(proposal.table)
        try:
            write_atomic(path, overlay_text(proposal.table, former or "", proposal.change))
            fresh = self.catalog.reloaded()
            with fresh.opener() as connection:
                connection.execute("BEGIN")
                current = find_proposal(connection, proposal.id)
                if current.state not in OPEN_STATES:
                    connection.execute("ROLLBACK")
                    self.catalog._write_overlay(path, former)
                    return Decision(current, _decided(current))
                fresh.migrate(
                    connection,
                    fresh.definitions[proposal.table],
                    actor=by,
                    reason=reason or proposal.reason,
                    proposal=proposal.id,
                    evidence=proposal.evidence,
                )
                now = self.catalog.clock()
                done = _closed(proposal, "approved", by, reason, now)
                update_proposals(connection, [done])
                add_events(connection, [(done, by, "approved", reason)], now)
                connection.execute("COMMIT")
        except TrainerError as error:
            self.catalog._write_overlay(path, former)
            return Decision(proposal, error)
        return Decision(done)

    # -- judging --------------------------------------------------------------------------------------------------

    def _new(self, draft: ProposalDraft, now: datetime) -> Proposal:
        name = table_name(draft.table)
        if not 0 <= draft.confidence <= 1:
            raise UsageError(f"a confidence is from 0 to 1, not {draft.confidence}")
        if draft.kind == "create_table":
            if name in self.catalog.definitions:
                raise UsageError(f"there is a table {name}", hint="propose to change its schema instead")
            checked_definition(name, draft.change)
        else:
            name = self.catalog.table(draft.table).name
        if draft.kind == "change_schema":
            checked_definition(name, self._overlaid(name, draft.change))
        if draft.kind == "insert" and not 0 < len(draft.rows) <= MOST_ROWS:
            raise UsageError(
                f"a proposal holds 1 to {MOST_ROWS:,} rows, not {len(draft.rows):,}",
                hint="propose one row of datasets for a larger file",
            )
        content = draft.digest or digest([name, draft.rows, draft.change])
        identity = digest([draft.kind, content, draft.part, name if draft.kind != "insert" else ""])[:16]
        expires = now + timedelta(days=self.policy.expire_days) if self.policy.expire_days else None
        return Proposal(
            identity,
            draft.kind,
            name,
            "waiting",
            float(draft.confidence),
            draft.reason,
            draft.source,
            content,
            draft.part,
            draft.rows,
            draft.change,
            draft.evidence,
            draft.alternatives,
            tuple({key: asdict(cited) for key, cited in row.items()} for row in draft.citations),
            (),
            draft.proposed_by,
            now,
            expires,
        )

    def _overlaid(self, name: str, change: Mapping[str, Json]) -> dict[str, Any]:
        text = self.catalog.overlay(name)
        own = load_yaml(text, shown=f"{name}.yaml").value if text else {}
        return overlaid(overlaid(built_in_value(name), own or {}), change)

    def _judged(self, connection: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> list[Proposal]:
        """The proposals with what keeps each from being approved by itself.

        Rows that are not valid, rows with the key of one that is there and says otherwise, and rows that refer to a
        row of another table that is not there; the last two somebody may approve all the same.
        """
        judged: dict[str, Proposal] = {one.id: one for one in proposals}
        by_table: dict[str, list[Proposal]] = {}
        for one in proposals:
            if one.kind == "insert":
                by_table.setdefault(one.table, []).append(one)
        for name, group in by_table.items():
            definition = self.catalog.table(name)
            writer = RowWriter(definition, {}, "", "", group[0].created_at)
            candidates = {one.id: writer.candidates(one) for one in group}
            ids = [row.id for rows, _ in candidates.values() for row in rows]
            present = read_rows(connection, definition, ids)
            for one in group:
                rows, problems = candidates[one.id]
                conflicts = [conflict_of(present[row.id], row) for row in rows if row.id in present]
                problems += [conflict for conflict in conflicts if conflict]
                problems += missing_references(connection, self.catalog.definitions, definition, rows)
                judged[one.id] = replace(one, problems=tuple(problems[:20]))
                # Of two files of one batch with the same key the second meets the first.
                if self._may_approve(judged[one.id]):
                    present |= {row.id: row for row in rows if row.id not in present}
        return list(judged.values())

    def _may_approve(self, proposal: Proposal) -> bool:
        sure = proposal.confidence > self.policy.approve_above and not proposal.problems
        return sure and (proposal.kind == "insert" or self.policy.approve_schema)

    def _why(self) -> str:
        return f"confidence above {self.policy.approve_above:g}"

    def _expire(self, connection: duckdb.DuckDBPyConnection) -> None:
        now = self.catalog.clock()
        condition = "state IN ('waiting', 'deferred') AND expires_at < ?::TIMESTAMP"
        late = read_proposals(connection, condition, [isoformat(now)[:19]])
        closed = [_closed(one, "expired", POLICY, "nobody decided it in time", now) for one in late]
        update_proposals(connection, closed)
        add_events(connection, [(one, POLICY, "expired", one.decision_reason or "") for one in closed], now)


def _closed(proposal: Proposal, state: ProposalState, by: str, reason: str, at: datetime) -> Proposal:
    return replace(proposal, state=state, decided_by=by, decided_at=at, decision_reason=reason, problems=())


def _decided(proposal: Proposal) -> DecidedError:
    who = proposal.decided_by or "somebody"
    when = isoformat(proposal.decided_at) if proposal.decided_at else "before"
    why = f": {proposal.decision_reason}" if proposal.decision_reason else ""
    return DecidedError(
        f"{proposal.id} was {proposal.state} by {who} at {when}{why}",
        hint=f"see: trainer proposals show {proposal.id}",
    )


def _only(decisions: Sequence[Decision]) -> Proposal:
    if decisions[0].error:
        raise decisions[0].error
    return decisions[0].proposal
