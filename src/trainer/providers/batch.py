"""A completion for each row: in the rows' order, one JSON line each, and a rerun pays only for what failed."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainer.core.appendlog import AppendLog
from trainer.core.digest import canonical, digest, pick
from trainer.core.errors import ProviderError, TrainerError
from trainer.core.files import write_atomic
from trainer.core.values import CompletionResult, Json
from trainer.providers.pool import CallOutcome, CompletionCall, iterate_many

_HINT = "free some space or make the folder writable, then run the same command again: it resumes"


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row of a batch."""

    params: Mapping[str, Json]
    """What the row gave the instruction; repeated in its line."""
    call: CompletionCall | TrainerError
    """What begins its completion, or why nothing is asked and the row fails."""
    identity: Json = None
    """What is asked, beside the params: a row whose identity changes is asked again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch has come."""

    done: int
    """Rows with an answer, those of earlier runs included."""
    failed: int
    total: int
    cost: float
    """US dollars spent in this run, as far as prices are known."""
    rate: float
    """Rows a second in this run."""
    eta: float | None
    """Seconds left at that rate."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch came to."""

    done: int
    failed: int
    resumed: int
    """Rows whose answers an earlier run had paid for."""
    cost: float
    """US dollars spent in this run, as far as prices are known."""
    unpriced: int
    """Answers of this run whose cost is not known."""
    tokens: int
    """Tokens in and out in this run."""
    errors: tuple[tuple[int, TrainerError], ...] = ()
    """The failed rows by number, from 1."""


def complete_rows(
    rows: Sequence[BatchRow],
    *,
    ledger: Path,
    output: Path | None = None,
    concurrency: int = 8,
    resume: bool = True,
    on_line: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> BatchResult:
    """Complete every row. `on_line` is given the lines in the rows' order, each as soon as its turn has come.

    `output` is written once, whole, at the end; an interrupt leaves the former one. `ledger` is the batch's memory: a
    row is on the disk before it counts as done. With `resume`, rows it holds are not asked again; a row is known by
    its params, its identity and how often it stood before.
    """
    keys = _keys(rows)
    memory = AppendLog(ledger, hint=_HINT)
    if not resume and ledger.exists():
        with memory.locked():
            memory.rewrite([])
    recorded = _known(memory)
    batch = _Batch(rows, keys, recorded, on_line, on_progress, clock)
    pending: list[int] = []
    for number, row in enumerate(rows):
        if isinstance(row.call, TrainerError):
            batch.take(number, _line(number, row, row.call), row.call)
        elif keys[number] not in recorded:
            pending.append(number)
    if pending:
        memory.append()  # a folder that cannot be written is told before anything is paid
    batch.show_ready()
    calls = (call for number in pending if not isinstance(call := rows[number].call, TrainerError))
    with contextlib.closing(iterate_many(calls, concurrency=min(concurrency, max(1, len(pending))))) as outcomes:
        for position, outcome in outcomes:
            number = pending[position]
            line = _line(number, rows[number], outcome)
            if isinstance(outcome, CompletionResult):
                memory.append({"key": keys[number], "line": line})
            batch.take(number, line, outcome)
            batch.show_ready()
    if output is not None:
        write_atomic(output, "".join(f"{canonical(line)}\n" for line in batch.lines_in_order()))
    return batch.result()


@dataclass(slots=True)
class _Batch:
    rows: Sequence[BatchRow]
    keys: Sequence[str]
    earlier_lines: Mapping[str, Mapping[str, Json]]
    on_line: Callable[[str], None] | None
    on_progress: Callable[[Progress], None] | None
    clock: Callable[[], float]
    lines: dict[int, Mapping[str, Json]] = field(default_factory=dict)
    errors: dict[int, TrainerError] = field(default_factory=dict)
    shown: int = 0
    resumed: int = 0
    cost: float = 0.0
    unpriced: int = 0
    tokens: int = 0
    started: float = 0.0

    def __post_init__(self) -> None:
        for number, key in enumerate(self.keys):
            if key in self.earlier_lines:
                self.lines[number] = {**self.earlier_lines[key], "row": number + 1}
        self.resumed = len(self.lines)
        self.started = self.clock()

    def take(self, number: int, line: Mapping[str, Json], outcome: CallOutcome) -> None:
        """Count an outcome, and say how far the batch is."""
        self.lines[number] = line
        answer = outcome.answer if isinstance(outcome, ProviderError) else outcome
        if isinstance(answer, CompletionResult) and answer.origin == "fresh":
            self.cost += answer.cost or 0.0
            self.unpriced += answer.cost is None
            self.tokens += answer.tokens_used
        if not isinstance(outcome, CompletionResult):
            self.errors[number] = outcome
        if self.on_progress:
            self.on_progress(self._progress())

    def show_ready(self) -> None:
        """Show the lines whose turn has come."""
        while self.shown in self.lines:
            if self.on_line:
                self.on_line(canonical(self.lines[self.shown]))
            self.shown += 1

    def lines_in_order(self) -> list[Mapping[str, Json]]:
        return [self.lines[number] for number in sorted(self.lines)]

    def result(self) -> BatchResult:
        return BatchResult(
            done=len(self.lines) - len(self.errors),
            failed=len(self.errors),
            resumed=self.resumed,
            cost=self.cost,
            unpriced=self.unpriced,
            tokens=self.tokens,
            errors=tuple((number + 1, error) for number, error in sorted(self.errors.items())),
        )

    def _progress(self) -> Progress:
        ended = len(self.lines) - self.resumed
        seconds = max(self.clock() - self.started, 1e-9)
        left = len(self.rows) - len(self.lines)
        return Progress(
            done=len(self.lines) - len(self.errors),
            failed=len(self.errors),
            total=len(self.rows),
            cost=self.cost,
            rate=ended / seconds,
            eta=left * seconds / ended if ended else None,
        )


def _keys(rows: Sequence[BatchRow]) -> list[str]:
    """What each row is known by: equal rows are told apart by their order."""
    counts: Counter[str] = Counter()
    keys = []
    for row in rows:
        key = digest([row.params, row.identity])
        counts[key] += 1
        keys.append(f"{key}-{counts[key]}")
    return keys


def _known(memory: AppendLog) -> dict[str, Mapping[str, Json]]:
    """The lines of earlier runs by their rows' keys."""
    records = [record for record in memory.records() if isinstance(record, dict) and {"key", "line"} <= record.keys()]
    return {record["key"]: record["line"] for record in records}


def _line(number: int, row: BatchRow, outcome: CallOutcome) -> dict[str, Json]:
    line: dict[str, Json] = {"row": number + 1, "params": dict(row.params)}
    if isinstance(outcome, CompletionResult):
        names = ("content", "provider", "model", "origin", "cost", "tokens_in", "tokens_out", "finish_reason")
        line |= pick(outcome, *names)
        return line | {name: outcome.metadata[name] for name in ("json", "findings") if outcome.metadata.get(name)}
    kind = outcome.kind if isinstance(outcome, ProviderError) else type(outcome).__name__
    return line | {"error": {"kind": kind, "message": outcome.message}}
