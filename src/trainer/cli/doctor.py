"""`trainer doctor`: what is installed, reachable and configured."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_json, write_table
from trainer.core.errors import TrainerError


@click.command("doctor")
@json_option
@click.pass_obj
def command(session: Session, as_json: bool) -> None:
    """Tell what is installed, reachable and configured, and the command that mends what is not.

    Exit 1 where something that the project needs is broken.
    """
    from trainer.actions.doctor import diagnose

    found = diagnose(Path.cwd(), folder=session.folder, environ=session.environ, overrides=session.overrides)
    if as_json:
        write_json(found)
    else:
        write_table(("what", "status", "detail", "remedy"), [(d.name, d.status, d.detail, d.remedy) for d in found])
    broken = [diagnosis.name for diagnosis in found if diagnosis.status == "error"]
    if broken:
        raise TrainerError(f"broken: {', '.join(broken)}", hint="the remedies stand in the table")
