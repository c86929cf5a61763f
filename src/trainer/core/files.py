"""Files are written whole or not at all, and left untouched when their content would not change."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from trainer.core.errors import TrainerError, UsageError, Where


def write_atomic(path: Path, content: bytes | str, *, is_durable: bool = True) -> bool:
    """Whether the file changed: it is replaced in one step, or not touched when it already holds `content`.

    A crash, a full disk or a read-only folder leaves the old file as it was; raises TrainerError for those.
    What can be made again need not be `durable`: after a loss of power it may be missing or torn.
    """
    payload = content.encode("utf-8") if isinstance(content, str) else content
    try:
        if _holds(path, payload):
            return False
        _replace(path, [payload], is_durable=is_durable)
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Replace the file in one step by what is too large to be held whole; it stays as it was where `pieces` raises."""
    try:
        _replace(path, pieces)
    except OSError as error:
        raise _unwritable(path, error) from error


def read_text(path: Path, *, shown: str | None = None) -> str:
    """The text of a UTF-8 file, line ends as LF and a byte order mark dropped; raises UsageError naming it `shown`."""
    where = Where(shown or str(path))
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UsageError("there is no such file", where=where) from None
    except OSError as error:
        raise UsageError(f"cannot read: {error.strerror or error}", where=where) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise UsageError(
            f"not UTF-8 text (byte 0x{content[error.start]:02x})",
            where=Where(where.path, line, column),
            hint="save the file as UTF-8",
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


FileStamp = tuple[int, int, int, int]
"""Size, time of the last write, time of the last change of any kind, and number of a file."""

_SETTLED_NS = 2_000_000_000
"""The coarsest clock of a file system that is still about ticks every 2 s (FAT)."""


def file_stamp(path: Path | str, *, before: float) -> FileStamp | None:
    """What tells that a file is the one it was without reading it; None where nothing does, or there is no file.

    A program can set back the time of the last write, not that of the last change. That says nothing of two changes in
    one tick of the clock, so a file that changed shortly before `before`, in seconds since 1970, has no stamp yet.
    """
    try:
        status = os.stat(path)  # noqa: PTH116  (half as long as Path.stat, of tens of thousands of files)
    except (OSError, ValueError):
        return None
    if os.name == "nt" or status.st_ctime_ns > before * 1e9 - _SETTLED_NS:  # Windows tells when it was created
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _holds(path: Path, payload: bytes) -> bool:
    try:
        return path.stat().st_size == len(payload) and path.read_bytes() == payload
    except FileNotFoundError:
        return False


def _unwritable(path: Path, error: OSError) -> TrainerError:
    hint = "free some space or make the folder writable, then run the same command again"
    return TrainerError(f"cannot write: {error.strerror or error}", where=Where(str(path)), hint=hint)


def _replace(path: Path, pieces: Iterable[bytes], *, is_durable: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    if is_durable:
        sync_folder(path.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Make sure that a folder's entries outlive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
