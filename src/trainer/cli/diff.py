"""`trainer diff`: what changed between two editions of a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.completion import reports
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_table, write_text
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.reports.editions import EditionDiff

app = application()


@app.command(cls=Command)
def diff(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="REPORT", autocompletion=reports)],
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE|REF", help="The edition of that day, commit, branch or tag; the last other one."),
    ] = None,
    to: Annotated[
        Literal["text", "markdown", "html"] | None,
        typer.Option("-t", "--to", help="text, markdown or html: for the terminal, as Markdown, as a page."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to FILE: .md or .html says what.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed in REPORT since an earlier edition that git holds: figure by figure, sentence by sentence."""
    from trainer.actions.report_diff import diff_page, diff_report
    from trainer.core.files import write_atomic
    from trainer.reports.editions import diff_markdown

    session: Session = context.obj
    project = session.project()
    kind = to or _KINDS.get(output.suffix.lower() if output else "", "text")
    if output is not None and kind == "text":
        raise UsageError(f"-o {output} is neither Markdown nor a page", hint="name a .md or .html file, or give -t")
    changes = diff_report(project, name, since=since)
    if as_json:
        write_json(changes)
        return
    if kind != "text":
        content = diff_page(project, changes) if kind == "html" else diff_markdown(changes)
        if output is None:
            write_text(content)
        else:
            write_atomic(output, content)
            session.say(f"written: {output}")
        return
    session.say(f"{changes.title}: {changes.before} (data as of {changes.date_before}) to {changes.after}")
    _show(changes)


def _show(changes: EditionDiff) -> None:
    from trainer.reports.editions import FIGURE_COLUMNS

    write_text("nothing changed" if changes.is_empty else "")
    write_text("".join(f"data {change}\n" for change in changes.data))
    if changes.figures:
        rows = [[cell or None for cell in change.cells()] for change in changes.figures]
        write_table([name.lower() for name in FIGURE_COLUMNS], rows)
    section = None
    for change in changes.sentences:
        if change.section != section:
            section = change.section
            write_text(f"\n{section or 'above the first section'}")
        write_text("".join(f"{sign} {text}\n" for sign, text in (("-", change.before), ("+", change.after)) if text))


_KINDS: dict[str, Literal["text", "markdown", "html"]] = {".md": "markdown", ".html": "html", ".htm": "html"}
