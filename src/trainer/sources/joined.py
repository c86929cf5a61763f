"""SQL over tables of data, in a sandbox: nothing but the tables is read, nothing is written, time and memory are bound.

    tables = [*tables_of(prices), *tables_of(filings)]
    join("select p.date, p.close / f.eps as pe from prices p join filings f using (ticker)", tables).data["records"]

The same tables and statement give the same rows in the same order: what depends on the clock, on chance or on an order
that nobody asked for is refused, and rows without `order by` are sorted by all their columns.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trainer.core.errors import SourceError, UsageError, nearest
from trainer.core.sqltext import sql_name
from trainer.core.values import Field, Json
from trainer.sources.sql_fields import fields_of
from trainer.sources.tables import TypedTable

if TYPE_CHECKING:
    import duckdb

MOST_ROWS = 10_000
"""Of an answer; a prompt that needs more needs a sum."""
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "max_temp_directory_size": "0B",
    "memory_limit": "512MB",
    "python_enable_replacements": "false",  # else SQL reads this program's own variables
    "temp_directory": "",
    "threads": 1,  # sums of floating-point numbers depend on the order in which threads end
}
_ROWS_AT_ONCE = 20_000
_MOST_TABLES = 10
"""That an error names with their columns."""
_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree"})
"""The functions that may stand for a table; all others read files or tell of the program."""
_FORBIDDEN = frozenset(
    # the clock, the user and the release, which DuckDB's own list does not call changing
    {"current_time", "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user", "user"}
    | {"version", "current_setting", "getvariable", "json_execute_serialized_sql", "query", "query_table"}
)


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a statement."""

    data: dict[str, Json]
    """`records`: a list of rows."""
    fields: Mapping[str, Field]
    """By `records.<column>`: units of columns that were taken over, added up, averaged or divided by their like."""


def join(
    sql: str, tables: Sequence[TypedTable], *, values: Mapping[str, Json] | None = None, seconds: float = 30.0
) -> Joined:
    """What one SELECT says of the tables; `values` stand for `$NAME` in it.

    Raises UsageError for a statement that is none, reads what is no table of these, or is not determined; SourceError
    where it takes too long, too much memory, or fails on the data.
    """
    import duckdb

    statement = sql.strip().rstrip(";").strip()
    connection = duckdb.connect(":memory:", config=_SETTINGS)
    timer = threading.Timer(seconds, connection.interrupt)
    try:
        tree = _tree(connection, statement)
        read = _read(tree, tables)
        _check(connection, tree, tables, read)
        timer.start()
        for table in read:
            _create(connection, table)
        connection.execute("set timezone = 'UTC'")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        names, rows = _rows(connection, statement, tree, values or {})
    except duckdb.InterruptException:
        raise SourceError(
            f"the SQL took longer than {seconds:g} s", hint="join on fewer rows, or add up before joining"
        ) from None
    except duckdb.OutOfMemoryException:
        raise SourceError("the SQL needs more than 512 MB", hint="select fewer columns or rows") from None
    except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
        raise SourceError(f"the SQL fails on this data: {_first_line(error)}") from None
    except duckdb.Error as error:
        raise UsageError(_first_line(error), hint=_hint(str(error), tables)) from None
    finally:
        timer.cancel()
        connection.close()
    units = fields_of(tree, {table.name.lower(): table for table in read})
    fields = {f"records.{name}": units[name.lower()] for name in names if name.lower() in units}
    return Joined({"records": rows}, fields)


def _tree(connection: duckdb.DuckDBPyConnection, statement: str) -> dict[str, Any]:
    """The statement as DuckDB parses it; raises UsageError for anything but one SELECT."""
    answer = connection.execute("select json_serialize_sql(?::varchar)", [statement]).fetchone()
    parsed: dict[str, Any] = json.loads(answer[0]) if answer else {}
    if parsed.get("error"):
        message = str(parsed.get("error_message", "")).partition("\n")[0]
        if "Only SELECT" in message:
            raise UsageError("only a select can be asked", hint="begin it with select or with")
        raise UsageError(f"not SQL: {message}", hint="it is DuckDB's SQL: https://duckdb.org/docs/sql/introduction")
    if len(parsed["statements"]) != 1:
        raise UsageError("only one statement can be asked", hint="put parts into `with name as (…)`")
    node: dict[str, Any] = parsed["statements"][0]["node"]
    return node


def _read(tree: Mapping[str, Any], tables: Sequence[TypedTable]) -> list[TypedTable]:
    """The tables that the statement names; a block may have hundreds of parts that it does not."""
    named = {
        ".".join(filter(None, (node["schema_name"], node["table_name"]))).lower()
        for node in _nodes(tree)
        if node.get("type") == "BASE_TABLE"
    }
    return [table for table in tables if table.name.lower() in named]


