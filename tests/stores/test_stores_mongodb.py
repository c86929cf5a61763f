"""What MongoDB is asked, and what is left to Python."""

from __future__ import annotations

import pytest

from trainer.stores.mongodb_filter import can_be_tree, native
from trainer.stores.query import parse_filter


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
