"""File incoming documents: extract side by side, store, propose to the catalogue, and write down what was filed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from trainer.actions.contextual import plan_processes
from trainer.actions.ingest_catalog import lowered, place_files
from trainer.actions.ingest_quality import FileQuality, quality_check
from trainer.actions.proposals import open_engine
from trainer.actions.record import Recorder, failure
from trainer.actions.wiring import open_store
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import ConfigError, ConversionError, TrainerError, UsageError, Where
from trainer.core.project import Project
from trainer.core.values import Json
from trainer.ingest import (
    ExtractJob,
    FileExtract,
    FileType,
    Ledger,
    LedgerEntry,
    Quarantine,
    extract_file,
    extract_files,
)
from trainer.ingest.settle import list_files, settled_files
from trainer.stores import DataStore, DocumentWrite

IngestState = Literal["inserted", "waiting", "duplicate", "refused", "failed"]
_BATCH, _BATCH_SECONDS = 500, 4.0
"""Files stored in one transaction, and seconds after which those that are there are stored anyway."""
_FEWEST = 8
"""Files that are worth a process of their own: one starts in half a second."""
_WORKER_MEMORY = 300_000_000
"""Bytes that a worker takes for usual files."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How files are filed."""

    table: str | None = None
    """The catalogue table that rows go to; None lets the content decide."""
    dry_run: bool = False
    """Tell what would become of each file; store nothing."""
    workers: int | None = None
    """Processes side by side; None goes by cores and memory, 0 stays in this one."""


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What became of one file."""

    extract: FileExtract
    state: IngestState
    table: str | None = None
    """The catalogue table."""
    confidence: float | None = None
    """That it is the right one."""
    proposal: str | None = None
    """Where it waits, or was decided."""
    key: str = ""
    """Of the document in the store."""
    reason: str = ""
    """Why it waits, is refused or a duplicate, in words."""
    error: TrainerError | None = None
    former: str = ""
    """What became of the same content before, as JSON."""
    quality: FileQuality | None = None
    """How good its tables are; None where there are none."""

    def as_json(self) -> dict[str, Json]:
        """The file's object in `trainer ingest --json`."""
        extract = self.extract
        own: dict[str, Json] = {
            "file": extract.file,
            "digest": extract.digest or None,
            "media_type": extract.type.media_type,
            "type_confidence": extract.type.confidence,
            "characters": extract.characters,
            "tables": [
                {
                    "name": table.name,
                    "rows": table.rows,
                    "quarantined": table.quarantined_rows,
                    "duplicates": table.duplicates,
                    "columns": [
                        {
                            "name": column.name, "role": column.role, "type": column.type, "unit": column.unit or None,
                            "null": column.null, "semantic": column.semantic or None,
                        }
                        for column in table.columns
                    ],
                }
                for table in extract.tables
            ],
            "table": self.table,
            "confidence": self.confidence,
            "proposal": self.proposal,
            "key": self.key or None,
            "quality": self.quality.as_json() if self.quality else None,
        }  # fmt: skip
        if self.former:  # the file was not read again: what was found then still holds
            own = {**json.loads(self.former), "file": extract.file}
        return {
            **own,
            "state": self.state,
            "reason": self.reason or None,
            "error": str(self.error) if self.error else None,
        }


def ingest_files(
    project: Project,
    paths: Sequence[Path],
    options: IngestOptions | None = None,
    *,
    on_total: Callable[[int], None] = lambda _: None,
    on_outcome: Callable[[IngestOutcome], None] = lambda _: None,
    clock: Clock = system_clock,
) -> list[IngestOutcome]:
    """What became of each file, as they are done; one that cannot be read does not keep the others out.

    A folder stands for all files in it, no paths for the folders of the settings. A content is filed once, wherever it
    lies and whatever it is called. Raises UsageError for a path that is not there.
    """
    options = options or IngestOptions()
    files = [*dict.fromkeys(list_files(_checked(paths or watched_folders(project))))]
    on_total(len(files))
    outcomes: list[IngestOutcome] = []
    with Recorder(project, "ingest", context={"files": len(files)}, clock=clock) as recorder:
        for outcome in _Filing(project, options, clock).file(files):
            outcomes.append(_without_content(outcome))
            recorder.step("file", path=outcome.extract.file, state=outcome.state, **failure(outcome.error))
            on_outcome(outcome)
    return outcomes


