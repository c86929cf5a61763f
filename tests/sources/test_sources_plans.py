from __future__ import annotations

import pytest

from trainer.sources import Choice, plan_batch, plan_concurrency, plan_tokens, plan_workers

MODEL = {"model_name": "gpt-4o-mini", "max_model_len": 128_000, "reserved_output": 4_000}


def test_a_prompt_may_have_what_the_window_leaves_beside_the_answer():
    choice = plan_tokens(MODEL)

    assert choice.value == 124_000
    assert choice.reason == "the window of gpt-4o-mini holds 128,000 tokens beside an answer of 4,000"


def test_the_setting_holds_where_it_is_less_than_the_window_leaves_and_the_window_where_it_is_more():
    assert plan_tokens(MODEL, Choice(10_000, "prompt_manager.max_tokens", "setting")).origin == "setting"
    assert plan_tokens(MODEL, Choice(500_000, "prompt_manager.max_tokens", "setting")).value == 124_000


def test_a_model_whose_window_is_not_known_limits_nothing():
    assert plan_tokens({}).value is None


@pytest.mark.parametrize(
    ("performance", "resources", "value", "reason"),
    [
        ({}, {}, 8, "no request to this model is recorded yet"),
        ({"total_requests": 9}, {}, 8, "only 9 requests were recorded with 8 at once"),
        ({"total_requests": 40}, {}, 16, "0 of 40 requests were refused with 8 at once"),
        ({"total_requests": 99, "concurrent_requests": 32}, {}, 32, "0 of 99 requests were refused with 32 at once"),
        ({"total_requests": 40, "refused_requests": 3}, {}, 4, "3 of 40 requests were refused with 8 at once"),
        (
            {"total_requests": 40, "refused_requests": 1, "mean_seconds": 4.0},
            {"requests_per_minute": 50},
            4,
            "50 requests a minute of 4 s each",
        ),
    ],
)
def test_calls_at_once_follow_from_what_was_recorded(performance, resources, value, reason):
    choice = plan_concurrency(performance, resources, calls=1000)

    assert (choice.value, choice.reason) == (value, reason)


def test_never_more_calls_are_under_way_than_there_are():
    assert plan_concurrency({"total_requests": 500, "concurrent_requests": 16}, {}, calls=20).value == 20
    assert plan_concurrency({}, {}, calls=3).value == 3


def test_a_flag_decides_whatever_the_records_say():
    flag = Choice(2, "--concurrency", "flag")

    assert plan_concurrency({"total_requests": 500}, {}, calls=100, chosen=flag) == flag


@pytest.mark.parametrize(
    ("cores", "free", "others", "items", "reason"),
    [
        (8, None, 0, 100, "8 cores"),
        (8, None, 3, 100, "2 cores, shared with 3 other processes"),
        (8, None, 0, 3, "3 items"),
        (64, 1_000_000_000, 0, 100, "5 of 100 MB in 1,000 MB of free memory"),
        (8, 10_000_000, 0, 100, "1 of 100 MB in 10 MB of free memory"),
    ],
)
def test_workers_fit_cores_memory_and_items(cores, free, others, items, reason):
    resources = {"max_concurrent_processes": cores, "memory_bytes": free}

    choice = plan_workers(resources, {"in_flight": others}, items=items, memory=100_000_000)

    assert (choice.value, choice.reason) == (int(reason.split()[0]), reason)


def test_a_batch_holds_as_many_items_as_half_of_the_free_memory_takes():
    assert plan_batch({"memory_bytes": 1_000_000_000}, items=1000, largest=50_000_000).value == 10
    assert plan_batch({"memory_bytes": 1_000_000}, items=1000, largest=50_000_000).value == 1
    assert plan_batch({}, items=1000, largest=1).value == 200
