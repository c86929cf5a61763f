# ruff: noqa: S608  (statements are put together from constants; every value is a parameter)
"""Documents in PostgreSQL, for a team: writers of different keys never wait for each other."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import StoreError, UsageError
from trainer.stores.match import is_index
from trainer.stores.query import FieldPath
from trainer.stores.sql import RANKS, Dialect, Piece, one_of, starts_with
from trainer.stores.sql_store import TYPES, Execute, SqlStore

MIGRATIONS = (
    """
    CREATE TABLE documents (
        key TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL, data TEXT NOT NULL, metadata TEXT NOT NULL,
        source TEXT COLLATE "C" NOT NULL, stored_at TEXT COLLATE "C" NOT NULL, updated_at TEXT COLLATE "C" NOT NULL,
        checked_at TEXT COLLATE "C", ttl BIGINT, digest TEXT NOT NULL, size BIGINT NOT NULL, odd BOOLEAN NOT NULL,
        deleted BOOLEAN NOT NULL, current BOOLEAN NOT NULL,
        data_json JSONB GENERATED ALWAYS AS (CASE WHEN odd THEN NULL ELSE data::jsonb END) STORED,
        metadata_json JSONB GENERATED ALWAYS AS (CASE WHEN odd THEN NULL ELSE metadata::jsonb END) STORED,
        PRIMARY KEY (key, version)
    );
    CREATE UNIQUE INDEX documents_current ON documents (key) WHERE current;
    CREATE INDEX documents_odd ON documents (odd) WHERE odd;
    CREATE INDEX documents_source ON documents (source) WHERE current;
    CREATE INDEX documents_data ON documents USING GIN (data_json jsonb_path_ops) WHERE current;
    """,
    """
    ALTER TABLE documents ADD COLUMN lists TEXT;
    UPDATE documents SET lists = '' WHERE strpos(data, '[') = 0 AND strpos(metadata, '[') = 0;
    CREATE INDEX documents_lists ON documents (key) WHERE current AND (coalesce(lists, '*') <> '' OR odd);
    """,
)
_REGISTER = "CREATE TABLE IF NOT EXISTS schema_migrations (component TEXT, number INT, applied_at TIMESTAMPTZ)"
_DONE = "SELECT coalesce(max(number), 0) FROM schema_migrations WHERE component = 'documents'"
_NUMERIC = re.compile(r"\s*[+-]?[0-9]+\s*")
_NUMBER_OF_LOCK = 7_226_031
PATIENCE = 10.0
"""Seconds to wait for a server that is away."""
_AWAY = re.compile("refused|starting up|shutting down|closed the connection|No such file|recovery mode")
_PASSWORD = re.compile(r"password=('(?:\\.|[^'\\])*'|\S+)")


class PostgreSQLDialect(Dialect):
    """JSON as jsonb, by paths that are parameters."""

    def reaches(self, field: FieldPath) -> bool:
        """PostgreSQL counts lists from behind for -1, and reads 01 as 1."""
        numbers = (segment for segment in field.path if _NUMERIC.fullmatch(segment))
        return all(map(is_index, numbers)) and "\0" not in "".join(field.path)

    def number(self, field: FieldPath) -> Piece:
        """The value as float8."""
        return _typed(field, "number", "({})::float8")

    def text(self, field: FieldPath) -> Piece:
        """The text, compared by its UTF-8."""
        return _typed(field, "string", '({}) COLLATE "C"')

    def rank(self, field: FieldPath) -> Piece:
        """By the JSON type, and the text of what is true or false."""
        json_of, path = f"({field.root}_json #> ?::text[])", list(field.path)
        words = f"CASE {json_of}::text WHEN 'true' THEN {RANKS['true']} ELSE {RANKS['false']} END"
        cases = " ".join(f"WHEN '{name}' THEN {RANKS[name]}" for name in ("number", "string", "object"))
        sql = f"CASE jsonb_typeof({json_of}) WHEN 'boolean' THEN {words} {cases} ELSE {RANKS['null']} END"
        return Piece(sql, (path, path))

    def raw(self, field: FieldPath) -> Piece:
        """A missing field is NULL."""
        return Piece(f"({field.root}_json #> ?::text[])::text", (list(field.path),))

    def group_key(self, field: FieldPath) -> Piece:
        """Numbers without zeros at their end."""
        json_of, path = f"({field.root}_json #> ?::text[])", list(field.path)
        number = f"trim_scale({json_of}::text::numeric)::text"
        sql = f"CASE jsonb_typeof({json_of}) WHEN 'number' THEN {number} ELSE {json_of}::text END"
        return Piece(sql, (path, path, path))

    def is_text(self, field: FieldPath, operands: Sequence[str]) -> Piece:
        """The text, found by the index on the data where the path has no list in it."""
        exact = one_of(self.text(field), operands)
        if field.root != "data" or not field.path or any(map(str.isdigit, field.path)):
            return exact
        samples = [_nested(field.path, operand) for operand in operands]
        within = " OR ".join(["data_json @> ?::jsonb"] * len(samples))
        return Piece(f"(({within}) AND {exact.sql})", (*samples, *exact.parameters))

    def matches(self, field: FieldPath, pattern: str) -> Piece:
        """Plain texts exactly; PostgreSQL's own patterns differ from Python's."""
        value = self.text(field)
        literal = starts_with(pattern)
        if literal is None:
            return Piece(f"{value.sql} IS NOT NULL", value.parameters, exact=False)
        test = "starts_with({}, ?)" if literal[1] else "strpos({}, ?) > 0"
        return Piece(test.format(value.sql), (*value.parameters, literal[0]))

    def contains(self, column: str, text: str) -> Piece:
        """By the place where the text begins."""
        return Piece(f"strpos({column}, ?) > 0", (text,))


class PostgreSQLStore(SqlStore):
    """A store in the tables `documents` and `schema_migrations` of one schema."""

    backend = "postgresql"
    keys_in = "SELECT jsonb_array_elements_text(?::jsonb)"
    places_in = "SELECT place->>0, (place->>1)::bigint FROM jsonb_array_elements(?::jsonb) AS place"
    insertion = f"""
        INSERT INTO documents ({", ".join(TYPES)})
        SELECT {", ".join(TYPES)} FROM jsonb_to_recordset(?::jsonb)
        AS given ({", ".join(f"{name} {kind}" for name, kind in TYPES.items())})"""
    dialect = PostgreSQLDialect()

    def __init__(
        self,
        connection_string: str,
        *,
        database: str | None = None,
        clock: Clock = system_clock,
        timeout: float = 30.0,
        connections: int = 8,
    ) -> None:
        """`timeout` is the longest wait in seconds for a connection, `connections` how many there are at most."""
        self._parameters = parse_address(connection_string, database)
        self.clock = clock
        self.timeout = timeout
        self.connections = connections
        self._pool: ConnectionPool | None = None
        self._process = 0

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Execute]:  # noqa: ARG002  (rows are guarded by key)
        """One transaction on a connection of the pool."""
        try:
            with self._ready().connection(timeout=self.timeout) as connection:
                yield partial(_run, connection)
        except (psycopg.Error, PoolTimeout) as error:
            raise explained(error, self._parameters) from error

    def guard(self, run: Execute, keys: Sequence[str]) -> None:
        """Locks the keys in one order for everybody until the transaction ends."""
        run(
            "SELECT count(pg_advisory_xact_lock(lock)) FROM (SELECT DISTINCT hashtextextended(key, 0) AS lock "
            "FROM jsonb_array_elements_text(?::jsonb) AS key ORDER BY 1) AS locks",
            json.dumps(list(keys), ensure_ascii=False),
        )

    def measure(self) -> int | None:
        """The bytes of the table with its indexes."""
        with self.transaction(write=False) as run:
            return int(run("SELECT pg_total_relation_size('documents')")[0][0])

    def migrate(self) -> int:
        """The number of the newest migration; processes that come at once wait for the first."""
        with self.transaction(write=True) as run:
            return int(run(_DONE)[0][0])

    def close(self) -> None:
        """Lets go of the pool."""
        if self._pool is not None and self._process == os.getpid():
            self._pool.close()
        self._pool = None

    def _ready(self) -> ConnectionPool:
        """The pool of this process; a forked child must not share its parent's connections."""
        if self._pool is None or self._process != os.getpid():
            self._process = os.getpid()
            # each connection is tried before it is lent, so that a server that was away is waited for, not met broken
            self._pool = ConnectionPool(
                make_conninfo("", **self._parameters),
                min_size=0,
                max_size=self.connections,
                open=True,
                check=ConnectionPool.check_connection,
            )
            self._apply_migrations()
        return self._pool

    def _apply_migrations(self) -> None:
        """Outside of the pool, so that an unreachable server is told in its own words."""
        try:
            with connected(self._parameters, min(self.timeout, PATIENCE)) as connection:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBER_OF_LOCK])
                connection.execute(_REGISTER)
                row = connection.execute(_DONE).fetchone()
                done = row[0] if row else 0
                self._refuse_newer(done)
                for number, script in enumerate(MIGRATIONS[done:], done + 1):
                    connection.execute(script)
                    connection.execute("INSERT INTO schema_migrations VALUES ('documents', %s, now())", [number])
        except BaseException:
            self.close()
            raise

    def _refuse_newer(self, done: int) -> None:
        if done > len(MIGRATIONS):
            raise StoreError(
                f"the database was written by a newer trainer: documents is at migration {done}, this program knows "
                f"{len(MIGRATIONS)}",
                hint='run: pip install --upgrade "trainer-core"',
            )


