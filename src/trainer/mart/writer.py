"""The thread that empties a tracker's queue into its process's segment."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.core.appendlog import try_lock
from trainer.core.clock import Clock
from trainer.core.files import sync_folder
from trainer.mart.events import ExecutionEvent, Mask, encode
from trainer.mart.spool import MAX_BYTES, segment_name, total_bytes

Durability = Literal["fast", "safe"]

TICK = 0.01
"""Seconds between two writes: what a killed process can lose, as long as the thread gets its turn."""
LAG = 50_000
"""Microseconds after which a caller sees that the thread did not get its turn, and writes by itself."""
SEGMENT_SECONDS = 0.5
SEGMENT_ROWS = 5_000
_BATCH = 250
_STALLED = 1.0
_STALLED_SAFE = 10.0
"""Seconds in which nothing is written before `close` gives up on the disk."""
_MOST_PENDING = 64 << 20
_RETRY = 1.0


@dataclass
class Counts:
    """What a tracker did so far."""

    recorded: int = 0
    written: int = 0
    lost: int = 0
    """Records that could not be written: the disk stayed full, or the spool reached its cap."""
    spilled: int = 0
    """Times a caller wrote by itself because the queue was full."""


def warn(message: str) -> None:
    """Say something on stderr; the default way a tracker is loud."""
    sys.stderr.write(f"warning: {message}\n")


class SpoolWriter:
    """Owns the queue, the thread and the open segment of one process."""

    def __init__(
        self,
        spool_dir: Path,
        *,
        clock: Clock,
        durability: Durability,
        mask: Mask | None,
        warn: Callable[[str], None],
        token: str,
        counts: Counts,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.queue: deque[ExecutionEvent] = deque()
        self.counts = counts
        self.wake = threading.Event()
        self._spool_dir = spool_dir
        self._clock = clock
        self._safe = durability == "safe"
        self._mask = mask
        self._warn = warn
        self._token = token
        self._max_bytes = max_bytes
        self._host = platform.node()
        self._pid = os.getpid()
        self._io = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._beats = 0
        self._pending = b""
        self._handle: int | None = None
        self._path: Path | None = None
        self._number = 0
        self._rows = 0
        self._opened = 0.0
        self._warned: set[str] = set()

    def begin(self) -> None:
        """Start the thread, if it does not run yet."""
        with self._io:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="mart-writer", daemon=True)
                self._thread.start()

    def spill(self) -> None:
        """Write what is queued in the caller's own time."""
        self.counts.spilled += 1
        with self._io:
            self._flush()

    def catch_up(self) -> None:
        """Write what is queued, unless the thread is just doing so."""
        if self._io.acquire(blocking=False):
            try:
                self._flush()
            finally:
                self._io.release()

    def close(self) -> None:
        """Write what is left and finish the segment; gives up on a disk that does not answer."""
        self._stopped = True
        self.wake.set()
        beats = -1
        while not self._io.acquire(timeout=_STALLED_SAFE if self._safe else _STALLED):
            if beats == self._beats:
                self._tell("slow", "the disk does not answer; the last records of this run may be missing")
                return
            beats = self._beats
        try:
            self._flush()
            self._finish()
            if self._pending:
                unwritten = self._pending.count(b"\n")
                self.counts.lost += unwritten
                self._tell("end", f"{unwritten} records of this run could not be written")
        finally:
            self._io.release()

    def abandon(self) -> None:
        """After a fork: leave queue and segment to the parent."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle = None
        self._stopped = True

    def _run(self) -> None:
        while not self._stopped:
            self.wake.wait(SEGMENT_SECONDS if self._handle is not None else None)
            self.wake.clear()
            with self._io:
                self._flush()
                if self._handle is not None and time.monotonic() - self._opened >= SEGMENT_SECONDS:
                    self._finish()
            if not self._stopped:
                time.sleep(_RETRY if self._pending else TICK)
            if self._pending:
                self.wake.set()

    def _flush(self) -> None:
        """Append all that is queued; holds the lock."""
        while self.queue:
            count = min(len(self.queue), _BATCH)
            events = [self.queue.popleft() for _ in range(count)]
            self._append(b"".join(encode(events, mask=self._mask, pid=self._pid, host=self._host)), count)
            self._beats += 1
        if self._pending:
            self._append(b"", 0)

    def _append(self, content: bytes, rows: int) -> None:
        self._pending += content
        self._rows += rows
        try:
            self._write()
        except OSError as error:
            self._tell("disk", f"records cannot be written to {self._spool_dir}: {error.strerror or error}; retrying")
            if len(self._pending) > _MOST_PENDING:
                self._forget()
            return
        if self._rows >= SEGMENT_ROWS:
            self._finish()

    def _write(self) -> None:
        if self._handle is None:
            self._open()
        assert self._handle is not None
        while self._pending:
            size = os.write(self._handle, self._pending)
            self.counts.written += self._pending.count(b"\n", 0, size)
            self._pending = self._pending[size:]
        if self._safe:
            os.fsync(self._handle)

    def _open(self) -> None:
        """A new segment under a lock of its own; another process may have adopted it in between, then the next one."""
        self._spool_dir.mkdir(parents=True, exist_ok=True)
        # the spool is measured now and then: with thousands of segments that takes a while
        if self._number % 20 == 0 and total_bytes(self._spool_dir) > self._max_bytes:
            raise OSError(0, f"the spool holds more than {self._max_bytes >> 20} MB; run: trainer mart executions")
        for _ in range(100):
            path = self._spool_dir / f"{segment_name(self._clock(), self._pid, self._token, self._number)}.open"
            self._number += 1
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666)
            if try_lock(handle) and path.exists():
                self._handle, self._path, self._opened = handle, path, time.monotonic()
                if self._safe:
                    sync_folder(self._spool_dir)
                return
            os.close(handle)
        raise OSError(0, "no segment could be locked")

    def _finish(self) -> None:
        """Hand the segment over; an unfinished line keeps it open."""
        if self._handle is None or self._path is None or self._pending:
            return
        with contextlib.suppress(OSError):
            self._path.rename(self._path.with_suffix(".ready"))
        os.close(self._handle)
        self._handle = self._path = None
        self._rows = 0

    def _forget(self) -> None:
        """Give up what waits for a disk that stays full, from the second line on: the first may be half written."""
        head, newline, rest = self._pending.partition(b"\n")
        given_up = rest.count(b"\n")
        self._pending = head + newline
        self.counts.lost += given_up
        self._tell("lost", f"{given_up} records were given up: the disk stays full")

    def _tell(self, about: str, message: str) -> None:
        if about not in self._warned:
            self._warned.add(about)
            with contextlib.suppress(Exception):
                self._warn(message)
