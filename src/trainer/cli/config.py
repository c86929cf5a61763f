"""`trainer config`: the effective settings, and whether they are right."""

from __future__ import annotations

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_json, write_table, write_text


@click.group("config")
def command() -> None:
    """Show and check the settings.

    Flags (--set) win over the environment (TRAINER_SECTION__KEY), the environment over config.yaml.
    """


@command.command()
@click.argument("section", required=False)
@json_option
@click.pass_obj
def show(session: Session, section: str | None, as_json: bool) -> None:
    """Show every setting with its value and where it came from, or those of one SECTION."""
    from trainer.actions.config import show_config

    rows = show_config(session.project(), section=section)
    if as_json:
        write_json([{"key": key, "value": value, "origin": origin} for key, value, origin in rows])
    else:
        write_table(("key", "value", "origin"), rows)


@command.command()
@json_option
@click.pass_obj
def check(session: Session, as_json: bool) -> None:
    """Check config.yaml, its reports and every instruction; exit 2 where something is wrong."""
    from trainer.actions.config import check_config

    checked = check_config(session.project())
    for warning in checked.warnings:
        session.say(f"warning: {warning}")
    if as_json:
        write_json(checked)
    else:
        said = f"{len(checked.warnings)} warnings" if checked.warnings else "all well"
        write_text(f"{checked.config}: {checked.reports} reports, {checked.instructions} instructions, {said}")


@command.command()
def schema() -> None:
    """Print a JSON Schema of config.yaml, for editors."""
    from trainer.core.config import json_schema

    write_json(json_schema())
