"""The seam of the stores room: what a backend does, and the documents that every backend keeps in the same way."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import ClassVar, Protocol, TypeAlias

from trainer.core.clock import Clock
from trainer.core.values import Json, StoredData
from trainer.stores.jsontext import check_key
from trainer.stores.match import View, distinct_values, elements_at, matches, select, view_of
from trainer.stores.pipeline import GroupStage, leading_match, leading_query, parse_pipeline, rows_of, run_stages
from trainer.stores.query import Condition, Every, Query, document_field, parse_filter, parse_query
from trainer.stores.retention import doomed, summary
from trainer.stores.rows import NewVersion, StoredRow, change_of, current_of, deletion_of, row_of, update_of
from trainer.stores.values import DocumentWrite, Head, Retention, StoreStats, to_text

VersionPlace: TypeAlias = tuple[str, int]
"""A key and a version, the order in which versions are paged through."""

EVERYTHING = Every(())
_PAGE = 10_000


class Backend(Protocol):
    """How versions are kept; a new backend is one class with these methods below `DataStore`.

    Every method raises StoreError when the database cannot be reached.
    """

    @abstractmethod
    def append(self, changes: Sequence[NewVersion]) -> list[bool]:
        """Whether each change did something; all in one transaction, each upon the outcome of those before it."""
        ...

    @abstractmethod
    def insert(self, rows: Sequence[StoredRow]) -> int:
        """How many versions were added as they are, in one transaction; the current ones are the highest afterwards.

        Versions that exist with the same digest are left; raises StoreError for those with another.
        """
        ...

    @abstractmethod
    def fetch(self, key: str, *, version: int | None, before: str | None) -> StoredRow | None:
        """The current version, or that one, or the newest one stored at `before` or earlier."""
        ...

    def fetch_many(self, keys: Sequence[str]) -> list[StoredRow]:
        """The current versions of those keys that exist."""
        return [row for key in keys if (row := self.fetch(key, version=None, before=None))]

    @abstractmethod
    def page(self, after: VersionPlace, size: int, *, key: str | None = None) -> list[StoredRow]:
        """The next versions by key and version: at most `size`, at least one unless there is none; few if they are big.

        `key` asks for one document only.
        """
        ...

    @abstractmethod
    def filter(self, where: Condition, after: str, size: int) -> list[StoredRow]:
        """The next current versions by key, paged alike: all that match, and others that the caller sorts out."""
        ...

    @abstractmethod
    def remove(self, places: Sequence[VersionPlace]) -> int:
        """How many of the versions existed and are removed for good."""
        ...

    @abstractmethod
    def measure(self) -> int | None:
        """The bytes that the store takes, where the backend can tell."""
        ...

    @abstractmethod
    def migrate(self) -> int:
        """The number of the newest migration, once all of them are applied; other methods do so on first use."""
        ...

    def sorted_rows(self, query: Query) -> list[StoredData] | None:  # noqa: ARG002
        """The answer to a query, where the database itself gives the one that Python would give; else None."""
        return None

    def counted(self, where: Condition) -> int | None:  # noqa: ARG002
        """How many current documents match, where the database itself can tell; else None."""
        return None

    def grouped(self, where: Condition, group: GroupStage) -> list[View] | None:  # noqa: ARG002
        """The groups of the current documents that match, where the database itself can make them; else None."""
        return None

    def close(self) -> None:
        """Lets go of connections; the store opens them again when it is used again."""
        return


class DataStore(Backend):
    """Documents by key, each a row of versions that are only ever added to.

    The current version is the highest one. A version that says "deleted" ends a document; storing the key again goes
    on counting. Times are UTC, to the microsecond, from the store's clock.

    A version with a time to live *expires*: `is_fresh` says so, and nothing else changes. It is still retrieved,
    queried and counted until `prune` removes it, since yesterday's figures with their date are better than none;
    callers that want fresh data ask `document.is_fresh(now)` or `get_freshness`.

    Filters, sorting and pipelines are those of `trainer.stores.query`, the same on every backend.
    Every method raises StoreError when the store cannot be reached, and UsageError for data or a filter it refuses.
    """

    backend: ClassVar[str]
    clock: Clock
    treat: Callable[[Json], Json] | None = None
    """What all data and metadata goes through before it is kept, such as a mask of personal data."""

    def store(
        self,
        key: str,
        data: Json,
        metadata: Mapping[str, Json] | None = None,
        *,
        source: str = "",
        ttl: int | None = None,
        if_version: int | None = None,
        skip_unchanged: bool = False,
    ) -> str:
        """The key, once the data is its newest version and safe on disk.

        Without `source`, the `source` of the metadata is the document's.
        With `if_version`, raises VersionConflict unless that version is the current one (0: there is none).
        With `skip_unchanged`, data equal to the current version's adds no version: the check is recorded instead,
        so that `get_freshness` advances and a time to live starts anew.
        """
        return self.store_many([DocumentWrite(key, data, metadata or {}, source, ttl, if_version, skip_unchanged)])[0]

    def store_many(self, drafts: Iterable[DocumentWrite]) -> list[str]:
        """The keys of the drafts, all stored in one transaction, or none of them."""
        treat = self.treat
        if treat is not None:
            drafts = [
                replace(draft, data=treat(draft.data), metadata=_treated(draft.metadata, treat)) for draft in drafts
            ]
        changes = [change_of(draft) for draft in drafts]
        self.append(changes)
        return [change.key for change in changes]

    def retrieve(self, key: str, *, version: int | None = None, as_of: datetime | None = None) -> StoredData | None:
        """The current version, that `version`, or the one that was current at `as_of`; None where there is none."""
        row = self.fetch(check_key(key), version=version, before=to_text(as_of) if as_of else None)
        return None if row is None or row.deleted else row.document()

    def retrieve_many(self, keys: Iterable[str]) -> dict[str, StoredData]:
        """The current versions by key, of those that exist; at once where a backend can."""
        rows = self.fetch_many([check_key(key) for key in keys])
        return {row.key: row.document() for row in rows if not row.deleted}

    def head(self, key: str) -> Head | None:
        """The current version without its data, which is not read into memory as values; None where there is none."""
        row = self.fetch(check_key(key), version=None, before=None)
        return None if row is None or row.deleted else current_of(row).head()

    def history(self, key: str) -> list[StoredData]:
        """All versions of a document, oldest first, deletions included and marked as such."""
        return [row.document() for row in self._versions(check_key(key))]

    def query(
        self,
        filters: Mapping[str, Json],
        limit: int | None = None,
        sort: Mapping[str, int] | None = None,
        offset: int = 0,
    ) -> list[StoredData]:
        """The current documents that match, sorted by `sort` (field to 1 or -1) and then by key."""
        return self._answer(parse_query(filters, sort=sort, limit=limit, offset=offset))

    def scan(self, filters: Mapping[str, Json] | None = None) -> Iterator[StoredData]:
        """The current documents that match, by key, in constant memory; no lock is held between two of them."""
        return self._matching(parse_filter(filters or {}))

    def update(
        self, key: str, data: Json, metadata: Mapping[str, Json] | None = None, *, if_version: int | None = None
    ) -> bool:
        """Whether the document exists and has a new version; source, time to live and absent metadata are kept."""
        if self.treat is not None:
            data, metadata = self.treat(data), _treated(metadata, self.treat) if metadata is not None else None
        return self.append([update_of(key, data, metadata, if_version)])[0]

    def delete(self, key: str, *, erase: bool = False) -> bool:
        """Whether there was something to delete; `erase` removes every version for good, so that counting restarts."""
        if not erase:
            return self.append([deletion_of(key)])[0]
        return self.remove([(row.key, row.version) for row in self._versions(check_key(key))]) > 0

    def exists(self, key: str) -> bool:
        """Whether the document has a current version, fresh or not."""
        return self.head(key) is not None

    def get_freshness(self, key: str) -> datetime | None:
        """When the document's data was last stored or checked; None where there is none."""
        head = self.head(key)
        return head.confirmed_at if head else None

    def count(self, filters: Mapping[str, Json] | None = None) -> int:
        """How many current documents match."""
        where = parse_filter(filters or {})
        number = self.counted(where)
        return sum(1 for _ in self._matching(where)) if number is None else number

    def distinct(self, field: str, filters: Mapping[str, Json] | None = None) -> list[Json]:
        """The different values of a field in the current documents that match, of lists their elements; sorted."""
        by, where = document_field(field), parse_filter(filters or {})
        groups = self.grouped(where, GroupStage(by, {}, is_distinct=True))
        if groups is not None:
            return distinct_values(group["data"]["_id"] for group in groups)
        views = (view_of(document) for document in self._matching(where))
        return distinct_values(value for view in views for value in elements_at(view, by))

    def aggregate(self, pipeline: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
        """What the stages of `pipeline` make of the current documents."""
        stages = parse_pipeline(pipeline)
        where, rest = leading_match(stages)
        groups = self.grouped(where, rest[0]) if rest and isinstance(rest[0], GroupStage) else None
        if groups is not None:
            return rows_of(stages, run_stages(rest[1:], groups))
        query, rest = leading_query(stages)
        is_narrowed = query.order or query.offset or query.limit is not None
        documents = self._answer(query) if is_narrowed else self._matching(query.where)
        return rows_of(stages, run_stages(rest, map(view_of, documents)))

    def prune(self, retention: Retention) -> int:
        """How many versions were removed for good."""
        removed = 0
        places = doomed(self._versions(), retention, self.clock())
        while batch := list(islice(places, _PAGE)):
            removed += self.remove(batch)
        return removed

    def stats(self) -> StoreStats:
        """How much the store holds."""
        return summary(self._versions(), self.backend, self.measure(), self.clock())

    def export_documents(self) -> Iterator[StoredData]:
        """Every version of every document, by key and version, in constant memory."""
        return (row.document() for row in self._versions())

    def import_documents(self, documents: Iterable[StoredData]) -> int:
        """How many versions were added, each with its number and times as they are.

        A version that is there already is left as it is; raises StoreError where it holds other data.
        """
        treat = self.treat
        if treat is not None:
            documents = (
                replace(document, data=treat(document.data), metadata=_treated(document.metadata, treat))
                for document in documents
            )
        rows = (row_of(document) for document in documents)
        added = 0
        while batch := list(islice(rows, _PAGE)):
            added += self.insert(batch)
        return added

    def _versions(self, key: str | None = None) -> Iterator[StoredRow]:
        after: VersionPlace = ("", 0)
        while rows := self.page(after, _PAGE, key=key):
            yield from rows
            after = (rows[-1].key, rows[-1].version)

    def _matching(self, where: Condition) -> Iterator[StoredData]:
        after = ""
        while rows := self.filter(where, after, _PAGE):
            documents = (row.document() for row in rows)
            yield from (document for document in documents if matches(document, where))
            after = rows[-1].key

    def _answer(self, query: Query) -> list[StoredData]:
        documents = self.sorted_rows(query)
        if documents is not None:
            return documents
        if query.order:
            return select(self._matching(query.where), query)
        end = None if query.limit is None else query.offset + query.limit
        return list(islice(self._matching(query.where), query.offset, end))


def _treated(metadata: Mapping[str, Json], treat: Callable[[Json], Json]) -> dict[str, Json]:
    return {name: treat(value) for name, value in metadata.items()}
