"""What a check found out about files that stay as they are, so that the next one reads them no more."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from trainer import __version__
from trainer.core.errors import TrainerError
from trainer.core.files import FileStamp, write_atomic


@dataclass(frozen=True, slots=True)
class DatumDigest:
    """What was read of one datum."""

    fingerprint: str
    """Of the bytes that it was read from."""
    digest: str
    stamp: FileStamp | None = None
    """Of its file, where that has one."""


@dataclass(frozen=True, slots=True)
class CurrentReport:
    """A report that was up to date, and what is told of such a one."""

    ingredients: str
    """The digest of all that it depends on."""
    stamps: tuple[FileStamp, ...]
    """Of its provenance, and of each of its outputs."""
    outputs: tuple[str, ...]
    """Its files, relative to the project's root; no other format of it is left over."""
    date: str | None
    sources: tuple[str, ...]
    provider: str
    model: str
    quality: float | None


@dataclass(frozen=True, slots=True)
class Memo:
    """A file below the cache; losing it costs time and nothing else."""

    version: str = __version__
    """Of the program that wrote it: another may read the same bytes differently."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """What is kept in the file; an empty one where there is none, it is broken, or of another version."""
        try:
            memo = msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, ValueError):
            return cls()
        return memo if memo.version == __version__ else cls()

    def write(self, path: Path, *, unless: Self) -> None:
        """Keep it in the file, if its folder exists and can be written and it is not what is there."""
        if self != unless and path.parent.is_dir():
            with contextlib.suppress(TrainerError, OSError):
                write_atomic(path, msgspec.json.encode(self))


@dataclass(frozen=True, slots=True)
class DigestMemo(Memo):
    """Digests of data, so that a check parses no file twice."""

    entries: dict[str, DatumDigest] = field(default_factory=dict)
    """By storage key."""


@dataclass(frozen=True, slots=True)
class CheckMemo(Memo):
    """The reports that were up to date when they were last checked."""

    reports: dict[str, CurrentReport] = field(default_factory=dict)
    """By name."""
