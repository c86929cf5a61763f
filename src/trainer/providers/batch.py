"""A completion for each row: in the rows' order, one JSON line each, and a rerun pays only for what failed."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from trainer.core.digest import canonical, digest
from trainer.core.errors import ProviderError, TrainerError, Where
from trainer.core.files import write_atomic
from trainer.core.values import CompletionResult, Json
from trainer.providers.chain import Job
from trainer.providers.many import Outcome, iterate_many
from trainer.providers.request import explain


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a batch."""

    params: Mapping[str, Json]
    """What the row gave the instruction; repeated in its line."""
    job: Job | TrainerError
    """What to ask, or why nothing is asked and the row fails."""


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
    rows: Sequence[Row],
    *,
    ledger: Path,
    output: Path | None = None,
    concurrency: int = 8,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
    resume: bool = True,
    on_line: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> BatchResult:
    """Complete every row. Lines go to `output` and `on_line` in the rows' order, each as soon as its turn has come.

    `ledger` is the batch's memory: an append-only file on the disk before a row counts as done. With `resume`,
    rows it holds are not asked again; a row is known by its params, its request and how often it stood before.
    """
    keys = _keys(rows)
    known = _read_ledger(ledger) if resume else {}
    batch = _Batch(rows, keys, known, on_line, on_progress, clock)
    asked = [
        (number, row.job) for number, row in enumerate(rows) if isinstance(row.job, Job) and keys[number] not in known
    ]
    with _Lines(ledger, keep=resume) as memory, _Lines(output, keep=False) as lines:
        for number, row in enumerate(rows):
            if isinstance(row.job, TrainerError):
                batch.take(number, _line(number, row, row.job), row.job)
        batch.write_ready(lines)
        outcomes = iterate_many(
            (job for _, job in asked),
            concurrency=min(concurrency, max(1, len(asked))),
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
        with contextlib.closing(outcomes):
            for position, outcome in outcomes:
                number, _ = asked[position]
                line = _line(number, rows[number], outcome)
                if isinstance(outcome, CompletionResult):
                    memory.write(canonical({"key": keys[number], "line": line}), durable=True)
                batch.take(number, line, outcome)
                batch.write_ready(lines)
    if output is not None:
        write_atomic(output, "".join(f"{canonical(line)}\n" for line in batch.lines_in_order()))
    return batch.result()


@dataclass(slots=True)
class _Batch:
    rows: Sequence[Row]
    keys: Sequence[str]
    known: Mapping[str, Mapping[str, Json]]
    on_line: Callable[[str], None] | None
    on_progress: Callable[[Progress], None] | None
    clock: Callable[[], float]
    lines: dict[int, Mapping[str, Json]] = field(default_factory=dict)
    errors: dict[int, TrainerError] = field(default_factory=dict)
    written: int = 0
    resumed: int = 0
    cost: float = 0.0
    unpriced: int = 0
    tokens: int = 0
    started: float = 0.0

    def __post_init__(self) -> None:
        for number, key in enumerate(self.keys):
            if key in self.known:
                self.lines[number] = {**self.known[key], "row": number + 1}
        self.resumed = len(self.lines)
        self.started = self.clock()

    def take(self, number: int, line: Mapping[str, Json], outcome: Outcome) -> None:
        """Count an outcome, and say how far the batch is."""
        self.lines[number] = line
        if isinstance(outcome, CompletionResult):
            paid = outcome.origin == "fresh"
            self.cost += (outcome.cost or 0.0) if paid else 0.0
            self.unpriced += paid and outcome.cost is None
            self.tokens += outcome.tokens_used if paid else 0
        else:
            self.errors[number] = outcome
        if self.on_progress:
            self.on_progress(self._progress())

    def write_ready(self, lines: _Lines) -> None:
        """Write the lines whose turn has come."""
        while self.written in self.lines:
            text = canonical(self.lines[self.written])
            lines.write(text)
            if self.on_line:
                self.on_line(text)
            self.written += 1

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


class _Lines:
    """A file that lines are appended to; a last line that a crash has torn is dropped first."""

    def __init__(self, path: Path | None, *, keep: bool) -> None:
        self._path = path
        self._keep = keep
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _Lines:
        if self._path is None:
            return self
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a+b")
            self._file.seek(0)
            self._file.truncate(_whole_size(self._file.read()) if self._keep else 0)
        except OSError as error:
            raise _cannot_write(self._path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, line: str, *, durable: bool = False) -> None:
        """Append a line; a durable one is on the disk when this returns."""
        if self._file is None or self._path is None:
            return
        try:
            self._file.write(f"{line}\n".encode("utf-8", "surrogatepass"))
            self._file.flush()
            if durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise _cannot_write(self._path, error) from error


def _cannot_write(path: Path, error: OSError) -> TrainerError:
    return TrainerError(
        f"cannot write: {error.strerror or error}",
        where=Where(str(path)),
        hint="free some space or make the folder writable, then run the same command again: it resumes",
    )


def _whole_size(content: bytes) -> int:
    return content.rfind(b"\n") + 1


def _keys(rows: Sequence[Row]) -> list[str]:
    """What each row is known by: equal rows are told apart by their order."""
    seen: dict[str, int] = {}
    keys = []
    for row in rows:
        job = row.job
        requests = [explain(job.request(job.chain[0]))] if isinstance(job, Job) and job.chain else []
        key = digest([row.params, requests])
        seen[key] = seen.get(key, 0) + 1
        keys.append(f"{key}-{seen[key]}")
    return keys


def _read_ledger(path: Path) -> dict[str, Mapping[str, Json]]:
    if not path.exists():
        return {}
    known: dict[str, Mapping[str, Json]] = {}
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
            known[entry["key"]] = entry["line"]
        except (ValueError, KeyError, TypeError):
            continue
    return known


def _line(number: int, row: Row, outcome: Outcome) -> dict[str, Json]:
    line: dict[str, Json] = {"row": number + 1, "params": dict(row.params)}
    if isinstance(outcome, CompletionResult):
        line |= {
            name: getattr(outcome, name)
            for name in ("content", "provider", "model", "origin", "cost", "tokens_in", "tokens_out", "finish_reason")
        }
        return line | ({"json": outcome.metadata["json"]} if "json" in outcome.metadata else {})
    kind = outcome.kind if isinstance(outcome, ProviderError) else type(outcome).__name__
    return line | {"error": {"kind": kind, "message": outcome.message}}
