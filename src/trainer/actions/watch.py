"""Wait for changes of what people write: bursts of them, each told once the files have been quiet for a while."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from trainer.core.errors import TrainerError
from trainer.core.project import CONFIG_NAME

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

_CHANGES = frozenset(("created", "modified", "moved", "deleted"))
_FOLDER = "information"
_UNFINISHED = ("~", ".swp", ".swx", ".tmp", ".part", ".crdownload")


def changes(root: Path, *, settle: float = 0.5) -> Generator[tuple[str, ...]]:
    """The changed files of config.yaml and information/, relative to the root, after `settle` seconds without one more.

    The first is empty and comes at once, when the watch stands, so that what is read after it is never missed.
    What changes while the caller is busy comes with the next. Close the iterator to end the watch.
    """
    paths: SimpleQueue[str] = SimpleQueue()
    observer = _observe(root, paths)
    try:
        yield ()
        while True:
            burst = _burst(paths, settle=settle)
            if _FOLDER in burst:
                _stop(observer)
                observer = _observe(root, paths)
            yield burst
    finally:
        _stop(observer)


def _burst(paths: SimpleQueue[str], *, settle: float) -> tuple[str, ...]:
    changed = {paths.get()}
    while True:
        try:
            changed.add(paths.get(timeout=settle))
        except Empty:
            return tuple(sorted(changed))


def _observe(root: Path, paths: SimpleQueue[str]) -> BaseObserver:
    """A running observer; the root is watched too, for config.yaml and for a new folder in an old one's place."""
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers import Observer

    class ChangeHandler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            for path in _changed(event, root):
                paths.put(path)

    observer = Observer()
    observer.schedule(ChangeHandler(), str(root))
    if (root / _FOLDER).is_dir():
        observer.schedule(ChangeHandler(), str(root / _FOLDER), recursive=True)
    try:
        observer.start()
    except OSError as error:
        _stop(observer)
        raise TrainerError(
            f"cannot watch {root}: {error.strerror or error}", hint="raise fs.inotify.max_user_watches and _instances"
        ) from error
    return observer


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    if observer.is_alive():
        observer.join()


def _changed(event: FileSystemEvent, root: Path) -> Iterator[str]:
    """The files an event is about, as a user would type them, where they count."""
    if event.event_type not in _CHANGES or (event.is_directory and event.event_type == "modified"):
        return
    for path in (Path(_text(name)) for name in (event.src_path, event.dest_path) if name):
        if path.is_relative_to(root) and _counts(relative := path.relative_to(root)):
            yield relative.as_posix()


def _counts(path: Path) -> bool:
    if path.as_posix() == CONFIG_NAME:
        return True
    hidden = any(part.startswith(".") for part in path.parts)
    return path.parts[:1] == (_FOLDER,) and not hidden and not path.name.endswith(_UNFINISHED)


def _text(path: bytes | str) -> str:
    return path.decode(errors="surrogateescape") if isinstance(path, bytes) else path
