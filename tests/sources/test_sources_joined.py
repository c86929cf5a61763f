"""SQL over a prompt's data: what it can reach, what it cannot, and that it says the same each time."""

from __future__ import annotations

import time

import pytest

from trainer.core.errors import SourceError, UsageError
from trainer.core.values import DataBlock, Field
from trainer.sources.joined import join
from trainer.sources.tables import tables_of, type_of


def block(name: str, data, **fields: Field) -> DataBlock:
    return DataBlock(
        name, f"file:{name}", 1, "file", None, data, "d", fields={k.replace("__", "."): v for k, v in fields.items()}
    )


PRICES = block(
    "prices",
    {"currency": "USD", "records": [{"day": "2024-01-02", "close": 3.0}, {"day": "2024-01-01", "close": 1.5}]},
    records__close=Field("Closing price", "USD"),
)
FILINGS = block("filings", {"eps": 0.5, "quarters": [{"end": "2024-03-31", "net_usd": 7, "parts": {"us": 4}}]})
TABLES = [*tables_of(PRICES), *tables_of(FILINGS)]


def asked(sql: str, **values):
    return join(sql, TABLES, values=values).data["records"]


def test_records_are_rows_and_the_whole_is_one_row():
    assert asked("select count(*) as n, max(close) as most from prices") == [{"n": 2, "most": 3.0}]
    assert asked("select currency, eps from prices.document, filings.document") == [{"currency": "USD", "eps": 0.5}]


def test_parts_are_tables_and_nested_objects_are_reached_by_dots():
    assert asked('select q."end", q.parts.us from filings.quarters q') == [{"end": "2024-03-31", "us": 4}]
    assert asked("select parts.us from filings") == [{"us": 4}]  # its only list of records


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ([{"a": 1}, {"b": 2}], [{"a": 1, "b": None}, {"a": None, "b": 2}]),
        ({"a": [1, 2], "b": ["x", "y"]}, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        ([["a", "b"], [1, "x"]], [{"a": 1, "b": "x"}]),
        ([[1, "x"], [2, "y"]], [{"column1": 1, "column2": "x"}, {"column1": 2, "column2": "y"}]),
        ({"2023": {"v": 1}, "2024": {"v": 2}}, [{"key": "2023", "v": 1}, {"key": "2024", "v": 2}]),
        ({"a": {"key": 1}, "b": {"key": 2}}, [{"key": "a", "key_": 1}, {"key": "b", "key_": 2}]),
        ({"a": 1, "c": {"d": 2}}, [{"a": 1, "c": {"d": 2}}]),
        ([{"Open": 1, "open": 2}], [{"Open": 1, "open_2": 2}]),
        ([{"id": "007", "n": 2**70}], [{"id": "007", "n": 2**70}]),
        ([{"v": 1}, {"v": "x"}, {"v": [1]}], [{"v": '"x"'}, {"v": "1"}, {"v": "[1]"}]),
        ({}, [{"empty": None}][:0]),
        ([{'we"ird': 1, "": 2}], [{'we"ird': 1, "column": 2}]),
    ],
)
def test_shapes_become_rows(data, rows):
    assert join("select * from t", tables_of(block("t", data))).data["records"] == rows


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None], "BIGINT"),
        ([1, 2.5], "DOUBLE"),
        ([True, False], "BOOLEAN"),
        (["2024-01-31", "2024-02-29"], "DATE"),
        (["2024-01-31", "2023-02-29"], "VARCHAR"),
        (["2024-01-31T10:00:00Z"], "TIMESTAMP"),
        (["2024", "2023"], "VARCHAR"),
        ([None], "VARCHAR"),
        ([True, 1], "JSON"),
        ([[1], [2.5]], ["DOUBLE"]),
        ([{"a": 1}, {"b": "x"}], {"a": "BIGINT", "b": "VARCHAR"}),
        ([{"a": 1, "A": 2}], "JSON"),
    ],
)
def test_a_column_has_the_type_of_all_its_values(values, kind):
    assert type_of(values) == kind


