"""Where documents are kept: one contract, several backends, any number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.core.faces import lazy_face
from trainer.core.values import StoredData

if TYPE_CHECKING:
    from trainer.stores.base import Backend, DataStore
    from trainer.stores.database import DatabaseFile
    from trainer.stores.duckdb_store import DuckDBStore
    from trainer.stores.heads import read_heads
    from trainer.stores.hybrid_store import HybridStore
    from trainer.stores.mongodb_store import MongoDBStore
    from trainer.stores.postgresql_store import PostgreSQLStore
    from trainer.stores.redis_store import RedisStore
    from trainer.stores.registry import BACKENDS, RECORDS, create_store, store_at
    from trainer.stores.sqlite_store import SQLiteStore
    from trainer.stores.values import Draft, Head, ReadOnly, Retention, StoreStats, VersionConflict

__all__ = [
    "BACKENDS",
    "RECORDS",
    "Backend",
    "DataStore",
    "DatabaseFile",
    "Draft",
    "DuckDBStore",
    "Head",
    "HybridStore",
    "MongoDBStore",
    "PostgreSQLStore",
    "ReadOnly",
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

_BACKENDS = {
    "HybridStore": "hybrid",
    "DuckDBStore": "duckdb",
    "SQLiteStore": "sqlite",
    "MongoDBStore": "mongodb",
    "PostgreSQLStore": "postgresql",
    "RedisStore": "redis",
}
_MODULES = {
    "base": ("Backend", "DataStore"),
    "database": ("DatabaseFile",),
    "heads": ("read_heads",),
    "registry": ("BACKENDS", "RECORDS", "create_store", "store_at"),
    "values": ("Draft", "Head", "ReadOnly", "Retention", "StoreStats", "VersionConflict"),
}
_face = lazy_face(__name__, {name: module for module, names in _MODULES.items() for name in names})


def __getattr__(name: str) -> Any:
    """A name of the face, imported on first use; a backend's class says which extra it needs where that is missing."""
    return _face("BACKENDS").load(_BACKENDS[name]) if name in _BACKENDS else _face(name)
