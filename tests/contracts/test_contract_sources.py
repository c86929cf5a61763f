"""What every source does. A new adapter adds one entry to SOURCES, its server or files, and passes."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from servers.brokers import redis
from servers.edgar import EdgarServer
from servers.mongodb import mongodb_url
from servers.rest import RestServer
from servers.soap import SoapServer
from servers.yahoo import YahooServer
from trainer.core.errors import SourceError, UsageError
from trainer.sources import SOURCES as REGISTRY
from trainer.sources import SourceContext, create_source

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A source that works, and queries for it."""

    options: dict
    query: dict
    same: dict
    """The same query in other words."""
    missing: dict
    """A query for what is not there."""


@contextmanager
def file_case(tmp_path: Path) -> Iterator[Case]:
    (tmp_path / "a.json").write_text('{"b": [{"date": "2024-01-01", "c": 1.10}]}')
    yield Case({}, {"path": "a.json"}, {"path": " a.json "}, {"path": "b.json"})


@contextmanager
def yahoo_case(_: Path) -> Iterator[Case]:
    with YahooServer() as server:
        options = {"base_url": server.url, "retries": 0, "per_second": 1000}
        yield Case(options, {"ticker": "ABBV"}, {"kind": "quote", "ticker": "abbv"}, {"ticker": "NOPE"})


@contextmanager
def api_case(_: Path) -> Iterator[Case]:
    with RestServer() as server:
        options = {"apis": {"shop": {"base_url": server.url, "fields": {"price": {"title": "Price", "unit": "USD"}}}}}
        query = {"api": "shop", "path": "/one", "size": 3}
        same = {"size": "3", "path": "/one", "api": "shop"}
        yield Case({**options, "retries": 0}, query, same, {"api": "shop", "path": "/nothing"})


@contextmanager
def soap_case(_: Path) -> Iterator[Case]:
    with SoapServer() as server:
        described = {"wsdl": f"{server.url}/x?wsdl"}
        options = {
            "services": {"rates": {**described, "fields": {"records.deals": {"title": "Deals", "unit": "count"}}}}
        }
        query = {"service": "rates", "operation": "GetRates", "currency": "USD"}
        same = {"currency": "USD", "operation": " GetRates", "service": "rates"}
        yield Case({**options, "retries": 0}, query, same, {**query, "currency": "XXX"})


@contextmanager
def edgar_case(_: Path) -> Iterator[Case]:
    with EdgarServer() as server:
        options = {
            "user_agent": "Ann ann@example.org",
            "base_url": server.url,
            "data_url": server.url,
            "per_second": 1000,
        }
        yield Case(options, {"ticker": "MRVL"}, {"kind": "facts", "ticker": "mrvl", "years": "5"}, {"ticker": "NOPE"})


@contextmanager
def database_case(tmp_path: Path) -> Iterator[Case]:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table price (item text, price real)")
        connection.execute("insert into price values ('tea', 1.5)")
    connection.close()
    sql = "select item, price from price where item = :item"
    options = {
        "connections": {"shop": {"url": "sqlite:///shop.db"}},
        "queries": {"prices": {"sql": sql, "fields": {"records.price": {"title": "Price", "unit": "EUR"}}}},
    }
    query = {"connection": "shop", "query": "prices", "item": "tea"}
    same = {"item": "tea", "query": " prices", "connection": "shop"}
    yield Case(options, query, same, {"connection": "shop", "sql": "select * from nothing"})


@contextmanager
def mongodb_case(_: Path) -> Iterator[Case]:
    pymongo = pytest.importorskip("pymongo", reason='NOT TESTED on MongoDB: pip install "trainer-core[mongo]"')
    if not (url := mongodb_url()):
        pytest.skip("NOT TESTED on MongoDB: pip install secantusdb, or start one and set MONGODB_URI")
    database = f"trainer_test_{uuid.uuid4().hex}"
    with pymongo.MongoClient(url) as admin:
        admin[database].price.insert_one({"item": "tea", "price": 1.5})
        question = {"collection": "price", "find": {"item": ":item"}, "project": {"_id": 0}}
        options = {
            "connections": {"shop": {"url": url, "database": database}},
            "queries": {
                "prices": {**question, "fields": {"records.price": {"title": "Price", "unit": "EUR"}}},
                "wrong": {"collection": "price", "pipeline": [{"$nothing": {}}]},
            },
        }
        query = {"connection": "shop", "query": "prices", "item": "tea"}
        same = {"item": "tea", "query": " prices", "connection": "shop"}
        yield Case(options, query, same, {"connection": "shop", "query": "wrong"})
        admin.drop_database(database)


@contextmanager
def redis_case(_: Path) -> Iterator[Case]:
    with redis() as broker:
        url = broker.section["url"]
        name = f"{broker.section['stream']}:tea"
        client = pytest.importorskip("redis").Redis.from_url(url)
        client.hset(name, mapping={"item": "tea", "price": "1.5"})
        query = {"connection": "shop", "keys": name}
        same = {"keys": f" {name}", "connection": "shop"}
        yield Case({"connections": {"shop": {"url": url}}}, query, same, {"connection": "shop", "keys": f"{name}:none"})
        client.delete(name)
        client.close()


