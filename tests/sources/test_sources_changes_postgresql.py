"""Changes of a PostgreSQL with logical replication, followed into a store: both sides are equal, whoever is killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import time

import pytest
import yaml

from servers.postgres import private_cluster, psycopg
from trainer.actions.follow import FollowOptions, follow_stream
from trainer.core.errors import SourceError
from trainer.core.project import open_project
from trainer.sources.cells import plain_value
from trainer.stores import create_store


@pytest.fixture(scope="module")
def cluster():
    with private_cluster() as url:
        yield url


@pytest.fixture
def database(cluster, request):
    """A database of its own with two published tables and one that is not."""
    name = f"shop_{abs(hash(request.node.name)) % 10**9}_{os.getpid()}"
    with psycopg.connect(cluster, autocommit=True) as admin:
        admin.execute(f"create database {name}")
    with psycopg.connect(f"{cluster.rpartition('/')[0]}/{name}", autocommit=True) as connection:
        connection.execute("""
            create table sale (id int primary key, amount numeric(12,2), seen timestamptz, note text, tags jsonb);
            create schema stock;
            create table stock.item (shelf text, place int, units bigint, half int generated always as (place) stored,
                                     primary key (shelf, place));
            create table other (id int primary key);
            create publication shop for table sale, stock.item;""")
        yield connection
    with psycopg.connect(cluster, autocommit=True) as admin:
        admin.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = %s", (name,)
        )
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def project(tmp_path, cluster, database):
    return write_project(tmp_path, cluster, database)


def write_project(folder, cluster, database, **settings):
    url = f"{cluster.rpartition('/')[0]}/{database.info.dbname}"
    section = {"kind": "postgresql", "url": url, "publication": "shop", "slot": database.info.dbname, **settings}
    config = {"data_store": {"backend": "sqlite"}, "data_retriever": {"streams": {"shop": section}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def read(project, **options):
    return follow_stream(open_project(project, environ={}), "shop", FollowOptions(**options))


def stored(project) -> dict:
    store = create_store("sqlite", database_path=str(project / ".trainer" / "trainer.sqlite"))
    return {document.key: document.data for document in store.scan({"source": "shop"})}


def in_database(database) -> dict:
    rows = {}
    for table, sql, keys in (
        ("sale", "select * from sale", ["id"]),
        ("stock.item", "select shelf, place, units from stock.item", ["shelf", "place"]),
    ):
        cursor = database.execute(sql)
        names = [column.name for column in cursor.description]
        for row in cursor:
            record = dict(zip(names, map(plain_value, row), strict=True))
            rows[f"shop:{table}:{':'.join(str(record[key]) for key in keys)}"] = record
    return rows


def test_rows_there_are_then_changes_in_their_order(project, database):
    database.execute("insert into sale values (1, 1.50, '2025-01-01 10:00:00.25+02', 'a', '{\"x\": [1, 2.10]}')")
    database.execute("insert into stock.item values ('a:b', 1, 5000000000)")
    assert (read(project).records, stored(project).keys()) == (2, {"shop:sale:1", "shop:stock.item:a%3Ab:1"})

    database.execute("insert into sale values (2, 'NaN', null, repeat('é', 3), null); delete from sale where id = 1")
    database.execute("insert into other values (1); update stock.item set place = 2")
    seen = read(project)

    assert (seen.records, seen.deletions, seen.caught_up) == (2, 2, True)
    assert stored(project) == {
        "shop:sale:2": {"id": 2, "amount": None, "seen": None, "note": "ééé", "tags": None},
        "shop:stock.item:a%3Ab:2": {"shelf": "a:b", "place": 2, "units": 5000000000},
    }
    assert read(project).events == 0


def test_a_long_value_that_did_not_change_is_kept(project, database):
    long = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=20_000))
    database.execute("insert into sale values (1, 1, null, %s, null)", (long,))
    read(project)
    database.execute("update sale set amount = 2; update sale set id = 5")
    read(project)

    assert stored(project) == {"shop:sale:5": {"id": 5, "amount": 2.0, "seen": None, "note": long, "tags": None}}


def test_emptying_a_table_empties_its_records_alone(project, database):
    database.execute(
        "insert into sale select g from generate_series(1, 30) g; insert into stock.item values ('a', 1, 1)"
    )
    read(project)
    database.execute("begin; insert into sale values (99); truncate sale; insert into sale values (100); commit")
    read(project)

    assert stored(project).keys() == {"shop:sale:100", "shop:stock.item:a:1"}


def test_a_transaction_larger_than_a_batch_is_read_in_parts(project, database):
    read(project)
    database.execute("insert into sale select g, g from generate_series(1, 950) g")
    parts = [read(project, limit=300, batch=100).records for _ in range(3)]

    assert [*parts, read(project).records] == [300, 300, 300, 50]
    assert stored(project) == in_database(database)


def test_the_server_need_keep_nothing_that_is_stored(project, database):
    read(project)
    database.execute("insert into sale values (1)")
    read(project)

    question = (
        "select count(*) from pg_logical_slot_peek_binary_changes(%s, null, null, 'proto_version', '1', %s, 'shop')"
    )
    assert database.execute(question, (database.info.dbname, "publication_names")).fetchone() == (0,)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("drop publication shop", "no publication shop"),
        ("alter table sale drop constraint sale_pkey", "sale has nothing that tells one row from another"),
        ("select pg_drop_replication_slot(current_database())", "is gone, and with it the changes"),
        (
            "insert into sale values (2); select pg_replication_slot_advance(current_database(), pg_current_wal_lsn())",
            "ahead of what is stored",
        ),
    ],
)
def test_what_would_lose_changes_is_refused(project, database, statement, message):
    read(project)
    for part in statement.split("; "):
        database.execute(part)
    database.execute("insert into sale values (1)")

    with pytest.raises(SourceError, match=message):
        read(project)


CHANGES = (
    "insert into sale values (%(n)s, %(n)s / 4.0, now(), md5(%(n)s::text)) on conflict do nothing",
    "insert into sale values (%(n)s, 1, now(), repeat(md5(random()::text), 300)) on conflict do nothing",
    "update sale set amount = amount + 1 where id between %(n)s and %(n)s + 3",
    "update sale s set id = id + 100 where id = %(n)s and not exists (select from sale where id = s.id + 100)",
    "delete from sale where id = %(n)s",
    "insert into stock.item values ('s' || %(n)s %% 3, %(n)s, %(n)s) on conflict do nothing",
    "delete from stock.item where place = %(n)s",
)


def change_at_random(database, chance: random.Random) -> None:
    """Some transactions of all kinds."""
    for _ in range(chance.randint(1, 4)):
        with database.transaction():
            for _ in range(chance.randint(1, 40)):
                number = chance.randint(1, 60)
                database.execute(chance.choice(CHANGES), {"n": number})
            if chance.random() < 0.03:
                database.execute("truncate sale")


def check_kills(project, database, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    context = multiprocessing.get_context("fork")
    finished = 0
    for _ in range(kills):
        change_at_random(database, chance)
        process = context.Process(target=read, args=(project,), kwargs={"batch": 7})
        process.start()
        time.sleep(chance.uniform(0.0, 0.4))
        finished += process.exitcode is not None
        process.kill()
        process.join(60)
        read(project, batch=chance.choice([3, 50, 1000]))
        assert stored(project) == in_database(database), f"seed {seed}"
    assert finished < kills


def test_both_sides_are_equal_after_each_kill(project, database):
    check_kills(project, database, 5, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_both_sides_are_equal_after_50_kills(project, database):
    check_kills(project, database, 50, seed=2)
