"""Where documents are kept: one contract, several backends, any number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.core.values import StoredData
from trainer.stores.base import DataStore
from trainer.stores.database import DatabaseFile
from trainer.stores.heads import read_heads
from trainer.stores.registry import BACKENDS, RECORDS, create_store, store_at
from trainer.stores.values import Draft, Head, Retention, StoreStats, VersionConflict

if TYPE_CHECKING:
    from trainer.stores.duckdb_store import DuckDBStore
    from trainer.stores.hybrid_store import HybridStore
    from trainer.stores.mongodb_store import MongoDBStore
    from trainer.stores.postgresql_store import PostgreSQLStore
    from trainer.stores.redis_store import RedisStore
    from trainer.stores.sqlite_store import SQLiteStore

__all__ = [
    "BACKENDS",
    "RECORDS",
    "DataStore",
    "DatabaseFile",
    "Draft",
    "DuckDBStore",
    "Head",
    "HybridStore",
    "MongoDBStore",
    "PostgreSQLStore",
    "RedisStore",
    "Retention",
    "SQLiteStore",
    "StoreStats",
    "StoredData",
    "VersionConflict",
    "create_store",
    "read_heads",
    "store_at",
]

_CLASSES = {
    "HybridStore": "hybrid",
    "DuckDBStore": "duckdb",
    "SQLiteStore": "sqlite",
    "MongoDBStore": "mongodb",
    "PostgreSQLStore": "postgresql",
    "RedisStore": "redis",
}


def __getattr__(name: str) -> Any:
    """A backend's class by the name the specification gives it, imported on first use."""
    if name in _CLASSES:
        return BACKENDS.load(_CLASSES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
