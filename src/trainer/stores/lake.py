"""Long history in a DuckLake: versions as Parquet files in a folder, their catalogue in PostgreSQL.

Any number of processes add to it; versions are never changed, and every earlier state of the lake can be read.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg.conninfo import make_conninfo

from trainer.core.errors import StoreError, UsageError
from trainer.core.values import StoredData
from trainer.stores.database import CONFIG
from trainer.stores.postgresql_database import alone, load_extension, quoted
from trainer.stores.postgresql_store import explained, parse_address
from trainer.stores.transfer import COLUMNS, flat, unflat
from trainer.stores.values import to_text

_BATCH = 5_000
_NUMBER_OF_LOCK = 7_226_033
_ABSENT = "creating a new DuckLake is explicitly disabled"
_TABLE = f"CREATE TABLE IF NOT EXISTS versions ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})"
_GIVEN = f"SELECT unnest(from_json(?, '[{json.dumps(COLUMNS)}]'), recursive := true)"
_COUNT_OTHERS = """
    SELECT min(given.key || ' in version ' || given.version) FROM given JOIN versions v USING (key, version)
    WHERE (v.data, v.metadata) IS DISTINCT FROM (given.data, given.metadata)"""
_ADD = """
    INSERT INTO versions FROM given
    WHERE NOT EXISTS (FROM versions v WHERE (v.key, v.version) = (given.key, given.version))"""
_COMPACTION = (
    "CALL ducklake_flush_inlined_data('lake')",
    "CALL ducklake_merge_adjacent_files('lake')",
    "CALL ducklake_cleanup_old_files('lake', older_than => now() - INTERVAL 1 DAY)",
)


@dataclass(frozen=True, slots=True)
class Lake:
    """One lake; nothing is opened or made before it is used."""

    folder: Path
    """Where the Parquet files lie; the same for all who use the catalogue."""
    catalogue: str = field(repr=False)
    """The PostgreSQL server, as in `data_store.connection_string`."""
    database: str | None = None
    """Instead of the one in the address."""
    timeout: int = 600
    """Seconds to wait for other writers."""

    def add(self, documents: Iterable[StoredData]) -> int:
        """How many versions were added; those that are there already are left.

        Raises StoreError where a version is there with other data.
        """
        added, rest = 0, iter(documents)
        while batch := [flat(document) for document in islice(rest, _BATCH)]:
            with self._open() as connection:
                added += _add(connection, batch)
        return added

    def read(self, *, as_of: datetime | None = None) -> Iterator[StoredData]:
        """All versions by key and number, or those that the lake had at `as_of`."""
        then = f" AT (TIMESTAMP => TIMESTAMPTZ {quoted(to_text(as_of))})" if as_of else ""
        question = f"SELECT {', '.join(COLUMNS)} FROM versions{then} ORDER BY key, version"  # noqa: S608
        with self._open(write=False) as connection:
            try:
                cursor = connection.execute(question)
            except (duckdb.CatalogException, duckdb.InvalidInputException):
                raise _empty(as_of) from None
            while rows := cursor.fetchmany(_BATCH):
                yield from (unflat(row, shown="the lake") for row in rows)

    def compact(self) -> int:
        """How many Parquet files there are afterwards: small ones become one; every earlier state stays readable."""
        with self._open() as connection:
            for statement in _COMPACTION:
                connection.execute(statement).fetchall()
            ((files,),) = connection.execute("SELECT count(*) FROM ducklake_list_files('lake', 'versions')").fetchall()
        return int(files)

    @contextlib.contextmanager
    def _open(self, *, write: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that stands in the lake; writers come one after another, readers wait for nobody."""
        parameters = parse_address(self.catalogue, self.database)
        try:
            with (
                alone(parameters, _NUMBER_OF_LOCK if write else None, self.timeout) as schema,
                duckdb.connect(config=CONFIG) as connection,
            ):
                self._attach(connection, make_conninfo("", **parameters), schema, write=write)
                if write:
                    connection.execute(_TABLE)
                yield connection
        except (duckdb.Error, psycopg.Error) as error:
            if _ABSENT in str(error):
                raise _empty(None) from None
            raise explained(error, parameters) from None

    def _attach(self, connection: duckdb.DuckDBPyConnection, conninfo: str, schema: str, *, write: bool) -> None:
        for name in ("postgres_scanner", "ducklake"):
            load_extension(connection, name)
        options = f"DATA_PATH {quoted(f'{self.folder.absolute()}/')}, METADATA_SCHEMA {quoted(schema)}"
        mode = "" if write else ", READ_ONLY"
        connection.execute(f"ATTACH {quoted(f'ducklake:postgres:{conninfo}')} AS lake ({options}{mode})")
        connection.execute("USE lake")


def _add(connection: duckdb.DuckDBPyConnection, batch: Sequence[dict[str, Any]]) -> int:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE given AS {_GIVEN}", [json.dumps(batch, ensure_ascii=False)])
    ((other,),) = connection.execute(_COUNT_OTHERS).fetchall()
    if other:
        raise StoreError(
            f"the lake has {other} already, with other data", hint="keep the history of another store in another lake"
        )
    ((added,),) = connection.execute(_ADD).fetchall()
    return int(added)


def _empty(as_of: datetime | None) -> UsageError:
    return UsageError(
        f"the lake has no versions{f' from {to_text(as_of)} or before' if as_of else ''}",
        hint="fill it: trainer store export ducklake:FOLDER --catalogue postgresql://…",
    )
