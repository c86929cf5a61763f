"""`trainer store migrate --to` with real servers: documents, and the records of executions beside them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial

import pytest

from servers.stores import BACKENDS
from trainer.cli.main import run
from trainer.mart import MIGRATIONS, Tracker, drain
from trainer.stores import RECORD_STORES, DatabaseFile, create_store


@pytest.fixture
def server(tmp_path):
    with BACKENDS["postgresql"](tmp_path) as bench:
        yield bench


@pytest.mark.parametrize("backend", ["postgresql", "mongodb"])
def test_every_version_arrives_at_a_server_once(tmp_path, monkeypatch, capsys, backend):
    with BACKENDS[backend](tmp_path) as bench:
        url, database = bench.options["connection_string"], bench.options.get("database")
        prove_migration(tmp_path, monkeypatch, capsys, server=bench, url=f"{url}/{database}" if database else url)


def prove_migration(tmp_path, monkeypatch, capsys, *, server, url):
    (tmp_path / "config.yaml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    old = create_store("duckdb", database_path=tmp_path / ".trainer" / "trainer.duckdb")
    old.store("a", {"n": 10**30, "f": 1.0, "text": "é\U0001f600"}, {"as_of": "2025-02-14"}, source="file", ttl=60)
    old.store("a", [1, 1.0, None])
    old.store("b", 1)
    old.delete("b")

    assert run(["store", "migrate", "--to", url]) == 0
    assert capsys.readouterr().err == "4 versions of documents and 0 rows of records copied\n"
    assert list(server.store.export_documents()) == list(old.export_documents())
    assert repr(server.store.retrieve("a").data) == "[1, 1.0, None]"
    assert run(["store", "migrate", "--to", url]) == 0
    assert capsys.readouterr().err == "0 versions of documents and 0 rows of records copied\n"


def test_records_go_with_the_documents_and_come_back(tmp_path, monkeypatch, capsys, server):
    url = server.options["connection_string"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("{}\n")
    file = DatabaseFile(tmp_path / ".trainer" / "trainer.duckdb")
    for day in (14, 15):
        tracker = Tracker(tmp_path / "spool", clock=lambda day=day: datetime(2025, 2, day, tzinfo=UTC))
        for index in range(20):
            execution = tracker.start("trainer", "report", {"report": f"é{index}", "n": 10**17})
            tracker.step(execution, "render", seconds=0.1, inputs={"a": [1, None, 1e300]})
            tracker.complete(execution, {"cost": 0.1, "quality": 1 / 3})
        tracker.close()
        drain(tmp_path / "spool", partial(file.open, "mart", MIGRATIONS))

    said = "0 versions of documents and {} rows of records copied\n"
    for rows in (122, 0):
        assert run(["store", "migrate", "--to", url]) == 0
        assert capsys.readouterr().err == said.format(rows)
    (tmp_path / "config.yaml").write_text(
        json.dumps({"data_store": {"backend": "postgresql", "connection_string": url}})
    )
    for target, rows in (("duckdb:back.duckdb", 122), (f"sqlite:{tmp_path / 'documents.sqlite'}", 0)):
        assert run(["store", "migrate", "--to", target]) == 0
        assert capsys.readouterr().err == said.format(rows)
    assert (
        records(DatabaseFile(tmp_path / "back.duckdb"))
        == records(file)
        == records(RECORD_STORES.load("postgresql")(url))
    )


MOVER = """
import sys
from functools import partial
from pathlib import Path
from trainer.mart import MIGRATIONS, copy_records
from trainer.stores import RECORD_STORES, DatabaseFile
old, new = DatabaseFile(Path(sys.argv[1])), RECORD_STORES.load("postgresql")(sys.argv[2])
print("ready", flush=True)
copy_records(*(partial(database.open, "mart", MIGRATIONS) for database in (old, new)))
"""


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.soak)])
def test_a_move_that_is_killed_is_done_again_and_doubles_nothing(tmp_path, server, kills):
    url, path = server.options["connection_string"], tmp_path / "old.duckdb"
    tracker = Tracker(tmp_path / "spool")
    for _ in range(5000):
        tracker.complete(tracker.start("trainer", "report"))
    tracker.close()
    drain(tmp_path / "spool", partial(DatabaseFile(path).open, "mart", MIGRATIONS))
    command = [sys.executable, "-c", MOVER, path, url]
    for number in range(kills):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(0.1 + 0.5 * number / kills)
            process.kill()
    assert subprocess.run(command, check=False).returncode == 0

    assert records(DatabaseFile(path)) == records(RECORD_STORES.load("postgresql")(url))


def records(database):
    with database.open("mart", MIGRATIONS) as connection:
        tables = ("execution_starts", "execution_ends", "steps", "ingested")
        return [sorted(connection.execute(f"FROM {table}").fetchall(), key=repr) for table in tables]


def test_a_server_that_is_not_there_is_one_message_without_its_password(tmp_path, monkeypatch, capsys):
    (tmp_path / "config.yaml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    create_store("duckdb", database_path=tmp_path / ".trainer" / "trainer.duckdb").store("a", 1)

    assert run(["store", "migrate", "--to", "postgresql://a:hunter2-is-secret@127.0.0.1:1/nothing"]) != 0
    said = capsys.readouterr().err
    assert "PostgreSQL at 127.0.0.1:1 cannot be reached" in said
    assert "hunter2" not in said
