"""mongomock and its published suite, out of its source distribution, put to a store of ours beside mongomock itself.

What the suite does to two collections is done to mongomock and to a store; what it compares must be equal. Values that
JSON lacks (dates, identities) become texts for both. What the store has not, such as updates, raises LeftOut.
"""

from __future__ import annotations

import datetime
import os
import re
import sys
import tarfile
import types
import unittest
import uuid
from pathlib import Path

import pytest

from trainer.core.errors import UsageError
from trainer.stores import DocumentWrite
from trainer.stores.query import COLUMNS

FOLDER = Path(os.environ.get("TRAINER_TEST_PEERS", Path(__file__).parents[2] / ".peers"))
HIDDEN = {*COLUMNS, "data", "metadata"}
"""Names of fields that mean something else in a store's filters; `data.` before them says which is meant."""


class LeftOut(Exception):
    """Something that the store does not do, in words."""


def unpack(folder: Path):
    """The modules `mongomock` and its suite; skips loudly where the distribution is not there."""
    found = sorted(FOLDER.glob("mongomock-*.tar.gz"))
    if not found:
        pytest.skip("NOT TESTED against mongomock's suite: run make peers, which downloads its source distribution")
    with tarfile.open(found[-1]) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.glob("mongomock-*")
    sys.modules.setdefault("sentinels", types.SimpleNamespace(NOTHING=type("Nothing", (), {"__bool__": bool})()))
    stands_in = "pytz" not in sys.modules
    sys.modules.setdefault("pytz", types.SimpleNamespace(utc=datetime.UTC, timezone=None))
    kept = sys.modules.pop("tests", None)
    metadata = root / f"{root.name}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_bytes((root / "PKG-INFO").read_bytes())
    sys.path.insert(0, str(root))
    try:
        import mongomock
        from tests import test__mongomock as suite
    finally:
        sys.path.remove(str(root))
        if stands_in:  # DuckDB would look into it too, and lose 8 MB at every connection, in the end all there are
            del sys.modules["pytz"]
        if kept is not None:
            sys.modules["tests"] = kept
    return mongomock, suite


