"""A database file for records of executions, made by the mart's own migrations at its first opening."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb

from trainer.mart import MIGRATIONS


def opener(path: Path) -> Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]:
    """Opens the file for one short operation."""

    @contextlib.contextmanager
    def opened() -> Iterator[duckdb.DuckDBPyConnection]:
        fresh = not path.exists()
        with duckdb.connect(str(path)) as connection:
            for script in MIGRATIONS if fresh else ():
                connection.execute(script)
            yield connection

    return opened
