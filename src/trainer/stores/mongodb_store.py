"""Documents in MongoDB: one for each version, and a unique index that lets no two writers add the same one.

A replica set stores a batch whole or not at all. A single server knows no transactions: there a writer that dies
within its batch may leave a part of it, and two current versions of a document until the next write to it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any, TypeVar
from urllib.parse import unquote_plus, urlsplit
from uuid import uuid4

import pymongo
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from trainer.core.clock import Clock, system_clock
from trainer.core.digest import pick
from trainer.core.errors import StoreError, UsageError
from trainer.core.values import StoredData
from trainer.stores.base import DataStore, VersionPlace
from trainer.stores.match import View
from trainer.stores.mongodb_query import (
    MongoFilter,
    can_be_tree,
    group_stage,
    groups_of,
    name_of,
    names_to,
    narrowed,
    native,
    order_of,
)
from trainer.stores.pipeline import GroupStage
from trainer.stores.query import Condition, FieldPath, Query, fields_of
from trainer.stores.rows import Confirmation, Current, NewVersion, StoredRow, current_of, outcome, unknown_rows
from trainer.stores.sql import fields_of_group
from trainer.stores.values import to_text

T = TypeVar("T")
SCHEMA = 1
_ALIVE: MongoFilter = {"current": True, "deleted": False}
_ROW = [field.name for field in fields(StoredRow) if field.name != "lists"]
_CURRENT = [field.name for field in fields(Current)]
_SHOWN = {"_id": False, "data_tree": False, "metadata_tree": False}
_PAGE_SIZE = 8_000_000
_PART = 2_000_000
"""Characters of data in one part; MongoDB keeps at most 16 MB in one document."""
_LARGEST_TREE = 1_000_000
_MOST_METADATA = 8_000_000
_MOST = 2**62
_MOST_TRIES = 1000
_DUPLICATE = 11000
_PARALLEL_LISTS = (2, 4)
"""The codes of a sort by two fields of which a document has lists."""
_REPLACED = {"$set": {"current": False}}


class _Overtaken(Exception):
    """Another writer added one of the versions first."""


class MongoDBStore(DataStore):
    """A store in the collections `documents`, `document_parts` and `schema_migrations` of one database."""

    backend = "mongodb"

    def __init__(
        self,
        connection_string: str = "mongodb://localhost:27017",
        *,
        database: str | None = None,
        clock: Clock = system_clock,
        timeout: float = 10.0,
    ) -> None:
        """`database` is by default that of the address, else `trainer`; `timeout` is in seconds to find a server."""
        self._url = connection_string
        self._address, in_path, self._secrets = _parse(connection_string)
        self._database = database or in_path or "trainer"
        self.clock = clock
        self.timeout = timeout
        self._client: Any = None
        self._process = 0
        self._has_transactions = False

    def append(self, changes: Sequence[NewVersion]) -> list[bool]:
        """Whether each change did something; tried again when another writer was quicker."""

        def attempt(session: Any) -> list[bool]:
            currents = self._currents({change.key for change in changes}, session)
            now, rows, checks, done = to_text(self.clock()), list[StoredRow](), list[Confirmation](), list[bool]()
            for change in changes:
                result = outcome(change, currents.get(change.key), now)
                done.append(result is not None)
                if isinstance(result, StoredRow):
                    rows.append(result)
                    currents[change.key] = current_of(result)
                elif isinstance(result, Confirmation):
                    checks.append(result)
            self._add(rows, {key: current.version for key, current in currents.items()}, session)
            self._check(checks, session)
            return done

        return self._atomically(attempt)

    def insert(self, rows: Sequence[StoredRow]) -> int:
        """How many versions were added as they are; the current ones are the highest afterwards."""

        def attempt(session: Any) -> int:
            keys = sorted({row.key for row in rows})
            cursor = self._documents.find({"key": {"$in": keys}}, ["key", "version", "digest"], session=session)
            digests = {(document["key"], document["version"]): document["digest"] for document in cursor}
            new = list(unknown_rows(rows, digests))
            highest: dict[str, int] = {}
            for key, version in digests:
                highest[key] = max(version, highest.get(key, 0))
            self._add(new, highest, session)
            return len(new)

        return self._atomically(attempt)

    def fetch(self, key: str, *, version: int | None, before: str | None) -> StoredRow | None:
        """The current version, or that one, or the newest one stored at `before` or earlier."""
        where: MongoFilter = {"key": key}
        if version is not None:
            where["version"] = version
        if before is not None:
            where["updated_at"] = {"$lte": before}
        with self._reaching():
            document = self._documents.find_one(where, _SHOWN, sort=[("version", -1)])
            return self._row(document) if document else None

    def page(self, after: VersionPlace, size: int, *, key: str | None = None) -> list[StoredRow]:
        """The next versions by key and version, fewer where they are big."""
        beyond = {"$or": [{"key": {"$gt": after[0]}}, {"key": after[0], "version": {"$gt": after[1]}}]}
        with self._reaching():
            return self._page({"$and": [beyond, {} if key is None else {"key": key}]}, size, version=1)

    def filter(self, where: Condition, after: str, size: int) -> list[StoredRow]:
        """The next current versions by key that match, and those that MongoDB cannot judge."""
        with self._reaching():
            return self._page({"$and": [{"key": {"$gt": after}}, _ALIVE, narrowed(where)]}, size, version=-1)

    def sorted_rows(self, query: Query) -> list[StoredData] | None:
        """The answer by MongoDB's own sorting, unless Python must judge a document."""
        order = order_of(query.order)
        if order is None or not self._is_native(query.where, [field for field, _ in query.order]):
            return None
        stages = [
            {"$match": {"$and": [_ALIVE, native(query.where).matching]}},
            {"$sort": order},
            {"$skip": min(query.offset, _MOST)},
            *([{"$limit": max(1, min(query.limit, _MOST))}] if query.limit is not None else []),
            {"$unset": ["data_tree", "metadata_tree"]},
        ]
        with self._reaching():
            try:
                documents = self._documents.aggregate(stages, allowDiskUse=True)
                rows = [self._row(document) for document in documents]
            except OperationFailure as error:
                if error.code not in _PARALLEL_LISTS:
                    raise
                return None
        return [row.document() for row in rows[: query.limit]]

    def counted(self, where: Condition) -> int | None:
        """The count by MongoDB, unless Python must judge a document."""
        if not self._is_native(where, []):
            return None
        with self._reaching():
            return int(self._documents.count_documents({"$and": [_ALIVE, native(where).matching]}))

    def grouped(self, where: Condition, group: GroupStage) -> list[View] | None:
        """The groups by MongoDB, unless Python must judge a document."""
        stage = group_stage(group)
        if stage is None or not self._is_native(where, fields_of_group(group), through_lists=False):
            return None
        matching = {"$and": [_ALIVE, native(where).matching]}
        with self._reaching():
            if group.is_distinct and isinstance(group.by, FieldPath):
                matching["$and"].append({name_of(group.by): {"$exists": True}})
            return groups_of(group, list(self._documents.aggregate([{"$match": matching}, stage], allowDiskUse=True)))

    def remove(self, places: Sequence[VersionPlace]) -> int:
        """How many of the versions existed and are removed for good."""
        removed = 0
        with self._reaching():
            for key, group in groupby(sorted(places), key=lambda place: place[0]):
                where = {"key": key, "version": {"$in": [version for _, version in group]}}
                parts = [
                    document["parts"] for document in self._documents.find(where, ["parts"]) if document.get("parts")
                ]
                removed += self._documents.delete_many(where).deleted_count
                if parts:
                    self._parts.delete_many({"of": {"$in": parts}})
        return int(removed)

    def measure(self) -> int | None:
        """The bytes that the database takes on disk, with its indexes."""
        with self._reaching():
            statistics = self._db.command("dbStats")
        return int(statistics["storageSize"] + statistics["indexSize"])

    def migrate(self) -> int:
        """The number of the newest migration of the documents."""
        with self._reaching():
            return int(self._db["schema_migrations"].find_one({"component": "documents"})["number"])

    def close(self) -> None:
        """Lets go of the connections."""
        if self._client is not None and self._process == os.getpid():
            self._client.close()
        self._client = None

    def _is_native(self, where: Condition, fields: Sequence[FieldPath], *, through_lists: bool = True) -> bool:
        """Whether MongoDB means the same as Python: by the condition, and by what every document holds.

        What an expression makes of a list, on its way or at its end, differs between servers of MongoDB's protocol.
        """
        if not native(where).exact:
            return False
        if all(field.root == "column" for field in [*fields_of(where), *fields]):
            return True
        others: list[MongoFilter] = [{"tame": False}]
        if not through_lists:
            others += [{name: {"$type": "array"}} for field in fields for name in names_to(field)]
        with self._reaching():
            return self._documents.find_one({"$and": [_ALIVE, {"$or": others}]}, ["_id"]) is None

    def _page(self, where: MongoFilter, size: int, *, version: int) -> list[StoredRow]:
        """The first of the documents by key; where versions descend, only the highest of a key."""
        rows, total = list[StoredRow](), 0
        order = [("key", 1), ("version", version)]
        with contextlib.closing(self._documents.find(where, _SHOWN, sort=order, limit=size)) as cursor:
            for document in cursor:
                if version < 0 and rows and rows[-1].key == document["key"]:
                    continue
                rows.append(self._row(document))
                total += rows[-1].size
                if total > _PAGE_SIZE:
                    break
        return rows

    def _currents(self, keys: Iterable[str], session: Any) -> dict[str, Current]:
        where = {"key": {"$in": sorted(keys)}, "current": True}
        cursor = self._documents.find(where, _CURRENT, sort=[("version", 1)], session=session)
        return {document["key"]: Current(**{name: document[name] for name in _CURRENT}) for document in cursor}

    def _add(self, rows: Sequence[StoredRow], highest: dict[str, int], session: Any) -> None:
        """The new versions, then no mark on those they replace; `highest` is the highest version of each key."""
        for row in rows:
            highest[row.key] = max(row.version, highest.get(row.key, 0))
        documents = [self._packed(row, current=row.version == highest[row.key], session=session) for row in rows]
        if not documents:
            return
        try:
            self._documents.insert_many(documents, session=session)
        except (DuplicateKeyError, BulkWriteError) as error:
            if isinstance(error, BulkWriteError) and not _is_duplicate(error):
                raise
            self._take_back(documents, session)
            raise _Overtaken from error
        replaced = [
            pymongo.UpdateMany(
                {"key": document["key"], "version": {"$lt": document["version"]}, "current": True}, _REPLACED
            )
            for document in documents
            if document["current"] and document["version"] > 1
        ]
        if replaced:
            self._documents.bulk_write(replaced, session=session)

    def _take_back(self, documents: Sequence[MongoFilter], session: Any) -> None:
        """A transaction is rolled back by the server."""
        if session is None:
            self._documents.delete_many(
                {"_id": {"$in": [document["_id"] for document in documents if "_id" in document]}}
            )
            self._parts.delete_many({"of": {"$in": [document["parts"] for document in documents if document["parts"]]}})

    def _check(self, checks: Sequence[Confirmation], session: Any) -> None:
        for check in checks:
            where = {"key": check.key, "version": check.version}
            self._documents.update_one(where, {"$set": {"checked_at": check.checked_at}}, session=session)

    def _packed(self, row: StoredRow, *, current: bool, session: Any) -> MongoFilter:
        """The row, with its data as MongoDB's own values where it can be asked for them, and large data in parts."""
        if (size := len(row.metadata.encode())) > _MOST_METADATA:
            raise UsageError(
                f"{row.key}: metadata takes {size:,} bytes, more than the {_MOST_METADATA:,} that MongoDB keeps",
                hint="move the largest part of it into the data",
            )
        packed: MongoFilter = pick(row, *_ROW)
        packed |= {"current": current, "parts": None, "tame": False}
        if row.size <= _LARGEST_TREE and not row.odd:
            trees = {"data_tree": json.loads(row.data), "metadata_tree": json.loads(row.metadata)}
            if all(map(can_be_tree, trees.values())):
                packed |= {**trees, "tame": True}
        if len(row.data) > _PART:
            packed |= {"data": "", "parts": uuid4().hex}
            for number, start in enumerate(range(0, len(row.data), _PART)):
                part = {"of": packed["parts"], "number": number, "text": row.data[start : start + _PART]}
                self._parts.insert_one(part, session=session)
        return packed

    def _row(self, document: MongoFilter) -> StoredRow:
        values = {name: document[name] for name in _ROW}
        if document["parts"]:
            parts = self._parts.find({"of": document["parts"]}, sort=[("number", 1)])
            values["data"] = "".join(part["text"] for part in parts)
        return StoredRow(**values)

    def _atomically(self, attempt: Callable[[Any], T]) -> T:
        """What `attempt` says of a session, once it came through without being overtaken."""
        with self._reaching():
            for _ in range(_MOST_TRIES):
                with contextlib.suppress(_Overtaken):
                    if not self._has_transactions:
                        return attempt(None)
                    with self._client.start_session() as session:
                        result: T = session.with_transaction(attempt)
                        return result
        raise StoreError("other writers were always quicker", hint="write less at once to the same document")

    @property
    def _db(self) -> Any:
        return self._client.get_database(self._database, write_concern=WriteConcern(w="majority", j=True))

    @property
    def _documents(self) -> Any:
        return self._db["documents"]

    @property
    def _parts(self) -> Any:
        return self._db["document_parts"]

    def _connect(self) -> None:
        """A client of this process, with the indexes there; a forked child must not use its parent's."""
        self._process = os.getpid()
        self._client = pymongo.MongoClient(self._url, serverSelectionTimeoutMS=int(self.timeout * 1000))
        hello = self._client.admin.command("hello")
        self._has_transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
        register = self._db["schema_migrations"]
        migrated = register.find_one({"component": "documents"}) or {"number": 0}
        if migrated["number"] > SCHEMA:
            raise StoreError(
                f"the database was written by a newer trainer: documents is at migration {migrated['number']}, "
                f"this program knows {SCHEMA}",
                hint='run: pip install --upgrade "trainer-core"',
            )
        self._documents.create_index([("key", 1), ("version", 1)], unique=True)
        self._documents.create_index([("current", 1), ("key", 1)])
        self._documents.create_index([("current", 1), ("source", 1)])
        self._parts.create_index([("of", 1), ("number", 1)], unique=True)
        register.update_one({"component": "documents"}, {"$set": {"number": SCHEMA}}, upsert=True)

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            if self._client is None or self._process != os.getpid():
                self._connect()
            yield
        except PyMongoError as error:
            raise StoreError(
                f"MongoDB at {self._address} cannot be used: {self._masked(str(error))}",
                hint="check data_store.connection_string, and that the server runs and may be written",
            ) from None

    def _masked(self, text: str) -> str:
        text = " ".join(text.partition(", Timeout:")[0].split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _is_duplicate(error: BulkWriteError) -> bool:
    return any(failure["code"] == _DUPLICATE for failure in error.details["writeErrors"])


def _parse(connection_string: str) -> tuple[str, str, tuple[str, ...]]:
    """The servers, the database in the path, and what must never be printed."""
    try:
        parts = urlsplit(connection_string)
        servers = parts.netloc.rpartition("@")[2]
        if parts.scheme not in ("mongodb", "mongodb+srv") or not servers:
            raise ValueError(parts.scheme)
        password = parts.netloc.rpartition("@")[0].partition(":")[2]
    except ValueError:
        raise UsageError(
            "data_store.connection_string is no MongoDB address",
            hint="write it like mongodb://user:password@host:27017/database",
        ) from None
    secrets = tuple(sorted({password, unquote_plus(password)} - {""}, key=len, reverse=True))
    return servers, parts.path.lstrip("/"), secrets
