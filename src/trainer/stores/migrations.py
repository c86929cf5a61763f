"""Numbered migrations of one component's tables, in whatever database a DuckDB connection stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer.core.clock import Clock, isoformat
from trainer.core.errors import StoreError, Where

if TYPE_CHECKING:
    import duckdb

_REGISTER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    component VARCHAR NOT NULL, number INTEGER NOT NULL, applied_at VARCHAR NOT NULL
)"""


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