def _without_content(outcome: IngestOutcome) -> IngestOutcome:
    """The outcome without the file's words and rows, so that ten thousand of them take no more memory than a few."""
    extract = outcome.extract
    bare = FileExtract(extract.file, extract.digest, extract.size, extract.type)
    return replace(outcome, extract=bare, former=_text(outcome.as_json()), quality=None)


def watch_files(
    project: Project,
    paths: Sequence[Path],
    options: IngestOptions | None = None,
    *,
    stop: threading.Event,
    on_outcome: Callable[[IngestOutcome], None] = lambda _: None,
    on_ready: Callable[[Sequence[Path]], None] = lambda _: None,
    clock: Clock = system_clock,
) -> int:
    """How many files were filed until `stop` was set, each once it has settled; what is there already comes first."""
    options = options or IngestOptions()
    folders = list(_checked(paths or watched_folders(project)))
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(
                "not a folder", where=Where(project.shown(folder)), hint="watch the folder that it lies in"
            )
    on_ready(folders)
    filed = 0
    for batch in settled_files(folders, settle=project.settings.ingest.settle_seconds, stop=stop):
        with Recorder(project, "ingest", context={"files": len(batch), "watch": True}, clock=clock) as recorder:
            for outcome in _Filing(project, options, clock).file(batch):
                recorder.step("file", path=outcome.extract.file, state=outcome.state, **failure(outcome.error))
                # what was filed before is there at every start, and nothing new
                if outcome.state != "duplicate" or outcome.extract.digest:
                    on_outcome(outcome)
                filed += outcome.state in ("inserted", "waiting")
    return filed


def watched_folders(project: Project) -> list[Path]:
    """The folders of the settings; raises UsageError where there are none."""
    folders = [project.inside(name, what="a folder of ingest.folders") for name in project.settings.ingest.folders]
    if not folders:
        raise UsageError("no files named", hint="name files or folders, or set ingest.folders in config.yaml")
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"ingest.folders: there is no folder {project.shown(folder)}", hint="make it first")
    return folders


