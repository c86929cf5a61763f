"""Which configuration runs next: the candidates of an operation, what the records say of them, and a logged chance."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from trainer.mart.contexts import context_key
from trainer.mart.events import config_hash
from trainer.mart.learning import Estimate, OperationStatistics, choice_probabilities, estimate
from trainer.mart.policies import Policy
from trainer.mart.publish import LearnedFiles

_CANARY = 0.1


@dataclass(frozen=True, slots=True)
class Exploration:
    """How much may be tried, and where it ends."""

    share: float = 0.2
    """Of the choices, at most; the others run what is approved. 1.0 leaves every choice to the records."""
    quality_floor: float = 0.0
    """A candidate whose quality is below this with 95 % certainty is not tried any more."""
    spend: float | None = None
    """US dollars that runs of candidates that are not approved may cost in all; None is no limit."""


@dataclass(frozen=True, slots=True)
class ConfigDecision:
    """What runs, and why."""

    module: str
    operation: str
    context_key: str
    config: Mapping[str, Any]
    config_hash: str
    propensity: float
    """The chance this configuration had."""
    explored: bool
    """Whether it is another than the approved one."""
    policy: str
    """`fallback`, `default`, `active`, `canary`, `experiment` or `explore`."""
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    """By configuration hash."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)
    """By configuration hash, why it was not to be had."""
    shadow: str = ""
    """Hash of the configuration that a policy in the state `shadow` would have run."""
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """All that could have run, by hash."""

    def fields(self) -> dict[str, Any]:
        """What an execution that runs it starts with."""
        values = {
            "config": dict(self.config),
            "config_hash": self.config_hash,
            "context_key": self.context_key,
            "propensity": round(self.propensity, 6),
            "explored": self.explored,
            "policy": self.policy,
        }
        return values | ({"shadow": self.shadow} if self.shadow else {})


@dataclass(frozen=True, slots=True)
class _Chances:
    """What holds for every choice in a context until the file of what was learned changes."""

    estimates: Mapping[str, Estimate]
    shares: Mapping[str, float]
    excluded: Mapping[str, str]


