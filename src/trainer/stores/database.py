"""The DuckDB file that several processes share: open only inside one short operation, under a lock beside it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.errors import StoreError, Where
from trainer.stores.heads import carry_over, stamp_of
from trainer.stores.lock import file_lock, is_read_only, refuse_network

if TYPE_CHECKING:
    import duckdb

DOCUMENTS = "documents"
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
"""Nothing is ever downloaded by itself."""
_REGISTER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    component VARCHAR NOT NULL, number INTEGER NOT NULL, applied_at VARCHAR NOT NULL
)"""


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """One DuckDB file; a room that keeps tables in it is given `functools.partial(file.open, "mart", MIGRATIONS)`."""

    path: Path
    clock: Clock = system_clock
    timeout: float = 60.0
    """Seconds to wait for the lock."""

    @contextlib.contextmanager
    def open(
        self,
        component: str,
        migrations: Sequence[str],
        *,
        write: bool = True,
        afterwards: Callable[[], None] | None = None,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the component's migrations applied; nobody else has the file open meanwhile.

        Keep it short, and wait for no network and no model inside. What was not committed is rolled back.
        Who only reads and says so with `write=False` can do so where nothing can be written.
        `afterwards` is called once the file is closed again, while nobody else can have opened it.
        Raises StoreError: lock not had in time, newer or broken file, network file system, disk full.
        """
        refuse_network(self.path.parent)
        if not write and is_read_only(self.path):
            with self._connection(read_only=True) as connection:
                apply_migrations(connection, component, migrations, clock=self.clock, shown=str(self.path))
                yield connection
            return
        with file_lock(self.path.with_name(self.path.name + ".lock"), timeout=self.timeout):
            before = stamp_of(self.path)
            with self._connection() as connection:
                apply_migrations(connection, component, migrations, clock=self.clock, shown=str(self.path))
                yield connection
            if component != DOCUMENTS:
                carry_over(self.path, before, stamp_of(self.path))
            if afterwards:
                afterwards()

    @contextlib.contextmanager
    def _connection(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        connection = None
        try:
            connection = self._connect(read_only)
            yield connection
            connection.close()
        except duckdb.Error as error:
            raise self._explained(error) from error
        except RuntimeError as error:  # what DuckDB makes of an interrupt within a statement
            if "interrupted" in str(error):
                raise KeyboardInterrupt from error
            raise
        finally:
            with contextlib.suppress(duckdb.Error):
                if connection is not None:
                    connection.close()

    def _connect(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        """Waits for programs that open the file without our lock, such as DuckDB's own shell.

        A file that is not there and cannot be made is an empty database in memory.
        """
        import duckdb

        deadline = time.monotonic() + self.timeout
        while True:
            try:
                if read_only and not self.path.exists():
                    return duckdb.connect(config=CONFIG)
                return duckdb.connect(self.path, read_only=read_only, config=CONFIG)
            except duckdb.IOException as error:
                if "Could not set lock" not in str(error) or time.monotonic() >= deadline:
                    raise
            time.sleep(0.05)

    def _explained(self, error: Exception) -> StoreError:
        text = str(error).split("\n")[0]
        hint = "look at the message; the file itself is as it was before"
        if "Could not set lock" in text:
            hint = "another program has the file open: close it there and run the same command again"
        elif "read-only mode" in text:
            hint = "an older trainer wrote the file: run trainer store migrate once where it can be written"
        elif "No space left" in text:
            hint = "free some space and run the same command again; nothing was changed"
        elif "not a valid DuckDB database" in text or "Corrupt" in text or "magic bytes" in text:
            hint = (
                f"move {self.path.name} away; stored data is fetched again, and reports rebuild from their provenance"
            )
        elif "version number" in text:
            hint = 'a newer DuckDB wrote the file; run: pip install --upgrade "trainer-core"'
        return StoreError(f"the database cannot be used: {text}", where=Where(str(self.path)), hint=hint)


def apply_migrations(
    connection: duckdb.DuckDBPyConnection, component: str, migrations: Sequence[str], *, clock: Clock, shown: str
) -> None:
    """Applies those that are not applied yet, each in one transaction; raises StoreError for a newer database."""
    done = _applied(connection, component)
    if done > len(migrations):
        raise StoreError(
            f"the database was written by a newer trainer: {component} is at migration {done}, "
            f"this program knows {len(migrations)}",
            where=Where(shown),
            hint='run: pip install --upgrade "trainer-core"',
        )
    for number, script in enumerate(migrations[done:], done + 1):
        connection.execute("BEGIN")
        connection.execute(_REGISTER)
        connection.execute(script)
        connection.execute("INSERT INTO schema_migrations VALUES (?, ?, ?)", [component, number, isoformat(clock())])
        connection.execute("COMMIT")


def _applied(connection: duckdb.DuckDBPyConnection, component: str) -> int:
    import duckdb

    question = "SELECT coalesce(max(number), 0) FROM schema_migrations WHERE component = ?"
    try:
        row = connection.execute(question, [component]).fetchone()
    except duckdb.CatalogException:
        return 0
    return int(row[0]) if row else 0
