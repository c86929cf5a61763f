"""Changes of MySQL and MariaDB tables, from the binary log: first the rows there are, then every change in its order.

The server keeps the log for as long as it is told to, whoever reads it; where reading stopped is stored with the rows.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import pymysql
import pymysql.cursors
from msgspec import Meta
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import QueryEvent, XidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from trainer.core.errors import Problem, SourceError
from trainer.core.secrets import mask_secrets
from trainer.core.values import Json
from trainer.sources.base import SourceContext
from trainer.sources.cells import plain_value
from trainer.sources.query import raise_problems
from trainer.sources.streams.base import Event, StreamOptions, joined_id
from trainer.sources.streams.changes import ChangeStream

_SETTINGS = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL"}
"""What the server must be set to: without the last one, the log has no names of columns."""
_TRUNCATE = re.compile(r"\s*truncate\s+(?:table\s+)?(?:`?\w+`?\s*\.\s*)?`?(\w+)`?", re.IGNORECASE)
_COLUMNS = """
SELECT column_name, column_key = 'PRI', data_type FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"""


class MySQLOptions(StreamOptions, frozen=True, kw_only=True):
    """Which tables of which database."""

    url: Annotated[str, Meta(description="The database: `mysql://user@host:3306/database`; the password as ${NAME}.")]
    tables: Annotated[list[str], Meta(min_length=1, description="The tables, all of that database.")]
    server_id: Annotated[
        int, Meta(ge=0, le=4_294_967_295, description="The number this reader has among the replicas; 0 makes one up.")
    ] = 0
    every: Annotated[str | float, Meta(description="How long to wait before it is asked again: `10s`.")] = "1s"


class MySQLStream(ChangeStream):
    """Reads some tables of one database; a record's identity is `TABLE:KEY`."""

    kind = "mysql"
    settings = MySQLOptions
    options: MySQLOptions

    def __init__(self, name: str, options: MySQLOptions, context: SourceContext) -> None:
        super().__init__(name, options, context)
        url = urlsplit(options.url)
        self._database = unquote(url.path.strip("/"))
        if url.scheme.partition("+")[0] not in ("mysql", "mariadb") or not url.hostname or not self._database:
            hint = "write it like mysql://user:${PASSWORD}@host:3306/database"
            raise_problems([Problem(f"the stream {name}: url is not a database's address", hint=hint)])
        self._server: dict[str, Any] = {
            "host": url.hostname, "port": url.port or 3306, "user": unquote(url.username or "root"),
            "password": unquote(url.password or ""), "charset": "utf8mb4", "connect_timeout": 10,
        }  # fmt: skip
        self._reader: BinLogStreamReader | None = None
        self._connection: Any = None

    def open(self, position: Json) -> None:
        """Go on where `position` says, which is with the rows there are at first."""
        self._due = 0.0
        self._read_tables = None
        with self._faults():
            cursorclass = pymysql.cursors.SSCursor
            self._connection = pymysql.connect(**self._server, database=self._database, cursorclass=cursorclass)
            with self._connection.cursor() as cursor:
                cursor.execute("SET time_zone = '+00:00'")
                self._check_settings(cursor)
                self._columns = {table: self._columns_of(cursor, table) for table in self.options.tables}
                file, place = self._end_of_log(cursor)
        position = position or {"file": file, "place": place, "done": 0, "snapshot": None}
        self._file, self._place, self._done = position["file"], position["place"], position["done"]
        self._events = self._snapshot(position["snapshot"]) if "snapshot" in position else self._changes()

    def close(self) -> None:
        """Close the connections."""
        reader, connection, self._reader, self._connection = self._reader, self._connection, None, None
        for opened in (reader, connection):
            with contextlib.suppress(pymysql.Error, OSError):
                if opened is not None:
                    opened.close()

    def _place_in_log(self) -> dict[str, Json]:
        return {"file": self._file, "place": self._place, "done": self._done}

    def _snapshot(self, done: Sequence[str] | None) -> Iterator[Event]:
        """The rows of all tables, younger than the position: what changed meanwhile is read again as a change."""
        self._read_tables = list(done or [])
        for table in self.options.tables:
            if table in self._read_tables:
                continue
            if done is None:
                yield Event(f"{table}:", "truncation")
            names = list(self._columns[table])
            with self._connection.cursor() as cursor:
                cursor.execute(f"SELECT {', '.join(f'`{name}`' for name in names)} FROM `{table}`")  # noqa: S608
                for row in cursor:
                    yield self._record(table, dict(zip(names, row, strict=True)))
            self._connection.rollback()
            self._read_tables.append(table)

    def _changes(self) -> Iterator[Event]:
        """The changes that the log holds now, after those that are stored."""
        skip, numbers = self._done, itertools.count(1)
        for entry in self._log():
            if isinstance(entry, XidEvent) or (isinstance(entry, QueryEvent) and entry.query.upper() == "COMMIT"):
                skip, numbers = 0, itertools.count(1)
                self._advance()
            elif isinstance(entry, QueryEvent):
                emptied = _TRUNCATE.match(entry.query)
                if emptied and emptied[1] in self._columns and entry.schema.decode() == self._database:
                    yield Event(f"{emptied[1]}:", "truncation")
                if entry.query.upper() != "BEGIN":  # what is not within a transaction is one
                    self._advance()
            else:
                for event in self._events_of(entry):
                    if (number := next(numbers)) > skip:
                        self._done = number
                        yield event

    def _advance(self) -> None:
        assert self._reader is not None
        self._file, self._place, self._done = self._reader.log_file, self._reader.log_pos, 0

    def _log(self) -> BinLogStreamReader:
        """The log from where the last whole transaction ended."""
        if self._reader is not None:
            self._reader.close()
        self._reader = BinLogStreamReader(
            connection_settings=self._server, server_id=self.options.server_id or zlib.crc32(self.name.encode()) | 1,
            resume_stream=True, log_file=self._file, log_pos=self._place, blocking=False, enable_logging=False,
            only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent, XidEvent, QueryEvent],
            only_schemas=[self._database], only_tables=self.options.tables,
        )  # fmt: skip
        return self._reader

    def _events_of(self, entry: Any) -> Iterator[Event]:
        for row in entry.rows:
            if isinstance(entry, DeleteRowsEvent):
                yield Event(self._identity(entry.table, row["values"]), "deletion")
                continue
            new = row["after_values"] if isinstance(entry, UpdateRowsEvent) else row["values"]
            event = self._record(entry.table, new)
            yield event
            if isinstance(entry, UpdateRowsEvent):
                former = self._identity(entry.table, row["before_values"])
                if former != event.id:
                    yield Event(former, "deletion")

    def _record(self, table: str, row: Mapping[str, Any]) -> Event:
        record = {name: _plain(cell, self._columns[table].get(name, (False, ""))[1]) for name, cell in row.items()}
        data = self.mapped(record)
        data = data if isinstance(data, dict) else {"value": data}
        return Event(self._identity(table, row), data=data, metadata={"table": table})

    def _identity(self, table: str, row: Mapping[str, Any]) -> str:
        keys = [name for name, (is_key, _) in self._columns[table].items() if is_key]
        return f"{table}:{joined_id([plain_value(row[name]) for name in keys])}"

    def _columns_of(self, cursor: Any, table: str) -> dict[str, tuple[bool, str]]:
        """The columns in order: whether each is of the primary key, and its type."""
        cursor.execute(_COLUMNS, (self._database, table))
        columns = {name: (bool(is_key), str(kind).lower()) for name, is_key, kind in cursor.fetchall()}
        if not columns:
            raise SourceError(f"{self.name}: {self._database} has no table {table}", hint="mend the setting tables")
        if not any(is_key for is_key, _ in columns.values()):
            hint = f"at the source: alter table {table} add primary key …"
            raise SourceError(f"{self.name}: the table {table} has nothing that tells one row from another", hint=hint)
        return columns

    def _check_settings(self, cursor: Any) -> None:
        cursor.execute(f"SHOW GLOBAL VARIABLES WHERE variable_name IN ({', '.join(['%s'] * 4)})", list(_SETTINGS))
        there = dict(cursor.fetchall())
        for name, value in _SETTINGS.items():
            if str(there.get(name, "")).upper() != value:
                hint = "set in the server's configuration: " + ", ".join(f"{n} = {v}" for n, v in _SETTINGS.items())
                raise SourceError(f"{self.name}: {name} is {there.get(name, 'missing')}, not {value}", hint=hint)

    def _end_of_log(self, cursor: Any) -> tuple[str, int]:
        try:
            cursor.execute("SHOW MASTER STATUS")
        except pymysql.err.ProgrammingError:  # MySQL 8.4 calls it otherwise
            cursor.execute("SHOW BINARY LOG STATUS")
        row = cursor.fetchone()
        cursor.fetchall()
        return str(row[0]), int(row[1])

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (pymysql.Error, OSError) as error:
            code = error.args[0] if error.args else None
            reason = mask_secrets(str(error.args[-1] if error.args else error))[:300]
            hint = "check the url, and that the user has REPLICATION SLAVE, REPLICATION CLIENT and SELECT"
            if code == 1236:  # the log was purged
                hint = f"read all rows anew: trainer store delete position:{self.name}, then retrieve it"
            raise SourceError(f"{self.name}: MySQL: {reason}", hint=hint) from error


def _plain(cell: Any, kind: str) -> Json:
    """A cell as JSON holds it, the same whether a question or the log brought it."""
    if cell is None:
        return None
    match kind:
        case "float":  # the log has its 4 bytes, a question the 6 digits that they are good for
            return float(f"{cell:.6g}")
        case "bit":
            return int.from_bytes(cell, "big") if isinstance(cell, bytes) else int(str(cell), 2)
        case "json" if isinstance(cell, str | bytes):
            return plain_value(json.loads(cell, parse_float=Decimal))
        case "set":
            return sorted(cell.split(",")) if isinstance(cell, str) and cell else sorted(cell or ())
    if isinstance(cell, bytes):
        with contextlib.suppress(UnicodeDecodeError):
            return cell.decode()
    return plain_value(cell)
