"""Which versions a retention removes, and how much a store holds: both read off its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from trainer.core.errors import UsageError
from trainer.stores.rows import Current, StoredRow, current_of
from trainer.stores.values import Retention, StoreStats, from_text, to_text


def doomed(rows: Iterable[StoredRow], retention: Retention, now: datetime) -> Iterator[tuple[str, int]]:
    """The places of the versions to remove; `rows` come by key and version."""
    if retention.keep_versions is not None and retention.keep_versions < 1:
        raise UsageError("at least one version is kept", hint="to remove whole documents, delete them")
    for _, group in groupby(rows, key=lambda row: row.key):
        versions = [current_of(row) for row in group]
        yield from ((version.key, version.version) for version in _doomed(versions, retention, now))


def summary(rows: Iterable[StoredRow], backend: str, size: int | None, now: datetime) -> StoreStats:
    """The statistics of all rows, which come by key and version."""
    versions = expired = deleted = 0
    sources, times = Counter[str](), list[str]()
    for _, group in groupby(rows, key=lambda row: row.key):
        currents = [current_of(row) for row in group]
        last, versions = currents[-1], versions + len(currents)
        times = sorted([*times, *(version.updated_at for version in currents)])
        times = [times[0], times[-1]]
        if last.deleted:
            deleted += 1
            continue
        sources[last.source] += 1
        expired += not last.head().is_fresh(now)
    return StoreStats(
        backend=backend,
        documents=sources.total(),
        versions=versions,
        expired=expired,
        deleted=deleted,
        bytes=size,
        sources=dict(sorted(sources.items())),
        oldest=from_text(times[0]) if times else None,
        newest=from_text(times[-1]) if times else None,
    )


def _doomed(versions: list[Current], retention: Retention, now: datetime) -> list[Current]:
    if _whole(versions[-1], retention, now):
        return versions
    older = versions[:-1]
    surplus = [] if retention.keep_versions is None else versions[: -retention.keep_versions]
    if retention.older_than is None:
        return surplus
    limit = to_text(now - retention.older_than)
    return [version for version in older if version in surplus or version.updated_at <= limit]


def _whole(last: Current, retention: Retention, now: datetime) -> bool:
    if last.deleted:
        return retention.deleted_for is not None and last.updated_at <= to_text(now - retention.deleted_for)
    if retention.expired_for is None or last.ttl is None:
        return False
    return last.head().confirmed_at + timedelta(seconds=last.ttl) + retention.expired_for <= now
