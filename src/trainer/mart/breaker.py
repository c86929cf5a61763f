"""A circuit breaker beside the spool: after several failures of the store, ever longer waits before the next try."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from trainer.core.clock import Clock
from trainer.core.digest import pretty
from trainer.core.errors import TrainerError
from trainer.core.files import write_atomic

FILE = "breaker.json"
_FREE_TRIES = 3
_FIRST_WAIT = 30.0
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """What the last tries came to."""

    failures: int = 0
    """Failures since the last success."""
    retry_at: float = 0.0
    """Seconds since 1970 before which no drain is tried."""
    error: str = ""
    """What the last failure said."""


def read_breaker(spool_dir: Path) -> Breaker:
    """The state of the breaker; closed where nothing readable is kept."""
    try:
        state = json.loads((spool_dir / FILE).read_text(encoding="utf-8"))
        return Breaker(int(state["failures"]), float(state["retry_at"]), str(state["error"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Breaker()


def note_failure(spool_dir: Path, error: str, *, clock: Clock) -> Breaker:
    """The breaker after one more failure."""
    failures = read_breaker(spool_dir).failures + 1
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (failures - _FREE_TRIES)) if failures >= _FREE_TRIES else 0.0
    breaker = Breaker(failures, clock().timestamp() + wait, error)
    _keep(spool_dir, breaker)
    return breaker


def note_success(spool_dir: Path) -> None:
    """Close the breaker."""
    (spool_dir / FILE).unlink(missing_ok=True)


def _keep(spool_dir: Path, breaker: Breaker) -> None:
    try:
        write_atomic(spool_dir / FILE, pretty(breaker))
    except TrainerError:
        return  # a disk too full for this is told by the tracker
