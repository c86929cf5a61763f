"""The source `mongodb`: finds and aggregations in MongoDB databases that config.yaml names, by pymongo.

    data_retriever:
      sources:
        mongodb:
          connections:
            shop: {url: "mongodb://reader:${DB_PASSWORD}@db.example/?authSource=admin", database: shop}
          queries:
            sales:
              collection: sale
              pipeline:
                - {$match: {city: ":city"}}
                - {$group: {_id: "$month", sales: {$sum: "$amount"}}}
              fields: {records.sales: {title: Sales, unit: EUR}}
            items: {collection: item, find: {shelf: ":shelf"}, sort: {place: 1}, project: {_id: 0}}

Then `{source: mongodb, connection: shop, query: sales, city: Arden}` is a query: a text `:city` that is all of a value
is replaced by what the query says. Stages that write are refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pymongo
import pymongo.errors
from bson import Decimal128, ObjectId, Timestamp
from msgspec import Meta, Struct, field

from trainer.core.errors import Problem, SourceError, UsageError, unknown
from trainer.core.secrets import mask_secrets
from trainer.core.values import Field, Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.cells import plain_value
from trainer.sources.dates import newest_day
from trainer.sources.named import named_sections
from trainer.sources.query import QueryField, QueryFields, raise_problems

_OWN = ("connection", "query")
_REFUSED = ("$out", "$merge", "$where", "$function", "$accumulator")
"""Stages that write, and operators that run programs at the server."""


class MongoDBConnection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One database."""

    url: Annotated[str, Meta(description="The server: `mongodb://user@host`; the password best as ${NAME}.")]
    database: Annotated[str, Meta(description="The database.")]


class MongoDBQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question that config.yaml names: a find, or an aggregation."""

    collection: str
    find: dict[str, Any] | None = None
    project: dict[str, Any] | None = None
    sort: dict[str, int] | None = None
    limit: int = 0
    pipeline: list[dict[str, Any]] | None = None
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    subject: str = ""


class MongoDBRetriever(DataRetriever):
    """Asks the MongoDB databases that config.yaml describes."""

    name = "mongodb"

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
        self._accesses = named_sections(MongoDBConnection, connections, "connections", problems)
        self._questions = named_sections(MongoDBQuery, queries, "queries", problems)
        for name, question in self._questions.items():
            if (question.find is None) == (question.pipeline is None):
                problems.append(Problem(f"queries.{name} needs a find or a pipeline"))
            if refused := [word for word in _words([question.find, question.pipeline]) if word in _REFUSED]:
                problems.append(Problem(f"queries.{name} holds {refused[0]}: a question only reads"))
        raise_problems(problems)
        self._max_rows = max_rows
        self._timeout = timeout
        self._lock = threading.Lock()
        self._clients: dict[str, pymongo.MongoClient[dict[str, Any]]] = {}

    def get_schema(self) -> Schema:
        """Which database, which question; other fields are the question's values."""
        connections, questions = tuple(sorted(self._accesses)), tuple(sorted(self._questions))
        query = (
            QueryField("connection", True, description="The database", example="shop", choices=connections),
            QueryField("query", True, description="The question, by its name", example="sales", choices=questions),
        )
        description = f"MongoDB databases: {', '.join(connections) or 'none is configured'}"
        return Schema(self.name, description, query, extra_fields=True, leading=_OWN)

    def check(self, query: QueryFields) -> dict[str, Json]:
        """The query; each of its values has a place in the question, and each place a value."""
        checked = super().check(query)
        question = self._questions[str(checked["query"])]
        places = {word[1:] for word in _words([question.find, question.pipeline]) if word[:1] == ":" and len(word) > 1}
        values = checked.keys() - set(_OWN)
        problems = [Problem(f'the question has no value for ":{name}"') for name in sorted(places - values)]
        for name in sorted(values - places):
            message, hint = unknown("value of the question", name, places)
            problems.append(Problem(message, hint=hint))
        problems += [
            Problem(f"the value of {name} is an operator, not a value")
            for name in sorted(values & places)
            if isinstance(checked[name], dict | list) or str(checked[name]).startswith("$")
        ]
        raise_problems(problems)
        return checked

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """`records`, one for each document."""
        question = self._questions[str(query["query"])]
        records = []
        for record in self._documents(query):
            records.append(record)
            if len(records) > self._max_rows:
                hint = "narrow the question, raise max_rows, or write the documents to a file with -o"
                message = f"{query['connection']} has more than {self._max_rows:,} documents for the question"
                raise SourceError(message, hint=hint)
        data = {"records": records}
        return Fetched(
            data,
            subject=question.subject or None,
            as_of=newest_day(data, today=self.context.clock().date()),
            fields={path: Field(**meaning) for path, meaning in question.fields.items()},
            metadata={"database": str(query["connection"]), "collection": question.collection},
        )

    def rows(self, query: QueryFields) -> Iterator[Mapping[str, Json]]:
        """The documents one after the other, however many."""
        return self._documents(self.check(query))

    def health(self) -> Health:
        """Whether every database can be reached."""
        if not self._accesses:
            return Health(False, "no database is described under data_retriever.sources.mongodb.connections")
        for name, access in sorted(self._accesses.items()):
            try:
                self._client(name)[access.database].command("ping")
            except (pymongo.errors.PyMongoError, UsageError) as error:
                return Health(False, self._failure(name, error).message)
        return Health(True, f"reaches {', '.join(sorted(self._accesses))}")

    def _documents(self, query: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
        name, question = str(query["connection"]), self._questions[str(query["query"])]
        values = {f":{key}": value for key, value in query.items() if key not in _OWN}
        milliseconds = max(1, round(self._timeout * 1000))
        try:
            collection = self._client(name)[self._accesses[name].database][question.collection]
            if question.pipeline is not None:
                cursor: Any = collection.aggregate(_filled(question.pipeline, values), maxTimeMS=milliseconds)
            else:
                cursor = collection.find(_filled(question.find, values), question.project, limit=question.limit)
                cursor = cursor.sort(list(question.sort.items())) if question.sort else cursor
                cursor = cursor.max_time_ms(milliseconds)
            with cursor:
                for document in cursor:
                    yield {str(key): _plain(cell) for key, cell in document.items()}
        except pymongo.errors.PyMongoError as error:
            raise self._failure(name, error) from error

    def _client(self, name: str) -> pymongo.MongoClient[dict[str, Any]]:
        with self._lock:
            if name not in self._clients:
                milliseconds = max(1, round(self._timeout * 1000))
                try:
                    self._clients[name] = pymongo.MongoClient(
                        self._accesses[name].url, serverSelectionTimeoutMS=milliseconds, connect=False, tz_aware=True
                    )
                except (pymongo.errors.PyMongoError, ValueError) as error:
                    hint = "write it like mongodb://user:${PASSWORD}@host:27017"
                    raise UsageError(f"connections.{name}.url is not a database's address", hint=hint) from error
            return self._clients[name]

    def _failure(self, name: str, error: Exception) -> SourceError:
        reason = mask_secrets(" ".join(str(error).split()))[:200]
        return SourceError(f"{name}: {reason}", hint="check the question, the connection and what it may read")


def _words(value: Any) -> Iterator[str]:
    """All texts in a question: names and values."""
    match value:
        case str():
            yield value
        case Mapping():
            for name, inner in value.items():
                yield str(name)
                yield from _words(inner)
        case list():
            for inner in value:
                yield from _words(inner)


def _filled(value: Any, values: Mapping[str, Json]) -> Any:
    """The question with its places filled."""
    match value:
        case str():
            return values.get(value, value)
        case Mapping():
            return {name: _filled(inner, values) for name, inner in value.items()}
        case list():
            return [_filled(inner, values) for inner in value]
    return value


def _plain(cell: Any) -> Json:
    match cell:
        case ObjectId() | Timestamp():
            return str(cell)
        case Decimal128():
            return plain_value(cell.to_decimal())
        case dict():
            return {str(key): _plain(inner) for key, inner in cell.items()}
        case list():
            return [_plain(inner) for inner in cell]
    return plain_value(cell)
