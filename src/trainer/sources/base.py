"""The seam of the sources: what every source offers, and what all of them share."""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, ClassVar, Protocol, TextIO

from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.errors import Problem, SourceError, UsageError, unknown
from trainer.core.files import FileStamp
from trainer.core.readings import ReadFile, read_file
from trainer.core.registry import Adapter, Registry
from trainer.core.values import Field, Json, RetrievalResult
from trainer.sources.query import QueryField, QueryFields, check_query, storage_key
from trainer.sources.validation import oddities


@dataclass(frozen=True, slots=True)
class Schema:
    """What a source can be asked, and what its data means."""

    name: str
    """The source's name: `yahoo_finance`."""
    description: str = ""
    query: tuple[QueryField, ...] = ()
    """The query's fields."""
    fields: Mapping[str, Field] = field(default_factory=dict)
    """The data's fields by dotted path, list indices left out; empty where only the data itself can tell."""
    extra_fields: bool = False
    """Whether a query may hold other fields, which are then passed by."""
    leading: tuple[str, ...] = ("path", "ticker", "kind")
    """The fields whose values come first in a storage key, without their names."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a source can be used now."""

    ok: bool
    detail: str
    """One line for people: what it reaches, or why it does not."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an adapter brings back for one query."""

    data: dict[str, Json]
    """Normalised to the source's schema; series in ascending order."""
    subject: str | None = None
    """What it is about: `AbbVie Inc.`."""
    as_of: str | None = None
    """The ISO date it is valid for; None where the answer names none, never today's for want of one."""
    fields: Mapping[str, Field] = field(default_factory=dict)
    """By dotted path, list indices left out."""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    """What else there is to say: `url`, `path`."""
    warnings: tuple[str, ...] = ()
    """What is odd about the data, one sentence each: figures that contradict one another."""
    source: str | None = None
    """Where the data really comes from, for a file that says so; None is the source itself."""
    retrieved_at: datetime | None = None
    """When it was fetched, for a file that says so; None is now."""


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """One request to a service, as it is recorded."""

    service: str
    """As errors call it: `Yahoo Finance`."""
    method: str
    url: str
    """Without its secrets."""
    status: int
    """Of the answer; 0 where none came."""
    seconds: float
    """From the turn to the end of the answer."""
    size: int = 0
    """Bytes of the answer's body, unpacked."""
    attempt: int = 1
    """1 for the first try."""
    error: str = ""
    """Why no answer came, or none that could be used."""


class Sink(Protocol):
    """The part of a store that a source needs: `DataStore` has it."""

    def store(
        self,
        key: str,
        data: Json,
        metadata: dict[str, Json],
        *,
        source: str,
        ttl: int | None = None,
        skip_unchanged: bool = False,
    ) -> object:
        """Keep `data` as the newest version of `key`, unless it equals the newest."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What surrounds a source: the project's folders, the time, and the environment."""

    clock: Clock = system_clock
    root: Path = Path()
    """The project's root: files are read below it."""
    cache: Path | None = None
    """The folder of the HTTP cache; None keeps nothing."""
    state: Path | None = None
    """The folder for what must outlast the program; None is that of a project at `root`."""
    rates: Path | None = None
    """The folder of the ledgers by which all processes of a machine keep one rate; None is for this client alone."""
    tokens: Path | None = None
    """The user's folder of what services gave those who signed in; None keeps it in memory."""
    read: ReadFile = read_file
    """The reader of documents and tables, which all rooms share."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """Where credentials are looked up by name."""
    on_call: Callable[[ServiceCall], None] = lambda _: None
    """Told of every request to a service, in the thread that sent it."""


class DataRetriever(ABC):
    """A source: one query in, one normalised answer out.

    An adapter says its `name`, its schema, and how to `fetch`; checking, keys and storing are the same for all. It is
    safe to share between threads, and building it does no I/O.

        source = create_source("yahoo_finance", data_store=store)
        source.retrieve({"ticker": "ABBV", "kind": "quote"}).storage_key  # yahoo_finance:ABBV:quote
    """

    name: ClassVar[str]
    local: ClassVar[bool] = False
    """Whether it reads the project's own files, so that asking again costs nothing."""

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
    ) -> None:
        self.data_store = data_store
        self.context = context or SourceContext()
        self.ttl = ttl

    @abstractmethod
    def get_schema(self) -> Schema:
        """What can be asked, and what the data means."""

    @abstractmethod
    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """The answer to a query that `check` returned; raises SourceError for anything that goes wrong."""

    def fingerprint(self, query: QueryFields) -> str | None:  # noqa: ARG002  (for those that override it)
        """A digest of all that the answer to `query` is read from, had with less work than the answer itself.

        Two answers with the same one are the same. None where only the answer tells.
        """
        return None

    def stamp(self, query: QueryFields, *, before: float) -> FileStamp | None:  # noqa: ARG002  (for those that override it)
        """The stamp of the one file that the answer to `query` is read from, as `file_stamp` has it.

        An answer that was read while the file had the same one has the same fingerprint. None where only that tells.
        """
        return None

    def check(self, query: QueryFields) -> dict[str, Json]:
        """The query with every value in its field's type and defaults filled in; raises UsageError."""
        schema = self.get_schema()
        return check_query(query, schema.query, source=self.name, extra_fields=schema.extra_fields)

    def key(self, query: QueryFields) -> str:
        """The storage key of the answer to `query`: what it leaves out and what it says by default are one.

        Nothing is fetched. Raises UsageError as `check` does.
        """
        schema = self.get_schema()
        return storage_key(self.name, self.check(query), schema.query, leading=schema.leading)

    def retrieve(self, query: QueryFields, store: bool = True) -> RetrievalResult:
        """The answer to `query`, kept in the store where the source has one and `store` is true.

        Its metadata holds `query`, and `retrieved_at` wherever somebody really fetched it: a file that does not say
        when it was got has none, so that reading it tomorrow gives the same. Raises UsageError for a query the schema
        does not allow, SourceError for anything that goes wrong after.
        """
        fetched = self.fetch(self.check(query))
        metadata: dict[str, Json] = {
            "subject": fetched.subject,
            "as_of": fetched.as_of,
            "fields": fields_as_metadata(fetched.fields),
            "warnings": [*fetched.warnings, *oddities(fetched.data, fetched.fields, as_of=fetched.as_of)],
            **fetched.metadata,
        }
        moment = fetched.retrieved_at or self.context.clock()
        if fetched.retrieved_at or not self.local:
            metadata["retrieved_at"] = isoformat(moment)
        metadata = {name: value for name, value in metadata.items() if value} | {"query": dict(query)}
        result = RetrievalResult(fetched.data, fetched.source or self.name, moment, metadata)
        if self.data_store is None or not store:
            return result
        key = self.key(query)
        self.data_store.store(
            key, result.data, result.metadata, source=result.source, ttl=self.ttl, skip_unchanged=True
        )
        return replace(result, storage_key=key)

    def rows(self, query: QueryFields) -> Iterator[Mapping[str, Json]]:
        """The records of the answer one after the other; a source that can hold back does not hold all of them.

        Raises what `retrieve` raises, and SourceError for an answer that is no list of records.
        """
        records = self.fetch(self.check(query)).data.get("records")
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise SourceError(f"the answer of {self.name} is not a list of records", hint="leave out -o")
        yield from records

    def sign_in(self, query: QueryFields, tell: Callable[[str], None], pasted: TextIO | None = None) -> None:  # noqa: ARG002  (for those that override it)
        """Let a person sign in to what `query` asks; `tell` is given the lines that say where. Raises UsageError.

        `pasted` is where the person can paste the address at which a browser of another machine ended.
        """
        raise UsageError(f"nobody signs in to {self.name}", hint="credentials are named in config.yaml")

    def problems(self) -> Sequence[Problem]:
        """What is wrong with parts of its settings; what the other parts describe can be asked all the same."""
        return ()

    def health(self) -> Health:
        """Whether the source can be used now; takes a few seconds at most and raises nothing."""
        return Health(True, "needs nothing else")


