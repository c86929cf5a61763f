"""Look into the records: take in what waits in the spool, then list executions or show one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trainer.actions.audit import note_event
from trainer.actions.learning import learned_files
from trainer.actions.wiring import open_database
from trainer.core.clock import Clock, isoformat, parse_duration, parse_moment, system_clock
from trainer.core.errors import StoreError, UsageError, Where, unknown
from trainer.core.project import Project
from trainer.mart import (
    ExecutionRecord,
    ExecutionTree,
    Pruned,
    backlog,
    drain,
    executions,
    prune_records,
    read_breaker,
    show,
)

STATUSES = ("success", "fail", "cancelled", "running", "lost")


def list_executions(
    project: Project,
    *,
    module: str | None = None,
    operation: str | None = None,
    status: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 50,
    clock: Clock = system_clock,
) -> list[ExecutionRecord]:
    """The latest executions that match, newest first; `since` and `until` are dates, or ages such as `7d`."""
    if status is not None and status not in STATUSES:
        message, hint = unknown("status", status, STATUSES)
        raise UsageError(message, hint=hint)
    after, before = moment_of(since, "--since", clock), moment_of(until, "--until", clock)
    take_in(project, clock)
    return executions(
        open_database(project),
        module=module,
        operation=operation,
        status=status,
        since=after,
        until=before,
        limit=limit,
        clock=clock,
    )


def show_execution(project: Project, execution_id: str, *, clock: Clock = system_clock) -> ExecutionTree:
    """One execution with its steps and all that ran below it; its start, its end, or `last` will do for a name."""
    take_in(project, clock)
    return show(open_database(project), execution_id, clock=clock)


def prune(
    project: Project, *, archive: Path | None = None, dry_run: bool = False, clock: Clock = system_clock
) -> Pruned:
    """Remove the records that are older than `mart.keep_days`; raises UsageError where a legal hold forbids it."""
    section = project.settings.mart
    if section.legal_hold and not dry_run:
        hint = "set mart.legal_hold: false when the hold has ended; --dry-run tells what would go"
        raise UsageError("a legal hold forbids to prune records", hint=hint)
    take_in(project, clock)
    before = clock() - timedelta(days=section.keep_days)
    try:
        pruned = prune_records(open_database(project), before, archive=archive, dry_run=dry_run)
    except OSError as error:
        where = Where(str(error.filename or archive))
        raise StoreError(
            f"the archive cannot be written: {error.strerror}", where=where, hint="nothing was removed"
        ) from error
    if pruned.executions and not dry_run:
        details = {"before": isoformat(before), "rows": pruned.rows, "archived": pruned.archived}
        note_event(project, "records.pruned", details, clock=clock)
    return pruned


@dataclass(frozen=True, slots=True)
class RecordsState:
    """How records get into the store."""

    waiting_segments: int
    waiting_bytes: int
    oldest_seconds: float | None
    writing: int
    """Segments that living processes write."""
    quarantined: int
    """Files of lines that could not be read."""
    drainer: str | None
    store_failures: int
    """Since the last success."""
    store_error: str
    retry_at: str | None
    """Before this moment no command drains by itself."""
    learned_operations: int
    """Operations of which something is published."""
    warnings: tuple[str, ...]


def look_at_records(project: Project, *, clock: Clock = system_clock) -> RecordsState:
    """The state of spool, breaker and what was learned; the store itself is not opened."""
    waiting, breaker = backlog(project.spool, clock=clock), read_breaker(project.spool)
    learned = learned_files(project)
    warnings = list(waiting.warnings)
    if breaker.failures:
        warnings.append(f"the store failed {breaker.failures} times, last: {breaker.error}; nothing is lost meanwhile")
    if learned.is_unfinished:
        warnings.append("a process died while it published what was learned; run: trainer mart executions")
    retry_at = isoformat(datetime.fromtimestamp(breaker.retry_at, UTC)) if breaker.retry_at else None
    return RecordsState(
        waiting.segments,
        waiting.bytes,
        waiting.oldest_seconds,
        waiting.writing,
        waiting.quarantined,
        waiting.drainer,
        breaker.failures,
        breaker.error,
        retry_at,
        len(learned.operations()),
        tuple(warnings),
    )


def take_in(project: Project, clock: Clock = system_clock) -> None:
    """Store what waits in the spool, and learn from it; raises StoreError where the store cannot be used."""
    result = drain(project.spool, open_database(project), clock=clock, force=True, learned=learned_files(project))
    if result.error:
        raise StoreError(
            f"the records cannot be stored: {result.error}",
            hint="nothing is lost; run the same command again when the store answers",
        )


def moment_of(text: str | None, option: str, clock: Clock) -> datetime | None:
    """The moment that a date, or an age before now, names; raises UsageError naming the option."""
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        pass
    try:
        return clock() - timedelta(seconds=parse_duration(text))
    except UsageError:
        message = f'{option} "{text}" is neither a date nor an age'
        raise UsageError(message, hint="write it like 2025-02-14, 2025-02-14T21:00, 7d or 12h") from None
