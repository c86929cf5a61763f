from __future__ import annotations

import threading
from datetime import UTC, datetime

from servers.yahoo import Fault
from trainer.core.errors import SourceError, UsageError
from trainer.core.values import RetrievalResult
from trainer.sources import SourceContext, create_source, retrieve_many

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


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


def test_a_fault_of_a_source_is_its_own_error_and_nobody_elses(yahoo):
    class Faulty:
        def retrieve(self, query, store=True):
            return {}["days"]

    outcomes = retrieve_many(
        [("faulty", {"n": 1}), ("yahoo_finance", {"ticker": "ABBV"})], {"faulty": Faulty(), "yahoo_finance": yahoo}
    )

    assert str(outcomes[0].error) == "the source faulty failed: KeyError: 'days'\n  please report it"
    assert isinstance(outcomes[0].error.__cause__, KeyError)
    assert outcomes[1].error is None


def test_sources_that_hang_hold_up_no_other():
    released = threading.Event()

    class Slow:
        def retrieve(self, query, store=True):
            released.wait(30)
            raise SourceError("too late")

    class Quick:
        def retrieve(self, query, store=True):
            return RetrievalResult({"n": query["n"]}, "quick", NOW)

    quick = [("quick", {"n": n}) for n in range(7)]
    slow = [(name, {"n": n}) for name in ("slow1", "slow2", "slow3") for n in range(20)]
    answers = []

    def note(outcome):
        answers.append(outcome.source)
        if answers.count("quick") == len(quick):
            released.set()

    sources = {"quick": Quick(), "slow1": Slow(), "slow2": Slow(), "slow3": Slow()}
    outcomes = retrieve_many([*slow, *quick], sources, done=note)

    assert answers[:7] == ["quick"] * 7
    assert [outcome.error is None for outcome in outcomes] == [False] * 60 + [True] * 7


def test_outcomes_are_told_in_the_callers_thread(yahoo):
    threads = []

    retrieve_many(
        [("yahoo_finance", {"ticker": "ABBV"}), ("yahoo_finance", {"ticker": "BFLY"})],
        {"yahoo_finance": yahoo},
        done=lambda _: threads.append(threading.current_thread()),
    )

    assert threads == [threading.current_thread()] * 2
