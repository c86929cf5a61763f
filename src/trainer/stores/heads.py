"""What a staleness check needs to know of documents, without opening the database when nothing changed.

`heads.json` beside the database holds the heads that were asked for, and the stamp the database's files had then.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trainer.core.values import Json
from trainer.stores.moments import from_text

DATABASE_NAME = "trainer.duckdb"
_HEADS_NAME = "heads.json"
_TICK = 0.02

Stamp = list[list[int] | None]
"""Inode, size and time of the database file and of its write-ahead log; None for a file that is absent."""


@dataclass(frozen=True, slots=True)
class Head:
    """The current version of a document, without its data."""

    version: int
    digest: str
    """Of the data alone."""
    updated_at: datetime
    confirmed_at: datetime
    """When the data was last stored or checked."""
    ttl: int | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the version's time to live has not run out."""
        return self.ttl is None or now < self.confirmed_at + timedelta(seconds=self.ttl)


def read_heads(state: Path, keys: Iterable[str], *, database_path: Path | None = None) -> dict[str, Head]:
    """The heads of those keys that exist; DuckDB is imported only if the database changed since the last call.

    `state` is the project's `.trainer` folder; `database_path` is for a database that lies elsewhere.
    """
    wanted = sorted(set(keys))
    database = database_path or state / DATABASE_NAME
    if not wanted or not database.exists():
        return {}
    kept = _kept(database)
    if kept is None or any(key not in kept for key in wanted):
        kept = _ask(database, sorted({*wanted, *(kept or {})}))
    return {key: _head(kept[key]) for key in wanted if kept[key] is not None}


def stamp_of(database: Path) -> Stamp:
    """The stamp of the database as it lies on disk now."""
    return [_stat(database), _stat(database.with_name(database.name + ".wal"))]


def carry_over(database: Path, before: Stamp, after: Stamp) -> None:
    """Keeps the heads valid over a change that concerned no document; called under the database's lock."""
    content = _load(database)
    if content and content["stamp"] == before and before != after:
        _save(database, after, content["heads"])


def _kept(database: Path) -> dict[str, Json] | None:
    content = _load(database)
    return content["heads"] if content and content["stamp"] == stamp_of(database) else None


def _ask(database: Path, keys: Sequence[str]) -> dict[str, Json]:
    from trainer.stores.duckdb_store import DuckDBStore  # so that a check without changes stays without DuckDB

    def keep(heads: Mapping[str, Json]) -> None:
        _save(database, stamp_of(database), heads)

    return DuckDBStore(database).heads(keys, then=keep)


def _load(database: Path) -> dict[str, Json] | None:
    try:
        content = json.loads(database.with_name(_HEADS_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    right = isinstance(content, dict) and isinstance(content.get("heads"), dict) and "stamp" in content
    return content if right and content.get("database") == database.name else None


def _save(database: Path, stamp: Stamp, heads: Mapping[str, Json]) -> None:
    """Replaces the file in one step, without fsync: a cache torn by a power cut is no JSON and counts as absent."""
    _outlast_tick(stamp)
    content = json.dumps({"database": database.name, "stamp": stamp, "heads": heads}, separators=(",", ":"))
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(prefix=".heads.", dir=database.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        os.replace(name, database.with_name(_HEADS_NAME))


def _outlast_tick(stamp: Stamp) -> None:
    """Waits until a later change must get another time: file times move in ticks of the kernel's clock."""
    newest = max((entry[2] for entry in stamp if entry), default=0)
    time.sleep(min(_TICK, max(0.0, newest / 1e9 + _TICK - time.time())))


def _stat(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def _head(kept: Mapping[str, Json]) -> Head:
    times = {name: from_text(kept[name]) for name in ("updated_at", "confirmed_at")}
    return Head(version=kept["version"], digest=kept["digest"], ttl=kept["ttl"], **times)


def head_as_json(head: Head) -> dict[str, Json]:
    """The head as `heads.json` keeps it."""
    from trainer.stores.moments import to_text

    return {**asdict(head), "updated_at": to_text(head.updated_at), "confirmed_at": to_text(head.confirmed_at)}
