"""The prompts that were sent and what was answered, by the executions that did so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trainer.actions.mart import moment_of, take_in
from trainer.actions.model import make_cache
from trainer.actions.prompt import PROMPTS
from trainer.actions.wiring import open_database
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import UsageError
from trainer.core.project import Project
from trainer.mart import ExecutionRecord, executions
from trainer.prompts.versions import load_version

_MOST = 100_000
"""Executions that are looked through; each that sent a prompt costs the reading of two small files."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One prompt with its answer."""

    execution_id: str
    started_at: datetime | None
    operation: str | None
    context: Mapping[str, object]
    status: str
    model: str | None
    cost: float | None
    prompt: str | None
    """All that was sent; None where the cache does not hold it any more."""
    answer: str | None
    """As the model wrote it, before any repair. None where the cache does not hold it: drafts without a model are not
    kept there, and the steps of a strategy are kept one by one."""


def log_entries(
    project: Project,
    words: Sequence[str] = (),
    *,
    operation: str | None = None,
    since: str | None = None,
    limit: int = 20,
    clock: Clock = system_clock,
) -> list[LogEntry]:
    """The latest executions that sent a prompt, newest first; with `words`, those in whose prompt or answer all stand.

    Upper and lower case are one. Raises StoreError where the records cannot be read.
    """
    after = moment_of(since, "--since", clock)
    take_in(project, clock)
    records = executions(open_database(project), operation=operation, since=after, limit=_MOST, clock=clock)
    wanted = [word.casefold() for word in words]
    matches = (
        entry
        for entry in _entries(project, records)
        if not wanted or all(word in f"{entry.prompt or ''}\n{entry.answer or ''}".casefold() for word in wanted)
    )
    return list(itertools.islice(matches, limit))


def _entries(project: Project, records: Sequence[ExecutionRecord]) -> Iterator[LogEntry]:
    cache = make_cache(project)
    for record in records:
        inputs = record.inputs if isinstance(record.inputs, dict) else {}
        if not inputs.get("prompt"):
            continue
        results = record.results if isinstance(record.results, dict) else {}
        completion = cache.peek(str(inputs["request"])) if inputs.get("request") else None
        yield LogEntry(
            record.execution_id,
            record.started_at,
            record.operation,
            record.context if isinstance(record.context, dict) else {},
            record.status,
            results.get("model"),
            record.cost,
            _prompt(project, str(inputs["prompt"])),
            completion.content if completion else None,
        )


def _prompt(project: Project, version: str) -> str | None:
    try:
        return load_version(version, folder=project.cache / PROMPTS).text
    except UsageError:
        return None
