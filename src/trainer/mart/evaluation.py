"""What a configuration would have brought, from the log of what others did: off-policy estimates with an interval."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.mart.learning import Trial, Weights

_LEAST_PROPENSITY = 0.01
"""A run picked with a smaller chance counts no more than a hundred others."""


@dataclass(frozen=True, slots=True)
class LoggedChoice:
    """One run as it was logged."""

    config_hash: str
    context_key: str
    trial: Trial


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """The mean utility that always running one configuration would have had."""

    value: float
    low: float
    high: float
    """90 % interval."""
    trials: int
    """Logged runs it rests on."""
    matching: int
    """Of them, those of this very configuration."""


def policy_value(choices: Sequence[LoggedChoice], config_hash: str, weights: Weights) -> PolicyValue | None:
    """The doubly robust estimate (Dudik et al., 2011) of one configuration; None where it was never run by chance.

    A model, the mean of the configuration's runs in the same context, plus its errors weighed by one over their chance.
    The model of each half of the log comes from the other half, so that it does not see what it is held against.
    Runs without a logged chance teach the model and correct nothing.
    """
    logged = [choice for choice in choices if choice.trial.propensity]
    matching = [choice for choice in logged if choice.config_hash == config_hash]
    if len(matching) < 2:
        return None
    scores: list[float] = []
    draws = random.Random(0)  # noqa: S311  (by lot, for every other run may have had the same configuration)
    halves: tuple[list[LoggedChoice], list[LoggedChoice]] = ([], [])
    for choice in choices:
        halves[draws.random() < 0.5].append(choice)
    for half in (0, 1):
        model = _means(halves[1 - half], config_hash, weights)
        for choice in halves[half]:
            if not choice.trial.propensity:
                continue
            expected = model.get(choice.context_key, model[""])
            score = expected
            if choice.config_hash == config_hash:
                chance = max(choice.trial.propensity, _LEAST_PROPENSITY)
                score += (_utility(choice, weights) - expected) / chance
            scores.append(score)
    count = len(scores)
    mean = math.fsum(scores) / count
    variance = math.fsum((score - mean) ** 2 for score in scores) / max(1, count - 1)
    # a few runs of great weight tell their own scatter badly: Student's quantile of the effective sample size (Kish,
    # 1965), expanded as Cornish and Fisher do
    shares = [1 / max(choice.trial.propensity or 1.0, _LEAST_PROPENSITY) for choice in matching]
    freedom = max(2.0, math.fsum(shares) ** 2 / math.fsum(share**2 for share in shares) / 2 - 1)
    quantile = 1.645 * (1 + (1.645**2 + 1) / (4 * freedom))
    half_width = quantile * math.sqrt(variance / count)
    return PolicyValue(mean, mean - half_width, mean + half_width, count, len(matching))


def _means(choices: Sequence[LoggedChoice], config_hash: str, weights: Weights) -> dict[str, float]:
    """Mean utility of a configuration by context key, and under "" over all of them."""
    sums: dict[str, tuple[float, int]] = {}
    for choice in choices:
        if choice.config_hash == config_hash:
            for key in {choice.context_key, ""}:
                total, count = sums.get(key, (0.0, 0))
                sums[key] = total + _utility(choice, weights), count + 1
    means = {key: total / count for key, (total, count) in sums.items()}
    return {"": 0.5, **means}


def _utility(choice: LoggedChoice, weights: Weights) -> float:
    return weights.utility(choice.trial.quality, choice.trial.cost, choice.trial.seconds)
