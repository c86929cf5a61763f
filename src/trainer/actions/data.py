"""The data prompts need: from the store while it is fresh, from its source when not, with the version it got."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from trainer.actions.digest_memo import DatumDigest, DigestMemo
from trainer.actions.wiring import RECORDS, current_heads, open_source, open_store
from trainer.core.clock import Clock, isoformat, parse_moment, system_clock
from trainer.core.digest import canonical, digest
from trainer.core.errors import ConfigError, SourceError, StoreError, TrainerError, UsageError, Where
from trainer.core.project import Project
from trainer.core.registry import Adapter, Registry
from trainer.core.values import DataBlock, Field, RetrievalResult, StoredData
from trainer.prompts import REPORT, TABLE, DataQuery
from trainer.sources import (
    SOURCES,
    DataRetriever,
    QueryOutcome,
    ServiceCall,
    SourceContext,
    raise_problems,
    retrieve_many,
)
from trainer.stores import DocumentWrite, Head, ReadOnly

if TYPE_CHECKING:
    from trainer.stores import DataStore

PROJECT_SOURCES = Registry(
    "project_sources",
    {
        RECORDS: Adapter("trainer.actions.records:RecordsRetriever"),
        REPORT: Adapter("trainer.actions.report_source:ReportRetriever"),
        TABLE: Adapter("trainer.actions.table_source:TableRetriever"),
    },
)
"""What a project is itself the source of; a prompt without rows of a table need not load the catalogue."""

STALE = "stale_since"
"""In the metadata of a document that is used though it is too old: when it was last known to be right."""


@dataclass(frozen=True, slots=True)
class DataRequest:
    """One datum that is needed."""

    key: str
    """Its key in the store."""
    source: str | None
    """The source to ask; None where only the store can have it."""
    query: Mapping[str, Any] = field(default_factory=dict)
    max_age: float | None = None
    """Seconds after which it is fetched again; None is never."""
    local: bool = False
    """Whether it is read from the project itself, so that reading again costs nothing."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found for some requests."""

    documents: Mapping[str, StoredData]
    """By key."""
    errors: Mapping[str, TrainerError]
    """By key, for those that could not be had."""
    warnings: tuple[str, ...] = ()
    fetched: int = 0
    """How many answers of sources were asked for."""


class Sources(Mapping[str, "DataRetriever"]):
    """The sources of one command by name, each made when it is first asked for. Safe to share between threads."""

    def __init__(self, project: Project, *, clock: Clock = system_clock) -> None:
        self.project = project
        self.clock = clock
        self.on_call: Callable[[ServiceCall], None] = lambda _: None
        """Told of every request to a service from now on."""
        self._open: dict[str, DataRetriever] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> DataRetriever:
        """The source called `name`; raises UsageError for one that is not known or wrongly configured."""
        with self._lock:
            if name not in self._open:
                if name in PROJECT_SOURCES.table:
                    retriever = PROJECT_SOURCES.load(name)(self.project, SourceContext(clock=self.clock))
                else:
                    retriever = open_source(self.project, name, clock=self.clock, on_call=self._pass_on)
                self._open[name] = retriever
            return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(SOURCES.names())

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _pass_on(self, call: ServiceCall) -> None:
        """Pass a call on to who listens now: sources are made before the record of their command begins."""
        self.on_call(call)

    def request(self, query: DataQuery) -> DataRequest:
        """What an instruction's data query asks for, in terms of keys and sources."""
        if query.key is not None and query.key.endswith("*"):
            return DataRequest(query.key, RECORDS, {"key": query.key}, local=True)
        if query.key is not None:
            return DataRequest(query.key, None)
        name = query.source or self.project.settings.data_retriever.provider
        source = self[name]
        return DataRequest(source.key(query.query), name, query.query, query.max_age, source.local)


def check_sources(project: Project, sources: Sources) -> list[UsageError]:
    """What is wrong with the settings of the sources: names, options, descriptions of services. Nothing is sent."""
    settings = project.settings.data_retriever
    errors: list[UsageError] = []
    for name in dict.fromkeys((settings.provider, *settings.sources)):
        try:
            raise_problems(sources[name].problems())
        except UsageError as error:
            setting = "data_retriever.provider" if name == settings.provider else f"data_retriever.sources.{name}"
            origin = project.config.origin(setting)
            where = Where(origin.place) if origin else None
            problems = [replace(problem, where=problem.where or where) for problem in error.problems]
            errors.append(ConfigError(error.message, hint=error.hint, problems=problems))
    return errors


