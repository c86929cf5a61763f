"""`trainer run`: an instruction, a prompt from stdin, or a batch of rows through a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_json, write_text
from trainer.core.errors import PartialError, TrainerError, UsageError

if TYPE_CHECKING:
    from trainer.actions.batch import Batch
    from trainer.actions.run import DryRun, RunOptions, RunResult

_FILE = click.Path(path_type=Path)


@click.command("run")
@click.argument("instruction")
@click.option("-p", "--param", "params", metavar="NAME=VALUE", multiple=True, help="Value of a parameter.")
@click.option("--data", metavar="NAME=KEY", multiple=True, help="Stored document for a data block.")
@click.option("--model", metavar="M", help="Model, over config.yaml.")
@click.option("--provider", metavar="P", help="Provider, over config.yaml.")
@click.option("--stream", is_flag=True, help="Show the answer as it comes.")
@click.option("-o", "--output", metavar="FILE|DIR", type=_FILE, help="Write the answer to FILE; with --batch into DIR.")
@click.option("--batch", metavar="ROWS", type=_FILE, help="One completion a row of a csv, jsonl, yaml or sql file.")
@click.option("--concurrency", metavar="N", type=click.IntRange(1, 1000), help="Most calls under way at once.")
@click.option("--schema", metavar="FILE", type=_FILE, help="JSON Schema the answer must fit.")
@click.option("--max-cost", metavar="USD", type=click.FloatRange(0), help="Most this run may spend.")
@click.option("--dry-run", is_flag=True, help="Tell tokens and cost; send nothing.")
@click.option("--explain", is_flag=True, help="Tell whether the answer is cached, and what its key is made of.")
@click.option("--no-cache", is_flag=True, help="Neither read nor keep completions.")
@click.option("--refresh", is_flag=True, help="Ask again, and keep the new answer.")
@click.option("--no-retry", is_flag=True, help="One attempt only.")
@click.option("--record", metavar="FILE", type=_FILE, help="Add the completion to a cassette.")
@click.option("--replay", metavar="FILE|DIR", type=_FILE, help="Answer from cassettes; open no socket.")
@click.option("--offline", is_flag=True, help="Fetch nothing and call no remote model.")
@json_option
@click.pass_obj
def command(session: Session, /, instruction: str, params: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Run INSTRUCTION through a model, or with - the prompt on stdin.

    With --batch, rows give parameters: one completion a row, one JSON line each, in order. A rerun resumes and pays
    only for the rows that failed (exit 6). With --dry-run, it tells what all rows would cost.
    """
    from trainer.actions.prompt import parse_pairs

    given = parse_pairs(params, option="-p")
    run = _options(options)
    if options["batch"] is not None:
        _refuse(options, "--batch", ("stream", "explain", "record"))
        batch = _read_batch(session, instruction, given, options["batch"])
        if options["dry_run"]:
            _estimate(session, batch, run, as_json=as_json)
        else:
            _batch(session, batch, run, folder=options["output"], as_json=as_json)
        return
    text = _stdin() if instruction == "-" else None
    if options["dry_run"] or options["explain"]:
        _dry_run(session, instruction, given, run, text, explain=options["explain"], as_json=as_json)
    else:
        _run(
            session, instruction, given, run, text, as_json=as_json, stream=options["stream"], output=options["output"]
        )


def _options(options: dict[str, Any]) -> RunOptions:
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.run import RunOptions, read_schema

    return RunOptions(
        changes={name: options[name] for name in ("model", "provider") if options[name] is not None},
        keys=parse_pairs(options["data"], option="--data"),
        schema=None if options["schema"] is None else read_schema(options["schema"]),
        max_cost=options["max_cost"],
        use_cache=not options["no_cache"],
        refresh=options["refresh"],
        retry=not options["no_retry"],
        record=options["record"],
        replay=options["replay"],
        offline=options["offline"],
        concurrency=options["concurrency"],
    )


def _run(
    session: Session,
    instruction: str,
    given: dict[str, str],
    run: RunOptions,
    text: str | None,
    *,
    as_json: bool,
    stream: bool,
    output: Path | None,
) -> None:
    from trainer.actions.run import run_prompt, write_answer

    show = _Shown() if stream and not as_json and output is None else None
    found = run_prompt(
        session.project(),
        instruction,
        given,
        run,
        text=text,
        on_text=show.take if show else None,
        on_restart=show.restart if show else None,
    )
    if output is not None:
        write_answer(output, found.completion)
    if as_json:
        write_json(found.as_json())
    elif show is not None:
        show.end()
    elif output is None:
        write_text(found.completion.content)
    session.say(_summary(found))


