"""Removing records that are older than they must be kept: archived as Parquet, then deleted in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.core.digest import digest_bytes, pretty
from trainer.core.files import write_atomic

if TYPE_CHECKING:
    import duckdb

    from trainer.mart.tables import Opener

_TABLES = ("execution_ends", "steps", "trials", "ratings", "execution_starts")
"""Facts of executions; the starts last, for the others are chosen by them."""
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, or would be."""

    before: datetime
    rows: dict[str, int]
    """By table."""
    archived: dict[str, str]
    """Digest by file of the archive; the manifest beside them holds the same."""

    @property
    def executions(self) -> int:
        """How many executions."""
        return self.rows["execution_starts"]


def prune_records(opener: Opener, before: datetime, *, archive: Path | None = None, dry_run: bool = False) -> Pruned:
    """Remove executions that started before a moment, with all that belongs to them.

    With an `archive` they are written there before anything is deleted; a failure in between deletes nothing. What
    runs below an execution goes by its own start. Raises what the opener raises, and OSError for the archive.
    """
    moment = before.astimezone(UTC).replace(tzinfo=None)
    with opener() as connection:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE aged AS SELECT execution_id FROM execution_starts WHERE started_at < ?",
            [moment],
        )
        rows = {table: _count(connection, table) for table in _TABLES}
        archived: dict[str, str] = {}
        if not dry_run and rows["execution_starts"]:
            if archive is not None:
                archived = _archive(connection, archive, before)
            connection.execute("BEGIN")
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table} WHERE execution_id IN (SELECT execution_id FROM aged)")  # noqa: S608
            connection.execute("COMMIT")
        connection.execute("DROP TABLE aged")
    return Pruned(before, rows, archived)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    question = f"SELECT count(*) FROM {table} WHERE execution_id IN (SELECT execution_id FROM aged)"  # noqa: S608
    ((count,),) = connection.execute(question).fetchall()
    return int(count)


def _archive(connection: duckdb.DuckDBPyConnection, folder: Path, before: datetime) -> dict[str, str]:
    """One Parquet file a table, named by the moment, and a manifest with their digests."""
    place = folder / f"before-{before.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    place.mkdir(parents=True)
    digests = {}
    for table in _TABLES:
        file = place / f"{table}.parquet"
        quoted = str(file).replace("'", "''")
        connection.execute(
            f"COPY (SELECT * FROM {table} WHERE execution_id IN (SELECT execution_id FROM aged)) "  # noqa: S608
            f"TO '{quoted}' (FORMAT parquet)"
        )
        digests[file.name] = digest_bytes(file.read_bytes())
    write_atomic(place / MANIFEST, pretty(digests) + "\n")
    return digests