def known_digests(project: Project, requests: Iterable[DataRequest], *, sources: Sources) -> dict[str, str | None]:
    """The digest of each datum as far as it is known without fetching: None where the store does not tell.

    A file that cannot be read has an empty one, unlike any it ever had: its reports are stale, and no others. One whose
    bytes were read before is not parsed again, and one that has not changed since is not even read.
    """
    by_key = {request.key: request for request in requests}
    stored = [key for key, request in by_key.items() if not request.local]
    heads = current_heads(project, stored) if stored else {}
    digests: dict[str, str | None] = {}
    memo, before = project.cache / "digests.json", sources.clock().timestamp()
    former = DigestMemo.read(memo)
    latest: dict[str, DatumDigest] = {}
    for key, request in by_key.items():
        if request.local and request.source:
            try:
                source, datum = sources[request.source], former.entries.get(key)
                stamp = source.stamp(request.query, before=before)
                if datum is not None and stamp is not None and datum.stamp == stamp:
                    digests[key] = datum.digest
                    continue
                fingerprint = source.fingerprint(request.query)
                if datum is not None and fingerprint == datum.fingerprint:
                    meaning = datum.digest
                else:
                    result = source.retrieve(request.query, store=False)
                    meaning = meaning_digest(_block_of(request, result, version=0))
                digests[key] = meaning
                if fingerprint:
                    latest[key] = DatumDigest(fingerprint, meaning, stamp)
            except SourceError:
                # what a fresh clone has not read yet is not known, as for any other key of the store
                digests[key] = None if request.source == RECORDS else ""
        else:
            digests[key] = heads[key].digest if key in heads else None
    DigestMemo(entries=former.entries | latest).write(memo, unless=former)
    return digests


def local_blocks(requests: Mapping[str, DataRequest], sources: Sources) -> dict[str, DataBlock] | None:
    """The data that lies in the project, by name; None where some must be fetched or comes from the store.

    Raises SourceError for a file that cannot be read.
    """
    if not all(request.local and request.source not in (None, RECORDS) for request in requests.values()):
        return None
    results = {
        name: sources[str(request.source)].retrieve(request.query, store=False) for name, request in requests.items()
    }
    return {name: replace(_block_of(requests[name], result, version=0), name=name) for name, result in results.items()}


def is_current(request: DataRequest, head: Head | None, *, clock: Clock, default: float | None = None) -> bool:
    """Whether the stored version still answers the request: by its `max_age`, else by the ttl it was stored with.

    Where neither says, for `default` seconds; None is for ever. What lies in the project is always read again.
    """
    if head is None or request.local:
        return False
    limits = (limit for limit in (request.max_age, head.ttl, default) if limit is not None)
    limit = next(limits, None)
    return limit is None or (clock() - head.confirmed_at).total_seconds() < limit


def fetch(
    requests: Sequence[DataRequest],
    sources: Sources,
    *,
    on_outcome: Callable[[str, QueryOutcome], None] = lambda *_: None,
) -> dict[str, QueryOutcome]:
    """What the sources answered by storage key, all asked side by side; `on_outcome` is told each as it comes."""
    queries = [(str(request.source), request.query) for request in requests]
    keys = {
        canonical([source, dict(query)]): request.key
        for request, (source, query) in zip(requests, queries, strict=True)
    }
    outcomes: dict[str, QueryOutcome] = {}

    def done(outcome: QueryOutcome) -> None:
        key = keys[canonical([outcome.source, dict(outcome.query)])]
        outcomes[key] = outcome
        on_outcome(key, outcome)

    retrieve_many(queries, sources, store=False, done=done)
    return outcomes


def store_results(store: DataStore, results: Mapping[str, RetrievalResult], *, ttl: int | None = None) -> None:
    """Keep results under their keys, in one transaction; what equals the newest version makes no new one."""
    drafts = [
        DocumentWrite(key, result.data, result.metadata, source=result.source, ttl=ttl, skip_unchanged=True)
        for key, result in results.items()
    ]
    if drafts:
        store.store_many(drafts)


