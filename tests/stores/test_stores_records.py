"""Documents and records on PostgreSQL by one word in config.yaml, with a real server."""

from __future__ import annotations

import json
import threading
from functools import partial

import psycopg
import pytest

from servers.stores import BACKENDS
from trainer.cli.main import run
from trainer.core.errors import StoreError
from trainer.mart import MIGRATIONS, Tracker, drain, executions, show
from trainer.stores import RECORD_STORES


@pytest.fixture
def url(tmp_path):
    with BACKENDS["postgresql"](tmp_path / "postgresql") as bench:
        yield bench.options["connection_string"]


@pytest.fixture
def database(url):
    return partial(RECORD_STORES.load("postgresql")(url).open, "mart", MIGRATIONS)


def track(spool, count):
    tracker = Tracker(spool)
    for index in range(count):
        execution = tracker.start("trainer", "report", {"report": str(index)})
        tracker.step(execution, "render", seconds=0.5, inputs={"a": [1, "é"]})
        tracker.complete(execution, {"seconds": 1.5, "cost": 0.25, "tokens_in": 10, "tokens_out": 20})
    tracker.close()


def test_records_are_drained_into_postgresql_and_looked_back_at(tmp_path, database):
    track(tmp_path / "spool", 3)
    drained = drain(tmp_path / "spool", database)

    assert (drained.rows, drained.error) == (9, "")
    found = executions(database, operation="report")
    assert [(each.context, each.cost, each.status) for each in found] == [
        ({"report": name}, 0.25, "success") for name in "210"
    ]
    tree = show(database, "last")
    assert (tree.execution.context, tree.steps[0].inputs, tree.tokens) == ({"report": "2"}, {"a": [1, "é"]}, 30)


def test_two_machines_that_drain_at_once_lose_and_double_nothing(tmp_path, database):
    for name in ("one", "two"):
        track(tmp_path / name, 20)
    both = [threading.Thread(target=drain, args=(tmp_path / name, database)) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    with database() as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT execution_id) FROM executions").fetchall() == [
            (40, 40)
        ]


def test_a_failed_piece_of_work_leaves_the_server_as_it_was(database):
    def fail():
        with database() as connection:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO ingested VALUES ('s', 1, 0, now()::TIMESTAMP)")
            connection.execute("SELECT CAST('none' AS INTEGER)")

    with pytest.raises(StoreError, match=r"PostgreSQL at .* refused: .*Could not convert"):
        fail()
    with database() as connection:
        assert connection.execute("SELECT count(*) FROM ingested").fetchall() == [(0,)]


def test_an_unreachable_server_is_one_message_without_the_password():
    server = RECORD_STORES.load("postgresql")("postgresql://a:hunter2-is-secret@127.0.0.1:1/nothing")

    with pytest.raises(StoreError, match=r"PostgreSQL at 127\.0\.0\.1:1 cannot be reached") as caught:
        server.open("mart", MIGRATIONS).__enter__()
    assert "hunter2" not in f"{caught.value}{server!r}"


def test_one_word_in_the_settings_puts_documents_and_records_on_postgresql(tmp_path, monkeypatch, capsys, url):
    config = {"data_store": {"backend": "postgresql", "connection_string": url}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    (tmp_path / "data.json").write_text('{"price": 1.5}')
    monkeypatch.chdir(tmp_path)
    track(tmp_path / ".trainer" / "spool", 1)

    assert run(["store", "put", "k", "data.json"]) == 0
    capsys.readouterr()
    assert run(["mart", "executions", "--json"]) == 0
    assert '"report"' in capsys.readouterr().out
    assert not (tmp_path / ".trainer" / "trainer.duckdb").exists()
    with psycopg.connect(url) as server:
        assert server.execute("SELECT key FROM documents").fetchall() == [("k",)]
        operations = server.execute("SELECT operation FROM execution_starts ORDER BY operation").fetchall()
        assert operations == [("report",), ("store.put",)]
