"""Records in PostgreSQL: the tables of a room that speaks DuckDB's SQL, on a server that many machines share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg.conninfo import make_conninfo

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import MissingExtra, StoreError
from trainer.core.sqltext import sql_name
from trainer.stores.database import CONFIG, apply_migrations
from trainer.stores.postgresql_store import PATIENCE, address_of, connected, explained, parse_address

_NUMBER_OF_LOCK = 7_226_032
_EXTRAS = {"postgres_scanner": "postgres"}
"""The extra that brings an extension's wheel; `ducklake` for the others."""


@dataclass(frozen=True, slots=True)
class PostgreSQLDatabase:
    """One database; a room is given `functools.partial(database.open, "mart", MIGRATIONS)`, as with a file."""

    connection_string: str = field(repr=False)
    database: str | None = None
    """Instead of the one in the address."""
    clock: Clock = system_clock
    timeout: int = 60
    """Seconds to wait for other writers."""

    @contextlib.contextmanager
    def open(self, component: str, migrations: Sequence[str]) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of DuckDB whose tables are the server's, with the component's migrations applied.

        Nobody else has them open meanwhile. Raises StoreError, without any password.
        """
        parameters = parse_address(self.connection_string, self.database)
        try:
            with (
                alone(parameters, _NUMBER_OF_LOCK, self.timeout) as schema,
                duckdb.connect(config=CONFIG) as connection,
            ):
                _attach(connection, make_conninfo("", **parameters), schema)
                apply_migrations(
                    connection, component, migrations, clock=self.clock, shown=f"PostgreSQL at {address_of(parameters)}"
                )
                yield connection
        except (duckdb.Error, psycopg.Error) as error:
            raise explained(error, parameters) from None


@contextlib.contextmanager
def alone(parameters: Mapping[str, Any], lock: int | None, timeout: int) -> Iterator[str]:
    """The schema of the connection, under a lock of that number, which the server drops when this process dies."""
    with connected(parameters, PATIENCE, autocommit=True) as connection:
        if lock is not None:
            connection.execute(f"SET lock_timeout = {timeout * 1000:d}")
            connection.execute("SELECT pg_advisory_lock(%s)", [lock])
        row = connection.execute("SELECT coalesce(current_schema(), 'public')").fetchone()
        yield row[0] if row else "public"


def _attach(connection: duckdb.DuckDBPyConnection, conninfo: str, schema: str) -> None:
    """Makes the server's schema the one in which names are looked up."""
    load_extension(connection, "postgres_scanner")
    connection.execute(f"ATTACH {quoted(conninfo)} AS records (TYPE postgres, SCHEMA {quoted(schema)})")
    connection.execute(f"USE records.{sql_name(schema)}")


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Loads the extension called `name`; raises MissingExtra where its wheel is not installed."""
    extra = _EXTRAS.get(name, "ducklake")
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(f"DuckDB's extension {name}", extra)
    folder = Path(spec.submodule_search_locations[0]) / "extensions" / f"v{duckdb.__version__}"
    path = folder / f"{name}.duckdb_extension"
    if not path.exists():
        raise StoreError(
            f"DuckDB {duckdb.__version__} and its extension {name} are of different versions",
            hint=f'run: pip install --upgrade "trainer-core[{extra}]"',
        )
    connection.execute(f"LOAD {quoted(str(path))}")


def quoted(text: str) -> str:
    """The text as a literal of SQL, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
