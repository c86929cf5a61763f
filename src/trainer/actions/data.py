"""The data prompts need: from the store while it is fresh, from its source when not, with the version it got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainer.actions.wiring import current_heads, open_source, open_store
from trainer.core.clock import Clock, isoformat, parse_moment, system_clock
from trainer.core.digest import digest
from trainer.core.errors import StoreError, TrainerError, UsageError
from trainer.core.project import Project
from trainer.core.values import DataBlock, Field, RetrievalResult, StoredData

if TYPE_CHECKING:
    from trainer.prompts import DataQuery
    from trainer.sources import DataRetriever
    from trainer.stores import DataStore, Head

_AT_ONCE = 8


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


class Sources:
    """The sources of one command, each made once."""

    def __init__(self, project: Project, *, clock: Clock = system_clock) -> None:
        self.project = project
        self.clock = clock
        self._open: dict[str, DataRetriever] = {}

    def get(self, name: str) -> DataRetriever:
        """The source called `name`."""
        if name not in self._open:
            self._open[name] = open_source(self.project, name, clock=self.clock)
        return self._open[name]

    def request(self, query: DataQuery) -> DataRequest:
        """What an instruction's data query asks for, in terms of keys and sources."""
        if query.key is not None:
            return DataRequest(query.key, None)
        name = query.source or self.project.settings.data_retriever.provider
        source = self.get(name)
        return DataRequest(source.key(query.query), name, query.query, query.max_age, source.local)


def known_digests(project: Project, requests: Iterable[DataRequest], *, sources: Sources) -> dict[str, str | None]:
    """The digest of each datum as far as it is known without fetching: None where neither file nor store tells."""
    wanted = {request.key: request for request in requests}
    found: dict[str, str | None] = {}
    stored = [key for key, request in wanted.items() if not request.local]
    heads = current_heads(project, stored) if stored else {}
    for key, request in wanted.items():
        if request.local and request.source:
            result = sources.get(request.source).retrieve(request.query, store=False)
            found[key] = meaning_digest(_block_of(request, result, version=0))
        else:
            found[key] = heads[key].digest if key in heads else None
    return found


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
    """
    wanted = {request.key: request for request in requests}
    refresh = refresh or not project.settings.data_retriever.cache_enabled
    store = open_store(project, clock=clock)
    heads = current_heads(project, wanted, clock=clock)
    if _take_in(store, [document for document in committed if document.key in wanted and document.key not in heads]):
        heads = current_heads(project, wanted, clock=clock)
    needed = [
        request
        for request in wanted.values()
        if request.source
        and _must_fetch(request, heads.get(request.key), clock=clock, offline=offline, refresh=refresh)
    ]
    results, errors = _fetch(needed, sources)
    known = {key: _known(request, results.get(key), heads.get(key)) for key, request in wanted.items()}
    _store(store, {key: result for key, result in results.items() if known[key] is None}, wanted)
    documents, warnings = {}, []
    for key, request in wanted.items():
        if request.local and key in errors:
            continue
        document = known[key] or store.retrieve(key)
        if document is None:
            errors.setdefault(key, _missing(request, offline=offline))
            continue
        documents[key] = document
        if key in errors:
            since = isoformat(document.updated_at)
            warnings.append(f"{key}: {errors.pop(key).message}; the version of {since} is used")
    store.close()
    if any(known[key] is None for key in results):
        current_heads(project, wanted, clock=clock)  # so that the next run need not open the database
    return Loaded(documents, errors, tuple(warnings), len(needed))


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
        fields={path: Field(**meaning) for path, meaning in fields.items()},
    )


def ingredient_digest(block: DataBlock, request: DataRequest) -> str:
    """What a report remembers of a datum: all it says for a project's own file, its data alone for the rest."""
    return meaning_digest(block) if request.local else block.digest


def meaning_digest(block: DataBlock) -> str:
    """The digest of the data and of what its file says about it."""
    said = [block.data, block.subject, block.as_of, dict(block.fields), block.retrieved_at, block.source]
    return digest(said)


def _block_of(request: DataRequest, result: RetrievalResult, *, version: int) -> DataBlock:
    moment = result.retrieved_at
    document = StoredData(request.key, result.data, result.source, moment, moment, result.metadata, version)
    return data_block("", document)


def _take_in(store: DataStore, documents: Sequence[StoredData]) -> int:
    """How many committed versions the store took in; one that contradicts its own history is left out."""
    newest: dict[str, StoredData] = {}
    for document in documents:
        if document.key not in newest or newest[document.key].version < document.version:
            newest[document.key] = document
    try:
        return store.import_documents(newest.values()) if newest else 0
    except StoreError:
        return 0


def _must_fetch(request: DataRequest, head: Head | None, *, clock: Clock, offline: bool, refresh: bool) -> bool:
    if request.local:
        return True
    if offline:
        return False
    if head is None or refresh:
        return True
    age = (clock() - head.confirmed_at).total_seconds()
    return request.max_age is not None and age > request.max_age


def _fetch(
    requests: Sequence[DataRequest], sources: Sources
) -> tuple[dict[str, RetrievalResult], dict[str, TrainerError]]:
    results: dict[str, RetrievalResult] = {}
    errors: dict[str, TrainerError] = {}

    def fetch(request: DataRequest) -> RetrievalResult | TrainerError:
        assert request.source is not None
        try:
            return sources.get(request.source).retrieve(request.query, store=False)
        except TrainerError as error:
            return error

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        for request, outcome in zip(requests, pool.map(fetch, requests), strict=True):
            if isinstance(outcome, TrainerError):
                errors[request.key] = outcome
            else:
                results[request.key] = outcome
    return results, errors


def _known(request: DataRequest, result: RetrievalResult | None, head: Head | None) -> StoredData | None:
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


def _store(store: DataStore, results: Mapping[str, RetrievalResult], requests: Mapping[str, DataRequest]) -> None:
    from trainer.stores import Draft

    drafts = [
        Draft(
            key,
            result.data,
            result.metadata
            if requests[key].local
            else {**result.metadata, "retrieved_at": isoformat(result.retrieved_at)},
            source=result.source,
            skip_unchanged=True,
        )
        for key, result in results.items()
    ]
    if drafts:
        store.store_many(drafts)


def _missing(request: DataRequest, *, offline: bool) -> TrainerError:
    if request.source is None:
        return UsageError(f"the store has no document {request.key}", hint="see: trainer store query")
    hint = "run it once without --offline" if offline else None
    return TrainerError(f"there is no data for {request.key}", hint=hint)
