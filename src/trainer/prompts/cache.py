"""Rendered prompts in memory: the least recently used go first, each lives for a while, and none outlives its files."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trainer.core.clock import Clock, system_clock
from trainer.core.digest import digest, digest_bytes


@dataclass(frozen=True, slots=True)
class _Entry:
    """A kept text."""

    content: str
    expires: datetime | None
    files: tuple[Path, ...]
    made_of: str
    """The digest of all that the files held."""


class PromptCache:
    """At most `size` texts; each is given back only while its time runs and every file it came from is unchanged.

    A folder counts as a file that holds its listing. Files are compared by content: an edit within the clock's tick
    is seen too. Safe for threads.
    """

    def __init__(self, *, size: int = 256, ttl: float | None = 3600, clock: Clock = system_clock) -> None:
        self.size = size
        self.ttl = ttl
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        """The text kept under `name`, or None where there is none that still holds."""
        with self._lock:
            entry = self._entries.get(name)
        if entry is None:
            return None
        is_old = entry.expires is not None and self._clock() >= entry.expires
        if is_old or _made_of(entry.files) != entry.made_of:
            self.drop(name, entry)
            return None
        with self._lock:
            if self._entries.get(name) is entry:
                self._entries.move_to_end(name)
        return entry.content

    def put(
        self,
        name: str,
        content: str,
        *,
        ttl: float | None = None,
        files: Sequence[Path] = (),
        stamp: str | None = None,
    ) -> None:
        """Keeps a text for `ttl` seconds, else for the cache's own time; `files` are those it was made from.

        `stamp` is what `stamp(files)` gave before they were read: should one have changed meanwhile, the text is
        never given back. Without it they are taken to be as they were.
        """
        seconds = self.ttl if ttl is None else ttl
        expires = None if seconds is None else self._clock() + timedelta(seconds=seconds)
        entry = _Entry(content, expires, tuple(files), stamp or _made_of(tuple(files)))
        with self._lock:
            self._entries[name] = entry
            self._entries.move_to_end(name)
            while len(self._entries) > self.size:
                self._entries.popitem(last=False)

    def stamp(self, files: Sequence[Path]) -> str:
        """What the files hold now, as a digest."""
        return _made_of(tuple(files))

    def drop(self, name: str, entry: object = None) -> None:
        """Forgets the text kept under `name`; with `entry`, only if it is still that one."""
        with self._lock:
            if entry is None or self._entries.get(name) is entry:
                self._entries.pop(name, None)

    def __len__(self) -> int:
        return len(self._entries)


def _made_of(files: tuple[Path, ...]) -> str:
    return digest([_content(path) for path in files])


def _content(path: Path) -> str | list[str] | None:
    if path.is_dir():
        return sorted(entry.relative_to(path).as_posix() for entry in path.rglob("*"))
    try:
        return digest_bytes(path.read_bytes())
    except OSError:
        return None
