"""Completion in bash, zsh, fish and PowerShell: typer's scripts and machinery, and the names that a project knows.

What completes nothing is left to the shell, which then completes the names of files.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

import typer

from trainer.core.errors import TrainerError

VARIABLE = "_TRAINER_COMPLETE"

# The shells' scripts evaluate what is offered: a name that means something to a shell is left to be typed.
_PLAIN = re.compile(r"[\w./:@%+=,-]+")
_BREAKS = re.compile(r"[:=]+")


def complete(command: Any) -> int:
    """Answer a shell's question, which stands in the environment; the exit code says to fish whether there is one."""
    first, _, second = os.environ[VARIABLE].partition("_")
    action, shell = (first, second) if first in ("complete", "source") else (second, first)  # click's order too
    os.environ[VARIABLE] = f"{action}_{shell}"
    # bash parts words at : and =, and replaces only what stands behind the last of them.
    before = _join_words() if (action, shell) == ("complete", "bash") else ""
    # Without rich, typer offers descriptions as they are; it would import rich to take markup out of them.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    answer, code = io.StringIO(), 0
    with contextlib.redirect_stdout(answer):
        try:
            command.main(args=[], prog_name="trainer")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    from trainer.cli.show import visible

    for line in answer.getvalue().splitlines():
        sys.stdout.write(visible(line.removeprefix(before)) + "\n")
    return code


def _join_words() -> str:
    """Put the words that bash parted together again in the environment; the start of the last that bash keeps."""
    text = os.environ.get("COMP_WORDS", "")
    words = text.split("\n" if "\n" in text else None)
    last = int(os.environ.get("COMP_CWORD", "0"))
    joined: list[str] = []
    for number, word in enumerate([*words, ""][: last + 1]):
        if number > 1 and (_BREAKS.fullmatch(word) or _BREAKS.search(joined[-1][-1:])):
            joined[-1] += word
        else:
            joined.append(word)
    os.environ["COMP_WORDS"] = "\n".join(joined)
    os.environ["COMP_CWORD"] = str(len(joined) - 1)
    *_, end = ("", *_BREAKS.finditer(joined[-1]))
    return joined[-1][: end.end()] if isinstance(end, re.Match) else ""


def _names(context: typer.Context, find: Callable[[Any], Iterable[str]]) -> list[str]:
    """What `find` tells of the project around; nothing where it cannot be opened: completing is never an error."""
    from trainer.cli.session import Session

    options = context.find_root().params
    session = Session(options.get("project"), tuple(options.get("overrides") or ()), environ=dict(os.environ))
    with contextlib.suppress(TrainerError, OSError):
        return [name for name in find(session.project()) if _PLAIN.fullmatch(name)]
    return []


def reports(context: typer.Context) -> list[str]:
    """Names of reports, and of the entries that make several."""
    from trainer.actions.names import report_names

    return _names(context, report_names)


def tags(context: typer.Context) -> list[str]:
    """Tags of reports in config.yaml."""
    from trainer.actions.names import report_tags

    return _names(context, report_tags)


def targets(context: typer.Context) -> list[str]:
    """Names of targets in config.yaml."""
    from trainer.actions.names import target_names

    return _names(context, target_names)


def instructions(context: typer.Context) -> list[str]:
    """Names of instructions."""
    from trainer.actions.names import instruction_names

    return _names(context, instruction_names)


def sources(context: typer.Context) -> list[str]:
    """Names of sources."""
    from trainer.actions.names import source_names

    return _names(context, lambda _: source_names())


def keys(context: typer.Context, incomplete: str) -> list[str]:
    """Keys of stored documents that start so."""
    from trainer.actions.names import document_keys

    return _names(context, lambda project: document_keys(project, incomplete))


def keys_by_name(context: typer.Context, incomplete: str) -> list[str]:
    """Keys of stored documents behind `NAME=`."""
    name, sign, start = incomplete.partition("=")
    return [f"{name}={key}" for key in keys(context, start)] if sign else []


def keys_or_files(context: typer.Context, incomplete: str) -> list[str]:
    """Keys of stored documents, and the files beside them; nothing where no key fits, so that the shell does files."""
    names = keys(context, incomplete)
    if not names:
        return []
    folder, _, start = incomplete.rpartition("/")
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        before = incomplete.removesuffix(start)
        files = [entry.name + "/" * entry.is_dir() for entry in entries if entry.name.startswith(start)]
        names += [before + name for name in sorted(files) if _PLAIN.fullmatch(name)]
    return names


def providers(context: typer.Context) -> list[str]:
    """Names of providers."""
    from trainer.actions.names import provider_names

    return _names(context, lambda _: provider_names())


def models(context: typer.Context) -> list[str]:
    """Names of models that the settings name."""
    from trainer.actions.names import model_names

    return _names(context, model_names)


def tables(context: typer.Context) -> list[str]:
    """Short names of the catalogue's tables."""
    from trainer.actions.names import catalog_tables

    return _names(context, catalog_tables)
