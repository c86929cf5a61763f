"""The tables of the TidyMart specification, as views in a schema `tidymart`."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from trainer.core.digest import digest_bytes
from trainer.core.sqltext import sql_name

if TYPE_CHECKING:
    import duckdb

_DUCKDB = """
CREATE SCHEMA IF NOT EXISTS tidymart;
CREATE OR REPLACE MACRO tidymart.num(x) AS TRY_CAST(x AS DOUBLE);
CREATE OR REPLACE MACRO tidymart.utc() AS CAST(now() AT TIME ZONE 'UTC' AS TIMESTAMP);
CREATE OR REPLACE MACRO tidymart.nothing() AS CAST(NULL AS JSON);
CREATE OR REPLACE MACRO tidymart.metrics(seconds, cost, quality, success) AS
    json_object('seconds', seconds, 'cost_usd', cost, 'quality', quality, 'success', success);
"""
_POSTGRESQL = r"""
CREATE SCHEMA IF NOT EXISTS tidymart;
CREATE OR REPLACE FUNCTION tidymart.num(x text) RETURNS double precision IMMUTABLE LANGUAGE sql AS
    'SELECT CASE WHEN x ~ ''^[-+]?([0-9]{1,15}\.?[0-9]{0,15}|\.[0-9]{1,15})([eE][-+]?[0-9]{1,2})?$''
        THEN x::double precision END';
CREATE OR REPLACE FUNCTION tidymart.utc() RETURNS timestamp STABLE LANGUAGE sql AS 'SELECT now() AT TIME ZONE ''UTC''';
CREATE OR REPLACE FUNCTION tidymart.nothing() RETURNS json IMMUTABLE LANGUAGE sql AS 'SELECT NULL::json';
CREATE OR REPLACE FUNCTION tidymart.metrics(seconds double precision, cost double precision, quality double precision,
    success boolean) RETURNS json IMMUTABLE LANGUAGE sql AS
    'SELECT json_build_object(''seconds'', seconds, ''cost_usd'', cost, ''quality'', quality, ''success'', success)';
"""


def create_views(connection: duckdb.DuckDBPyConnection) -> bool:
    """Make the views where they are missing or of another release; whether they were made.

    On PostgreSQL they are the server's own, for any program that reads it.
    """
    text = (files("trainer.mart") / "views.sql").read_text(encoding="utf-8")
    release = digest_bytes((_DUCKDB + _POSTGRESQL + text).encode())[:16]
    if connection.execute("SELECT 1 FROM views_made WHERE release = ?", [release]).fetchone():
        return False
    kind, database, schema = connection.execute(
        """SELECT type, current_database(), current_schema() FROM duckdb_databases()
            WHERE database_name = current_database()"""
    ).fetchall()[0]
    named = sql_name(str(schema))
    if kind == "postgres":
        script = _POSTGRESQL + text.replace("{facts}", named)
        connection.execute("CALL postgres_execute(?, ?)", [database, script])
    else:
        connection.execute(_DUCKDB + text.replace("{facts}", named))
    connection.execute("INSERT INTO views_made VALUES (?)", [release])
    return True
