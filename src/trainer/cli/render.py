"""`trainer render`: the finished prompt, and nothing sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_changes, write_json, write_text

if TYPE_CHECKING:
    from trainer.actions.render import RenderResult


@click.command("render")
@click.argument("instruction")
@click.option("-p", "--param", "params", metavar="NAME=VALUE", multiple=True, help="Value of a parameter.")
@click.option("--data", metavar="NAME=KEY", multiple=True, help="Stored document for a data block.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write the prompt to FILE.")
@click.option("--model", metavar="M", help="Model to count tokens and cost for.")
@click.option("--offline", is_flag=True, help="Fetch nothing.")
@click.option("--diff", "run", metavar="RUN", help="Show what changed since a recorded run, or `last`.")
@click.option("--refresh", is_flag=True, help="Fetch the data again, however fresh it is.")
@json_option
@click.pass_obj
def command(
    session: Session,
    instruction: str,
    params: tuple[str, ...],
    data: tuple[str, ...],
    output: Path | None,
    model: str | None,
    offline: bool,
    refresh: bool,
    run: str | None,
    as_json: bool,
) -> None:
    """Show the finished prompt of INSTRUCTION; nothing is sent.

    --json adds messages, tokens by section, cost, contexts, data versions, fingerprint and security findings.
    """
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.render import render_instruction
    from trainer.core.files import write_atomic

    found = render_instruction(
        session.project(),
        instruction,
        parse_pairs(params, option="-p"),
        keys=parse_pairs(data, option="--data"),
        changes={"model": model} if model else {},
        offline=offline,
        refresh=refresh,
    )
    for line in _remarks(found):
        session.say(line)
    if run is not None:
        _show_changes(session, found, run, as_json=as_json)
        return
    if output is not None:
        write_atomic(output, found.rendered.prompt.text)
    if as_json:
        write_json(found.as_json())
    elif output is None:
        write_text(found.rendered.prompt.text)


def _show_changes(session: Session, found: RenderResult, run: str, *, as_json: bool) -> None:
    from trainer.actions.render import compare_with

    write_changes(compare_with(session.project(), found.rendered, run), as_json=as_json)


def _remarks(found: RenderResult) -> list[str]:
    screening = found.rendered.screening
    lines = [f"warning: {warning}" for warning in found.warnings]
    if screening is not None and not screening.is_safe:
        flags = ", ".join(screening.flags)
        lines.append(
            f"warning: the security policy would refuse this prompt (risk {screening.risk_score:.2f}): {flags}"
        )
    cost = "cost unknown" if found.cost is None else f"${found.cost:.4f}"
    lines.append(f"{found.rendered.tokens['total']:,} tokens, {cost} for {found.choice.provider}/{found.choice.model}")
    return lines
