"""`trainer run`: an instruction, a prompt from stdin, or a batch of rows through a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import (
    Command,
    Concurrency,
    DataKeys,
    JsonOption,
    MaxCost,
    Models,
    NoExplore,
    Params,
    Provider,
    application,
    chosen,
)
from trainer.cli.completion import instructions
from trainer.cli.run_tests import run_tests
from trainer.cli.session import Session
from trainer.cli.show import money, write_json, write_piece, write_text
from trainer.core.digest import pick
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.actions.batch import Batch
    from trainer.actions.run import DryRun, RunOptions, RunResult
    from trainer.sources import Choice

app = application()


@app.command(cls=Command)
def run(
    context: typer.Context,
    *,
    instruction: Annotated[str, typer.Argument(metavar="INSTRUCTION", autocompletion=instructions)],
    params: Params,
    data: DataKeys,
    models: Models,
    provider: Provider = None,
    stream: Annotated[bool, typer.Option("--stream", help="Show the answer as it comes.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE|DIR", help="Write the answer to FILE; with --batch into DIR."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option("--system", metavar="TEXT|FILE", help="System message to send first, or a file that holds it."),
    ] = None,
    contexts: Annotated[
        list[Path],
        typer.Option(
            "--context",
            metavar="FILE",
            help="A context to add to the prompt.",
            default_factory=list,
            show_default=False,
        ),
    ],
    batch: Annotated[
        Path | None, typer.Option(metavar="ROWS", help="One completion a row of a csv, jsonl, yaml or sql file.")
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="Hold the answers against the assertions of the instruction's expect.")
    ] = False,
    revisions: Annotated[
        list[str],
        typer.Option(
            "--revision",
            metavar="REF",
            help="With --test, also test the instruction as it stood at a day or commit; repeatable.",
            default_factory=list,
            show_default=False,
        ),
    ],
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="With --test, write the results as JUnit XML.")
    ] = None,
    concurrency: Concurrency = None,
    schema: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON Schema the answer must fit.")] = None,
    max_cost: MaxCost = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Tell tokens and cost; send nothing.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell whether the answer is cached, and what its key is made of.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither read nor keep completions.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask again, and keep the new answer.")] = False,
    no_retry: Annotated[bool, typer.Option("--no-retry", help="One attempt only.")] = False,
    record: Annotated[Path | None, typer.Option(metavar="FILE", help="Add the completion to a cassette.")] = None,
    replay: Annotated[
        Path | None, typer.Option(metavar="FILE|DIR", help="Answer from cassettes; open no socket.")
    ] = None,
    no_explore: NoExplore = False,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing and call no remote model.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run INSTRUCTION through a model, or with - the prompt on stdin.

    With --batch, rows give parameters: one completion a row, one JSON line each, in order. A rerun resumes and pays
    only for the rows that failed (exit 6). With --dry-run, it tells what all rows would cost.
    With --test, rows are cases: each answer is held against the instruction's assertions, with every --model and
    --revision side by side; exit 6 where some do not hold, 1 where none does.
    """
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.run import RunOptions, read_schema, read_system

    session: Session = context.obj
    values = parse_pairs(params, option="-p")
    options = RunOptions(
        changes=chosen(model=None if test or not models else models[0], provider=provider),
        keys=parse_pairs(data, option="--data"),
        schema=None if schema is None else read_schema(schema),
        max_cost=max_cost,
        use_cache=not no_cache,
        refresh=refresh,
        retry=not no_retry,
        record=record,
        replay=replay,
        offline=offline,
        explore=not no_explore,
        concurrency=concurrency,
        system="" if system is None else read_system(system),
        contexts=tuple(contexts),
    )
    if not test and (wrong := _only_with_test(models, revisions, junit)):
        raise UsageError(f"{wrong} goes with --test", hint="it holds the answers against the instruction's expect")
    if test:
        excluded = {"--stream": stream, "--explain": explain, "--record": record, "--dry-run": dry, "-o": output}
        for option, value in excluded.items():
            if value:
                raise UsageError(f"--test and {option} exclude each other")
        rows = _read_batch(session, instruction, values, batch) if batch else _one_case(instruction, values)
        run_tests(session, rows, options, models=models, revisions=revisions, junit=junit, as_json=as_json)
        return
    if batch is not None:
        excluded = {"--stream": stream, "--explain": explain, "--record": record}
        for option, value in excluded.items():
            if value:
                raise UsageError(f"--batch and {option} exclude each other")
        rows = _read_batch(session, instruction, values, batch)
        if dry:
            _estimate(session, rows, options, as_json=as_json)
        else:
            _batch(session, rows, options, folder=output, as_json=as_json)
        return
    text = _stdin() if instruction == "-" else None
    if dry or explain:
        _dry_run(session, instruction, values, options, text, explain=explain, as_json=as_json)
    else:
        _run(session, instruction, values, options, text, as_json=as_json, stream=stream, output=output)


def _only_with_test(models: list[str], revisions: list[str], junit: Path | None) -> str:
    is_named = {"a second --model": len(models) > 1, "--revision": bool(revisions), "--junit": junit is not None}
    return next((option for option, is_given in is_named.items() if is_given), "")


def _one_case(instruction: str, values: dict[str, str]) -> Batch:
    from trainer.actions.batch import Batch

    return Batch(instruction, [{}], instruction, values)


