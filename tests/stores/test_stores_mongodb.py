"""What MongoDB is asked, and what is left to Python."""

from __future__ import annotations

import pytest

from servers.stores import BACKENDS
from trainer.core.errors import UsageError
from trainer.stores.mongodb_query import can_be_tree, group_stage, narrowed, native, order_of
from trainer.stores.pipeline import parse_pipeline
from trainer.stores.query import parse_filter, parse_order


def test_a_path_is_asked_of_plain_documents_and_the_others_are_fetched():
    price = {"data_tree.quote.price": {"$gt": 5}}

    assert narrowed(parse_filter({"quote.price": {"$gt": 5}})) == {
        "$or": [{"$and": [{"tame": True}, price]}, {"tame": False}]
    }


def test_columns_are_asked_of_all_documents():
    where = parse_filter({"source": "file", "$not": {"version": {"$in": [1, 2]}}})

    assert narrowed(where) == {"$and": [{"source": {"$eq": "file"}}, {"$nor": [{"version": {"$in": [1, 2]}}]}]}


def test_elements_of_lists_are_asked_by_mongodb_itself():
    where = parse_filter({"a": {"$elemMatch": {"b": {"$gt": 1}}}, "c": {"$elemMatch": {"$gt": 1, "$lt": 9}}})

    assert native(where).matching == {
        "$and": [
            {"data_tree.a": {"$elemMatch": {"b": {"$gt": 1}}}},
            {"data_tree.c": {"$elemMatch": {"$gt": 1, "$lt": 9}}},
        ]
    }


@pytest.mark.parametrize("where", [{"x.a": 2**63}, {"x.a": {"$regex": "a.*b"}}, {"x.a\\.b": 1}, {"a..b": 1}])
def test_what_mongodb_would_understand_otherwise_is_left_to_python(where):
    assert not native(parse_filter(where)).exact
    assert not native(parse_filter({"$or": [{"source": "file"}, where]})).exact
    assert native(parse_filter({"$not": where})).matching == {}


def test_a_plain_pattern_is_asked_as_literal_text():
    assert native(parse_filter({"key": {"$regex": "^a:b c"}})).matching == {"key": {"$regex": "^a:b\\ c"}}


def test_documents_that_mongodb_cannot_nest_or_name_are_left_to_python():
    deep = {}
    for _ in range(60):
        deep = {"a": deep}

    assert can_be_tree({"a": [{"b": None}]})
    for value in (deep, {"$a": 1}, {"a.b": 1}, [{"": 1}]):
        assert not can_be_tree(value)


def test_groups_and_orders_are_mongodb_s():
    group = {"_id": "$source", "n": {"$count": {}}, "most": {"$max": "$quote.price"}}

    assert group_stage(parse_pipeline([{"$group": group}])[0]) == {
        "$group": {
            "_id": "$source",
            "f0": {"$sum": 1},
            "f1": {"$max": "$data_tree.quote.price"},
        }
    }
    assert order_of(parse_order({"a": -1})) == {"data_tree.a": -1, "key": 1}


@pytest.mark.parametrize("group", [{"_id": "$a.0"}, {"_id": None, "n": {"$first": "$a"}}, {"_id": {"a": {"b": "$c"}}}])
def test_groups_that_mongodb_makes_otherwise_are_left_to_python(group):
    assert group_stage(parse_pipeline([{"$group": group}])[0]) is None


def test_metadata_that_mongodb_cannot_keep_is_refused_by_name(tmp_path):
    with BACKENDS["mongodb"](tmp_path) as bench:
        with pytest.raises(UsageError) as refused:
            bench.store.store("a", 1, {"m": "x" * 8_000_000})

        assert str(refused.value).startswith("a: metadata takes 8,000,008 bytes, more than the 8,000,000")
        assert bench.store.count() == 0
