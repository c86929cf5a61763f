"""Which contents were filed: one line a file in an append-only log, so that each content is filed once.

A line is written after all that follows from a file is safe; what was under way when a process was killed is filed
again, and every step of it knows the content's digest, so that nothing comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.core.appendlog import AppendLog, parse_records
from trainer.core.digest import canonical
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
    """The entries of a project, by content and by path; read once, and added to.

    An entry is held as its line and read when it is asked for: laid out as values it takes six times the memory.
    """

    def __init__(self, path: Path) -> None:
        self._log = AppendLog(path)
        self._by_digest: dict[str, bytes] = {}
        self._by_file: dict[str, bytes] = {}
        for line in self._log.lines():
            if (entry := _entry(line)) is not None:
                self._take(entry, line)

    def of_content(self, digest: str) -> LedgerEntry | None:
        """The entry of a content that was filed."""
        return _entry(self._by_digest.get(digest))

    def of_file(self, file: str, size: int, modified: int) -> LedgerEntry | None:
        """The entry of a file that was not touched since it was filed."""
        entry = _entry(self._by_file.get(file))
        return entry if entry is not None and (entry.size, entry.modified) == (size, modified) else None

    def add(self, entries: Iterable[LedgerEntry]) -> None:
        """Write down what became of some files, all of them at once."""
        entries = list(entries)
        if entries:
            records = [_record(entry) for entry in entries]
            self._log.append(*records)
            for entry, record in zip(entries, records, strict=True):
                self._take(entry, canonical(record).encode("utf-8", "surrogatepass"))

    def entries(self) -> list[LedgerEntry]:
        """The last entry of each content."""
        return [entry for line in self._by_digest.values() if (entry := _entry(line)) is not None]

    def _take(self, entry: LedgerEntry, line: bytes) -> None:
        self._by_file[entry.file] = line
        if entry.digest:
            self._by_digest[entry.digest] = line


def _entry(line: bytes | None) -> LedgerEntry | None:
    """The entry in a line; None for none, and for a line that a full disk left broken."""
    for record in parse_records([line] if line is not None else []):
        if isinstance(record, dict) and {"digest", "file", "size", "modified", "outcome"} <= record.keys():
            return LedgerEntry(**record)
    return None


def _record(entry: LedgerEntry) -> dict[str, Json]:
    return {
        "digest": entry.digest, "file": entry.file, "size": entry.size, "modified": entry.modified,
        "outcome": dict(entry.outcome), "failed": entry.failed, "version": entry.version,
    }  # fmt: skip
