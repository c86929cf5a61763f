"""Append-only logs: one JSON record a line, shared by processes through a lock, whole again after a crash.

>>> log = AppendLog(Path("ledger.jsonl"))       # doctest: +SKIP
>>> log.append({"do": "reserve", "usd": 0.02})  # doctest: +SKIP
>>> with log.locked() as ledger:                # doctest: +SKIP
...     lines, end = ledger.read(offset)        # what others have added since
...     ledger.append({"do": "settle"})         # nobody else writes in between

A line counts once its newline is there. What a killed process left behind the last newline is cut off by the next one
that appends; readers never see it. The lock is the system's: it ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trainer.core.digest import canonical
from trainer.core.errors import TrainerError, Where
from trainer.core.files import write_atomic
from trainer.core.values import Json

Sync = Callable[[int], None]

_HINT = "free some space or make the folder writable, then run the same command again"


@dataclass(frozen=True, slots=True)
class AppendLog:
    """A log at `path`; the file and its folder are made by the first append."""

    path: Path
    sync: Sync | None = os.fsync
    """Puts an open file on the disk; with None an append returns before it is there."""
    hint: str = _HINT
    """What to do where the log cannot be written."""

    def lines(self) -> list[bytes]:
        """All whole lines; none where there is no file. Takes no lock, so a read-only checkout can be read."""
        try:
            return _whole(self.path.read_bytes())
        except FileNotFoundError:
            return []

    def records(self) -> list[Json]:
        """The records of all whole lines; a line that is no JSON, as a full disk may leave it, is passed over."""
        return parse_records(self.lines())

    def append(self, *records: Json) -> None:
        """Add records as one block: all of them are there afterwards, or none after a crash in between."""
        with self.locked() as log:
            log.append(*records)

    def rewrite(self, records: Iterable[Json]) -> None:
        """Replace the whole log in one step; only under `locked`, and nothing is appended under the same lock after."""
        write_atomic(self.path, _encoded(records))

    @contextlib.contextmanager
    def locked(self) -> Iterator[LockedLog]:
        """The log for this process and thread alone. Raises TrainerError where it cannot be written."""
        try:
            handle = self._open()
            try:
                yield LockedLog(handle, self.sync)
            finally:
                os.close(handle)
        except OSError as error:
            raise TrainerError(
                f"cannot write: {error.strerror or error}", where=Where(str(self.path)), hint=self.hint
            ) from error

    def _open(self) -> int:
        """The file, locked, its torn tail cut off; opened again where it was replaced while we waited for the lock."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if is_same_file(handle, self.path):
                    _cut_torn_tail(handle)
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)


@dataclass(frozen=True, slots=True)
class LockedLog:
    """A log while its lock is held."""

    handle: int
    sync: Sync | None

    def read(self, offset: int = 0) -> tuple[list[bytes], int]:
        """The whole lines from `offset` on, and the offset behind them, where the next read goes on."""
        size = os.fstat(self.handle).st_size
        return _whole(os.pread(self.handle, size - offset, offset)) if size > offset else [], size

    def append(self, *records: Json) -> int:
        """Add records; the offset behind them."""
        return self.write(_encoded(records))

    def write(self, lines: bytes) -> int:
        """Add lines that are encoded already, each with its newline; the offset behind them."""
        before = os.fstat(self.handle).st_size
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self.handle, rest) :]
            if self.sync:
                self.sync(self.handle)
        except BaseException:
            with contextlib.suppress(OSError):  # half a block is no record: the log stays as it was
                os.ftruncate(self.handle, before)
            raise
        return before + len(lines)


def parse_records(lines: Iterable[bytes]) -> list[Json]:
    """The records in lines; those that are no JSON are passed over."""
    records = []
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            records.append(json.loads(line))
    return records


def try_lock(handle: int) -> bool:
    """Whether an open file's lock could be had at once; it is held until the file is closed or the process ends."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether a living process holds the file's lock; not where there is no such file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not try_lock(handle)
    finally:
        os.close(handle)


def _encoded(records: Iterable[Json]) -> bytes:
    return b"".join(f"{canonical(record)}\n".encode("utf-8", "surrogatepass") for record in records)


def _whole(content: bytes) -> list[bytes]:
    return content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]


def is_same_file(handle: int, path: Path) -> bool:
    """Whether an open file is still the one at `path`, not one that was removed or replaced meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _cut_torn_tail(handle: int) -> None:
    """Cut off what stands behind the last newline; read backwards, for a log may be long and its tail is short."""
    size = end = os.fstat(handle).st_size
    while end:
        start = max(0, end - 65_536)
        newline = os.pread(handle, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(handle, end)
