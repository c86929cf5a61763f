from __future__ import annotations

import threading

import pytest

from servers.yahoo import Fault
from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source, retrieve_many


def test_what_fails_does_not_take_down_what_works(yahoo, tmp_path, clock):
    (tmp_path / "a.json").write_text('{"a": 1}')
    sources = {"yahoo_finance": yahoo, "file": create_source("file", SourceContext(clock=clock, root=tmp_path))}
    queries = [
        ("yahoo_finance", {"ticker": "ABBV"}),
        ("file", {"path": "missing.json"}),
        ("yahoo_finance", {"ticker": "NOPE"}),
        ("file", {"path": "a.json"}),
        ("yahoo_finanse", {"ticker": "ABBV"}),
    ]

    outcomes = retrieve_many(queries, sources)

    assert [(outcome.source, outcome.query) for outcome in outcomes] == queries
    assert [outcome.result is not None for outcome in outcomes] == [True, False, False, True, False]
    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        SourceError,
        SourceError,
        type(None),
        UsageError,
    ]
    assert outcomes[4].error.hint == 'did you mean "yahoo_finance"?'


def test_a_query_asked_twice_is_sent_once(yahoo, server):
    outcomes = retrieve_many(
        [
            ("yahoo_finance", {"ticker": "ABBV", "kind": "quote"}),
            ("yahoo_finance", {"kind": "quote", "ticker": "ABBV"}),
        ],
        {"yahoo_finance": yahoo},
    )

    assert outcomes[0].result is outcomes[1].result
    assert server.asked("/v7/finance/quote") == 1


def test_queries_run_side_by_side(server, clock):
    """Eight answers that wait for one another come only if all eight are asked for at once."""
    together = threading.Barrier(8)

    class Waiting:
        def retrieve(self, query, store=True):
            together.wait(timeout=20)
            return yahoo.retrieve(query, store)

    yahoo = create_source("yahoo_finance", SourceContext(clock=clock), base_url=server.url, per_second=1000)
    queries = [("yahoo_finance", {"ticker": "ABBV", "kind": "chart", "range": f"{n}y"}) for n in (1, 2, 5, 10)]
    queries += [("yahoo_finance", {"ticker": "AAPL", "kind": "chart", "range": f"{n}y"}) for n in (1, 2, 5, 10)]

    outcomes = retrieve_many(queries, {"yahoo_finance": Waiting()}, workers=8)

    assert [outcome.error for outcome in outcomes] == [None] * 8


def test_each_outcome_is_told_as_it_comes(yahoo, server):
    server.faults[:] = [Fault(404, b"{}")]
    told = []

    outcomes = retrieve_many(
        [("yahoo_finance", {"ticker": "ABBV"}), ("yahoo_finance", {"ticker": "BFLY"})],
        {"yahoo_finance": yahoo},
        workers=1,
        done=told.append,
    )

    assert told == outcomes
    assert [outcome.error is None for outcome in outcomes] == [False, True]


def test_store_false_stores_nothing(yahoo, kept):
    outcomes = retrieve_many([("yahoo_finance", {"ticker": "ABBV"})], {"yahoo_finance": yahoo}, store=False)

    assert outcomes[0].result.storage_key is None
    assert kept.calls == []


def test_no_queries_have_no_outcomes():
    assert retrieve_many([], {}) == []


def test_a_fault_of_a_source_is_raised_where_the_caller_waits():
    class Faulty:
        def retrieve(self, query, store=True):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        retrieve_many([("faulty", {"n": n}) for n in range(20)], {"faulty": Faulty()}, workers=2)


def test_outcomes_are_told_in_the_callers_thread(yahoo):
    threads = []

    retrieve_many(
        [("yahoo_finance", {"ticker": "ABBV"}), ("yahoo_finance", {"ticker": "BFLY"})],
        {"yahoo_finance": yahoo},
        done=lambda _: threads.append(threading.current_thread()),
    )

    assert threads == [threading.current_thread()] * 2
