"""Which configuration runs next: estimates, chances, guardrails, changes, policies and what files hold."""

from __future__ import annotations

import math
import random

import pytest

from servers.records import opener
from trainer.core.errors import ConfigError, UsageError
from trainer.mart import (
    Exploration,
    LearnedFiles,
    LoggedChoice,
    Policy,
    PolicyFiles,
    TidyMartConfigProvider,
    TidyMartLearningEngine,
    Tracker,
    Trial,
    Weights,
    compare,
    config_hash,
    context_key,
    drain,
    needed,
    policy_value,
)
from trainer.mart.learning import Estimate, choice_probabilities, estimate, last_change, learn, summarise

SMALL, LARGE = {"model": "small"}, {"model": "large"}
WEIGHTS = Weights(0.0, 0.0)


def track(folder, runs, *, module="documents", operation="extract", context=None):
    tracker = Tracker(folder / "spool")
    for config, quality in runs:
        execution = tracker.start(
            module, operation, {"config": config, "context_key": context or "", "propensity": 0.5}
        )
        tracker.complete(execution, {"quality": quality, "cost": 0.25, "seconds": 2})
    tracker.close()


def learned(folder):
    files = LearnedFiles(folder / "learned", WEIGHTS)
    result = drain(folder / "spool", opener(folder / "mart.duckdb"), learned=files)
    assert result.error == ""
    return files


def provider(files, **options):
    return TidyMartConfigProvider(files, candidates={"documents.extract": [SMALL, LARGE]}, seed=1, **options)


def test_before_anything_is_recorded_the_first_candidate_holds(tmp_path):
    decision = provider(LearnedFiles(tmp_path)).decide("documents", "extract", {})

    assert (decision.config, decision.policy, decision.propensity) == (SMALL, "default", 1.0)


def test_where_nothing_is_declared_what_the_package_brings_holds(tmp_path):
    asked = TidyMartConfigProvider(LearnedFiles(tmp_path))

    assert asked.get_optimal_config("sentence", "embed", {}) == {"embedding_method": "tfidf", "batch_size": 64}
    assert asked.get_optimal_config("other", "embed", {}) == asked.get_fallback_config("other", "embed") == {}


def test_what_is_better_is_chosen_with_the_share_that_exploration_has(tmp_path):
    track(tmp_path, [(SMALL, 0.5), (LARGE, 0.9)] * 30)
    decision = provider(learned(tmp_path), exploration=Exploration(share=0.2)).decide("documents", "extract", {})

    assert decision.probabilities[config_hash(LARGE)] == pytest.approx(0.2, abs=0.001)
    assert (
        provider(learned(tmp_path), exploration=Exploration(share=1.0)).get_optimal_config("documents", "extract", {})
        == LARGE
    )
    still = provider(learned(tmp_path), exploration=Exploration(share=1.0)).decide(
        "documents", "extract", {}, explore=False
    )
    assert (still.config, still.propensity) == (SMALL, 1.0)


def test_the_best_of_what_was_run_holds_where_nothing_is_declared(tmp_path):
    track(tmp_path, [(SMALL, 0.5), (LARGE, 0.9)] * 10)

    assert TidyMartConfigProvider(learned(tmp_path)).get_optimal_config("documents", "extract", {}) == LARGE


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Exploration(share=1.0, quality_floor=0.5), "quality 0.20 in 30 trials is below 0.50"),
        (Exploration(share=1.0, spend=7.5), "trying candidates has cost 7.50 of 7.50 USD"),
    ],
)
def test_a_guardrail_takes_a_candidate_out(tmp_path, limits, reason):
    track(tmp_path, [(SMALL, 0.6), (LARGE, 0.2)] * 30)
    decision = provider(learned(tmp_path), exploration=limits).decide("documents", "extract", {})

    assert (decision.config, decision.excluded) == (SMALL, {config_hash(LARGE): reason})


