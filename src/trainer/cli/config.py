"""`trainer config`: the effective settings, and whether they are right."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_table, write_text

app = application()


@app.callback()
def config() -> None:
    """Show and check the settings.

    Flags (--set) win over the environment (TRAINER_SECTION__KEY), the environment over config.yaml.
    """


@app.command(cls=Command)
def show(
    context: typer.Context,
    *,
    section: Annotated[str | None, typer.Argument(metavar="SECTION")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show every setting with its value and where it came from, or those of one SECTION."""
    from trainer.actions.config import show_config

    session: Session = context.obj
    rows = show_config(session.project(), section=section)
    if as_json:
        write_json([{"key": key, "value": value, "origin": origin} for key, value, origin in rows])
    else:
        write_table(("key", "value", "origin"), rows)


@app.command(cls=Command)
def check(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Check config.yaml with each of its targets, its reports and every instruction; exit 2 for what is wrong."""
    from trainer.actions.config import check_config

    session: Session = context.obj
    project = session.project()
    checked = check_config(project, targets=(partial(session.project, name) for name in project.settings.targets))
    for warning in checked.warnings:
        session.say(f"warning: {warning}")
    if as_json:
        write_json(checked)
    else:
        verdict = f"{len(checked.warnings)} warnings" if checked.warnings else "all well"
        write_text(f"{checked.config}: {checked.reports} reports, {checked.instructions} instructions, {verdict}")


@app.command(cls=Command)
def schema() -> None:
    """Print a JSON Schema of config.yaml, for editors."""
    from trainer.core.config import json_schema

    write_json(json_schema())
