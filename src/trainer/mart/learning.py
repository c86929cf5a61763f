"""What the records say of configurations: estimates that borrow from sibling contexts, and how often to pick each.

An operation is run in contexts (the type and size of what comes in) with configurations. The utility of a run is
`quality - cost_weight * cost - seconds_weight * seconds`. A configuration's utility in a context is estimated as

    utility of the context + effect of the configuration + its own deviation in this context

where effects are pooled over the contexts of the operation, and those again with the other operations of the module:
an additive model with partial pooling (Gelman and Hill, Data Analysis Using Regression, chapter 12). What was not tried
in a context is thus expected to do as well there as elsewhere, with an uncertainty of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

CHANGE_SCORE = 6.0
"""Standard errors between before and after from which on a change is believed; false alarms and delays are measured
in benchmarks/mart_learning.py, with every split of every length looked at."""
_FEWEST_AFTER = 10
"""Trials after a change: with six, five failures in a row of a configuration that fails one time in ten were one."""
_LEAST_VARIANCE = 0.03**2
"""Of one trial; a few equal results do not make certain."""
_LEAST_TAU = 0.02**2
_PRIOR_TAU = 0.1**2
"""Variance between contexts where too few are there to tell: quality is from 0 to 1, contexts differ by a tenth."""
_PRIOR_CELLS = 8
_WIDE = 0.3**2
"""Variance of an effect of which nothing is known."""
_CELLS = 48
"""Points of the integral of choice probabilities: within 0.002 of 2,000 points for eight configurations."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a US dollar and a second are worth, in quality."""

    cost: float = 1.0
    """Quality that one dollar has to buy: 1.0 means that ten cents are worth a tenth of all quality."""
    seconds: float = 0.001

    def utility(self, quality: float, cost: float | None, seconds: float | None) -> float:
        """Of one run."""
        return quality - self.cost * (cost or 0.0) - self.seconds * (seconds or 0.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a configuration."""

    quality: float
    """From 0 to 1; 0 where it failed."""
    cost: float | None = None
    seconds: float | None = None
    propensity: float | None = None
    """The chance the configuration had when it was picked."""
    success: bool = True


@dataclass(frozen=True, slots=True)
class ArmStatistics:
    """What was seen of one configuration in one context since its last change."""

    trials: int
    utility: float
    """Mean."""
    variance: float
    """Of one trial's utility."""
    quality: float
    cost: float
    seconds: float
    successes: int
    changed: int = 0
    """Trials before the last change, which count no more."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What is known of a configuration before it was tried in a context: its deviation from the context's mean."""

    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class OperationStatistics:
    """What one operation's records say; a value that a file can hold."""

    module: str
    operation: str
    weights: Weights
    sigma: float
    """Variance of one trial within a context."""
    level: float
    """Mean utility over all contexts."""
    configs: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """By hash."""
    contexts: Mapping[str, Mapping[str, ArmStatistics]] = field(default_factory=dict)
    """By context key, then by hash."""
    effects: Mapping[str, Effect] = field(default_factory=dict)
    """By hash."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a configuration's utility in a context is thought to be."""

    mean: float
    deviation: float
    """Standard deviation of the mean."""
    trials: int = 0

    @property
    def interval(self) -> tuple[float, float]:
        """90 %."""
        return self.mean - 1.645 * self.deviation, self.mean + 1.645 * self.deviation


def summarise(trials: Sequence[Trial], weights: Weights) -> ArmStatistics:
    """The statistics of one configuration in one context, from its trials in the order of time."""
    utilities = [weights.utility(trial.quality, trial.cost, trial.seconds) for trial in trials]
    start = last_change(utilities)
    recent, values = trials[start:], utilities[start:]
    count = len(recent)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / max(1, count - 1)
    return ArmStatistics(
        count,
        mean,
        variance,
        math.fsum(trial.quality for trial in recent) / count,
        math.fsum(trial.cost or 0.0 for trial in recent) / count,
        math.fsum(trial.seconds or 0.0 for trial in recent) / count,
        sum(trial.success for trial in recent),
        changed=start,
    )


def last_change(values: Sequence[float]) -> int:
    """Where the last change of the mean begins; 0 where there is none.

    The split with the largest score counts (a generalised likelihood ratio), and the rest is looked at again.
    """
    start = 0
    while (split := _change(values[start:])) is not None:
        start += split
    return start


def _change(values: Sequence[float]) -> int | None:
    """The most likely first trial after a change."""
    count = len(values)
    if count < 2 * _FEWEST_AFTER:
        return None
    sums = list(accumulate(values))
    squares = list(accumulate(value * value for value in values))
    best, where = 0.0, None
    for split in range(_FEWEST_AFTER, count - _FEWEST_AFTER + 1):
        after = count - split
        before_mean, after_mean = sums[split - 1] / split, (sums[-1] - sums[split - 1]) / after
        # the scatter within both parts; in the whole it would hide the very change
        within = squares[-1] - split * before_mean**2 - after * after_mean**2
        variance = max(within / (count - 2), _LEAST_VARIANCE)
        score = (before_mean - after_mean) ** 2 * split * after / (count * variance)
        if score > best:
            best, where = score, split
    return where if best > _threshold(count) ** 2 else None


def _threshold(count: int) -> float:
    """Scores of few trials have the tails of Student's distribution: what is 6 of a thousand is more of a dozen."""
    return CHANGE_SCORE * math.sqrt(1 + 12 / count)


def learn(
    module: str,
    operation: str,
    contexts: Mapping[str, Mapping[str, ArmStatistics]],
    *,
    weights: Weights,
    configs: Mapping[str, Mapping[str, object]],
    elsewhere: Mapping[str, Effect] | None = None,
) -> OperationStatistics:
    """What the statistics of an operation come to; `elsewhere` are the effects of other operations of its module."""
    contexts = {key: arms for key, arms in contexts.items() if arms}
    cells = [(key, name, arm) for key, arms in contexts.items() for name, arm in arms.items()]
    if not cells:
        return OperationStatistics(module, operation, weights, _LEAST_VARIANCE, 0.5, configs, contexts, elsewhere or {})
    freedom = sum(arm.trials - 1 for _, _, arm in cells)
    within = math.fsum(arm.variance * (arm.trials - 1) for _, _, arm in cells)
    # as if a dozen trials with a deviation of 0.15 had been seen before
    sigma = max(_LEAST_VARIANCE, (within + 12 * 0.15**2) / (freedom + 12))
    effects, levels = _two_way(contexts, sigma)
    tau = _between(cells, effects, levels, sigma)
    pooled = {}
    for name in {*effects, *(elsewhere or {})}:
        prior = (elsewhere or {}).get(name, Effect(0.0, _WIDE))
        arms = [arms[name] for arms in contexts.values() if name in arms]
        precision = math.fsum(1 / (tau + sigma / arm.trials) for arm in arms)
        whole = precision + 1 / prior.variance
        mean = (precision * effects.get(name, 0.0) + prior.mean / prior.variance) / whole
        pooled[name] = Effect(mean, tau + 1 / whole)
    level = math.fsum(levels.values()) / len(levels)
    return OperationStatistics(module, operation, weights, sigma, level, configs, contexts, pooled)


def _two_way(
    contexts: Mapping[str, Mapping[str, ArmStatistics]], sigma: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Effects of configurations and levels of contexts that fit all means best; a few rounds of taking turns.

    A cell weighs what its mean is worth beside the usual difference between contexts.
    """
    effects = dict.fromkeys({name for arms in contexts.values() for name in arms}, 0.0)
    levels = dict.fromkeys(contexts, 0.0)
    weigh = {
        key: {name: 1 / (_PRIOR_TAU + sigma / arm.trials) for name, arm in arms.items()}
        for key, arms in contexts.items()
    }
    for _ in range(6):
        for key, arms in contexts.items():
            whole = math.fsum(weigh[key].values())
            levels[key] = (
                math.fsum(weigh[key][name] * (arm.utility - effects[name]) for name, arm in arms.items()) / whole
            )
        for name in effects:
            cells = [
                (weigh[key][name], arms[name].utility - levels[key]) for key, arms in contexts.items() if name in arms
            ]
            effects[name] = math.fsum(w * value for w, value in cells) / math.fsum(w for w, _ in cells)
    middle = math.fsum(effects.values()) / len(effects)
    return {name: value - middle for name, value in effects.items()}, {
        key: value + middle for key, value in levels.items()
    }


def _between(
    cells: Iterable[tuple[str, str, ArmStatistics]],
    effects: Mapping[str, float],
    levels: Mapping[str, float],
    sigma: float,
) -> float:
    """The variance of a configuration's deviations between contexts, by moments, beside a prior of a few cells."""
    whole, total = float(_PRIOR_CELLS), _PRIOR_CELLS * _PRIOR_TAU
    for key, name, arm in cells:
        if arm.trials >= 2:
            weight = min(1.0, arm.trials / 10)
            total += weight * ((arm.utility - effects[name] - levels[key]) ** 2 - sigma / arm.trials)
            whole += weight
    return max(_LEAST_TAU, total / whole)


def estimate(learned: OperationStatistics, context: str, names: Iterable[str]) -> dict[str, Estimate]:
    """The estimates of the named configurations in a context, tried there or not."""
    arms = learned.contexts.get(context, {})
    unknown = Effect(0.0, _WIDE)
    weights = [(arm.trials, arm.utility - learned.effects.get(name, unknown).mean) for name, arm in arms.items()]
    tried = sum(count for count, _ in weights)
    level = math.fsum(count * value for count, value in weights) / tried if tried else learned.level
    estimates = {}
    for name in names:
        effect = learned.effects.get(name, unknown)
        arm = arms.get(name)
        # what a configuration was elsewhere says little of it once it has changed here
        variance = max(effect.variance, _WIDE) if arm and arm.changed else effect.variance
        precision, weighted, count = 1 / variance, (level + effect.mean) / variance, 0
        if arm is not None:
            count = arm.trials
            precision += count / learned.sigma
            weighted += count * arm.utility / learned.sigma
        estimates[name] = Estimate(weighted / precision, math.sqrt(1 / precision), count)
    return estimates


def choice_probabilities(estimates: Mapping[str, Estimate]) -> dict[str, float]:
    """How likely each is the best: what Thompson sampling picks with, computed and not drawn, so that it can be logged.

    The integral over x of the density of one at x times the chance that all others are below it.
    """
    names = list(estimates)
    if len(names) == 1:
        return {names[0]: 1.0}
    low = min(item.mean - 4 * item.deviation for item in estimates.values())
    high = max(item.mean + 4 * item.deviation for item in estimates.values())
    lowest = max(item.mean - 4 * item.deviation for item in estimates.values())  # below it, the largest never is
    low = max(low, min(lowest, high))
    step = (high - low) / _CELLS
    edges = [low + step * number for number in range(_CELLS + 1)]
    below = [
        [0.5 * (1 + math.erf((x - item.mean) / (item.deviation * math.sqrt(2)))) for x in edges]
        for item in estimates.values()
    ]
    masses = [0.0] * len(names)
    for at in range(_CELLS):
        middle = [max((line[at] + line[at + 1]) / 2, 1e-12) for line in below]
        together = math.prod(middle)
        for index, line in enumerate(below):
            mass = line[at + 1] - line[at] + (line[0] if at == 0 else 0.0)
            masses[index] += mass * together / middle[index]
    whole = math.fsum(masses) or 1.0
    return {name: mass / whole for name, mass in zip(names, masses, strict=True)}
