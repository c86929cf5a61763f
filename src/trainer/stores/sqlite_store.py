# ruff: noqa: S608  (statements are put together from constants; every value is a parameter)
"""Documents in one SQLite file, for a single machine: readers never wait, writers wait for each other."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import StoreError, Where
from trainer.stores.lock import is_read_only, refuse_network
from trainer.stores.query import FieldPath
from trainer.stores.sql import RANKS, Dialect, Piece, one_of
from trainer.stores.sql_store import TYPES, Execute, SqlStore
from trainer.stores.values import ReadOnly

MIGRATIONS = (
    """
    CREATE TABLE documents (
        key TEXT NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, metadata TEXT NOT NULL, source TEXT NOT NULL,
        stored_at TEXT NOT NULL, updated_at TEXT NOT NULL, checked_at TEXT, ttl INTEGER, digest TEXT NOT NULL,
        size INTEGER NOT NULL, odd INTEGER NOT NULL, deleted INTEGER NOT NULL, current INTEGER NOT NULL,
        PRIMARY KEY (key, version)
    );
    CREATE UNIQUE INDEX documents_current ON documents (key) WHERE current;
    CREATE INDEX documents_odd ON documents (odd) WHERE odd;
    CREATE INDEX documents_source ON documents (source) WHERE current;
    """,
    """
    ALTER TABLE documents ADD COLUMN lists TEXT;
    UPDATE documents SET lists = '' WHERE instr(data, '[') = 0 AND instr(metadata, '[') = 0;
    """,
)
_PLAIN = re.compile(r'(?![0-9]+$)[^"\\\x00-\x1f]+')


class SQLiteDialect(Dialect):
    """JSON by SQLite's functions; numbers and patterns by Python's own, since SQLite reads decimals inexactly."""

    def reaches(self, field: FieldPath) -> bool:
        """Quotes have no sure spelling in SQLite's paths, and digits pick from lists alone."""
        return all(_PLAIN.fullmatch(segment) for segment in field.path)

    def number(self, field: FieldPath) -> Piece:
        """The JSON text read by Python."""
        return Piece(f"CASE WHEN {_kind(field)} IN ('integer', 'real') THEN as_number({_json(field)}) END")

    def text(self, field: FieldPath) -> Piece:
        """The text, compared by its UTF-8."""
        return Piece(f"CASE {_kind(field)} WHEN 'text' THEN json_extract({field.root}, {_path(field)}) END")

    def rank(self, field: FieldPath) -> Piece:
        """By the JSON type."""
        ranks = {**RANKS, "integer": RANKS["number"], "real": RANKS["number"], "text": RANKS["string"]}
        cases = " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in ranks.items())
        return Piece(f"CASE {_kind(field)} {cases} ELSE {RANKS['null']} END")

    def raw(self, field: FieldPath) -> Piece:
        """A missing field is NULL."""
        return Piece(_json(field))

    def group_key(self, field: FieldPath) -> Piece:
        """Numbers as numbers; adding 0 makes -0.0 the same as 0."""
        number = f"as_number({_json(field)}) + 0"
        return Piece(f"CASE WHEN {_kind(field)} IN ('integer', 'real') THEN {number} ELSE {_json(field)} END")

    def is_text(self, field: FieldPath, operands: Sequence[str]) -> Piece:
        """Compares the text."""
        return one_of(self.text(field), operands)

    def matches(self, field: FieldPath, pattern: str) -> Piece:
        """By Python's own `re`."""
        value = self.text(field)
        return Piece(f"matches(?, {value.sql})", (pattern, *value.parameters))

    def contains(self, column: str, text: str) -> Piece:
        """By the place where the text begins."""
        return Piece(f"instr({column}, ?) > 0", (text,))


class SQLiteStore(SqlStore):
    """A store in one SQLite file in WAL mode."""

    backend = "sqlite"
    keys_in = "SELECT value FROM json_each(?)"
    places_in = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)"
    insertion = f"""
        INSERT INTO documents ({", ".join(TYPES)})
        SELECT {", ".join(f"json_extract(value, '$.{name}')" for name in TYPES)} FROM json_each(?)"""
    dialect = SQLiteDialect()

    def __init__(
        self,
        database_path: str | Path = ".trainer/trainer.sqlite",
        *,
        clock: Clock = system_clock,
        timeout: float = 60.0,
    ) -> None:
        """`timeout` is the longest wait in seconds for other writers."""
        self.path = Path(database_path)
        self.clock = clock
        self.timeout = timeout

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Execute]:
        """One connection for one transaction, so that threads and forks share nothing."""
        refuse_network(self.path.parent)
        if write and is_read_only(self.path):
            raise ReadOnly("the file cannot be written", where=Where(str(self.path)), hint="make the folder writable")
        try:
            with contextlib.closing(self._connect(read_only=not write and is_read_only(self.path))) as connection:
                self._migrate(connection)
                # A deferred transaction that reads and then writes fails at once, whatever the timeout.
                connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                yield partial(_run, connection)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def measure(self) -> int | None:
        """The bytes of the file and its log."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def migrate(self) -> int:
        """The number of the newest migration."""
        with self.transaction(write=False):
            return len(MIGRATIONS)

    def _connect(self, *, read_only: bool) -> sqlite3.Connection:
        if read_only:
            # immutable, for a file in WAL mode wants to write beside it even to be read
            uri = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1" if self.path.exists() else ":memory:"
            return _with_functions(sqlite3.connect(uri, uri=True, isolation_level=None))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot create the folder: {error.strerror}", where=Where(str(self.path))) from error
        connection = sqlite3.connect(self.path, timeout=self.timeout, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return _with_functions(connection)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        ((done,),) = connection.execute("PRAGMA user_version")
        if done == len(MIGRATIONS):
            return
        if done > len(MIGRATIONS):
            raise StoreError(
                f"the database was written by a newer trainer: it is at migration {done}, this program knows "
                f"{len(MIGRATIONS)}",
                where=Where(str(self.path)),
                hint='run: pip install --upgrade "trainer-core"',
            )
        connection.execute("BEGIN IMMEDIATE")
        ((done,),) = connection.execute("PRAGMA user_version")
        for number, script in enumerate(MIGRATIONS[done:], done + 1):
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")

    def _explained(self, error: sqlite3.Error) -> StoreError:
        text = str(error)
        hint = "look at the message; the file itself is as it was before"
        if "locked" in text:
            hint = "another program holds the file: end it, or wait until it is done"
        elif "full" in text:
            hint = "free some space and run the same command again; nothing was changed"
        elif "not a database" in text or "malformed" in text:
            hint = f"move {self.path.name} away; stored data is fetched again"
        return StoreError(f"the database cannot be used: {text}", where=Where(str(self.path)), hint=hint)


def _with_functions(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.create_function("as_number", 1, _as_number, deterministic=True)
    connection.create_function("matches", 2, _matches, deterministic=True)
    return connection


def _run(connection: sqlite3.Connection, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return connection.execute(statement, parameters).fetchall()


def _kind(field: FieldPath) -> str:
    return f"json_type({field.root}, {_path(field)})"


def _json(field: FieldPath) -> str:
    return f"({field.root} -> {_path(field)})"


def _path(field: FieldPath) -> str:
    path = "$" + "".join(f'."{segment}"' for segment in field.path)
    return "'" + path.replace("'", "''") + "'"


def _as_number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _matches(pattern: str, text: str | None) -> bool | None:
    return None if text is None else re.search(pattern, text) is not None
