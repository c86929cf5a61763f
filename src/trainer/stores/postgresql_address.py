"""Where a PostgreSQL server is, and what is said of it when it fails: never its password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout

from trainer.core.errors import StoreError, UsageError

_PASSWORD = re.compile(r"password=('(?:\\.|[^'\\])*'|\S+)")


def parse_address(connection_string: str, database: str | None) -> Mapping[str, Any]:
    """The parameters of a connection; raises UsageError."""
    try:
        given = conninfo_to_dict(connection_string)
    except psycopg.ProgrammingError:
        raise UsageError(
            "data_store.connection_string is no PostgreSQL address",
            hint="write it like postgresql://user:password@host:5432/database",
        ) from None
    return {"connect_timeout": 10, **given, **({"dbname": database} if database else {})}


def address_of(parameters: Mapping[str, Any]) -> str:
    """Host and port alone."""
    return f"{parameters.get('host', 'the local socket')}:{parameters.get('port', 5432)}"


def explained(error: Exception, parameters: Mapping[str, Any]) -> StoreError:
    """What to tell the user of an error of the server or of the way to it."""
    text = _PASSWORD.sub("password=***", " ".join(str(error).split()))
    password = parameters.get("password")
    if password:
        text = text.replace(str(password), "***")
    reached = not isinstance(error, psycopg.OperationalError | PoolTimeout)
    return StoreError(
        f"PostgreSQL at {address_of(parameters)} {'refused' if reached else 'cannot be reached'}: {text}",
        hint="check data_store.connection_string, and that the server runs and may be written",
    )
