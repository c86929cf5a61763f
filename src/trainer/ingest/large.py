"""Tables too large to hold: DuckDB streams them into a Parquet file, with a dialect and types decided before.

Types are decided by rows from all over the file, and every cell is held against them on the way: a row with a cell of
another type, or with zeros in front where numbers were expected, is not lost and not bent, but set apart.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainer.core.cells import plain
from trainer.core.errors import ConversionError, Where
from trainer.core.sqltext import sql_name
from trainer.core.values import Json
from trainer.ingest.columns import ColumnDecision, decide_columns, profile_records
from trainer.ingest.dialect import CsvDialect, detect_dialect, rows_of
from trainer.ingest.regions import GridRow, Region, find_regions
from trainer.ingest.values import ColumnProfile, ExtractedTable, QuarantinedRow

LARGE = 8_000_000
"""Bytes from which a table is streamed rather than held."""
_MEMORY = "384MB"
_SPOTS, _SPOT = 24, 16_384
"""Places of a file that types are decided by, and bytes at each: some 3,000 rows of it."""
_HEAD = 262_144
_MOST_LISTED = 1_000
_MARKS = "('na','n/a','#n/a','<na>','nan','nil','null','none','-','–','..','?','\\n')"
_TROUBLE = "_quarantine"
"""The column of the Parquet file that holds a row's cells where one is not of its column's type; else NULL."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a file is read."""

    dialect: CsvDialect
    confidence: float
    region: Region
    decisions: list[ColumnDecision]
    skip: int
    """Lines above the first row."""


def load_csv(path: Path, target: Path, *, shown: str, encoding: str, delimiter: str | None = None) -> ExtractedTable:
    """The table of a large delimited file, its rows in the Parquet file `target`; raises ConversionError."""
    source = path if encoding in ("utf-8", "utf-8-sig", "ascii") else _transcoded(path, target, encoding, shown)
    try:
        plan = _plan(source, delimiter)
        with _Database(target, shown) as database:
            texts = dict.fromkeys(
                decision.profile.name for decision in plan.decisions if decision.profile.type == "text"
            )
            while True:  # a column that turns out to hold codes or many texts is text, and the file is read again
                _copy_csv(database, source, target, plan, texts)
                turned = _texts_after_all(database, target, plan, texts)
                if not turned:
                    break
                texts |= dict.fromkeys(turned)
            return _csv_table(database, target, plan, texts)
    finally:
        if source != path:
            source.unlink(missing_ok=True)


def load_jsonl(path: Path, target: Path, *, shown: str) -> ExtractedTable:
    """The same of JSON Lines; lines that are no JSON are quarantined."""
    with _Database(target, shown) as database:
        options = "format = 'newline_delimited', dateformat = '%Y-%m-%d'"
        bad: list[QuarantinedRow] = []
        for attempt in ("", ", sample_size = -1", ", sample_size = -1, ignore_errors = true"):
            try:
                _copy(database, f"SELECT * FROM read_json(?, {options}{attempt})", [str(path)], target)  # noqa: S608
                break
            except _duckdb().Error:
                if "ignore_errors" in attempt:
                    raise
                bad = list(_bad_lines(path))
        else:
            raise AssertionError
        if not bad:
            return _parquet_table(database, target, shown)
        table = _parquet_table(database, target, shown)
        loaded = table.rows - _blank_rows(database, target, [column.name for column in table.columns])
        return replace(
            table, rows=loaded, rows_in=loaded + len(bad), quarantined=tuple(bad[:_MOST_LISTED]),
            quarantined_more=max(0, len(bad) - _MOST_LISTED),
            confidence=max(0.0, 1 - 2 * len(bad) / (loaded + len(bad))),
        )  # fmt: skip


def load_parquet(path: Path, *, shown: str) -> ExtractedTable:
    """The same of a Parquet file, which stays where it is."""
    with _Database(path, shown) as database:
        return _parquet_table(database, path, shown)


def rows_in(path: str, limit: int | None = None) -> Iterator[dict[str, Json]]:
    """The rows of a table's Parquet file, those that are quarantined left out."""
    with _duckdb().connect(config={"memory_limit": _MEMORY, "threads": 1}) as database:
        names = [row[0] for row in database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()]
        columns = [name for name in names if name != _TROUBLE]
        where = f" WHERE {_TROUBLE} IS NULL" if _TROUBLE in names else ""
        end = f" LIMIT {int(limit)}" if limit is not None else ""
        result = database.execute(
            f"SELECT {', '.join(map(sql_name, columns))} FROM read_parquet(?){where}{end}",  # noqa: S608  (names are quoted)
            [path],
        )
        while batch := result.fetchmany(1_000):
            for row in batch:
                yield dict(zip(columns, map(plain, row), strict=True))


