"""Documents in the project's DuckDB file."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.core.clock import Clock, system_clock
from trainer.core.values import Json
from trainer.stores.database import DOCUMENTS, DatabaseFile
from trainer.stores.heads import head_as_json
from trainer.stores.query import FieldPath
from trainer.stores.sql import RANKS, Dialect, Piece, is_plain, one_of, starts_with
from trainer.stores.sql_store import TYPES, Execute, SqlStore

if TYPE_CHECKING:
    import duckdb

MIGRATIONS = (
    """
    CREATE TABLE documents (
        key VARCHAR NOT NULL,
        version BIGINT NOT NULL,
        data JSON NOT NULL,
        metadata JSON NOT NULL,
        source VARCHAR NOT NULL,
        stored_at VARCHAR NOT NULL,
        updated_at VARCHAR NOT NULL,
        checked_at VARCHAR,
        ttl BIGINT,
        digest VARCHAR NOT NULL,
        size BIGINT NOT NULL,
        odd BOOLEAN NOT NULL,
        deleted BOOLEAN NOT NULL,
        current BOOLEAN NOT NULL
    )
    """,
    """
    ALTER TABLE documents ADD COLUMN lists VARCHAR;
    UPDATE documents SET lists = '' WHERE NOT contains(data, '[') AND NOT contains(metadata, '[');
    """,
)
# What RE2 and Python's re mean alike: no classes, anchors at the end, backslashes, lazy or possessive repeats.
_SAFE_PATTERN = re.compile(r"(?!.*(\(\?|[*+?][*+?]))[\w :,/@%&=~;<>!\"'#.*+?|()^-]*", re.ASCII)


class DuckDBDialect(Dialect):
    """JSON text by JSON pointer; its first letter tells its type."""

    total = "fsum({})"

    def reaches(self, field: FieldPath) -> bool:
        """JSON pointers follow any path as Python does."""
        return all("\0" not in segment for segment in field.path)

    def number(self, field: FieldPath) -> Piece:
        """The cast of a quoted text or a word gives NULL."""
        return Piece(f"TRY_CAST({_json(field)} AS DOUBLE)")

    def text(self, field: FieldPath) -> Piece:
        """The JSON text without its quotes, parsed once more only where it has an escape."""
        value = _json(field)
        parsed = f"json_extract_string({field.root}, {_pointer(field)})"
        bare = f"substring({value}, 2, length({value}) - 2)"
        string = rf"CASE WHEN contains({value}, '\') THEN {parsed} ELSE {bare} END"
        return Piece(f"""CASE WHEN starts_with({value}, '"') THEN {string} END""")

    def rank(self, field: FieldPath) -> Piece:
        """By the words and first letters of the JSON text."""
        value = _json(field)
        words = " ".join(f"WHEN {value} = '{word}' THEN {RANKS[word]}" for word in ("null", "false", "true"))
        return Piece(
            f"CASE WHEN {value} IS NULL THEN {RANKS['null']} {words} "
            f"WHEN starts_with({value}, '\"') THEN {RANKS['string']} "
            f"WHEN starts_with({value}, '{{') THEN {RANKS['object']} ELSE {RANKS['number']} END"
        )

    def raw(self, field: FieldPath) -> Piece:
        """JSON null is text, a missing field is NULL."""
        return Piece(_json(field))

    def group_key(self, field: FieldPath) -> Piece:
        """Numbers as DuckDB spells them; adding 0 makes -0.0 the same as 0."""
        value = _json(field)
        number = f"(TRY_CAST({value} AS DOUBLE) + 0)::VARCHAR"
        return Piece(f"CASE WHEN starts_with({value}, '\"') THEN {value} ELSE coalesce({number}, {value}) END")

    def is_text(self, field: FieldPath, operands: Sequence[str]) -> Piece:
        """Compares the JSON text where operands have one spelling only; one is searched for before parsing, too."""
        if not all(map(is_plain, operands)):
            return one_of(self.text(field), operands)
        quoted = [f'"{operand}"' for operand in operands]
        exact = one_of(Piece(_json(field)), quoted)
        if len(quoted) > 1:
            return exact
        return Piece(f"(contains({field.root}, ?) AND {exact.sql})", (*quoted, *exact.parameters))

    def matches(self, field: FieldPath, pattern: str) -> Piece:
        """By RE2 where it means the same as Python; a plain text is searched for in the whole document before."""
        value = self.text(field)
        literal = starts_with(pattern)
        if literal:
            name, (text, at_start) = "starts_with" if literal[1] else "contains", literal
            exact = Piece(f"{name}({value.sql}, ?)", (*value.parameters, text))
            if not is_plain(text):
                return exact
            return Piece(
                f"(contains({field.root}, ?) AND {exact.sql})", (f'"{text}' if at_start else text, *exact.parameters)
            )
        if _SAFE_PATTERN.fullmatch(pattern):
            return Piece(f"regexp_matches({value.sql}, ?)", (*value.parameters, pattern))
        return Piece(f"{value.sql} IS NOT NULL", value.parameters, exact=False)

    def contains(self, column: str, text: str) -> Piece:
        """By DuckDB's own search."""
        return Piece(f"contains({column}, ?)", (text,))


