"""Budgets: never exceeded, whatever happens at once and whoever dies."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from servers.clients import ENVIRON, call, complete
from servers.openai import Reply, openai_server
from trainer.core.errors import BudgetError, ProviderError
from trainer.providers import Budget, Limits, RetryPolicy, ScopedLimit, complete_many, create_provider
from trainer.providers.budget import Reservation

PRICES = {"m": {"input": 1000, "output": 1000}}  # a tenth of a cent for each token


def provider(server, **options):
    return create_provider("openai_compatible", model="m", api_base=server.url, prices=PRICES, **options)


def at(text):
    return lambda: datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_call_is_reserved_at_its_worst_and_settled_at_its_cost(tmp_path):
    budget = Budget(tmp_path, Limits(run=1.0), run="r")
    with openai_server(lambda server, seen: Reply(content="one two three")) as server:
        result = complete("hello world", chain=[provider(server)], settings={"max_tokens": 100}, budget=budget)

    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert [(line["do"], line["usd"]) for line in lines] == [
        ("reserve", pytest.approx(0.127)),  # 11 bytes, 16 for the message's frame, 100 tokens of answer
        ("settle", 0.005),
    ]
    assert result.cost == 0.005
    assert budget.spend().run == pytest.approx(0.005)
    assert budget.spend().reserved == 0


def test_a_call_that_could_exceed_the_budget_is_not_sent(tmp_path):
    budget = Budget(tmp_path, Limits(run=0.1), run="r")
    with openai_server() as server, pytest.raises(BudgetError) as caught:
        complete("hello world", chain=[provider(server)], settings={"max_tokens": 100}, budget=budget)

    assert server.requests == []
    assert caught.value.exit_code == 5
    assert caught.value.message == (
        "the budget of this run would be exceeded: 0.0000 of 0.1000 USD is spent, and m may cost 0.1270 USD"
    )
    assert caught.value.hint == "raise --max-cost or budget.run, lower max_tokens, or use a cheaper model"


def test_an_unknown_price_cannot_be_kept_within_a_budget(tmp_path):
    remote = create_provider("openai_compatible", model="nobody-knows", api_base="https://models.example.com/v1")
    with pytest.raises(BudgetError, match="the price of nobody-knows is not known"):
        complete("hi", chain=[remote], settings={"max_tokens": 9}, budget=Budget(tmp_path, Limits(run=1.0)))


def test_an_answer_of_unknown_length_cannot_be_kept_within_a_budget(tmp_path):
    with openai_server() as server, pytest.raises(BudgetError, match="how long an answer of m can be"):
        complete("hi", chain=[provider(server)], budget=Budget(tmp_path, Limits(run=1.0)))


def test_models_declared_local_cost_nothing_and_touch_no_ledger(tmp_path):
    with openai_server() as server:
        local = create_provider("openai_compatible", model="m", api_base=server.url, local=True)
        result = complete("hi", chain=[local], budget=Budget(tmp_path / "budget", Limits(run=0.0)))

    assert result.cost == 0.0
    assert not (tmp_path / "budget").exists()


def test_a_failure_that_cannot_have_been_billed_costs_nothing(tmp_path):
    budget = Budget(tmp_path, Limits(run=1.0), run="r")
    with openai_server(lambda server, seen: Reply(500)) as server, pytest.raises(ProviderError):
        complete(
            "hi", chain=[provider(server)], settings={"max_tokens": 100}, budget=budget, policy=RetryPolicy(retries=0)
        )

    assert budget.spend().run == 0


def test_an_answer_that_was_cut_off_counts_as_billed(tmp_path):
    budget = Budget(tmp_path, Limits(run=1.0), run="r")
    with openai_server(lambda server, seen: Reply(cut=20)) as server, pytest.raises(ProviderError):
        complete(
            "hi", chain=[provider(server)], settings={"max_tokens": 100}, budget=budget, policy=RetryPolicy(retries=0)
        )

    assert budget.spend().run == pytest.approx(0.118)


def test_windows_are_told_apart(tmp_path):
    january = Budget(tmp_path, Limits(), run="one", clock=at("2025-01-31T23:59:59"))
    january.settle(january.reserve(5.0, what="m"), 4.0)
    february = Budget(tmp_path, Limits(month=1.0), run="two", clock=at("2025-02-01T00:00:00"))
    february.settle(february.reserve(1.0, what="m"), 0.5)

    spend = february.spend()

    assert (spend.run, spend.month, spend.project) == (0.5, 0.5, 4.5)
    with pytest.raises(BudgetError, match="the budget of this month would be exceeded"):
        february.reserve(0.51, what="m")
    with pytest.raises(BudgetError, match="the budget of this project would be exceeded"):
        Budget(tmp_path, Limits(project=5.0), run="three").reserve(0.51, what="m")


def test_a_reservation_waits_for_others_to_be_settled_and_does_not_fail(tmp_path):
    first, second = (Budget(tmp_path, Limits(project=1.0), run=name) for name in "ab")
    held = first.reserve(0.8, what="m")

    assert second.reserve(0.8, what="m") is None
    first.settle(held, 0.1)
    assert second.reserve(0.8, what="m").amount == 0.8


def test_what_a_dead_process_had_set_aside_counts_as_spent(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from trainer.providers import Budget, Limits\n"
        "budget = Budget(Path(sys.argv[1]), Limits(project=1.0))\n"
        "budget.settle(budget.reserve(0.4, what='m'), 0.1)\n"
        "budget.reserve(0.3, what='m')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    budget = Budget(tmp_path, Limits(project=1.0))

    spend = budget.spend()

    assert died.returncode == -signal.SIGKILL
    assert (spend.project, spend.reserved) == (pytest.approx(0.4), 0)
    assert [path.name for path in tmp_path.glob("*.alive")] == [f"{os.getpid()}-{budget._owner[-8:]}.alive"]


def test_a_torn_line_is_dropped_and_the_ledger_goes_on(tmp_path):
    budget = Budget(tmp_path, Limits(project=1.0))
    budget.settle(budget.reserve(0.4, what="m"), 0.1)
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"do":"reserve","id":"x","us')
    other = Budget(tmp_path, Limits(project=1.0))
    other.settle(other.reserve(0.4, what="m"), 0.2)

    assert budget.spend().project == pytest.approx(0.3)
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 4


def simulate(folder: Path, luck: random.Random) -> tuple[float, float, int]:
    """One project with 64 callers in random turns, some dying: its limit, the provider's bill, the calls sent."""
    limit, bill, sent = luck.uniform(0.5, 5.0), 0.0, 0
    limits = Limits(project=limit)
    callers = [Budget(folder, limits, sync=lambda handle: None) for _ in range(64)]
    under_way: dict[int, tuple[Reservation, float]] = {}
    for _ in range(250):
        number = luck.randrange(64)
        if number in under_way:
            reservation, cost = under_way.pop(number)
            bill += cost
            if luck.random() < 0.2:
                callers[number].close()  # the system frees a dead process's lock
                callers[number] = Budget(folder, limits, sync=lambda handle: None)
            else:
                callers[number].settle(reservation, cost)
            continue
        worst = luck.uniform(0.01, 0.6)
        try:
            reservation = callers[number].reserve(worst, what="m")
        except BudgetError:
            continue
        if reservation is not None:
            under_way[number] = (reservation, luck.choice((0.0, luck.uniform(0, worst), worst)))
            sent += 1
    bill += sum(cost for _, cost in under_way.values())
    for caller in callers:
        caller.close()
    return limit, bill, sent


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("runs", [60, pytest.param(10_000, marks=pytest.mark.soak)])
def test_no_interleaving_of_64_callers_and_crashes_exceeds_the_limit(tmp_path, runs):
    over, sent = [], 0
    for seed in range(runs):
        folder = tmp_path / "budget"
        limit, bill, calls = simulate(folder, random.Random(seed))
        shutil.rmtree(folder)
        sent += calls
        if bill > limit + 1e-9:
            over.append(seed)

    assert over == []
    assert sent > 5 * runs


