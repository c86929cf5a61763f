"""Looking back: executions by filter, and one of them with its steps and what ran below it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import UsageError
from trainer.core.values import Json

if TYPE_CHECKING:
    import duckdb

    from trainer.mart.tables import Opener

LOST_AFTER = timedelta(days=1)
"""An execution without an end is called lost after this time; before, it is running."""

_COLUMNS = """execution_id, parent_id, module, operation, started_at, ended_at, seconds, state, error_class, error,
    tokens_in, tokens_out, cost, quality, actor, host, pid, config_hash, context, coalesce(e.inputs, s.inputs),
    outputs, results"""
_STATE = "coalesce(status, CASE WHEN started_at < ? THEN 'lost' ELSE 'running' END) AS state"
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """One execution as it was recorded."""

    execution_id: str
    parent_id: str | None
    module: str | None
    operation: str | None
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    status: str
    """`success`, `fail`, `cancelled`, `running`, or `lost` where no end was ever recorded."""
    error_class: str | None
    error: str | None
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    quality: float | None
    actor: str | None
    host: str | None
    pid: int | None
    config_hash: str | None
    context: Json
    inputs: Json
    outputs: Json
    results: Json


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of an execution."""

    seq: int
    name: str
    ended_at: datetime
    seconds: float | None
    status: str
    error_class: str | None
    error: str | None
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    quality: float | None
    inputs: Json
    outputs: Json
    attributes: Json


@dataclass(frozen=True, slots=True)
class ExecutionTree:
    """An execution with its steps and the executions below it."""

    execution: ExecutionRecord
    steps: tuple[StepRecord, ...]
    children: tuple[ExecutionTree, ...]

    @property
    def cost(self) -> float | None:
        """What it cost with all below it: its own figure, else the sum of its parts; None where none is known."""
        return _total(self, "cost")

    @property
    def tokens(self) -> int | None:
        """Tokens in and out, counted like the cost."""
        parts = [_total(self, "tokens_in"), _total(self, "tokens_out")]
        counts = [part for part in parts if part is not None]
        return int(sum(counts)) if counts else None


def executions(
    opener: Opener,
    *,
    module: str | None = None,
    operation: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    parent: str | None = None,
    limit: int = 50,
    clock: Clock = system_clock,
) -> list[ExecutionRecord]:
    """The latest executions that match, newest first."""
    filters = {
        "module = ?": module,
        "operation = ?": operation,
        "started_at >= ?": _naive(since),
        "started_at < ?": _naive(until),
        "parent_id = ?": parent,
    }
    wanted = {condition: value for condition, value in filters.items() if value is not None}
    # the ends are joined to the few that will be shown, unless it is an end that is asked for
    first = f"ORDER BY execution_id DESC LIMIT {limit:d}" if status is None else ""
    question = f"""
        SELECT {_COLUMNS} FROM (SELECT * FROM execution_starts WHERE {" AND ".join(["true", *wanted])} {first}) s
        LEFT JOIN execution_ends e USING (execution_id), LATERAL (SELECT {_STATE})
        WHERE ? IS NULL OR state = ? ORDER BY execution_id DESC LIMIT {limit:d}"""  # noqa: S608  (own conditions)
    values = [*wanted.values(), _naive(clock() - LOST_AFTER), status, status]
    with opener() as connection:
        return [_execution(row) for row in connection.execute(question, values).fetchall()]