def _check(
    connection: duckdb.DuckDBPyConnection,
    tree: Mapping[str, Any],
    tables: Sequence[TypedTable],
    read: Sequence[TypedTable],
) -> None:
    """Raise UsageError for what reads anything but the tables, or would not give the same again."""
    names = {table.name.lower() for table in tables}
    common = {entry["key"].lower() for node in _nodes(tree) for entry in node.get("cte_map", {}).get("map", ())}
    common |= {str(node["cte_name"]).lower() for node in _nodes(tree) if node.get("type") == "RECURSIVE_CTE_NODE"}
    changing = {
        name
        for (name,) in connection.execute(
            "select distinct function_name from duckdb_functions() where stability <> 'CONSISTENT'"
        ).fetchall()
    } | _FORBIDDEN
    for node in _nodes(tree):
        if node.get("type") == "BASE_TABLE":
            name = ".".join(filter(None, (node["catalog_name"], node["schema_name"], node["table_name"])))
            if name.lower() not in names | common:
                close = nearest(name.lower(), names)
                hint = f'did you mean "{close}"?' if close else _known(tables)
                raise UsageError(f'"{name}" is no table of this query', hint=hint)
        function = str(node.get("function", {}).get("function_name", "")).lower()
        if node.get("type") == "TABLE_FUNCTION" and function not in _FUNCTIONS:
            raise UsageError(f"{function}() cannot be read from: only the tables of `from` can", hint=_known(tables))
        name = str(node.get("function_name", "")).lower()
        if node.get("type") == "COLUMN_REF" and len(node["column_names"]) == 1:
            name = node["column_names"][0].lower()  # current_date has no brackets, and so looks like a column
            name = "" if any(name in map(str.lower, table.columns) for table in read) else name
        if name in changing or (name == "age" and len(node.get("children") or ()) == 1):
            raise UsageError(f"{name}() is not the same each time", hint="give the value as a parameter: {NAME}")
        if node.get("sample"):
            raise UsageError("a sample is not the same each time", hint="select by a condition")
        kinds = [modifier["type"] for modifier in node.get("modifiers") or ()]
        picks = any(kind.startswith("LIMIT") for kind in kinds) or any(
            modifier.get("distinct_on_targets") for modifier in node.get("modifiers") or ()
        )
        if picks and "ORDER_MODIFIER" not in kinds:
            raise UsageError("which rows `limit` or `distinct on` keeps is left open", hint="add order by before it")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the tree."""
    if isinstance(value, dict):
        yield value
        for below in value.values():
            yield from _nodes(below)
    elif isinstance(value, list):
        for below in value:
            yield from _nodes(below)


def _create(connection: duckdb.DuckDBPyConnection, table: TypedTable) -> None:
    """Create the table and fill it; its rows come in as JSON with the types of its columns, so nothing is guessed."""
    name = ".".join(map(sql_name, table.name.split(".", 1)))
    if "." in table.name:
        connection.execute(f"create schema if not exists {name.rpartition('.')[0]}")
    if not table.columns:
        connection.execute(f'create table {name} ("empty" varchar)')
        return
    structure = json.dumps([dict(table.columns)])
    for start in range(0, len(table.rows), _ROWS_AT_ONCE):
        rows = json.dumps(list(table.rows[start : start + _ROWS_AT_ONCE]), allow_nan=False)
        into = f"insert into {name}" if start else f"create table {name} as"
        connection.execute(f"{into} select unnest(from_json(?::json, ?), max_depth := 2)", [rows, structure])


def _rows(
    connection: duckdb.DuckDBPyConnection, statement: str, tree: Mapping[str, Any], values: Mapping[str, Json]
) -> tuple[list[str], list[dict[str, Json]]]:
    """The names of the columns, and the rows in a settled order."""
    parameters: list[Any] = [dict(values)] if values else []
    described = connection.execute(f"describe {statement}", *parameters).fetchall()
    names = [str(line[0]) for line in described]
    for name, kind, *_ in described:
        if "TIME ZONE" in str(kind):
            raise UsageError(f"the column {name} is a time with a zone", hint=f"take it in UTC: {name}::timestamp")
    doubled = sorted({name for name in names if [other.lower() for other in names].count(name.lower()) > 1})
    if doubled:
        raise UsageError(f"several columns are called {', '.join(doubled)}", hint="name each one: … as NAME")
    is_ordered = any(modifier["type"] == "ORDER_MODIFIER" for modifier in tree.get("modifiers") or ())
    question = statement if is_ordered else f"select * from ({statement}\n) order by all"  # noqa: S608  (the user's own)
    answer = connection.execute(question, *parameters).fetchmany(MOST_ROWS + 1)
    if len(answer) > MOST_ROWS:
        raise SourceError(f"the SQL gives more than {MOST_ROWS:,} rows", hint="add up by group, or order by … limit")
    return names, [dict(zip(names, map(_plain, row), strict=True)) for row in answer]


def _plain(value: Any) -> Json:
    """A value of SQL as JSON has it: dates in ISO form, whole decimals as integers; NaN and infinity are nothing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | bool | type(None)) else str(value)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].partition("Error: ")[2] or str(error)


def _hint(message: str, tables: Sequence[TypedTable]) -> str:
    """What the tables hold, with those first that DuckDB's message is about."""
    return _known(sorted(tables, key=lambda table: table.name not in message))


def _known(tables: Sequence[TypedTable]) -> str:
    """The tables with their columns, one a line; parts of a block after the blocks."""
    lines: list[str] = []
    blocks = {table.name: table.path for table in tables if "." not in table.name}
    for table in sorted(tables, key=lambda table: "." in table.name):
        block, _, part = table.name.partition(".")
        if len(lines) == _MOST_TABLES:
            lines.append("…")
            break
        if not part or (part != "document" and table.path != blocks.get(block)):
            columns = list(table.columns)
            more = f", and {len(columns) - 12} more" if len(columns) > 12 else ""
            lines.append(f"{table.name}: {', '.join(columns[:12])}{more}")
    return "\n  ".join(lines)
