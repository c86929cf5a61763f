"""How soon the records know the best of eight configurations, leave one that collapsed, and how often they are wrong.

A simulation, and so our own making: qualities are drawn around effects that contexts share, with deviations of their
own; the constants of trainer/mart/learning.py were set with other seeds than those that are printed here.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

from trainer.mart import LoggedChoice, Trial, Weights, compare, policy_value
from trainer.mart.learning import (
    ArmStatistics,
    OperationStatistics,
    choice_probabilities,
    estimate,
    last_change,
    learn,
    summarise,
)

WEIGHTS = Weights(0.0, 0.0)
ARMS = [str(number) for number in range(8)]
TRIALS = 60
FIRST_SEED = 20_000


class World:
    """Eight configurations in contexts; a run gives a quality from 0 to 1."""

    def __init__(self, seed: int, contexts: int, *, spread: float, own: float, noise: float | None) -> None:
        self.draws = random.Random(seed)
        effects = [self.draws.gauss(0, spread) for _ in ARMS]
        levels = [self.draws.uniform(0.4, 0.7) for _ in range(contexts)]
        self.truth = [
            {
                arm: min(0.98, max(0.02, level + effect + self.draws.gauss(0, own)))
                for arm, effect in zip(ARMS, effects, strict=True)
            }
            for level in levels
        ]
        self.noise = noise

    def run(self, mean: float) -> float:
        """The quality of one run: graded with some noise, or yes and no."""
        if self.noise is None:
            return float(self.draws.random() < mean)
        return min(1.0, max(0.0, self.draws.gauss(mean, self.noise)))


def explore(
    world: World, context: int, before: dict[str, dict[str, ArmStatistics]], trials: int
) -> tuple[str, dict[str, ArmStatistics]]:
    """The configuration thought best after so many trials in a context, and its statistics."""
    base = learn("m", "o", before, weights=WEIGHTS, configs={})
    series: dict[str, list[Trial]] = {}
    arms: dict[str, ArmStatistics] = {}
    key = str(context)
    for _ in range(trials):
        learned = OperationStatistics("m", "o", WEIGHTS, base.sigma, base.level, {}, {key: arms}, base.effects)
        chances = choice_probabilities(estimate(learned, key, ARMS))
        arm = world.draws.choices(list(chances), list(chances.values()))[0]
        series.setdefault(arm, []).append(Trial(world.run(world.truth[context][arm])))
        arms[arm] = summarise(series[arm], WEIGHTS)
    final = learn("m", "o", {**before, key: arms}, weights=WEIGHTS, configs={})
    estimates = estimate(final, key, ARMS)
    return max(estimates, key=lambda name: estimates[name].mean), arms


def convergence(worlds: int, contexts: int, *, pooled: bool, **kind: float | None) -> float:
    """The share of contexts in which the chosen configuration is within 5 % of the best after 60 trials."""
    good = 0
    for seed in range(FIRST_SEED, FIRST_SEED + worlds):
        world = World(seed, contexts, **kind)  # type: ignore[arg-type]
        before: dict[str, dict[str, ArmStatistics]] = {}
        for context in range(contexts):
            best, arms = explore(world, context, before if pooled else {}, TRIALS)
            before[str(context)] = arms
            good += world.truth[context][best] >= 0.95 * max(world.truth[context].values())
    return good / worlds / contexts


def collapse(worlds: int) -> tuple[float, int]:
    """How many worlds leave a collapsed configuration within 150 trials, and the median of trials until they do."""
    delays = []
    for seed in range(FIRST_SEED, FIRST_SEED + worlds):
        world = World(seed, 1, spread=0.1, own=0.05, noise=0.12)
        truth = dict(world.truth[0])
        series: dict[str, list[Trial]] = {}
        arms: dict[str, ArmStatistics] = {}
        best = max(truth, key=truth.__getitem__)
        left = 0
        for number in range(650):
            if number == 500:
                truth[best] -= 0.3
            base = learn("m", "o", {"0": arms}, weights=WEIGHTS, configs={})
            chances = choice_probabilities(estimate(base, "0", ARMS))
            arm = world.draws.choices(list(chances), list(chances.values()))[0]
            series.setdefault(arm, []).append(Trial(world.run(truth[arm])))
            series[arm] = series[arm][-300:]
            arms[arm] = summarise(series[arm], WEIGHTS)
            if number >= 500 and chances[best] < 0.1:
                left = number - 499
                break
        delays.append(left or 1000)
    return sum(delay <= 150 for delay in delays) / worlds, sorted(delays)[worlds // 2]


def false_alarms(trials: int, draw: Callable[[random.Random], float]) -> float:
    """False alarms per trial of a steady configuration, looked at after each trial over the last 100 to 200."""
    draws = random.Random(FIRST_SEED)
    alarms, series = 0, [draw(draws) for _ in range(100)]
    for _ in range(trials):
        series.append(draw(draws))
        if last_change(series):
            alarms += 1
            series = series[-1:]
        series = series[-100:] if len(series) > 200 else series
    return alarms / trials


def coverage(logs: int) -> float:
    """How many 90 % intervals of what one configuration would have brought hold its true mean, of adaptive logs."""
    held = 0
    for seed in range(FIRST_SEED, FIRST_SEED + logs):
        world = World(seed, 1, spread=0.1, own=0.05, noise=0.12)
        series: dict[str, list[Trial]] = {}
        arms: dict[str, ArmStatistics] = {}
        choices = []
        for _ in range(300):
            base = learn("m", "o", {"0": arms}, weights=WEIGHTS, configs={})
            wanted = choice_probabilities(estimate(base, "0", ARMS))
            chances = {name: 0.5 * chance + 0.5 / len(ARMS) for name, chance in wanted.items()}
            arm = world.draws.choices(list(chances), list(chances.values()))[0]
            trial = Trial(world.run(world.truth[0][arm]), propensity=chances[arm])
            series.setdefault(arm, []).append(trial)
            arms[arm] = summarise(series[arm], WEIGHTS)
            choices.append(LoggedChoice(arm, "", trial))
        target = world.draws.choice(ARMS)
        value = policy_value(choices, target, WEIGHTS)
        # what noise beyond 0 and 1 is cut to moves the mean: the truth is what runs bring
        truth = sum(world.run(world.truth[0][target]) for _ in range(4000)) / 4000
        held += value is not None and value.low <= truth <= value.high
    return held / logs


def looks(experiments: int) -> float:
    """How many comparisons of two equal configurations, looked at after every run, name a better one."""
    wrong = 0
    for seed in range(FIRST_SEED, FIRST_SEED + experiments):
        draws = random.Random(seed)
        first: list[float] = []
        second: list[float] = []
        for _ in range(400):
            first.append(draws.gauss(0.7, 0.12))
            second.append(draws.gauss(0.7, 0.12))
            if compare(first, second, effect=0.001).verdict in ("first", "second"):
                wrong += 1
                break
    return wrong / experiments


def main(scale: int = 1) -> None:
    """Print all figures; `scale` multiplies the sizes."""
    graded = {"spread": 0.1, "own": 0.05, "noise": 0.12}
    yes_no = {"spread": 0.15, "own": 0.05, "noise": None}
    print(f"within 5 % of the best of 8 after {TRIALS} trials, contexts that share effects, graded quality: "
          f"{convergence(4 * scale, 12, pooled=True, **graded):.1%}")  # fmt: skip
    print(f"  the same, each context for itself: {convergence(4 * scale, 12, pooled=False, **graded):.1%}")
    print(f"  yes-or-no quality, shared effects: {convergence(4 * scale, 12, pooled=True, **yes_no):.1%}")
    share, median = collapse(20 * scale)
    print(f"a collapse by 0.3 is left within 150 trials: {share:.1%} of {20 * scale}, median {median} trials")
    graded_alarms = false_alarms(10_000 * scale, lambda draws: draws.gauss(0.8, 0.1))
    yes_no_alarms = false_alarms(10_000 * scale, lambda draws: float(draws.random() < 0.9))
    print(f"false alarms a trial: {graded_alarms:.6f} graded, {yes_no_alarms:.6f} yes-or-no")
    print(f"90 % intervals of off-policy estimates that hold the truth: {coverage(60 * scale):.1%} of {60 * scale}")
    print(f"equal configurations told apart, 400 looks, 5 % allowed: {looks(40 * scale):.1%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
