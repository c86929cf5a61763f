"""The seam of the sources: what every source offers, and what all of them share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePath
from typing import Any, Literal, Protocol

from trainer.core.clock import Clock
from trainer.core.digest import digest
from trainer.core.errors import Problem, UsageError, unknown
from trainer.core.registry import Adapter, Registry
from trainer.core.values import Field, Json, RetrievalResult

FieldType = Literal["text", "integer", "number", "boolean", "date", "list"]
Query = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class QueryField:
    """One field of a source's queries."""

    name: str
    required: bool = False
    type: FieldType = "text"
    description: str = ""
    example: str = ""
    default: Json = None
    """What holds where the query leaves it out; None is for no default."""
    choices: tuple[str, ...] = ()
    """The only values allowed, where there are such."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a source can be asked, and what its data means."""

    name: str
    """The source's name: `yahoo_finance`."""
    description: str = ""
    query: tuple[QueryField, ...] = ()
    """The query's fields, in the order in which their values stand in a storage key."""
    fields: Mapping[str, Field] = field(default_factory=dict)
    """The data's fields by dotted path, list indices left out; empty where only the data itself can tell."""
    extra_fields: bool = False
    """Whether a query may hold other fields, which are then passed by."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a source can be used now."""

    ok: bool
    detail: str
    """One line for people: what it reaches, or why it does not."""


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


class DataRetriever(Protocol):
    """A source: one query in, one normalised answer out.

    The answer's metadata holds `query`, and `retrieved_at` wherever somebody really fetched it: a file that does not
    say when it was got has none, so that reading it tomorrow gives the same.

    Built by `create_source`; building does no I/O. A source is safe to share between threads.

        source = create_source("yahoo_finance", clock=system_clock, data_store=store)
        source.retrieve({"ticker": "ABBV", "kind": "quote"}).storage_key  # yahoo_finance:ABBV:quote
    """

    name: str
    local: bool
    """Whether it reads the project's own files, so that asking again costs nothing."""

    def retrieve(self, query: Query, store: bool = True) -> RetrievalResult:
        """The answer to `query`, kept in the store where the source has one and `store` is true.

        Raises UsageError for a query the schema does not allow, SourceError for anything that goes wrong after.
        """

    def get_schema(self) -> Schema:
        """What can be asked, and what the data means."""

    def key(self, query: Query) -> str:
        """The storage key of the answer to `query`; nothing is fetched. Raises UsageError as `retrieve` does."""

    def health(self) -> Health:
        """Whether the source can be used now; takes a few seconds at most and raises nothing."""


SOURCES = Registry(
    "sources",
    {
        "api": Adapter("trainer.sources.api:APIRetriever"),
        "file": Adapter("trainer.sources.file:FileRetriever"),
        "sec_filings": Adapter("trainer.sources.sec_filings:SECFilingsRetriever"),
        "yahoo_finance": Adapter("trainer.sources.yahoo_finance:YahooFinanceRetriever"),
    },
)


def create_source(name: str, *, clock: Clock, data_store: Sink | None = None, **options: Any) -> DataRetriever:
    """The source called `name`; `options` are the adapter's own keyword parameters. Nothing is read or sent yet."""
    adapter = SOURCES.load(name)
    _check_options(name, adapter, options)
    source: DataRetriever = adapter(clock=clock, data_store=data_store, **options)
    return source


def check_query(query: Query, schema: Schema) -> dict[str, Json]:
    """The query with every value in its field's type and defaults filled in; raises UsageError with all problems."""
    known = {query_field.name: query_field for query_field in schema.query}
    problems = [] if schema.extra_fields else _unknown_fields(query, known, schema.name)
    checked = {name: value for name, value in query.items() if name not in known and schema.extra_fields}
    for name, query_field in known.items():
        value = query.get(name)
        if value is None or value == "":
            if query_field.required:
                problems.append(_missing(query_field, query, known, schema.name))
            elif query_field.default is not None:
                checked[name] = query_field.default
            continue
        try:
            checked[name] = _typed(value, query_field)
        except ValueError as error:
            hint = f"for example {name}={query_field.example}" if query_field.example else None
            problems.append(Problem(f'the query field "{name}" of source {schema.name} {error}', hint=hint))
    if problems:
        raise UsageError(problems[0].message, hint=problems[0].hint, problems=problems)
    return checked


