"""What every backend of the stores room must do; one set of tests, run on all that can be reached."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from servers.stores import BACKENDS, Bench
from trainer.core.errors import StoreError, UsageError
from trainer.core.values import StoredData
from trainer.stores import DataStore, DocumentWrite, Retention, VersionConflict

NOON = datetime(2025, 2, 14, 12, tzinfo=UTC)


@pytest.fixture(params=BACKENDS)
def bench(request, tmp_path):
    with BACKENDS[request.param](tmp_path) as bench:
        yield bench


@pytest.fixture
def store(bench: Bench) -> DataStore:
    return bench.store


def test_a_stored_document_comes_back_as_it_was(store, bench):
    data = {"z": 1, "a": [1.0, 10**30, -0.5, True, None, 'é\U0001f600\u2028\n\t"\\'], "": {}}

    assert store.store("a:b", data, {"as_of": "2025-02-14"}, source="file", ttl=60) == "a:b"
    assert store.retrieve("a:b") == StoredData(
        key="a:b",
        data=data,
        source="file",
        stored_at=NOON,
        updated_at=NOON,
        metadata={"as_of": "2025-02-14"},
        version=1,
        ttl=60,
    )
    assert json.dumps(store.retrieve("a:b").data) == json.dumps(data)


@pytest.mark.parametrize("data", [None, False, 0, "", [], {}, "text", 1.5, [[[]]], {"a": {"b": {"c": "\0"}}}])
def test_any_json_can_be_a_document(store, data):
    store.store("k", data)

    assert store.retrieve("k").data == data
    assert store.exists("k")


@pytest.mark.parametrize(
    "key", ["é", "a b", "'; DROP TABLE documents; --", "%_*?[]", "\U0001f600", "\u202e", "A" * 1000]
)
def test_any_text_can_be_a_key(store, key):
    store.store(key, 1)
    store.store(f"x{key.swapcase()[:900]}", 2)

    assert store.retrieve(key).data == 1
    assert [found.key for found in store.history(key)] == [key]


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "a key must be a text"), ("a\0b", "NUL"), ("\ud800", "surrogate"), ("A" * 1001, "1000 bytes"), (7, "text")],
)
def test_what_cannot_be_a_key_is_refused(store, key, said):
    with pytest.raises(UsageError, match=said):
        store.store(key, 1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"a": [1, math.nan]}, "the number nan at a.1"),
        ({"a": math.inf}, "the number inf at a"),
        ({"a": "\ud800"}, "surrogate"),
        ({1: 2}, "the key 1, which is no text"),
        ({"a": {1, 2}}, "type set at a"),
        (b"bytes", "type bytes"),
        (Decimal("0.12345678901234567890"), "decimal"),
        ("x" * 64_000_001, "64,000,003 bytes"),
    ],
)
def test_what_cannot_be_kept_whole_is_refused(store, data, said):
    with pytest.raises(UsageError, match=said):
        store.store("k", data)

    assert store.count() == 0


def test_a_depth_bomb_is_refused(store):
    bomb: list = []
    for _ in range(100_000):
        bomb = [bomb]

    with pytest.raises(UsageError, match="more than 100 levels"):
        store.store("k", bomb)


def test_dates_become_text_and_decimals_numbers(store):
    store.store("k", {"day": date(2025, 2, 14), "price": Decimal("12.34"), "pair": (1, 2)})

    assert store.retrieve("k").data == {"day": "2025-02-14", "price": 12.34, "pair": [1, 2]}


def test_the_source_may_stand_in_the_metadata(store):
    store.store("k", 1, {"source": "yahoo_finance"})

    assert [document.source for document in store.query({"source": "yahoo_finance"})] == ["yahoo_finance"]
    assert store.stats().sources == {"yahoo_finance": 1}


def test_keys_and_passwords_are_masked_before_they_are_stored(store):
    token = "ghp_" + "a1B2" * 9
    store.store("k", {"notes": ["a", f"use {token}"], "n": 1}, {"url": f"https://user:{token}@host/"})
    store.update("k", {"password": "hunter2-and-more"})

    assert token not in str(store.history("k"))
    assert "hunter2" not in str(store.history("k"))
    assert store.retrieve("k", version=1).data["n"] == 1


def test_storing_again_adds_a_version(store, bench):
    store.store("k", 1, {"m": 1})
    bench.pass_time(60)
    store.store("k", 2)

    assert [(found.version, found.data, found.metadata) for found in store.history("k")] == [
        (1, 1, {"m": 1}),
        (2, 2, {}),
    ]
    assert store.retrieve("k").stored_at == NOON
    assert store.retrieve("k").updated_at == NOON + timedelta(seconds=60)


def test_the_age_of_a_document_is_told_by_a_clock_with_or_without_a_zone(store):
    store.store("k", 1)
    updated = store.retrieve("k").updated_at

    assert datetime(2025, 2, 14, 13, tzinfo=UTC) - updated == timedelta(hours=1)
    assert datetime(2025, 2, 14, 13, tzinfo=UTC).astimezone().replace(tzinfo=None) - updated == timedelta(hours=1)


def test_the_head_tells_of_the_current_version_without_its_data(store, bench):
    store.store("k", {"a": 1}, ttl=60)
    bench.pass_time(30)
    store.store("k", {"a": 1}, ttl=60, skip_unchanged=True)
    head = store.head("k")

    assert (head.version, head.digest, head.ttl) == (1, store.retrieve("k").digest, 60)
    assert (head.updated_at, head.confirmed_at) == (NOON, NOON + timedelta(seconds=30))
    assert store.head("none") is None
    store.delete("k")
    assert store.head("k") is None


def test_an_older_version_can_be_had_by_number_and_by_time(store, bench):
    store.store("k", 1)
    bench.pass_time(60)
    store.store("k", 2)

    assert store.retrieve("k", version=1).data == 1
    assert store.retrieve("k", version=3) is None
    assert store.retrieve("k", as_of=NOON + timedelta(seconds=59)).data == 1
    assert store.retrieve("k", as_of=NOON + timedelta(seconds=60)).data == 2
    assert store.retrieve("k", as_of=NOON - timedelta(seconds=1)) is None


def test_equal_data_can_be_recorded_as_a_check_only(store, bench):
    store.store("k", {"a": 1, "b": 2}, ttl=100)
    bench.pass_time(60)
    store.store("k", {"b": 2, "a": 1}, ttl=100, skip_unchanged=True)

    assert [found.version for found in store.history("k")] == [1]
    assert store.retrieve("k").updated_at == NOON
    assert store.get_freshness("k") == NOON + timedelta(seconds=60)
    assert store.retrieve("k").is_fresh(NOON + timedelta(seconds=159))
    store.store("k", {"a": 1, "b": 3}, skip_unchanged=True)
    assert store.retrieve("k").version == 2


def test_several_documents_are_retrieved_at_once_without_those_that_are_gone(store):
    store.store_many([DocumentWrite("a", 1), DocumentWrite("b", {"x": "é"}), DocumentWrite("c", 3)])
    store.store("a", 2)
    store.delete("c")

    assert store.retrieve_many(["b", "a", "c", "none"]) == {"a": store.retrieve("a"), "b": store.retrieve("b")}
    assert store.retrieve_many([]) == {}


def test_an_expired_document_is_retrieved_and_not_fresh(store, bench):
    store.store("k", 1, ttl=60)
    store.store("for ever", 1)

    assert store.retrieve("k").is_fresh(bench.now() + timedelta(seconds=59))
    bench.pass_time(60)
    assert not store.retrieve("k").is_fresh(bench.now())
    assert store.retrieve("for ever").is_fresh(bench.now() + timedelta(days=10_000))
    assert store.count() == 2
    assert store.get_freshness("k") == NOON
    assert store.get_freshness("none") is None


@pytest.mark.parametrize("ttl", [0, -1, 1.5, True, "1d"])
def test_a_time_to_live_is_a_whole_number_of_seconds(store, ttl):
    with pytest.raises(UsageError, match="time to live"):
        store.store("k", 1, ttl=ttl)


def test_the_expected_version_must_be_the_current_one(store):
    store.store("k", 1, if_version=0)
    with pytest.raises(VersionConflict, match="k is at version 1, not 0"):
        store.store("k", 2, if_version=0)
    with pytest.raises(VersionConflict, match="k is at version 1, not 2"):
        store.update("k", 2, if_version=2)
    store.update("k", 2, if_version=1)

    assert [found.data for found in store.history("k")] == [1, 2]


def test_an_update_keeps_what_it_does_not_name(store):
    store.store("k", 1, {"m": 1}, source="file", ttl=60)

    assert store.update("k", 2)
    found = store.retrieve("k")
    assert (found.data, found.metadata, found.source, found.ttl, found.version) == (2, {"m": 1}, "file", 60, 2)
    assert store.update("k", 3, {"m": 2})
    assert store.retrieve("k").metadata == {"m": 2}
    assert not store.update("absent", 1)
    assert not store.exists("absent")


def test_a_deleted_document_is_gone_and_its_history_stays(store, bench):
    store.store("k", 1)
    bench.pass_time(60)

    assert store.delete("k")
    assert not store.delete("k")
    assert store.retrieve("k") is None
    assert store.retrieve("k", version=2) is None
    assert store.retrieve("k", version=1).data == 1
    assert store.retrieve("k", as_of=NOON).data == 1
    assert store.retrieve("k", as_of=bench.now()) is None
    assert [(found.version, found.deleted) for found in store.history("k")] == [(1, False), (2, True)]
    assert (store.exists("k"), store.count(), store.query({}), list(store.scan())) == (False, 0, [], [])
    assert store.get_freshness("k") is None
    assert not store.update("k", 2)


def test_counting_goes_on_after_a_deletion(store):
    store.store("k", 1)
    store.delete("k")
    store.store("k", 2, if_version=0)

    assert (store.retrieve("k").version, store.retrieve("k").data) == (3, 2)


def test_erasing_leaves_nothing(store):
    store.store("k", 1)
    store.store("k", 2)
    store.store("other", 3)

    assert store.delete("k", erase=True)
    assert store.history("k") == []
    assert not store.delete("k", erase=True)
    store.store("k", 4)
    assert store.retrieve("k").version == 1
    assert [found.key for found in store.query({})] == ["k", "other"]


def test_many_are_stored_or_none(store):
    store.store("b", 0)
    drafts = [
        DocumentWrite("a", 1),
        DocumentWrite("b", 2),
        DocumentWrite("a", 3),
        DocumentWrite("c", 4, {"m": 1}, "file", 60),
    ]

    assert store.store_many(drafts) == ["a", "b", "a", "c"]
    assert [(found.key, found.version, found.data) for found in store.query({})] == [
        ("a", 2, 3),
        ("b", 2, 2),
        ("c", 1, 4),
    ]
    with pytest.raises(VersionConflict):
        store.store_many([DocumentWrite("d", 1), DocumentWrite("a", 5, if_version=1)])
    assert not store.exists("d")
    assert store.store_many([]) == []


def test_scanning_gives_every_current_document_by_key(store):
    store.store_many([DocumentWrite(f"k{number:04}", {"number": number}) for number in range(1200)])
    store.store("k0007", {"number": -7})

    found = list(store.scan({"number": {"$lt": 10}}))
    assert [document.data["number"] for document in found] == [0, 1, 2, 3, 4, 5, 6, -7, 8, 9]
    assert sum(1 for _ in store.scan()) == 1200


def test_a_scan_may_write_to_its_own_store(store):
    store.store_many([DocumentWrite(f"k{number}", number) for number in range(5)])
    for document in store.scan():
        store.update(document.key, document.data + 10)

    assert [document.data for document in store.scan()] == [10, 11, 12, 13, 14]


def test_queries_sort_limit_and_skip(store):
    store.store_many(
        [DocumentWrite(key, {"n": n}) for key, n in [("a", 2), ("b", None), ("c", 10), ("d", "x"), ("e", 2.0)]]
    )

    assert [found.key for found in store.query({}, sort={"n": 1})] == ["b", "a", "e", "c", "d"]
    assert [found.key for found in store.query({}, sort={"n": -1})] == ["d", "c", "a", "e", "b"]
    assert [found.key for found in store.query({"n": 2}, sort={"key": -1})] == ["e", "a"]
    assert [found.key for found in store.query({}, 2, {"n": 1}, offset=1)] == ["a", "e"]
    assert store.query({}, limit=0) == []


def test_columns_metadata_and_data_can_be_asked_for(store, bench):
    store.store("old", {"source": "within"}, {"as_of": "2024"}, source="file")
    bench.pass_time(3600)
    store.store("new", {"a.b": [{"c": 5}]}, {"as_of": "2025"}, source="api", ttl=5)

    def keys(filters):
        return [found.key for found in store.query(filters)]

    assert keys({"source": "file"}) == ["old"]
    assert keys({"data.source": "within"}) == ["old"]
    assert keys({"metadata.as_of": {"$gte": "2025"}}) == ["new"]
    assert keys({"a\\.b.0.c": 5}) == ["new"]
    assert keys({"updated_at": {"$gt": "2025-02-14T12:00:00Z"}}) == ["new"]
    assert keys({"updated_at": NOON}) == ["old"]
    assert keys({"key": {"$regex": "^o"}, "version": 1, "ttl": None}) == ["old"]
    assert keys({"checked_at": {"$exists": False}}) == []


def test_paths_look_into_lists_as_mongodb_s_do(store):
    annual = [{"year": 2023, "revenue": 1e7, "tags": ["a"]}, {"year": 2024, "revenue": 4e7, "tags": []}]
    store.store("lists", {"annual": annual, "scores": [82, 85, 88], "empty": []})
    store.store("plain", {"annual": {"year": 2024, "revenue": 2e7}, "scores": 85})

    def keys(filters):
        assert store.count(filters) == len(store.query(filters))
        return [found.key for found in store.query(filters)]

    assert keys({"annual.revenue": {"$gt": 3e7}}) == ["lists"]
    assert keys({"annual.year": 2024}) == ["lists", "plain"]
    assert keys({"annual.0.year": 2024}) == []
    assert keys({"annual.1.year": 2024}) == ["lists"]
    assert keys({"annual.year": {"$ne": 2023}}) == ["plain"]
    assert keys({"scores": 85}) == ["lists", "plain"]
    assert keys({"scores": [82, 85, 88]}) == ["lists"]
    assert keys({"scores": {"$all": [82, 88]}}) == ["lists"]
    assert keys({"scores": {"$elemMatch": {"$gt": 83, "$lt": 86}}}) == ["lists"]
    assert keys({"annual": {"$elemMatch": {"year": 2023, "revenue": {"$gt": 3e7}}}}) == []
    assert keys({"annual": {"$elemMatch": {"year": 2024, "revenue": {"$gt": 3e7}}}}) == ["lists"]
    assert keys({"scores": {"$size": 3}}) == ["lists"]
    assert keys({"empty": {"$size": 0}}) == ["lists"]
    assert keys({"scores": {"$type": "array"}}) == ["lists"]
    assert keys({"scores": {"$mod": [5, 0]}}) == ["lists", "plain"]
    assert keys({"annual.tags": {"$regex": "A", "$options": "i"}}) == ["lists"]
    assert keys({"$nor": [{"scores": 82}, {"scores": 1}]}) == ["plain"]
    assert store.distinct("annual.year") == [2023, 2024]
    assert store.distinct("scores") == [82, 85, 88]


def test_lists_objects_and_booleans_are_sorted_as_mongodb_documents(store):
    values = [True, "b", 2, [], {"a": 1}, None, [3, 1], False, {"a": 0, "b": 1}, [[1]]]
    store.store_many(DocumentWrite(f"k{index}", {"n": value}) for index, value in enumerate(values))
    store.store("l", {})

    def order(way):
        return [found.data.get("n", "missing") for found in store.query({}, sort={"n": way})]

    assert order(1) == [[], None, "missing", [3, 1], 2, "b", {"a": 0, "b": 1}, {"a": 1}, [[1]], False, True]
    assert order(-1) == [True, False, [[1]], {"a": 1}, {"a": 0, "b": 1}, "b", [3, 1], 2, None, "missing", []]


def test_a_plain_name_also_means_what_a_source_was_asked(store):
    store.store("yahoo_finance:ABBV:quote", {"price": 1}, {"query": {"ticker": "ABBV"}}, source="yahoo_finance")
    store.store("own", {"ticker": "ABBV"}, source="file")

    assert [found.key for found in store.query({"source": "yahoo_finance", "ticker": "ABBV"})] == [
        "yahoo_finance:ABBV:quote"
    ]
    assert store.count({"ticker": "ABBV"}) == 2
    assert store.count({"ticker": {"$in": ["ABBV", "X"]}}) == 2
    assert store.count({"ticker": {"$ne": "ABBV"}}) == 0
    assert store.count({"ticker": None}) == 0


def test_projections_keep_the_shape_of_objects(store):
    data = {"quote": {"price": 1.5, "at": {"day": "d", "hour": 2}}, "rows": [{"a": 1, "b": 2}, {"a": 3}, 4]}
    store.store("k", data, {"as_of": "2025"})

    def project(names):
        return store.aggregate([{"$project": names}])

    assert project({"quote": {"price": 1, "at": {"day": 1}}}) == [{"quote": {"price": 1.5, "at": {"day": "d"}}}]
    assert project({"quote.at.hour": 1, "rows.a": 1}) == [{"quote": {"at": {"hour": 2}}, "rows": [{"a": 1}, {"a": 3}]}]
    assert project({"x": {"p": "$quote.price", "all": "$rows.a"}}) == [{"x": {"p": 1.5, "all": [1, 3]}}]
    assert project({"metadata.as_of": 1, "none": 1, "key": True}) == [{"metadata": {"as_of": "2025"}, "key": "k"}]
    assert store.aggregate([{"$match": {"rows.a": 3}}, {"$count": "n"}]) == [{"n": 1}]


def test_counting_and_distinct_values(store):
    store.store_many(
        [DocumentWrite(f"k{i}", {"n": value}) for i, value in enumerate([1, 1.0, True, "1", None, [1], [1.0], 0.5])]
    )
    store.store("k8", {})

    assert store.count() == 9
    assert store.count({"n": 1}) == 4
    assert store.count({"n": None}) == 2
    assert store.distinct("n") == [None, 0.5, 1, "1", True]
    assert store.distinct("n", {"n": {"$gt": 0}}) == [0.5, 1]


def test_aggregation(store):
    rows = [("a", "x", 1), ("b", "y", 2.5), ("c", "x", 3), ("d", None, "no number")]
    store.store_many([DocumentWrite(key, {"sector": sector, "cap": cap}) for key, sector, cap in rows])

    found = store.aggregate(
        [
            {"$group": {"_id": "$sector", "sum": {"$sum": "$cap"}, "mean": {"$avg": "$cap"}, "n": {"$count": {}}}},
            {"$sort": {"n": -1}},
        ]
    )

    assert found == [
        {"_id": "x", "sum": 4, "mean": 2.0, "n": 2},
        {"_id": None, "sum": 0, "mean": None, "n": 1},
        {"_id": "y", "sum": 2.5, "mean": 2.5, "n": 1},
    ]


def test_pruning_removes_what_the_retention_says(store, bench):
    store.store("expired", 1, ttl=60)
    store.store("deleted", 1)
    store.delete("deleted")
    for number in range(4):
        store.store("many", number)
    bench.pass_time(3600)
    store.store("many", 4)

    assert store.prune(Retention()) == 0
    assert store.prune(Retention(keep_versions=3)) == 2
    assert [found.version for found in store.history("many")] == [3, 4, 5]
    assert store.prune(Retention(older_than=timedelta(hours=1))) == 3
    assert store.prune(Retention(expired_for=timedelta(hours=1))) == 0
    assert store.prune(Retention(expired_for=timedelta(minutes=59))) == 1
    assert store.prune(Retention(deleted_for=timedelta(minutes=59))) == 1
    assert [found.key for found in store.export_documents()] == ["many"]
    assert store.retrieve("many").data == 4


def test_statistics(store, bench):
    store.store("a", 1, source="file", ttl=60)
    store.store("a", 2, source="file", ttl=60)
    store.store("b", 2, source="api")
    store.delete("b")
    bench.pass_time(60)
    store.store("c", 2, source="api")

    stats = store.stats()
    assert replace(stats, bytes=None, backend="") == replace(
        stats, backend="", documents=2, versions=5, expired=1, deleted=1, bytes=None, sources={"api": 1, "file": 1},
        oldest=NOON, newest=NOON + timedelta(seconds=60),
    )  # fmt: skip


def test_export_and_import_keep_everything(store, bench):
    store.store("a", {"n": 10**30, "f": 1.0}, {"m": "é"}, source="file", ttl=60)
    bench.pass_time(0.000001)
    store.store("a", {"n": 10**30, "f": 1.0}, skip_unchanged=True)
    store.store("a", 2)
    store.store("b", 1)
    store.delete("b")
    exported = list(store.export_documents())
    for key in ("a", "b"):
        store.delete(key, erase=True)

    assert store.import_documents(exported) == 4
    assert store.import_documents(exported) == 0
    assert list(store.export_documents()) == exported
    assert (store.retrieve("a").version, store.exists("b")) == (2, False)
    store.store("b", 3)
    assert store.retrieve("b").version == 3


def test_importing_an_older_version_leaves_the_current_one(store):
    store.store("k", 1)
    store.store("k", 2)
    first = store.retrieve("k", version=1)
    store.delete("k", erase=True)
    store.import_documents([replace(first, version=7, data=7)])
    store.import_documents([first])

    assert store.retrieve("k").data == 7
    assert [found.version for found in store.history("k")] == [1, 7]


def test_importing_other_data_for_a_version_is_refused(store):
    store.store("k", 1)

    with pytest.raises(StoreError, match="k has a version 1 already, with other data"):
        store.import_documents([replace(store.retrieve("k"), data=2)])
    assert store.retrieve("k").data == 1


def test_a_large_document_comes_back_whole(store, bench):
    data = {"text": "é" * bench.large, "tail": 1}
    store.store("large", data)
    store.store("small", 1)

    assert store.retrieve("large").data == data
    assert store.count({"tail": 1}) == 1


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"a": {"$gtt": 1}}, 'did you mean "\\$gt"'),
        ({"$xor": []}, "unknown operator"),
        ({"a": {"$regex": "("}}, "no regular expression"),
        ({"a": {"$in": "x"}}, "must have a list"),
        ({"a": {"$exists": "yes"}}, "true or false"),
        ({"a": {"$size": -1}}, "whole number from 0 on"),
        ({"a": {"$type": "number 1"}}, "unknown type"),
        ({"a": {"$mod": [0, 1]}}, "a divisor and a remainder"),
        ({"a": {"$elemMatch": 1}}, "must have a filter"),
        ({"a": {"$options": "i"}}, "needs a \\$regex"),
        ({"$where": "1"}, "is left out"),
        ({"a": math.nan}, "the number nan"),
        ({"updated_at": "soon"}, "compared with a date"),
        ({"$or": []}, "at least one filter"),
    ],
)
def test_a_filter_with_a_mistake_is_refused(store, filters, said):
    for ask in (store.query, store.count, store.scan, lambda given: store.distinct("a", given)):
        with pytest.raises(UsageError, match=said):
            ask(filters)


def test_migrating_twice_changes_nothing(store):
    store.store("k", 1)

    assert store.migrate() == store.migrate()
    assert store.retrieve("k").data == 1


def test_a_closed_store_opens_again(store):
    store.store("k", 1)
    store.close()

    assert store.retrieve("k").data == 1
