"""The backends by name, and how one is made from settings."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import UsageError, unknown
from trainer.core.registry import Adapter, Registry

if TYPE_CHECKING:
    from trainer.stores.base import DataStore

BACKENDS = Registry(
    "stores",
    {
        "duckdb": Adapter("trainer.stores.duckdb_store:DuckDBStore"),
        "sqlite": Adapter("trainer.stores.sqlite_store:SQLiteStore"),
        "postgresql": Adapter("trainer.stores.postgresql_store:PostgreSQLStore", extra="postgres", needs="psycopg"),
        "hybrid": Adapter("trainer.stores.hybrid_store:HybridStore", extra="redis"),
        "mongodb": Adapter("trainer.stores.mongodb_store:MongoDBStore", extra="mongo", needs="pymongo"),
        "redis": Adapter("trainer.stores.redis_store:RedisStore", extra="redis"),
    },
)

RECORD_STORES = Registry(
    "records",
    {
        "ducklake": Adapter("trainer.stores.lake:Lake", extra="ducklake", needs="psycopg"),
        "postgresql": Adapter(
            "trainer.stores.postgresql_database:PostgreSQLDatabase", extra="postgres", needs="psycopg"
        ),
    },
)
"""What keeps other things than documents: a room's own tables, and long history."""


def create_store(name: str, *, clock: Clock = system_clock, **options: Any) -> DataStore:
    """A store of the backend `name`; nothing is opened or created before its first use.

    Options are the parameters of the backend's class, as the section `data_store` of config.yaml names them
    (`connection_string`, `database`, `database_path`); those that are None are left to their defaults.
    Raises UsageError for an unknown backend or option, MissingExtra where its driver is not installed.
    """
    backend = BACKENDS.load(name)
    parameters = [parameter for parameter in inspect.signature(backend).parameters if parameter != "clock"]
    chosen = {option: value for option, value in options.items() if value is not None}
    for option in chosen:
        if option not in parameters:
            message, hint = unknown(f"option of the {name} store", option, parameters)
            raise UsageError(message, hint=hint)
    store: DataStore = backend(clock=clock, **chosen)
    return store


def store_at(url: str, *, clock: Clock = system_clock) -> DataStore:
    """The store that a URL names: `duckdb:PATH`, `sqlite:PATH`, `postgresql://…`, `mongodb://…` or `redis://…`."""
    scheme, _, rest = url.partition(":")
    if scheme in ("duckdb", "sqlite"):
        return create_store(scheme, clock=clock, database_path=rest.removeprefix("//"))
    backend = _SCHEMES.get(scheme)
    if backend is None:
        message, hint = unknown("kind of store", scheme, ("duckdb", "sqlite", *_SCHEMES))
        raise UsageError(message, hint=f"{hint}; write it like postgresql://host/database or sqlite:store.db")
    return create_store(backend, clock=clock, connection_string=url)


_SCHEMES = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
    "redis": "redis",
    "rediss": "redis",
}