def test_what_people_say_counts_more_than_the_checks_and_a_failure_is_nothing(tmp_path):
    tracker = Tracker(tmp_path / "spool")
    executions = [tracker.start("documents", "extract", {"config": SMALL}) for _ in range(3)]
    for execution in executions[:2]:
        tracker.complete(execution, {"quality": 0.9})
    tracker.complete(executions[2], {"status": "fail", "quality": 0.9})
    tracker.rate(executions[0], 0.3, source="person", actor="ann")
    tracker.close()
    arm = learned(tmp_path).read("documents", "extract").contexts[""][config_hash(SMALL)]

    assert (arm.trials, arm.quality, arm.successes) == (3, pytest.approx((0.3 + 0.9 + 0) / 3), 2)


def test_a_rating_that_comes_later_is_learned_from(tmp_path):
    tracker = Tracker(tmp_path / "spool")
    execution = tracker.start("documents", "extract", {"config": SMALL})
    tracker.complete(execution, {"quality": 0.9})
    tracker.close()
    learned(tmp_path)
    tracker = Tracker(tmp_path / "spool")
    tracker.rate(execution, 0.1, source="person")
    tracker.close()

    assert learned(tmp_path).read("documents", "extract").contexts[""][config_hash(SMALL)].quality == 0.1


def test_what_comes_from_the_cache_and_what_was_cancelled_is_no_trial(tmp_path):
    tracker = Tracker(tmp_path / "spool")
    for results in ({"origin": "cached"}, {"status": "cancelled"}, {"origin": "fresh"}):
        tracker.complete(tracker.start("documents", "extract", {"config": SMALL}), {"quality": 0.5, **results})
    tracker.close()

    assert learned(tmp_path).read("documents", "extract").contexts[""][config_hash(SMALL)].trials == 1


def test_a_drain_that_died_before_it_published_is_made_up_for(tmp_path):
    track(tmp_path, [(SMALL, 0.5)])
    drain(tmp_path / "spool", opener(tmp_path / "mart.duckdb"))
    LearnedFiles(tmp_path / "learned", WEIGHTS).begin()
    track(tmp_path, [(LARGE, 0.5)], operation="other")

    assert {item.operation for item in learned(tmp_path).operations()} == {"extract", "other"}


def test_other_weights_are_taken_at_once(tmp_path):
    track(tmp_path, [(SMALL, 0.5)] * 3)
    learned(tmp_path)
    read = LearnedFiles(tmp_path / "learned", Weights(cost=1.0, seconds=0.05)).read("documents", "extract")

    assert read.contexts[""][config_hash(SMALL)].utility == pytest.approx(0.5 - 0.25 - 0.1)


def test_a_spoilt_file_is_no_file(tmp_path):
    (tmp_path / "documents.extract.json").write_bytes(b"\xff{")

    assert provider(LearnedFiles(tmp_path)).get_optimal_config("documents", "extract", {}) == SMALL


def test_a_context_that_is_new_begins_with_what_siblings_taught():
    arms = {name: summarise([Trial(quality)] * 20, WEIGHTS) for name, quality in (("a", 0.4), ("b", 0.7))}
    fresh = estimate(learn("m", "o", {str(n): arms for n in range(5)}, weights=WEIGHTS, configs={}), "new", ["a", "b"])

    assert fresh["b"].mean - fresh["a"].mean == pytest.approx(0.3, abs=0.03)
    assert choice_probabilities(fresh)["b"] > 0.8


def test_chances_are_those_of_drawing_from_the_estimates():
    estimates = {"a": Estimate(0.5, 0.05), "b": Estimate(0.55, 0.1), "c": Estimate(0.3, 0.02)}
    draws = random.Random(7)
    counts = dict.fromkeys(estimates, 0)
    for _ in range(20_000):
        drawn = {name: draws.gauss(item.mean, item.deviation) for name, item in estimates.items()}
        counts[max(drawn, key=drawn.get)] += 1
    chances = choice_probabilities(estimates)

    assert math.fsum(chances.values()) == pytest.approx(1.0)
    assert {name: count / 20_000 for name, count in counts.items()} == pytest.approx(chances, abs=0.012)


def test_a_change_is_found_where_it_is_and_a_steady_series_has_none():
    draws = random.Random(5)
    steady = [draws.gauss(0.8, 0.1) for _ in range(300)]
    fallen = [*steady, *(draws.gauss(0.4, 0.1) for _ in range(20))]

    assert last_change(steady) == 0
    assert abs(last_change(fallen) - 300) <= 1


