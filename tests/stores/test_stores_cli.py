"""`trainer store` as people and scripts use it, on a file and on a server."""

from __future__ import annotations

import io
import json
import sys

import pytest

from servers.stores import SHARED
from trainer.cli.main import run
from trainer.core.errors import UsageError
from trainer.stores.filters import parse_words
from trainer.stores.transfer import import_file


@pytest.fixture(params=["duckdb", "mongodb"])
def trainer(request, tmp_path, monkeypatch, capsys):
    with SHARED[request.param](tmp_path) as options:
        backend = options.pop("name")
        (tmp_path / "config.yaml").write_text(json.dumps({"data_store": {"backend": backend, **options}}))
        yield _caller(tmp_path, monkeypatch, capsys)


def _caller(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run(["store", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.fixture
def filled(trainer):
    for key, cap, source in [("a", 5, "file"), ("b", 1.5, "api"), ("c|d", None, "api")]:
        assert trainer("put", key, "-", "--source", source, stdin=json.dumps({"cap": cap, "symbol": key}))[0] == 0
    return trainer


def test_what_is_put_can_be_got(trainer):
    put = trainer("put", "k", "-", "--meta", "as_of=2025-02-14", "--ttl", "1d", stdin='{"b": 1, "a": [2.0]}')

    assert put == (0, "k version 1\n", "")
    assert trainer("get", "k") == (0, '{\n  "a": [\n    2.0\n  ],\n  "b": 1\n}\n', "")
    whole = json.loads(trainer("get", "k", "--json")[1])
    assert (whole["version"], whole["ttl"], whole["fresh"], whole["metadata"]) == (
        1,
        86400,
        True,
        {"as_of": "2025-02-14"},
    )
    assert whole["source"] == "manual"


def test_stdin_is_read_where_no_file_is_named(trainer):
    assert trainer("put", "k", stdin='{"a": 1}')[0] == 0
    assert json.loads(trainer("get", "k")[1]) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": NaN}', "stdin:1:7: NaN is no JSON"),
        ('{"a": 1,\n "a": 2}', 'stdin:2:2: the key "a" stands twice'),
        ('{"a": 1,\n}', "stdin:2:1: not valid JSON"),
        ('"\\ud800"', "half a character"),
        ("[" * 5000, "nested more than 100 levels"),
        ("1" * 5000, "write numbers this long as text"),
        ("1e999", "1e999 is too large a number"),
    ],
)
def test_bad_json_is_refused_and_nothing_is_stored(trainer, content, said):
    code, out, err = trainer("put", "k", "-", stdin=content)

    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert trainer("count")[1] == "0\n"


def test_text_can_be_stored_as_it_is(trainer):
    trainer("put", "k", "-", "--text", stdin="# Title\n")

    assert trainer("get", "k")[1] == '"# Title\\n"\n'


def test_filters_sort_and_columns(filled):
    assert filled("query", "cap>1", "--sort", "-cap", "--field", "symbol", "--field", "cap", "--format", "csv")[1] == (
        "symbol,cap\na,5\nb,1.5\n"
    )
    assert filled("query", "source=api", "--field", "key", "--format", "markdown")[1] == (
        "| key |\n| --- |\n| b |\n| c\\|d |\n"
    )
    assert filled("query", "key~^[ab]", "cap<=1.5", "--field", "key")[1] == "key\nb\n"
    assert [found["key"] for found in json.loads(filled("query", "cap!=null", "--json")[1])] == ["a", "b"]
    assert json.loads(filled("query", "!cap", "--limit", "1", "--json")[1]) == []
    assert filled("count", "source!=file")[1] == "2\n"
    assert filled("query", '{"$or": [{"cap": 5}, {"source": "api"}]}', "key<c", "--field", "key")[1] == "key\na\nb\n"
    assert filled("count", '{"cap": {"$in": [5, 1.5]}}')[1] == "2\n"
    assert "is not JSON" in filled("count", '{"cap": ')[2]
    assert filled("distinct", "source")[1] == "api\nfile\n"


def test_aggregation_from_the_command_line(filled):
    pipeline = '[{"$group": {"_id": "$source", "cap": {"$sum": "$cap"}}}]'

    assert filled("aggregate", pipeline, "--format", "csv")[1] == "_id,cap\napi,1.5\nfile,5\n"
    assert json.loads(filled("aggregate", "-", "--json", stdin=pipeline)[1])[0] == {"_id": "api", "cap": 1.5}
    assert "unknown stage" in filled("aggregate", '[{"$gruop": {}}]')[2]


def test_history_deletion_and_erasure(filled):
    filled("put", "a", "-", stdin="2")
    assert filled("history", "a", "--format", "csv")[1].count("\n") == 3
    assert filled("delete", "a")[0] == 0
    assert filled("get", "a")[0] == 1
    assert filled("get", "a", "--version", "2")[1] == "2\n"
    assert [version["deleted"] for version in json.loads(filled("history", "a", "--json")[1])] == [False, False, True]
    assert filled("history", "a", "--format", "csv")[1].splitlines()[-1].endswith(",true")
    assert filled("delete", "a", "--erase")[0] == 0
    assert filled("history", "a")[0] == 1
    assert filled("delete", "never")[0] == 1


@pytest.mark.parametrize("name", ["all.jsonl", "all.parquet"])
def test_export_and_import_lose_nothing(filled, name):
    filled("put", "a", "-", stdin='{"n": 1000000000000000000000000000000, "f": 1.0, "t": "a\\u0000b"}')
    filled("delete", "b")
    before = filled("export", "-")[1]
    assert filled("export", name)[0] == 0
    for key in ("a", "b", "c|d"):
        assert filled("delete", key, "--erase")[0] == 0

    assert filled("import", name)[2] == "5 versions added\n"
    assert filled("export", "-")[1] == before
    assert filled("import", "-", stdin=before)[2] == "0 versions added\n"


def test_an_import_names_the_line_that_is_wrong(trainer, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"key": "a", "version": 1, "data": 1, "stored_at": "2025", "updated_at": 5}\n')
    code, _, err = trainer("import", "bad.jsonl")

    assert code == 2
    assert "bad.jsonl:1: updated_at is missing or of the wrong kind: 5" in err
    assert trainer("import", "absent.jsonl")[0] == 2
    with pytest.raises(UsageError, match="names no format"):
        import_file(tmp_path / "config.yaml")


def test_pruning_and_statistics(filled):
    filled("put", "a", "-", stdin="2")

    assert filled("prune")[0] == 2
    assert filled("prune", "--keep-versions", "1")[1] == "1 versions removed\n"
    stats = json.loads(filled("stats", "--json")[1])
    assert (stats["documents"], stats["versions"], stats["sources"]) == (3, 3, {"api": 2, "manual": 1})


def test_a_store_can_be_copied_to_another(filled, tmp_path):
    assert (
        filled("migrate", "--to", f"duckdb:{tmp_path}/copy.duckdb")[2]
        == "3 versions of documents and 0 rows of records copied\n"
    )
    assert (
        filled("migrate", "--to", f"duckdb:{tmp_path}/copy.duckdb")[2]
        == "0 versions of documents and 0 rows of records copied\n"
    )
    assert filled("migrate")[2].startswith("the store is at migration ")
    assert "unknown kind of store" in filled("migrate", "--to", "oracle://x")[2]


@pytest.mark.parametrize(
    ("word", "filters"),
    [
        ("a=5", {"a": {"$eq": 5}}),
        ('a="5"', {"a": {"$eq": "5"}}),
        ("key=5", {"key": {"$eq": "5"}}),
        ("a.b!=x=y", {"a.b": {"$ne": "x=y"}}),
        ("a>=2025-02-14", {"a": {"$gte": "2025-02-14"}}),
        ("a=", {"a": {"$eq": ""}}),
        ("a=[1, 2]", {"a": {"$eq": [1, 2]}}),
        ("a=null", {"a": {"$eq": None}}),
        ("a~^x=1", {"a": {"$regex": "^x=1"}}),
        ("a!~x", {"a": {"$not": {"$regex": "x"}}}),
        ("a", {"a": {"$exists": True}}),
        ("!a", {"a": {"$exists": False}}),
    ],
)
def test_a_word_spells_a_filter(word, filters):
    assert parse_words([word]) == filters
