from __future__ import annotations

import sqlite3
from decimal import Decimal

import pytest

from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source

QUERIES = {
    "sales": {
        "sql": "select date, amount from sale where city = :city and note <> '\\:none' order by date",
        "fields": {"records.amount": {"title": "Sales", "unit": "EUR"}},
        "subject": "The shop",
    }
}


@pytest.fixture
def shop(tmp_path, clock):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute("create table sale (date text, city text, amount real, note text, code text, blob_ blob)")
    rows = [("2025-02-28", "Arden", 2.5), ("2025-01-31", "Arden", 1.1), ("2027-01-31", "Brook", None)]
    connection.executemany("insert into sale values (?, ?, ?, '', '007', x'00')", rows)
    connection.commit()
    connection.close()
    connections = {"shop": {"url": "sqlite:///shop.db"}}
    return lambda **options: create_source(
        "database", SourceContext(clock, root=tmp_path), connections=connections, queries=QUERIES, **options
    )


def ask(source, sql: str, **values):
    return source.retrieve({"connection": "shop", "sql": sql, **values})


def test_a_question_by_name_gives_records_with_units_and_a_day(shop):
    result = shop().retrieve({"connection": "shop", "query": "sales", "city": "Arden"})

    assert result.data == {"records": [{"date": "2025-01-31", "amount": 1.1}, {"date": "2025-02-28", "amount": 2.5}]}
    assert result.metadata["as_of"] == "2025-02-28"
    assert result.metadata["subject"] == "The shop"
    assert result.metadata["fields"] == {"records.amount": {"title": "Sales", "unit": "EUR"}}
    assert shop().key({"connection": "shop", "query": "sales", "city": "Arden"}) == "database:shop:sales:city=Arden"


def test_a_value_is_never_part_of_the_question(shop):
    evil = "Arden' or 1=1 --"

    assert ask(shop(), "select * from sale where city = :city", city=evil).data == {"records": []}


def test_quoted_text_comments_and_a_last_semicolon_are_no_second_statement(shop):
    assert ask(shop(), "/* ; */ select ';' as mark -- ;\n;").data == {"records": [{"mark": ";"}]}


def test_codes_stay_text_and_nothing_is_null(shop):
    rows = ask(shop(), "select code, amount from sale where amount is null").data["records"]

    assert rows == [{"code": "007", "amount": None}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"connection": "shop"}, "name one question, by query or by sql"),
        ({"connection": "shop", "query": "sales", "sql": "select 1"}, "name one question, by query or by sql"),
        ({"connection": "shop", "query": "sales"}, 'the question has no value for ":city"'),
        ({"connection": "shop", "query": "sales", "city": "A", "cty": "B"}, 'unknown value of the question "cty"'),
        ({"connection": "shop", "query": "slaes"}, 'cannot be "slaes"; it is one of sales'),
        ({"connection": "shop", "sql": "delete from sale"}, "a question is one statement that reads"),
        ({"connection": "shop", "sql": "-- select\ndrop table sale"}, "a question is one statement that reads"),
        ({"connection": "shop", "sql": "select 1; commit; drop table sale"}, "a question is one statement that reads"),
        ({"connection": "shp", "sql": "select 1"}, 'cannot be "shp"; it is one of shop'),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_before_anything_is_asked(shop, query, message):
    with pytest.raises(UsageError, match=message):
        shop().retrieve(query)


def test_nothing_can_be_written(shop):
    with pytest.raises(SourceError, match="attempt to write a readonly database"):
        ask(shop(), "with x as (select 1) delete from sale")
    assert ask(shop(), "select count(*) as n from sale").data == {"records": [{"n": 3}]}


def test_more_rows_than_are_wanted_are_told(shop):
    with pytest.raises(SourceError, match="shop has more than 2 rows for the question"):
        ask(shop(max_rows=2), "select * from sale")


def test_what_is_no_data_is_told(shop):
    with pytest.raises(SourceError, match="a column holds bytes, which is no data"):
        ask(shop(), "select blob_ from sale")


def test_a_fault_of_the_database_is_one_clear_error(shop):
    with pytest.raises(SourceError, match="shop: no such table: missing\n  check the question"):
        ask(shop(), "select * from missing")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"connections": {"a": {"ulr": "x"}}}, 'unknown setting in connections.a "ulr"'),
        ({"connections": {"a": {}}}, "connections.a: Object missing required field `url`"),
        ({"queries": {"q": {"sql": "drop table x"}}}, "queries.q.sql is not one statement that reads"),
    ],
)
def test_settings_are_checked_when_it_is_made(clock, settings, message):
    with pytest.raises(UsageError, match=message):
        create_source("database", SourceContext(clock), **settings)


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        ("nonsense", UsageError, "connections.a.url is not a database's address"),
        ("oracel://x/y", UsageError, "connections.a: no such database"),
        ("sqlite:///missing.db", SourceError, "a: there is no file missing.db"),
    ],
)
def test_an_address_that_leads_nowhere_is_told(clock, tmp_path, url, kind, message):
    source = create_source("database", SourceContext(clock, root=tmp_path), connections={"a": {"url": url}})

    with pytest.raises(kind, match=message):
        source.retrieve({"connection": "a", "sql": "select 1"})
    assert not source.health().ok
    assert not (tmp_path / "missing.db").exists()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (Decimal(10), 10),
        (Decimal("10.50"), 10.5),
        (Decimal("0.1000000000000000055"), "0.1000000000000000055"),
        (Decimal("NaN"), None),
        (float("inf"), None),
        ([1, Decimal("2.5")], [1, 2.5]),
        ({"a": None}, {"a": None}),
    ],
)
def test_no_digit_of_a_cell_changes(cell, value):
    from trainer.sources.cells import plain_value

    assert plain_value(cell) == value
