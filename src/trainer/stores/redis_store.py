"""Documents in Redis: quick, in memory, and gone for good some time after they expire.

Questions by source or by the time of the last change read the documents that a sorted index names, all others every
document. Limits: a server without persistence loses all on a restart; a document
whose time to live ran out stays for `keep_expired` seconds more, then Redis drops it with its history.
"""

from __future__ import annotations

import contextlib
import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import StoreError, UsageError
from trainer.stores.base import DataStore, VersionPlace
from trainer.stores.query import Compare, Condition, Every
from trainer.stores.rows import Confirmation, NewVersion, StoredRow, current_of, outcome, unknown_rows
from trainer.stores.values import from_text, to_text

T = TypeVar("T")
SCHEMA = 2
"""1 had no indexes."""
_CHUNK = 200
_PAGE_SIZE = 8_000_000
_MOST_TRIES = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RedisStore(DataStore):
    """A hash of versions for each document, and sorted sets: of all keys, of those of each source, and by time."""

    backend = "redis"

    def __init__(
        self,
        connection_string: str = "redis://localhost:6379/0",
        *,
        database: str = "trainer",
        clock: Clock = system_clock,
        keep_expired: int = 604_800,
        timeout: float = 10.0,
    ) -> None:
        """`database` begins the names of all keys in Redis; `timeout` is in seconds for each answer."""
        self.clock = clock
        self.keep_expired = keep_expired
        self._prefix = database
        self._address = _address(connection_string)
        try:
            self._redis: Any = redis.Redis.from_url(
                connection_string, socket_timeout=timeout, socket_connect_timeout=timeout, decode_responses=True
            )
        except ValueError:
            raise UsageError(
                "data_store.connection_string is no Redis address", hint="write it like redis://host:6379/0"
            ) from None

    def append(self, changes: Sequence[NewVersion]) -> list[bool]:
        """Whether each change did something; all in one transaction, tried again when another writer was quicker."""

        def prepare(pipe: Any) -> tuple[list[StoredRow], list[bool]]:
            currents = {key: self._current(pipe, key) for key in {change.key for change in changes}}
            now, written, done = to_text(self.clock()), list[StoredRow](), list[bool]()
            for change in changes:
                row = currents[change.key]
                result = outcome(change, current_of(row) if row else None, now)
                done.append(result is not None)
                if isinstance(result, Confirmation) and row:
                    result = replace(row, checked_at=result.checked_at)
                if isinstance(result, StoredRow):
                    written.append(result)
                    currents[change.key] = result
            return written, done

        return self._atomically([change.key for change in changes], prepare)

    def insert(self, rows: Sequence[StoredRow]) -> int:
        """How many versions were added as they are, in one transaction."""

        def prepare(pipe: Any) -> tuple[list[StoredRow], int]:
            keys = {row.key for row in rows}
            digests = {(row.key, row.version): row.digest for key in keys for row in self._stored(pipe, key)}
            new = list(unknown_rows(rows, digests))
            return new, len(new)

        return self._atomically([row.key for row in rows], prepare)

    def fetch(self, key: str, *, version: int | None, before: str | None) -> StoredRow | None:
        """The current version, or that one, or the newest one stored at `before` or earlier."""
        with self._reaching():
            if version is None and before is None:
                return self._current(self._redis, key)
            rows = self._stored(self._redis, key)
        fitting = [
            row for row in rows if version in (None, row.version) and (before is None or row.updated_at <= before)
        ]
        return fitting[-1] if fitting else None

    def page(self, after: VersionPlace, size: int, *, key: str | None = None) -> list[StoredRow]:
        """The next versions by key and version, fewer where they are big."""
        names = [key] if key is not None else self._members(self._name("keys"), f"[{after[0]}" if after[0] else "-")
        with self._reaching():
            rows = (row for name in names for row in self._stored(self._redis, name))
            return _page((row for row in rows if (row.key, row.version) > after), size)

    def filter(self, where: Condition, after: str, size: int) -> list[StoredRow]:
        """The next current versions by key, of those documents that an index names."""
        self.migrate()
        with self._reaching():
            rows = (self._current(self._redis, name) for name in self._candidates(narrowed(where), after))
            return _page((row for row in rows if row and not row.deleted), size)

    def remove(self, places: Sequence[VersionPlace]) -> int:
        """How many of the versions existed and are removed for good."""
        removed = 0
        with self._reaching():
            for key, version in places:
                text = self._redis.hget(self._name("document", key), str(version))
                removed += int(self._redis.hdel(self._name("document", key), str(version)))
                if text and not self._stored(self._redis, key):
                    self._forget(StoredRow(**json.loads(text)))
        return removed

    def measure(self) -> int | None:
        """The bytes of everything in the server."""
        with self._reaching():
            return int(self._redis.info("memory")["used_memory"])

    def migrate(self) -> int:
        """The number of the layout; raises StoreError for a newer one, and where Redis may drop documents by itself."""
        with self._reaching():
            policy = self._redis.info("memory").get("maxmemory_policy", "noeviction")
            if policy != "noeviction":
                raise StoreError(
                    f"Redis at {self._address} drops keys when its memory is full (maxmemory-policy {policy}), "
                    "and documents with them",
                    hint="run: redis-cli CONFIG SET maxmemory-policy noeviction, or use another server for documents",
                )
            version = int(self._redis.get(self._name("schema")) or 0)
            if version < SCHEMA:
                self._index_all()
                self._redis.set(self._name("schema"), SCHEMA)
                return SCHEMA
        if version > SCHEMA:
            raise StoreError(
                f"the documents in Redis were written by a newer trainer: layout {version}, "
                f"this program knows {SCHEMA}",
                hint='run: pip install --upgrade "trainer-core"',
            )
        return version

    def close(self) -> None:
        """Lets go of the connections."""
        self._redis.close()

    def _atomically(self, keys: Sequence[str], prepare: Callable[[Any], tuple[list[StoredRow], T]]) -> T:
        """What `prepare` says, once the rows it wants are written and nobody else wrote those keys meanwhile."""
        self.migrate()
        names = [self._name("document", key) for key in sorted(set(keys))]
        with self._reaching(), self._redis.pipeline() as pipe:
            for _ in range(_MOST_TRIES):
                try:
                    if names:
                        pipe.watch(*names)
                    rows, result = prepare(pipe)
                    newest = {row.key: self._current(pipe, row.key) for row in rows}
                    pipe.multi()
                    self._write(pipe, rows, newest)
                    pipe.execute()
                except redis.WatchError:
                    continue
                return result
        raise StoreError("other writers were always quicker", hint="write less at once to the same document")

    def _write(self, pipe: Any, rows: Sequence[StoredRow], newest: dict[str, StoredRow | None]) -> None:
        for row in rows:
            name = self._name("document", row.key)
            pipe.hset(name, str(row.version), json.dumps(asdict(row)))
            before = newest[row.key]
            if before and row.version < before.version:
                continue
            newest[row.key] = row
            pipe.hset(name, "current", row.version)
            if before and before.source != row.source:
                pipe.zrem(self._name("source", before.source), row.key)
            self._index(pipe, row)
            pipe.persist(name)
            if row.ttl is not None:
                fresh_until = current_of(row).head().confirmed_at + timedelta(seconds=row.ttl)
                left = int((fresh_until - self.clock()).total_seconds()) + self.keep_expired
                pipe.expire(name, max(1, left))

    def _current(self, server: Any, key: str) -> StoredRow | None:
        version = server.hget(self._name("document", key), "current")
        text = server.hget(self._name("document", key), version) if version else None
        return StoredRow(**json.loads(text)) if text else None

    def _stored(self, server: Any, key: str) -> list[StoredRow]:
        fields = server.hgetall(self._name("document", key))
        rows = (StoredRow(**json.loads(text)) for version, text in fields.items() if version != "current")
        return sorted(rows, key=lambda row: row.version)

    def _index(self, pipe: Any, row: StoredRow) -> None:
        """A deletion stays in the indexes: who reads by them sees that it is one."""
        pipe.zadd(self._name("keys"), {row.key: 0})
        pipe.zadd(self._name("source", row.source), {row.key: 0})
        pipe.zadd(self._name("updated"), {row.key: microsecond(row.updated_at)})

    def _index_all(self) -> None:
        for name in self._members(self._name("keys")):
            row = self._current(self._redis, name)
            if row:
                self._index(self._redis, row)

    def _candidates(self, wanted: Narrowed, after: str) -> Iterator[str]:
        """The keys after that one of all that can match, in order; a key that Redis dropped has no versions."""
        start = f"({after}" if after else "-"
        if wanted.sources is not None:
            return heapq.merge(*(self._members(self._name("source", source), start) for source in wanted.sources))
        if wanted.since is None and wanted.until is None:
            return self._members(self._name("keys"), start)
        low = "-inf" if wanted.since is None else wanted.since
        high = "+inf" if wanted.until is None else wanted.until
        return iter(sorted(key for key in self._redis.zrangebyscore(self._name("updated"), low, high) if key > after))

    def _members(self, index: str, start: str = "-") -> Iterator[str]:
        while names := self._redis.zrangebylex(index, start, "+", 0, _CHUNK):
            yield from names
            start = f"({names[-1]}"

    def _forget(self, last: StoredRow) -> None:
        self._redis.delete(self._name("document", last.key))
        for index in (self._name("keys"), self._name("updated"), self._name("source", last.source)):
            self._redis.zrem(index, last.key)

    def _name(self, kind: str, key: str = "") -> str:
        return f"{self._prefix}:{kind}:{key}" if key else f"{self._prefix}:{kind}"

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except redis.WatchError:
            raise
        except redis.RedisError as error:
            raise StoreError(
                f"Redis at {self._address} cannot be used: {error}",
                hint="check data_store.connection_string, and that the server runs and has memory left",
            ) from error


