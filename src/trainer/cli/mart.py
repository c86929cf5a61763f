"""`trainer mart`: the records of what was run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.cli.app import Command, Json, application
from trainer.cli.session import Session
from trainer.cli.show import write_changes, write_json, write_table, write_text

if TYPE_CHECKING:
    from trainer.mart import ExecutionRecord, ExecutionTree, StepRecord

_HEADINGS = ("execution", "started", "operation", "subject", "status", "seconds", "tokens", "cost")
_SUBJECTS = ("report", "instruction", "name", "source", "path", "table", "key")


app = application()


@app.callback()
def mart() -> None:
    """Look into the records of what was run: when, on what, how long, at what cost, and how it ended."""


@app.command(cls=Command)
def executions(
    context: typer.Context,
    *,
    module: Annotated[str | None, typer.Option(metavar="NAME", help="Only executions of this module.")] = None,
    operation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only executions of this operation, such as report or run.")
    ] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Only success, fail, cancelled, running or lost.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Only what started at or after a date, or in the last 7d, 12h …"),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Only what started before a date or age.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most N.")] = 50,
    as_json: Json = False,
) -> None:
    """List the latest executions, newest first."""
    from trainer.actions.mart import list_executions

    session: Session = context.obj
    records = list_executions(
        session.project(), module=module, operation=operation, status=status, since=since, until=until, limit=limit
    )
    if as_json:
        write_json(records)
    else:
        write_table(_HEADINGS, [_row(record) for record in records])


@app.command(cls=Command)
def show(
    context: typer.Context,
    *,
    execution: Annotated[str, typer.Argument(metavar="EXECUTION")],
    older: Annotated[
        str | None,
        typer.Option("--diff", metavar="OTHER", help="Tell what changed in the prompt since that execution."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show one EXECUTION with its steps, inputs, outputs and all that ran below it.

    The start or the end of its identity is enough; `last` is the latest.
    """
    from trainer.actions.mart import show_execution
    from trainer.actions.render import compare_runs

    session: Session = context.obj
    if older is not None:
        write_changes(compare_runs(session.project(), older, execution), as_json=as_json)
        return
    tree = show_execution(session.project(), execution)
    if as_json:
        write_json(tree)
    else:
        write_text("\n".join(_lines(tree, "")))


def _row(record: ExecutionRecord) -> tuple[object, ...]:
    started = record.started_at.strftime("%Y-%m-%d %H:%M:%S") if record.started_at else None
    tokens = _sum(record.tokens_in, record.tokens_out)
    seconds = None if record.seconds is None else round(record.seconds, 3)
    return (
        record.execution_id,
        started,
        record.operation,
        _subject(record),
        record.status,
        seconds,
        tokens,
        record.cost,
    )


def _subject(record: ExecutionRecord) -> str | None:
    context = record.context if isinstance(record.context, dict) else {}
    return next((str(context[name]) for name in _SUBJECTS if context.get(name)), None)


def _lines(tree: ExecutionTree, indent: str) -> Iterator[str]:
    record = tree.execution
    subject = _subject(record)
    figures = _figures(record.seconds, tree.tokens, tree.cost)
    title = " ".join(filter(None, (record.operation, subject)))
    yield f"{indent}{title}: {record.status}{figures}  {record.execution_id}"
    if record.error or record.error_class:
        yield f"{indent}  {record.error_class or 'error'}: {record.error or ''}".rstrip(": ")
    for name in ("context", "inputs", "outputs", "results"):
        yield from _mapping(name, getattr(record, name), indent)
    for step in tree.steps:
        yield f"{indent}  - {step.name}: {step.status}{_figures(step.seconds, _step_tokens(step), step.cost)}"
        for name in ("inputs", "outputs", "attributes"):
            yield from _mapping(name, getattr(step, name), f"{indent}    ")
    for child in tree.children:
        yield from _lines(child, f"{indent}  ")


def _mapping(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{indent}  {name}.{key} = {item}" for key, item in sorted(value.items()))
    elif value is not None:
        yield f"{indent}  {name} = {value}"


def _figures(seconds: float | None, tokens: int | None, cost: float | None) -> str:
    parts = [
        None if seconds is None else f"{seconds:.3f} s",
        None if tokens is None else f"{tokens:,} tokens",
        None if cost is None else f"${cost:.4f}",
    ]
    known = [part for part in parts if part]
    return f" ({', '.join(known)})" if known else ""


def _step_tokens(step: StepRecord) -> int | None:
    return _sum(step.tokens_in, step.tokens_out)


def _sum(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
