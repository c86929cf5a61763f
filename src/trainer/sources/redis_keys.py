"""The source `redis`: what the keys of a Redis server hold, read by redis-py and never written.

    data_retriever:
      sources:
        redis:
          connections:
            shop: {url: "rediss://reader:${REDIS_PASSWORD}@cache.example:6379/0"}

Then `{source: redis, connection: shop, keys: "price:*"}` is a query: one record for each key that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Annotated, Any

import redis
from msgspec import Meta, Struct

from trainer.core.cells import typed_records
from trainer.core.errors import Problem, SourceError, UsageError
from trainer.core.secrets import mask_secrets
from trainer.core.strictjson import read_json
from trainer.core.values import Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.dates import newest_day
from trainer.sources.named import named_sections
from trainer.sources.query import QueryField, QueryFields, raise_problems

_BATCH = 500
"""Keys that are read in one round trip."""


class RedisConnection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One database of a server."""

    url: Annotated[str, Meta(description="`redis://host:6379/0`, or `rediss://` with TLS; the password as ${NAME}.")]
    ca_file: Annotated[str, Meta(description="The authority that signed the server's certificate.")] = ""


class RedisRetriever(DataRetriever):
    """Reads texts, JSON, hashes, lists, sets and sorted sets; the keys are walked by SCAN, which blocks no server."""

    name = "redis"

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
        connections: Mapping[str, Any] | None = None,
        max_rows: int = 100_000,
        timeout: float = 30.0,
    ) -> None:
        super().__init__(data_store=data_store, context=context, ttl=ttl)
        problems: list[Problem] = []
        self._accesses = named_sections(RedisConnection, connections, "connections", problems)
        raise_problems(problems)
        self._max_rows = max_rows
        self._timeout = timeout

    def get_schema(self) -> Schema:
        """Which server, which keys."""
        names = tuple(sorted(self._accesses))
        query = (
            QueryField("connection", True, description="The server", example="shop", choices=names),
            QueryField("keys", True, description="A key, or a pattern with *, ? and [...]", example="price:*"),
        )
        description = f"Redis servers: {', '.join(names) or 'none is configured'}"
        return Schema(self.name, description, query, leading=("connection", "keys"))

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """`records` in the order of their keys: the fields of a hash or JSON object, else `value`.

        Redis keeps texts; those of a field that are all numbers are numbers, as the cells of a CSV column are.
        """
        records = list(islice(self._records(query), self._max_rows + 1))
        if len(records) > self._max_rows:
            message = f"more than {self._max_rows:,} keys of {query['connection']} fit {query['keys']}"
            raise SourceError(message, hint="narrow keys, raise max_rows, or write them to a file with -o")
        if not records:
            hint = f"see which there are: redis-cli --scan --pattern '{query['keys']}'"
            raise SourceError(f"no key of {query['connection']} fits {query['keys']}", hint=hint)
        data: dict[str, Json] = {"records": sorted(_typed(records), key=lambda record: str(record["key"]))}
        as_of = newest_day(data, today=self.context.clock().date())
        return Fetched(data, as_of=as_of, metadata={"database": str(query["connection"])})

    def rows(self, query: QueryFields) -> Iterator[Mapping[str, Json]]:
        """The records one after the other, however many, in the server's order."""
        return self._records(self.check(query))

    def health(self) -> Health:
        """Whether every server answers."""
        if not self._accesses:
            return Health(False, "no server is described under data_retriever.sources.redis.connections")
        for name in sorted(self._accesses):
            try:
                with self._client(name) as client:
                    client.ping()
            except (redis.RedisError, UsageError) as error:
                return Health(False, self._failure(name, error).message)
        return Health(True, f"reaches {', '.join(sorted(self._accesses))}")

    def _records(self, query: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
        name, pattern = str(query["connection"]), str(query["keys"])
        try:
            with self._client(name) as client:
                if any(letter in pattern for letter in "*?["):
                    walk = client.scan_iter(match=pattern, count=_BATCH)
                else:
                    walk = iter([pattern.encode()] if client.exists(pattern) else [])
                scanned: set[bytes] = set()  # SCAN may give a key twice
                while batch := list(islice(walk, _BATCH)):
                    fresh = [key for key in dict.fromkeys(batch) if key not in scanned]
                    scanned.update(fresh)
                    yield from self._batch(client, fresh)
        except redis.RedisError as error:
            raise self._failure(name, error) from error

    def _batch(self, client: Any, keys: list[bytes]) -> Iterator[dict[str, Json]]:
        """The records of some keys, in two round trips; a key that expired between them is none."""
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.type(key)
        kinds = dict(zip(keys, pipeline.execute(), strict=True))
        readable = {key: kind for key, kind in kinds.items() if kind in _COMMANDS}
        if unreadable := [key for key, kind in kinds.items() if kind not in (*_COMMANDS, b"none")]:
            kind = kinds[unreadable[0]].decode()
            hint = "read a stream by data_retriever.streams" if kind == "stream" else "name other keys"
            raise SourceError(f"the key {_text(unreadable[0])} holds a {kind}, which is not read here", hint=hint)
        for key, kind in readable.items():
            pipeline.execute_command(*_COMMANDS[kind](key))
        for (key, kind), value in zip(readable.items(), pipeline.execute(raise_on_error=False), strict=True):
            if isinstance(value, redis.RedisError):
                raise value
            if value not in (None, [], {}):
                yield _record(_text(key), kind, value)

    def _client(self, name: str) -> Any:
        access = self._accesses[name]
        options = {"ssl_ca_certs": access.ca_file} if access.ca_file and access.url.startswith("rediss:") else {}
        try:
            return redis.Redis.from_url(
                access.url, socket_timeout=self._timeout, socket_connect_timeout=self._timeout, **options
            )
        except ValueError as error:
            hint = "write it like redis://host:6379/0"
            raise UsageError(f"connections.{name}.url is not a server's address", hint=hint) from error

    def _failure(self, name: str, error: Exception) -> SourceError:
        reason = mask_secrets(" ".join(str(error).split()))[:200]
        return SourceError(f"{name}: {reason}", hint="check the connection and what it may read")


_COMMANDS: Mapping[bytes, Callable[[bytes], tuple[bytes | str | int, ...]]] = {
    b"string": lambda key: ("GET", key),
    b"hash": lambda key: ("HGETALL", key),
    b"list": lambda key: ("LRANGE", key, 0, -1),
    b"set": lambda key: ("SMEMBERS", key),
    b"zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
    b"ReJSON-RL": lambda key: ("JSON.GET", key),
}
"""Type of a key -> the command that reads it."""


def _record(key: str, kind: bytes, value: Any) -> dict[str, Json]:
    if kind == b"hash":
        pairs = value.items() if isinstance(value, dict) else zip(value[::2], value[1::2], strict=True)
        return {"key": key, **{_text(name): _text(cell) for name, cell in pairs}}
    if kind == b"zset":
        pairs = value if value and isinstance(value[0], tuple | list) else zip(value[::2], value[1::2], strict=True)
        return {"key": key, "value": {_text(member): float(score) for member, score in pairs}}
    if kind in (b"list", b"set"):
        members = [_text(member) for member in value]
        return {"key": key, "value": members if kind == b"list" else sorted(members)}
    text = _text(value)
    if kind == b"string" and text[:1] not in ("{", "["):
        return {"key": key, "value": text}
    try:
        decoded = read_json(text, shown=key)
    except UsageError:  # a text that only begins like JSON is a text
        return {"key": key, "value": text}
    return {"key": key, **decoded} if isinstance(decoded, dict) else {"key": key, "value": decoded}


def _typed(records: list[dict[str, Json]]) -> list[dict[str, Json]]:
    columns: dict[str, list[int]] = {}
    for number, record in enumerate(records):
        for name, value in record.items():
            if name != "key" and isinstance(value, str):
                columns.setdefault(name, []).append(number)
    typed = [dict(record) for record in records]
    for name, numbers in columns.items():
        cells = typed_records([name], [[str(records[number][name])] for number in numbers])
        for number, cell in zip(numbers, cells, strict=True):
            typed[number][name] = cell[name]
    return typed


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
