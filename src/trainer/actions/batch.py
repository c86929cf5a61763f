"""Run one instruction through a model for each row of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from trainer.actions.answers import accepted
from trainer.actions.completion import ModelCall, written
from trainer.actions.data import Sources
from trainer.actions.model import ModelChoice, price_of, total
from trainer.actions.prompt import Instructions, Rendered
from trainer.actions.record import Recorder
from trainer.actions.run import Run, RunOptions
from trainer.actions.wiring import open_database
from trainer.core.clock import Clock, system_clock
from trainer.core.digest import digest
from trainer.core.errors import (
    ConversionError,
    InstructionError,
    Problem,
    StoreError,
    TrainerError,
    UsageError,
    Where,
    nearest,
)
from trainer.core.files import read_text
from trainer.core.project import Project
from trainer.core.readings import ReadOptions, data_of, read_file
from trainer.core.values import CompletionResult, Json
from trainer.prompts import takes
from trainer.providers import BatchResult, BatchRow, Progress, complete_rows, explain

if TYPE_CHECKING:
    from trainer.sources import Choice

Rows: TypeAlias = Sequence[Mapping[str, Json]]
Answerable: TypeAlias = tuple[Rendered, ModelChoice]
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """An instruction and the rows that fill it."""

    name: str
    rows: Rows
    shown: str
    """Where the rows come from, for errors."""
    params: Mapping[str, Any]
    """Parameters of every row that does not say otherwise."""


@dataclass(frozen=True, slots=True)
class BatchEstimate:
    """What a batch would send and cost."""

    instruction: str
    provider: str
    model: str
    rows: int
    cached: int
    """Rows that would send nothing."""
    refused: int
    """Rows that would fail before anything is sent for them."""
    tokens: int
    """Tokens to send, of the rows that are asked."""
    cost: float | None
    cost_at_most: float | None


def run_batch(
    project: Project,
    batch: Batch,
    options: RunOptions,
    *,
    output: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_plan: Callable[[Choice], None] = lambda _: None,
    clock: Clock = system_clock,
) -> BatchResult:
    """A completion for each row, in the rows' order; a rerun pays only for the rows that failed.

    `on_plan` is told how many are asked for at once, and why.
    Raises InstructionError with the problems of all rows before anything is sent.
    """
    run = Run(project, options, clock=clock)
    with Recorder(
        project, "batch", context={"instruction": batch.name, "rows": len(batch.rows)}, clock=clock
    ) as recorder:
        candidates = render_rows(run, batch)
        rows = [_row(run, batch, row, one) for row, one in zip(batch.rows, candidates, strict=True)]
        prompts = [one for one in candidates if not isinstance(one, TrainerError)]
        concurrency = run.completer.plan(
            [ModelCall(batch.name, rendered.prompt, choice) for rendered, choice in prompts]
        )
        if run.completer.concurrency is not None:
            on_plan(run.completer.concurrency)
        identity = digest([batch.name, sorted(batch.params.items()), [dict(row) for row in batch.rows]])
        result = complete_rows(
            rows,
            ledger=project.state / "batches" / f"{identity[:32]}.jsonl",
            output=output,
            concurrency=concurrency,
            resume=not options.refresh,
            on_line=on_line,
            on_progress=on_progress,
        )
        run.completer.record(recorder)
        recorder.note(done=result.done, failed=result.failed, cost=result.cost, tokens=result.tokens)
    if run.budget is not None:
        run.budget.close()
    return result


def estimate_batch(
    project: Project, batch: Batch, options: RunOptions, *, clock: Clock = system_clock
) -> BatchEstimate:
    """What the batch would send and cost; nothing is sent. Raises InstructionError with the problems of all rows."""
    run = Run(project, options, clock=clock)
    candidates = list(render_rows(run, batch))
    prompts = [one for one in candidates if not isinstance(one, TrainerError)]
    sent = [one for one in prompts if not run.is_cached(*one)]
    costs = [price_of(choice, rendered.prompt, rendered.tokens["total"]) for rendered, choice in sent]
    choice = prompts[0][1] if prompts else None
    return BatchEstimate(
        instruction=batch.name,
        provider=choice.provider if choice else "",
        model=choice.model if choice else "",
        rows=len(candidates),
        cached=len(prompts) - len(sent),
        refused=len(candidates) - len(prompts),
        tokens=sum(rendered.tokens["total"] for rendered, _ in sent),
        cost=total(cost for cost, _ in costs),
        cost_at_most=total(most for _, most in costs),
    )


def fitted(project: Project, batch: Batch) -> tuple[Batch, list[str]]:
    """The batch without the columns that its instruction has no use for, and their names.

    A column like a parameter that is given nowhere stays: it is a misspelling, and an error.
    """
    instruction = Instructions(project, Sources(project)).load(batch.name)
    columns = sorted({column for row in batch.rows for column in row})
    absent = set(instruction.params) - {*columns, *batch.params}
    unused = [name for name in columns if not takes(instruction, name) and nearest(name, absent) is None]
    rows = [{name: value for name, value in row.items() if name not in unused} for row in batch.rows]
    return replace(batch, rows=rows), unused


def read_rows(project: Project, path: Path) -> Rows:
    """The rows of a table in any file that is read, or of the query in a sql file on the project's database.

    Raises UsageError where there is no list of records.
    """
    if path.suffix == ".sql":
        return _queried(project, path)
    try:
        reading = read_file(path.read_bytes(), shown=str(path), options=ReadOptions(spelt=True))
    except FileNotFoundError:
        raise UsageError("there is no such file", where=Where(str(path))) from None
    except ConversionError as error:
        problems = [replace(problem, hint=None) for problem in error.problems]
        raise UsageError(error.message, problems=problems) from None
    rows = data_of(reading, spelt=True).get("records")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UsageError("a batch is a list of records, one for each row", where=Where(str(path)))
    return rows


def render_rows(run: Run, batch: Batch) -> list[Answerable | TrainerError]:
    """Each row's prompt and model, or why nothing can be sent for it; raises InstructionError for wrong parameters."""
    rows: list[Answerable | TrainerError] = []
    problems: list[Problem] = []
    for number, row in enumerate(batch.rows, 1):
        try:
            rendered, choice = run.rendered(batch.name, {**batch.params, **row})
            rows.append((rendered, choice))
        except UsageError as error:
            where = Where(batch.shown)
            problems += (replace(one, message=f"row {number}: {one.message}", where=where) for one in error.problems)
        except TrainerError as error:
            rows.append(error)
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        shown = problems[:_MOST_PROBLEMS] + ([Problem(f"and {more} more problems")] if more > 0 else [])
        raise InstructionError(problems[0].message, problems=shown)
    return rows


