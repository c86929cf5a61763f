"""A file lock between processes and threads: first come, first served, and it dies with its holder.

Byte 0 of the lock file guards the counter of tickets, byte 1 is the lock itself, and byte 16 + n belongs to ticket n:
each comer locks its own and waits until all bytes before it are free. The system drops a dead process's locks, so a
crash in the queue changes nothing for the others.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from trainer.core.errors import StoreError, Where
from trainer.stores.values import ReadOnly

_COUNTER, _LOCK, _TICKETS = 0, 1, 16
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.01
_NETWORK = re.compile(
    r"(fuse\.)?(nfs4?|cifs|smb3|smbfs|afs|coda|ceph|lustre|gpfs|gfs2|ocfs2|beegfs|sshfs|s3fs|rclone|gcsfuse|glusterfs|davfs2?)"
)
_OCTAL = re.compile(r"\\([0-7]{3})")


@contextlib.contextmanager
def file_lock(path: Path, *, timeout: float) -> Iterator[None]:
    """Holds the lock of the file `path`; raises StoreError naming the holder after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    with _turn(path, deadline):
        handle = _open(path)
        try:
            _queue(handle, path, deadline)
            _write_holder(path)
            yield
        finally:
            os.close(handle)


def holder(path: Path) -> str | None:
    """The process that took the lock last, as `PID 123 (trainer report)`; None if it was never taken."""
    try:
        return _holder_file(path).read_text(errors="replace").strip() or None
    except OSError:
        return None


def refuse_network(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> None:
    """Raises StoreError if the folder lies on a network file system; systems without `mounts` are trusted."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = kind_of(folder.resolve(), lines)
    if _NETWORK.fullmatch(kind):
        raise StoreError(
            f"the database would lie on a network file system ({kind}), where file locks do not hold",
            where=Where(str(folder)),
            hint="set data_store.database_path to a folder on a local disk, or data_store.backend to postgresql",
        )


def is_read_only(path: Path) -> bool:
    """Whether a file can be neither changed nor made, as in a read-only checkout."""
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    return not os.access(path if path.exists() else folder, os.W_OK) or not os.access(folder, os.W_OK)


def kind_of(folder: Path, mountinfo: str) -> str:
    """The type of the file system that holds `folder`, by the longest mount point above it; empty if none is."""
    longest, kind = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        if folder.is_relative_to(point) and len(point.parts) >= longest:
            longest, kind = len(point.parts), after.split(" ")[0]
    return kind


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        kind = ReadOnly if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else StoreError
        raise kind(
            f"cannot open the lock file: {error.strerror or error}",
            where=Where(str(path)),
            hint="make the folder writable, or free some space",
        ) from error


def _queue(handle: int, path: Path, deadline: float) -> None:
    ticket = _take_ticket(handle, path, deadline)
    if ticket > 0:
        _wait(handle, _TICKETS, path, deadline, length=ticket)
        fcntl.lockf(handle, fcntl.LOCK_UN, ticket, _TICKETS)
    _wait(handle, _LOCK, path, deadline)


def _take_ticket(handle: int, path: Path, deadline: float) -> int:
    _wait(handle, _COUNTER, path, deadline)
    last = os.pread(handle, 20, 0).strip(b"\0 \n")
    ticket = int(last) + 1 if last.isdigit() else 0
    fcntl.lockf(handle, fcntl.LOCK_EX, 1, _TICKETS + ticket)
    os.pwrite(handle, b"%20d\n" % ticket, 0)
    fcntl.lockf(handle, fcntl.LOCK_UN, 1, _COUNTER)
    return ticket


def _wait(handle: int, place: int, path: Path, deadline: float, *, length: int = 1) -> None:
    pause = _FIRST_PAUSE
    while True:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, length, place)
            return
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= deadline:
                raise _too_long(path) from None
        except OSError as error:
            raise StoreError(
                f"cannot lock: {error.strerror or error}",
                where=Where(str(path)),
                hint="put the database on a local disk whose file system has locks",
            ) from error
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _write_holder(path: Path) -> None:
    command = " ".join([Path(sys.argv[0]).name or "python", *sys.argv[1:3]])
    with contextlib.suppress(OSError):  # a full disk must not keep anyone from reading
        _holder_file(path).write_text(f"PID {os.getpid()} ({command[:200]})\n", errors="replace")


def _holder_file(path: Path) -> Path:
    """A file of its own: closing the lock file anywhere in a process drops all of the process's locks on it."""
    return path.with_name(path.name + ".holder")


def _too_long(path: Path) -> StoreError:
    return StoreError(
        f"the database is held by {holder(path) or 'another process'}, and waiting for it took too long",
        where=Where(str(path)),
        hint="wait until that process is done, or end it if it hangs; a crash of it harms nothing",
    )


class _Line:
    """The threads of this process that want one lock file, in the order they came."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.waiting: deque[threading.Event] = deque()
        self.owner: int | None = None


_lines: dict[Path, _Line] = {}
# A forked child starts with empty lines: the threads that stood in them are not in it.
os.register_at_fork(after_in_child=_lines.clear)


@contextlib.contextmanager
def _turn(path: Path, deadline: float) -> Iterator[None]:
    """One thread of this process at a time; POSIX locks belong to processes, so threads need their own queue."""
    line = _lines.setdefault(path.absolute(), _Line())
    if line.owner == threading.get_ident():
        raise StoreError("the database is already open in this thread", hint="finish one operation before the next")
    _step_in(line, path, deadline)
    try:
        yield
    finally:
        _step_out(line)


def _step_in(line: _Line, path: Path, deadline: float) -> None:
    ready = threading.Event()
    with line.guard:
        line.waiting.append(ready)
        line.waiting[0].set()
    try:
        in_time = ready.wait(max(0.0, deadline - time.monotonic()))
    except BaseException:
        _leave(line, ready)
        raise
    if not in_time:
        _leave(line, ready)
        raise _too_long(path)
    line.owner = threading.get_ident()


def _leave(line: _Line, ready: threading.Event) -> None:
    with line.guard:
        line.waiting.remove(ready)
        if line.waiting:
            line.waiting[0].set()


def _step_out(line: _Line) -> None:
    line.owner = None
    _leave(line, line.waiting[0])
