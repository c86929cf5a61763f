"""Changes of PostgreSQL tables, by logical replication: first the rows there are, then every change in its order.

A slot at the server keeps the changes until they are stored: they are peeked at, stored with their position in one
transaction, and only then is the slot advanced. What is read again after a crash is known by its position.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import psycopg
from msgspec import Meta
from psycopg.adapt import Transformer
from psycopg.conninfo import make_conninfo
from psycopg.pq import Format
from psycopg.sql import SQL, Identifier
from psycopg.types.json import set_json_loads

from trainer.core.errors import SourceError
from trainer.core.secrets import mask_secrets
from trainer.core.values import Json
from trainer.sources.base import SourceContext
from trainer.sources.cells import plain_value
from trainer.sources.streams.base import Event, StreamBatch, StreamOptions, joined_id
from trainer.sources.streams.changes import ChangeStream
from trainer.sources.streams.pgoutput import (
    UNCHANGED,
    Begin,
    Cells,
    Commit,
    Relation,
    RowChange,
    Truncation,
    parse_message,
)

_AT_ONCE = 1_000
_IDLE_BYTES = 16_000_000
"""Log of other tables that the server keeps for us before we let it go."""

_TABLE = """
SELECT c.relreplident::text, array(
    SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = %(oid)s AND a.attnum = k.number
    WHERE i.indrelid = c.oid AND CASE WHEN c.relreplident = 'i' THEN i.indisreplident ELSE i.indisprimary END
    ORDER BY k.place)
FROM pg_class c WHERE c.oid = %(oid)s"""
"""A table's replica identity, and the columns of the index that tells one row from another."""

_COLUMNS = """
SELECT attname::text FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum"""
"""What of a table is replicated: no generated column is."""


class PostgreSQLOptions(StreamOptions, frozen=True, kw_only=True):
    """Which tables, and by which slot."""

    url: Annotated[
        str, Meta(description="The database: `postgresql://user@host/database`; the password best as ${NAME}.")
    ]
    publication: Annotated[str, Meta(description="The publication that names the tables; it must be there.")]
    slot: Annotated[
        str, Meta(description="The replication slot; made at the first reading. Without, `trainer_NAME`.")
    ] = ""
    every: Annotated[str | float, Meta(description="How long to wait before it is asked again: `10s`.")] = "1s"


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    """`schema.table`; without `public`."""
    columns: tuple[str, ...]
    types: tuple[int, ...]
    keys: tuple[str, ...]


