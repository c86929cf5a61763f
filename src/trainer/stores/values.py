"""The values that callers of the stores room meet, and moments as the text that stores keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from trainer.core.clock import Moment
from trainer.core.errors import StoreError
from trainer.core.values import Json

_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


class VersionConflict(StoreError):
    """`if_version` named another version than the current one; nothing was written."""


class ReadOnly(StoreError):
    """The store lies where nothing can be written, as in a read-only checkout; it can still be read."""


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """A document to be stored: the parameters of `DataStore.store` as one value, for `store_many`."""

    key: str
    """Any text without NUL, up to 1,000 bytes of UTF-8."""
    data: Json
    metadata: Mapping[str, Json] = field(default_factory=dict)
    source: str = ""
    """Where it is empty, the `source` of the metadata."""
    ttl: int | None = None
    """Seconds; None is for ever."""
    if_version: int | None = None
    """The version that must be the current one, 0 for none; None is any."""
    skip_unchanged: bool = False
    """Whether data equal to the current version's makes no new version."""
    deletes: bool = False
    """Whether it says that the document is no more, whatever else it holds; nothing happens where there is none."""


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


@dataclass(frozen=True, slots=True)
class Head:
    """The current version of a document, without its data."""

    version: int
    digest: str
    """Of the data alone."""
    updated_at: datetime
    confirmed_at: datetime
    """When the data was last stored or checked."""
    ttl: int | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the version's time to live has not run out."""
        return self.ttl is None or now < self.confirmed_at + timedelta(seconds=self.ttl)


def to_text(moment: datetime) -> str:
    """The moment as `2025-02-14T21:00:02.000000Z`, so that text and time sort alike; one without a zone is UTC."""
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    text = zoned.astimezone(UTC).strftime(_MOMENT)
    return text.rjust(27, "0")  # the C library leaves the zeros of years before 1000 out


def from_text(text: str) -> datetime:
    """The moment that `to_text` wrote."""
    return Moment.fromisoformat(text)
