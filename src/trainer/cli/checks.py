"""`trainer checks`: figures, citations and consistency of any Markdown against data and contexts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, JsonOption, Sarif, application
from trainer.cli.completion import keys_or_files
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_text
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.actions.checks import CheckedFile

app = application()


@app.command(cls=Command)
def checks(
    context: typer.Context,
    *,
    files: Annotated[list[str], typer.Argument(metavar="FILE ...")],
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
    as_json: JsonOption = False,
    as_sarif: Sarif = False,
) -> int:
    """Check the figures, structure, citations and consistency of Markdown files (- for stdin).

    Without --data, a report in output/ is checked against the data and contexts of its provenance.
    Exit 1 if the data contradicts a figure.
    """
    from trainer.actions.blocks import read_blocks
    from trainer.actions.checks import check_text, provenance_sources, read_contexts, sarif
    from trainer.actions.record import Recorder
    from trainer.core.files import read_text

    session: Session = context.obj
    if as_json and as_sarif:
        raise UsageError("--json and --sarif exclude each other")
    folder = Path.cwd()
    project = session.project_around()
    blocks, of_all = read_blocks(data, project=project, folder=folder), read_contexts(contexts, folder=folder)
    results = []
    with Recorder(project, "checks", context={"files": len(files)}) as recorder:
        for file in files:
            text = sys.stdin.read() if file == "-" else read_text(folder / file, shown=file)
            of_file, of_contexts = blocks, of_all
            if not data and project is not None and file != "-":
                of_file, of_report = provenance_sources(project, folder / file)
                of_contexts = (*of_all, *of_report)
            hosts = project.settings.prompt_security.allowed_hosts if project else ()
            results.append(
                check_text(text, name=file, data=of_file, contexts=of_contexts, language=language, hosts=hosts)
            )
        recorder.note(contradicted=sum(checked.contradicted for checked in results))
    if as_json:
        write_json(results[0] if len(results) == 1 else {"files": {checked.file: checked for checked in results}})
    elif as_sarif:
        write_json(sarif(results))
    else:
        write_text("\n".join(line for checked in results for line in _lines(checked)))
    return 1 if any(checked.contradicted for checked in results) else 0


def _lines(checked: CheckedFile) -> Iterator[str]:
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
    unread = f"; {len(checked.figures.unread)} unread" if checked.figures.unread else ""
    yield f"{len(verdicts)} figures: {counts}{unread}; quality {checked.scores['quality']:.2f}"
