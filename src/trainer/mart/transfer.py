"""Taking all records over into another database, each once; over files, so that neither database waits for the other.

Records have no key that covers them all: starts and ends are known by their execution, segments by their names, and
steps by execution, number, name and time, as often as they are there.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from trainer.mart.tables import Opener

_TELLING: Mapping[str, tuple[str, ...]] = {
    "execution_starts": ("execution_id",),
    "execution_ends": ("execution_id",),
    "steps": ("execution_id", "seq", "name", "ended_at"),
    "ingested": ("segment",),
    "trials": ("execution_id",),
    "ratings": ("execution_id", "rated_at", "source"),
}
"""The tables of facts, and by which columns a row is told from others."""
_ADD = """
    INSERT INTO {table} BY NAME
    WITH given AS (SELECT *, row_number() OVER (PARTITION BY {names}) AS nth FROM read_parquet(?)),
        known AS (SELECT {names}, row_number() OVER (PARTITION BY {names}) AS nth FROM {table})
    SELECT given.* EXCLUDE (nth) FROM given ANTI JOIN known ON {same}"""


def copy_records(origin: Opener, target: Opener) -> int:
    """How many rows `target` has more than before: those of `origin` that it had not, added in one transaction.

    Copying again adds what came since. Segments that were drained into either database are drained into neither again.
    Raises what the openers raise; nothing is added then.
    """
    with tempfile.TemporaryDirectory(prefix="trainer-records-") as folder:
        files = {table: str(Path(folder) / f"{table}.parquet") for table in _TELLING}
        with origin() as connection:
            for table, file in files.items():
                connection.execute(f"COPY (FROM {table}) TO '{_quoted(file)}' (FORMAT parquet)")
        with target() as connection, _transaction(connection):
            added = sum(_add(connection, table, file) for table, file in files.items())
    return added


@contextlib.contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Committed at the end; what fails is rolled back when the connection is closed."""
    connection.execute("BEGIN")
    yield
    connection.execute("COMMIT")


def _add(connection: duckdb.DuckDBPyConnection, table: str, file: str) -> int:
    names = _TELLING[table]
    same = " AND ".join(f"given.{name} IS NOT DISTINCT FROM known.{name}" for name in (*names, "nth"))
    statement = _ADD.format(table=table, names=", ".join(names), same=same)
    ((added,),) = connection.execute(statement, [file]).fetchall()
    return int(added)


def _quoted(path: str) -> str:
    return path.replace("'", "''")