class PostgreSQLStream(ChangeStream):
    """Reads the tables of one publication; a record's identity is `TABLE:KEY`."""

    kind = "postgresql"
    reads_to_the_end = False
    settings = PostgreSQLOptions
    options: PostgreSQLOptions

    def __init__(self, name: str, options: PostgreSQLOptions, context: SourceContext) -> None:
        super().__init__(name, options, context)
        self._slot = options.slot or f"trainer_{name}".lower().replace("-", "_").replace(".", "_")
        self._connections: list[psycopg.Connection[Any]] = []

    def open(self, position: Json) -> None:
        """Find the slot, or make it; go on where `position` says, which is with the rows there are at first."""
        self._due = 0.0
        self._tables: dict[int, _Table] = {}
        with self._faults():
            self._control, self._reader = self._connect(), self._connect()
            self._require_publication()
            slot_at = self._find_slot(position)
        position = position or {"lsn": slot_at, "done": 0, "snapshot": None}
        if slot_at > position["lsn"]:
            self._refuse(f"the slot {self._slot} is ahead of what is stored: changes between are lost")
        self._lsn: int = position["lsn"]
        """Where the last transaction that is stored whole ended."""
        self._done: int = position["done"]
        """How many events of the next one are stored."""
        self._advanced = slot_at
        self._events = self._snapshot(position["snapshot"]) if "snapshot" in position else self._changes()

    def commit(self, batch: StreamBatch) -> None:
        """Let the server forget the changes of whole transactions."""
        lsn = batch.position["lsn"] if batch.position else 0
        if lsn > self._advanced:
            with self._faults():
                self._control.execute("SELECT pg_replication_slot_advance(%s, %s::pg_lsn)", (self._slot, _shown(lsn)))
            self._advanced = lsn

    def close(self) -> None:
        """Close the connections; the slot stays."""
        connections, self._connections = self._connections, []
        for connection in connections:
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def _place_in_log(self) -> dict[str, Json]:
        return {"lsn": self._lsn, "done": self._done}

    def _snapshot(self, done: list[str] | None) -> Iterator[Event]:
        """The rows of all tables. They are younger than the slot: what changed meanwhile is read again as a change."""
        self._read_tables = list(done or [])
        is_filtered = self._control.info.server_version >= 150_000
        names = self._control.execute(
            SQL(
                "SELECT format('%%I.%%I', schemaname, tablename)::regclass::oid, schemaname, tablename, {}"
                " FROM pg_publication_tables WHERE pubname = %s ORDER BY schemaname, tablename"
            ).format(SQL("attnames::text[], rowfilter" if is_filtered else "NULL, NULL")),
            (self.options.publication,),
        ).fetchall()
        for oid, schema, table, published, condition in names:
            name = _named(schema, table)
            if name in self._read_tables:
                continue
            if done is None:
                yield Event(f"{name}:", "truncation")
            keys = self._keys(oid, name)
            with self._reader.transaction(), self._reader.cursor(name="trainer_rows") as cursor:
                cursor.itersize = _AT_ONCE
                columns = [name for (name,) in self._control.execute(_COLUMNS, (oid,)) if name in (published or [name])]
                question = SQL("SELECT {} FROM {}").format(
                    SQL(", ").join(map(Identifier, columns)), Identifier(schema, table)
                )
                cursor.execute(question if condition is None else question + SQL(f" WHERE {condition}"))
                for row in cursor:
                    yield self._record(name, dict(zip(columns, map(plain_value, row), strict=True)), keys or columns)
            self._read_tables.append(name)

    def _changes(self) -> Iterator[Event]:
        """The changes of the transactions that the slot holds now, after those that are stored."""
        now = self._control.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()
        count = skip = 0
        numbers = itertools.count(1)
        is_stored = False
        with self._reader.transaction(), self._reader.cursor(name="trainer_changes") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(
                "SELECT data FROM pg_logical_slot_peek_binary_changes"
                "(%s, NULL, %s, 'proto_version', '1', 'publication_names', %s)",
                (self._slot, _AT_ONCE, self.options.publication),
            )
            for (data,) in cursor:
                count += 1
                message = parse_message(bytes(data))
                match message:
                    case Begin(lsn):
                        is_stored, skip, numbers = lsn < self._lsn, self._done, itertools.count(1)
                    case Commit(end) if not is_stored:
                        self._lsn, self._done = end, 0
                    case Relation():
                        self._learn(message)
                    case RowChange() | Truncation() if not is_stored:
                        for event in self._events_of(message):
                            if (number := next(numbers)) > skip:
                                self._done = number
                                yield event
        if not count and now and int(now[0]) - self._lsn > _IDLE_BYTES:
            self._lsn = int(now[0])

    def _events_of(self, change: RowChange | Truncation) -> Iterator[Event]:
        if isinstance(change, Truncation):
            for oid in change.oids:
                yield Event(f"{self._tables[oid].name}:", "truncation")
            return
        table = self._tables[change.oid]
        old = self._values(table, change.old) if change.old is not None else {}
        if change.new is None:
            yield Event(self._identity(table, old), "deletion")
            return
        new = self._values(table, change.new)
        unchanged = tuple(name for name, cell in zip(table.columns, change.new, strict=True) if cell is UNCHANGED)
        whole_old = change.old is not None and any(name not in table.keys and old[name] is not None for name in old)
        if whole_old:
            new |= {name: old[name] for name in unchanged}
            unchanged = ()
        identity = self._identity(table, new)
        former = self._identity(table, old) if change.old is not None else identity
        yield self._record(table.name, new, table.keys, unchanged, former)
        if former != identity:  # last, for it may hold values that the new one needs
            yield Event(former, "deletion")

    def _record(
        self, table: str, row: dict[str, Json], keys: Sequence[str], unchanged: tuple[str, ...] = (), former: str = ""
    ) -> Event:
        identity = f"{table}:{joined_id([row[key] for key in keys])}"
        if self._map is not None:
            if unchanged:
                hint = f"at the source: alter table {table} replica identity full"
                raise SourceError(f"{self.name}: a map needs whole rows, which {table} does not send", hint=hint)
            mapped = self.mapped(row)
            row = mapped if isinstance(mapped, dict) else {"value": mapped}
        return Event(identity, data=row, metadata={"table": table}, unchanged=unchanged, former=former)

    def _values(self, table: _Table, cells: Cells) -> dict[str, Json]:
        """The values that were sent, by column."""
        return {
            name: None if cell is None else plain_value(self._loader(kind).load(cell))
            for name, kind, cell in zip(table.columns, table.types, cells, strict=True)
            if cell is not UNCHANGED
        }

    def _loader(self, oid: int) -> Any:
        return self._transformer.get_loader(oid, Format.TEXT)

    def _identity(self, table: _Table, row: dict[str, Json]) -> str:
        return f"{table.name}:{joined_id([row[key] for key in table.keys])}"

    def _learn(self, relation: Relation) -> None:
        name = _named(relation.schema, relation.table)
        keys = self._keys(relation.oid, name) or list(relation.columns)
        self._tables[relation.oid] = _Table(name, relation.columns, relation.types, tuple(keys))

    def _keys(self, oid: int, name: str) -> list[str]:
        """The columns that tell one row from another; none where only all of them do."""
        row = self._control.execute(_TABLE, {"oid": oid}).fetchone()
        identity, keys = row or ("d", [])
        if not keys and identity != "f":
            hint = f"at the source: alter table {name} add primary key …, or replica identity full"
            raise SourceError(f"{self.name}: the table {name} has nothing that tells one row from another", hint=hint)
        return list(keys)

    def _connect(self) -> psycopg.Connection[Any]:
        conninfo = make_conninfo(self.options.url, connect_timeout=10, application_name=f"trainer {self.name}")
        connection = psycopg.connect(conninfo, autocommit=True)
        set_json_loads(functools.partial(json.loads, parse_float=Decimal), connection)
        self._transformer = Transformer(connection)
        self._connections.append(connection)
        return connection

    def _require_publication(self) -> None:
        name = self.options.publication
        if not self._control.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", (name,)).fetchone():
            hint = f"at the source: create publication {name} for table …"
            raise SourceError(f"{self.name}: the database has no publication {name}", hint=hint)

    def _find_slot(self, position: Json) -> int:
        """Where the slot stands; it is made where nothing was read yet."""
        question = "SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = %s"
        row = self._control.execute(question, (self._slot,)).fetchone()
        if row is None and position is not None:
            self._refuse(f"the slot {self._slot} is gone, and with it the changes since the last reading")
        if row is None:
            self._control.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (self._slot,))
            row = self._control.execute(question, (self._slot,)).fetchone()
        return int(row[0]) if row else 0

    def _refuse(self, message: str) -> None:
        hint = f"read all rows anew: trainer store delete position:{self.name}, then retrieve it"
        raise SourceError(f"{self.name}: {message}", hint=hint)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            reason = mask_secrets(" ".join(str(error).split()))[:300]
            hint = "check the url, that wal_level is logical, and that the user may replicate"
            raise SourceError(f"{self.name}: PostgreSQL: {reason}", hint=hint) from error


def _named(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def _shown(lsn: int) -> str:
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