class _Shown:
    """An answer on stdout as it comes."""

    def __init__(self) -> None:
        self._last = "\n"

    def take(self, piece: str) -> None:
        """Show a piece at once."""
        sys.stdout.write(piece)
        sys.stdout.flush()
        self._last = piece[-1:] or self._last

    def restart(self) -> None:
        """Say that the answer begins again."""
        self.take("\n\n[the answer was cut off; it starts again]\n\n")

    def end(self) -> None:
        """End the last line."""
        if self._last != "\n":
            self.take("\n")


def _dry_run(
    session: Session,
    instruction: str,
    given: dict[str, str],
    run: RunOptions,
    text: str | None,
    *,
    explain: bool,
    as_json: bool,
) -> None:
    from trainer.actions.run import dry_run

    found = dry_run(session.project(), instruction, given, run, text=text)
    if as_json:
        write_json(found.as_json())
        return
    write_text("\n".join([*_costs(found), *(_explained(found) if explain else ())]))


def _costs(found: DryRun) -> list[str]:
    parts = [f"  {count:>8,}  {name}" for name, count in found.rendered.tokens.items() if name != "total"]
    return [
        f"{found.choice.provider}/{found.choice.model}: {found.rendered.tokens['total']:,} tokens to send",
        *parts,
        f"cost: {_money(found.cost)} for the prompt, at most {_money(found.cost_at_most)} in all",
        f"cached: {'yes, nothing would be sent' if found.cached else 'no'}",
    ]


def _money(cost: float | None) -> str:
    return "unknown" if cost is None else f"${cost:.4f}"


def _explained(found: DryRun) -> list[str]:
    from trainer.core.digest import digest

    shown = [f"  {name}: {_short(value, digest(value))}" for name, value in found.ingredients.items()]
    return [f"key: {found.key}", *shown]


def _short(value: object, known: str) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{len(text):,} characters, digest {known[:12]}"


def _read_batch(session: Session, instruction: str, given: dict[str, str], rows: Path) -> Batch:
    from trainer.actions.batch import Batch, fitted, read_rows

    if instruction == "-":
        raise UsageError("--batch needs an instruction; stdin cannot be one")
    project = session.project()
    batch, unused = fitted(project, Batch(instruction, read_rows(project, rows), str(rows), given))
    if unused:
        session.say(f"{rows}: not used by {instruction}: {', '.join(unused)}")
    return batch


def _estimate(session: Session, batch: Batch, run: RunOptions, *, as_json: bool) -> None:
    from trainer.actions.batch import estimate_batch

    found = estimate_batch(session.project(), batch, run)
    if as_json:
        write_json(found)
        return
    refused = f", {found.refused} would fail" if found.refused else ""
    asked = found.rows - found.cached - found.refused
    write_text(f"{found.provider}/{found.model}: {found.tokens:,} tokens to send for {asked} of {found.rows} rows")
    write_text(f"rows: {found.cached} cached{refused}")
    write_text(f"cost: {_money(found.cost)} for the prompts, at most {_money(found.cost_at_most)} in all")


def _batch(session: Session, batch: Batch, run: RunOptions, *, folder: Path | None, as_json: bool) -> None:
    from trainer.actions.batch import failed_rows, run_batch
    from trainer.cli.progress import Progress

    total = len(batch.rows)
    with Progress(session, "rows") as progress:
        progress.expect(total)
        result = run_batch(
            session.project(),
            batch,
            run,
            output=None if folder is None else folder / f"{Path(batch.shown).stem}.jsonl",
            on_line=write_text if folder is None else None,
            on_progress=lambda state: progress.step(None, f"${state.cost:.4f}"),
        )
    for line in failed_rows(result):
        session.say(line)
    cost = _money(result.cost) + (f" and {result.unpriced} answers of unknown price" if result.unpriced else "")
    session.say(f"{result.done} of {total} rows done, {result.resumed} of them earlier; {cost}")
    if as_json and folder is not None:
        names = ("done", "failed", "resumed", "cost", "unpriced", "tokens")
        write_json({name: getattr(result, name) for name in names})
    if result.failed and result.failed == total:
        raise TrainerError(f"all {result.failed} rows failed", hint="mend what is told above and run it again")
    if result.failed:
        raise PartialError(f"{result.failed} of {total} rows failed", hint="run it again: only these are asked")


def _stdin() -> str:
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("stdin is closed", hint="pipe the prompt in: echo 'Write a haiku' | trainer run -")
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _refuse(options: dict[str, Any], option: str, others: tuple[str, ...]) -> None:
    for name in others:
        if options[name]:
            raise UsageError(f"{option} and --{name.replace('_', '-')} exclude each other")


def _summary(found: RunResult) -> str:
    result = found.completion
    cost = "cost unknown" if result.cost is None else _money(result.cost)
    paid = cost if result.origin == "fresh" else f"{result.origin}, $0 now"
    return f"{result.provider}/{result.model}: {result.tokens_in:,} + {result.tokens_out:,} tokens, {paid}"
