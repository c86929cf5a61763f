"""`trainer convert`: documents from one format into another."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_bytes, write_json, write_text

if TYPE_CHECKING:
    from trainer.actions.convert import Made
    from trainer.core.project import Project


@click.command("convert")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-t",
    "--to",
    "target",
    metavar="FORMAT",
    help="html, pdf, docx, latex, markdown, json, text; by pandoc also odt, epub, rst …",
)
@click.option("-f", "--from", "source", metavar="FORMAT", default="auto", help="auto, markdown, json, html, text …")
@click.option("-o", "--output", metavar="FILE|DIR", type=click.Path(path_type=Path), help="Where to write.")
@click.option("--template", metavar="T", type=click.Path(path_type=Path), help="Jinja2 template of the page.")
@click.option("--css", metavar="FILE", type=click.Path(path_type=Path), help="Stylesheet added to the theme.")
@click.option("--schema", metavar="FILE", type=click.Path(path_type=Path), help="JSON Schema of the data.")
@click.option("--fragment", is_flag=True, help="Write only the body's HTML.")
@click.option("--strict", is_flag=True, help="Take findings (missing picture, clipped content …) for errors.")
@json_option
@click.pass_obj
def command(
    session: Session,
    inputs: tuple[str, ...],
    target: str | None,
    source: str,
    output: Path | None,
    template: Path | None,
    css: Path | None,
    schema: Path | None,
    fragment: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Convert documents; `-` reads the standard input.

    The format comes from -t or the suffix of -o (else html); one input without -o goes to the standard output,
    many are written beside their inputs. `-f text -t json` takes the JSON out of an answer.
    """
    from trainer.actions.convert import convert_files, raise_failures
    from trainer.cli.progress import Progress

    with Progress(session, "convert") as progress:
        progress.expect(len(inputs))
        made = convert_files(
            inputs,
            project=_project(session),
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
        )
    _show(session, made, as_json=as_json)
    raise_failures(made)


def _show(session: Session, made: Sequence[Made], *, as_json: bool) -> None:
    for result in made:
        for finding in result.findings:
            session.say(f"{finding.where}: {finding.message}" if finding.where else finding.message)
    if as_json:
        write_json({"files": [_as_json(result) for result in made]})
        return
    for result in made:
        if isinstance(result.content, bytes):
            if sys.stdout.isatty():
                raise click.UsageError("this format is not for a terminal; name a file with -o")
            write_bytes(result.content)
        elif result.content is not None:
            write_text(result.content)
        elif result.output is not None:
            session.say(f"{result.input} -> {result.output}{'' if result.changed else ' (unchanged)'}")


def _as_json(result: Made) -> dict[str, Any]:
    said: dict[str, Any] = {
        "input": result.input,
        "output": result.output,
        "changed": result.changed,
        "findings": [
            {"kind": found.kind, "severity": found.severity, "message": found.message, "where": str(found.where or "")}
            for found in result.findings
        ],
    }
    if isinstance(result.content, str):
        said["content"] = result.content
    if result.error:
        said["error"] = str(result.error)
    return said


def _schema(path: Path | None) -> Mapping[str, Any] | None:
    if path is None:
        return None
    from trainer.core.errors import UsageError, Where
    from trainer.core.files import read_text
    from trainer.core.yamltext import load_yaml

    value = load_yaml(read_text(path), shown=str(path)).value
    if not isinstance(value, dict):
        raise UsageError("a schema is an object", where=Where(str(path)))
    return value


def _project(session: Session) -> Project | None:
    """The project around here, where there is one; a conversion needs none."""
    from trainer.core.project import CONFIG_NAME

    here = Path.cwd()
    named = session.folder or session.environ.get("TRAINER_PROJECT")
    if named or any((folder / CONFIG_NAME).is_file() for folder in (here, *here.parents)):
        return session.project()
    return None
