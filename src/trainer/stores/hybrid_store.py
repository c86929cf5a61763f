"""A lasting store, such as PostgreSQL, with Redis before it for documents that were read lately."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import redis

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import UsageError
from trainer.core.values import StoredData
from trainer.stores.base import DataStore, VersionPlace
from trainer.stores.match import View
from trainer.stores.pipeline import GroupStage
from trainer.stores.query import Condition, Query
from trainer.stores.registry import store_at
from trainer.stores.rows import NewVersion, StoredRow


class HybridStore(DataStore):
    """Reads current versions through a cache; everything else is the lasting store's.

    A write drops its documents from the cache. A reader that fetched the former version just before may put it back,
    so what the cache gives can be `cache_seconds` old, and no older. A cache that is down costs time, never an answer.
    """

    backend = "hybrid"

    def __init__(
        self,
        connection_string: str,
        *,
        cache: str = "redis://localhost:6379/0",
        database: str = "trainer",
        cache_seconds: int = 60,
        clock: Clock = system_clock,
    ) -> None:
        """`connection_string` is the lasting store as `store_at` reads it; `database` begins the keys in the cache."""
        self.clock = clock
        self.cache_seconds = cache_seconds
        self._prefix = database
        self._lasting = store_at(connection_string, clock=clock)
        try:
            self._cache: Any = redis.Redis.from_url(cache, socket_timeout=1, socket_connect_timeout=1)
        except ValueError:
            raise UsageError("data_store.options.cache is no Redis address", hint="like redis://host:6379/0") from None

    def append(self, changes: Sequence[NewVersion]) -> list[bool]:
        """As the lasting store does."""
        with self._dropping([change.key for change in changes]):
            return self._lasting.append(changes)

    def fetch(self, key: str, *, version: int | None, before: str | None) -> StoredRow | None:
        """The current version from the cache where it is there; any other from the lasting store."""
        if version is not None or before is not None:
            return self._lasting.fetch(key, version=version, before=before)
        with contextlib.suppress(redis.RedisError):
            if text := self._cache.get(self._name(key)):
                return StoredRow(**json.loads(text))
        row = self._lasting.fetch(key, version=None, before=None)
        if row is not None:
            with contextlib.suppress(redis.RedisError):
                self._cache.set(self._name(key), json.dumps(asdict(row)), ex=self.cache_seconds)
        return row

    def page(self, after: VersionPlace, size: int, *, key: str | None = None) -> list[StoredRow]:
        """As the lasting store does."""
        return self._lasting.page(after, size, key=key)

    def filter(self, where: Condition, after: str, size: int) -> list[StoredRow]:
        """As the lasting store does."""
        return self._lasting.filter(where, after, size)

    def sorted_rows(self, query: Query) -> list[StoredData] | None:
        """As the lasting store does."""
        return self._lasting.sorted_rows(query)

    def counted(self, where: Condition) -> int | None:
        """As the lasting store does."""
        return self._lasting.counted(where)

    def grouped(self, where: Condition, group: GroupStage) -> list[View] | None:
        """As the lasting store does."""
        return self._lasting.grouped(where, group)

    def insert(self, rows: Sequence[StoredRow]) -> int:
        """As the lasting store does."""
        with self._dropping([row.key for row in rows]):
            return self._lasting.insert(rows)

    def remove(self, places: Sequence[VersionPlace]) -> int:
        """As the lasting store does."""
        with self._dropping([key for key, _ in places]):
            return self._lasting.remove(places)

    def measure(self) -> int | None:
        """The bytes of the lasting store."""
        return self._lasting.measure()

    def migrate(self) -> int:
        """The number of the lasting store's newest migration."""
        return self._lasting.migrate()

    def close(self) -> None:
        """Lets go of both."""
        self._cache.close()
        self._lasting.close()

    @contextlib.contextmanager
    def _dropping(self, keys: Sequence[str]) -> Iterator[None]:
        """Whatever comes of the write, even one whose answer was lost, the cache forgets the documents."""
        try:
            yield
        finally:
            names = [self._name(key) for key in set(keys)]
            with contextlib.suppress(redis.RedisError):
                if names:
                    self._cache.delete(*names)

    def _name(self, key: str) -> str:
        return f"{self._prefix}:cache:{key}"