class TidyMartConfigProvider:
    """Pattern 1 of the specification: modules ask which configuration to run; no lock and no database is needed.

    `candidates` are by `module.operation`, the approved one first. Where the records say nothing the first candidate
    holds, and where there is none what the package brings along. With a `seed`, equal records give equal choices.
    """

    def __init__(
        self,
        learned: LearnedFiles,
        *,
        candidates: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        policies: Sequence[Policy] = (),
        exploration: Exploration = Exploration(),
        register: Callable[[str, Mapping[str, Any], Mapping[str, Any]], None] = lambda *_: None,
        seed: int | None = None,
    ) -> None:
        self._files = learned
        self._candidates = candidates or {}
        self._policies = policies
        self._exploration = exploration
        self._register = register
        self._seed = seed
        self._cache: dict[tuple[str, str], tuple[tuple[int, int], OperationStatistics | None]] = {}
        self._chances: dict[tuple[str, str, str, bool], tuple[OperationStatistics, _Chances]] = {}

    def get_optimal_config(self, module: str, operation: str, context: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration to run now."""
        return dict(self.decide(module, operation, context).config)

    def get_fallback_config(self, module: str, operation: str) -> dict[str, Any]:
        """What holds where the records cannot be asked: the first candidate, else the package's own."""
        declared = self._declared(module, operation)
        return dict(declared[0]) if declared else dict(_packaged().get(module, {}))

    def register_config_usage(self, module: str, config: Mapping[str, Any], performance: Mapping[str, Any]) -> None:
        """Record one run of a configuration outside of a tracked execution.

        `performance` has `quality_score`, `cost_usd`, `duration_ms`, `success`, and `operation` and `context`.
        """
        self._register(module, config, performance)

    def decide(
        self, module: str, operation: str, context: Mapping[str, Any], *, explore: bool = True
    ) -> ConfigDecision:
        """What runs now and why; without `explore` what is approved, else the best by the records if none is."""
        key = context_key(context)
        learned = self._learned(module, operation)
        fallback = self.get_fallback_config(module, operation)
        declared = self._declared(module, operation)
        bodies = {config_hash(body): dict(body) for body in declared}
        if not bodies and learned is not None:
            bodies = {name: dict(body) for name, body in learned.configs.items()}
        policies = [policy for policy in self._policies if policy.concerns(module, operation, key)]
        bodies |= {config_hash(policy.config): dict(policy.config) for policy in policies}
        shadow = next((config_hash(policy.config) for policy in policies if policy.state == "shadow"), "")

        def decision(name: str, chance: float, policy: str, approved: str, **more: Any) -> ConfigDecision:
            body = bodies.get(name, fallback)
            return ConfigDecision(
                module,
                operation,
                key,
                body,
                name,
                chance,
                name != approved,
                policy,
                shadow=shadow,
                configs=bodies,
                **more,
            )

        agreed = self.approved(module, operation, key)
        approved = "" if agreed is None else config_hash(agreed)
        active = any(policy.state == "active" for policy in policies)
        if learned is None or not bodies:
            name = approved or config_hash(fallback)
            return decision(name, 1.0, "active" if active else "default" if declared else "fallback", name)
        if not approved:  # nobody declared anything: the best there is, and nothing is tried
            estimates = estimate(learned, key, bodies)
            name = max(estimates, key=lambda item: (estimates[item].mean, item))
            return decision(name, 1.0, "default", name, estimates=estimates)
        canary = next((policy for policy in policies if policy.state == "canary"), None)
        before = self._chances.get((module, operation, key, explore))
        if before is None or before[0] is not learned:
            before = (learned, self._weigh(learned, key, bodies, approved, canary, explore=explore))
            self._chances[module, operation, key, explore] = before
        chances = before[1]
        name = _pick(chances.shares, self._draw(learned, key))
        how = ("canary" if canary else "explore") if name != approved else "active" if active else "default"
        return decision(
            name,
            chances.shares[name],
            how,
            approved,
            estimates=chances.estimates,
            probabilities=chances.shares,
            excluded=chances.excluded,
        )

    def _weigh(
        self,
        learned: OperationStatistics,
        key: str,
        bodies: Mapping[str, Any],
        approved: str,
        canary: Policy | None,
        *,
        explore: bool,
    ) -> _Chances:
        """How likely each configuration is to be picked in a context."""
        estimates = estimate(learned, key, bodies)
        excluded = self._excluded(learned, key, bodies, approved)
        shares = {approved: 1.0}
        if explore and canary is not None:
            shares = {approved: 1 - _CANARY, config_hash(canary.config): _CANARY}
        elif explore and self._exploration.share > 0:
            wanted = choice_probabilities({name: item for name, item in estimates.items() if name not in excluded})
            shares = {name: self._exploration.share * chance for name, chance in wanted.items()}
            shares[approved] = shares.get(approved, 0.0) + 1 - self._exploration.share
        return _Chances(estimates, shares, excluded)

    def approved(self, module: str, operation: str, key: str) -> Mapping[str, Any] | None:
        """The configuration that people approved for a context key: by a policy, else as the first candidate."""
        for policy in self._policies:
            if policy.state == "active" and policy.concerns(module, operation, key):
                return policy.config
        declared = self._declared(module, operation)
        return declared[0] if declared else None

    def _declared(self, module: str, operation: str) -> Sequence[Mapping[str, Any]]:
        return self._candidates.get(f"{module}.{operation}") or self._candidates.get(operation) or ()

    def _draw(self, learned: OperationStatistics, key: str) -> float:
        """A number from 0 to 1; with a seed it follows from the seed and from how much is recorded."""
        if self._seed is None:
            return random.random()  # noqa: S311
        trials = sum(arm.trials + arm.changed for arm in learned.contexts.get(key, {}).values())
        return random.Random(f"{self._seed} {learned.module} {learned.operation} {key} {trials}").random()  # noqa: S311

    def _learned(self, module: str, operation: str) -> OperationStatistics | None:
        """What is published, read again only where the file changed."""
        stamp = self._files.stamp(module, operation)
        before = self._cache.get((module, operation))
        if before is None or before[0] != stamp:
            before = (stamp, self._files.read(module, operation))
            self._cache[module, operation] = before
        return before[1]

    def _excluded(
        self, learned: OperationStatistics, key: str, bodies: Mapping[str, Any], approved: str
    ) -> dict[str, str]:
        """The candidates that guardrails take out, and why."""
        limits, reasons = self._exploration, {}
        spent = 0.0
        if limits.spend is not None:
            tried = [(name, arm) for arms in learned.contexts.values() for name, arm in arms.items()]
            spent = math.fsum(arm.cost * arm.trials for name, arm in tried if name != approved)
        for name in bodies:
            if name == approved:
                continue
            arm = learned.contexts.get(key, {}).get(name)
            if limits.spend is not None and spent >= limits.spend:
                reasons[name] = f"trying candidates has cost {spent:.2f} of {limits.spend:.2f} USD"
            elif arm and arm.quality + 1.645 * math.sqrt(learned.sigma / arm.trials) < limits.quality_floor:
                reasons[name] = f"quality {arm.quality:.2f} in {arm.trials} trials is below {limits.quality_floor:.2f}"
        return reasons


def trials_needed(first: Estimate, second: Estimate, sigma: float) -> int:
    """Further trials of each until a difference as large as it now looks is told with 95 % certainty and 80 % power."""
    gap = max(abs(first.mean - second.mean), 0.01)
    wanted = math.ceil(2 * sigma * ((1.96 + 0.84) / gap) ** 2)
    return max(0, wanted - min(first.trials, second.trials))


def _pick(shares: Mapping[str, float], drawn: float) -> str:
    """The name under a number from 0 to 1, in the order of names."""
    total = 0.0
    ordered = sorted(shares)
    for name in ordered:
        total += shares[name]
        if drawn < total:
            return name
    return max(ordered, key=lambda name: shares[name])


def _packaged() -> dict[str, dict[str, Any]]:
    text = (files("trainer.mart") / "fallbacks.json").read_text(encoding="utf-8")
    values: dict[str, dict[str, Any]] = json.loads(text)
    return values
