"""Stores by name: options, missing drivers, servers that are not there, and passwords that are never printed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trainer.core.errors import StoreError, UsageError
from trainer.stores import BACKENDS, DataStore, create_store

SECRET = "hunter2-is-secret"


@pytest.mark.parametrize("name", ["duckdb", "sqlite"])
def test_every_backend_is_a_data_store_and_constructing_does_nothing(name, tmp_path):
    assert isinstance(create_store(name, database_path=tmp_path / "x"), DataStore)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_backend_or_option_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match='did you mean "sqlite"'):
        create_store("sqllite")
    with pytest.raises(UsageError, match='did you mean "database_path"'):
        create_store("duckdb", databasepath="x")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("postgresql", f"postgresql://someone:{SECRET}@127.0.0.1:1/nothing"),
        ("mongodb", f"mongodb://someone:{SECRET}@127.0.0.1:1/nothing"),
        ("redis", f"redis://:{SECRET}@127.0.0.1:1/0"),
    ],
)
def test_an_unreachable_server_is_one_clear_message_without_the_password(name, url):
    options = {"timeout": 1.0} if name == "mongodb" else {}
    store = create_store(name, connection_string=url, **options)

    with pytest.raises(StoreError) as caught:
        store.store("k", 1)
    assert "127.0.0.1:1" in str(caught.value)
    assert "check data_store.connection_string" in str(caught.value)
    assert SECRET not in f"{caught.value}{store!r}"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("postgresql", f"postgresql://a:{SECRET}@[::1"),
        ("mongodb", f"http://a:{SECRET}@b"),
        ("redis", f"http://a:{SECRET}@b"),
    ],
)
def test_a_malformed_address_is_refused_without_being_repeated(name, url):
    with pytest.raises(UsageError, match="is no") as caught:
        create_store(name, connection_string=url)
    assert SECRET not in str(caught.value)


def test_importing_the_room_imports_no_driver():
    code = (
        "import sys, trainer.stores; "
        "print(sorted({'duckdb', 'psycopg', 'redis', 'pymongo', 'sqlite3'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert {"duckdb", "mongodb", "postgresql", "redis", "sqlite"} <= set(BACKENDS.names())