def _plan(path: Path, delimiter: str | None) -> _Plan:
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    head = head.rpartition("\n")[0]
    vote = detect_dialect(head, path, delimiter=delimiter)
    grid = [GridRow(line, tuple(cells or ()), raw, cells is None) for line, cells, raw in rows_of(head, vote.dialect)]
    regions = find_regions(grid)
    region = max(regions, key=lambda region: len(region.rows))
    width = len(region.names)
    confidence = vote.confidence if len(regions) == 1 else min(0.7, vote.confidence)
    rows: list[Sequence[str]] = [row.cells for row in region.rows if len(row.cells) == width]
    rows += [cells for cells in _spots(path, vote.dialect) if len(cells) == width]
    columns = [[row[at] for row in rows] for at in range(width)]
    decisions = decide_columns(region.names, columns, units=region.units, commas_split=vote.dialect.delimiter == ",")
    return _Plan(vote.dialect, confidence, region, decisions, region.rows[0].line - 1 if region.rows else 0)


def _spots(path: Path, dialect: CsvDialect) -> Iterator[Sequence[str]]:
    """Rows from places all over a file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for spot in range(1, _SPOTS):
            file.seek(size * spot // _SPOTS)
            text = file.read(_SPOT).decode("utf-8", "replace").replace("\r\n", "\n")
            whole = text.partition("\n")[2].rpartition("\n")[0]
            for _, cells, _ in rows_of(whole, dialect):
                if cells is not None:
                    yield cells


def _copy_csv(database: Any, source: Path, target: Path, plan: _Plan, texts: Mapping[str, None]) -> None:
    names = [f"c{at}" for at in range(len(plan.decisions))]
    selected, troubles = [], []
    for name, decision in zip(names, plan.decisions, strict=True):
        profile = decision.profile
        value = None if profile.name in texts else _expression(name, decision)
        if value is None:
            selected.append(f"nullif({name}, '') AS {sql_name(profile.name)}")
            continue
        selected.append(f"{value} AS {sql_name(profile.name)}")
        absent = f"lower(trim({name})) IN {_MARKS} OR trim({name}) = ''"
        troubles.append(f"(CASE WHEN {value} IS NULL AND {name} IS NOT NULL THEN NOT ({absent}) ELSE false END)")
        if profile.type == "integer":
            troubles.append(f"(starts_with({name}, '0') AND length({name}) > 1)")
    trouble = " OR ".join(troubles) or "false"
    dialect = plan.dialect
    columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}"
    # the file's own settings, and nothing that DuckDB would have to find out again
    reader = (
        f"read_csv(?, auto_detect = false, columns = {columns}, header = false, skip = {plan.skip}, "
        "delim = ?, quote = ?, escape = ?, strict_mode = true, ignore_errors = true, store_rejects = true, "
        "rejects_limit = 0, null_padding = false, max_line_size = 16777216)"
    )
    escape = dialect.escape or dialect.quote
    _copy(
        database,
        f"SELECT {', '.join(selected)}, "  # noqa: S608  (names are quoted)
        f"CASE WHEN {trouble} THEN to_json([{', '.join(names)}])::VARCHAR END AS {_TROUBLE} FROM {reader}",
        [str(source), dialect.delimiter, dialect.quote, escape],
        target,
    )


def _expression(name: str, decision: ColumnDecision) -> str | None:
    """How DuckDB reads a cell as the column's type; None for text."""
    profile = decision.profile
    digits = f"regexp_replace({name}, '[^0-9.,eE+-]', '', 'g')"
    if profile.type == "boolean":
        return (
            f"CASE WHEN lower({name}) IN ('true', 'yes') THEN true WHEN lower({name}) IN ('false', 'no') THEN false END"
        )
    if profile.type in ("integer", "number"):
        kind = "BIGINT" if profile.type == "integer" else "DOUBLE"
        sample = [example for example in profile.examples if any(map(str.isdigit, example))]
        if all(example.replace("-", "", 1).replace(".", "", 1).isdigit() for example in sample):
            return f"TRY_CAST({name} AS {kind})"
        if decision.value("1,5") == 1.5 if _accepts(decision, "1,5") else False:
            return f"TRY_CAST(replace(replace({digits}, '.', ''), ',', '.') AS {kind})"
        return f"TRY_CAST(replace({digits}, ',', '') AS {kind})"
    if profile.type == "date" and profile.examples:
        if profile.examples[0][:4].isdigit() and "-" in profile.examples[0]:
            return f"TRY_CAST({name} AS DATE)"
        pattern = _date_pattern(decision)
        return f"TRY_STRPTIME({name}, '{pattern}')::DATE" if pattern else None
    if profile.type == "timestamp" and all(example[:4].isdigit() and "-" in example for example in profile.examples):
        zoned = any(example.rstrip().endswith("Z") or "+" in example for example in profile.examples)
        return f"TRY_CAST({name} AS {'TIMESTAMPTZ' if zoned else 'TIMESTAMP'})"
    return None


