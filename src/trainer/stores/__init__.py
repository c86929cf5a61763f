"""Where documents are kept: one contract, several backends, any number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face
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
    from trainer.stores.registry import BACKENDS, RECORD_STORES, create_store, store_at
    from trainer.stores.sqlite_store import SQLiteStore
    from trainer.stores.values import DocumentWrite, Head, ReadOnly, Retention, StoreStats, VersionConflict

__all__ = [
    "BACKENDS",
    "RECORD_STORES",
    "Backend",
    "DataStore",
    "DatabaseFile",
    "DocumentWrite",
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

__getattr__ = face(
    __name__,
    {
        "base": "Backend DataStore",
        "database": "DatabaseFile",
        "heads": "read_heads",
        "registry": "BACKENDS RECORD_STORES create_store store_at",
        "values": "DocumentWrite Head ReadOnly Retention StoreStats VersionConflict",
    },
    adapters="registry:BACKENDS",
)