def test_64_concurrent_calls_stay_within_max_cost_and_use_it(tmp_path):
    bill = []

    def script(server, seen):
        words = 1 + len(bill) % 40
        bill.append((words + 2) / 1000)
        return Reply(content="word " * words, delay=0.01)

    budget = Budget(tmp_path, Limits(run=1.0), run="r")
    with openai_server(script) as server:
        link = provider(server)
        jobs = [call(f"row {n}", [link], {"max_tokens": 40}, budget=budget) for n in range(100)]
        outcomes = complete_many(jobs, concurrency=64)

    refused = sum(isinstance(outcome, BudgetError) for outcome in outcomes)
    assert sum(bill) <= 1.0
    assert sum(bill) > 1.0 - 0.063
    assert refused == 100 - len(bill)
    assert budget.spend().run == pytest.approx(sum(bill))


CHILD = """
import random, sys
from pathlib import Path
from servers.clients import call
from trainer.providers import Budget, Limits, ScopedLimit, complete_many, create_provider
url, folder, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
prices = {"m": {"input": 1000, "output": 1000}}
link = create_provider("openai_compatible", model="m", api_base=url, prices=prices)
budget = Budget(folder, Limits(project=6.0))
jobs = [call(f"row {seed} {n}", [link], {"max_tokens": 40}, budget=budget) for n in range(200)]
complete_many(jobs, concurrency=16)
"""


