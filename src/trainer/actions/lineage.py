"""Where a report comes from, back to data, prompt and answer; and what a datum went into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.actions.mart import take_in
from trainer.actions.wiring import open_database
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import UsageError, unknown
from trainer.core.project import Project
from trainer.core.values import Json
from trainer.mart import ExecutionRecord, executions_with
from trainer.reports import Provenance, provenance_path, read_provenance


@dataclass(frozen=True, slots=True)
class Lineage:
    """What one report was made from, by its committed provenance, and the executions that built it."""

    report: str
    instruction: str
    contexts: Mapping[str, str]
    """Digest by path."""
    data: tuple[str, ...]
    """Keys with their versions."""
    prompt: str
    """Digest of the prompt; its text is kept in the cache of the machine that built it."""
    completion: Mapping[str, Json]
    """Model asked and answered, tokens, cost, digest of the answer."""
    outputs: Mapping[str, str]
    """Digest by path."""
    builds: tuple[ExecutionRecord, ...]
    """The recorded executions, newest first."""


@dataclass(frozen=True, slots=True)
class Uses:
    """What a datum went into."""

    key: str
    reports: tuple[str, ...]
    """Whose committed editions hold it, with its version: `abbvie@1`."""
    outputs: tuple[str, ...]
    """Their files."""
    executions: tuple[ExecutionRecord, ...]
    """Recorded executions that read it, newest first."""


def lineage(project: Project, subject: str, *, clock: Clock = system_clock) -> Lineage | Uses:
    """Back from a report, or forward from the key of a datum, with or without its version.

    Raises UsageError where neither a report nor a datum of that name is known.
    """
    take_in(project, clock)
    provenances = _provenances(project)
    if subject in provenances:
        return _back(project, provenances[subject], clock)
    return _forward(project, provenances, subject, clock)


def _back(project: Project, provenance: Provenance, clock: Clock) -> Lineage:
    ingredients: Mapping[str, Any] = provenance.ingredients
    records = executions_with(open_database(project), report=provenance.report, clock=clock)
    return Lineage(
        provenance.report,
        str(provenance.prompt.get("instruction", "")),
        dict(ingredients.get("contexts") or {}),
        provenance.sources(),
        str(provenance.prompt.get("digest", "")),
        provenance.completion,
        {output.path: output.digest for output in provenance.outputs},
        tuple(records),
    )


def _forward(project: Project, provenances: Mapping[str, Provenance], subject: str, clock: Clock) -> Uses:
    matches = {
        name: source
        for name, provenance in provenances.items()
        for source in provenance.sources()
        if subject in (source, source.rpartition("@")[0])
    }
    records = executions_with(open_database(project), datum=subject, clock=clock)
    if not matches and not records:
        keys = {source.rpartition("@")[0] for provenance in provenances.values() for source in provenance.sources()}
        message, hint = unknown("report or datum", subject, [*provenances, *sorted(keys)])
        raise UsageError(message, hint=hint)
    return Uses(
        subject,
        tuple(f"{name}@{source.rpartition('@')[2]}" for name, source in matches.items()),
        tuple(output.path for name in matches for output in provenances[name].outputs),
        tuple(records),
    )


def _provenances(project: Project) -> dict[str, Provenance]:
    """The committed provenances by the names of their reports."""
    folder = provenance_path(project.output, "x").parent
    paths = sorted(folder.rglob("*.json")) if folder.is_dir() else []
    readable = (provenance for path in paths if (provenance := read_provenance(path)) is not None)
    return {provenance.report: provenance for provenance in readable}