def storage_key(source: str, query: Query, *, leading: Sequence[str] = ("path", "ticker", "kind")) -> str:
    """`yahoo_finance:ABBV:quote`: the source, the values of the leading fields, the rest as `name=value`, sorted."""
    parts = [_key_part(query[name]) for name in leading if query.get(name) is not None]
    rest = sorted(name for name in query if name not in leading and query[name] is not None)
    parts += [f"{_key_part(name)}={_key_part(query[name])}" for name in rest]
    key = ":".join([source, *parts])
    return key if len(key) <= _LONGEST_KEY else f"{key[: _LONGEST_KEY - 17]}~{digest(key)[:16]}"


def keep(result: RetrievalResult, key: str, data_store: Sink | None, *, ttl: int | None = None) -> RetrievalResult:
    """The result with its storage key, once it is in the store; as it was where there is no store."""
    if data_store is None:
        return result
    data_store.store(key, result.data, result.metadata, source=result.source, ttl=ttl, skip_unchanged=True)
    return replace(result, storage_key=key)


def fields_as_metadata(fields: Mapping[str, Field]) -> dict[str, Json]:
    """Fields as metadata holds them: `{path: {title, unit, description}}`, empty parts left out."""
    return {
        path: {
            part: text
            for part, text in (("title", each.title), ("unit", each.unit), ("description", each.description))
            if text
        }
        for path, each in fields.items()
    }


_LONGEST_KEY = 240


def _key_part(value: Json) -> str:
    if isinstance(value, list | tuple):
        return ",".join(sorted(_key_part(item) for item in value))
    if isinstance(value, bool):
        return str(value).lower()
    return re.sub(r"[%:=~\s\x00-\x1f]", lambda found: f"%{ord(found.group()):02X}", str(value))


def _unknown_fields(query: Query, known: Mapping[str, QueryField], source: str) -> list[Problem]:
    problems = []
    for name in query:
        if name not in known:
            message, hint = unknown(f"query field of source {source}", name, known)
            problems.append(Problem(message, hint=hint))
    return problems


def _missing(wanted: QueryField, query: Query, known: Mapping[str, QueryField], source: str) -> Problem:
    others = [name for name in query if name not in known]
    hint = f"for example {wanted.name}={wanted.example}" if wanted.example else "add it to the query"
    if others:
        hint += f"; the query has {', '.join(sorted(others))}"
    return Problem(f'the query field "{wanted.name}" of source {source} is missing', hint=hint)


def _typed(value: Json, query_field: QueryField) -> Json:
    converted = _CONVERT[query_field.type](value)
    for item in converted if isinstance(converted, list) else [converted]:
        if query_field.choices and item not in query_field.choices:
            raise ValueError(f'cannot be "{item}"; it is one of {", ".join(query_field.choices)}')
    return converted


def _text(value: Json) -> str:
    if isinstance(value, dict | list):
        raise ValueError("must be one word, not a list or mapping")
    return str(value).strip()


def _integer(value: Json) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[-+]?\d+", str(value).strip()):
        raise ValueError(f'must be a whole number, not "{value}"')
    return int(value)


def _number(value: Json) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f'must be a number, not "{value}"') from None


def _boolean(value: Json) -> bool:
    found = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(str(value).lower())
    if found is None:
        raise ValueError(f'must be true or false, not "{value}"')
    return found


def _date(value: Json) -> str:
    text = str(value).strip()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f'must be a date like 2025-02-14, not "{value}"') from None


def _list(value: Json) -> list[str]:
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    return [text for item in items if (text := _text(item))]


_CONVERT: Mapping[FieldType, Callable[[Json], Json]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "list": _list,
}


def _check_options(name: str, adapter: Any, options: Mapping[str, Any]) -> None:
    """Raise UsageError for options the adapter does not have, or that are of another kind than their defaults."""
    taken = inspect.signature(adapter).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values()):
        return  # it checks them itself
    known = {option: taken[option].default for option in taken if option not in ("clock", "data_store")}
    problems = []
    for option, value in options.items():
        if option not in known:
            message, hint = unknown(f"option of source {name}", option, known)
            problems.append(Problem(message, hint=hint))
        elif wanted := _unlike(value, known[option]):
            problems.append(Problem(f'the option {option} of source {name} must be {wanted}, not "{value}"'))
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
