"""Heads for staleness checks: right whatever happens, and cheap while nothing changed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from trainer.core.digest import digest
from trainer.stores import DatabaseFile, DuckDBStore, Head, read_heads

NOON = datetime(2025, 2, 14, 12, tzinfo=UTC)
MART = ("CREATE TABLE runs (n INTEGER)",)


@pytest.fixture
def store(tmp_path) -> DuckDBStore:
    return DuckDBStore(tmp_path / "trainer.duckdb", clock=lambda: NOON)


def needs_duckdb(state, *keys) -> bool:
    """Whether a process that reads those heads imports DuckDB."""
    code = (
        "import sys; from pathlib import Path; from trainer.stores import read_heads; "
        "read_heads(Path(sys.argv[1]), sys.argv[2:]); sys.exit('duckdb' in sys.modules)"
    )
    return subprocess.run([sys.executable, "-c", code, state, *keys], check=False).returncode == 1


def test_no_database_has_no_heads_and_is_not_created(tmp_path):
    assert read_heads(tmp_path, ["a"]) == {}
    assert list(tmp_path.iterdir()) == []


def test_heads_name_version_digest_and_time(store, tmp_path):
    store.store("a", 1)
    store.store("a", {"n": 2}, ttl=60)
    store.store("gone", 1)
    store.delete("gone")

    assert read_heads(tmp_path, ["a", "gone", "never"]) == {"a": Head(2, digest({"n": 2}), NOON, NOON, 60)}
    assert read_heads(tmp_path, ["a"])["a"].is_fresh(NOON + timedelta(seconds=59))
    assert not read_heads(tmp_path, ["a"])["a"].is_fresh(NOON + timedelta(seconds=60))


def test_a_second_look_needs_no_database(store, tmp_path):
    store.store("a", 1)

    assert needs_duckdb(tmp_path, "a", "never")
    assert not needs_duckdb(tmp_path, "a", "never")
    assert needs_duckdb(tmp_path, "a", "another")
    assert not needs_duckdb(tmp_path, "a", "never", "another")


def test_a_change_of_a_document_is_seen_at_once(store, tmp_path):
    for version in range(1, 20):
        store.store("a", version)
        assert read_heads(tmp_path, ["a"])["a"].version == version


def test_records_of_other_rooms_leave_the_heads_valid(store, tmp_path):
    store.store("a", 1)
    read_heads(tmp_path, ["a"])
    with DatabaseFile(tmp_path / "trainer.duckdb").open("mart", MART) as connection:
        connection.execute("INSERT INTO runs VALUES (1)")

    assert not needs_duckdb(tmp_path, "a")
    store.store("a", 2)
    with DatabaseFile(tmp_path / "trainer.duckdb").open("mart", MART) as connection:
        connection.execute("INSERT INTO runs VALUES (2)")
    assert read_heads(tmp_path, ["a"])["a"].version == 2


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"database": "trainer.duckdb", "stamp": [], "heads": {}}'])
def test_a_broken_cache_counts_as_none(store, tmp_path, content):
    store.store("a", 1)
    (tmp_path / "heads.json").write_text(content)

    assert read_heads(tmp_path, ["a"])["a"].version == 1
    assert json.loads((tmp_path / "heads.json").read_text())["heads"]["a"]["version"] == 1


def test_heads_read_beside_writers_never_go_back(store, tmp_path):
    done = threading.Event()

    def write():
        for number in range(40):
            store.store("a", number)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = [0]
    while not done.is_set():
        found = read_heads(tmp_path, ["a"])
        seen.append(found["a"].version if found else 0)
    writer.join()

    assert seen == sorted(seen)
    assert read_heads(tmp_path, ["a"])["a"].version == 40