SOURCES = Registry(
    "sources",
    {
        "api": Adapter("trainer.sources.api:APIRetriever"),
        "database": Adapter("trainer.sources.database:DatabaseRetriever", "sql", "sqlalchemy"),
        "file": Adapter("trainer.sources.file:FileRetriever"),
        "mongodb": Adapter("trainer.sources.mongodb:MongoDBRetriever", "mongo", "pymongo"),
        "redis": Adapter("trainer.sources.redis_keys:RedisRetriever", "redis"),
        "remote_file": Adapter("trainer.sources.remote_file:RemoteFileRetriever", "remote-files", "fsspec"),
        "sec_filings": Adapter("trainer.sources.sec_filings:SECFilingsRetriever"),
        "soap": Adapter("trainer.sources.soap:SOAPRetriever", "soap", "zeep"),
        "yahoo_finance": Adapter("trainer.sources.yahoo_finance:YahooFinanceRetriever"),
    },
)


def create_source(
    name: str, context: SourceContext | None = None, *, data_store: Sink | None = None, **options: Any
) -> DataRetriever:
    """The source called `name`; `options` are the adapter's own keyword parameters. Nothing is read or sent yet."""
    adapter = SOURCES.load(name)
    _check_options(name, adapter, options)
    source: DataRetriever = adapter(context=context, data_store=data_store, **options)
    return source


def fields_as_metadata(fields: Mapping[str, Field]) -> dict[str, Json]:
    """Fields as metadata holds them: `{path: {title, unit, description}}`, empty parts left out."""
    return {
        path: {
            part: text
            for part, text in (("title", meaning.title), ("unit", meaning.unit), ("description", meaning.description))
            if text
        }
        for path, meaning in fields.items()
    }


def _check_options(name: str, adapter: Any, options: Mapping[str, Any]) -> None:
    """Raise UsageError for options the adapter does not have, or that are of another kind than their defaults."""
    parameters = inspect.signature(adapter).parameters
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return  # it checks them itself
    defaults = {option: parameters[option].default for option in parameters if option not in ("context", "data_store")}
    problems = []
    for option, value in options.items():
        if option not in defaults:
            message, hint = unknown(f"option of source {name}", option, defaults)
            problems.append(Problem(message, hint=hint))
        elif expected := _unlike(value, defaults[option]):
            problems.append(Problem(f'the option {option} of source {name} must be {expected}, not "{value}"'))
    if problems:
        raise UsageError(problems[0].message, hint=problems[0].hint, problems=problems)


def _unlike(value: Any, default: Any) -> str:
    """What an option with this default must be, where the value is something else."""
    if isinstance(default, bool | type(None)):
        return ""
    if isinstance(default, int | float):
        whole = isinstance(default, int)
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool) and value >= 0
        return "" if fits else "a whole number from 0" if whole else "a number from 0"
    fits = isinstance(value, str | PurePath) or not isinstance(default, str)
    return "" if fits else "text"
