"""Questions to a store of a million documents against SQL written by hand for the same question on the same file.

    python -m benchmarks.stores_query [documents] [runs]

Bound: p95 within 1.5 times that of the hand-written SQL. Both open the file, ask, read the answer and close it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sized
from functools import partial
from pathlib import Path

import duckdb

from trainer.stores import create_store

LOAD = """
INSERT INTO documents
SELECT 'yahoo:' || i, 1, json_object(
        'symbol', 'T' || (i % 5000), 'name', 'Company ' || i, 'sector', ['tech', 'bio', 'energy', 'bank'][1 + i % 4],
        'marketCap', (hash(i) % 1000000000)::BIGINT,
        'quote', json_object('price', (hash(i * 7) % 100000) / 100.0, 'currency', 'USD')),
    '{"as_of": "2025-02-14"}', ['file', 'api'][1 + i % 2], '2025-02-14T12:00:00.000000Z', '2025-02-14T12:00:00.000000Z',
    NULL, NULL, md5(i::VARCHAR), 200, false, false, true, ''
FROM range(?) t(i)"""
COLUMNS = "key, version, data, metadata, source, stored_at, updated_at, ttl"
ROW = f"SELECT {COLUMNS} FROM documents WHERE current AND NOT deleted"
QUESTIONS = {
    "symbol = T77": ({"symbol": "T77"}, None, None, f"{ROW} AND (data->>'$.symbol') = 'T77' ORDER BY key"),
    "price > 999.5": (
        {"quote.price": {"$gt": 999.5}}, None, None,
        f"{ROW} AND (data->>'$.quote.price')::DOUBLE > 999.5 ORDER BY key",
    ),
    "source and sector, first 20": (
        {"source": "api", "sector": {"$in": ["bio", "bank"]}}, 20, None,
        f"{ROW} AND source = 'api' AND (data->>'$.sector') IN ('bio', 'bank') ORDER BY key LIMIT 20",
    ),
    "top 10 by marketCap": (
        {}, 10, {"marketCap": -1}, f"{ROW} ORDER BY (data->>'$.marketCap')::DOUBLE DESC, key LIMIT 10",
    ),
    "name ~ 777": ({"name": {"$regex": "777"}}, None, None, f"{ROW} AND (data->>'$.name') LIKE '%777%' ORDER BY key"),
    "one key": ({"key": "yahoo:4711"}, None, None, f"{ROW} AND key = 'yahoo:4711'"),
}  # fmt: skip
PICKED = """
SELECT source, data->>'$.sector' AS sector, (data->>'$.quote.price')::DOUBLE AS price,
    (data->>'$.marketCap')::BIGINT AS cap
FROM documents WHERE current AND NOT deleted"""
FIGURES = {"price": {"$avg": "$quote.price"}, "cap": {"$sum": "$marketCap"}, "documents": {"$count": {}}}
GROUPS = {
    "sum, mean, count by sector": (
        [{"$group": {"_id": "$sector", **FIGURES}}],
        f"SELECT sector, avg(price), sum(cap), count(*) FROM ({PICKED}) GROUP BY sector ORDER BY sector",
    ),
    "top 2 sectors of one source": (
        [
            {"$match": {"source": "api"}},
            {"$group": {"_id": "$sector", "most": {"$max": "$quote.price"}, "sum": {"$sum": "$quote.price"}}},
            {"$sort": {"sum": -1}},
            {"$limit": 2},
        ],
        f"SELECT sector, max(price), sum(price) AS total FROM ({PICKED}) WHERE source = 'api' "
        "GROUP BY sector ORDER BY total DESC LIMIT 2",
    ),
    "distinct symbols": (
        "symbol", "SELECT DISTINCT data->>'$.symbol' AS symbol FROM documents WHERE current AND NOT deleted ORDER BY 1",
    ),
}  # fmt: skip


def main(documents: int = 1_000_000, runs: int = 20) -> None:
    """Print p95 of each question both ways and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trainer.duckdb"
        store = create_store("duckdb", database_path=path)
        store.migrate()
        with duckdb.connect(path) as connection:
            connection.execute(LOAD, [documents])
        print(f"{documents:,} documents, p95 of {runs} runs")
        for name, (filters, limit, sort, sql) in QUESTIONS.items():
            compare(name, runs, partial(store.query, filters, limit, sort), partial(by_hand, path, sql))
        for name, (asked, sql) in GROUPS.items():
            ask = store.distinct if isinstance(asked, str) else store.aggregate
            compare(name, runs, partial(ask, asked), partial(by_hand, path, sql))


def compare(name: str, runs: int, ours: Callable[[], Sized], theirs: Callable[[], Sized]) -> None:
    """Print p95 of one question both ways and their ratio."""
    assert len(ours()) == len(theirs()) > 0
    seconds = alternate(runs, ours, theirs)
    print(
        f"{name:30} {seconds[0] * 1000:8.1f} ms   by hand {seconds[1] * 1000:8.1f} ms   "
        f"ratio {seconds[0] / seconds[1]:5.2f}"
    )


def by_hand(path: Path, sql: str) -> list[tuple[object, ...]]:
    """The answer to a statement, from a fresh connection."""
    with duckdb.connect(path) as connection:
        return connection.execute(sql).fetchall()


def alternate(runs: int, ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """p95 of the seconds of both, taken in turns so that other work on the machine meets both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for kept, call in zip(seconds, (ours, theirs), strict=True):
            begun = time.perf_counter()
            call()
            kept.append(time.perf_counter() - begun)
    return tuple(statistics.quantiles(found, n=20)[-1] for found in seconds)  # type: ignore[return-value]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
