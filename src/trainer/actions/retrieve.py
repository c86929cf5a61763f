"""Fetch data into the store: one query, or all that the configured reports need, sources side by side."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TextIO

from trainer import __version__
from trainer.actions.data import DataRequest, Sources, fetch, is_current, store_results
from trainer.actions.prompt import check_all
from trainer.actions.record import Recorder, failure
from trainer.actions.report_inputs import all_requests, collect_inputs
from trainer.actions.wiring import current_heads, open_store, open_stream
from trainer.core.cells import guarded_cell
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.digest import canonical, pick
from trainer.core.errors import SourceError, TrainerError, UsageError, unknown
from trainer.core.files import write_pieces
from trainer.core.project import Project
from trainer.core.values import Json, RetrievalResult
from trainer.reports import expand_reports, select_reports
from trainer.sources import SOURCES, QueryOutcome, Schema, create_source
from trainer.sources.streams import Stream
from trainer.stores import Head

RetrievalStatus = Literal["fetched", "unchanged", "fresh", "failed"]


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What became of one query."""

    key: str
    source: str
    query: Mapping[str, Json]
    status: RetrievalStatus
    """`fetched`: new data; `unchanged`: fetched, and equal to what is stored; `fresh`: stored data still holds."""
    version: int | None = None
    """In the store; None where nothing is stored."""
    result: RetrievalResult | None = None
    """The answer, where one was fetched."""
    error: TrainerError | None = None
    seconds: float = 0.0
    """How long the source took."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the answer."""
        return tuple(self.result.metadata.get("warnings") or ()) if self.result else ()

    def as_json(self) -> dict[str, Any]:
        """The query's object in `trainer retrieve --json`."""
        answer = self.result
        return {
            **pick(self, "key", "source", "query", "status", "version", "error"),
            "retrieved_at": answer and isoformat(answer.retrieved_at),
            "metadata": answer and answer.metadata,
            "data": answer and answer.data,
        }


@dataclass(frozen=True, slots=True)
class RetrieveOptions:
    """How to retrieve."""

    refresh: bool = False
    """Whether fresh data is fetched again."""
    store: bool = True
    """Whether the answers are stored; where not, all of them are fetched."""
    ttl: int | None = None
    """Seconds for which what is fetched now stays fresh; None leaves it to the queries."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A source as `trainer retrieve --list` shows it."""

    name: str
    version: str
    """Of the package that brings it."""
    schema: Schema | None
    """None where the source cannot be set up."""
    ok: bool
    health: str

    def as_json(self) -> dict[str, Any]:
        """The source's object in `trainer retrieve --list --json`."""
        description, query = (self.schema.description, self.schema.query) if self.schema else ("", ())
        return {**pick(self, "name", "version", "ok", "health"), "description": description, "query": query}


OnOutcome = Callable[[Retrieved], None]


def retrieve_one(
    project: Project,
    source: str | None,
    query: Mapping[str, Json],
    options: RetrieveOptions,
    *,
    clock: Clock = system_clock,
) -> Retrieved:
    """What became of one query of `source`, or of the project's own; stored data answers only while its ttl runs."""
    sources = Sources(project, clock=clock)
    name = source or project.settings.data_retriever.provider
    retriever = sources[name]
    request = DataRequest(retriever.key(query), name, query, local=retriever.local)
    return _retrieve(project, [request], options, sources=sources, clock=clock, default=0)[0]


def retrieve_to_file(
    project: Project, source: str | None, query: Mapping[str, Json], path: Path, *, clock: Clock = system_clock
) -> int:
    """How many records of one query were written to a CSV or JSON Lines file, in the memory of a few of them."""
    if path.suffix not in _WRITERS:
        message, hint = unknown("kind of file", path.suffix or path.name, _WRITERS)
        raise UsageError(message, hint=hint)
    name = source or project.settings.data_retriever.provider
    retriever = Sources(project, clock=clock)[name]
    count = itertools.count()
    with Recorder(project, "retrieve", context={"source": name, "query": dict(query)}, clock=clock) as recorder:
        rows = (row for row, _ in zip(retriever.rows(query), count, strict=False))
        write_pieces(path, _WRITERS[path.suffix](rows))
        written = next(count)
        recorder.note(outputs={"records": written})
    return written


def _csv_lines(rows: Iterable[Mapping[str, Json]]) -> Iterator[bytes]:
    """A line of names, those of the first row, and one for each row; what is no scalar is JSON.

    No spreadsheet runs a cell of them as a formula; JSON lines keep each text as it is.
    """
    names: list[str] = []
    for row in rows:
        line = io.StringIO()
        writer = csv.writer(line, lineterminator="\n")
        if not names:
            names = list(row)
            writer.writerow(map(guarded_cell, names))
        if extra := row.keys() - names:
            hint = "write to a .jsonl file, whose records may differ"
            raise SourceError(f"a later record has a field more: {min(extra)}", hint=hint)
        cells = (row.get(name) for name in names)
        writer.writerow(
            canonical(cell) if isinstance(cell, dict | list | bool) else guarded_cell(cell) for cell in cells
        )
        yield line.getvalue().encode("utf-8", "surrogatepass")


def _json_lines(rows: Iterable[Mapping[str, Json]]) -> Iterator[bytes]:
    for row in rows:
        yield f"{json.dumps(row, ensure_ascii=False)}\n".encode("utf-8", "surrogatepass")


_WRITERS: Mapping[str, Callable[[Iterable[Mapping[str, Json]]], Iterator[bytes]]] = {
    ".csv": _csv_lines,
    ".jsonl": _json_lines,
}


