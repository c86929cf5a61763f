"""The face of every backend, made of a few primitives: a new backend is one class with those."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import ClassVar

from trainer.core.clock import Clock
from trainer.core.values import Json, StoredData
from trainer.stores.base import Draft, Retention, StoreStats
from trainer.stores.jsontext import check_key
from trainer.stores.match import View, distinct_values, matches, plain, select, value_at, view_of
from trainer.stores.moments import to_text
from trainer.stores.pipeline import Group, Stage, leading_match, leading_query, parse_pipeline, rows_of, run_stages
from trainer.stores.query import Condition, Field, Query, parse_field, parse_filter, parse_query
from trainer.stores.retention import doomed, summary
from trainer.stores.rows import Change, Row, change_of, deletion_of, row_of, update_of

_PAGE = 10_000
_LAST_VERSION = 2**62
Place = tuple[str, int]
"""A key and a version, the order in which versions are paged through."""


class VersionedStore(ABC):
    """A DataStore over the primitives `append`, `fetch`, `page`, `insert`, `remove`, `measure` and `migrate`.

    A backend that can answer queries itself overrides `_select`, `_count` and `_groups` as well.
    """

    backend: ClassVar[str]
    clock: Clock

    @abstractmethod
    def append(self, changes: Sequence[Change]) -> list[bool]:
        """Whether each change did something; all in one transaction, each upon the outcome of those before it."""

    @abstractmethod
    def fetch(self, key: str, *, version: int | None, before: str | None) -> Row | None:
        """The current version, or that one, or the newest one stored at `before` or earlier."""

    @abstractmethod
    def page(self, after: Place, size: int, *, key: str | None, current: bool) -> list[Row]:
        """The next versions by key and version: at most `size`, at least one unless there is none; few if they are big.

        `key` asks for one document only, `current` for current versions that are no deletions.
        """

    @abstractmethod
    def insert(self, rows: Sequence[Row]) -> int:
        """How many versions were added as they are, in one transaction; the current ones are the highest afterwards.

        Versions that exist with the same digest are left; raises StoreError for those with another.
        """

    @abstractmethod
    def remove(self, places: Sequence[Place]) -> int:
        """How many of the versions existed and are removed for good."""

    @abstractmethod
    def measure(self) -> int | None:
        """The bytes that the store takes, where the backend can tell."""

    @abstractmethod
    def migrate(self) -> int:
        """The number of the newest migration, once all are applied."""

    def close(self) -> None:  # noqa: B027  (most backends keep nothing open)
        """Lets go of connections; this backend keeps none."""

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
        """The key, once the data is its newest version and safe."""
        draft = Draft(key, data, metadata or {}, source, ttl, if_version, skip_unchanged)
        self.append([change_of(draft)])
        return key

    def store_many(self, drafts: Iterable[Draft]) -> list[str]:
        """The keys of the drafts, all stored in one transaction."""
        changes = [change_of(draft) for draft in drafts]
        self.append(changes)
        return [change.key for change in changes]

    def update(
        self, key: str, data: Json, metadata: Mapping[str, Json] | None = None, *, if_version: int | None = None
    ) -> bool:
        """Whether the document exists and has a new version."""
        return self.append([update_of(key, data, metadata, if_version)])[0]

    def delete(self, key: str, *, erase: bool = False) -> bool:
        """Whether there was something to delete."""
        if not erase:
            return self.append([deletion_of(key)])[0]
        return self.remove([(row.key, row.version) for row in self._pages(key=key)]) > 0

    def retrieve(self, key: str, *, version: int | None = None, as_of: datetime | None = None) -> StoredData | None:
        """The current version, that one, or the one that was current at `as_of`."""
        row = self.fetch(check_key(key), version=version, before=to_text(as_of) if as_of else None)
        return None if row is None or row.deleted else row.document()

    def history(self, key: str) -> list[StoredData]:
        """All versions of a document, oldest first."""
        return [row.document() for row in self._pages(key=check_key(key))]

    def exists(self, key: str) -> bool:
        """Whether the document has a current version."""
        return self.retrieve(key) is not None

    def get_freshness(self, key: str) -> datetime | None:
        """When the document's data was last stored or checked."""
        found = self.retrieve(key)
        return found.confirmed_at if found else None

    def query(
        self,
        filters: Mapping[str, Json],
        limit: int | None = None,
        sort: Mapping[str, int] | None = None,
        offset: int = 0,
    ) -> list[StoredData]:
        """The current documents that match, in order."""
        return self._select(parse_query(filters, sort=sort, limit=limit, offset=offset))

    def scan(self, filters: Mapping[str, Json] | None = None) -> Iterator[StoredData]:
        """The current documents that match, by key, in constant memory."""
        return self._scan(parse_filter(filters or {}))

    def count(self, filters: Mapping[str, Json] | None = None) -> int:
        """How many current documents match."""
        return self._count(parse_filter(filters or {}))

    def distinct(self, field: str, filters: Mapping[str, Json] | None = None) -> list[Json]:
        """The different values of a field, sorted."""
        return self._distinct(parse_field(field), parse_filter(filters or {}))

    def aggregate(self, pipeline: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
        """What the stages make of the current documents."""
        return self._aggregate(parse_pipeline(pipeline))

    def prune(self, retention: Retention) -> int:
        """How many versions were removed for good."""
        removed = 0
        places = doomed(self._pages(), retention, self.clock())
        while batch := list(islice(places, _PAGE)):
            removed += self.remove(batch)
        return removed

    def stats(self) -> StoreStats:
        """How much the store holds."""
        return summary(self._pages(), self.backend, self.measure(), self.clock())

    def export_documents(self) -> Iterator[StoredData]:
        """Every version of every document, by key and version, in constant memory."""
        return (row.document() for row in self._pages())

    def import_documents(self, documents: Iterable[StoredData]) -> int:
        """How many versions were added, each as it is."""
        rows = (row_of(document) for document in documents)
        added = 0
        while batch := list(islice(rows, _PAGE)):
            added += self.insert(batch)
        return added

    def _pages(self, *, key: str | None = None, current: bool = False) -> Iterator[Row]:
        return self._turn(partial(self.page, key=key, current=current), current=current)

    def _turn(self, page: Callable[[Place, int], list[Row]], *, current: bool) -> Iterator[Row]:
        after = ("", 0)
        while rows := page(after, _PAGE):
            yield from rows
            # A current version that is replaced meanwhile must not come again as its own successor.
            after = (rows[-1].key, _LAST_VERSION if current else rows[-1].version)

    def _scan(self, where: Condition) -> Iterator[StoredData]:
        documents = (row.document() for row in self._pages(current=True))
        return (document for document in documents if matches(document, where))

    def _select(self, query: Query) -> list[StoredData]:
        return select(self._scan(query.where), query)

    def _count(self, where: Condition) -> int:
        return sum(1 for _ in self._scan(where))

    def _aggregate(self, stages: Sequence[Stage]) -> list[dict[str, Json]]:
        """Asks for the groups or the documents of the first stages, and makes the rest of them here."""
        where, rest = leading_match(stages)
        groups = self._groups(where, rest[0]) if rest and isinstance(rest[0], Group) else None
        if groups is not None:
            return rows_of(stages, run_stages(rest[1:], groups))
        query, rest = leading_query(stages)
        narrows = query.order or query.offset or query.limit is not None
        documents = self._select(query) if narrows else self._scan(query.where)
        return rows_of(stages, run_stages(rest, map(view_of, documents)))

    def _groups(self, where: Condition, group: Group) -> list[View] | None:  # noqa: ARG002
        """The groups of the documents that match, or None where the backend cannot tell them; this one cannot."""
        return None

    def _distinct(self, field: Field, where: Condition) -> list[Json]:
        groups = self._groups(where, Group(field, {}))
        if groups is not None:
            return distinct_values(group["data"]["_id"] for group in groups)
        return distinct_values(plain(value_at(view_of(document), field)) for document in self._scan(where))
