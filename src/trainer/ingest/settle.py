"""Files of watched folders, once they have come to rest: no half copy is ever read.

A file has settled when its size and time have not changed for a while, no program has it open for writing, and its name
is not one that programs give to what they have not finished.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from trainer.core.errors import TrainerError

_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".swp", ".swx", ".filepart", "~")
_RESCAN = 60.0
"""Seconds after which folders are gone through again: network drives tell of no changes, and queues overflow."""
_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class _State:
    """A file as it was when it was last looked at."""

    size: int
    modified: int
    since: float
    """When it was first seen so, in seconds of the monotonic clock."""


def list_files(paths: Iterable[Path]) -> Iterator[Path]:
    """All files at the paths, folders with all that is in them, in order of name; hidden and unfinished ones left out.

    Links to folders are not followed, so that no ring of them is gone round in.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(folder, name) for name in sorted(names) if _counts(name))


def settled_files(folders: Sequence[Path], *, settle: float, stop: threading.Event) -> Iterator[list[Path]]:
    """Batches of files as they settle, those that are there already first; ends when `stop` is set.

    The same file comes again when it changes; what was filed of it before is for the caller to know.
    """
    changed: SimpleQueue[Path] = SimpleQueue()
    observer = _observe(folders, changed)
    pending: dict[Path, _State] = {}
    done: dict[Path, tuple[int, int]] = {}
    rescan = 0.0
    try:
        while not stop.is_set():
            if time.monotonic() >= rescan:
                rescan = time.monotonic() + _RESCAN
                for path in list_files(folders):
                    _look(path, pending, done)
            with contextlib.suppress(Empty):
                _look(changed.get(timeout=_LOOK), pending, done)
                while True:
                    _look(changed.get_nowait(), pending, done)
            ready = _ready(pending, settle)
            for path in ready:
                state = pending.pop(path)
                done[path] = (state.size, state.modified)
            if ready:
                yield sorted(ready)
    finally:
        observer.stop()
        if observer.is_alive():
            observer.join()


def _look(path: Path, pending: dict[Path, _State], done: dict[Path, tuple[int, int]]) -> None:
    """Note a file that is new or changed."""
    if not _counts(path.name):
        return
    with contextlib.suppress(OSError):
        status = path.stat()
        if (
            stat.S_ISREG(status.st_mode)
            and done.get(path) != (status.st_size, status.st_mtime_ns)
            and path not in pending
        ):
            pending[path] = _State(status.st_size, status.st_mtime_ns, time.monotonic())


def _ready(pending: dict[Path, _State], settle: float) -> list[Path]:
    """The files that have not changed for `settle` seconds; the others are looked at anew."""
    now = time.monotonic()
    due = [path for path, state in pending.items() if now - state.since >= settle]
    if not due:
        return []
    written = _open_for_writing()
    ready = []
    for path in due:
        try:
            status = path.stat()
        except OSError:  # gone again
            del pending[path]
            continue
        state = pending[path]
        if (status.st_size, status.st_mtime_ns) != (state.size, state.modified) or (
            status.st_dev,
            status.st_ino,
        ) in written:
            pending[path] = _State(status.st_size, status.st_mtime_ns, now)
        else:
            ready.append(path)
    return ready


def _open_for_writing() -> set[tuple[int, int]]:
    """Device and inode of all files that programs of this user write at now; empty where the system does not tell."""
    written: set[tuple[int, int]] = set()
    with contextlib.suppress(OSError):
        processes = [path for path in Path("/proc").iterdir() if path.name.isdigit() and path.name != str(os.getpid())]
        for process in processes:
            with contextlib.suppress(OSError):
                for handle in (process / "fd").iterdir():
                    with contextlib.suppress(OSError, ValueError):
                        status = handle.stat()
                        if stat.S_ISREG(status.st_mode) and _writes(process / "fdinfo" / handle.name):
                            written.add((status.st_dev, status.st_ino))
    return written


def _writes(info: Path) -> bool:
    flags = next(line for line in info.read_text(encoding="ascii").splitlines() if line.startswith("flags:"))
    return bool(int(flags.split()[1], 8) & (os.O_WRONLY | os.O_RDWR))


def _counts(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(_UNFINISHED) and not name.startswith("~$")


def _observe(folders: Sequence[Path], changed: SimpleQueue[Path]) -> Any:
    """A running observer that puts each path that something happens to in the queue."""
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    class ArrivalHandler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            for name in (event.src_path, event.dest_path):
                if name and event.event_type in ("created", "modified", "moved", "closed"):
                    path = Path(os.fsdecode(name))
                    for file in list_files([path]) if path.is_dir() else [path]:
                        changed.put(file)

    observer = Observer()
    for folder in folders:
        observer.schedule(ArrivalHandler(), str(folder), recursive=True)
    try:
        observer.start()
    except OSError as error:
        observer.stop()
        raise TrainerError(
            f"cannot watch: {error.strerror or error}", hint="raise fs.inotify.max_user_watches and _instances"
        ) from error
    return observer
