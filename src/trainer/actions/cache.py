"""How large the cache may grow: kept completions, prompts and what is remembered, the longest unused removed first."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trainer.actions.memo import FOLDER
from trainer.core.clock import Clock, system_clock
from trainer.core.digest import digest
from trainer.core.project import Project

_STAMP = "pruned"
_EVERY = 3600.0
"""Seconds between two looks at the size of the cache."""
_RECENT = 86400.0
"""Seconds in which a file is not removed however large the cache: a command under way may need it."""
_MEGABYTE = 1_000_000
_LEFT = 0.9
"""Share of the limit that is left, so that not every look finds something to remove."""


@dataclass(frozen=True, slots=True)
class _Kept:
    used: float
    size: int
    path: Path


def prune_cache_if_due(project: Project, *, clock: Clock = system_clock) -> int:
    """How many files were removed; nothing is looked at more than once an hour."""
    stamp = project.cache / _STAMP
    try:
        due = clock().timestamp() - stamp.stat().st_mtime > _EVERY
    except FileNotFoundError:
        due = project.cache.is_dir()
    if not due:
        return 0
    with contextlib.suppress(OSError):
        stamp.touch()
    return prune_cache(project, project.settings.llm_provider.cache_mb * _MEGABYTE, clock=clock)


def prune_cache(project: Project, most: int, *, clock: Clock = system_clock) -> int:
    """How many files were removed so that completions, prompts and what is remembered take no more than `most` bytes.

    A completion that is the answer of a report in output/ stays, for building it again must not be paid for again;
    so does whatever was used within a day. The parts of an answer written in steps go by age, for no report names
    them. Rows of a batch are kept elsewhere and are not touched.
    """
    entries = sorted(_files(project), key=lambda entry: (entry.used, entry.path))
    size, removed = sum(entry.size for entry in entries), 0
    if size <= most:
        return 0
    needed, recent = _needed(project), clock().timestamp() - _RECENT
    for entry in entries:
        if size <= most * _LEFT or entry.used > recent:
            break
        if _content_digest(entry.path) not in needed:
            entry.path.unlink(missing_ok=True)
            size, removed = size - entry.size, removed + 1
    return removed


def _files(project: Project) -> Iterator[_Kept]:
    for folder in ("completions", "prompts", FOLDER):
        for path in (project.cache / folder).glob("*/*.json"):
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                yield _Kept(facts.st_mtime, facts.st_size, path)


def _needed(project: Project) -> set[str]:
    """The digests of the answers that the reports in output/ were built from."""
    needed = set()
    for path in (project.output / "json").glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            needed.add(json.loads(path.read_bytes())["completion"]["digest"])
    return needed


def _content_digest(path: Path) -> str | None:
    """The digest of the answer in a kept completion; None for anything else."""
    try:
        return digest(json.loads(path.read_bytes())["result"]["content"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
