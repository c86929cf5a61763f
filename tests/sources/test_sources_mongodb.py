from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from servers.mongodb import mongodb_url
from trainer.core.errors import SourceError, UsageError
from trainer.sources import create_source

pymongo = pytest.importorskip("pymongo", reason='NOT TESTED on MongoDB: pip install "trainer-core[mongo]"')

GROUPED = [
    {"$match": {"city": ":city"}},
    {"$group": {"_id": "$month", "sales": {"$sum": "$amount"}}},
    {"$sort": {"_id": 1}},
]


@pytest.fixture
def shop():
    """Makes the source over a database of its own, of three sales."""
    url = mongodb_url()
    if not url:
        pytest.skip("NOT TESTED on MongoDB: pip install secantusdb, or start one and set MONGODB_URI")
    database = f"trainer_test_{uuid.uuid4().hex}"
    with pymongo.MongoClient(url) as admin:
        rows = [("2025-01", "Arden", 1.5), ("2025-01", "Arden", 2), ("2025-02", "Arden", 4), ("2025-02", "Brook", 8)]
        admin[database].sale.insert_many(
            {"_id": number, "month": month, "city": city, "amount": amount, "at": datetime(2025, 1, 1, 10, tzinfo=UTC)}
            for number, (month, city, amount) in enumerate(rows)
        )
        connections = {"shop": {"url": url, "database": database}}
        yield lambda queries, **options: create_source("mongodb", connections=connections, queries=queries, **options)
        admin.drop_database(database)


def ask(source, **values):
    return source.retrieve({"connection": "shop", "query": "sales", **values}, store=False).data["records"]


def test_an_aggregation_gives_records(shop):
    source = shop({"sales": {"collection": "sale", "pipeline": GROUPED}})

    assert ask(source, city="Arden") == [{"_id": "2025-01", "sales": 3.5}, {"_id": "2025-02", "sales": 4}]
    assert ask(source, city="Nowhere") == []


def test_a_find_is_sorted_cut_and_projected(shop):
    find = {"find": {"city": ":city"}, "sort": {"amount": -1}, "limit": 2, "project": {"_id": 0, "amount": 1, "at": 1}}
    records = ask(shop({"sales": {"collection": "sale", **find}}), city="Arden")

    assert records == [
        {"amount": 4, "at": "2025-01-01T10:00:00Z"},
        {"amount": 2, "at": "2025-01-01T10:00:00Z"},
    ]


def test_documents_come_one_after_the_other_however_many(shop):
    source = shop({"sales": {"collection": "sale", "find": {}}}, max_rows=2)

    assert sum(1 for _ in source.rows({"connection": "shop", "query": "sales"})) == 4
    with pytest.raises(SourceError, match="more than 2 documents"):
        ask(source)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"pipeline": [{"$match": {}}, {"$out": "x"}]}, "queries.sales holds [$]out: a question only reads"),
        ({"pipeline": [{"$facet": {"a": [{"$merge": {"into": "x"}}]}}]}, "holds [$]merge"),
        ({"find": {"$where": "sleep(1000)"}}, "holds [$]where"),
        ({}, "needs a find or a pipeline"),
        ({"find": {}, "colection": "a"}, 'unknown setting in queries.sales "colection"'),
    ],
)
def test_a_question_that_writes_or_makes_no_sense_is_refused(question, message):
    with pytest.raises(UsageError, match=message):
        create_source("mongodb", queries={"sales": {"collection": "sale", **question}})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, 'no value for ":city"'),
        ({"city": "Arden", "cty": "B"}, 'unknown value of the question "cty"'),
        ({"city": {"$ne": None}}, "is an operator, not a value"),
        ({"city": "$month"}, "is an operator, not a value"),
    ],
)
def test_a_value_is_a_value(shop, values, message):
    with pytest.raises(UsageError, match=message):
        ask(shop({"sales": {"collection": "sale", "pipeline": GROUPED}}), **values)
