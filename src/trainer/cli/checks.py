"""`trainer checks`: figures, citations and consistency of any Markdown against data and contexts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, Json, Sarif, application
from trainer.cli.completion import keys_or_files
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_text
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.actions.checks import Checked

app = application()


@app.command(cls=Command)
def checks(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE")],
    data: Annotated[
        list[str],
        typer.Option(
            metavar="KEY|FILE",
            help="Data to check against: a file or a store key.",
            default_factory=list,
            show_default=False,
            autocompletion=keys_or_files,
        ),
    ],
    contexts: Annotated[
        list[str],
        typer.Option(
            "--context", metavar="FILE", help="A context to check against.", default_factory=list, show_default=False
        ),
    ],
    language: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Language of the text: en, de, fr, de-CH …; its front matter's otherwise."),
    ] = None,
    as_json: Json = False,
    as_sarif: Sarif = False,
) -> int:
    """Check the figures, citations and consistency of a Markdown FILE (- for stdin).

    Without --data, a report in output/ is checked against the data of its provenance.
    Exit 1 if the data contradicts a figure.
    """
    from trainer.actions.checks import check_text, provenance_blocks, read_blocks, read_contexts, sarif
    from trainer.core.files import read_text

    session: Session = context.obj
    if as_json and as_sarif:
        raise UsageError("--json and --sarif exclude each other")
    folder = Path.cwd()
    text = sys.stdin.read() if file == "-" else read_text(folder / file, shown=file)
    project = session.project_around()
    blocks = read_blocks(data, project=project, folder=folder)
    if not data and project is not None and file != "-":
        blocks = provenance_blocks(project, folder / file)
    checked = check_text(
        text, name=file, data=blocks, contexts=read_contexts(contexts, folder=folder), language=language
    )
    if as_json:
        write_json(checked.as_json())
    elif as_sarif:
        write_json(sarif(checked))
    else:
        write_text("\n".join(_lines(checked)))
    return 1 if checked.contradicted else 0


def _lines(checked: Checked) -> Iterator[str]:
    for figure in checked.figures.unverified:
        yield f"{checked.file}:{figure.line}:{figure.column}: {figure.verdict}: {figure.text}: {figure.message}"
    for finding in checked.findings:
        place = finding.where
        at = f"{place.line or 1}:{place.column or 1}" if place else "1"
        yield f"{checked.file}:{at}: {finding.kind}: {finding.message}"
    verdicts = [figure.verdict for figure in checked.figures.figures]
    counts = ", ".join(
        f"{verdicts.count(name)} {name}" for name in ("supported", "derived", "context", "contradicted", "unsupported")
    )
    yield f"{len(verdicts)} figures: {counts}; quality {checked.scores['quality']:.2f}"