def test_rows_are_sorted_by_all_columns_where_nobody_says_how():
    assert [row["day"] for row in asked("select day, close from prices -- newest last")] == ["2024-01-01", "2024-01-02"]
    assert [row["day"] for row in asked("from prices order by day desc")] == ["2024-01-02", "2024-01-01"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select random() as r from prices", "random() is not the same each time"),
        ("select now() as t", "now() is not the same each time"),
        ("select current_date as t", "current_date() is not the same each time"),
        ("select age(day) as t from prices", "age() is not the same each time"),
        ("select * from prices limit 1", "which rows `limit` or `distinct on` keeps is left open"),
        ("select * from (select * from prices limit 1)", "which rows `limit` or `distinct on` keeps is left open"),
        ("select distinct on (close) * from prices", "which rows `limit` or `distinct on` keeps is left open"),
        ("select * from prices using sample 1", "a sample is not the same each time"),
        ("select day, day from prices", "several columns are called day"),
        ("select '2024-01-01'::timestamptz as t", "the column t is a time with a zone"),
    ],
)
def test_what_may_be_another_answer_tomorrow_is_refused(sql, message):
    with pytest.raises(UsageError) as error:
        asked(sql)

    assert error.value.message == message


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from 'http://127.0.0.1:9/x.csv'",
        "select * from glob('/*')",
        "copy prices to '/tmp/never.csv'",
        "attach '/tmp/never.db'",
        "install httpfs",
        "load httpfs",
        "set threads = 4",
        "pragma database_list",
        "drop table prices",
        "insert into prices values (1)",
        "create table x as select 1",
        "select 1; select 2",
        "call pragma_version()",
        "select * from duckdb_settings()",
        "select * from information_schema.tables",
        "select * from sqlite_master",
        "select current_setting('home_directory') as x",
        "select getenv('HOME') as x",
        "select * from TABLES",  # a variable of this program
        "select * from query('select 1')",
        "with x as (select * from read_blob('/etc/passwd')) select * from x",
        "select (select content from read_text('/etc/passwd')) as x",
        "",
    ],
)
def test_nothing_but_the_tables_can_be_read_and_nothing_written(sql):
    with pytest.raises(UsageError):
        asked(sql)


def test_a_query_that_takes_too_long_is_ended():
    began = time.monotonic()

    with pytest.raises(SourceError, match=r"took longer than 0\.5 s"):
        join("select count(*) as n from range(100000000000) a(i), range(1000) b(j)", TABLES, seconds=0.5)

    assert time.monotonic() - began < 30


def test_a_query_that_needs_too_much_memory_or_gives_too_much_is_ended():
    with pytest.raises(SourceError, match="more than 512 MB"):
        asked("select list(i) as l from range(1000000000) t(i)")
    with pytest.raises(SourceError, match="more than 10,000 rows"):
        asked("select i from range(20000) t(i)")


def test_an_error_names_the_tables_with_their_columns_and_the_nearest_name():
    with pytest.raises(UsageError) as column:
        asked("select clos from prices")
    with pytest.raises(UsageError) as table:
        asked("select * from price")

    assert column.value.message.startswith('Referenced column "clos" not found')
    assert column.value.hint == "prices: day, close\n  filings: end, net_usd, parts"
    assert (table.value.message, table.value.hint) == ('"price" is no table of this query', 'did you mean "prices"?')


def test_a_value_is_bound_and_cannot_go_on_as_sql():
    assert asked("select $X as x", X="'; drop table prices; --") == [{"x": "'; drop table prices; --"}]
    assert asked("select count(*) as n from prices where close = any($X)", X=[1.5, 9]) == [{"n": 1}]


@pytest.mark.parametrize(
    ("sql", "unit"),
    [
        ("select close as x from prices", "USD"),
        ("select sum(p.close) as x from prices p", "USD"),
        ("select round(avg(close), 2) as x from prices", "USD"),
        ("select close - lag(close) over (order by day) as x from prices", "USD"),
        ("select close / lag(close) over (order by day) - 1 as x from prices", "ratio"),
        ("select count(*) as x from prices", "count"),
        ("select net_usd as x from filings", "USD"),
        ("select close + net_usd as x from prices, filings", "USD"),
        ("with c as (select day, max(close) as most from prices group by day) select most as x from c", "USD"),
        ("select s.most as x from (select max(close) as most from prices) s", "USD"),
        ("select close as x from prices union all select net_usd as x from filings", "USD"),
        ("select close::bigint as x from prices", "USD"),
        ("select close * 2 as x from prices", None),
        ("select close * net_usd as x from prices, filings", None),
        ("select close + eps as x from prices, filings.document", None),
        ("select eps as x from filings.document", None),
    ],
)
def test_units_are_carried_through_where_they_can_be_told_and_never_guessed(sql, unit):
    field = join(sql, TABLES).fields.get("records.x")

    assert (field.unit if field else None) == unit


def test_a_column_that_is_taken_over_keeps_its_title_and_a_sum_of_it_does_not():
    assert join("select close from prices", TABLES).fields["records.close"].title == "Closing price"
    assert join("select sum(close) as total from prices", TABLES).fields["records.total"].title == ""


def test_only_the_tables_that_are_named_are_made():
    data = {"facts": {f"f{n}": [{"v": n}] for n in range(500)}}

    tables = tables_of(block("big", data))

    assert len(tables) == 502
    assert join("select v from big.facts_f7", tables).data["records"] == [{"v": 7}]
    assert not any("columns" in vars(table) for table in tables if table.name != "big.facts_f7")
