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

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CursorResult, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from trainer.core.errors import Problem, SourceError, UsageError, unknown
from trainer.core.values import Field, Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.cells import plain_value
from trainer.sources.dates import newest_day
from trainer.sources.named import named_sections
from trainer.sources.query import QueryField, QueryFields, raise_problems
from trainer.sources.sql import begin_reading, failure, make_engine

_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/")
"""Quoted text and comments."""
_READS = re.compile(r"[\s(]*(select|with|values|show|describe|explain)\b[^;]*(;\s*)?", re.IGNORECASE)
"""One statement that reads: a second one could end the transaction that is only for reading."""
_AT_ONCE = 2_000
"""Rows that are in memory at a time."""
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
        problems: list[Problem] = []
        self._accesses = named_sections(Access, connections, "connections", problems)
        self._questions = named_sections(Question, queries, "queries", problems)
        problems += [
            Problem(f"queries.{name}.sql is not one statement that reads", hint="begin it with select or with")
            for name, question in self._questions.items()
            if not _reads(question.sql)
        ]
        raise_problems(problems)
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

    def check(self, query: QueryFields) -> dict[str, Json]:
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
        with self._answer(query) as result:
            columns = list(result.keys())
            rows = result.fetchmany(self._max_rows + 1)
        if len(rows) > self._max_rows:
            hint = "narrow the question, raise max_rows, or write the rows to a file with -o"
            raise SourceError(f"{name} has more than {self._max_rows:,} rows for the question", hint=hint)
        data = {"records": [_record(columns, row) for row in rows]}
        question = self._questions.get(str(query.get("query")), Question(sql))
        return Fetched(
            data,
            subject=question.subject or None,
            as_of=newest_day(data, today=self.context.clock().date()),
            fields={path: Field(**meaning) for path, meaning in question.fields.items()},
            metadata={"database": name, "sql": sql},
        )

    def rows(self, query: QueryFields) -> Iterator[dict[str, Json]]:
        """The rows one after the other, however many, by a cursor of the server's where it has such."""
        with self._answer(self.check(query)) as result:
            columns = list(result.keys())
            for row in result.yield_per(_AT_ONCE):
                yield _record(columns, row)

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
                return Health(False, failure(name, error).message)
        return Health(True, f"reaches {', '.join(sorted(self._accesses))}")

    @contextlib.contextmanager
    def _answer(self, query: Mapping[str, Json]) -> Iterator[CursorResult[Any]]:
        """The rows for a checked query, read in a transaction that cannot write and is rolled back."""
        name, values = str(query["connection"]), {key: value for key, value in query.items() if key not in _OWN}
        try:
            with self._engine(name).connect() as connection:
                begin_reading(connection, self._timeout)
                yield connection.execution_options(stream_results=True).execute(text(self._sql(query)), values)
                connection.rollback()
        except SQLAlchemyError as error:
            raise failure(name, error) from error

    def _sql(self, query: Mapping[str, Json]) -> str:
        return self._questions[str(query["query"])].sql if "query" in query else str(query["sql"])

    def _engine(self, name: str) -> Engine:
        """The pool of connections to a database, made when it is first asked."""
        with self._lock:
            if name not in self._engines:
                url, root = self._accesses[name].url, self.context.root
                self._engines[name] = make_engine(f"connections.{name}", url, root=root, timeout=self._timeout)
            return self._engines[name]


def _record(columns: list[str], row: Any) -> dict[str, Json]:
    return {column: plain_value(cell) for column, cell in zip(columns, row, strict=True)}


def _reads(sql: str) -> bool:
    return _READS.fullmatch(_TEXT.sub(" ", sql)) is not None