def executions_with(
    opener: Opener, *, report: str = "", datum: str = "", limit: int = 50, clock: Clock = system_clock
) -> list[ExecutionRecord]:
    """The latest executions that built a report, or that read a datum by its key, with or without its version."""
    condition, value = "(s.context ->> 'report') = ?", report
    if datum:
        # inputs.data lists keys with their versions
        condition = "list_contains(list_transform(CAST(coalesce(e.inputs, s.inputs) -> 'data' AS VARCHAR[]), {}), ?)"
        condition = condition.format("k -> " + ("k" if "@" in datum else "regexp_replace(k, '@[0-9]+$', '')"))
        value = datum
    question = f"""
        SELECT {_COLUMNS} FROM execution_starts s LEFT JOIN execution_ends e USING (execution_id),
        LATERAL (SELECT {_STATE}) WHERE {condition} ORDER BY execution_id DESC LIMIT {limit:d}"""  # noqa: S608
    with opener() as connection:
        rows = connection.execute(question, [_naive(clock() - LOST_AFTER), value]).fetchall()
    return [_execution(row) for row in rows]


def show(opener: Opener, execution_id: str, *, clock: Clock = system_clock) -> ExecutionTree:
    """The execution with that identity, or the only one that starts or ends with it, or `last`; raises UsageError."""
    with opener() as connection:
        return _tree(connection, _resolve(connection, execution_id), _naive(clock() - LOST_AFTER), 0)


def _resolve(connection: duckdb.DuckDBPyConnection, wanted: str) -> str:
    if wanted == "last":
        question = "SELECT execution_id FROM execution_starts WHERE parent_id IS NULL ORDER BY 1 DESC LIMIT 1"
        rows = connection.execute(question).fetchall()
    else:
        question = """SELECT DISTINCT execution_id FROM execution_starts
            WHERE starts_with(execution_id, $1) OR ends_with(execution_id, $1) ORDER BY 1 LIMIT 6"""
        rows = connection.execute(question, [wanted]).fetchall()
    names = [name for (name,) in rows]
    if len(names) == 1 or wanted in names:
        return wanted if wanted in names else str(names[0])
    if not names:
        raise UsageError(f'no execution "{wanted}" is recorded', hint="run: trainer mart executions")
    raise UsageError(f'"{wanted}" is the start or the end of several executions', hint=f"one of: {', '.join(names)}")


def _tree(connection: duckdb.DuckDBPyConnection, execution_id: str, lost: datetime | None, depth: int) -> ExecutionTree:
    row = connection.execute(
        f"""SELECT {_COLUMNS} FROM execution_starts s LEFT JOIN execution_ends e USING (execution_id),
            LATERAL (SELECT {_STATE}) WHERE execution_id = ?""",  # noqa: S608  (own names)
        [lost, execution_id],
    ).fetchone()
    assert row is not None
    steps = connection.execute(
        """SELECT seq, name, ended_at, seconds, status, error_class, error, tokens_in, tokens_out, cost, quality,
            inputs, outputs, attributes FROM steps WHERE execution_id = ? ORDER BY ended_at, seq""",
        [execution_id],
    ).fetchall()
    below = connection.execute(
        "SELECT execution_id FROM execution_starts WHERE parent_id = ? ORDER BY 1", [execution_id]
    ).fetchall()
    children = [_tree(connection, child, lost, depth + 1) for (child,) in below] if depth < _DEEPEST else []
    return ExecutionTree(_execution(row), tuple(map(_step, steps)), tuple(children))


def _execution(row: Sequence[Any]) -> ExecutionRecord:
    *plain, context, inputs, outputs, results = row
    plain[4], plain[5] = _aware(plain[4]), _aware(plain[5])
    return ExecutionRecord(*plain, *map(_json, (context, inputs, outputs, results)))


def _step(row: Sequence[Any]) -> StepRecord:
    *plain, inputs, outputs, attributes = row
    plain[2] = _aware(plain[2])
    return StepRecord(*plain, *map(_json, (inputs, outputs, attributes)))


def _total(tree: ExecutionTree, name: str) -> float | None:
    own = getattr(tree.execution, name)
    if own is not None:
        return float(own)
    parts = [getattr(step, name) for step in tree.steps] + [_total(child, name) for child in tree.children]
    amounts = [part for part in parts if part is not None]
    return float(sum(amounts)) if amounts else None


def _json(text: str | None) -> Json:
    return None if text is None else json.loads(text)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
