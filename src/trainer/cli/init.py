"""`trainer init`: a new project tree."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_json, write_text


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--example", type=click.Choice(["biotech", "blank"]), default="blank", show_default=True, help="What to start from."
)
@json_option
@click.pass_obj
def command(session: Session, folder: Path, example: str, as_json: bool) -> None:
    """Start a new project in DIR (default: this folder). Files that exist are never overwritten."""
    from trainer.actions.init import init_project

    started = init_project(folder, example=example)
    if as_json:
        write_json(started)
        return
    for name in started.kept:
        session.say(f"kept as it was: {name}")
    step = "" if folder == Path() else f"cd {folder} && "
    write_text(f"{len(started.written)} files written to {folder}\nnext: {step}trainer report")
