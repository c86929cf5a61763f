"""Read and write the project's store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from trainer.actions.record import Recorder
from trainer.actions.wiring import open_store, opener_of, records_of
from trainer.core.clock import Clock, parse_duration, parse_moment, system_clock
from trainer.core.errors import TrainerError, UsageError
from trainer.core.files import read_text
from trainer.core.project import Project
from trainer.core.strictjson import read_json
from trainer.core.values import Json, StoredData
from trainer.mart import copy_records
from trainer.stores import RECORD_STORES, DocumentWrite, Head, Retention, StoreStats, store_at
from trainer.stores.filters import parse_sort, parse_value, parse_words
from trainer.stores.match import plain, value_at, view_of
from trainer.stores.query import document_field
from trainer.stores.transfer import dump_document, export_file, import_file, read_jsonl

_LAKE = "ducklake:"


@dataclass(frozen=True, slots=True)
class Put:
    """What is to be stored, as it was typed."""

    key: str
    source: str = "manual"
    metadata: Sequence[str] = ()
    """`NAME=VALUE` each."""
    ttl: str | None = None
    if_version: int | None = None
    skip_unchanged: bool = False
    as_text: bool = False
    """Whether the content is one text, not JSON."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What `prune` leaves, as it was typed."""

    versions: int | None = None
    older_than: str | None = None
    expired_for: str | None = None
    deleted_for: str | None = None


def put(project: Project, wanted: Put, read: Callable[[], tuple[str, str]]) -> Head:
    """The head of the stored document; `read` gives the content, and a name for where it came from.

    A generator gives the one draft, so that nobody holds the content once it is parsed, nor the data once it is text.
    """

    def draft() -> Iterator[DocumentWrite]:
        content, shown = read()
        yield DocumentWrite(
            wanted.key,
            content if wanted.as_text else read_json(content, shown=shown),
            _metadata(wanted.metadata),
            source=wanted.source,
            ttl=None if wanted.ttl is None else int(parse_duration(wanted.ttl)),
            if_version=wanted.if_version,
            skip_unchanged=wanted.skip_unchanged,
        )

    store = open_store(project)
    with Recorder(project, "store.put", context={"key": wanted.key}) as recorder:
        store.store_many(draft())
        head = store.head(wanted.key)
        assert head is not None
        recorder.note(outputs={wanted.key: head.digest})
    return head


def get(project: Project, key: str, *, version: int | None = None, as_of: str | None = None) -> StoredData:
    """The document, that version of it, or the one that was current then; raises TrainerError where there is none."""
    moment = None if as_of is None else _moment(as_of)
    document = _needed(open_store(project).retrieve(key, version=version, as_of=moment), key, version=version)
    if (project.state / "audit.jsonl").exists():  # a project without a log does not load what writes it
        from trainer.actions.audit import note_read

        note_read(project, document.key, document.version)
    return document


def query(
    project: Project, words: Sequence[str], *, sort: Sequence[str] = (), limit: int | None = None, offset: int = 0
) -> list[StoredData]:
    """The documents that match the words `FIELD=VALUE`, in order."""
    return open_store(project).query(parse_words(words), limit, parse_sort(sort), offset)


def history(project: Project, key: str) -> list[StoredData]:
    """All versions of a document, oldest first; raises TrainerError where there is none."""
    versions = open_store(project).history(key)
    _needed(versions[-1] if versions else None, key)
    return versions


def delete(project: Project, key: str, *, erase: bool) -> None:
    """Delete a document, or erase all its versions; raises TrainerError where there is none."""
    with Recorder(project, "store.delete", context={"key": key, "erase": erase}):
        if not open_store(project).delete(key, erase=erase):
            _needed(None, key)


def count(project: Project, words: Sequence[str]) -> int:
    """How many documents match the words."""
    return open_store(project).count(parse_words(words))


def distinct(project: Project, field: str, words: Sequence[str]) -> list[Json]:
    """The different values of a field in the documents that match the words."""
    return open_store(project).distinct(field, parse_words(words))


def aggregate(project: Project, pipeline: str, *, shown: str) -> list[dict[str, Json]]:
    """What the stages in a JSON text make of the documents."""
    return open_store(project).aggregate(read_json(pipeline, shown=shown))


def prune(project: Project, keep: Keep) -> int:
    """How many versions were removed for good."""
    if keep == Keep():
        raise UsageError(
            "say what to remove", hint="such as --keep-versions 10, --expired-for 30d or --deleted-for 30d"
        )
    retention = Retention(
        keep_versions=keep.versions,
        older_than=_span(keep.older_than),
        expired_for=_span(keep.expired_for),
        deleted_for=_span(keep.deleted_for),
    )
    with Recorder(project, "store.prune") as recorder:
        removed = open_store(project).prune(retention)
        recorder.note(versions=removed)
    return removed


