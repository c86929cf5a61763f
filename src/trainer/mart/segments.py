"""Reading a finished segment: its whole lines, and in quarantine what is torn or bad."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainer.core.files import write_atomic
from trainer.mart.events import is_whole
from trainer.mart.spool import QUARANTINE


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished segment, read and checked."""

    path: Path
    """The `.ready` file."""
    clean: Path
    """A file of whole lines only: the segment itself where all its lines are."""
    rows: int
    bad: int
    """Lines put into quarantine."""
    size: int

    @property
    def name(self) -> str:
        """What it is called in the table of ingested segments."""
        return self.path.stem

    def remove(self) -> None:
        """Delete the segment, and its cleaned copy."""
        if self.clean != self.path:
            self.clean.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def read_segment(path: Path) -> Segment:
    """The segment with its lines checked; bad ones are kept in `quarantine/<segment>.bad`."""
    content = path.read_bytes()
    whole: list[bytes] = []
    bad: list[bytes] = []
    for line in content.split(b"\n"):
        if line:
            (whole if is_whole(line) else bad).append(line)
    if not bad and (not content or content.endswith(b"\n")):
        return Segment(path, path, len(whole), 0, len(content))
    if bad:
        keep_aside(path, bad)
    clean = path.with_suffix(".clean")
    clean.write_bytes(b"".join(line + b"\n" for line in whole))
    return Segment(path, clean, len(whole), len(bad), len(content))


def keep_aside(path: Path, lines: list[bytes]) -> None:
    """Write lines to the quarantine, one file a segment; lines already there stay."""
    target = path.parent / QUARANTINE / f"{path.stem}.bad"
    before = target.read_bytes().splitlines() if target.exists() else []
    missing = [line for line in lines if line not in before]
    if missing:
        write_atomic(target, b"".join(line + b"\n" for line in (*before, *missing)))
