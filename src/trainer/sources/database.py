"""The source `database`: questions to SQL databases that config.yaml names, by SQLAlchemy.

    data_retriever:
      sources:
        database:
          connections:
            shop: {url: "postgresql+psycopg://reader@db.example/shop?password=${DB_PASSWORD}"}
            lab: {url: "sqlite:///information/data/lab.db"}
          queries:
            sales: {sql: "select month as date, sum(amount) as sales from sale where city = :city group by 1",
                    fields: {records.sales: {title: Sales, unit: EUR}}}

Then `{source: database, connection: lab, query: sales, city: Arden}` is a query: fields that are not the source's own
are the values of the question's `:names`. Nothing is ever written: a question is read in a transaction that is only for
reading, where the database knows such, and rolled back.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError, StatementError

from trainer.core.clock import isoformat
from trainer.core.errors import Problem, SourceError, UsageError, unknown
from trainer.core.secrets import mask_secrets
from trainer.core.values import Field, Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.dates import newest_day
from trainer.sources.query import Query, QueryField, raise_problems

_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/")
"""Quoted text and comments."""
_READS = re.compile(r"[\s(]*(select|with|values|show|describe|explain)\b[^;]*(;\s*)?", re.IGNORECASE)
"""One statement that reads: a second one could end the transaction that is only for reading."""
_OWN = ("connection", "query", "sql")


@dataclass(frozen=True, slots=True)
class Question:
    """A question that config.yaml names."""

    sql: str
    """With `:name` for each value."""
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the rows mean: `records.COLUMN` -> title, unit, description."""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """One database."""

    url: str
    """As SQLAlchemy writes it; a SQLite file lies in the project's tree."""


class DatabaseRetriever(DataRetriever):
    """Asks the databases that config.yaml describes."""

    name = "database"

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
        connections: Mapping[str, Any] | None = None,
        queries: Mapping[str, Any] | None = None,
        max_rows: int = 100_000,
        timeout: float = 30.0,
    ) -> None:
        super().__init__(data_store=data_store, context=context, ttl=ttl)
        self._accesses = _read_all(Access, connections or {}, "connections")
        self._questions = _read_all(Question, queries or {}, "queries")
        raise_problems(
            [
                Problem(f"queries.{name}.sql is not one statement that reads", hint="begin it with select or with")
                for name, question in self._questions.items()
                if not _reads(question.sql)
            ]
        )
        self._max_rows = max_rows
        self._timeout = timeout
        self._lock = threading.Lock()
        self._engines: dict[str, Engine] = {}

    def get_schema(self) -> Schema:
        """Which database, which question; other fields are the question's values."""
        connections, questions = tuple(sorted(self._accesses)), tuple(sorted(self._questions))
        query = (
            QueryField("connection", True, description="The database", example="shop", choices=connections),
            QueryField("query", description="The question, by its name", example="sales", choices=questions),
            QueryField("sql", description="Another question, with :name for each value", example="select 1 as one"),
        )
        description = f"SQL databases: {', '.join(connections) or 'none is configured'}"
        return Schema(self.name, description, query, extra_fields=True, leading=("connection", "query"))

    def check(self, query: Query) -> dict[str, Json]:
        """The query; each of its values has a place in the question, and each place a value."""
        checked = super().check(query)
        problems = []
        if ("query" in checked) == ("sql" in checked):
            problems.append(Problem("name one question, by query or by sql", hint="for example query=sales"))
        elif not _reads(self._sql(checked)):
            problems.append(Problem("a question is one statement that reads", hint="begin it with select or with"))
        else:
            names = set(text(self._sql(checked)).compile().params)
            values = {name: value for name, value in checked.items() if name not in _OWN}
            problems += [Problem(f'the question has no value for ":{name}"') for name in sorted(names - values.keys())]
            for name in sorted(values.keys() - names):
                message, hint = unknown("value of the question", name, names)
                problems.append(Problem(message, hint=hint))
        raise_problems(problems)
        return checked

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """`records`, one for each row, in the question's order."""
        name, sql = str(query["connection"]), self._sql(query)
        values = {key: value for key, value in query.items() if key not in _OWN}
        try:
            with self._engine(name).connect() as connection:
                _read_only(connection)
                result = connection.execution_options(stream_results=True).execute(text(sql), values)
                columns = list(result.keys())
                rows = result.fetchmany(self._max_rows + 1)
                connection.rollback()
        except SQLAlchemyError as error:
            raise self._failure(name, error) from error
        if len(rows) > self._max_rows:
            hint = "narrow the question, or raise max_rows"
            raise SourceError(f"{name} has more than {self._max_rows:,} rows for the question", hint=hint)
        data = {"records": [{key: _plain(cell) for key, cell in zip(columns, row, strict=True)} for row in rows]}
        question = self._questions.get(str(query.get("query")), Question(sql))
        return Fetched(
            data,
            subject=question.subject or None,
            as_of=newest_day(data, today=self.context.clock().date()),
            fields={path: Field(**meaning) for path, meaning in question.fields.items()},
            metadata={"database": name, "sql": sql},
        )

    def health(self) -> Health:
        """Whether every database can be reached."""
        if not self._accesses:
            return Health(False, "no database is described under data_retriever.sources.database.connections")
        for name in sorted(self._accesses):
            try:
                with self._engine(name).connect():
                    pass
            except (SourceError, UsageError) as error:
                return Health(False, error.message)
            except SQLAlchemyError as error:
                return Health(False, self._failure(name, error).message)
        return Health(True, f"reaches {', '.join(sorted(self._accesses))}")

    def _sql(self, query: Mapping[str, Json]) -> str:
        return self._questions[str(query["query"])].sql if "query" in query else str(query["sql"])

    def _engine(self, name: str) -> Engine:
        """The pool of connections to a database, made when it is first asked."""
        with self._lock:
            if name not in self._engines:
                try:
                    url = make_url(self._accesses[name].url)
                    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
                        path = (self.context.root / str(url.database)).resolve()
                        if not path.is_file():
                            raise SourceError(f"{name}: there is no file {url.database}", hint="mend its url")
                        url = url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})
                    self._engines[name] = create_engine(url, pool_pre_ping=True, pool_timeout=self._timeout)
                except NoSuchModuleError as error:
                    raise UsageError(f"connections.{name}: no such database: {error}") from error
                except ArgumentError as error:
                    hint = "write it like postgresql+psycopg://user@host/database or sqlite:///data.db"
                    raise UsageError(f"connections.{name}.url is not a database's address", hint=hint) from error
                except ModuleNotFoundError as error:
                    message = f"connections.{name} needs {error.name}, which is not installed"
                    raise UsageError(message, hint=f"run: pip install {error.name}") from error
                event.listen(self._engines[name], "connect", _limit_sqlite)
            return self._engines[name]

    def _failure(self, name: str, error: SQLAlchemyError) -> SourceError:
        cause = error.orig if isinstance(error, StatementError) and error.orig else error
        reason = mask_secrets(re.sub(r"\s+", " ", str(cause)).strip())[:300]
        return SourceError(f"{name}: {reason}", hint="check the question, the connection and what it may read")


