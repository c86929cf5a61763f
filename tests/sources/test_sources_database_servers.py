"""The source `database` and tables that are read on, at real servers: PostgreSQL, MariaDB, DuckDB and SQLite."""

from __future__ import annotations

import itertools
import os
import uuid
from contextlib import closing

import duckdb
import pytest
import sqlalchemy

from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source
from trainer.sources.streams import create_stream

SERVERS = {
    "postgresql": os.environ.get("TRAINER_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test"),
    "mariadb": os.environ.get("TRAINER_TEST_MYSQL", "mysql://root@127.0.0.1:3306/test"),
}
DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}


@pytest.fixture
def table() -> str:
    return f"trainer_test_{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["postgresql", "mariadb", "sqlite", "duckdb"])
def shop(request, tmp_path, table):
    """Where to read, and a function that writes there."""
    if request.param in SERVERS:
        url = f"{DRIVERS[request.param]}://{SERVERS[request.param].partition('://')[2]}"
        engine = sqlalchemy.create_engine(url)
        try:
            engine.connect().close()
        except sqlalchemy.exc.SQLAlchemyError:
            pytest.skip(f"NOT TESTED on {request.param}: start one and set TRAINER_TEST_POSTGRES or TRAINER_TEST_MYSQL")
    else:
        url = f"{request.param}:///shop.db"
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'shop.db'}") if request.param == "sqlite" else None

    def write(*statements: str) -> None:
        if engine is None:
            with duckdb.connect(str(tmp_path / "shop.db")) as connection:
                for statement in statements:
                    connection.execute(statement)
            return
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement))

    kind = "timestamp(6)" if request.param == "mariadb" else "timestamp"
    write(
        f"create table {table} (id integer primary key, amount numeric(20,3), changed {kind})",
        f"insert into {table} values (1, 0.100, '2025-01-01 10:00:00')",
        f"insert into {table} values (2, 12345678901234567.125, '2025-01-02 10:00:00')",
    )
    yield url, write
    if engine is not None:
        write(f"drop table {table}")
        engine.dispose()


def source_of(url, tmp_path, **options):
    return create_source("database", SourceContext(root=tmp_path), connections={"shop": {"url": url}}, **options)


def test_values_are_parameters_and_no_digit_changes(shop, table, tmp_path):
    source = source_of(shop[0], tmp_path)
    sql = f"select id, amount from {table} where id >= :least order by id"

    rows = source.retrieve({"connection": "shop", "sql": sql, "least": 2}, store=False).data["records"]

    assert rows[0]["id"] == 2
    if not shop[0].startswith("sqlite"):  # which has no exact decimals
        assert rows == [{"id": 2, "amount": "12345678901234567.125"}]


@pytest.mark.parametrize(
    "statement",
    [
        "select {table}_f()",
        "select set_config('transaction_read_only', 'off', false), nextval('{table}_seq')",
        "select setval('{table}_seq', 7)",
    ],
)
def test_the_transaction_itself_refuses_what_writes(table, tmp_path, statement):
    """All of them pass for reading by their looks."""
    url = f"postgresql+psycopg://{SERVERS['postgresql'].partition('://')[2]}"
    engine = sqlalchemy.create_engine(url)
    try:
        connection = engine.connect()
    except sqlalchemy.exc.SQLAlchemyError:
        pytest.skip("NOT TESTED on PostgreSQL: start one and set TRAINER_TEST_POSTGRES")
    with connection, connection.begin():
        connection.execute(sqlalchemy.text(f"create table {table} as select 1 as id"))
        connection.execute(sqlalchemy.text(f"create sequence {table}_seq"))
        body = f"$$ delete from {table} returning id $$"
        connection.execute(sqlalchemy.text(f"create function {table}_f() returns int language sql as {body}"))
    try:
        with pytest.raises(SourceError, match=r"read-only|read-write mode must be"):
            source_of(url, tmp_path).retrieve({"connection": "shop", "sql": statement.format(table=table)}, store=False)
        with engine.connect() as again:
            assert again.execute(sqlalchemy.text(f"select count(*) from {table}")).scalar() == 1
    finally:
        with engine.begin() as last:
            last.execute(sqlalchemy.text(f"drop function {table}_f"))
            last.execute(sqlalchemy.text(f"drop table {table}"))
            last.execute(sqlalchemy.text(f"drop sequence {table}_seq"))


def test_mariadb_refuses_a_function_that_writes(table, tmp_path):
    url = f"mysql+pymysql://{SERVERS['mariadb'].partition('://')[2]}"
    engine = sqlalchemy.create_engine(url)
    try:
        engine.connect().close()
    except sqlalchemy.exc.SQLAlchemyError:
        pytest.skip("NOT TESTED on MariaDB: start one and set TRAINER_TEST_MYSQL")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"create table {table} (id int)"))
        body = f"begin insert into {table} values (1); return 1; end"
        connection.execute(sqlalchemy.text(f"create function {table}_f() returns int deterministic {body}"))
    try:
        with pytest.raises(SourceError, match="READ ONLY"):
            source_of(url, tmp_path).retrieve({"connection": "shop", "sql": f"select {table}_f()"}, store=False)
    finally:
        with engine.begin() as last:
            last.execute(sqlalchemy.text(f"drop function {table}_f"))
            last.execute(sqlalchemy.text(f"drop table {table}"))


