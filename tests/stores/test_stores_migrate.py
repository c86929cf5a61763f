"""`trainer store migrate --to` with a real PostgreSQL server."""

from __future__ import annotations

import pytest

from servers.stores import BACKENDS
from trainer.cli.main import run
from trainer.stores import create_store


@pytest.fixture
def server(tmp_path):
    with BACKENDS["postgresql"](tmp_path) as bench:
        yield bench


def test_every_version_arrives_in_postgresql_once(tmp_path, monkeypatch, capsys, server):
    (tmp_path / "config.yaml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    old = create_store("duckdb", database_path=tmp_path / ".trainer" / "trainer.duckdb")
    old.store("a", {"n": 10**30, "f": 1.0, "text": "é\U0001f600"}, {"as_of": "2025-02-14"}, source="file", ttl=60)
    old.store("a", [1, 1.0, None])
    old.store("b", 1)
    old.delete("b")

    assert run(["store", "migrate", "--to", server.options["connection_string"]]) == 0
    assert capsys.readouterr().err == "4 versions copied\n"
    assert list(server.store.export_documents()) == list(old.export_documents())
    assert repr(server.store.retrieve("a").data) == "[1, 1.0, None]"
    assert run(["store", "migrate", "--to", server.options["connection_string"]]) == 0
    assert capsys.readouterr().err == "0 versions copied\n"


def test_a_server_that_is_not_there_is_one_message_without_its_password(tmp_path, monkeypatch, capsys):
    (tmp_path / "config.yaml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    create_store("duckdb", database_path=tmp_path / ".trainer" / "trainer.duckdb").store("a", 1)

    assert run(["store", "migrate", "--to", "postgresql://a:hunter2-is-secret@127.0.0.1:1/nothing"]) != 0
    said = capsys.readouterr().err
    assert "PostgreSQL at 127.0.0.1:1 cannot be reached" in said
    assert "hunter2" not in said
