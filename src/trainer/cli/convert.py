"""`trainer convert`: documents from one format into another."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.session import Session
from trainer.cli.show import write_bytes, write_json, write_text
from trainer.core.errors import TrainerError, UsageError

if TYPE_CHECKING:
    from trainer.actions.convert import Made
    from trainer.sources import Choice


app = application()


@app.command(cls=Command)
def convert(
    context: typer.Context,
    *,
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT")],
    target: Annotated[
        str | None,
        typer.Option(
            "-t",
            "--to",
            metavar="FORMAT",
            help="html, pdf, docx, latex, markdown, json, text; by pandoc also odt, epub, rst …",
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "-f",
            "--from",
            metavar="FORMAT",
            help="auto, markdown, pdf, docx, xlsx, html, csv, json, eml …",
            show_default=False,
        ),
    ] = "auto",
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE|DIR", help="Where to write.")] = None,
    template: Annotated[Path | None, typer.Option(metavar="T", help="Jinja2 template of the page.")] = None,
    css: Annotated[Path | None, typer.Option(metavar="FILE", help="Stylesheet added to the theme.")] = None,
    schema: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON Schema of the data.")] = None,
    fragment: Annotated[bool, typer.Option("--fragment", help="Write only the body's HTML.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Take findings (missing picture, clipped content …) for errors.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Convert documents and tables of any format that is read; `-` reads the standard input.

    The format comes from -t or the suffix of -o (else html); one input without -o goes to the standard output,
    many are written beside their inputs. `-f text -t json` takes the JSON out of an answer.
    """
    from trainer.actions.convert import convert_files
    from trainer.actions.outcome import require_done
    from trainer.cli.progress import ProgressBar

    session: Session = context.obj
    plan: list[Choice] = []
    with ProgressBar(session, "convert") as progress:
        progress.expect(len(inputs))
        results = convert_files(
            tuple(inputs),
            project=session.project_around(),
            stdin=sys.stdin.buffer.read,
            source=source,
            target=target,
            output=output,
            template=template,
            css=css,
            schema=_schema(schema),
            fragment=fragment,
            strict=strict,
            done=lambda _: progress.step(),
            on_plan=plan.append,
        )
    for choice in plan:
        session.detail(f"workers {choice.value}: {choice.reason}")
    _show(session, results, plan, as_json=as_json)
    failed = {
        result.input: TrainerError(error.message, where=error.where, hint=error.hint)
        for result in results
        if (error := result.error)
    }
    require_done(failed, len(results), "files", rest="the others are written")


def _show(session: Session, results: Sequence[Made], plan: Sequence[Choice], *, as_json: bool) -> None:
    for result in results:
        for finding in result.findings:
            session.say(f"{finding.where}: {finding.message}" if finding.where else finding.message)
    if as_json:
        workers = {"plan": {"workers": plan[0]}} if plan else {}
        write_json({"files": results, **workers})
        return
    for result in results:
        if isinstance(result.content, bytes):
            if sys.stdout.isatty():
                raise UsageError("this format is not for a terminal", hint="name a file with -o")
            write_bytes(result.content)
        elif result.content is not None:
            write_text(result.content)
        elif result.output is not None:
            session.say(f"{result.input} -> {result.output}{'' if result.changed else ' (unchanged)'}")


def _schema(path: Path | None) -> Mapping[str, Any] | None:
    if path is None:
        return None
    from trainer.core.errors import Where
    from trainer.core.files import read_text
    from trainer.core.yamltext import load_yaml

    value = load_yaml(read_text(path), shown=str(path)).value
    if not isinstance(value, dict):
        raise UsageError("a schema is an object", where=Where(str(path)))
    return value
