"""The seam of the stores room: what every backend promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from trainer.core.errors import StoreError
from trainer.core.values import Json, StoredData


class VersionConflict(StoreError):
    """`if_version` named another version than the current one; nothing was written."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A document to be stored: the parameters of `DataStore.store` as one value, for `store_many`."""

    key: str
    """Any text without NUL, up to 1,000 bytes of UTF-8."""
    data: Json
    metadata: Mapping[str, Json] = field(default_factory=dict)
    source: str = ""
    ttl: int | None = None
    """Seconds; None is for ever."""
    if_version: int | None = None
    """The version that must be the current one, 0 for none; None is any."""
    skip_unchanged: bool = False
    """Whether data equal to the current version's makes no new version."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What `prune` removes for good; what is None removes nothing."""

    expired_for: timedelta | None = None
    """Documents whose current version's time to live ran out this long ago, with all their versions."""
    keep_versions: int | None = None
    """All but this many of the newest versions of each document."""
    older_than: timedelta | None = None
    """Versions, other than the current ones, stored longer ago than this."""
    deleted_for: timedelta | None = None
    """Documents deleted this long ago, with all their versions."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """How much a store holds."""

    backend: str
    documents: int
    """Documents that exist: their current version is no deletion."""
    versions: int
    """All versions of all documents."""
    expired: int
    """Documents whose time to live has run out."""
    deleted: int
    """Documents whose current version is a deletion."""
    bytes: int | None
    """What the store takes on disk or in memory, where the backend can tell."""
    sources: Mapping[str, int] = field(default_factory=dict)
    """Documents of each source, by its name, sorted."""
    oldest: datetime | None = None
    """When the oldest version was stored."""
    newest: datetime | None = None
    """When the newest version was stored."""


@runtime_checkable
class DataStore(Protocol):
    """Documents by key, each a row of versions that are only ever added to.

    The current version is the highest one. A version that says "deleted" ends a document; storing the key again goes
    on counting. Times are UTC, to the microsecond, from the store's clock.

    A version with a time to live *expires*: `is_fresh` says so, and nothing else changes. It is still retrieved,
    queried and counted until `prune` removes it, since yesterday's figures with their date are better than none;
    callers that want fresh data ask `document.is_fresh(now)` or `get_freshness`.

    Filters, sorting and pipelines are those of `trainer.stores.query`, the same on every backend.
    Every method raises StoreError when the store cannot be reached, and UsageError for data or a filter it refuses.
    """

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

        With `if_version`, raises VersionConflict unless that version is the current one (0: there is none).
        With `skip_unchanged`, data equal to the current version's adds no version: the check is recorded instead,
        so that `get_freshness` advances and a time to live starts anew.
        """
        ...

    def store_many(self, drafts: Iterable[Draft]) -> list[str]:
        """The keys of the drafts, all stored in one transaction, or none of them."""
        ...

    def retrieve(self, key: str, *, version: int | None = None, as_of: datetime | None = None) -> StoredData | None:
        """The current version, that `version`, or the one that was current at `as_of`; None where there is none."""
        ...

    def history(self, key: str) -> list[StoredData]:
        """All versions of a document, oldest first, deletions included."""
        ...

    def query(
        self,
        filters: Mapping[str, Json],
        limit: int | None = None,
        sort: Mapping[str, int] | None = None,
        offset: int = 0,
    ) -> list[StoredData]:
        """The current documents that match, sorted by `sort` (field to 1 or -1) and then by key."""
        ...

    def scan(self, filters: Mapping[str, Json] | None = None) -> Iterator[StoredData]:
        """The current documents that match, by key, in constant memory; no lock is held between two of them."""
        ...

    def update(
        self, key: str, data: Json, metadata: Mapping[str, Json] | None = None, *, if_version: int | None = None
    ) -> bool:
        """Whether the document exists and has a new version; source, time to live and absent metadata are kept."""
        ...

    def delete(self, key: str, *, erase: bool = False) -> bool:
        """Whether there was something to delete; `erase` removes every version for good, so that counting restarts."""
        ...

    def exists(self, key: str) -> bool:
        """Whether the document has a current version, fresh or not."""
        ...

    def get_freshness(self, key: str) -> datetime | None:
        """When the document's data was last stored or checked; None where there is none."""
        ...

    def aggregate(self, pipeline: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
        """What the stages of `pipeline` make of the current documents."""
        ...

    def count(self, filters: Mapping[str, Json] | None = None) -> int:
        """How many current documents match."""
        ...

    def distinct(self, field: str, filters: Mapping[str, Json] | None = None) -> list[Json]:
        """The different values of a field in the current documents that match, sorted."""
        ...

    def prune(self, retention: Retention) -> int:
        """How many versions were removed for good."""
        ...

    def stats(self) -> StoreStats:
        """How much the store holds."""
        ...

    def export_documents(self) -> Iterator[StoredData]:
        """Every version of every document, by key and version, in constant memory."""
        ...

    def import_documents(self, documents: Iterable[StoredData]) -> int:
        """How many versions were added, each with its number and times as they are.

        A version that is there already is left as it is; raises StoreError where it holds other data.
        """
        ...

    def migrate(self) -> int:
        """The number of the newest migration, once all of them are applied; other methods do so on first use."""
        ...

    def close(self) -> None:
        """Lets go of connections; the store opens them again when it is used again."""
        ...