def stats(project: Project) -> StoreStats:
    """How much the store holds."""
    return open_store(project).stats()


def export(project: Project, target: str, *, catalogue: str | None = None, compact: bool = False) -> int:
    """How many versions were written to a .jsonl or .parquet file, or added to a lake at `ducklake:FOLDER`."""
    lake = _lake(project, target, catalogue)
    if lake is None:
        if compact:
            raise UsageError("only a lake can be compacted", hint="trainer store export ducklake:FOLDER --compact")
        return export_file(open_store(project).export_documents(), Path(target))
    added: int = lake.add(open_store(project).export_documents())
    if compact:
        lake.compact()
    return added


def export_lines(project: Project) -> Iterator[dict[str, Json]]:
    """Every version as a JSON object."""
    return (dump_document(document) for document in open_store(project).export_documents())


def import_from(project: Project, origin: str, *, catalogue: str | None = None, as_of: str | None = None) -> int:
    """How many versions were added from a .jsonl or .parquet file, or from a lake as it was at a time."""
    lake = _lake(project, origin, catalogue)
    if lake is None and as_of is not None:
        raise UsageError("only a lake has a past", hint=f"leave out --as-of, or name a lake: {_LAKE}FOLDER")
    moment = None if as_of is None else _moment(as_of)
    documents = import_file(Path(origin)) if lake is None else lake.read(as_of=moment)
    return _import(project, documents, origin)


def import_lines(project: Project, lines: Iterable[str]) -> int:
    """How many versions were added from lines of JSON."""
    return _import(project, read_jsonl(lines, shown="stdin"), "stdin")


def _import(project: Project, documents: Iterable[StoredData], origin: str) -> int:
    with Recorder(project, "store.import", context={"origin": origin}) as recorder:
        added = open_store(project).import_documents(documents)
        recorder.note(versions=added)
    return added


def migrate(project: Project) -> int:
    """The number of the newest migration of the store, once all of them are applied."""
    return open_store(project).migrate()


def copy_to(project: Project, target: str) -> tuple[int, int]:
    """How many versions of documents were copied to the store at a URL, and how many rows of records beside it."""
    versions = store_at(target).import_documents(open_store(project).export_documents())
    source, there = records_of(project), records_of(project, target)
    return versions, 0 if source == there else copy_records(opener_of(source), opener_of(there))


def as_json(document: StoredData, *, clock: Clock = system_clock) -> dict[str, Json]:
    """The document with all that is known of it, and whether it is fresh now."""
    return {**dump_document(document), "digest": document.digest, "fresh": document.is_fresh(clock())}


def field_of(document: StoredData, name: str) -> Json:
    """The value of a field as filters see it, None where it is missing."""
    return plain(value_at(view_of(document), document_field(name)))


def read_content(path: str) -> str:
    """The text of a file."""
    return read_text(Path(path), shown=path)


def _lake(project: Project, name: str, catalogue: str | None) -> Any:
    """The lake that `ducklake:FOLDER` names; None for a file."""
    if not name.startswith(_LAKE):
        if catalogue:
            raise UsageError(
                "only a lake has a catalogue", hint=f"leave out --catalogue, or name a lake: {_LAKE}FOLDER"
            )
        return None

    section = project.settings.data_store
    own = section.connection_string if section.backend == "postgresql" else None
    if not (catalogue or own):
        raise UsageError("a lake needs a PostgreSQL server for its catalogue", hint="--catalogue postgresql://…")
    folder = Path(name.removeprefix(_LAKE))
    return RECORD_STORES.load("ducklake")(folder, catalogue or own, None if catalogue else section.database)


def _metadata(words: Sequence[str]) -> Mapping[str, Json]:
    pairs = [word.partition("=") for word in words]
    for name, sign, _ in pairs:
        if not name or not sign:
            raise UsageError(f'"{name}" is no metadata', hint="write it like --meta as_of=2025-02-14")
    return {name: parse_value(value) for name, _, value in pairs}


def _needed(document: StoredData | None, key: str, *, version: int | None = None) -> StoredData:
    if document is None:
        what = key if version is None else f"{key} in version {version}"
        raise TrainerError(f"the store has no {what}", hint="see what it has: trainer store query")
    return document


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError:
        raise UsageError(f'"{text}" is no date', hint="write it like 2025-02-14 or 2025-02-14T21:00:00Z") from None


def _span(text: str | None) -> timedelta | None:
    return None if text is None else timedelta(seconds=parse_duration(text))