@contextmanager
def remote_case(_: Path) -> Iterator[Case]:
    fsspec = pytest.importorskip("fsspec", reason='NOT TESTED: pip install "trainer-core[remote-files]"')
    root = f"memory://{uuid.uuid4().hex}"
    system = fsspec.filesystem("memory")
    system.pipe(f"{root}/tea.json", b'{"item": "tea", "price": 1.5}')
    query = {"url": f"{root}/tea.json"}
    yield Case({"roots": [root]}, query, {"url": f" {root}/tea.json"}, {"url": f"{root}/none.json"})
    system.rm(root, recursive=True)


CASES = {
    "api": api_case,
    "database": database_case,
    "file": file_case,
    "mongodb": mongodb_case,
    "redis": redis_case,
    "remote_file": remote_case,
    "sec_filings": edgar_case,
    "soap": soap_case,
    "yahoo_finance": yahoo_case,
}


class Kept(dict):
    def store(self, key, data, metadata, *, source, ttl=None, skip_unchanged=False) -> str:
        self[key] = (data, metadata, source, ttl, skip_unchanged)
        return key


@pytest.fixture(params=sorted(CASES))
def name(request) -> str:
    return request.param


@pytest.fixture
def case(name, tmp_path):
    with CASES[name](tmp_path) as prepared:
        yield prepared


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def context(tmp_path) -> SourceContext:
    return SourceContext(lambda: NOW, root=tmp_path, cache=tmp_path / "cache")


@pytest.fixture
def source(name, case, kept, context):
    return create_source(name, context, data_store=kept, **case.options)


def test_every_source_has_its_case():
    assert set(REGISTRY.table) == set(CASES)


def test_the_source_knows_its_name(source, name):
    assert source.name == source.get_schema().name == name
    assert source.local is (name == "file")


def test_a_program_builds_it_from_a_store_alone(name, kept):
    assert REGISTRY.load(name)(data_store=kept).name == name


def test_the_schema_explains_every_query_field(source):
    for query_field in source.get_schema().query:
        assert query_field.description
        assert query_field.example or not query_field.required


def test_an_answer_is_data_with_its_origin(source, case):
    result = source.retrieve(case.query)

    assert isinstance(result.data, dict)
    assert result.data
    assert result.source
    assert result.retrieved_at.tzinfo is UTC
    assert result.metadata["query"] == case.query


def test_an_answer_is_stored_under_the_key_that_was_promised(source, case, kept):
    promised = source.key(case.query)
    result = source.retrieve(case.query)

    assert result.storage_key == promised
    assert list(kept) == [promised]
    data, metadata, origin, _, skip_unchanged = kept[promised]
    assert (data, origin, skip_unchanged) == (result.data, result.source, True)
    assert metadata == result.metadata


def test_store_false_stores_nothing(source, case, kept):
    assert source.retrieve(case.query, store=False).storage_key is None
    assert kept == {}


def test_a_source_without_a_store_stores_nothing(name, case, context):
    assert create_source(name, context, **case.options).retrieve(case.query).storage_key is None


def test_the_same_query_has_the_same_key_and_the_same_answer(source, case):
    assert source.key(case.same) == source.key(case.query)
    assert source.retrieve(case.same).digest == source.retrieve(case.query).digest


def test_a_key_begins_with_the_sources_name(source, name, case):
    assert source.key(case.query).startswith(f"{name}:")


def test_every_field_described_is_in_the_data(source, case):
    result = source.retrieve(case.query)

    for path in result.metadata.get("fields", {}):
        assert found(result.data, path.split(".")), path


def found(data: object, path: list[str]) -> bool:
    if isinstance(data, list):
        return any(found(item, path) for item in data)
    return not path or (isinstance(data, dict) and path[0] in data and found(data[path[0]], path[1:]))


def test_what_is_not_there_is_a_source_error_and_nothing_is_stored(source, case, kept):
    with pytest.raises(SourceError):
        source.retrieve(case.missing)
    assert kept == {}


def test_an_empty_query_is_a_usage_error(source):
    with pytest.raises(UsageError):
        source.retrieve({})
    with pytest.raises(UsageError):
        source.key({})


def test_an_unknown_query_field_is_a_usage_error(source, case, name):
    if source.get_schema().extra_fields and name != "file":
        pytest.skip(f"{name} passes other fields on")
    with pytest.raises(UsageError, match="unknown query field"):
        source.retrieve({**case.query, "nonsense": 1})


def test_an_unknown_option_is_a_usage_error(name, case):
    with pytest.raises(UsageError, match=f"unknown option of source {name}"):
        create_source(name, SourceContext(lambda: NOW), **case.options, nonsense=1)


def test_a_working_source_is_healthy(source):
    health = source.health()

    assert health.ok
    assert health.detail


def test_building_a_source_needs_nothing_to_be_there(name):
    nobody = "http://127.0.0.1:9"
    options = {
        "api": {"apis": {"shop": {"base_url": nobody}}},
        "database": {"connections": {"shop": {"url": "sqlite:///shop.db"}}},
        "file": {},
        "mongodb": {"connections": {"shop": {"url": "mongodb://127.0.0.1:9", "database": "shop"}}},
        "redis": {"connections": {"shop": {"url": "redis://127.0.0.1:9/0"}}},
        "remote_file": {"roots": ["memory://nowhere-at-all"]},
        "sec_filings": {"user_agent": "Ann ann@example.org", "base_url": nobody},
        "soap": {"services": {"rates": {"wsdl": f"{nobody}/x?wsdl"}}},
        "yahoo_finance": {"base_url": nobody},
    }[name]
    source = create_source(name, SourceContext(lambda: NOW, root=Path("/nowhere")), **options)

    assert not source.health().ok