def kill_processes(folder: Path, *, processes: int, kills: int) -> float:
    """What the server billed while processes that share a budget were killed and started again."""
    bill = []

    def script(server, seen):
        words = random.Random(seen.body["messages"][0]["content"]).randrange(1, 41)
        bill.append((words + 3) / 1000)
        return Reply(content="word " * words, delay=0.01)

    with openai_server(script) as server:
        command = [sys.executable, "-c", CHILD, server.url, str(folder)]
        children = [subprocess.Popen([*command, str(n)], env=ENVIRON) for n in range(processes)]
        for n in range(kills):
            seen = len(bill)
            deadline = time.monotonic() + 5
            while len(bill) < seen + 3 and time.monotonic() < deadline:
                time.sleep(0.005)
            children[n % processes].kill()
            children[n % processes].wait()
            children[n % processes] = subprocess.Popen([*command, str(processes + n)], env=ENVIRON)
        for child in children:
            child.wait(60)
    return sum(bill)


def test_processes_that_are_killed_never_exceed_their_common_budget(tmp_path):
    bill = kill_processes(tmp_path, processes=4, kills=4)

    assert 1.5 < bill <= 6.0  # each kill leaves at most 16 calls that count as spent, about a dollar
    assert Budget(tmp_path, Limits()).spend().project >= bill - 1e-9


@pytest.mark.parametrize(
    ("window", "period", "ends"),
    [
        ("day", "2025-01-30", "2025-01-31"),
        ("week", "2025-W05", "2025-02-03"),
        ("month", "2025-01", "2025-02-01"),
        ("ever", "", "None"),
    ],
)
def test_windows_are_days_weeks_and_months_of_the_calendar(window, period, ends):
    limit = ScopedLimit(1.0, window)

    assert (limit.period("2025-01-30T12:00:00Z"), str(limit.ends("2025-01-30T12:00:00Z"))) == (period, ends)


def test_a_department_is_refused_beyond_its_limit_and_others_are_not(tmp_path):
    limits = Limits(scoped=(ScopedLimit(1.0, "month", department="finance", model="large"),))
    budgets = {
        name: Budget(tmp_path, limits, labels={"department": name}, clock=at("2025-01-30T12:00:00"))
        for name in ("finance", "risk")
    }
    budgets["finance"].settle(budgets["finance"].reserve(0.9, what="large"), 0.9)

    assert budgets["risk"].reserve(0.9, what="large").amount == 0.9
    assert budgets["finance"].reserve(0.9, what="small").amount == 0.9
    with pytest.raises(BudgetError) as refused:
        budgets["finance"].reserve(0.2, what="large")
    assert refused.value.message == (
        "the budget of department finance, model large this month would be exceeded: 0.9000 of 1.0000 USD is spent, "
        "and large may cost 0.2000 USD"
    )
    assert "budget.limits" in refused.value.hint
    assert "wait until 2025-02-01" in refused.value.hint
    assert [spent for _, spent in budgets["risk"].scoped_spend()] == [pytest.approx(0.9)]


def test_a_limit_waits_for_what_others_of_its_scope_have_set_aside(tmp_path):
    limits = Limits(scoped=(ScopedLimit(1.0, "ever", user="ann"),))
    first, second = (Budget(tmp_path, limits, run=name, labels={"user": "ann"}) for name in "ab")
    reservation = first.reserve(0.8, what="m")

    assert second.reserve(0.8, what="m") is None
    first.settle(reservation, 0.1)
    assert second.reserve(0.8, what="m").amount == 0.8
