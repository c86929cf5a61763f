"""The table of commands; showing help imports none of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from typer.main import get_command

from trainer.cli.app import Command, CommandGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A command as the help lists it; its module `trainer.cli.<name>` holds it as `app`."""

    help: str
    main: bool = False
    """Whether it is one of the six main commands."""


COMMANDS = {
    "retrieve": Entry("Fetch data from a source into the store.", main=True),
    "render": Entry("Show a finished prompt, with tokens and cost; send nothing.", main=True),
    "run": Entry("Run an instruction, or a prompt from stdin, through a model.", main=True),
    "convert": Entry("Convert documents: Markdown, JSON, HTML, PDF, DOCX, LaTeX.", main=True),
    "ingest": Entry("File incoming documents and tables.", main=True),
    "report": Entry("Build the reports whose inputs changed.", main=True),
    "accept": Entry("Accept findings of a report, or sign off its edition."),
    "diff": Entry("Show what changed between two editions of a report."),
    "init": Entry("Start a new project."),
    "store": Entry("Read and write the store."),
    "tables": Entry("Look at the catalogue's tables, correct rows, ask them in SQL."),
    "proposals": Entry("Decide what waits to enter the catalogue's tables."),
    "facts": Entry("Show what was understood of any data: measures, dimensions, times, units."),
    "models": Entry("List models with price, window and what they can do."),
    "checks": Entry("Check figures and structure of a document against data."),
    "security": Entry("Scan text for injected instructions and secrets."),
    "mart": Entry("Look into the records of what was run."),
    "config": Entry("Show and check the settings."),
    "doctor": Entry("Tell what is installed, reachable and configured."),
}


class LazyGroup(CommandGroup):
    """A group that imports a command when it is called, not when it is listed."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  (typer's signature)
        """The names of all commands, in the order of the journey."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        return get_command(import_module(f"trainer.cli.{cmd_name}").app)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The names of commands that begin so, described by the table."""
        ctx.command = CommandGroup(commands={name: Command(name, help=entry.help) for name, entry in COMMANDS.items()})
        return super().shell_complete(ctx, incomplete)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the two lists of commands."""
        for title, main in (("Main commands", True), ("More commands", False)):
            with formatter.section(title):
                formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items() if entry.main is main])