def _accepts(decision: ColumnDecision, cell: str) -> bool:
    try:
        decision.value(cell)
    except ValueError:
        return False
    return True


def _date_pattern(decision: ColumnDecision) -> str | None:
    """The pattern of dates of two numbers and a year, by how two of their readings come out."""
    example = decision.profile.examples[0]
    mark = next((letter for letter in example if letter in "/.-"), "")
    year = "%Y" if len(example.rpartition(mark)[2]) == 4 else "%y"
    if not mark or not _accepts(decision, f"02{mark}01{mark}2001"):
        return None
    first = "%m" if decision.value(f"02{mark}01{mark}2001") == "2001-02-01" else "%d"
    return f"{first}{mark}{'%d' if first == '%m' else '%m'}{mark}{year}"


def _texts_after_all(database: Any, target: Path, plan: _Plan, texts: Mapping[str, None]) -> list[str]:
    """Columns that are no numbers or dates after all: codes with zeros in front, or more faults than are faults."""
    rows = database.execute(
        f"SELECT {_TROUBLE} FROM read_parquet(?) WHERE {_TROUBLE} IS NOT NULL LIMIT 20000",  # noqa: S608
        [str(target)],
    ).fetchall()
    total = database.execute("SELECT count(*) FROM read_parquet(?)", [str(target)]).fetchone()[0]
    codes: dict[str, int] = {}
    faults: dict[str, int] = {}
    for (raw,) in rows:
        for decision, cell in zip(plan.decisions, json.loads(raw), strict=True):
            name = decision.profile.name
            if cell is None or name in texts:
                continue
            if decision.profile.type == "integer" and cell[:1] == "0" and len(cell) > 1:
                codes[name] = codes.get(name, 0) + 1
            elif not _accepts(decision, cell):
                faults[name] = faults.get(name, 0) + 1
    return [*codes, *(name for name, count in faults.items() if count > 0.02 * total and name not in codes)]


def _csv_table(database: Any, target: Path, plan: _Plan, texts: Mapping[str, None]) -> ExtractedTable:
    rejected, more = _rejected(database)
    troubled = database.execute(
        f"SELECT file_row_number + 1, {_TROUBLE} FROM read_parquet(?, file_row_number = true) "  # noqa: S608
        f"WHERE {_TROUBLE} IS NOT NULL LIMIT {_MOST_LISTED}",
        [str(target)],
    ).fetchall()
    every, count = database.execute(
        f"SELECT count(*), count({_TROUBLE}) FROM read_parquet(?)",  # noqa: S608
        [str(target)],
    ).fetchone()
    listed = [
        QuarantinedRow(
            plan.skip + row, "type", _fault(plan, json.loads(raw), texts), _raw(json.loads(raw), plan.dialect)
        )
        for row, raw in troubled
    ]
    nulls = _nulls(database, target)
    typed = [
        replace(decision.profile, type="text" if decision.profile.name in texts else decision.profile.type)
        for decision in plan.decisions
    ]
    roles = {profile.name: profile for profile in profile_records(list(rows_in(str(target), 1_000)))}
    columns = tuple(
        replace(
            profile, null=nulls.get(profile.name, 0),
            role=roles[profile.name].role if profile.name in roles else "empty",
            unit=profile.unit or (roles[profile.name].unit if profile.name in roles else ""),
        )
        for profile in typed
    )  # fmt: skip
    rows_bad = count + len(rejected) + more
    total = every + len(rejected) + more
    confidence = min(plan.confidence, max(0.0, 1 - 2 * rows_bad / max(1, total)))
    return ExtractedTable(
        "", columns, every - count, tuple((rejected + listed)[:_MOST_LISTED]), rows_in=total, path=str(target),
        confidence=round(confidence - (0 if plan.region.has_header else 0.15), 3), notes=plan.region.notes,
        quarantined_more=max(0, rows_bad - _MOST_LISTED, rows_bad - len(rejected) - len(listed)),
    )  # fmt: skip


