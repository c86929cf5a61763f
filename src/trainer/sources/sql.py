"""SQL databases by SQLAlchemy: a pool of connections to each, transactions that only read, faults in plain words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.dialects import registry
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError, StatementError

from trainer.core.errors import SourceError, UsageError
from trainer.core.secrets import mask_secrets

registry.register("duckdb", "trainer.sources.sql_duckdb", "ReadOnlyDuckDBDialect")

_DRIVERS = {"psycopg": "postgres", "pymysql": "mysql"}
"""Drivers that an extra brings."""
_CONNECT = {"psycopg": "connect_timeout", "psycopg2": "connect_timeout", "pymysql": "connect_timeout"}
"""What a driver calls the seconds it waits for a connection."""


def make_engine(what: str, url: str, *, root: Path, timeout: float) -> Engine:
    """A pool of connections; nothing is reached yet. Files lie in the project's tree and are opened for reading only.

    `what` is what errors call it. Raises UsageError for an address that is none, SourceError for a missing file.
    """
    try:
        address = make_url(url)
        backend = address.get_backend_name()
        if backend in ("sqlite", "duckdb") and address.database not in (None, "", ":memory:"):
            path = (root / str(address.database)).resolve()
            if not path.is_file():
                raise SourceError(
                    f"{what.rpartition('.')[2]}: there is no file {address.database}", hint="mend its url"
                )
            if backend == "duckdb":
                address = address.set(database=str(path))
            else:
                address = address.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})
        waiting = _CONNECT.get(address.get_driver_name())
        arguments = {waiting: max(1, round(timeout))} if waiting and waiting not in address.query else {}
        engine = create_engine(address, pool_pre_ping=True, pool_timeout=timeout, connect_args=arguments)
    except NoSuchModuleError as error:
        raise UsageError(f"{what}: no such database: {error}") from error
    except ArgumentError as error:
        hint = "write it like postgresql+psycopg://user@host/database or sqlite:///data.db"
        raise UsageError(f"{what}.url is not a database's address", hint=hint) from error
    except ModuleNotFoundError as error:
        name = str(error.name)
        install = f'"trainer-core[{_DRIVERS[name]}]"' if name in _DRIVERS else name
        raise UsageError(f"{what} needs {name}, which is not installed", hint=f"run: pip install {install}") from error
    event.listen(engine, "connect", _limit_sqlite)
    return engine


def begin_reading(connection: Connection, timeout: float) -> None:
    """Begin a transaction that cannot write, where the database knows such, and whose questions end in time."""
    milliseconds = max(1, round(timeout * 1000))
    match connection.dialect.name:
        case "postgresql":
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))
        case "mysql" | "mariadb":
            limit = f"max_statement_time = {timeout}"
            if not getattr(connection.dialect, "is_mariadb", False):
                limit = f"max_execution_time = {milliseconds}"
            connection.execute(text(f"SET SESSION {limit}"))
            connection.rollback()  # the setting may have begun a transaction, and the next line is about the next one
            connection.execute(text("SET TRANSACTION READ ONLY"))
        case "oracle":
            connection.execute(text("SET TRANSACTION READ ONLY"))


def failure(name: str, error: SQLAlchemyError) -> SourceError:
    """The database's own words, without secrets."""
    cause = error.orig if isinstance(error, StatementError) and error.orig else error
    reason = mask_secrets(re.sub(r"\s+", " ", str(cause)).strip())[:300]
    return SourceError(f"{name}: {reason}", hint="check the question, the connection and what it may read")


def _limit_sqlite(connection: Any, _record: Any) -> None:
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA query_only = ON")
