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

    Held are the places of the entries in the log, which is read again where one is asked for: with the entries as
    values, a run grew by 5.3 kB for each file; so, and with outcomes as text, by 2.4 kB.
    """

    def __init__(self, path: Path) -> None:
        self._log = AppendLog(path)
        self._by_digest: dict[str, int] = {}
        self._by_file: dict[str, int] = {}
        self._take(self._log.lines(), 0)

    def of_content(self, digest: str) -> LedgerEntry | None:
        """The entry of a content that was filed."""
        return self._at(self._by_digest.get(digest))

    def of_file(self, file: str, size: int, modified: int) -> LedgerEntry | None:
        """The entry of a file that was not touched since it was filed."""
        entry = self._at(self._by_file.get(file))
        return entry if entry is not None and (entry.size, entry.modified) == (size, modified) else None

    def add(self, entries: Iterable[LedgerEntry]) -> None:
        """Write down what became of some files, all of them at once."""
        lines = [canonical(_record(entry)).encode("utf-8", "surrogatepass") for entry in entries]
        if lines:
            block = b"".join(line + b"\n" for line in lines)
            with self._log.locked() as log:
                end = log.write(block)
            self._take(lines, end - len(block))

    def entries(self) -> list[LedgerEntry]:
        """The last entry of each content."""
        return [entry for place in self._by_digest.values() if (entry := self._at(place)) is not None]

    def _take(self, lines: Iterable[bytes], place: int) -> None:
        """Note where the entries in lines are, the first of which is at `place` of the log."""
        for line in lines:
            if (entry := _entry(line)) is not None:
                self._by_file[entry.file] = place
                if entry.digest:
                    self._by_digest[entry.digest] = place
            place += len(line) + 1

    def _at(self, place: int | None) -> LedgerEntry | None:
        if place is None:
            return None
        try:
            with self._log.path.open("rb") as file:
                file.seek(place)
                return _entry(file.readline())
        except FileNotFoundError:  # somebody removed the log while a watch runs: nothing was filed, then
            return None


def _entry(line: bytes) -> LedgerEntry | None:
    """The entry in a line; None for a line that a full disk left broken."""
    for record in parse_records([line]):
        if isinstance(record, dict) and {"digest", "file", "size", "modified", "outcome"} <= record.keys():
            return LedgerEntry(**record)
    return None


def _record(entry: LedgerEntry) -> dict[str, Json]:
    return {
        "digest": entry.digest, "file": entry.file, "size": entry.size, "modified": entry.modified,
        "outcome": dict(entry.outcome), "failed": entry.failed, "version": entry.version,
    }  # fmt: skip
