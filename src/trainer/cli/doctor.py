"""`trainer doctor`: what is installed, reachable and configured."""

from __future__ import annotations

from pathlib import Path

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_table
from trainer.core.errors import TrainerError

app = application()


@app.command(cls=Command)
def doctor(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Tell what is installed, reachable and configured, and the command that mends what is not.

    Exit 1 where something that the project needs is broken.
    """
    from trainer.actions.doctor import diagnose

    session: Session = context.obj
    diagnoses = diagnose(Path.cwd(), folder=session.folder, environ=session.environ, overrides=session.overrides)
    if as_json:
        write_json(diagnoses)
    else:
        write_table(
            ("what", "status", "detail", "remedy"),
            [(d.name, d.status, d.detail, d.remedy) for d in diagnoses],
            wraps=True,
        )
    broken = [diagnosis.name for diagnosis in diagnoses if diagnosis.status == "error"]
    if broken:
        raise TrainerError(f"broken: {', '.join(broken)}", hint="the remedies stand in the table")