def test_a_question_of_duckdb_reaches_no_other_file(tmp_path):
    duckdb.connect(str(tmp_path / "shop.db")).close()
    (tmp_path / "secret.csv").write_text("a\n1\n")
    source = source_of("duckdb:///shop.db", tmp_path)

    for sql in (f"select * from read_csv('{tmp_path}/secret.csv')", f"select * from '{tmp_path}/secret.csv'"):
        with pytest.raises(SourceError, match="disabled"):
            source.retrieve({"connection": "shop", "sql": sql}, store=False)
    with pytest.raises(SourceError, match="read-only"):
        source.retrieve({"connection": "shop", "sql": "explain analyze create table y (z int)"}, store=False)


def read_on(url, table, tmp_path, position=None, limit=2, **options):
    named = {"table": table} if table else {}
    section = {"kind": "table", "url": url, "cursor": "changed", "key": "id", "every": 0, **named, **options}
    with closing(create_stream("shop", section, SourceContext(root=tmp_path))) as stream:
        stream.open(position)
        batches = []
        while not (batch := stream.poll(limit, 0.1)).caught_up:
            batches.append(batch)
        batches.append(batch)
    events = [event for batch in batches for event in batch.events]
    positions = [batch.position for batch in batches if batch.position]
    return [event.id for event in events], positions[-1] if positions else position


def test_a_table_is_read_on_behind_its_last_row_page_by_page(shop, table, tmp_path):
    url, write = shop
    rows = ", ".join(f"({number}, 1, '2025-01-03 10:00:00.25')" for number in range(9, 2, -1))
    write(f"insert into {table} values {rows}", f"insert into {table} values (10, 1, null)")

    first, position = read_on(url, table, tmp_path)
    write(f"insert into {table} values (11, 2, '2025-01-03 10:00:00.25'), (12, 2, '2025-01-03 10:00:00.26')")
    write(f"update {table} set amount = 5, changed = '2025-02-01 00:00:00' where id = 1")
    second, position = read_on(url, table, tmp_path, position)

    assert first == ["1", "2", *map(str, range(3, 10))]
    assert second == ["11", "12", "1"]
    assert read_on(url, table, tmp_path, position) == ([], position)


def test_an_overlap_finds_rows_that_were_committed_late(shop, table, tmp_path):
    url, write = shop
    if url.startswith("sqlite"):
        pytest.skip("SQLite has no times, only texts")
    _, position = read_on(url, table, tmp_path)
    write(f"insert into {table} values (3, 1, '2025-01-02 09:59:00')")

    assert read_on(url, table, tmp_path, position)[0] == []
    assert read_on(url, table, tmp_path, position, overlap="2m")[0] == ["3", "2"]


def test_a_number_as_cursor_and_a_question_in_place_of_a_table(shop, table, tmp_path):
    url, write = shop
    sql = f"select id as number, amount from {table} where id <> 2;"
    options = {"sql": sql, "cursor": "number", "key": "", "columns": ["amount"]}

    first, position = read_on(url, None, tmp_path, **options)
    write(f"insert into {table} values (7, 1, null)")

    assert (first, position) == (["1"], [1])
    assert read_on(url, None, tmp_path, position, **options)[0] == ["7"]
    assert read_on(url, None, tmp_path, position, **options, overlap=10)[0] == ["1", "7"]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"cursor": "id"}, "needs a table, or sql"),
        ({"table": "a", "cursor": "id", "kye": "id"}, 'unknown setting of the table stream shop "kye"'),
        ({"table": "a"}, "missing required field `cursor`"),
        ({"table": "a", "cursor": "id", "map": "["}, "not a JMESPath"),
    ],
)
def test_settings_that_make_no_sense_are_told(section, message):
    with pytest.raises(UsageError, match=message):
        create_stream("shop", {"kind": "table", "url": "sqlite:///a.db", **section})


@pytest.mark.parametrize(("name", "section"), [("dead", {"kind": "memory"}), ("a:b", {"kind": "memory"}), ("a", {})])
def test_a_name_or_kind_that_cannot_be_is_told(name, section):
    with pytest.raises(UsageError):
        create_stream(name, section)


def test_rows_come_one_after_the_other_however_many(tmp_path):
    duckdb.connect(str(tmp_path / "shop.db")).close()
    source = source_of("duckdb:///shop.db", tmp_path, max_rows=10)
    rows = source.rows({"connection": "shop", "sql": "select range as n from range(100000)"})

    assert [row["n"] for row in itertools.islice(rows, 3)] == [0, 1, 2]
    rows.close()
    with pytest.raises(SourceError, match="more than 10 rows"):
        source.retrieve({"connection": "shop", "sql": "select range as n from range(100000)"}, store=False)