def _json(field: FieldPath) -> str:
    return f"(json_extract({field.root}, {_pointer(field)})::VARCHAR)"


def _pointer(field: FieldPath) -> str:
    segments = (segment.replace("~", "~0").replace("/", "~1") for segment in field.path)
    pointer = "".join(f"/{segment}" for segment in segments).replace("'", "''")
    return f"'{pointer}'"


class DuckDBStore(SqlStore):
    """A store in one DuckDB file that any number of processes share, each for one short operation at a time."""

    backend = "duckdb"
    keys_in = """SELECT unnest(from_json(?, '["VARCHAR"]'))"""
    insertion = f"""
        INSERT INTO documents ({", ".join(TYPES)})
        SELECT unnest(from_json(?, '[{json.dumps(TYPES)}]'), recursive := true)"""
    dialect = DuckDBDialect()
    places_in = """SELECT (place[1], place[2]::BIGINT) FROM (SELECT unnest(from_json(?, '[["VARCHAR"]]')) AS place)"""

    def __init__(
        self,
        database_path: str | Path = ".trainer/trainer.duckdb",
        *,
        clock: Clock = system_clock,
        timeout: float = 60.0,
    ) -> None:
        """`timeout` is the longest wait in seconds for other processes."""
        self.clock = clock
        self.database = DatabaseFile(Path(database_path), clock, timeout)

    def heads(self, keys: Sequence[str], *, then: Callable[[Mapping[str, Json]], None]) -> dict[str, Json]:
        """The heads of the keys as `heads.json` keeps them, null for a key that is not there.

        `then` is called with them while nobody else can open the file.
        """
        heads: dict[str, Json] = dict.fromkeys(keys)
        with self.database.open(DOCUMENTS, MIGRATIONS, write=False, afterwards=lambda: then(heads)) as connection:
            run = partial(_run, connection)
            heads.update({row.key: head_as_json(row.head()) for row in self.currents(run, keys) if not row.deleted})
        return heads

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Execute]:
        """One short opening of the file; what fails leaves it as it was."""
        with self.database.open(DOCUMENTS, MIGRATIONS, write=write) as connection:
            if write:
                connection.execute("BEGIN")
            yield partial(_run, connection)
            if write:
                connection.execute("COMMIT")

    def measure(self) -> int | None:
        """The bytes of the file, all its tables together."""
        path = self.database.path
        return path.stat().st_size if path.exists() else 0

    def migrate(self) -> int:
        """The number of the newest migration of the documents."""
        with self.database.open(DOCUMENTS, MIGRATIONS):
            return len(MIGRATIONS)


def _run(connection: duckdb.DuckDBPyConnection, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return connection.execute(statement, list(parameters)).fetchall()
