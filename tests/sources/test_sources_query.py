from __future__ import annotations

import pytest

from trainer.core.errors import UsageError
from trainer.sources import QueryField, SourceContext, check_query, create_source, storage_key

FIELDS = (
    QueryField("item", required=True, example="tea"),
    QueryField("kind", default="price", choices=("price", "stock")),
    QueryField("count", type="integer"),
    QueryField("share", type="number"),
    QueryField("fresh", type="boolean"),
    QueryField("day", type="date"),
    QueryField("sizes", type="list", choices=("s", "m")),
)


def check(query: dict) -> dict:
    return check_query(query, FIELDS, source="shop")


def test_values_from_the_command_line_get_the_types_of_their_fields():
    checked = check(
        {"item": " tea ", "count": "-3", "share": "0.5", "fresh": "yes", "day": "2025-02-14", "sizes": "s,m"}
    )

    assert checked == {
        "item": "tea",
        "kind": "price",
        "count": -3,
        "share": 0.5,
        "fresh": True,
        "day": "2025-02-14",
        "sizes": ["s", "m"],
    }


def test_all_problems_of_a_query_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        check(
            {
                "itme": "tea",
                "kind": "prcie",
                "count": "many",
                "share": [],
                "fresh": "maybe",
                "day": "14.2.2025",
                "sizes": "s,xl",
            }
        )

    assert [problem.message for problem in caught.value.problems] == [
        'unknown query field of source shop "itme"',
        'the query field "item" of source shop is missing',
        'the query field "kind" of source shop cannot be "prcie"; it is one of price, stock',
        'the query field "count" of source shop must be a whole number, not "many"',
        'the query field "share" of source shop must be a number, not "[]"',
        'the query field "fresh" of source shop must be true or false, not "maybe"',
        'the query field "day" of source shop must be a date like 2025-02-14, not "14.2.2025"',
        'the query field "sizes" of source shop cannot be "xl"; it is one of s, m',
    ]
    assert caught.value.problems[0].hint == 'did you mean "item"?'
    assert caught.value.problems[1].hint == "for example item=tea; the query has itme"


def test_a_mapping_is_not_a_word():
    with pytest.raises(UsageError, match="must be one word, not a list or mapping"):
        check({"item": {"a": 1}})


def test_a_field_of_another_kind_is_told():
    fields = (QueryField("kind", default="price"), QueryField("size", kind="stock", default="m"))

    assert check_query({}, fields, source="shop") == {"kind": "price"}
    assert check_query({"kind": "stock"}, fields, source="shop") == {"kind": "stock", "size": "m"}
    with pytest.raises(UsageError, match='the query field "size" is for kind stock, not price'):
        check_query({"size": "s"}, fields, source="shop")


def test_what_a_query_says_by_default_is_not_in_its_key():
    fields = (QueryField("kind", default="price"), QueryField("size", default="m"))

    assert storage_key("shop", {"kind": "price", "size": "m"}, fields) == "shop:price"
    assert storage_key("shop", {"kind": "price", "size": "s"}, fields) == "shop:price:size=s"


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({"ticker": "ABBV", "kind": "quote"}, "yahoo_finance:ABBV:quote"),
        ({"kind": "quote", "ticker": "ABBV"}, "yahoo_finance:ABBV:quote"),
        ({"ticker": "ABBV", "modules": ["b", "a"]}, "yahoo_finance:ABBV:modules=a,b"),
        ({"z": 1, "a": True, "b": None}, "yahoo_finance:a=true:z=1"),
        ({"path": "a b:c=%.json"}, "yahoo_finance:a%20b%3Ac%3D%25.json"),
        ({}, "yahoo_finance"),
    ],
)
def test_a_storage_key_is_made_of_the_query_alone(query, key):
    assert storage_key("yahoo_finance", query) == key


def test_a_long_storage_key_is_cut_and_stays_its_own():
    one = storage_key("api", {"q": "x" * 500 + "1"})
    two = storage_key("api", {"q": "x" * 500 + "2"})

    assert len(one) == len(two) == 240
    assert one != two


def test_an_unknown_source_names_the_nearest(clock):
    with pytest.raises(UsageError, match='did you mean "yahoo_finance"') as caught:
        create_source("yahoo_finanse", SourceContext(clock=clock))

    assert caught.value.exit_code == 2


def test_an_unknown_option_names_the_nearest(clock):
    with pytest.raises(UsageError) as caught:
        create_source("yahoo_finance", SourceContext(clock), tiemout=3)

    assert str(caught.value) == 'unknown option of source yahoo_finance "tiemout"\n  did you mean "timeout"?'


def test_an_option_of_another_kind_is_told(clock):
    with pytest.raises(UsageError) as caught:
        create_source(
            "yahoo_finance",
            SourceContext(clock=clock),
            timeout="fast",
            retries=1.5,
            base_url=3,
            per_second=True,
            backoff=1,
        )

    assert [problem.message for problem in caught.value.problems] == [
        'the option timeout of source yahoo_finance must be a number from 0, not "fast"',
        'the option retries of source yahoo_finance must be a whole number from 0, not "1.5"',
        'the option base_url of source yahoo_finance must be text, not "3"',
        'the option per_second of source yahoo_finance must be a number from 0, not "True"',
    ]
