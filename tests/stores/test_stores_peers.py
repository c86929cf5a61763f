"""The query language beside its speakers: mongomock with its published suite, and a server of MongoDB's protocol."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from servers.mongodb import mongodb_url
from servers.mongomock_suite import LeftOut, run_suite, unpack
from servers.stores import BACKENDS
from trainer.stores.match import holds, in_order
from trainer.stores.query import inner_field, parse_filter, parse_order

PAGE = Path(__file__).parents[2] / "docs/explanation/questions.md"
OUTSIDE = re.compile(r"the method \w+|the server itself|what the suite itself skips|values (of the type|that JSON)")
"""Updates and indexes, which a store has not, and values that no JSON holds."""


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    return unpack(tmp_path_factory.mktemp("mongomock"))


SLOW = ("duckdb", "postgresql", "mongodb", "hybrid")
"""Each of the suite's thousands of small steps opens a file or asks a server."""


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("backend", [pytest.param(n, marks=pytest.mark.soak if n in SLOW else ()) for n in BACKENDS])
def test_mongomock_s_suite_passes_but_for_what_a_page_lists(backend, peer, tmp_path):
    with BACKENDS[backend](tmp_path) as bench:
        outcomes = run_suite(*peer, bench.store)
    failed = {name: repr(outcome) for name, outcome in outcomes.items() if not isinstance(outcome, LeftOut | None)}
    refused = [str(outcome) for outcome in outcomes.values() if outcome and not OUTSIDE.match(str(outcome))]
    page = PAGE.read_text(encoding="utf-8")

    assert failed == {}
    assert Counter(outcome is None for outcome in outcomes.values())[True] == 112
    assert [words for words in refused if not any(f"`{word}`" in page for word in re.findall(r"\$+\w+", words))] == []


PLAIN = st.sampled_from([0, 1, 2, 1.5, -1, "a", "b", "", "1"])
SCALARS = st.none() | st.booleans() | PLAIN
NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.sampled_from(["a", "b", "a.b", "a.b.c", "c.a"])


def values(scalars):
    """Lists of scalars and objects, and objects of all of them: of lists within lists the peers differ."""
    return st.recursive(
        scalars,
        lambda inner: st.dictionaries(NAMES, inner | st.lists(scalars, max_size=3), max_size=2),
        max_leaves=5,
    ).flatmap(lambda value: st.just(value) | st.lists(st.just(value) | scalars, max_size=3))


def filters(scalars, *, negates=True):
    some = values(scalars)
    element = st.one_of(
        st.builds(lambda name, value: {name: value}, NAMES, scalars),
        st.builds(lambda low: {"$gte": low, "$lt": 2}, st.sampled_from([0, 1])),
    )
    operations = st.one_of(
        st.builds(lambda name, value: {name: value}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), PLAIN),
        st.builds(lambda name, items: {name: items}, st.sampled_from(["$in", "$nin"]), st.lists(scalars, max_size=3)),
        st.builds(lambda name, value: {name: value}, st.sampled_from(["$eq", "$ne"]), some),
        st.builds(lambda items: {"$all": items}, st.lists(PLAIN, min_size=1, max_size=2)),
        st.booleans().map(lambda flag: {"$exists": flag}),
        st.builds(lambda test: {"$elemMatch": test}, element),
        st.sampled_from(["array", "string", "object", "bool", "int", "double"]).map(lambda name: {"$type": name}),
    )
    negated = operations.map(lambda operation: {"$not": operation})
    leaves = st.builds(lambda path, test: {path: test}, PATHS, operations | negated if negates else operations)
    return leaves | st.builds(
        lambda joiner, parts: {joiner: parts},
        st.sampled_from(["$and", "$or", "$nor"]),
        st.lists(leaves, min_size=1, max_size=2),
    )


def documents(scalars):
    return st.lists(st.dictionaries(NAMES, values(scalars), max_size=3), min_size=1, max_size=8)


QUIETLY = settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fill(collection, drafts):
    collection.drop()
    collection.insert_many([{"_id": number, **draft} for number, draft in enumerate(drafts)])


def matching(drafts, where):
    condition = parse_filter(where, inner_field)
    return [number for number, draft in enumerate(drafts) if holds(condition, {"data": draft})]


# mongomock takes true for 1, and passes over documents without the field under $not: those are left out here.
@QUIETLY
@given(drafts=documents(PLAIN), asked=st.lists(filters(PLAIN, negates=False), min_size=6, max_size=6))
def test_filters_match_what_mongomock_matches(peer, drafts, asked):
    collection = peer[0].MongoClient().db.collection
    fill(collection, drafts)
    for where in asked:
        assert matching(drafts, where) == [document["_id"] for document in collection.find(where)], where


@pytest.fixture(scope="module")
def server():
    pymongo = pytest.importorskip("pymongo")
    url = mongodb_url("")
    if not url:
        pytest.skip("NOT TESTED beside a server of MongoDB's protocol: pip install secantusdb")
    with pymongo.MongoClient(url) as client:
        yield client.trainer_test_peers.documents
        client.drop_database("trainer_test_peers")


@QUIETLY
@given(
    drafts=documents(SCALARS),
    asked=st.lists(filters(SCALARS), min_size=6, max_size=6),
    path=PATHS,
    way=st.sampled_from([1, -1]),
)
def test_filters_and_orders_are_those_of_a_server(server, drafts, asked, path, way):
    fill(server, drafts)
    for where in asked:
        assert matching(drafts, where) == [found["_id"] for found in server.find(where, sort={"_id": 1})], where
    views = [{"data": {"_id": number, **draft}} for number, draft in enumerate(drafts)]
    ordered = in_order(views, parse_order({path: way}, inner_field))

    assert [view["data"]["_id"] for view in ordered] == [
        found["_id"] for found in server.find({}, sort={path: way, "_id": 1})
    ]