def parse_address(connection_string: str, database: str | None) -> Mapping[str, Any]:
    """The parameters of a connection; raises UsageError."""
    try:
        parameters = conninfo_to_dict(connection_string)
    except psycopg.ProgrammingError:
        raise UsageError(
            "data_store.connection_string is no PostgreSQL address",
            hint="write it like postgresql://user:password@host:5432/database",
        ) from None
    return {"connect_timeout": 10, **parameters, **({"dbname": database} if database else {})}


def connected(parameters: Mapping[str, Any], patience: float, **options: Any) -> psycopg.Connection[Any]:
    """A connection; a server that is just away, as for a restart, is waited for as many seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return psycopg.connect(**parameters, **options)
        except psycopg.OperationalError as error:
            if not _AWAY.search(str(error)) or time.monotonic() >= deadline:
                raise
        time.sleep(0.25)


def address_of(parameters: Mapping[str, Any]) -> str:
    """Host and port alone."""
    return f"{parameters.get('host', 'the local socket')}:{parameters.get('port', 5432)}"


def explained(error: Exception, parameters: Mapping[str, Any]) -> StoreError:
    """What to tell the user of an error of the server or of the way to it."""
    text = _PASSWORD.sub("password=***", " ".join(str(error).split()))
    password = parameters.get("password")
    if password:
        text = text.replace(str(password), "***")
    reached = not isinstance(error, psycopg.OperationalError | PoolTimeout)
    return StoreError(
        f"PostgreSQL at {address_of(parameters)} {'refused' if reached else 'cannot be reached'}: {text}",
        hint="check data_store.connection_string, and that the server runs and may be written",
    )


def _run(connection: psycopg.Connection[Any], statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    query = statement.replace("%", "%%").replace("?", "%s")
    cursor = connection.execute(query, parameters)
    return cursor.fetchall() if cursor.description else []


def _nested(path: Sequence[str], operand: str) -> str:
    sample: Any = operand
    for segment in reversed(path):
        sample = {segment: sample}
    return json.dumps(sample)


def _typed(field: FieldPath, kind: str, template: str) -> Piece:
    path = list(field.path)
    value = template.format(f"{field.root}_json #>> ?::text[]")
    return Piece(f"CASE WHEN jsonb_typeof({field.root}_json #> ?::text[]) = '{kind}' THEN {value} END", (path, path))
