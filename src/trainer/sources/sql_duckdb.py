"""DuckDB's files for SQLAlchemy: what a question needs of a dialect, and no more."""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import ConnectArgsType
from sqlalchemy.pool import QueuePool


class ReadOnlyDuckDBDialect(DefaultDialect):
    """Reads one file, which stays as it is, and no other: questions can neither open files nor load extensions."""

    name = "duckdb"
    driver = "duckdb"
    default_paramstyle = "qmark"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """DuckDB's own module."""
        import duckdb

        return duckdb

    @classmethod
    def get_pool_class(cls, url: URL) -> type[QueuePool]:  # noqa: ARG003  (SQLAlchemy's signature)
        """A pool like a server's."""
        return QueuePool

    def create_connect_args(self, url: URL) -> ConnectArgsType:
        """The file, to be read."""
        config = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}
        return (url.database or ":memory:",), {"read_only": bool(url.database), "config": config}

    def do_rollback(self, dbapi_connection: Any) -> None:
        """DuckDB has no transaction before a statement begins one."""
        with contextlib.suppress(self.loaded_dbapi.Error):
            dbapi_connection.rollback()

    def do_commit(self, dbapi_connection: Any) -> None:
        """The same."""
        with contextlib.suppress(self.loaded_dbapi.Error):
            dbapi_connection.commit()
