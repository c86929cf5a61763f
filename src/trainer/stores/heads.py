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
from dataclasses import asdict
from pathlib import Path

from trainer.core.values import Json
from trainer.stores.registry import BACKENDS
from trainer.stores.values import Head, from_text, to_text

DATABASE_NAME = "trainer.duckdb"
_HEADS_NAME = "heads.json"
_TICK = 0.02

Stamp = list[list[int] | None]
"""Inode, size and time of the database file and of its write-ahead log; None for a file that is absent."""


def read_heads(state: Path, keys: Iterable[str], *, database_path: Path | None = None) -> dict[str, Head]:
    """The heads of those keys that exist; DuckDB is imported only if the database changed since the last call.

    `state` is the project's `.trainer` folder; `database_path` is for a database that lies elsewhere.
    """
    wanted = sorted(set(keys))
    database = database_path or state / DATABASE_NAME
    if not wanted or not database.exists():
        return {}
    heads = _kept(database)
    if heads is None or any(key not in heads for key in wanted):
        heads = _ask(database, sorted({*wanted, *(heads or {})}))
    return {key: head_from_json(heads[key]) for key in wanted if heads[key] is not None}


def _kept(database: Path) -> dict[str, Json] | None:
    content = load_kept(database)
    return content["heads"] if content and content["stamp"] == stamp_of(database) else None


def _ask(database: Path, keys: Sequence[str]) -> dict[str, Json]:
    def keep(heads: Mapping[str, Json]) -> None:
        save_kept(database, stamp_of(database), heads)

    heads: dict[str, Json] = BACKENDS.load("duckdb")(database).heads(keys, then=keep)  # imported only now
    return heads


def head_as_json(head: Head) -> dict[str, Json]:
    """The head as `heads.json` keeps it."""
    return {**asdict(head), "updated_at": to_text(head.updated_at), "confirmed_at": to_text(head.confirmed_at)}


def head_from_json(fields: Mapping[str, Json]) -> Head:
    """The head that `heads.json` kept."""
    times = {name: from_text(fields[name]) for name in ("updated_at", "confirmed_at")}
    return Head(version=fields["version"], digest=fields["digest"], ttl=fields["ttl"], **times)


def stamp_of(database: Path) -> Stamp:
    """The stamp of the database as it lies on disk now."""
    return [_stat(database), _stat(database.with_name(database.name + ".wal"))]


def carry_over(database: Path, before: Stamp, after: Stamp) -> None:
    """Keeps the heads valid over a change that concerned no document; called under the database's lock."""
    content = load_kept(database)
    if content and content["stamp"] == before and before != after:
        save_kept(database, after, content["heads"])


def load_kept(database: Path) -> dict[str, Json] | None:
    """What the file holds, none where it is absent, damaged or of another database."""
    try:
        content = json.loads(database.with_name(_HEADS_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    right = isinstance(content, dict) and isinstance(content.get("heads"), dict) and "stamp" in content
    return content if right and content.get("database") == database.name else None


def save_kept(database: Path, stamp: Stamp, heads: Mapping[str, Json]) -> None:
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
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns]
