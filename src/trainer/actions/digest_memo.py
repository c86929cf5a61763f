"""Digests of data by the bytes that it was read from, so that a check parses no file twice."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from trainer import __version__
from trainer.core.errors import TrainerError
from trainer.core.files import write_atomic

_FILE = "digests.json"


@dataclass(frozen=True, slots=True)
class DigestMemo:
    """What was read before; losing it costs time and nothing else.

    Only digests of whole contents are trusted: no time and no size of a file, which an edit may leave as they were.
    """

    version: str = __version__
    """Of the program that wrote it: another may read the same bytes differently."""
    entries: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By storage key, the fingerprint of the source and the digest of the datum."""

    @classmethod
    def read(cls, folder: Path) -> DigestMemo:
        """What is kept in the folder; an empty one where there is none, it is broken, or of another version."""
        try:
            memo = msgspec.json.decode((folder / _FILE).read_bytes(), type=cls)
        except (OSError, ValueError):
            return cls()
        return memo if memo.version == __version__ else cls()

    def find(self, key: str, fingerprint: str) -> str | None:
        """The digest of the datum, where it was read from the same bytes."""
        recorded, digest = self.entries.get(key, ("", ""))
        return digest if recorded == fingerprint else None

    def add(self, key: str, fingerprint: str, digest: str) -> None:
        """Keep what was read."""
        self.entries[key] = (fingerprint, digest)

    def updated(self, latest: DigestMemo) -> DigestMemo:
        """This one with what another has in its place."""
        return DigestMemo(entries={**self.entries, **latest.entries})

    def write(self, folder: Path, *, unless: DigestMemo) -> None:
        """Keep it in the folder, if this exists and can be written and it is not what is there."""
        if self != unless and folder.is_dir():
            with contextlib.suppress(TrainerError, OSError):
                write_atomic(folder / _FILE, msgspec.json.encode(self))
