"""`trainer init`: a new project tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_text

app = application()


@app.command(cls=Command)
def init(
    context: typer.Context,
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", show_default=False)] = Path(),
    example: Annotated[Literal["biotech", "blank"], typer.Option(help="What to start from.")] = "blank",
    as_json: JsonOption = False,
) -> None:
    """Start a new project in DIR (default: this folder). Files that exist are never overwritten."""
    from trainer.actions.init import init_project

    session: Session = context.obj
    project = init_project(folder, example=example)
    if as_json:
        write_json(project)
        return
    for name in project.existing:
        session.say(f"kept as it was: {name}")
    step = "" if folder == Path() else f"cd {folder} && "
    write_text(f"{len(project.written)} files written to {folder}\nnext: {step}trainer report")
