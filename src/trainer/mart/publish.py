"""What was learned, published after each drain: a small file an operation, which an answer reads without a database."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from trainer.core.files import write_atomic
from trainer.mart.learning import ArmStatistics, Effect, OperationStatistics, Trial, Weights, learn, summarise

if TYPE_CHECKING:
    import duckdb

MOST_TRIALS = 400
"""Of one configuration in one context that count; older ones say less of today, and a drain stays short."""
_BETWEEN_OPERATIONS = 0.1**2
"""Variance of a configuration's effect from one operation of a module to another."""
_UNFINISHED = "unfinished"

_QUESTION = """
    SELECT module, operation, context_key, config_hash, config, quality, cost, seconds, propensity, success FROM (
        SELECT t.* REPLACE (CASE WHEN t.success THEN coalesce(r.score, t.quality) ELSE 0 END AS quality),
            bool_or(t.success AND coalesce(r.score, t.quality) IS NOT NULL) OVER (PARTITION BY t.module, t.operation)
                AS is_scored
        FROM trials t LEFT JOIN (SELECT execution_id, avg(score) AS score FROM ratings GROUP BY 1) r
            ON r.execution_id = t.execution_id
        WHERE {condition}
    ) WHERE quality IS NOT NULL OR NOT is_scored
    QUALIFY row_number() OVER (PARTITION BY module, operation, context_key, config_hash ORDER BY execution_id DESC)
        <= ?
    ORDER BY execution_id"""
"""Trials with the quality that counts: what people say, else the checks, else whether it succeeded."""

OperationKey = tuple[str, str, str]
"""Module, operation and context key."""


@dataclass(frozen=True, slots=True)
class LearnedFiles:
    """The folder of what was learned, for one weighing of quality, cost and time."""

    folder: Path
    weights: Weights = field(default_factory=Weights)

    def read(self, module: str, operation: str) -> OperationStatistics | None:
        """What is published of an operation; None where nothing readable is."""
        learned = _decoded(self._path(module, operation))
        if learned is None or learned.weights == self.weights:
            return learned
        contexts = {
            key: {name: _weighed(arm, self.weights) for name, arm in arms.items()}
            for key, arms in learned.contexts.items()
        }
        return learn(module, operation, contexts, weights=self.weights, configs=learned.configs)

    def stamp(self, module: str, operation: str) -> tuple[int, int]:
        """What changes whenever the file does; zeros where there is none."""
        try:
            status = self._path(module, operation).stat()
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_ino

    def operations(self, module: str | None = None) -> list[OperationStatistics]:
        """All that is published, of one module or of all, in the order of names."""
        files = sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []
        learned = [_decoded(path) for path in files]
        return [item for item in learned if item is not None and module in (None, item.module)]

    def begin(self) -> None:
        """Note that records are being stored: if the process dies before `publish`, the next one starts afresh."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _UNFINISHED).touch()

    def publish(
        self, connection: duckdb.DuckDBPyConnection, groups: Iterable[OperationKey], *, afresh: bool = False
    ) -> int:
        """Write the files of the operations in which trials were added; how many. All of them where `afresh`."""
        wanted = None if afresh else set(groups)
        trials, configs = _trials(connection, wanted)
        by_operation: dict[tuple[str, str], dict[str, dict[str, ArmStatistics]]] = defaultdict(dict)
        for (module, operation, context), arms in trials.items():
            by_operation[module, operation][context] = {
                name: summarise(series, self.weights) for name, series in arms.items()
            }
        for (module, operation), contexts in by_operation.items():
            before = None if afresh else self.read(module, operation)
            merged = {**(before.contexts if before else {}), **contexts}
            bodies = {**(before.configs if before else {}), **configs[module, operation]}
            learned = learn(
                module,
                operation,
                merged,
                weights=self.weights,
                configs=bodies,
                elsewhere=self._elsewhere(module, operation),
            )
            write_atomic(self._path(module, operation), msgspec.json.encode(learned))
        (self.folder / _UNFINISHED).unlink(missing_ok=True)
        return len(by_operation)

    @property
    def is_unfinished(self) -> bool:
        """Whether a process died between storing and publishing."""
        return (self.folder / _UNFINISHED).exists()

    def _path(self, module: str, operation: str) -> Path:
        return self.folder / f"{quote(module, safe='')}.{quote(operation, safe='')}.json"

    def _elsewhere(self, module: str, operation: str) -> dict[str, Effect]:
        """What the module's other operations say of configurations: their effects, weighed by how sure they are."""
        effects: dict[str, list[Effect]] = defaultdict(list)
        for learned in self.operations(module):
            if learned.operation != operation:
                for name, effect in learned.effects.items():
                    effects[name].append(Effect(effect.mean, effect.variance + _BETWEEN_OPERATIONS))
        return {name: _combined(parts) for name, parts in effects.items()}


def _decoded(path: Path) -> OperationStatistics | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=OperationStatistics)
    except (OSError, msgspec.DecodeError):
        return None


def _combined(effects: list[Effect]) -> Effect:
    precision = math.fsum(1 / effect.variance for effect in effects)
    return Effect(math.fsum(effect.mean / effect.variance for effect in effects) / precision, 1 / precision)


def _weighed(arm: ArmStatistics, weights: Weights) -> ArmStatistics:
    """The statistics under other weights; their scatter is kept as it was until the next drain."""
    utility = weights.utility(arm.quality, arm.cost, arm.seconds)
    return replace(arm, utility=utility)


def _trials(
    connection: duckdb.DuckDBPyConnection, groups: set[OperationKey] | None
) -> tuple[dict[OperationKey, dict[str, list[Trial]]], dict[tuple[str, str], dict[str, Mapping[str, Any]]]]:
    """The latest trials by group and configuration, in the order of time, and the bodies of the configurations."""
    condition, values = "true", list[list[str]]()
    if groups is not None:
        # a few groups more than wanted do no harm, and three short lists are looked up faster than joined names
        condition = " AND ".join(f"t.{name} IN (SELECT unnest(?))" for name in ("module", "operation", "context_key"))
        values = [sorted({group[at] for group in groups}) for at in range(3)]
    trials: dict[OperationKey, dict[str, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    configs: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = defaultdict(dict)
    rows = connection.execute(_QUESTION.format(condition=condition), [*values, MOST_TRIALS]).fetchall()
    for module, operation, context, name, config, quality, cost, seconds, propensity, success in rows:
        score = float(success) if quality is None else min(1.0, max(0.0, quality))
        trials[module, operation, context][name].append(Trial(score, cost, seconds, propensity, bool(success)))
        if name not in configs[module, operation]:
            body = msgspec.json.decode(config)
            configs[module, operation][name] = body if isinstance(body, dict) else {"value": body}
    return trials, configs
