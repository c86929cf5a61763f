"""A version as backends keep it, and what becomes of a change to a document: pure functions every backend shares."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from trainer.core.digest import digest
from trainer.core.errors import StoreError, UsageError
from trainer.core.secrets import mask_json, mask_secrets
from trainer.core.values import Json, StoredData
from trainer.stores.jsontext import MANY, Encoded, check_key, encode
from trainer.stores.values import DocumentWrite, Head, VersionConflict, from_text, to_text

_LONGEST_TTL = 10_000_000_000


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One version; moments are text of one width, data and metadata JSON text."""

    key: str
    version: int
    data: str
    metadata: str
    source: str
    stored_at: str
    updated_at: str
    checked_at: str | None
    ttl: int | None
    digest: str
    size: int
    """Characters of data and metadata."""
    odd: bool
    """Whether SQL may compare some value in it otherwise than Python."""
    deleted: bool
    lists: str | None = None
    """Where lists stand, each path between newlines; `*` for very many, None where nobody has looked."""

    def document(self) -> StoredData:
        """The version as callers see it."""
        return document_of((
            self.key, self.data, self.source, self.stored_at, self.updated_at, self.metadata, self.version, self.ttl,
            self.checked_at, self.deleted,
        ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Current:
    """What a change needs to know of the current version."""

    key: str
    version: int
    metadata: str
    source: str
    stored_at: str
    updated_at: str
    checked_at: str | None
    ttl: int | None
    digest: str
    deleted: bool

    def head(self) -> Head:
        """The same for callers."""
        updated, checked = from_text(self.updated_at), from_text(self.checked_at or self.updated_at)
        return Head(self.version, self.digest, updated, max(updated, checked), self.ttl)


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A checked wish to add a version."""

    key: str
    data: Encoded
    digest: str
    metadata: Encoded | None
    """None keeps the current one's."""
    source: str | None = None
    """None keeps the current one's."""
    ttl: int | None = None
    if_version: int | None = None
    skip_unchanged: bool = False
    must_exist: bool = False
    """Whether nothing happens to a document that does not exist."""
    deletes: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The current version was found unchanged."""

    key: str
    version: int
    checked_at: str


def document_of(columns: Sequence[Any]) -> StoredData:
    """A version as callers see it, from its columns in the order of the fields of `StoredData`."""
    key, data, source, stored_at, updated_at, metadata, version, ttl, checked_at, deleted = columns
    return StoredData(
        key=key,
        data=msgspec.json.decode(data),
        source=source,
        stored_at=from_text(stored_at),
        updated_at=from_text(updated_at),
        metadata=msgspec.json.decode(metadata),
        version=version,
        ttl=ttl,
        checked_at=from_text(checked_at) if checked_at else None,
        deleted=bool(deleted),
    )


def change_of(draft: DocumentWrite) -> NewVersion:
    """The draft, checked and encoded; raises UsageError."""
    if draft.deletes:
        return deletion_of(draft.key)
    data = _encoded(draft.data)
    return NewVersion(
        key=check_key(draft.key),
        # the values are let go: of a large document they take four times the memory of its text
        data=replace(data, value=None),
        digest=digest(data.value),
        metadata=_metadata(draft.metadata),
        source=_source(draft.source or draft.metadata.get("source") or ""),
        ttl=_ttl(draft.ttl),
        if_version=draft.if_version,
        skip_unchanged=draft.skip_unchanged,
    )


def update_of(key: str, data: Json, metadata: Mapping[str, Json] | None, if_version: int | None) -> NewVersion:
    """New data for a document that must exist; what is not named is kept."""
    encoded = _encoded(data)
    named = None if metadata is None else _metadata(metadata)
    return NewVersion(check_key(key), encoded, digest(encoded.value), named, if_version=if_version, must_exist=True)


def deletion_of(key: str) -> NewVersion:
    """A version that says the document is no more."""
    return NewVersion(check_key(key), encode(None), digest(None), encode({}), must_exist=True, deletes=True)


def outcome(change: NewVersion, current: Current | None, now: str) -> StoredRow | Confirmation | None:
    """The version to add, the check to record, or None where nothing is to be done; raises VersionConflict."""
    alive = current if current and not current.deleted else None
    if change.if_version is not None:
        _expect(change, alive)
    if change.must_exist and alive is None:
        return None
    if change.skip_unchanged and alive and alive.digest == change.digest:
        return Confirmation(change.key, alive.version, now)
    metadata = change.metadata or encode(json.loads(alive.metadata) if alive else {})
    return StoredRow(
        key=change.key,
        version=current.version + 1 if current else 1,
        data=change.data.text,
        metadata=metadata.text,
        source=change.source if change.source is not None else alive.source if alive else "",
        stored_at=alive.stored_at if alive else now,
        updated_at=now,
        checked_at=None,
        ttl=alive.ttl if alive and change.source is None else change.ttl,
        digest=change.digest,
        size=len(change.data.text) + len(metadata.text),
        odd=change.data.odd or metadata.odd,
        deleted=change.deletes,
        lists=_lists(change.data, metadata),
    )


def current_of(row: StoredRow) -> Current:
    """What the next change needs to know of a row that was just added."""
    return Current(
        row.key, row.version, row.metadata, row.source, row.stored_at, row.updated_at, row.checked_at, row.ttl,
        row.digest, row.deleted,
    )  # fmt: skip


def row_of(document: StoredData) -> StoredRow:
    """A version as it is, for import; raises UsageError."""
    data, metadata = _encoded(document.data), _metadata(document.metadata)
    if not isinstance(document.version, int) or document.version < 1:
        raise UsageError(f"{document.key}: a version must be a whole number from 1 on, not {document.version!r}")
    return StoredRow(
        key=check_key(document.key),
        version=document.version,
        data=data.text,
        metadata=metadata.text,
        source=_source(document.source),
        stored_at=to_text(document.stored_at),
        updated_at=to_text(document.updated_at),
        checked_at=to_text(document.checked_at) if document.checked_at else None,
        ttl=_ttl(document.ttl),
        digest=digest(data.value),
        size=len(data.text) + len(metadata.text),
        odd=data.odd or metadata.odd,
        deleted=document.deleted,
        lists=_lists(data, metadata),
    )


def unknown_rows(rows: Iterable[StoredRow], digests: dict[tuple[str, int], str]) -> Iterator[StoredRow]:
    """Those of the rows that are not known by their digests; raises StoreError for other data in the same place."""
    for row in rows:
        digest = digests.setdefault((row.key, row.version), row.digest)
        if digest is row.digest:
            yield row
        elif digest != row.digest:
            raise StoreError(
                f"{row.key} has a version {row.version} already, with other data",
                hint="import into an empty store, or delete the document there with --erase first",
            )


def _expect(change: NewVersion, alive: Current | None) -> None:
    version = alive.version if alive else 0
    if version != change.if_version:
        raise VersionConflict(
            f"{change.key} is at version {version}, not {change.if_version}; nothing was stored",
            hint="retrieve it again, repeat the change on that version, and store it with if_version of that one",
        )


def list_line(root: str, path: Iterable[str]) -> str:
    """The path of a list as `StoredRow.lists` has it."""
    return "\n" + ".".join([root, *path]) + "\n"


def _lists(data: Encoded, metadata: Encoded) -> str:
    if MANY in data.lists | metadata.lists:
        return MANY
    paths = [("data", path) for path in sorted(data.lists)] + [("metadata", path) for path in sorted(metadata.lists)]
    return "".join(list_line(root, [path] if path else []) for root, path in paths)


def _metadata(metadata: Mapping[str, Json]) -> Encoded:
    if not isinstance(metadata, Mapping):
        raise UsageError("metadata must be a mapping of names to values")
    return _encoded(metadata, what="metadata")


def _encoded(value: object, *, what: str = "data") -> Encoded:
    """The value as it is kept: whatever is a key or looks like one is masked before it is written anywhere."""
    encoded = encode(value, what=what)
    return encode(mask_json(encoded.value), what=what) if mask_secrets(encoded.text) != encoded.text else encoded


def _source(source: str) -> str:
    if not isinstance(source, str) or "\0" in source:
        raise UsageError("a source must be a text without NUL")
    return str(encode(source, what="source").value)


def _ttl(ttl: int | None) -> int | None:
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 < ttl <= _LONGEST_TTL:
        raise UsageError(f"a time to live must be a whole number of seconds above 0, not {ttl!r}")
    return ttl
