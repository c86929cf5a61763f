"""The backends that tests of the stores room run on, each empty and with a clock that tests move."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from servers.mongodb import REPLICA_SET, mongodb_url
from trainer.stores import DataStore, create_store
from trainer.stores.match import view_of
from trainer.stores.pipeline import leading_match, rows_of, run_stages


@dataclass
class Bench:
    """A store and the clock it lives by."""

    options: dict[str, str]
    """What makes the store, for other processes."""
    large: int = 10_000_000
    """Letters of a large document."""
    moment: datetime = datetime(2025, 2, 14, 12, tzinfo=UTC)
    store: DataStore = field(init=False)

    def now(self) -> datetime:
        return self.moment

    def pass_time(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def run_pipeline(stages, scan) -> list[dict]:
    """What plain Python makes of the documents that `scan` gives for the first `$match`."""
    where, rest = leading_match(stages)
    return rows_of(stages, run_stages(rest, map(view_of, scan(where))))


@contextmanager
def duckdb_bench(folder: Path) -> Iterator[Bench]:
    yield _bench("duckdb", {"database_path": str(folder / "trainer.duckdb")})


def _bench(backend: str, options: dict[str, str]) -> Bench:
    bench = Bench(options)
    bench.store = create_store(backend, clock=bench.now, **options)
    return bench


@contextmanager
def sqlite_bench(folder: Path) -> Iterator[Bench]:
    yield _bench("sqlite", {"database_path": str(folder / "trainer.sqlite")})


@contextmanager
def postgresql_bench(folder: Path) -> Iterator[Bench]:
    """A schema of its own in the database at TRAINER_TEST_POSTGRES, dropped afterwards."""
    url = os.environ.get("TRAINER_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
    psycopg = pytest.importorskip("psycopg", reason='NOT TESTED on PostgreSQL: pip install "trainer-core[postgres]"')
    schema = f"trainer_test_{uuid.uuid4().hex}"
    try:
        admin = psycopg.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError:
        pytest.skip("NOT TESTED on PostgreSQL: start one and set TRAINER_TEST_POSTGRES=postgresql://user@host/database")
    with admin:
        admin.execute(f"CREATE SCHEMA {schema}")
        joiner = "&" if "?" in url else "?"
        bench = _bench("postgresql", {"connection_string": f"{url}{joiner}options=-csearch_path%3D{schema}"})
        yield bench
        bench.store.close()
        admin.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def mongodb_bench(folder: Path) -> Iterator[Bench]:
    with _mongodb() as bench:
        yield bench


@contextmanager
def _mongodb(replica_set: str = "") -> Iterator[Bench]:
    """A database of its own in the server at MONGODB_URI, else in one started for these tests, dropped afterwards."""
    pymongo = pytest.importorskip("pymongo", reason='NOT TESTED on MongoDB: pip install "trainer-core[mongo]"')
    url = mongodb_url(replica_set)
    if not url:
        pytest.skip(
            "NOT TESTED on MongoDB: pip install secantusdb, or start one and set MONGODB_URI=mongodb://host:27017"
        )
    database = f"trainer_test_{uuid.uuid4().hex}"
    with pymongo.MongoClient(url) as admin:
        if replica_set and "setName" not in admin.admin.command("hello"):
            pytest.skip("NOT TESTED on this MongoDB: it stores no batch whole; let MONGODB_URI name a replica set")
        bench = _bench("mongodb", {"connection_string": url, "database": database})
        yield bench
        bench.store.close()
        admin.drop_database(database)


@contextmanager
def redis_bench(folder: Path) -> Iterator[Bench]:
    with _redis_keys() as options:
        bench = _bench("redis", options)
        yield bench
        bench.store.close()


@contextmanager
def hybrid_bench(folder: Path) -> Iterator[Bench]:
    with _redis_keys() as options:
        lasting = f"sqlite:{folder / 'trainer.sqlite'}"
        bench = _bench("hybrid", {**options, "connection_string": lasting, "cache": options["connection_string"]})
        yield bench
        bench.store.close()


@contextmanager
def _redis_keys() -> Iterator[dict[str, str]]:
    """Keys of its own in the server at TRAINER_TEST_REDIS, removed afterwards."""
    url = os.environ.get("TRAINER_TEST_REDIS", "redis://127.0.0.1:6379/0")
    redis = pytest.importorskip("redis", reason='NOT TESTED on Redis: pip install "trainer-core[redis]"')
    server = redis.Redis.from_url(url, socket_connect_timeout=5)
    try:
        server.ping()
    except redis.RedisError:
        pytest.skip("NOT TESTED on Redis: start one and set TRAINER_TEST_REDIS=redis://host:6379/0")
    prefix = f"trainer_test_{uuid.uuid4().hex}"
    yield {"connection_string": url, "database": prefix}
    for name in server.scan_iter(match=f"{prefix}:*", count=1000):
        server.delete(name)


BACKENDS: dict[str, Callable[[Path], AbstractContextManager[Bench]]] = {
    "duckdb": duckdb_bench,
    "sqlite": sqlite_bench,
    "postgresql": postgresql_bench,
    "mongodb": mongodb_bench,
    "redis": redis_bench,
    "hybrid": hybrid_bench,
}


def _shared(backend: str) -> Callable[[Path], AbstractContextManager[dict[str, str]]]:
    @contextmanager
    def options(folder: Path) -> Iterator[dict[str, str]]:
        with BACKENDS[backend](folder) as bench:
            yield {"name": backend, **bench.options}

    return options


@contextmanager
def _mongodb_replica_set(folder: Path) -> Iterator[dict[str, str]]:
    with _mongodb(REPLICA_SET) as bench:
        yield {"name": "mongodb", **bench.options}


SHARED: dict[str, Callable[[Path], AbstractContextManager[dict[str, str]]]] = {
    "duckdb": _shared("duckdb"),
    "sqlite": _shared("sqlite"),
    "postgresql": _shared("postgresql"),
    "mongodb": _mongodb_replica_set,
}
"""The options by which several processes open one and the same empty store, whose batches are stored whole or not."""
