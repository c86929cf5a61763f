"""`trainer report`: build the reports whose inputs changed, or tell which are stale."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.session import Session
from trainer.cli.show import json_option, write_error, write_json, write_json_line, write_table
from trainer.core.errors import PartialError, Problem, StaleError, TrainerError, UsageError
from trainer.core.formats import canonical_formats

if TYPE_CHECKING:
    from trainer.actions.report_outcome import ReportOutcome


@click.command("report")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All reports; the same as naming none.")
@click.option("--check", is_flag=True, help="Only tell which are stale and why (exit 3); fetch, send, write nothing.")
@click.option("--watch", is_flag=True, help="Build again on every change; --json prints a line for each build.")
@click.option("--force", is_flag=True, help="Build also what is not stale.")
@click.option("--format", "formats", metavar="LIST", help="Formats in place of the configured ones: md,html,pdf.")
@click.option("--concurrency", type=click.IntRange(1, 1000), metavar="N", help="Most model calls under way at once.")
@click.option("--max-cost", type=click.FloatRange(0), metavar="USD", help="Most this run may spend.")
@click.option("--offline", is_flag=True, help="Fetch nothing and call no remote model: draft what is stale.")
@click.option("--model", metavar="M", help="Model, over config.yaml.")
@click.option("--provider", metavar="P", help="Provider, over config.yaml.")
@json_option
@click.pass_obj
def command(
    session: Session, /, names: tuple[str, ...], every: bool, check: bool, watch: bool, as_json: bool, **options: Any
) -> None:
    """Build the reports whose inputs changed, skip the others.

    Every report of config.yaml goes through: retrieve, render, screen, complete, check, convert. It is stale when its
    instruction, parameters, contexts, data, model settings, checks, theme or files changed.
    """
    if every and names:
        raise UsageError("--all and names of reports exclude each other")
    if check and watch:
        raise UsageError("--check and --watch exclude each other")
    if check:
        _check(session, names, as_json=as_json)
    elif watch:
        _watch(session, names, as_json=as_json, **options)
    else:
        _build(session, names, as_json=as_json, **options)


def _check(session: Session, names: tuple[str, ...], *, as_json: bool) -> None:
    from trainer.actions.report import check_reports

    outcomes = check_reports(session.project(), names)
    stale = [outcome for outcome in outcomes if outcome.status == "stale"]
    if as_json:
        write_json([outcome.as_json() for outcome in outcomes])
    else:
        write_table(("report", "status", "why"), [(each.name, each.status, _why(each)) for each in outcomes])
    if stale:
        named = ", ".join(outcome.name for outcome in stale[:5]) + (" …" if len(stale) > 5 else "")
        raise StaleError(f"{len(stale)} of {len(outcomes)} reports are stale: {named}", hint="run: trainer report")


def _build(session: Session, names: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    outcomes = _outcomes(session, names, **options)
    if as_json:
        write_json([outcome.as_json() for outcome in outcomes])
    else:
        write_table(_HEADINGS, [_row(outcome) for outcome in outcomes])
    _raise_failures(outcomes)


def _watch(session: Session, names: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Build, and build again after every burst of changes, until interrupted; an error is told and waited out."""
    from trainer.actions.watch import changes
    from trainer.core.project import find_root

    _formats(options["formats"])
    root = find_root(Path.cwd(), explicit=session.folder, environ=session.environ)
    session = replace(session, folder=str(root))
    with contextlib.closing(changes(root)) as bursts:
        for changed in bursts:
            session.say(f"changed: {', '.join(changed)}" if changed else f"watching {root}; Ctrl-C ends it")
            _build_watched(session, names, changed, as_json=as_json, **options)


def _build_watched(
    session: Session, names: tuple[str, ...], changed: tuple[str, ...], *, as_json: bool, **options: Any
) -> None:
    from trainer.security import mask_secrets

    outcomes: list[ReportOutcome] = []
    failure = None
    try:
        outcomes = _outcomes(session, names, **options)
        _raise_failures(outcomes)
    except (TrainerError, OSError) as error:
        failure = mask_secrets(str(error))
    news = [outcome for outcome in outcomes if outcome.status != "current"]
    if as_json:
        write_json_line({"changed": changed, "error": failure, "reports": [outcome.as_json() for outcome in outcomes]})
    elif news:
        write_table(_HEADINGS, [_row(outcome) for outcome in news])
        sys.stdout.flush()
    if failure:
        write_error(failure)
    elif not news:
        session.say("all reports are up to date")


def _outcomes(session: Session, names: tuple[str, ...], **options: Any) -> list[ReportOutcome]:
    from trainer.actions.report import build_reports
    from trainer.actions.report_outcome import BuildOptions
    from trainer.cli.progress import Progress

    changes = {name: options.pop(name) for name in ("model", "provider")}
    build = BuildOptions(
        formats=_formats(options.pop("formats")),
        changes={name: value for name, value in changes.items() if value is not None},
        **options,
    )
    with Progress(session, "reports") as progress:
        return build_reports(
            session.project(),
            names,
            build,
            on_total=progress.expect,
            on_event=lambda outcome: progress.step(_line(outcome) if outcome.status != "current" else None),
            on_warning=lambda message: progress.say(f"warning: {message}"),
        )


_HEADINGS = ("report", "status", "from", "data as of", "written by", "tokens", "cost", "open")


def _row(outcome: ReportOutcome) -> tuple[object, ...]:
    if outcome.status not in ("built", "current"):
        return (outcome.name, outcome.status, None, None, None, None, None, None)
    page = next((path for path in outcome.outputs if path.endswith(".html")), next(iter(outcome.outputs), None))
    tokens = outcome.tokens_in + outcome.tokens_out
    return (
        outcome.name,
        outcome.status,
        ", ".join(outcome.sources) or None,
        outcome.date,
        f"{outcome.provider}/{outcome.model}" if outcome.model != outcome.provider else outcome.model,
        tokens,
        "unknown" if outcome.cost is None else f"${outcome.cost:.4f}",
        page,
    )


def _line(outcome: ReportOutcome) -> str:
    if outcome.error is not None:
        return f"{outcome.name}: {outcome.status}"
    faults = f", {outcome.findings} findings" if outcome.findings else ""
    changed = f"{len(outcome.changed)} files written" if outcome.changed else "no file changed"
    return f"{outcome.name}: {outcome.origin}, {changed}{faults} ({outcome.seconds:.1f} s)"


def _why(outcome: ReportOutcome) -> str:
    return "; ".join(map(str, outcome.reasons)) or "up to date"


def _formats(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise UsageError(f'--format "{text}" names no format', hint="such as --format md,html,pdf")
    return canonical_formats(names)


def _raise_failures(outcomes: list[ReportOutcome]) -> None:
    """Raise one error that tells all: the report's own where there is but one, partly done where some were built."""
    failed = {outcome.name: outcome.error for outcome in outcomes if outcome.error is not None}
    if not failed:
        return
    if len(outcomes) == 1:
        raise next(iter(failed.values()))
    message = f"{len(failed)} of {len(outcomes)} reports failed"
    problems = [Problem(f"{name}: {error}") for name, error in failed.items()]
    if len(failed) < len(outcomes):
        summary = Problem(message, hint="the rest is kept; a rerun builds only these")
        raise PartialError(message, problems=[*problems, summary])
    error = TrainerError(message, problems=[*problems, Problem(message)])
    codes = {each.exit_code for each in failed.values()}
    error.exit_code = codes.pop() if len(codes) == 1 else TrainerError.exit_code
    raise error
