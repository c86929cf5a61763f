"""What became of a report, and how a build was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from trainer.core.digest import pick
from trainer.core.errors import EditedError, RefusedError, TrainerError
from trainer.core.values import Finding
from trainer.reports import Reason

if TYPE_CHECKING:
    from trainer.sources import Choice

ReportStatus = Literal["built", "current", "stale", "edited", "orphaned", "removed", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """What became of one report."""

    name: str
    status: ReportStatus
    title: str = ""
    reasons: tuple[Reason, ...] = ()
    """Why it was stale."""
    changed: tuple[str, ...] = ()
    """Files that were written."""
    outputs: tuple[str, ...] = ()
    """All its files."""
    date: str | None = None
    """The newest date of its data."""
    sources: tuple[str, ...] = ()
    """Keys and versions of its data."""
    provider: str = ""
    model: str = ""
    origin: str = ""
    """fresh, cached, replayed or drafted."""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = 0.0
    """In this run, in US dollars; 0 for a cached completion, None where the price is not known."""
    quality: float | None = None
    """The checks' score, from 0 to 1."""
    findings: int = 0
    """How many faults its checks found."""
    faults: tuple[Finding, ...] = ()
    """Which they are; lines are those of the completion."""
    seconds: float = 0.0
    error: TrainerError | None = None
    plan: Mapping[str, Choice] | None = None
    """Of what was built: how many calls and workers there were at once, and why."""

    def as_json(self) -> dict[str, Any]:
        """The report's object in `trainer report --json`."""
        fields = {name: value for name, value in pick(self).items() if name != "seconds"}
        return {**fields, "reasons": [pick(reason, "ingredient", "detail") for reason in self.reasons]}


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build."""

    force: bool = False
    """Whether reports are built that are not stale."""
    formats: tuple[str, ...] | None = None
    """Formats in place of the reports' own."""
    overwrite: bool = False
    """Whether what a person edited is replaced."""
    offline: bool = False
    """Whether nothing is fetched and no model is called."""
    concurrency: int | None = None
    max_cost: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings of llm_provider for this run."""
    tags: tuple[str, ...] = ()
    """Only reports that have one of them; all where there is none."""
    explore: bool = True
    """Whether candidates are tried that are not approved."""


def outcome_of_error(name: str, title: str, error: TrainerError) -> ReportOutcome:
    """What became of a report that was not built."""
    status: ReportStatus = "failed"
    if isinstance(error, RefusedError | EditedError):
        status = "refused" if isinstance(error, RefusedError) else "edited"
    return ReportOutcome(name, status, title=title, error=error)


def fault_of(error: Exception) -> TrainerError:
    """The error as one that is meant for a user's eyes: one that nobody foresaw is told as a fault of the program."""
    if isinstance(error, TrainerError):
        return error
    if isinstance(error, OSError):
        return TrainerError(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    unforeseen = TrainerError(
        f"{type(error).__name__}: {error}",
        hint="this is a fault of trainer: run it again with --debug for this report alone and report what it prints",
    )
    unforeseen.__cause__ = error
    return unforeseen