def _run(
    session: Session,
    instruction: str,
    arguments: dict[str, str],
    run: RunOptions,
    text: str | None,
    *,
    as_json: bool,
    stream: bool,
    output: Path | None,
) -> None:
    from trainer.actions.run import run_prompt, write_answer

    show = _Shown() if stream and not as_json and output is None else None
    result = run_prompt(
        session.project(),
        instruction,
        arguments,
        run,
        text=text,
        on_text=show.take if show else None,
        on_restart=show.restart if show else None,
    )
    if output is not None:
        write_answer(output, result.completion)
    if as_json:
        write_json(result)
    elif show is not None:
        show.end(result.text)
    elif output is None:
        write_text(result.text)
    for warning in result.warnings:
        session.say(f"warning: {warning}")
    for finding in result.findings:
        place = f"line {finding.where.line}: " if finding.where and finding.where.line else ""
        session.say(f"{finding.severity}: {place}{finding.message}")
    session.say(_summary(result))


class _Shown:
    """An answer on a terminal as it comes; whoever reads a pipe takes what is there for the answer, so it waits."""

    def __init__(self) -> None:
        self._is_live = sys.stdout.isatty()
        self._last = "\n"

    def take(self, piece: str) -> None:
        """Show a piece at once."""
        if not self._is_live:
            return
        write_piece(piece)
        sys.stdout.flush()
        self._last = piece[-1:] or self._last

    def restart(self) -> None:
        """Say that the answer begins again."""
        self.take("\n\n[the answer was cut off; it starts again]\n\n")

    def end(self, answer: str) -> None:
        """End the last line, or show the whole answer where no piece was shown."""
        if not self._is_live:
            write_text(answer)
        elif self._last != "\n":
            self.take("\n")


def _dry_run(
    session: Session,
    instruction: str,
    arguments: dict[str, str],
    run: RunOptions,
    text: str | None,
    *,
    explain: bool,
    as_json: bool,
) -> None:
    from trainer.actions.run import dry_run

    dry = dry_run(session.project(), instruction, arguments, run, text=text)
    if as_json:
        write_json(dry)
        return
    write_text("\n".join([*_costs(dry), *(_explained(dry) if explain else ())]))


def _costs(dry: DryRun) -> list[str]:
    parts = [f"  {count:>8,}  {name}" for name, count in dry.rendered.tokens.items() if name != "total"]
    return [
        f"{dry.choice.provider}/{dry.choice.model}: {dry.rendered.tokens['total']:,} tokens to send"
        + (f", in each of {dry.calls} calls and more" if dry.calls > 1 else ""),
        *parts,
        f"cost: {money(dry.cost)} for the prompt, at most {money(dry.cost_at_most)} in all",
        f"cached: {'yes, nothing would be sent' if dry.cached else 'no'}",
    ]


def _explained(dry: DryRun) -> list[str]:
    from trainer.core.digest import digest

    shown = [f"  {name}: {_short(value, digest(value))}" for name, value in dry.ingredients.items()]
    return [f"key: {dry.key}", *shown]


def _short(value: object, common: str) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{len(text):,} characters, digest {common[:12]}"


def _read_batch(session: Session, instruction: str, arguments: dict[str, str], rows: Path) -> Batch:
    from trainer.actions.batch import Batch, fitted, read_rows

    if instruction == "-":
        raise UsageError("--batch needs an instruction; stdin cannot be one")
    project = session.project()
    batch, unused = fitted(project, Batch(instruction, read_rows(project, rows), str(rows), arguments))
    if unused:
        session.say(f"{rows}: not used by {instruction}: {', '.join(unused)}")
    return batch


def _estimate(session: Session, batch: Batch, run: RunOptions, *, as_json: bool) -> None:
    from trainer.actions.batch import estimate_batch

    estimate = estimate_batch(session.project(), batch, run)
    if as_json:
        write_json(estimate)
        return
    refused = f", {estimate.refused} would fail" if estimate.refused else ""
    sent = estimate.rows - estimate.cached - estimate.refused
    write_text(
        f"{estimate.provider}/{estimate.model}: {estimate.tokens:,} tokens to send for {sent} of {estimate.rows} rows"
    )
    write_text(f"rows: {estimate.cached} cached{refused}")
    write_text(f"cost: {money(estimate.cost)} for the prompts, at most {money(estimate.cost_at_most)} in all")


def _batch(session: Session, batch: Batch, run: RunOptions, *, folder: Path | None, as_json: bool) -> None:
    from trainer.actions.batch import failed_rows, run_batch
    from trainer.actions.outcome import require_done
    from trainer.cli.progress import ProgressBar

    total = len(batch.rows)
    plan: list[Choice] = []
    with ProgressBar(session, "rows") as progress:
        progress.expect(total)
        result = run_batch(
            session.project(),
            batch,
            run,
            output=None if folder is None else folder / f"{Path(batch.shown).stem}.jsonl",
            on_line=write_text if folder is None else None,
            on_progress=lambda state: progress.step(None, f"${state.cost:.4f}"),
            on_plan=plan.append,
        )
    for choice in plan:
        session.detail(f"concurrency {choice.value}: {choice.reason}")
    for line in failed_rows(result):
        session.say(line)
    cost = money(result.cost) + (f" and {result.unpriced} answers of unknown price" if result.unpriced else "")
    session.say(f"{result.done} of {total} rows done, {result.resumed} of them earlier; {cost}")
    if as_json and folder is not None:
        counts = pick(result, "done", "failed", "resumed", "cost", "unpriced", "tokens")
        write_json({**counts, "plan": {"concurrency": plan[0] if plan else None}})
    require_done({f"row {number}": error for number, error in result.errors}, total, "rows", is_reported=True)


def _stdin() -> str:
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("stdin is closed", hint="pipe the prompt in: echo 'Write a haiku' | trainer run -")
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _summary(answer: RunResult) -> str:
    result = answer.completion
    cost = "cost unknown" if result.cost is None else money(result.cost)
    paid = cost if result.origin == "fresh" else f"{result.origin}, $0 now"
    return f"{result.provider}/{result.model}: {result.tokens_in:,} + {result.tokens_out:,} tokens, {paid}"
