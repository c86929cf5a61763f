"""Which contents were filed: one line a file in an append-only log, so that each content is filed once.

A line is written after all that follows from a file is safe; what was under way when a process was killed is filed
again, and every step of it knows the content's digest, so that nothing comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.core.appendlog import AppendLog
from trainer.core.values import Json


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What became of one content."""

    digest: str
    """SHA-256 of the content."""
    file: str
    """The path it was last seen at, as shown."""
    size: int
    """Bytes; with `modified`, by which a file that was not touched is recognised without reading it."""
    modified: int
    """Nanoseconds since 1970."""
    outcome: Mapping[str, Json]
    """The file's object of `trainer ingest --json`."""
    failed: bool = False
    """Whether it could not be read, so that another version of the program may try again."""
    version: str = ""
    """Of the program that wrote the entry."""


class Ledger:
    """The entries of a project, by content and by path; read once, and added to."""

    def __init__(self, path: Path) -> None:
        self._log = AppendLog(path)
        self._by_digest: dict[str, LedgerEntry] = {}
        self._by_file: dict[str, LedgerEntry] = {}
        for record in self._log.records():
            if isinstance(record, dict) and {"digest", "file", "size", "modified", "outcome"} <= record.keys():
                self._take(LedgerEntry(**record))

    def of_content(self, digest: str) -> LedgerEntry | None:
        """The entry of a content that was filed."""
        return self._by_digest.get(digest)

    def of_file(self, file: str, size: int, modified: int) -> LedgerEntry | None:
        """The entry of a file that was not touched since it was filed."""
        entry = self._by_file.get(file)
        return entry if entry is not None and (entry.size, entry.modified) == (size, modified) else None

    def add(self, entries: Iterable[LedgerEntry]) -> None:
        """Write down what became of some files, all of them at once."""
        entries = list(entries)
        if entries:
            self._log.append(*(_record(entry) for entry in entries))
            for entry in entries:
                self._take(entry)

    def entries(self) -> list[LedgerEntry]:
        """The last entry of each content."""
        return list(self._by_digest.values())

    def _take(self, entry: LedgerEntry) -> None:
        self._by_file[entry.file] = entry
        if entry.digest:
            self._by_digest[entry.digest] = entry


def _record(entry: LedgerEntry) -> dict[str, Json]:
    return {
        "digest": entry.digest, "file": entry.file, "size": entry.size, "modified": entry.modified,
        "outcome": dict(entry.outcome), "failed": entry.failed, "version": entry.version,
    }  # fmt: skip
