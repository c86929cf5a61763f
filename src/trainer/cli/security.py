"""`trainer security`: search text for what an attacker would hide in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_json_line, write_text
from trainer.core.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from trainer.actions.security import Policy, Scan


@click.group("security")
def command() -> None:
    """Search text for injected instructions, hidden characters and secrets."""


@command.command()
@click.argument("files", nargs=-1, metavar="[FILE ...|-]")
@click.option("--tree", is_flag=True, help="Scan what the project keeps for its prompts, and its settings.")
@click.option("--level", metavar="LEVEL", help="strict, moderate or permissive; the project's own otherwise.")
@json_option
@click.pass_obj
def scan(session: Session, files: tuple[str, ...], tree: bool, level: str | None, as_json: bool) -> None:
    """Scan each FILE, the files below a folder, or stdin (-); exit 4 if any is unsafe.

    --json prints one JSON object a file, on a line of its own: file, is_safe, risk_score, confidence, flags,
    recommendations.
    """
    from trainer.actions.security import scan_policy

    if not files and not tree:
        raise UsageError("nothing to scan", hint="name files, - for stdin, or --tree for the project")
    policy = scan_policy(
        Path.cwd(), folder=session.folder, environ=session.environ, overrides=session.overrides, level=level
    )
    scanned = 0
    unsafe: list[str] = []
    for found in _scans(session, files, tree, policy):
        scanned += 1
        unsafe += [] if found.result.is_safe else [found.file]
        if as_json:
            write_json_line(found.as_json())
        else:
            write_text("\n".join(_lines(found)))
    session.say(f"{scanned} scanned at level {policy.level}, {len(unsafe)} unsafe")
    if unsafe:
        raise RefusedError(
            f"unsafe: {', '.join(unsafe)}", hint="see the findings; let a flag through with prompt_security.allow"
        )


def _scans(session: Session, files: tuple[str, ...], tree: bool, policy: Policy) -> Iterator[Scan]:
    from trainer.actions.security import scan_files, scan_text, tree_files

    for name in files:
        if name == "-":
            yield scan_text("-", sys.stdin.buffer.read().decode("utf-8", "replace"), policy=policy)
        else:
            yield from scan_files([Path(name)], policy=policy, shown_from=Path.cwd())
    if tree:
        project = session.project()
        yield from scan_files(tree_files(project), policy=policy, shown_from=project.root)


def _lines(found: Scan) -> Iterator[str]:
    result = found.result
    yield f"{found.file}: {'safe' if result.is_safe else 'UNSAFE'} (risk {result.risk_score:.2f})"
    for finding in result.findings:
        yield f"  {finding.where}: {finding.message}"
        yield f"    {finding.hint}"