def retrieve_all(
    project: Project,
    options: RetrieveOptions,
    *,
    clock: Clock = system_clock,
    on_total: Callable[[int], None] = lambda _: None,
    on_outcome: OnOutcome = lambda _: None,
) -> list[Retrieved]:
    """What became of every query the configured reports make; what is stored holds until its `max_age`."""
    sources = Sources(project, clock=clock)
    specs = select_reports(expand_reports(project.settings.reports), ())
    inputs, errors = collect_inputs(project, specs, sources=sources, changes={})
    check_all(list(errors.values()))
    needed = [request for request in all_requests(inputs) if request.source]
    if not needed:
        raise UsageError("the configured reports need no data from a source", hint="see: trainer retrieve --list")
    on_total(len(needed))
    return _retrieve(project, needed, options, sources=sources, clock=clock, default=None, on_outcome=on_outcome)


def list_sources(project: Project, *, clock: Clock = system_clock) -> list[SourceInfo]:
    """Every source there is, its query fields and whether it can be used now; then the project's streams."""
    sources = Sources(project, clock=clock)
    with ThreadPoolExecutor(max_workers=8) as pool:
        infos = list(pool.map(lambda name: _info(sources, name), SOURCES.names()))
    return infos + [_stream_info(project, name) for name in project.settings.data_retriever.streams]


def sign_in(
    project: Project,
    source: str | None,
    query: Mapping[str, Json],
    tell: Callable[[str], None],
    *,
    pasted: TextIO | None = None,
    clock: Clock = system_clock,
) -> None:
    """Let a person sign in to the service a query names; `tell` is given the lines that say where.

    `pasted` is where the person can paste the address at which a browser of another machine ended.
    """
    Sources(project, clock=clock)[source or project.settings.data_retriever.provider].sign_in(query, tell, pasted)


def describe_source(project: Project | None, name: str) -> Schema:
    """What a source can be asked; in a project, with the project's settings. Nothing is sent."""
    if project is not None and name in project.settings.data_retriever.streams:
        return _stream_schema(open_stream(project, name))
    if project is not None:
        return Sources(project)[name].get_schema()

    return create_source(name).get_schema()


def _info(sources: Sources, name: str) -> SourceInfo:
    version = SOURCES.version(name) or __version__
    try:
        source = sources[name]
    except TrainerError as error:
        return SourceInfo(name, version, None, False, error.message)
    health = source.health()
    return SourceInfo(name, version, source.get_schema(), health.ok, health.detail)


def _stream_info(project: Project, name: str) -> SourceInfo:
    """A stream, which nobody asks and which is not connected to only to be listed."""
    try:
        schema = _stream_schema(open_stream(project, name))
    except TrainerError as error:
        return SourceInfo(name, __version__, None, False, error.message)
    return SourceInfo(name, __version__, schema, True, "set up; not connected to")


def _stream_schema(stream: Stream) -> Schema:
    """It takes no query."""
    return Schema(stream.name, f"a stream of kind {stream.kind}, read on by: trainer retrieve {stream.name}")


def _retrieve(
    project: Project,
    requests: Sequence[DataRequest],
    options: RetrieveOptions,
    *,
    sources: Sources,
    clock: Clock,
    default: float | None,
    on_outcome: OnOutcome = lambda _: None,
) -> list[Retrieved]:
    """One outcome per request, in order; what was fetched is stored even where the rest fails or is interrupted.

    `default` is for how many seconds stored data answers where nobody says.
    """
    settings = project.settings.data_retriever
    storing = options.store and settings.auto_store
    heads = current_heads(project, [request.key for request in requests], clock=clock)
    always = options.refresh or not storing or not settings.cache_enabled
    due = [
        request
        for request in requests
        if always or not is_current(request, heads.get(request.key), clock=clock, default=default)
    ]
    retrieved: dict[str, Retrieved] = {}

    def note(key: str, outcome: QueryOutcome) -> None:
        retrieved[key] = _retrieved(key, outcome, heads.get(key))
        on_outcome(retrieved[key])

    with Recorder(project, "retrieve", context={"queries": len(requests)}, clock=clock) as recorder:
        sources.on_call = recorder.request
        try:
            fetch(due, sources, on_outcome=note)
        finally:
            results = {key: item.result for key, item in retrieved.items() if item.result is not None}
            if storing and results:
                store = open_store(project, clock=clock)
                store_results(store, results, ttl=options.ttl)
                store.close()
        for key, item in retrieved.items():
            outputs = {"status": item.status, "digest": item.result.digest if item.result else None}
            context = {"key": key, "inputs": {"source": item.source, "query": dict(item.query)}}
            recorder.item("retrieve", context).end({**failure(item.error), "seconds": item.seconds, "outputs": outputs})
    if storing:
        heads = current_heads(project, [request.key for request in requests], clock=clock)
    versions = {key: head.version for key, head in heads.items()}
    fresh = {request.key: Retrieved(request.key, str(request.source), request.query, "fresh") for request in requests}
    return [replace(item, version=versions.get(key)) for key, item in {**fresh, **retrieved}.items()]


def _retrieved(key: str, outcome: QueryOutcome, head: Head | None) -> Retrieved:
    result = outcome.result
    if result is None:
        return Retrieved(key, outcome.source, outcome.query, "failed", error=outcome.error, seconds=outcome.seconds)
    status: RetrievalStatus = "unchanged" if head is not None and head.digest == result.digest else "fetched"
    return Retrieved(key, outcome.source, outcome.query, status, result=result, seconds=outcome.seconds)
