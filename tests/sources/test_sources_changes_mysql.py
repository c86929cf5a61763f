"""Changes of a MariaDB with a binary log, followed into a store: both sides are equal, whoever is killed."""

from __future__ import annotations

import multiprocessing
import random
import time
import uuid

import pytest
import yaml

from servers.mariadb import private_mariadb, pymysql
from trainer.actions.follow import FollowOptions, follow_stream
from trainer.core.errors import SourceError
from trainer.core.project import open_project
from trainer.sources.cells import plain_value
from trainer.stores import create_store


@pytest.fixture(scope="module")
def server():
    with private_mariadb() as login:
        yield login


@pytest.fixture
def database(server):
    name = f"shop_{uuid.uuid4().hex[:12]}"
    with pymysql.connect(**server, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {name} character set utf8mb4")
        cursor.execute(f"use {name}")
        cursor.execute("""create table sale (id int unsigned primary key, amount decimal(14,2), share float,
            exact double, seen datetime(6), at_ timestamp null, day_ date, length_ time, note text,
            kind enum('a','b'), marks set('x','y'), flags bit(5), about json)""")
        cursor.execute("create table item (shelf varchar(20), place int, units bigint, primary key (shelf, place))")
        cursor.execute("create table other (id int primary key)")
        cursor.execute("set time_zone = '+00:00'")
        yield connection, name
        cursor.execute(f"drop database {name}")


@pytest.fixture
def project(tmp_path, server, database):
    url = f"mysql://root@127.0.0.1:{server['port']}/{database[1]}"
    section = {"kind": "mysql", "url": url, "tables": ["sale", "item"]}
    config = {"data_store": {"backend": "sqlite"}, "data_retriever": {"streams": {"shop": section}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def run_sql(database, *statements: str) -> None:
    with database[0].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def read(project, **options):
    return follow_stream(open_project(project, environ={}), "shop", FollowOptions(**options))


def stored(project) -> dict:
    store = create_store("sqlite", database_path=str(project / ".trainer" / "trainer.sqlite"))
    return {document.key: document.data for document in store.scan({"source": "shop"})}


def items_in(database) -> dict:
    with database[0].cursor() as cursor:
        cursor.execute("select shelf, place, units from item")
        items = {
            f"shop:item:{row[0]}:{row[1]}": dict(zip(("shelf", "place", "units"), row, strict=True)) for row in cursor
        }
        cursor.execute("select id, amount, note from sale")
        names = ("id", "amount", "note")
        return items | {f"shop:sale:{row[0]}": dict(zip(names, map(plain_value, row), strict=True)) for row in cursor}


def of_interest(project) -> dict:
    names = ("id", "amount", "note", "shelf", "place", "units")
    return {key: {name: data[name] for name in names if name in data} for key, data in stored(project).items()}


ROW = (
    "insert into sale values ({id}, 12345678901.25, 0.1, 0.1, '2025-01-01 10:00:00.25', '2025-01-01 10:00:00',"
    " '2025-01-01', '10:30:00', 'né', 'b', 'x,y', b'101', '{{\"a\": [1, 2.5]}}')"
)


def test_a_row_is_the_same_whether_a_question_or_the_log_brought_it(project, database):
    run_sql(database, ROW.format(id=1))
    read(project)
    run_sql(database, ROW.format(id=4000000000), "insert into other values (1)")
    assert read(project).records == 1

    first, second = stored(project).values()
    assert {**first, "id": 0} == {**second, "id": 0} == {
        "id": 0, "amount": 12345678901.25, "share": 0.1, "exact": 0.1, "seen": "2025-01-01T10:00:00.250000",
        "at_": "2025-01-01T10:00:00", "day_": "2025-01-01", "length_": 37800.0, "note": "né", "kind": "b",
        "marks": ["x", "y"], "flags": 5, "about": '{"a": [1, 2.5]}',
    }  # fmt: skip


def test_changes_come_in_their_order(project, database):
    run_sql(database, "insert into item values ('a', 1, 1), ('b', 2, 2), ('c', 3, 3)")
    read(project)
    run_sql(database, "update item set units = 5 where shelf = 'a'", "delete from item where shelf = 'b'")
    run_sql(database, "update item set place = 9 where shelf = 'c'")
    seen = read(project)

    assert (seen.records, seen.deletions) == (2, 2)
    assert of_interest(project) == items_in(database) == {
        "shop:item:a:1": {"shelf": "a", "place": 1, "units": 5},
        "shop:item:c:9": {"shelf": "c", "place": 9, "units": 3},
    }  # fmt: skip


def test_emptying_a_table_empties_its_records_alone(project, database):
    run_sql(database, "insert into item values ('a', 1, 1)", "insert into sale (id) values (1), (2)")
    read(project)
    run_sql(database, "truncate table sale", "insert into sale (id) values (3)")
    read(project)

    assert stored(project).keys() == {"shop:item:a:1", "shop:sale:3"}


def test_a_transaction_larger_than_a_batch_is_read_in_parts(project, database):
    read(project)
    rows = ", ".join(f"('s', {number}, {number})" for number in range(950))
    run_sql(database, f"insert into item values {rows}")
    parts = [read(project, limit=300, batch=100).records for _ in range(3)]

    assert [*parts, read(project).records] == [300, 300, 300, 50]
    assert of_interest(project) == items_in(database)


def test_a_log_that_was_purged_is_told(project, database):
    read(project)
    deadline = time.monotonic() + 60
    with database[0].cursor() as cursor:
        cursor.execute("show binary logs")
        (oldest, *_), *_ = cursor.fetchall()
        while True:  # a reader that went away still holds its file until the server notices
            cursor.execute("flush binary logs")
            cursor.execute("show master status")
            cursor.execute("purge binary logs to %s", cursor.fetchone()[:1])
            cursor.execute("show binary logs")
            if oldest not in {row[0] for row in cursor.fetchall()}:
                break
            assert time.monotonic() < deadline

    with pytest.raises(SourceError, match=r"read all rows anew|Could not find"):
        read(project)


def test_a_server_without_a_log_is_told(project, server, database, monkeypatch):
    run_sql(database, "set global binlog_row_metadata = 'MINIMAL'")
    try:
        with pytest.raises(SourceError, match="binlog_row_metadata is MINIMAL, not FULL"):
            read(project)
    finally:
        run_sql(database, "set global binlog_row_metadata = 'FULL'")


CHANGES = (
    "insert ignore into sale (id, amount, note) values ({n}, {n} / 4, repeat('é', {n}))",
    "update sale set amount = amount + 1 where id between {n} and {n} + 3",
    "update ignore sale set id = id + 100 where id = {n}",
    "delete from sale where id = {n}",
    "insert ignore into item values (concat('s', {n} % 3), {n}, {n})",
    "delete from item where place = {n}",
)


def check_kills(project, database, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    context = multiprocessing.get_context("fork")
    for _ in range(kills):
        for _ in range(chance.randint(1, 4)):
            changes = [chance.choice(CHANGES).format(n=chance.randint(1, 60)) for _ in range(chance.randint(1, 40))]
            run_sql(database, "begin", *changes, "commit")
        if chance.random() < 0.1:
            run_sql(database, "truncate sale")
        process = context.Process(target=read, args=(project,), kwargs={"batch": 7})
        process.start()
        time.sleep(chance.uniform(0.0, 0.4))
        process.kill()
        process.join(60)
        read(project, batch=chance.choice([3, 50, 1000]))
        assert of_interest(project) == items_in(database), f"seed {seed}"


def test_both_sides_are_equal_after_each_kill(project, database):
    check_kills(project, database, 4, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_both_sides_are_equal_after_50_kills(project, database):
    check_kills(project, database, 50, seed=2)