def failed_rows(result: BatchResult) -> list[str]:
    """One line for each row that failed."""
    return [f"row {number}: {error.message}" for number, error in result.errors]


def _row(run: Run, batch: Batch, params: Mapping[str, Json], answerable: Answerable | TrainerError) -> BatchRow:
    if isinstance(answerable, TrainerError):
        return BatchRow(dict(params), answerable)
    rendered, choice = answerable
    call = ModelCall(batch.name, rendered.prompt, choice)

    async def complete() -> CompletionResult:
        result = await run.completer.answer(call)
        result, findings = await accepted(call, run.project, rendered, result, run.completer)
        metadata = {**result.metadata, "findings": [finding.as_json() for finding in findings]}
        return replace(result, content=written(result), metadata=metadata)

    identity = [explain(call.request), [step.text for step in rendered.prompt.steps]]
    return BatchRow(dict(params), complete, identity)


def _queried(project: Project, path: Path) -> Rows:
    import duckdb

    query = read_text(path)
    try:
        with open_database(project)() as connection:
            answer = connection.execute(query)
            names = [column[0] for column in answer.description or ()]
            rows = answer.fetchall()
    except (duckdb.Error, StoreError) as error:
        raise UsageError(f"not a query of this database: {error}", where=Where(str(path))) from None
    plain = (str, int, float, bool, type(None))
    return [{n: v if isinstance(v, plain) else str(v) for n, v in zip(names, row, strict=True)} for row in rows]
