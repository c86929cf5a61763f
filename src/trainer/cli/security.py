"""`trainer security`: search text for what an attacker would hide in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, JsonOption, Sarif, application
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_json_line, write_text
from trainer.core.errors import RefusedError, TrainerError, UsageError

if TYPE_CHECKING:
    from trainer.actions.security import Scan
    from trainer.security import ScreenPolicy


app = application()
audit = application()
app.add_typer(audit, name="audit")


@app.callback()
def security() -> None:
    """Search text for injected instructions, hidden characters and secrets."""


@audit.callback()
def audit_log() -> None:
    """The log of the prompts sent to models."""


@app.command(cls=Command)
def scan(
    context: typer.Context,
    *,
    files: Annotated[list[str], typer.Argument(metavar="FILE|-", default_factory=list, show_default=False)],
    tree: Annotated[
        bool,
        typer.Option(
            "--tree", help="Scan what the project keeps for its prompts, its settings, and the reports written."
        ),
    ] = False,
    level: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="strict, moderate or permissive; the project's own otherwise."),
    ] = None,
    as_json: JsonOption = False,
    as_sarif: Sarif = False,
) -> None:
    """Scan each FILE, the files below a folder, or stdin (-); exit 4 if any is unsafe.

    --json prints one JSON object a file, on a line of its own: file, is_safe, risk_score, confidence, flags,
    recommendations.
    """
    from trainer.actions.security import scan_policy

    session: Session = context.obj
    if not files and not tree:
        raise UsageError("nothing to scan", hint="name files, - for stdin, or --tree for the project")
    if as_json and as_sarif:
        raise UsageError("--json and --sarif exclude each other")
    policy = scan_policy(
        Path.cwd(), folder=session.folder, environ=session.environ, overrides=session.overrides, level=level
    )
    scans: list[Scan] = []
    for result in _scans(session, files, tree, policy):
        scans.append(result)
        if as_json:
            write_json_line(result)
        elif not as_sarif:
            write_text("\n".join(_lines(result)))
    if as_sarif:
        _write_sarif(scans)
    unsafe = [result.file for result in scans if not result.result.is_safe]
    session.say(f"{len(scans)} scanned at level {policy.level}, {len(unsafe)} unsafe")
    if unsafe:
        hint = "look at what was found; decide on a flag with prompt_security.rules"
        raise RefusedError(f"unsafe: {', '.join(unsafe)}", hint=hint)


@app.command(cls=Command)
def restore(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE|-")],
) -> None:
    """Print FILE, or stdin (-), with the personal data that its tokens stand for.

    Tokens are what prompt_security.personal.treatment: token puts; the key is TRAINER_PERSONAL_KEY.
    """
    from trainer.actions.personal import restore_tokens
    from trainer.actions.wiring import state_folder
    from trainer.core.files import read_text

    session: Session = context.obj
    text = sys.stdin.buffer.read().decode("utf-8", "replace") if file == "-" else read_text(Path(file))
    restored = restore_tokens(text, folder=state_folder())
    write_text(restored)
    session.say("the text above holds personal data")


@audit.command(cls=Command)
def verify(
    context: typer.Context,
    *,
    anchor: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:CODE", help="The last entry as it was told earlier and kept elsewhere."),
    ] = None,
    anchors: Annotated[
        str | None, typer.Option(metavar="git|FILE", help="Where `audit anchor` kept earlier entries.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify that no entry of the audit log was changed, moved or cut off; exit 1 if one was.

    It prints the last entry as NUMBER:CODE: keep that line elsewhere (a git note, a ticket), and give it to --anchor
    later. --json prints entries, head and faults.
    """
    from trainer.actions.audit import verify_audit

    session: Session = context.obj
    verified = verify_audit(session.project(), anchor=anchor, anchors=anchors)
    if as_json:
        write_json(verified)
    else:
        write_text("\n".join([f"{verified.entries}:{verified.head}", *(f"  {fault}" for fault in verified.faults)]))
    if verified.faults:
        raise TrainerError(
            f"the audit log is not whole: {verified.faults[0]}",
            hint="compare it with a copy from elsewhere; what stands before the first fault can be trusted",
        )
    session.say(f"{verified.entries} entries, none changed, moved or cut off")


@audit.command(cls=Command)
def anchor(
    context: typer.Context,
    *,
    where: Annotated[str, typer.Argument(metavar="git|syslog|FILE")],
) -> None:
    """Keep the last entry elsewhere, so that a tail that is cut off shows: in a git note, the syslog or a FILE.

    It prints NUMBER:CODE. `trainer security audit verify --anchors git` compares the log with all that were kept.
    """
    from trainer.actions.audit import keep_anchor

    session: Session = context.obj
    write_text(keep_anchor(session.project(), where))


def _scans(session: Session, files: list[str], tree: bool, policy: ScreenPolicy) -> Iterator[Scan]:
    from trainer.actions.record import Recorder
    from trainer.actions.security import scan_files, scan_text, scan_tree

    project = session.project() if tree else session.project_around()
    with Recorder(project, "security.scan", context={"files": len(files), "tree": tree, "level": policy.level}):
        for name in files:
            if name == "-":
                yield scan_text("-", sys.stdin.buffer.read().decode("utf-8", "replace"), policy=policy)
            else:
                yield from scan_files([Path(name)], policy=policy, shown_from=Path.cwd())
        if tree and project is not None:
            yield from scan_tree(project, policy=policy)


def _write_sarif(scans: list[Scan]) -> None:
    from trainer.actions.sarif import sarif_log

    write_json(sarif_log("trainer security", [(one.file, finding) for one in scans for finding in one.result.findings]))


def _lines(one: Scan) -> Iterator[str]:
    result = one.result
    yield f"{one.file}: {'safe' if result.is_safe else 'UNSAFE'} (risk {result.risk_score:.2f})"
    for finding in result.findings:
        yield f"  {finding.where}: {finding.message}"
        yield f"    {finding.hint}"