def _checked(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise UsageError("there is no such file or folder", where=Where(str(path)))
        yield path


class _Filing:
    """One run over some files: what is known already is told, the rest extracted, and filed in batches."""

    def __init__(self, project: Project, options: IngestOptions, clock: Clock) -> None:
        self.project, self.options, self.clock = project, options, clock
        self.folder = project.state / "ingest"
        self.ledger = Ledger(self.folder / "files.jsonl")
        self.quarantine = Quarantine(self.folder / "quarantine")
        self.engine = open_engine(project, clock=clock)
        self.assess = quality_check(project, self.engine, clock=clock)
        if options.table is not None:
            self.engine.catalog.table(options.table)  # an unknown one is told before anything is read

    def file(self, files: Sequence[Path]) -> Iterator[IngestOutcome]:
        """The outcome of each file, of a member of an archive too."""
        fresh: list[Path] = []
        for path in files:
            if (entry := self._untouched(path)) is None:
                fresh.append(path)
            else:
                yield self._again(path, entry)
        store = open_store(self.project, clock=self.clock)
        waiting: list[tuple[Path, FileExtract]] = []
        since = time.monotonic()
        for job, extract in self._extracts(fresh):
            waiting += [(job.path, one) for one in (*extract.members, *([] if extract.members else [extract]))]
            if len(waiting) >= _BATCH or time.monotonic() - since > _BATCH_SECONDS:
                yield from self._filed(store, waiting)
                waiting, since = [], time.monotonic()
        yield from self._filed(store, waiting)
        store.close()

    def _untouched(self, path: Path) -> LedgerEntry | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return self.ledger.of_file(self._shown(path), status.st_size, status.st_mtime_ns)

    def _again(self, path: Path, entry: LedgerEntry) -> IngestOutcome:
        extract = FileExtract(self._shown(path), "", entry.size, FileType(None, None, 0.0))
        return IngestOutcome(extract, "duplicate", reason="filed before, and not changed", former=_text(entry.outcome))

    def _extracts(self, paths: Sequence[Path]) -> Iterator[tuple[ExtractJob, FileExtract]]:
        jobs = [ExtractJob(path, self._shown(path)) for path in paths]
        tables = self.folder / "tables"
        workers = self.options.workers
        if workers is None:
            workers = plan_processes(self.project, 1 + len(jobs) // _FEWEST, memory=_WORKER_MEMORY).value or 1
        if workers == 0:
            return ((job, extract_file(job.path, job.shown, tables=tables)) for job in jobs)
        return extract_files(jobs, tables=tables, workers=workers)

    def _filed(self, store: DataStore, extracts: Sequence[tuple[Path, FileExtract]]) -> list[IngestOutcome]:
        """File a batch: the store first, then what follows from it, then the ledger; each step can be done twice."""
        outcomes: dict[int, IngestOutcome] = {}
        new: dict[str, int] = {}
        for at, (_, extract) in enumerate(extracts):
            if extract.error:
                error = ConversionError(extract.error, where=Where(extract.file), hint=extract.hint or None)
                outcomes[at] = IngestOutcome(extract, "failed", error=error)
            elif (entry := self.ledger.of_content(extract.digest)) is not None:
                reason = f"the same content was filed as {entry.file}"
                outcomes[at] = IngestOutcome(extract, "duplicate", reason=reason, former=_text(entry.outcome))
            elif extract.digest in new:
                reason = f"the same content as {extracts[new[extract.digest]][1].file}"
                outcomes[at] = IngestOutcome(extract, "duplicate", reason=reason)
            else:
                new[extract.digest] = at
        fresh = {at: extracts[at][1] for at in new.values()}
        if fresh and not self.options.dry_run:
            errors = self._stored(store, fresh)
            outcomes |= {at: IngestOutcome(fresh[at], "failed", error=error) for at, error in errors.items()}
            fresh = {at: extract for at, extract in fresh.items() if at not in errors}
            for extract in fresh.values():
                if any(table.quarantined for table in extract.tables):
                    self.quarantine.keep(extract)
        outcomes |= self._placed(fresh)
        if not self.options.dry_run:
            self.ledger.add(
                self._entry(extracts[at][0], outcome)
                for at, outcome in sorted(outcomes.items())
                if outcome.state != "failed"
            )
        return [outcomes[at] for at in sorted(outcomes)]

    def _stored(self, store: DataStore, extracts: dict[int, FileExtract]) -> dict[int, TrainerError]:
        """Store documents in one transaction, or one by one where that fails; what is wrong with each that was not."""
        try:
            store.store_many([_draft(extract) for extract in extracts.values()])
        except TrainerError as error:
            if len(extracts) == 1:
                return dict.fromkeys(extracts, error)
            return {at: error for at, one in extracts.items() for error in self._stored(store, {at: one}).values()}
        return {}

    def _placed(self, extracts: dict[int, FileExtract]) -> dict[int, IngestOutcome]:
        """Propose what was stored to the catalogue."""
        if not extracts:
            return {}
        qualities = [self.assess(extract) for extract in extracts.values()]
        placements = place_files(
            self.engine,
            [
                lowered(extract, quality.confidence)
                for extract, quality in zip(extracts.values(), qualities, strict=True)
            ],
            table=self.options.table,
            dry_run=self.options.dry_run,
        )
        return {
            at: IngestOutcome(
                extract,
                "inserted" if placement.approved else "refused" if placement.refused else "waiting",
                placement.table,
                placement.confidence,
                placement.proposal,
                _key(extract),
                "; ".join((placement.reason, *quality.critical)),
                quality=quality,
            )
            for (at, extract), placement, quality in zip(extracts.items(), placements, qualities, strict=True)
        }

    def _entry(self, path: Path, outcome: IngestOutcome) -> LedgerEntry:
        extract = outcome.extract
        is_member = "!/" in extract.file
        try:
            status = path.stat()
            size, modified = (0, 0) if is_member else (status.st_size, status.st_mtime_ns)
        except OSError:  # moved away while it was read
            size, modified = extract.size, 0
        summary = {name: value for name, value in outcome.as_json().items() if name not in ("state", "reason", "error")}
        return LedgerEntry(extract.digest, extract.file, size, modified, summary)

    def _shown(self, path: Path) -> str:
        return self.project.shown(path.resolve())


def _text(summary: Mapping[str, Json]) -> str:
    """JSON in the order it is told, which takes less memory than the same as values."""
    return json.dumps(summary, ensure_ascii=False, separators=(",", ":"))


def _key(extract: FileExtract) -> str:
    return f"ingest:{extract.file}"


def _draft(extract: FileExtract) -> DocumentWrite:
    """The document of a file: what it holds, and where that came from."""
    name = extract.file.rpartition("/")[2]
    about: dict[str, Json] = {
        "subject": extract.title or name, "path": extract.file, "sha256": extract.digest,
        "media_type": extract.type.media_type, "bytes": extract.size,
    }  # fmt: skip
    return DocumentWrite(_key(extract), dict(extract.data or {}), about, source="ingest", skip_unchanged=True)