def translated(value):
    """The value as JSON has it."""
    if isinstance(value, dict):
        if isinstance(value.get("$regex"), re.Pattern):
            value = {**value, **translated(value["$regex"])}
        return {str(name): translated(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [translated(item) for item in value]
    if isinstance(value, re.Pattern):
        flags = "".join(letter for letter in "imsx" if value.flags & getattr(re, letter.upper()))
        return {"$regex": value.pattern, **({"$options": flags} if flags else {})}
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, uuid.UUID) or type(value).__name__ == "ObjectId":
        return str(value)
    raise LeftOut(f"values of the type {type(value).__name__}")


def named(value):
    """The filter with `data.` before names that hide others."""
    if isinstance(value, list):
        return [named(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_name(name): named(item) if name in ("$and", "$or", "$nor") else item for name, item in value.items()}


def pointed(value):
    """The expression with `data.` before names that hide others."""
    if isinstance(value, list):
        return [pointed(item) for item in value]
    if isinstance(value, dict):
        return {name: pointed(item) for name, item in value.items()}
    return "$" + _name(value[1:]) if isinstance(value, str) and value.startswith("$") else value


def _name(name):
    return f"data.{name}" if name.split(".")[0] in HIDDEN else name


class Theirs:
    """mongomock's collection, given what JSON can hold."""

    def __init__(self, collection):
        self.collection = collection

    def __getattr__(self, method):
        def call(*arguments, **options):
            options = {name: translated(value) if name != "sort" else value for name, value in options.items()}
            found = getattr(self.collection, method)(*map(translated, arguments), **options)
            return list(found) if method == "aggregate" else found

        return call


class Cursor:
    """What `find` of our side gives; asked when it is read."""

    def __init__(self, ours, filters, projection=None, *, sort=None, skip=0, limit=0):
        self.ours, self.filters, self.projection = ours, filters, projection
        self.order, self.first, self.most = sort or [], skip, limit

    def sort(self, order, way=1):
        self.order = [(order, way)] if isinstance(order, str) else order
        return self

    def skip(self, count):
        self.first = count
        return self

    def limit(self, count):
        self.most = abs(count)
        return self

    def distinct(self, field):
        return self.ours.distinct(field, self.filters)

    def __iter__(self):
        return iter(self.ours.read(self.filters, self.projection, self.order, self.first, self.most))


class Ours:
    """A store that answers like a collection of MongoDB."""

    def __init__(self, store):
        self.store = store
        self.count = 0

    def __getattr__(self, method):
        raise LeftOut(f"the method {method}")

    def insert_one(self, document):
        self.insert_many([document])

    def insert_many(self, documents):
        drafts = []
        for document in map(translated, documents):
            self.count += 1
            drafts.append(DocumentWrite(f"{self.count:06}", {"_id": f"own {self.count:06}", **document}))
        self.store.store_many(drafts)

    def drop(self):
        self.store.remove([(document.key, document.version) for document in self.store.export_documents()])

    def delete_many(self, filters):
        for document in self.store.query(named(translated(filters))):
            self.store.delete(document.key, erase=True)

    def find(self, filters=None, projection=None, **options):
        return Cursor(self, filters or {}, projection, **options)

    def read(self, filters, projection, sort, skip, limit):
        filters, sort = named(translated(filters)), {_name(name): way for name, way in sort}
        if not projection:
            return [document.data for document in self.store.query(filters, limit or None, sort, skip)]
        names = translated(projection if isinstance(projection, dict) else dict.fromkeys(projection, 1))
        if names.pop("_id", 1):
            names["_id"] = 1
        cut = [{"$skip": skip}] + ([{"$limit": limit}] if limit else [])
        return self.store.aggregate(
            [{"$match": filters}, *([{"$sort": sort}] if sort else []), *cut, {"$project": names}]
        )

    def find_one(self, filters=None, projection=None, **options):
        filters = filters if isinstance(filters, dict | None) else {"_id": filters}
        return next(iter(self.find(filters, projection, limit=1, **options)), None)

    def count_documents(self, filters, skip=0, limit=0):
        return len(self.store.query(named(translated(filters)), limit or None, None, skip))

    def estimated_document_count(self):
        return self.store.count()

    def distinct(self, field, filters=None):
        return self.store.distinct(_name(field), named(translated(filters or {})))

    def aggregate(self, pipeline):
        stages, shaped = [], False
        for stage in translated(pipeline):
            ((name, argument),) = stage.items()
            if name == "$project":
                names = dict(argument)
                kept = names.pop("_id", 1)
                argument = {**({"_id": kept} if kept else {}), **names}
            if not shaped:
                argument = named(argument) if name in ("$match", "$sort") else pointed(argument)
            stages.append({name: argument})
            shaped = shaped or name in ("$project", "$group", "$count")
        rows = self.store.aggregate(stages)
        return rows if shaped else [row["data"] for row in rows]


class Both:
    """What the suite calls `cmp`: does to both, and compares."""

    def __init__(self, theirs, ours):
        self.theirs, self.ours = theirs, ours
        self.do = _Caller(self, None)
        self.compare = _Caller(self, _as_they_are)
        self.compare_ignore_order = _Caller(self, _in_any_order)
        self.compare_exceptions = _Caller(self, _refused)


class _Caller:
    def __init__(self, both, compare, decorators=()):
        self.both, self.how, self.decorators = both, compare, decorators

    def sort_by(self, _):
        return self

    def __call__(self, *decorators):
        return _Caller(self.both, self.how, decorators)

    def __getattr__(self, method):
        def call(*arguments, **options):
            outcomes = [
                _outcome(side, method, arguments, options, self.how is _refused)
                for side in (self.both.ours, self.both.theirs)
            ]
            ours, theirs = outcomes
            if isinstance(ours, LeftOut):
                raise ours
            if self.how is _refused:
                if not isinstance(theirs, Exception):
                    raise LeftOut("values that JSON has not")
                assert isinstance(ours, Exception), f"{method}{arguments} is answered: {ours}"
                return None
            if isinstance(ours, UsageError):
                raise LeftOut(str(ours).split("\n")[0]) from ours
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome
            if self.how is not None:
                for decorate in self.decorators:
                    ours, theirs = decorate(ours), decorate(theirs)
                try:
                    ours = self.how(method, ours)
                except UsageError as error:
                    raise LeftOut(str(error).split("\n")[0]) from error
                assert ours == self.how(method, theirs), f"{method} {arguments} {options}"
            return {"fake": theirs, "real": theirs}

        return call


def _outcome(side, method, arguments, options, consumed):
    try:
        found = getattr(side, method)(*arguments, **options)
        return list(found) if consumed and method == "find" else found
    except Exception as error:
        return error


def _as_they_are(method, found):
    if method == "find_one":
        return found and _without_id(found)
    if method not in ("find", "aggregate"):
        return found
    return [_without_id(item) if isinstance(item, dict) else item for item in found]


def _in_any_order(method, found):
    return sorted(map(repr, map(_sorted, _as_they_are(method, found))))


def _refused(method, found):
    raise AssertionError


def _without_id(document):
    return {name: item for name, item in document.items() if name != "_id"}


def _sorted(value):
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def run_suite(mongomock, suite, store):
    """By name of each test that compares collections: None where it passes, else LeftOut or what failed."""
    root = suite._CollectionComparisonTest
    root.setUp = root.tearDown = lambda self: None
    kinds = [kind for kind in vars(suite).values() if isinstance(kind, type) and issubclass(kind, root)]
    return {
        f"{kind.__name__}.{name}": _run(kind, name, mongomock, Ours(store))
        for kind in kinds
        for name in dir(kind)
        if name.startswith("test")
    }


def _run(kind, name, mongomock, ours):
    test = kind(name)
    if any(getattr(part, "__unittest_skip__", False) for part in (kind, getattr(kind, name))):
        return LeftOut("what the suite itself skips")
    ours.drop()
    test.cmp = Both(Theirs(mongomock.MongoClient().db.collection), ours)
    try:
        test.setUp()
        getattr(test, name)()
    except (LeftOut, unittest.SkipTest) as error:
        return error if isinstance(error, LeftOut) else LeftOut("what the suite itself skips")
    except AttributeError as error:
        return LeftOut(f"the server itself ({error.name})") if error.obj is test else error
    except Exception as error:
        return error
    return None