@pytest.mark.parametrize(
    ("context", "key"),
    [
        ({"document_type": "invoice", "file_size_mb": 1.5, "path": "a.pdf"}, "document_type=invoice file_size_mb~1"),
        ({"text_length": 900}, "text_length~1024"),
        ({"text_length": -1, "document_type": 3, "rows": True}, ""),
    ],
)
def test_contexts_are_kinds_of_work(context, key):
    assert context_key(context) == key


def test_a_policy_goes_from_state_to_state_and_back(tmp_path):
    files = PolicyFiles(tmp_path)
    files.write(Policy("p", "documents", "extract", LARGE))
    decide = lambda: provider(LearnedFiles(tmp_path / "none"), policies=files.read()).decide("documents", "extract", {})  # noqa: E731

    assert decide().config == SMALL
    assert [files.advance("p").state, decide().config, decide().shadow] == ["shadow", SMALL, config_hash(LARGE)]
    assert [files.advance("p").state, files.advance("p").state, decide().config] == ["canary", "active", LARGE]
    with pytest.raises(UsageError, match="is active, and nothing comes after it"):
        files.advance("p")
    assert [files.retire("p").state, decide().config] == ["retired", SMALL]


def test_a_second_active_policy_retires_the_first(tmp_path):
    files = PolicyFiles(tmp_path)
    files.write(Policy("a", "documents", "extract", SMALL, state="active"))
    files.write(Policy("b", "documents", "extract", LARGE, state="canary"))
    files.advance("b")

    assert [(policy.name, policy.state) for policy in files.read()] == [("a", "retired"), ("b", "active")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "a policy is a mapping"),
        ("modul: x", "unknown key"),
        ("module: x\noperation: y\nconfig: {}\nstate: on", "Invalid enum"),
    ],
)
def test_a_policy_file_that_is_none_is_told(tmp_path, text, message):
    (tmp_path / "p.yaml").write_text(text)

    with pytest.raises(ConfigError, match=message):
        PolicyFiles(tmp_path).read()


def test_a_switch_is_recommended_with_its_evidence(tmp_path):
    track(tmp_path, [(SMALL, 0.5), (LARGE, 0.9)] * 30)
    engine = TidyMartLearningEngine(learned(tmp_path), opener(tmp_path / "mart.duckdb"), approved=lambda *_: SMALL)
    (item,) = engine.recommendations()
    item = engine.with_evidence(item)

    assert (item.action, item.recommended, item.trials, item.trials_needed) == ("switch", LARGE, 30, 0)
    assert item.gain == pytest.approx(0.4, abs=0.02)
    assert item.value.low <= 0.9 <= item.value.high
    assert item.value.matching == 30
    assert engine.get_optimization_recommendations("sentence") == []


def test_too_few_trials_say_how_many_are_missing(tmp_path):
    track(tmp_path, [(SMALL, 0.5), (LARGE, 0.55)] * 2)
    engine = TidyMartLearningEngine(learned(tmp_path), approved=lambda *_: SMALL)
    (item,) = engine.recommendations()

    assert item.action == "try"
    assert item.trials_needed > 50


def test_an_estimate_of_what_was_never_run_is_none():
    choices = [LoggedChoice("a", "", Trial(0.5, propensity=1.0))] * 5

    assert policy_value(choices, "b", WEIGHTS) is None


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        ([0.9, 0.8] * 100, "second"),
        ([0.5, 0.4] * 4, "running"),
        ([0.1, 0.2] * 100, "harm"),
        ([0.5, 0.4] * 3000, "equal"),
    ],
)
def test_a_comparison_ends_where_its_interval_says_so(second, verdict):
    assert compare([0.4, 0.5] * len(second[::2]), second, effect=0.05, harm=0.1).verdict == verdict


def test_the_sample_size_is_what_an_interval_of_that_width_needs():
    size = needed(0.15**2, 0.05)

    assert needed(0.15**2, 0.1) < size < needed(0.3**2, 0.05)
    assert size == 197