def _fault(plan: _Plan, cells: Sequence[str | None], texts: Mapping[str, None]) -> str:
    for decision, cell in zip(plan.decisions, cells, strict=True):
        if cell and decision.profile.name not in texts and not _accepts(decision, cell):
            return f'{decision.profile.name}: "{cell[:40]}" is no {decision.profile.type}'
    return "a cell that is not of its column's type"


def _raw(cells: Sequence[str | None], dialect: CsvDialect) -> str:
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=dialect.delimiter, quotechar=dialect.quote or '"', lineterminator="")
    writer.writerow([cell or "" for cell in cells])
    return buffer.getvalue()


def _rejected(database: Any) -> tuple[list[QuarantinedRow], int]:
    """Lines that DuckDB could not part into cells, and how many more there are than are listed."""
    rows = database.execute(
        "SELECT line, any_value(error_type)::VARCHAR, any_value(error_message), any_value(csv_line) FROM reject_errors "
        "GROUP BY line ORDER BY line"
    ).fetchall()
    reasons = {"INVALID ENCODING": "encoding", "INVALID UNICODE": "encoding", "UNQUOTED VALUE": "syntax"}
    listed = [
        QuarantinedRow(
            int(line), reasons.get(kind, "width"), message.split("\n")[0][:200], (raw or "")[:4_000]  # type: ignore[arg-type]
        )
        for line, kind, message, raw in rows[:_MOST_LISTED]
    ]  # fmt: skip
    return listed, len(rows) - len(listed)


def _parquet_table(database: Any, path: Path, shown: str) -> ExtractedTable:
    count = database.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()[0]
    nulls = _nulls(database, path)
    profiles: list[ColumnProfile] = [
        replace(profile, null=nulls.get(profile.name, profile.null))
        for profile in profile_records(list(rows_in(str(path), 1_000)))
    ]
    return ExtractedTable(shown, tuple(profiles), count, rows_in=count, path=str(path))


def _nulls(database: Any, path: Path) -> dict[str, int]:
    """Cells without a value by column, from the file's own statistics."""
    rows = database.execute(
        "SELECT path_in_schema, sum(stats_null_count)::BIGINT FROM parquet_metadata(?) GROUP BY ALL", [str(path)]
    ).fetchall()
    return {name: int(count) for name, count in rows if count is not None}


def _blank_rows(database: Any, path: Path, names: Sequence[str]) -> int:
    where = " AND ".join(f"{sql_name(name)} IS NULL" for name in names)
    return int(database.execute(f"SELECT count(*) FROM read_parquet(?) WHERE {where}", [str(path)]).fetchone()[0])  # noqa: S608


def _bad_lines(path: Path) -> Iterator[QuarantinedRow]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    json.loads(line)
                except ValueError as error:
                    yield QuarantinedRow(number, "syntax", f"no JSON: {error}", line.decode("utf-8", "replace")[:4_000])


def _copy(database: Any, query: str, parameters: Sequence[Any], target: Path) -> None:
    """Write what a query gives, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        database.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
        database.execute(
            f"COPY ({query}) TO '{_sql_text(unfinished)}' (FORMAT parquet, ROW_GROUP_SIZE 30720)", parameters
        )
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def _transcoded(path: Path, target: Path, encoding: str, shown: str) -> Path:
    """A copy in UTF-8, written piece by piece."""
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = target.with_name(f".{target.name}.{os.getpid()}.utf8")
    try:
        with path.open("rb") as source, copy.open("wb") as out:
            decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
            while piece := source.read(1 << 20):
                out.write(decoder.decode(piece).encode("utf-8"))
    except (LookupError, OSError) as error:
        copy.unlink(missing_ok=True)
        raise ConversionError(f"cannot be read as {encoding}: {error}", where=Where(shown)) from None
    return copy


class _Database:
    """DuckDB in memory, within limits; its errors as ours."""

    def __init__(self, target: Path, shown: str) -> None:
        self.target, self.shown = target, shown

    def __enter__(self) -> Any:
        folder = str(self.target.parent)
        config = {"memory_limit": _MEMORY, "threads": 2, "preserve_insertion_order": True, "temp_directory": folder}
        self.connection = _duckdb().connect(config=config)
        return self.connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.connection.close()
        if isinstance(error, _duckdb().Error):
            reason = str(error).partition("\n")[0]
            raise ConversionError(f"cannot be read: {reason}", where=Where(self.shown)) from None


def _duckdb() -> Any:
    import duckdb

    return duckdb


def _sql_text(path: Path) -> str:
    return str(path).replace("'", "''")
