"""`trainer render`: the finished prompt, and nothing sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, DataKeys, JsonOption, Params, application
from trainer.cli.completion import instructions, models
from trainer.cli.session import Session
from trainer.cli.show import write_changes, write_json, write_text

if TYPE_CHECKING:
    from trainer.actions.render import RenderResult


app = application()


@app.command(cls=Command)
def render(
    context: typer.Context,
    *,
    instruction: Annotated[str, typer.Argument(metavar="INSTRUCTION", autocompletion=instructions)],
    params: Params,
    data: DataKeys,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the prompt to FILE.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="M", help="Model to count tokens and cost for.", autocompletion=models)
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing.")] = False,
    run: Annotated[
        str | None, typer.Option("--diff", metavar="RUN", help="Show what changed since a recorded run, or `last`.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Fetch the data again, however fresh it is.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the finished prompt of INSTRUCTION; nothing is sent.

    --json adds messages, tokens by section, cost, contexts, data versions, fingerprint and security findings.
    """
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.render import render_instruction
    from trainer.core.files import write_atomic

    session: Session = context.obj
    result = render_instruction(
        session.project(),
        instruction,
        parse_pairs(params, option="-p"),
        keys=parse_pairs(data, option="--data"),
        changes={"model": model} if model else {},
        offline=offline,
        refresh=refresh,
    )
    for line in _remarks(result):
        session.say(line)
    if run is not None:
        _show_changes(session, result, run, as_json=as_json)
        return
    if output is not None:
        write_atomic(output, result.rendered.prompt.text)
    if as_json:
        write_json(result)
    elif output is None:
        write_text(result.rendered.prompt.text)


def _show_changes(session: Session, result: RenderResult, run: str, *, as_json: bool) -> None:
    from trainer.actions.render import compare_with

    write_changes(compare_with(session.project(), result.rendered, run), as_json=as_json)


def _remarks(result: RenderResult) -> list[str]:
    screening = result.rendered.screening
    lines = [f"warning: {warning}" for warning in result.warnings]
    if screening is not None and not screening.is_safe:
        flags = ", ".join(screening.flags)
        lines.append(
            f"warning: the security policy would refuse this prompt (risk {screening.risk_score:.2f}): {flags}"
        )
    cost = "cost unknown" if result.cost is None else f"${result.cost:.4f}"
    lines.append(
        f"{result.rendered.tokens['total']:,} tokens, {cost} for {result.choice.provider}/{result.choice.model}"
    )
    return lines
