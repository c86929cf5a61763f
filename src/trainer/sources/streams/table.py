"""A table or a question of an SQL database that grows: read on behind the last value of a column that rises."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, field
from sqlalchemy import ColumnElement, Engine, and_, column, literal_column, or_, select, table, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.functions import count

from trainer.core.clock import parse_duration
from trainer.core.errors import Problem, SourceError
from trainer.core.values import Json
from trainer.sources.base import SourceContext
from trainer.sources.cells import plain_value
from trainer.sources.query import raise_problems
from trainer.sources.sql import begin_reading, failure, make_engine
from trainer.sources.streams.base import Event, Stream, StreamBatch, StreamOptions, joined_id

_TYPES: Mapping[str, type[Any]] = {"datetime": datetime, "date": date, "decimal": Decimal, "uuid": UUID}


class TableOptions(StreamOptions, frozen=True, kw_only=True):
    """Which table, and by which column it is read on."""

    url: Annotated[str, Meta(description="The database as SQLAlchemy writes it; the password best as ${NAME}.")]
    table: Annotated[str, Meta(description="The table, `schema.table` where it needs one.")] = ""
    sql: Annotated[str, Meta(description="A `select`, in place of a table.")] = ""
    cursor: Annotated[str, Meta(description="The column that rises: a number that counts on, or a time of change.")]
    key: Annotated[
        str | list[str], Meta(description="The columns that tell a row from the others; without, the cursor.")
    ] = ""
    columns: Annotated[list[str], Meta(description="The columns to read; without, all.")] = field(default_factory=list)
    overlap: Annotated[
        str | float,
        Meta(description="How far before the last value to begin again: `10m` for a time, `1000` for a number."),
    ] = 0
    every: Annotated[str | float, Meta(description="How long to wait before it is asked again: `10s`.")] = "1s"
    timeout: Annotated[float, Meta(gt=0, description="Seconds that one question may take.")] = 60.0


class TableStream(Stream):
    """Reads rows in the order of the cursor, each page in a transaction that cannot write."""

    kind = "table"
    settings = TableOptions
    options: TableOptions

    _engine: Engine | None = None

    def __init__(self, name: str, options: TableOptions, context: SourceContext) -> None:
        super().__init__(name, options, context)
        if bool(options.table) == bool(options.sql):
            raise_problems([Problem(f"the stream {name} needs a table, or sql in its place")])
        named = [options.key] if isinstance(options.key, str) else options.key
        self._keys = [key for key in named if key] or [options.cursor]
        self._after: list[Any] = []
        """Cursor and keys of the last row."""
        self._from: Any = None
        """Where the overlap begins, at the first page."""
        self._due = 0.0
        """When to ask again, of a clock that only rises."""
        self._is_first = True

    def open(self, position: Json) -> None:
        """Go on behind the row that `position` names, and before it by the overlap."""
        self._due, self._is_first = 0.0, True
        self._after = [_value_of(part) for part in position] if position else []
        self._from = self._overlap(self._after[0]) if self._after and self.options.overlap else None
        self._engine = make_engine(self.name, self.options.url, root=self.context.root, timeout=self.options.timeout)
        try:
            with self._engine.connect():
                pass
        except SQLAlchemyError as error:
            raise failure(self.name, error) from error

    def poll(self, limit: int, wait: float) -> StreamBatch:
        """The next page; after the last one, nothing before `every` has passed."""
        assert self._engine is not None
        if (left := self._due - time.monotonic()) > 0:
            time.sleep(min(wait, left))
            return StreamBatch(caught_up=True)
        names = [*dict.fromkeys([self.options.cursor, *self._keys])]
        shown = [*dict.fromkeys([*self.options.columns, *names])] if self.options.columns else None
        columns: list[Any] = [column(name) for name in shown] if shown else [literal_column("*")]
        order: list[ColumnElement[Any]] = [column(name) for name in names]
        question = select(*columns).select_from(self._rows()).where(column(self.options.cursor).is_not(None))
        if self._from is not None:
            question = question.where(column(self.options.cursor) >= self._from)
        elif self._after:
            question = question.where(_behind(order, self._after))
        try:
            with self._engine.connect() as connection:
                begin_reading(connection, self.options.timeout)
                rows = connection.execute(question.order_by(*order).limit(limit)).mappings().all()
                unread = connection.execute(self._without_cursor()).scalar_one() if self._is_first else 0
                connection.rollback()
        except SQLAlchemyError as error:
            raise failure(self.name, error) from error
        if len(rows) < limit:
            self._due = time.monotonic() + parse_duration(self.options.every)
        self._is_first = False
        many = f"{unread:,} rows have" if unread != 1 else "1 row has"
        warnings = (f"{many} no {self.options.cursor}, by which they would be read",) if unread else ()
        if not rows:
            return StreamBatch(caught_up=True, warnings=warnings)
        self._from = None
        if missing := [name for name in names if name not in rows[0]]:
            raise SourceError(f"{self.name}: the rows have no column {missing[0]}", hint="mend cursor and key")
        self._after = [rows[-1][name] for name in names]
        events = tuple(self._event(dict(row)) for row in rows)
        position: Json = [_json_of(value) for value in self._after]
        return StreamBatch(events, position=position, caught_up=len(rows) < limit, warnings=warnings)

    def close(self) -> None:
        """Close the connections."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _without_cursor(self) -> Any:
        """How many rows are never read; asked once a reading, for it may go through the whole table."""
        return select(count()).select_from(self._rows()).where(column(self.options.cursor).is_(None))

    def _rows(self) -> Any:
        if self.options.sql:
            return text(f"({self.options.sql.strip().rstrip(';')}) AS streamed")
        schema, _, name = self.options.table.rpartition(".")
        return table(name, schema=schema or None)

    def _event(self, row: dict[str, Any]) -> Event:
        record = {name: plain_value(cell) for name, cell in row.items()}
        record_id = joined_id([record[key] for key in self._keys])
        if self.options.columns:
            record = {name: record[name] for name in self.options.columns}
        data = self.mapped(record)
        return Event(record_id, data=data if isinstance(data, dict) else {"value": data})

    def _overlap(self, value: Any) -> Any:
        if isinstance(value, datetime | date):
            return value - timedelta(seconds=parse_duration(self.options.overlap))
        try:
            return value - type(value)(self.options.overlap)
        except (TypeError, ValueError, ArithmeticError):
            message = f"{self.name}: an overlap needs a cursor that is a number or a time, not {value!r}"
            raise SourceError(message, hint="leave overlap out") from None


def _behind(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a row comes behind the one with these values: by the first column that differs."""
    cases = []
    for place, (own, value) in enumerate(zip(columns, values, strict=True)):
        equal = [before == former for before, former in zip(columns[:place], values[:place], strict=True)]
        cases.append(and_(*equal, own > value))
    return or_(*cases)


def _json_of(value: Any) -> Json:
    """A value as a position keeps it, with its type where JSON has none."""
    for name, kind in _TYPES.items():
        if isinstance(value, kind):
            return {name: value.isoformat() if isinstance(value, date) else str(value)}
    return value


def _value_of(value: Json) -> Any:
    if not isinstance(value, dict):
        return value
    ((name, written),) = value.items()
    kind = _TYPES[name]
    return kind.fromisoformat(written) if issubclass(kind, date) else kind(written)
