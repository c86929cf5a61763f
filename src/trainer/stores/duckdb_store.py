"""Documents in the project's DuckDB file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.core.clock import Clock, system_clock
from trainer.core.values import Json
from trainer.stores.database import DOCUMENTS, DatabaseFile
from trainer.stores.duckdb_dialect import DuckDBDialect
from trainer.stores.head import head_as_json
from trainer.stores.sql_store import TYPES, Run, SqlStore

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
)


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
        found: dict[str, Json] = dict.fromkeys(keys)
        with self.database.open(DOCUMENTS, MIGRATIONS, afterwards=lambda: then(found)) as connection:
            run = partial(_run, connection)
            found.update({row.key: head_as_json(row.head()) for row in self.currents(run, keys) if not row.deleted})
        return found

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Run]:
        """One short opening of the file; what fails leaves it as it was."""
        with self.database.open(DOCUMENTS, MIGRATIONS) as connection:
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
