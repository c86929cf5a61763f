"""File incoming documents: each readable file becomes a versioned document of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trainer.actions.contextual import plan_storing
from trainer.actions.record import Recorder, failure
from trainer.actions.wiring import open_store
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import SourceError, TrainerError, UsageError, Where
from trainer.core.project import Project
from trainer.core.readings import ReadOptions, data_of, read_file
from trainer.core.values import Json
from trainer.stores import Draft

if TYPE_CHECKING:
    from trainer.sources import Choice
    from trainer.stores import DataStore

Status = Literal["stored", "unchanged", "would store", "failed"]
_LARGEST = 64_000_000
_GROWTH = 10
"""Bytes of memory that a byte of a file may take, read and on its way to the store."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one file."""

    path: str
    status: Status
    key: str = ""
    version: int | None = None
    error: TrainerError | None = None


def ingest_files(
    project: Project,
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    on_plan: Callable[[Choice], None] = lambda _: None,
    clock: Clock = system_clock,
) -> list[Ingested]:
    """What became of each file, in order of path; one that cannot be read does not keep the others out.

    Documents and tables of every format with a reader are read; a folder stands for all files in it. As many are stored
    in one transaction as the free memory takes; `on_plan` is told how many, and why.
    """
    files = [*dict.fromkeys(_files(paths))]
    largest = max((path.stat().st_size for path in files), default=0)
    batch = plan_storing(len(files), _GROWTH * max(1, largest))
    on_plan(batch)
    store = open_store(project, clock=clock)
    outcomes: list[Ingested] = []
    with Recorder(project, "ingest", context={"files": len(files)}, clock=clock) as recorder:
        for start in range(0, len(files), size := batch.value or 1):
            for outcome in _ingest(project, store, files[start : start + size], dry_run=dry_run):
                outcomes.append(outcome)
                recorder.step("file", path=outcome.path, **failure(outcome.error))
    store.close()
    return outcomes


def _ingest(project: Project, store: DataStore, files: Sequence[Path], *, dry_run: bool) -> Iterator[Ingested]:
    """What became of the files of one batch."""
    drafts: dict[str, Draft] = {}
    errors: dict[str, TrainerError] = {}
    shown = {path: project.shown(path.resolve()) for path in files}
    for path, name in shown.items():
        try:
            key, about = f"ingest:{name}", {"subject": path.name, "path": name}
            drafts[name] = Draft(key, _read(path, name), about, source="ingest", skip_unchanged=True)
        except TrainerError as error:
            errors[name] = error
    keys = [draft.key for draft in drafts.values()]
    before = store.retrieve_many(keys) if keys else {}
    if not dry_run:
        errors |= _store(store, drafts)
    after = before if dry_run or not keys else store.retrieve_many(keys)
    for name in shown.values():
        if name in errors:
            yield Ingested(name, "failed", error=errors[name])
            continue
        draft = drafts[name]
        old, new = before.get(draft.key), after.get(draft.key)
        if dry_run:
            status: Status = "unchanged" if old is not None and old.data == draft.data else "would store"
        else:
            status = "unchanged" if old is not None and new is not None and old.version == new.version else "stored"
        yield Ingested(name, status, draft.key, new.version if new else None)


def _store(store: DataStore, drafts: Mapping[str, Draft]) -> dict[str, TrainerError]:
    """Store the drafts in one transaction, or one by one where that fails; what is wrong with each that was not."""
    try:
        if drafts:
            store.store_many(list(drafts.values()))
        return {}
    except TrainerError as error:
        if len(drafts) == 1:
            return dict.fromkeys(drafts, error)
    return {name: error for name in drafts for error in _store(store, {name: drafts[name]}).values()}


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (found for found in sorted(path.rglob("*")) if found.is_file() and found.name[0] != ".")
        elif path.exists():
            yield path
        else:
            raise UsageError("there is no such file or folder", where=Where(str(path)))


def _read(path: Path, shown: str) -> dict[str, Json]:
    try:
        if path.stat().st_size > _LARGEST:
            raise SourceError("larger than 64 MB", where=Where(shown), hint="split it")
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read: {error.strerror or error}", where=Where(shown)) from error
    if not content.strip():
        raise SourceError("empty", where=Where(shown))
    return data_of(read_file(content, shown=shown, options=ReadOptions(path=path)))
