"""What MongoDB is asked, and what is left to Python."""

from __future__ import annotations

import pytest

from servers.stores import BACKENDS
from trainer.core.errors import UsageError
from trainer.stores.mongodb_filter import can_be_tree, native
from trainer.stores.mongodb_pipeline import group_stages, order_stages
from trainer.stores.pipeline import parse_pipeline
from trainer.stores.query import parse_filter, parse_order


def test_a_path_is_asked_of_documents_without_a_list_on_it_and_the_others_are_fetched():
    found = native(parse_filter({"quote.price": {"$gt": 5}}))
    tame = {
        "$and": [
            {"tame": True},
            {"data_tree": {"$not": {"$type": "array"}}},
            {"data_tree.quote": {"$not": {"$type": "array"}}},
            {"data_tree.quote.price": {"$not": {"$type": "array"}}},
        ]
    }

    assert found.exactly() == {"$and": [tame, {"data_tree.quote.price": {"$gt": 5}}]}
    assert found.superset() == {"$or": [found.exactly(), {"$nor": [tame]}]}


def test_columns_are_asked_of_all_documents():
    found = native(parse_filter({"source": "file", "$not": {"version": {"$in": [1, 2]}}}))
    either = {"$or": [{"version": {"$eq": 1}}, {"version": {"$eq": 2}}]}

    assert found.superset() == found.exactly() == {"$and": [{"source": {"$eq": "file"}}, {"$nor": [either]}]}
    assert found.wild() is None


@pytest.mark.parametrize(
    "where",
    [{"a": 2**53}, {"a": [1]}, {"a": {"b": 1}}, {"a": {"$regex": "a.*b"}}, {"a\\.b": 1}, {"a..b": 1}, {"a.$b": 1}],
)
def test_what_mongodb_would_understand_otherwise_is_left_to_python(where):
    assert native(parse_filter(where)) is None
    assert native(parse_filter({"$or": [{"source": "file"}, where]})) is None


def test_a_plain_pattern_is_asked_as_literal_text():
    assert native(parse_filter({"key": {"$regex": "^a:b c"}})).matching == {"key": {"$regex": "^a:b\\ c"}}


def test_documents_that_mongodb_cannot_nest_or_name_are_left_to_python():
    deep = {}
    for _ in range(60):
        deep = {"a": deep}

    assert can_be_tree({"a": [{"b": None}]})
    for value in (deep, {"$a": 1}, {"a.b": 1}, [{"": 1}]):
        assert not can_be_tree(value)


def told(name, number):
    is_text, is_number = {"$eq": [{"$type": name}, "string"]}, {"$isNumber": name}
    cases = [{"$eq": [name, False]}, {"$eq": [name, True]}, is_number, is_text]
    cases.append({"$in": [{"$type": name}, ["object", "array"]]})
    branches = [{"case": case, "then": rank} for rank, case in enumerate(cases, 1)]
    return {
        f"r{number}": {"$switch": {"branches": branches, "default": 0}},
        f"n{number}": {"$cond": [is_number, {"$add": [{"$toDouble": name}, 0]}, None]},
        f"t{number}": {"$cond": [is_text, name, None]},
    }


def test_groups_are_made_by_mongodb_of_ranks_numbers_and_texts():
    group = {"_id": "$source", "n": {"$count": {}}, "most": {"$max": "$quote.price"}}

    assert group_stages(parse_pipeline([{"$group": group}])[0]) == [
        {"$project": {"_id": 0, "key": 1, "k0": {"$ifNull": ["$source", None]}, **told("$data_tree.quote.price", 0)}},
        {
            "$group": {
                "_id": {"k0": "$k0"},
                "f0": {"$sum": 1},
                "f1": {"$max": "$r0"},
                "f2": {"$max": "$n0"},
                "f3": {"$max": "$t0"},
            }
        },
    ]


def test_sorting_by_a_field_of_the_data_is_mongodb_s():
    told_a = told("$data_tree.a", 0)

    assert order_stages(parse_order({"a": -1})) == [
        {"$set": told_a},
        {"$sort": {"r0": -1, "n0": -1, "t0": -1, "key": 1}},
        {"$unset": ["r0", "n0", "t0"]},
    ]


def test_metadata_that_mongodb_cannot_keep_is_refused_by_name(tmp_path):
    with BACKENDS["mongodb"](tmp_path) as bench:
        with pytest.raises(UsageError) as refused:
            bench.store.store("a", 1, {"m": "x" * 8_000_000})

        assert str(refused.value).startswith("a: metadata takes 8,000,008 bytes, more than the 8,000,000")
        assert bench.store.count() == 0