def load_documents(
    project: Project,
    requests: Iterable[DataRequest],
    *,
    sources: Sources,
    clock: Clock = system_clock,
    offline: bool = False,
    refresh: bool = False,
    committed: Sequence[StoredData] = (),
) -> Loaded:
    """The documents behind the requests, fetched and stored where they are missing, too old or changed.

    `committed` are versions known from provenance files: a store that lacks them takes them in first, so that a
    fresh clone counts versions on from where the last one stopped.

    Where a source does not answer, the last stored version is used, its metadata marked as stale, unless the settings
    would have it fail. Offline, what a committed report was marked with stays marked until its source confirms it.
    """
    by_key = {request.key: request for request in requests}
    marked = {(document.key, document.version): document.metadata.get(STALE, "") for document in committed}
    refresh = refresh or not project.settings.data_retriever.cache_enabled
    store = functools.cache(lambda: open_store(project, clock=clock))  # where all is current, it is not even imported
    heads = current_heads(project, by_key, clock=clock)
    lacking = [document for document in committed if document.key in by_key and document.key not in heads]
    if lacking and _take_in(store(), lacking):
        heads = current_heads(project, by_key, clock=clock)
    due = [
        request
        for request in by_key.values()
        if request.source
        and (request.local or not offline)
        and (refresh or not is_current(request, heads.get(request.key), clock=clock))
    ]
    outcomes = fetch(due, sources)
    results = {key: outcome.result for key, outcome in outcomes.items() if outcome.result is not None}
    errors = {key: outcome.error for key, outcome in outcomes.items() if outcome.error is not None}
    unchanged = {key: _unchanged(request, results.get(key), heads.get(key)) for key, request in by_key.items()}
    changed = {key: result for key, result in results.items() if unchanged[key] is None}
    documents, warnings = {}, []
    try:
        if changed:
            store_results(store(), changed)
    except ReadOnly as error:
        warnings.append(f"{error.message}; what was fetched is used and not stored")
        unchanged |= {key: _unstored(key, result, heads.get(key)) for key, result in changed.items()}
    wanted = [key for key, request in by_key.items() if not unchanged[key] and not (request.local and key in errors)]
    stored = store().retrieve_many(wanted) if wanted else {}
    for key, request in by_key.items():
        if request.local and key in errors:
            continue
        document = unchanged[key] or stored.get(key)
        if document is None:
            errors.setdefault(key, _missing(request, offline=offline))
            continue
        since = marked.get((key, document.version), "") if offline else ""
        if key in errors:
            is_old = not is_current(request, heads.get(key), clock=clock)
            if is_old and project.settings.data_retriever.when_down == "fail":
                continue
            confirmed = isoformat(document.confirmed_at)
            warnings.append(f"{key}: {errors.pop(key).message}; the version of {confirmed} is used")
            since = confirmed if is_old else ""
        documents[key] = _marked(document, since)
        warnings += [f"{key}: {warning}" for warning in document.metadata.get("warnings") or ()]
    if store.cache_info().currsize:
        store().close()
    if changed:
        current_heads(project, by_key, clock=clock)  # so that the next run need not open the database
    return Loaded(documents, errors, tuple(warnings), len(due))


def data_block(name: str, document: StoredData) -> DataBlock:
    """A stored document under the name an instruction gives it."""
    metadata = document.metadata
    fields = metadata.get("fields") or {}
    moment = metadata.get("retrieved_at")
    return DataBlock(
        name=name,
        key=document.key,
        version=document.version,
        source=document.source,
        retrieved_at=parse_moment(moment) if moment else None,
        data=document.data,
        digest=digest(document.data),
        subject=metadata.get("subject"),
        as_of=metadata.get("as_of"),
        stale_since=metadata.get(STALE),
        fields={path: Field(**meaning) for path, meaning in fields.items()},
        computed_from=tuple(metadata.get("computed_from") or ()),
    )


def ingredient_digest(block: DataBlock, request: DataRequest) -> str:
    """What a report remembers of a datum: all it says for a project's own file, its data alone for the rest."""
    return meaning_digest(block) if request.local else block.digest


def meaning_digest(block: DataBlock) -> str:
    """The digest of the data and of what its file says about it."""
    return digest([block.data, block.subject, block.as_of, dict(block.fields), block.retrieved_at, block.source])


def _block_of(request: DataRequest, result: RetrievalResult, *, version: int) -> DataBlock:
    moment = result.retrieved_at
    document = StoredData(request.key, result.data, result.source, moment, moment, result.metadata, version)
    return data_block("", document)


def _take_in(store: DataStore, documents: Sequence[StoredData]) -> int:
    """How many committed versions the store took in; one that contradicts its own history is left out."""
    newest: dict[str, StoredData] = {}
    for document in documents:
        if document.key not in newest or newest[document.key].version < document.version:
            about = {name: value for name, value in document.metadata.items() if name != STALE}
            newest[document.key] = replace(document, metadata=about)
    try:
        return store.import_documents(newest.values()) if newest else 0
    except StoreError:
        return 0


def _marked(document: StoredData, since: str) -> StoredData:
    """The document marked as out of date since then, unless its source has confirmed it after."""
    if not since or isoformat(document.confirmed_at) > since:
        return document
    return replace(document, metadata={**document.metadata, STALE: since})


def _unstored(key: str, result: RetrievalResult, head: Head | None) -> StoredData:
    """The version that a result would have been, had it been stored."""
    at, version = result.retrieved_at, head.version + 1 if head else 1
    return StoredData(key, result.data, result.source, at, at, dict(result.metadata), version)


def _unchanged(request: DataRequest, result: RetrievalResult | None, head: Head | None) -> StoredData | None:
    """The stored version a project's own file still equals, without a look into the store."""
    if not request.local or result is None or head is None or head.digest != result.digest:
        return None
    return StoredData(
        key=request.key,
        data=result.data,
        source=result.source,
        stored_at=head.updated_at,
        updated_at=head.updated_at,
        metadata=dict(result.metadata),
        version=head.version,
    )


def _missing(request: DataRequest, *, offline: bool) -> TrainerError:
    if request.source is None:
        return UsageError(f"the store has no document {request.key}", hint="see: trainer store query")
    hint = "run it once without --offline" if offline else None
    return TrainerError(f"there is no data for {request.key}", hint=hint)
