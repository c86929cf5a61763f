"""What became of a report, and how a build was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainer.core.errors import TrainerError
from trainer.reports import Reason

Status = Literal["built", "current", "stale", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """What became of one report."""

    name: str
    status: Status
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
    """Faults its checks found."""
    seconds: float = 0.0
    error: TrainerError | None = None

    def as_json(self) -> dict[str, Any]:
        """The report's object in `trainer report --json`."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("reasons", "error", "seconds")}
        reasons = [{"ingredient": reason.ingredient, "detail": reason.detail} for reason in self.reasons]
        return {**plain, "reasons": reasons, "error": str(self.error) if self.error else None}


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build."""

    force: bool = False
    """Whether reports are built that are not stale."""
    formats: tuple[str, ...] | None = None
    """Formats in place of the reports' own."""
    offline: bool = False
    """Whether nothing is fetched and no model is called."""
    concurrency: int | None = None
    max_cost: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings of llm_provider for this run."""
