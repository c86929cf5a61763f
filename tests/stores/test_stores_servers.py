"""What only some backends do: real times to live, reading through a cache, indexes."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from urllib.parse import urlsplit

import pytest
import redis

from servers.stores import BACKENDS, SHARED
from trainer.core.errors import StoreError
from trainer.stores import create_store


@pytest.fixture
def hybrid(tmp_path):
    with BACKENDS["hybrid"](tmp_path) as bench:
        yield bench


def test_a_second_read_comes_from_the_cache_and_a_write_drops_it(hybrid, tmp_path):
    lasting = create_store("sqlite", database_path=tmp_path / "trainer.sqlite", clock=hybrid.now)
    hybrid.store.store("k", 1)
    assert hybrid.store.retrieve("k").data == 1
    lasting.store("k", 2)

    assert hybrid.store.retrieve("k").data == 1
    assert [found.data for found in hybrid.store.query({})] == [2]
    hybrid.store.store("k", 3)
    assert (hybrid.store.retrieve("k").data, hybrid.store.retrieve("k").version) == (3, 3)


def test_a_cache_may_stand_before_a_server(hybrid):
    with SHARED["mongodb"](None) as lasting:
        url = f"{lasting['connection_string']}/{lasting['database']}"
        store = create_store("hybrid", clock=hybrid.now, **{**hybrid.options, "connection_string": url})
        for number in range(2):
            store.store("k", {"n": number})
            assert [store.retrieve("k").data for _ in range(2)] == [{"n": number}] * 2
        store.close()

        assert [found.data for found in create_store(**lasting).history("k")] == [{"n": 0}, {"n": 1}]


def test_what_the_cache_gives_is_dropped_after_its_seconds(hybrid):
    hybrid.store.store("k", 1)
    hybrid.store.retrieve("k")
    server = redis.Redis.from_url(hybrid.options["cache"])

    assert 0 < server.ttl(f"{hybrid.options['database']}:cache:k") <= 60


def test_a_cache_that_is_down_costs_no_answer(tmp_path):
    store = create_store("hybrid", connection_string=f"sqlite:{tmp_path}/s", cache="redis://127.0.0.1:1/0")
    store.store("k", 1)

    assert store.retrieve("k").data == 1


def test_redis_drops_expired_documents_by_itself_after_a_while(tmp_path):
    with BACKENDS["redis"](tmp_path) as bench:
        bench.store.store("k", 1, ttl=60)
        bench.store.store("for ever", 1)
        server = redis.Redis.from_url(bench.options["connection_string"])

        assert 604_800 < server.ttl(f"{bench.options['database']}:document:k") <= 604_860
        assert server.ttl(f"{bench.options['database']}:document:for ever") == -1
        server.delete(f"{bench.options['database']}:document:k")
        assert [found.key for found in bench.store.query({})] == ["for ever"]
        bench.store.store("k", 2)
        assert bench.store.retrieve("k").version == 1


def test_redis_reads_only_what_its_indexes_name(tmp_path, monkeypatch):
    with BACKENDS["redis"](tmp_path) as bench:
        store = bench.store
        for key, source in [("a", "file"), ("b", "api"), ("c", "file"), ("d", "")]:
            store.store(key, {"n": 1}, source=source)
            bench.pass_time(60)
        store.store("a", 2, source="api")
        store.delete("b")
        read = []
        monkeypatch.setattr(type(store), "_current", noting(read, type(store)._current))

        def keys(filters):
            read.clear()
            return [found.key for found in store.query(filters)], sorted(set(read))

        assert keys({"source": "file"}) == (["c"], ["c"])
        assert keys({"source": {"$in": ["api", "none", "file"]}}) == (["a", "c"], ["a", "b", "c"])
        assert keys({"source": "", "n": 1}) == (["d"], ["d"])
        assert keys({"updated_at": {"$gt": "2025-02-14T12:02:30Z"}}) == (["a", "d"], ["a", "b", "d"])
        assert keys({"updated_at": {"$lte": "2025-02-14T12:02:00Z"}}) == (["c"], ["c"])
        assert keys({"source": "file", "$and": [{"source": "api"}]}) == ([], [])
        assert keys({"$or": [{"source": "file"}, {"n": 1}]}) == (["c", "d"], ["a", "b", "c", "d"])


def test_documents_that_an_older_program_left_in_redis_are_indexed(tmp_path):
    with BACKENDS["redis"](tmp_path) as bench:
        bench.store.store("a", 1, source="file")
        prefix = bench.options["database"]
        server = redis.Redis.from_url(bench.options["connection_string"])
        server.delete(f"{prefix}:source:file", f"{prefix}:updated")
        server.set(f"{prefix}:schema", 1)

        assert [found.key for found in bench.store.query({"source": "file"})] == ["a"]
        assert bench.store.migrate() == 2


def test_what_is_erased_leaves_no_entry_in_redis(tmp_path):
    with BACKENDS["redis"](tmp_path) as bench:
        bench.store.store("a", 1, source="file")
        bench.store.store("a", 2, source="api")
        bench.store.delete("a", erase=True)
        server = redis.Redis.from_url(bench.options["connection_string"], decode_responses=True)
        prefix = bench.options["database"]

        assert list(server.scan_iter(match=f"{prefix}:*")) == [f"{prefix}:schema"]


def noting(read, method):
    def current(self, server, key):
        read.append(key)
        return method(self, server, key)

    return current


def test_postgresql_finds_equal_texts_by_its_index(tmp_path):
    with BACKENDS["postgresql"](tmp_path) as bench:
        bench.store.store("k", {"symbol": {"name": "ABBV"}})
        with bench.store.transaction(write=False) as run:
            run("SET LOCAL enable_seqscan = off")
            plan = run(
                "EXPLAIN SELECT key FROM documents WHERE current AND data_json @> ?::jsonb",
                '{"symbol": {"name": "ABBV"}}',
            )

        assert "documents_data" in str(plan)
        assert bench.store.count({"symbol.name": "ABBV"}) == 1


@pytest.fixture
def evicting(tmp_path):
    """A Redis of its own that drops keys when its memory is full."""
    if not shutil.which("redis-server"):
        pytest.skip("NOT TESTED on an evicting Redis: install redis-server")
    path = tmp_path / "redis.sock"
    words = ["--port", "0", "--unixsocket", str(path), "--save", "", "--maxmemory-policy", "allkeys-lru"]
    with subprocess.Popen(["redis-server", *words], cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        server = redis.Redis(unix_socket_path=str(path))
        until(server.ping)
        yield server
        process.terminate()


def until(attempt):
    for _ in range(200):
        try:
            return attempt()
        except (redis.RedisError, OSError):
            time.sleep(0.05)
    raise TimeoutError


def test_a_redis_that_would_drop_documents_is_refused_with_the_setting_to_change(evicting):
    store = create_store("redis", connection_string=f"unix://{evicting.get_connection_kwargs()['path']}")
    with pytest.raises(StoreError) as refused:
        store.store("k", 1)
    evicting.config_set("maxmemory-policy", "noeviction")
    store.store("k", 1)

    assert "maxmemory-policy allkeys-lru" in str(refused.value)
    assert "CONFIG SET maxmemory-policy noeviction" in str(refused.value)
    assert store.retrieve("k").data == 1


class Door:
    """A port that leads to a server, and can be shut for a while as a restart shuts it."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def serve(self, listener):
        with contextlib.suppress(OSError):
            while True:
                inside, _ = listener.accept()
                outside = socket.create_connection(self.target)
                self.pairs += [inside, outside]
                for one, other in ((inside, outside), (outside, inside)):
                    threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        with contextlib.suppress(OSError):
            while content := one.recv(65536):
                other.sendall(content)

    def shut(self, seconds):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for each in self.pairs:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        threading.Timer(seconds, self.open).start()

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()


def test_a_postgresql_that_is_away_for_seconds_is_waited_for(tmp_path):
    with BACKENDS["postgresql"](tmp_path) as bench:
        url = bench.options["connection_string"]
        parts = urlsplit(url)
        door = Door(parts.hostname, parts.port or 5432)
        through = url.replace(parts.netloc, f"{parts.username}@127.0.0.1:{door.port}")
        store = create_store("postgresql", connection_string=through)
        store.store("k", 1)
        door.shut(2)
        store.store("k", 2)
        door.shut(2)

        assert create_store("postgresql", connection_string=through).retrieve("k").data == 2
        assert [version.data for version in store.history("k")] == [1, 2]
        store.close()
