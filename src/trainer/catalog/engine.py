# ruff: noqa: S608  (names come from checked definitions; every value is a parameter)
"""Proposals and their decisions: nothing enters a table, and no table changes, but through here.

A decision and what it does are one transaction: a row is in its table exactly when its proposal is approved, whenever
the process dies. Whoever decides takes the database's lock, so of two people deciding at once one is first, and the
other is told who was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from trainer.catalog.catalog import Catalog, filled_share, reliabilities, utc
from trainer.catalog.definition import (
    TableDefinition,
    built_in_value,
    checked_definition,
    find_field,
    overlaid,
    table_name,
)
from trainer.catalog.overlay import overlay_diff, overlay_text
from trainer.catalog.storage import (
    CatalogRow,
    identify,
    insert_records,
    read_rows,
    remove_rows,
    write_rows,
)
from trainer.catalog.trust import Reliability, trust_of
from trainer.catalog.validation import validate_row
from trainer.catalog.values import (
    OPEN_STATES,
    POLICY,
    SCHEMA_KINDS,
    Alternative,
    Proposal,
    ProposalDraft,
    ProposalEvent,
    ProposalKind,
    State,
)
from trainer.core.clock import isoformat
from trainer.core.digest import digest
from trainer.core.errors import Problem, TrainerError, UsageError
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
            former = _read(connection, "id IN (SELECT unnest(?::VARCHAR[]))", [list(fresh)])
            known = {proposal.id: replace(proposal, is_new=False) for proposal in former}
            new = self._judged(connection, [one for one in fresh.values() if one.id not in known])
            _insert(connection, new)
            _add_events(connection, [(one, one.proposed_by, "proposed", one.reason) for one in new], now)
            ready = [one for one in new if self._may_approve(one)]
            decided = self._apply_inserts(
                connection, [one for one in ready if one.kind == "insert"], by=POLICY, reason=self._why(), at=now
            )
            known |= {one.id: one for one in new} | {one.proposal.id: one.proposal for one in decided}
        for one in ready:
            if one.kind != "insert":
                known[one.id] = self.decide([one.id], "approved", by=POLICY, reason=self._why())[0].proposal
        if ready:
            self.settle_audit()
        waiting = [one for one in known.values() if one.is_new and one.state == "waiting"]
        if waiting:
            self.notify("waiting", waiting)
        return tuple(known[identity] for identity in order)

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
        states: Sequence[State] = (),
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
            return _read(connection, " AND ".join(conditions) or "TRUE", values, limit=limit)

    def get(self, proposal_id: str) -> Proposal:
        """The proposal with that identity or a beginning of it; raises UsageError where there is none, or several."""
        with self.catalog.open() as connection:
            self._expire(connection)
            return _one(connection, proposal_id)

    def history(self, proposal_id: str) -> list[ProposalEvent]:
        """What happened to a proposal, the oldest first."""
        with self.catalog.open() as connection:
            rows = connection.execute(
                "SELECT number, proposal, happened_at, actor, event, reason, details FROM catalog_events "
                "WHERE proposal = ? ORDER BY number",
                [proposal_id],
            ).fetchall()
        return [_event(row) for row in rows]

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

    def decide(self, ids: Iterable[str], state: State, *, by: str, reason: str = "") -> tuple[Decision, ...]:
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
            for proposal in _several(connection, list(dict.fromkeys(ids))):
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
                _update(connection, closed)
                _add_events(connection, [(one, by, state, reason) for one in closed], now)
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
                self.audit([_event(row) for row in rows])
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
            proposal = _one(connection, proposal_id)
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
            _replace(connection, changed)
            _add_events(connection, [(changed, by, "edited", reason)], now)
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
            writer = _RowWriter(definition, sources, by, reason, at)
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
        _update(connection, approved)
        _add_events(connection, [(one, by, "approved", reason) for one in approved], at)
        return [decisions[one.id] for one in proposals if one.id in decisions] + [Decision(one) for one in approved]

    def _reclassify(
        self, connection: duckdb.DuckDBPyConnection, proposal: Proposal, *, by: str, reason: str, at: datetime
    ) -> Decision:
        """Move the rows of an earlier insertion to another table: an open one is only re-addressed."""
        former = _one(connection, str(proposal.change["proposal"]))
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
            writer = _RowWriter(definition, reliabilities(connection), by, reason, at, action="moved")
            candidates, _ = writer.candidates(moved)
            writer.present = read_rows(connection, definition, [row.id for row in candidates])
            writer.add(candidates)
            writer.write(connection)
        else:
            moved = self._judged(connection, [moved])[0]
        _replace(connection, moved)
        done = _closed(proposal, "approved", by, reason, at)
        _update(connection, [done])
        _add_events(connection, [(done, by, "approved", reason), (moved, by, "reclassified", reason)], at)
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
                current = _one(connection, proposal.id)
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
                _update(connection, [done])
                _add_events(connection, [(done, by, "approved", reason)], now)
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
            writer = _RowWriter(definition, {}, "", "", group[0].created_at)
            candidates = {one.id: writer.candidates(one) for one in group}
            ids = [row.id for rows, _ in candidates.values() for row in rows]
            present = read_rows(connection, definition, ids)
            for one in group:
                rows, problems = candidates[one.id]
                conflicts = [_conflict(present[row.id], row) for row in rows if row.id in present]
                problems += [conflict for conflict in conflicts if conflict]
                problems += _missing_references(connection, self.catalog.definitions, definition, rows)
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
        late = _read(connection, condition, [isoformat(now)[:19]])
        closed = [_closed(one, "expired", POLICY, "nobody decided it in time", now) for one in late]
        _update(connection, closed)
        _add_events(connection, [(one, POLICY, "expired", one.decision_reason or "") for one in closed], now)


def origin_of(source: str) -> str:
    """The place a source belongs to, by which it is trusted: the folder of a file, the host of an address."""
    if "://" in source:
        return "/".join(source.split("/")[:3])
    folder = str(PurePosixPath(source).parent)
    return source if folder in (".", "") else folder


class _RowWriter:
    """The rows of several proposals on their way into one table."""

    def __init__(
        self,
        definition: TableDefinition,
        sources: Mapping[str, Reliability],
        actor: str,
        reason: str,
        at: datetime,
        *,
        action: str = "inserted",
    ) -> None:
        self.definition = definition
        self.sources = sources
        self.actor, self.reason, self.at, self.action = actor, reason, at, action
        self.present: dict[str, CatalogRow] = {}
        self._changes: dict[str, list[CatalogRow]] = {}

    def candidates(self, proposal: Proposal) -> tuple[list[CatalogRow], list[str]]:
        """The proposal's rows as they would be stored, and their problems."""
        rows: list[CatalogRow] = []
        problems: list[str] = []
        origin = origin_of(proposal.source) if proposal.source else proposal.proposed_by
        for number, values in enumerate(proposal.rows):
            valid = validate_row(self.definition, values)
            where = f"row {number + 1}: " if len(proposal.rows) > 1 else ""
            problems += [where + problem for problem in valid.problems]
            row = CatalogRow(
                self.definition.name,
                identify(self.definition, valid.values, f"{proposal.id}:{number}"),
                1,
                valid.values,
                source=proposal.source,
                origin=origin,
                proposal=proposal.id,
                confidence=proposal.confidence,
                checks=filled_share(self.definition, valid.values),
                citations=proposal.citations[number] if number < len(proposal.citations) else {},
                recorded_at=self.at,
                changed_at=self.at,
            )
            trust = trust_of(row, self.definition, self.sources.get(origin, Reliability()), self.at)
            rows.append(replace(row, trust=trust.score))
        return rows, problems

    def add(self, rows: Iterable[CatalogRow]) -> None:
        """Take rows in: a new one is inserted, one that is there is confirmed, completed or updated."""
        for row in rows:
            former = self.present.get(row.id)
            if former is None:
                merged, action = row, self.action
            else:
                values = {key: former.values[key] if value is None else value for key, value in row.values.items()}
                agrees = values == dict(former.values)
                action = "confirmed" if agrees else "updated"
                merged = replace(
                    former if agrees else row,
                    version=former.version + 1,
                    values=values,
                    recorded_at=former.recorded_at,
                    changed_at=self.at,
                    confirmations=former.confirmations + (row.source != former.source),
                    corrections=former.corrections,
                )
                trust = trust_of(merged, self.definition, self.sources.get(merged.origin, Reliability()), self.at)
                merged = replace(merged, trust=trust.score)
            self.present[row.id] = merged
            self._changes.setdefault(action, []).append(merged)

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Put the rows in, each as it was left by the last proposal that has it."""
        for action, rows in self._changes.items():
            latest = {row.id: row for row in rows}
            final = [row for row in latest.values() if self.present[row.id] is row]
            write_rows(
                connection, self.definition, final, action=action, actor=self.actor, reason=self.reason, at=self.at
            )
        self._changes.clear()


def _conflict(present: CatalogRow, row: CatalogRow) -> str | None:
    """What a row says otherwise than the one with its key that is there; None where they agree."""
    differing = [
        f"{key} is {present.values[key]!r} there and {value!r} here"
        for key, value in row.values.items()
        if value is not None and present.values[key] is not None and not _same(present.values[key], value)
    ]
    return f"a row with this key is there: {'; '.join(differing[:3])}" if differing else None


def _missing_references(
    connection: duckdb.DuckDBPyConnection,
    definitions: Mapping[str, TableDefinition],
    definition: TableDefinition,
    rows: Sequence[CatalogRow],
) -> list[str]:
    """What the rows refer to in other tables and is not there; a table without any rows says nothing."""
    problems = []
    for one in definition.fields:
        name, _, key = (one.references or "").partition(".")
        wanted = list(dict.fromkeys(str(row.values[one.name]) for row in rows if row.values[one.name] is not None))
        if not name or not wanted:
            continue
        table = f'"{definitions[name].table}"'
        missing = connection.execute(
            f"SELECT value FROM (SELECT unnest(?::VARCHAR[]) AS value) WHERE EXISTS (SELECT 1 FROM {table}) "
            f'AND value NOT IN (SELECT CAST("{key}" AS VARCHAR) FROM {table} WHERE "{key}" IS NOT NULL)',
            [wanted],
        ).fetchall()
        problems += [f'{one.name}: {name} has no {key} "{value[:60]}"' for (value,) in missing]
    return problems


def _same(one: Json, other: Json) -> bool:
    """Whether two values are one: decimals are text, and `1190` is `1190.00`."""
    if one == other or not (isinstance(one, str) and isinstance(other, str)):
        return bool(one == other)
    return one.rstrip("0").rstrip(".") == other.rstrip("0").rstrip(".") if "." in one + other else False


def _closed(proposal: Proposal, state: State, by: str, reason: str, at: datetime) -> Proposal:
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


def _insert(connection: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> None:
    insert_records(connection, "catalog_proposals", _COLUMNS, map(_record, proposals))


def _replace(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> None:
    connection.execute("DELETE FROM catalog_proposals WHERE id = ?", [proposal.id])
    _insert(connection, [proposal])


def _update(connection: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> None:
    """Store the decisions of proposals that are there."""
    if proposals:
        ids = [one.id for one in proposals]
        connection.execute("DELETE FROM catalog_proposals WHERE id IN (SELECT unnest(?::VARCHAR[]))", [ids])
        _insert(connection, proposals)


def _add_events(
    connection: duckdb.DuckDBPyConnection, events: Sequence[tuple[Proposal, str, str, str]], at: datetime
) -> None:
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


def _event(row: Sequence[Any]) -> ProposalEvent:
    number, proposal, at, actor, event, reason, details = row
    return ProposalEvent(number, proposal, at, actor, event, reason, json.loads(details))


def _read(
    connection: duckdb.DuckDBPyConnection, condition: str, parameters: Sequence[Any], *, limit: int | None = None
) -> list[Proposal]:
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


def _one(connection: duckdb.DuckDBPyConnection, proposal_id: str) -> Proposal:
    rows = _read(connection, "starts_with(id, ?)", [proposal_id], limit=2)
    if len(rows) != 1 or not proposal_id:
        what = "several proposals begin with" if rows else "there is no proposal"
        raise UsageError(f'{what} "{proposal_id}"', hint="see: trainer proposals list")
    return rows[0]


def _several(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> list[Proposal]:
    """The proposals with those identities, or beginnings of them, in their order."""
    whole = {one.id: one for one in _read(connection, "id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)])}
    return [whole.get(identity) or _one(connection, identity) for identity in ids]


__all__ = ["MOST_ROWS", "ApprovalPolicy", "DecidedError", "Decision", "Problem", "SchemaProposalEngine", "origin_of"]
