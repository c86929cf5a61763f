"""File incoming documents: each readable file becomes a versioned document of the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.actions.record import Recorder, failure
from trainer.actions.wiring import open_store
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import SourceError, TrainerError, UsageError, Where
from trainer.core.project import Project
from trainer.core.readings import ReadOptions, data_of, read_file
from trainer.core.values import Json
from trainer.stores import Draft

_LARGEST = 64_000_000


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one file."""

    path: str
    status: Literal["stored", "unchanged", "would store", "failed"]
    key: str = ""
    version: int | None = None
    error: TrainerError | None = None


def ingest_files(
    project: Project, paths: Sequence[Path], *, dry_run: bool = False, clock: Clock = system_clock
) -> list[Ingested]:
    """What became of each file, in order of path; one that cannot be read does not keep the others out.

    Documents and tables of every format with a reader are read; a folder stands for all files in it.
    """
    files = [*dict.fromkeys(_files(paths))]
    store = open_store(project, clock=clock)
    outcomes: list[Ingested] = []
    with Recorder(project, "ingest", context={"files": len(files)}, clock=clock) as recorder:
        for path in files:
            shown = project.shown(path.resolve())
            key = f"ingest:{shown}"
            try:
                data = _read(path, shown)
                before = store.retrieve(key)
                draft = Draft(key, data, {"subject": path.name, "path": shown}, source="ingest", skip_unchanged=True)
                if not dry_run:
                    store.store_many([draft])
                after = store.retrieve(key)
            except TrainerError as error:
                outcomes.append(Ingested(shown, "failed", error=error))
            else:
                changed = after is None or before is None or before.version != after.version
                status: Literal["stored", "unchanged", "would store"] = "stored" if changed else "unchanged"
                if dry_run:
                    status = "unchanged" if before is not None and before.data == data else "would store"
                outcomes.append(Ingested(shown, status, key, after.version if after else None))
            recorder.step("file", path=shown, **failure(outcomes[-1].error))
    store.close()
    return outcomes


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
