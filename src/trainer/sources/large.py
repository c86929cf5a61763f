"""A table too large to be told row by row, as totals and means by its groups and months; DuckDB does the counting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.core.errors import ConversionError, Where
from trainer.core.sqltext import sql_name
from trainer.core.values import Json
from trainer.facts.roles import Parsed, classify
from trainer.facts.shapes import table_of
from trainer.facts.words import name_words, vocabulary

_MEMORY = "256MB"
_MOST_ROWS = 100_000
"""Rows that are still told one by one: a million of two columns took 1.2 GB and were not done in 45 s of CPU."""
_LEAST_BYTES_A_ROW = 2
_SAMPLE = 5_000
"""Rows by which columns get their roles."""
_MOST_MEMBERS = 50
_MOST_GROUPS = 5_000


def has_many_rows(path: Path, kind: str) -> bool:
    """Whether a table holds more rows than are told one by one: by its lines; of Parquet, by what its footer says."""
    if kind == "parquet":
        import duckdb

        try:
            with duckdb.connect() as database:
                rows = database.execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [str(path)]).fetchone()
        except duckdb.Error:
            return False  # no Parquet: its reader says what is wrong
        return bool(rows and rows[0] and rows[0] > _MOST_ROWS)
    if path.stat().st_size < _MOST_ROWS * _LEAST_BYTES_A_ROW:
        return False
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")) > _MOST_ROWS


def summarise(path: Path, kind: str) -> dict[str, Json]:
    """`{"records": […], "rows": N}`: one record for each group of members and each month, with totals and means.

    A column whose values add up becomes its total, another one its mean; `rows` counts what each record stands for.
    Members are those of columns with at most fifty; where groups are still too many, the column with most goes.
    Raises ConversionError for a file that is not of its kind.
    """
    import duckdb

    try:
        with duckdb.connect(config={"memory_limit": _MEMORY, "threads": 2}) as database:
            database.execute("SET preserve_insertion_order = false")
            database.execute("SET TimeZone = 'UTC'")
            _table(database, path, kind).create_view("source")
            return _summary(database)
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0].replace(str(path), path.name)
        hint = f"read it row by row to see where: trainer retrieve file path={path.name} -o rows.jsonl"
        raise ConversionError(f"cannot be summarised: {reason}", where=Where(path.name), hint=hint) from None


def _table(database: Any, path: Path, kind: str) -> Any:
    if kind == "parquet":
        return _plain_columns(database.read_parquet(str(path)))
    if kind == "jsonl":
        return _plain_columns(database.read_json(str(path), format="newline_delimited"))
    return _plain_columns(
        database.read_csv(str(path), delimiter="\t") if kind == "tsv" else database.read_csv(str(path))
    )


def _plain_columns(table: Any) -> Any:
    """The columns of single values: lists and objects are neither members nor figures; moments become those of UTC."""
    nested = ("list", "struct", "map", "array", "json", "union")
    columns = [
        # a moment with its zone is handed over by a package that need not be there
        f"{sql_name(name)}::TIMESTAMP AS {sql_name(name)}" if kind.id == "timestamp with time zone" else sql_name(name)
        for name, kind in zip(table.columns, table.types, strict=True)
        if kind.id not in nested
    ]
    return table.select(", ".join(columns)) if columns else table


def _summary(database: Any) -> dict[str, Json]:
    head = database.sql("SELECT * FROM source LIMIT ?", params=[_SAMPLE])
    columns = _roles([dict(zip(head.columns, map(_plain, row), strict=True)) for row in head.fetchall()])
    groups = _groups(database, columns)
    while True:
        query = _query(columns, groups)
        size = database.sql(f"SELECT count(*) FROM ({query})").fetchone()  # noqa: S608  (names are quoted)
        if size is None or size[0] <= _MOST_GROUPS or not groups:
            break
        groups.pop()
    result = database.sql(query)
    records = [dict(zip(result.columns, map(_plain, row), strict=True)) for row in result.fetchall()]
    total = database.sql("SELECT count(*) FROM source").fetchone()
    return {"records": records, "rows": total[0] if total else 0}


def _roles(records: list[dict[str, Json]]) -> dict[str, Parsed]:
    table = table_of(records, "")
    assert table is not None
    columns, _ = classify(table)
    return {parsed.leaf: parsed for parsed in columns}


def _groups(database: Any, columns: dict[str, Parsed]) -> list[str]:
    """The columns to group by, the one with fewest members first."""
    sizes: dict[str, int] = {}
    for name, parsed in columns.items():
        if parsed.role == "member" or parsed.coded:
            sizes[name] = database.sql(f"SELECT approx_count_distinct({sql_name(name)}) FROM source").fetchone()[0]  # noqa: S608
    return sorted((name for name, size in sizes.items() if size <= _MOST_MEMBERS), key=lambda name: sizes[name])


def _query(columns: dict[str, Parsed], groups: list[str]) -> str:
    time = next((name for name, parsed in columns.items() if parsed.role == "time" and parsed.times), None)
    parts = (
        [f"strftime(date_trunc('month', try_cast({sql_name(time)} AS TIMESTAMP)), '%Y-%m') AS month"] if time else []
    )
    if time and all(period is None or period.grain == "year" for period in columns[time].times):
        parts = [f"{sql_name(time)} AS year"]
    parts += [sql_name(name) for name in groups]
    parts.append("count(*) AS rows")
    for name, parsed in columns.items():
        if parsed.role == "measure" and name not in groups:
            adds_up = bool(set(name_words(name)) & vocabulary("additive"))
            alias = name if adds_up or name_words(name)[:1] == ("mean",) else f"mean {name}"
            parts.append(f"{'fsum' if adds_up else 'favg'}(try_cast({sql_name(name)} AS DOUBLE)) AS {sql_name(alias)}")
    return f"SELECT {', '.join(parts)} FROM source GROUP BY ALL ORDER BY ALL"  # noqa: S608


def _plain(value: Any) -> Json:
    if isinstance(value, float):
        # Threads add in any order: beyond fourteen digits a sum of decimals is noise, 79172.52999999998.
        return float(f"{value:.14g}")
    return value if isinstance(value, int | str | bool) or value is None else str(value)