def _address(connection_string: str) -> str:
    """Host and port alone: nothing of a password is ever printed."""
    parts = urlsplit(connection_string)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def _page(rows: Iterator[StoredRow], size: int) -> list[StoredRow]:
    """The first rows, until there are enough or they are big."""
    page, total = list[StoredRow](), 0
    for row in rows:
        page.append(row)
        total += row.size
        if len(page) >= size or total > _PAGE_SIZE:
            break
    return page


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What every document that matches has; a document that has it need not match."""

    sources: frozenset[str] | None = None
    """One of these sources; None for any."""
    since: int | None = None
    """Changed at this microsecond or later."""
    until: int | None = None
    """Changed at this microsecond or earlier."""

    def narrower(self, other: Narrowed) -> Narrowed:
        """What both say."""
        since = [bound for bound in (self.since, other.since) if bound is not None]
        until = [bound for bound in (self.until, other.until) if bound is not None]
        both = [sources for sources in (self.sources, other.sources) if sources is not None]
        sources = frozenset.intersection(*both) if both else None
        return Narrowed(sources, max(since, default=None), min(until, default=None))


def narrowed(condition: Condition) -> Narrowed:
    """What the indexes can say of the condition."""
    if isinstance(condition, Every):
        return reduce(Narrowed.narrower, map(narrowed, condition.parts), Narrowed())
    if isinstance(condition, Compare) and condition.field.root == "column":
        return _compared(condition)
    return Narrowed()


def microsecond(moment: str) -> int:
    """The moment as a score, exact to the microsecond."""
    return (from_text(moment) - _EPOCH) // timedelta(microseconds=1)


def _compared(condition: Compare) -> Narrowed:
    name, operator, operand = condition.field.path[0], condition.operator, condition.operand
    if name == "source" and operator in ("$eq", "$in"):
        wanted = operand if operator == "$in" else [operand]
        return Narrowed(frozenset(source for source in wanted if isinstance(source, str)))
    if name == "updated_at" and operator in ("$eq", "$gt", "$gte", "$lt", "$lte") and isinstance(operand, str):
        since = microsecond(operand) if operator in ("$eq", "$gt", "$gte") else None
        until = microsecond(operand) if operator in ("$eq", "$lt", "$lte") else None
        return Narrowed(None, since, until)
    return Narrowed()