def _reads(sql: str) -> bool:
    return _READS.fullmatch(_TEXT.sub(" ", sql)) is not None


def _read_only(connection: Connection) -> None:
    """Begin a transaction that cannot write, where the database knows such."""
    if connection.dialect.name in ("postgresql", "mysql", "mariadb"):
        connection.execute(text("SET TRANSACTION READ ONLY"))


def _limit_sqlite(connection: Any, _record: Any) -> None:
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA query_only = ON")


def _read_all(kind: type[Any], settings: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The settings by name; raises UsageError with all that is wrong."""
    values, problems = {}, []
    for name, section in settings.items():
        names = kind.__dataclass_fields__
        for key in section if isinstance(section, Mapping) else ():
            if key not in names:
                message, hint = unknown(f"setting in {what}.{name}", str(key), names)
                problems.append(Problem(message, hint=hint))
        try:
            values[name] = msgspec.convert(section, kind)
        except msgspec.ValidationError as error:
            problems.append(Problem(f"{what}.{name}: {error}"))
    raise_problems(problems)
    return values


def _plain(cell: Any) -> Json:
    """A cell as JSON holds it, no digit changed: what a double would not give back is text."""
    match cell:
        case None | bool() | int() | str():
            return cell
        case float():
            return cell if cell - cell == 0 else None  # NaN and infinity are no figures
        case Decimal():
            return int(cell) if cell == cell.to_integral_value() and "." not in str(cell) else _as_float(cell)
        case datetime():
            return isoformat(cell) if cell.tzinfo else cell.isoformat()
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return cell.total_seconds()
        case UUID():
            return str(cell)
        case dict() | list() | tuple():
            items = cell.items() if isinstance(cell, dict) else None
            return {str(key): _plain(item) for key, item in items} if items else [_plain(item) for item in cell]
    raise SourceError(
        f"a column holds {type(cell).__name__}, which is no data", hint="leave it out, or cast it to text"
    )


def _as_float(cell: Decimal) -> Json:
    if not cell.is_finite():
        return None
    return float(cell) if Decimal(repr(float(cell))) == cell else str(cell)
