"""Long history in a DuckLake: a catalogue on a real PostgreSQL server, Parquet files in a folder."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from servers.stores import BACKENDS
from trainer.cli.main import run
from trainer.core.errors import StoreError, UsageError
from trainer.stores import RECORD_STORES, DocumentWrite, create_store

WRITER = """
import sys
from pathlib import Path
from trainer.stores import RECORD_STORES, DocumentWrite, create_store

name, folder, url, turns = sys.argv[1:]
store = create_store("sqlite", database_path=Path(folder) / f"{name}.sqlite")
lake = RECORD_STORES.load("ducklake")(Path(folder) / "lake", url)
for turn in range(int(turns)):
    store.store_many([DocumentWrite(f"{name}:{turn}:{n}", n) for n in range(50)])
    lake.add(store.export_documents())
"""


@pytest.fixture
def url(tmp_path):
    with BACKENDS["postgresql"](tmp_path) as bench:
        yield bench.options["connection_string"]


@pytest.fixture
def lake(tmp_path, url):
    return RECORD_STORES.load("ducklake")(tmp_path / "lake", url)


@pytest.fixture
def store(tmp_path):
    return create_store("sqlite", database_path=tmp_path / "trainer.sqlite")


def test_a_lake_gives_back_every_version_as_it_was_and_takes_each_once(lake, store):
    store.store("a", {"n": 10**30, "f": 1.0, "t": "\0é'"}, {"m": None}, source="file", ttl=60)
    store.store("a", [1, 1.0])
    store.delete("a")

    assert (lake.add(store.export_documents()), lake.add(store.export_documents())) == (3, 0)
    assert list(lake.read()) == list(store.export_documents())


def test_the_past_of_a_lake_can_be_read_and_compaction_keeps_it(lake, store):
    for turn in range(3):
        store.store_many([DocumentWrite(f"{turn}:{n}", n) for n in range(30)])
        lake.add(store.export_documents())
        if turn == 0:
            then = datetime.now(UTC)
    assert (len(list(lake.read())), len(list(lake.read(as_of=then)))) == (90, 30)

    assert lake.compact() == 1
    assert (len(list(lake.read())), len(list(lake.read(as_of=then)))) == (90, 30)
    with pytest.raises(UsageError, match="no versions from 2020"):
        list(lake.read(as_of=datetime(2020, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize("turns", [2, pytest.param(5, marks=pytest.mark.soak)])
def test_four_processes_write_at_once_and_no_row_is_lost_or_doubled(turns, tmp_path, lake, url):
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen([*command, f"w{number}", str(tmp_path), url, str(turns)]) for number in range(4)]

    assert [writer.wait(timeout=110) for writer in writers] == [0, 0, 0, 0]
    found = [document.key for document in lake.read()]
    assert found == sorted(f"w{number}:{turn}:{n}" for number in range(4) for turn in range(turns) for n in range(50))


def test_other_data_in_the_place_of_a_version_is_refused(lake, store, tmp_path):
    store.store("a", 1)
    lake.add(store.export_documents())
    other = create_store("sqlite", database_path=tmp_path / "other.sqlite")
    other.store("a", 2)

    with pytest.raises(StoreError, match="the lake has a in version 1 already, with other data"):
        lake.add(other.export_documents())


def test_a_lake_that_was_never_filled_says_how_to(lake):
    with pytest.raises(UsageError, match="the lake has no versions") as caught:
        list(lake.read())
    assert "trainer store export ducklake:" in str(caught.value)


def test_a_catalogue_that_is_not_there_is_one_message_without_its_password(tmp_path):
    lake = RECORD_STORES.load("ducklake")(tmp_path, "postgresql://a:hunter2-is-secret@127.0.0.1:1/nothing")

    with pytest.raises(StoreError, match="cannot be reached") as caught:
        list(lake.read())
    assert "hunter2" not in f"{caught.value}{lake!r}"


def test_export_and_import_by_the_command_line(tmp_path, monkeypatch, capsys, url):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("data_store: {backend: sqlite}\n")
    create_store("sqlite", database_path=tmp_path / ".trainer" / "trainer.sqlite").store("a", 1)

    assert run(["store", "export", "ducklake:lake", "--catalogue", url, "--compact"]) == 0
    assert capsys.readouterr().err == "1 versions written to ducklake:lake\n"
    (tmp_path / "config.yaml").write_text("data_store: {backend: sqlite, database_path: new.sqlite}\n")
    assert run(["store", "import", "ducklake:lake", "--catalogue", url]) == 0
    assert capsys.readouterr().err == "1 versions added\n"
    assert run(["store", "export", "ducklake:lake"]) == 2
    assert "a lake needs a PostgreSQL server" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "-", "--compact"], "only a lake can be compacted"),
        (["export", "a.jsonl", "--catalogue", "postgresql://h/d"], "only a lake has a catalogue"),
        (["import", "-", "--as-of", "2025-02-14"], "only a lake has a past"),
    ],
)
def test_options_of_a_lake_are_refused_for_anything_else(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("{}\n")

    assert run(["store", *words]) == 2
    assert said in capsys.readouterr().err
