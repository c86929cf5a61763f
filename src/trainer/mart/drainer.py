"""Draining: one elected process moves everybody's finished segments into the database, each exactly once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import TrainerError
from trainer.mart.breaker import note_failure, note_success, read_breaker
from trainer.mart.publish import LearnedFiles, OperationKey
from trainer.mart.segments import Segment, keep_aside, read_segment
from trainer.mart.spool import adopt, elected, segments
from trainer.mart.tables import EVENT_COLUMNS, INSERTS, TOUCHED
from trainer.mart.views import create_views

if TYPE_CHECKING:
    import duckdb

    from trainer.mart.tables import Opener

_BATCH_BYTES = 64 << 20
_BATCH_SEGMENTS = 2_000


@dataclass(frozen=True, slots=True)
class DrainResult:
    """What a drain did."""

    rows: int = 0
    segments: int = 0
    adopted: int = 0
    """Segments left behind by dead processes."""
    quarantined: int = 0
    """Lines that could not be read; they are kept."""
    skipped: str = ""
    """Why nothing was tried: another process drains, or the store failed too often of late."""
    error: str = ""
    """Why the store could not be used; the segments wait for the next drain."""
    views: str = ""
    """Why the views of the specification could not be made; the records are stored all the same."""


def drain(
    spool_dir: Path,
    opener: Opener,
    *,
    clock: Clock = system_clock,
    force: bool = False,
    learned: LearnedFiles | None = None,
) -> DrainResult:
    """Move what waits in the spool into the database; never raises for the store's sake, never waits for another.

    A crash at any point loses and doubles nothing: a segment is deleted after the transaction that holds it.
    `force` tries although the store failed of late. What the new trials teach is written to `learned`.
    """
    if not segments(spool_dir):
        return DrainResult()
    breaker = read_breaker(spool_dir)
    if not force and breaker.retry_at > clock().timestamp():
        return DrainResult(skipped=f"the store failed {breaker.failures} times, last: {breaker.error}")
    with elected(spool_dir) as won:
        if not won:
            return DrainResult(skipped="another process drains")
        return _drain(spool_dir, opener, clock, learned)


def _drain(spool_dir: Path, opener: Opener, clock: Clock, learned: LearnedFiles | None) -> DrainResult:
    import duckdb

    result = DrainResult(adopted=len(adopt(spool_dir)))
    afresh = learned is not None and (learned.is_unfinished or not learned.folder.is_dir())
    try:
        for batch in _batches(spool_dir):
            if learned is not None:
                learned.begin()
            with opener() as connection:
                groups: set[OperationKey] = set()
                rows, bad = _ingest(connection, batch, clock, groups)
                views = _make_views(connection)
                if learned is not None:
                    learned.publish(connection, groups, afresh=afresh)
                    afresh = False
            for segment in batch:
                segment.remove()
            result = replace(
                result,
                rows=result.rows + rows,
                segments=result.segments + len(batch),
                quarantined=result.quarantined + bad,
                views=views,
            )
    except (TrainerError, duckdb.Error, OSError) as error:
        message = str(error).split("\n", maxsplit=1)[0]
        note_failure(spool_dir, message, clock=clock)
        return replace(result, error=message)
    note_success(spool_dir)
    return result


def _make_views(connection: duckdb.DuckDBPyConnection) -> str:
    import duckdb

    try:
        create_views(connection)
    except duckdb.Error as error:  # on a server, the right to make a schema may be lacking
        return str(error).split("\n", maxsplit=1)[0]
    return ""


def _batches(spool_dir: Path) -> Iterator[list[Segment]]:
    batch: list[Segment] = []
    for path in [path for path in segments(spool_dir) if path.suffix == ".ready"]:
        batch.append(read_segment(path))
        if sum(segment.size for segment in batch) >= _BATCH_BYTES or len(batch) >= _BATCH_SEGMENTS:
            yield batch
            batch = []
    if batch:
        yield batch


def _ingest(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[Segment], clock: Clock, groups: set[OperationKey]
) -> tuple[int, int]:
    """Rows and bad lines taken in: the whole batch in one transaction, or segment by segment where one is poisoned.

    The groups in which trials were added or rated are added to `groups`.
    """
    import duckdb

    ingested = _ingested(connection, batch)
    fresh = [segment for segment in batch if segment.name not in ingested]
    if not fresh:
        return 0, 0
    try:
        _transaction(connection, fresh, clock, groups)
        return sum(segment.rows for segment in fresh), sum(segment.bad for segment in fresh)
    except (duckdb.DataError, duckdb.InvalidInputException):
        return _ingest_one_by_one(connection, fresh, clock, groups)


def _ingest_one_by_one(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[Segment], clock: Clock, groups: set[OperationKey]
) -> tuple[int, int]:
    import duckdb

    rows = bad = 0
    for segment in batch:
        try:
            _transaction(connection, [segment], clock, groups)
            taken = segment
        except (duckdb.DataError, duckdb.InvalidInputException):
            taken = _without_bad_rows(connection, segment)
            _transaction(connection, [taken], clock, groups)
        rows, bad = rows + taken.rows, bad + taken.bad
    return rows, bad


def _without_bad_rows(connection: duckdb.DuckDBPyConnection, segment: Segment) -> Segment:
    """The segment with only those lines that the database reads; the others go into quarantine."""
    import duckdb

    probe = segment.path.with_suffix(".probe")
    good: list[bytes] = []
    refused: list[bytes] = []
    for line in segment.clean.read_bytes().splitlines():
        probe.write_bytes(line + b"\n")
        try:
            json.loads(line)
            connection.execute(_read([probe])).fetchall()
            good.append(line)
        except (duckdb.Error, ValueError):
            refused.append(line)
    probe.unlink()
    keep_aside(segment.path, refused)
    clean = segment.path.with_suffix(".clean")
    clean.write_bytes(b"".join(line + b"\n" for line in good))
    return replace(segment, clean=clean, rows=len(good), bad=segment.bad + len(refused))


def _ingested(connection: duckdb.DuckDBPyConnection, batch: Sequence[Segment]) -> set[str]:
    names = [segment.name for segment in batch]
    rows = connection.execute("SELECT segment FROM ingested WHERE segment IN (SELECT unnest($1))", [names])
    return {name for (name,) in rows.fetchall()}


def _transaction(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[Segment], clock: Clock, groups: set[OperationKey]
) -> None:
    connection.execute("BEGIN")
    try:
        touched = _load_files(connection, batch)
        now = clock().replace(tzinfo=None)
        rows = [(segment.name, segment.rows, segment.bad, now) for segment in batch]
        connection.executemany("INSERT INTO ingested VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        groups.update(touched)
    except BaseException:
        with contextlib.suppress(Exception):
            connection.execute("ROLLBACK")
        raise


def _load_files(connection: duckdb.DuckDBPyConnection, batch: Sequence[Segment]) -> list[OperationKey]:
    """Insert the lines; the groups in which trials were added or rated."""
    files = [segment.clean for segment in batch if segment.rows]
    if not files:
        return []
    connection.execute(f"CREATE OR REPLACE TEMP TABLE batch AS {_read(files)}")
    for statement in INSERTS:
        connection.execute(statement)
    touched = connection.execute(TOUCHED).fetchall()
    connection.execute("DROP TABLE batch")
    return touched


def _read(files: Sequence[Path]) -> str:
    """The query that reads spool files."""
    paths = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    columns = ", ".join(f"\"{name}\": '{kind}'" for name, kind in EVENT_COLUMNS.items())
    options = f"format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = 1048576"
    return f"SELECT * FROM read_json([{paths}], {options})"  # noqa: S608  (own paths, quoted)
