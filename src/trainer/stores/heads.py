"""What a staleness check needs to know of documents, without opening the database when nothing changed.

`heads.json` beside the database holds the heads that were asked for, and the stamp the database's files had then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from trainer.core.values import Json
from trainer.stores.head import Head, head_from_json
from trainer.stores.stamp import load_kept, save_kept, stamp_of

DATABASE_NAME = "trainer.duckdb"


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
    return {key: head_from_json(kept[key]) for key in wanted if kept[key] is not None}


def _kept(database: Path) -> dict[str, Json] | None:
    content = load_kept(database)
    return content["heads"] if content and content["stamp"] == stamp_of(database) else None


def _ask(database: Path, keys: Sequence[str]) -> dict[str, Json]:
    from trainer.stores.duckdb_store import DuckDBStore  # so that a check without changes stays without DuckDB

    def keep(heads: Mapping[str, Json]) -> None:
        save_kept(database, stamp_of(database), heads)

    return DuckDBStore(database).heads(keys, then=keep)
