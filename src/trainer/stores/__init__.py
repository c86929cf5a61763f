"""Where documents are kept: one contract, several backends, any number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.values import StoredData
from trainer.stores.base import Backend, DataStore
from trainer.stores.database import DatabaseFile
from trainer.stores.heads import read_heads
from trainer.stores.registry import BACKENDS, RECORD_STORES, create_store, store_at
from trainer.stores.values import DocumentWrite, Head, ReadOnly, Retention, StoreStats, VersionConflict

if TYPE_CHECKING:
    from trainer.stores.duckdb_store import DuckDBStore
    from trainer.stores.hybrid_store import HybridStore
    from trainer.stores.mongodb_store import MongoDBStore
    from trainer.stores.postgresql_store import PostgreSQLStore
    from trainer.stores.redis_store import RedisStore
    from trainer.stores.sqlite_store import SQLiteStore

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

__getattr__ = BACKENDS.face(__name__)
