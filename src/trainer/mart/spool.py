"""The spool: per-process segments that only grow, and which of them wait to be drained.

`<name>.open` is being written; its writer holds a lock on it that dies with the process, so a file whose lock is free
has been left behind. `<name>.ready` is finished. A name starts with the microsecond it was opened, then the process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from trainer.core.appendlog import is_held, try_lock
from trainer.core.clock import Clock, system_clock

MAX_BYTES = 1 << 30
"""Bytes the spool may hold before new records are refused, loudly."""
WARN_BYTES = 256 << 20
WARN_AGE = 86_400.0

DRAIN_LOCK = "drain.lock"
QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in a spool."""

    segments: int = 0
    bytes: int = 0
    oldest_seconds: float | None = None
    """Age of the oldest waiting segment."""
    writing: int = 0
    """Segments that live processes are writing."""
    quarantined: int = 0
    """Files of lines that could not be read; they are kept."""
    drainer: str | None = None
    """The process that is draining now."""
    warnings: tuple[str, ...] = ()


def backlog(spool_dir: Path, *, clock: Clock = system_clock) -> Backlog:
    """What waits in the spool; reads only names and sizes."""
    paths = segments(spool_dir)
    waiting = [path for path in paths if path.suffix == ".ready" or not is_held(path)]
    size = sum(_size(path) for path in waiting)
    ages = [opened for path in waiting if (opened := opened_at(path)) is not None]
    oldest = max(0.0, (clock() - min(ages)).total_seconds()) if ages else None
    quarantined = len(list((spool_dir / QUARANTINE).glob("*"))) if (spool_dir / QUARANTINE).is_dir() else 0
    return Backlog(
        segments=len(waiting),
        bytes=size,
        oldest_seconds=oldest,
        writing=len(paths) - len(waiting),
        quarantined=quarantined,
        drainer=_drainer(spool_dir),
        warnings=tuple(_warnings(size, oldest, quarantined)),
    )


def writers(spool_dir: Path) -> set[int]:
    """The live processes that are writing segments."""
    held = (path for path in segments(spool_dir) if path.suffix == ".open" and is_held(path))
    return {int(path.name.split("-")[1]) for path in held}


def segments(spool_dir: Path) -> list[Path]:
    """All segments, oldest first."""
    with contextlib.suppress(OSError), os.scandir(spool_dir) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.name.endswith((".open", ".ready")))
    return []


def segment_name(moment: datetime, pid: int, token: str, number: int) -> str:
    """A name that sorts by time and is no other process's."""
    return f"{int(moment.timestamp() * 1e6):016x}-{pid}-{token}-{number:06d}"


def opened_at(path: Path) -> datetime | None:
    """When a segment was opened, as its name says."""
    try:
        return datetime.fromtimestamp(int(path.name.partition("-")[0], 16) / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def adopt(spool_dir: Path) -> list[Path]:
    """The segments of dead processes, now called ready."""
    adopted: list[Path] = []
    for path in segments(spool_dir):
        if path.suffix != ".open":
            continue
        with contextlib.suppress(OSError), _opened(path) as handle:
            if try_lock(handle):
                path.rename(path.with_suffix(".ready"))
                adopted.append(path.with_suffix(".ready"))
    return adopted


@contextlib.contextmanager
def elected(spool_dir: Path) -> Iterator[bool]:
    """Whether this process is the one that drains; nobody waits."""
    handle = os.open(spool_dir / DRAIN_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        won = try_lock(handle)
        if won:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"PID {os.getpid()}".encode(), 0)
        yield won
    finally:
        os.close(handle)


def total_bytes(spool_dir: Path) -> int:
    """Bytes of all segments."""
    return sum(_size(path) for path in segments(spool_dir))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _drainer(spool_dir: Path) -> str | None:
    with contextlib.suppress(OSError), _opened(spool_dir / DRAIN_LOCK) as handle:
        if not try_lock(handle):
            return os.pread(handle, 100, 0).decode("utf-8", "replace") or "a process without a name"
    return None


def _warnings(size: int, oldest: float | None, quarantined: int) -> Iterator[str]:
    if size > WARN_BYTES:
        yield f"{size / 1e6:.0f} MB of records wait to be stored; run: trainer mart executions"
    if oldest is not None and oldest > WARN_AGE:
        yield f"records wait since {oldest / 86_400:.0f} days; run: trainer mart executions"
    if quarantined:
        yield f"{quarantined} files of unreadable records lie in {QUARANTINE}/ beside the segments"
