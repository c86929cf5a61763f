"""`trainer report`: build the reports whose inputs changed, or tell which are stale."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import (
    Command,
    Concurrency,
    JsonOption,
    MaxCost,
    Model,
    NoExplore,
    Provider,
    Tags,
    application,
    chosen,
)
from trainer.cli.completion import reports, targets
from trainer.cli.session import Session
from trainer.cli.show import money, write_error, write_json, write_json_line, write_table, write_text
from trainer.core.errors import PartialError, Problem, StaleError, TrainerError, UsageError
from trainer.core.formats import canonical_formats

if TYPE_CHECKING:
    from trainer.actions.report_outcome import BuildOptions, ReportOutcome


_MOST_FINDINGS = 5
"""Of one report; a text of which nothing is right would fill the screen."""

app = application()


@app.command(cls=Command)
def report(
    context: typer.Context,
    *,
    names: Annotated[
        list[str], typer.Argument(metavar="NAME|GLOB", default_factory=list, show_default=False, autocompletion=reports)
    ],
    every: Annotated[bool, typer.Option("--all", help="All reports; the same as naming none.")] = False,
    tags: Tags,
    listing: Annotated[
        bool, typer.Option("--list", help="List the reports: state, age of their data, cost, findings, tags.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only tell which are stale and why (exit 3); fetch, send, write nothing.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Build again on every change; --json prints a line for each build.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="With --watch: show the site on this machine; its pages load again.")
    ] = False,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port of --serve.")] = 8000,
    force: Annotated[bool, typer.Option("--force", help="Build also what is not stale.")] = False,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Tell tokens and price of what is stale; fetch, send, write nothing.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what a person edited.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the files of removed reports, matrix rows and formats.")
    ] = False,
    formats: Annotated[
        str | None,
        typer.Option("--format", metavar="LIST", help="Formats in place of the configured ones: md,html,pdf."),
    ] = None,
    concurrency: Concurrency = None,
    max_cost: MaxCost = None,
    no_explore: NoExplore = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Fetch nothing and call no remote model: draft what is stale.")
    ] = False,
    model: Model = None,
    provider: Provider = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Settings of config.yaml's targets to use.", autocompletion=targets),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the reports whose inputs changed, skip the others.

    Every report of config.yaml goes through: retrieve, render, screen, complete, check, convert. It is stale when its
    instruction, parameters, contexts, data, model settings, checks, theme or files changed.
    """
    from trainer.actions.report_outcome import BuildOptions

    session: Session = replace(context.obj, target=target)
    if every and names:
        raise UsageError("--all and names of reports exclude each other")
    modes = {"--list": listing, "--check": check, "--dry-run": dry, "--watch": watch, "--prune": prune}
    if sum(modes.values()) > 1:
        raise UsageError(f"{' and '.join(name for name, wanted in modes.items() if wanted)} exclude each other")
    if serve and not watch:
        raise UsageError("--serve goes with --watch", hint="run: trainer report --watch --serve")
    if prune and (names or tags):
        raise UsageError("--prune and names or tags of reports exclude each other")
    if listing:
        _list(session, names, tags, as_json=as_json)
        return
    if check:
        _check(session, names, tags, as_json=as_json)
        return
    if prune:
        _prune(session, overwrite=overwrite, as_json=as_json)
        return
    options = BuildOptions(
        force=force,
        overwrite=overwrite,
        formats=_formats(formats),
        offline=offline,
        explore=not no_explore,
        concurrency=concurrency,
        max_cost=max_cost,
        changes=chosen(model=model, provider=provider),
        tags=tuple(tags),
    )
    if dry:
        _estimate(session, names, options, as_json=as_json)
    elif watch:
        _watch(session, names, options, port=port if serve else None, as_json=as_json)
    else:
        _build(session, names, options, as_json=as_json)


def _list(session: Session, names: list[str], tags: list[str], *, as_json: bool) -> None:
    from trainer.actions.report_list import list_reports

    listings = list_reports(session.project(), names, tags=tags)
    if as_json:
        write_json(listings)
        return
    rows = [
        (
            listing.name,
            listing.state,
            None if listing.age_days is None else f"{listing.age_days} d",
            money(listing.cost) if listing.outputs else None,
            listing.findings,
            ", ".join(listing.tags) or None,
        )
        for listing in listings
    ]
    write_table(("report", "state", "age", "cost", "findings", "tags"), rows)


def _check(session: Session, names: list[str], tags: list[str], *, as_json: bool) -> None:
    from trainer.actions.report import check_reports

    outcomes = check_reports(session.project(), names, tags=tags)
    if as_json:
        write_json(outcomes)
    else:
        write_table(
            ("report", "status", "why"),
            [(outcome.name, outcome.status, _why(outcome)) for outcome in outcomes],
            wraps=True,
        )
    stale = [outcome.name for outcome in outcomes if outcome.status == "stale"]
    orphaned = [
        outcome.name for outcome in outcomes if any(reason.ingredient == "orphan" for reason in outcome.reasons)
    ]
    problems = [Problem(f"{outcome.name}: {outcome.error}") for outcome in outcomes if outcome.error is not None]
    if stale:
        message = f"{len(stale)} of {len(outcomes)} reports are stale: {_listed(stale)}"
        problems.append(Problem(message, hint="run: trainer report"))
    if orphaned:
        message = f"nothing asks any more for files of: {_listed(orphaned)}"
        problems.append(Problem(message, hint="remove them: trainer report --prune"))
    if stale or orphaned:
        raise StaleError(problems[-1].message, problems=problems)
    _raise_failures(outcomes)


def _estimate(session: Session, names: list[str], options: BuildOptions, *, as_json: bool) -> None:
    from trainer.actions.contextual import survey
    from trainer.actions.model import choose_model, total
    from trainer.actions.outcome import require_done
    from trainer.actions.report_estimate import estimate_reports, expected_in_all

    project = session.project()
    estimates = estimate_reports(project, names, options)
    priced = [estimate for estimate in estimates if estimate.error is None]
    cost, most = total(estimate.cost for estimate in priced), total(estimate.cost_at_most for estimate in priced)
    expected = expected_in_all(priced)
    tokens = sum(estimate.tokens for estimate in priced)
    if as_json:
        totals = {"tokens": tokens, "cost": cost, "expected": expected, "cost_at_most": most}
        plan = survey(project, choose_model(project, {}, options.changes, what="llm_provider"))
        write_json({"reports": estimates, **totals, "plan": plan})
    else:
        rows: list[tuple[object, ...]] = [
            (
                estimate.name,
                f"{estimate.provider}/{estimate.model}",
                estimate.calls,
                estimate.tokens,
                estimate.cached,
                money(estimate.cost),
                _range(estimate.expected),
                money(estimate.cost_at_most),
            )
            for estimate in priced
        ]
        calls = sum(estimate.calls for estimate in priced)
        rows.append(("in all", None, calls, tokens, None, money(cost), _range(expected), money(most)))
        write_table(("report", "model", "calls", "tokens", "cached", "at least", "expected", "at most"), rows)
    failed = {estimate.name: estimate.error for estimate in estimates if estimate.error is not None}
    require_done(failed, len(estimates), "reports", rest="the others are priced")


def _range(expected: tuple[float, float] | None) -> str:
    return "unknown" if expected is None else f"{money(expected[0])} to {money(expected[1])}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def _prune(session: Session, *, overwrite: bool, as_json: bool) -> None:
    from trainer.actions.report import prune_reports

    outcomes = prune_reports(session.project(), overwrite=overwrite)
    if as_json:
        write_json(outcomes)
    else:
        write_text("".join(f"removed {path}\n" for outcome in outcomes for path in outcome.changed))
    _raise_failures(outcomes)


def _build(session: Session, names: list[str], options: BuildOptions, *, as_json: bool) -> None:
    from trainer.actions.notify import after_build

    outcomes = _outcomes(session, names, options)
    if as_json:
        write_json(outcomes)
    else:
        write_table(_HEADINGS, [_row(outcome) for outcome in outcomes])
    for line in _findings(outcomes):
        session.say(line)
    hook_failures = after_build(session.project(), outcomes)
    for name, choice in next((outcome.plan for outcome in outcomes if outcome.plan), {}).items():
        session.detail(f"{name} {choice.value}: {choice.reason}")
    for failure in hook_failures:
        session.say(f"warning: {failure}")
    _raise_failures(outcomes)
    if hook_failures:
        raise PartialError("the reports are built, and what should follow failed", hint=hook_failures[0])


def _findings(outcomes: list[ReportOutcome]) -> Iterator[str]:
    """The faults that the checks found in what was built, and the command that shows all of them in place."""
    for outcome in outcomes:
        for fault in outcome.faults[:_MOST_FINDINGS]:
            yield f"{outcome.name}: {fault.kind}: {f'{fault.text}: ' if fault.text else ''}{fault.message}"
        if outcome.faults:
            more = len(outcome.faults) - _MOST_FINDINGS
            markdown = next(path for path in outcome.outputs if path.endswith(".md"))
            yield f"  {f'and {more} more; ' if more > 0 else ''}see: trainer checks {markdown}"


def _watch(session: Session, names: list[str], options: BuildOptions, *, port: int | None, as_json: bool) -> None:
    """Build, and build again after every burst of changes, until interrupted; an error is told and waited out.

    With a port, the output is served there, and its pages load again after each build.
    """
    from trainer.actions.serve import serve
    from trainer.actions.watch import changes
    from trainer.core.project import find_root

    root = find_root(Path.cwd(), explicit=session.folder, environ=session.environ)
    session = replace(session, folder=str(root))
    with contextlib.ExitStack() as stack:
        bursts = stack.enter_context(contextlib.closing(changes(root)))
        site = None if port is None else stack.enter_context(serve(session.project().output, port=port))
        if site is not None:
            session.say(f"serving {site.url}")
        for changed in bursts:
            session.say(f"changed: {', '.join(changed)}" if changed else f"watching {root}; Ctrl-C ends it")
            _build_watched(session, names, changed, options, as_json=as_json)
            if site is not None:
                site.reload()


def _build_watched(
    session: Session, names: list[str], changed: tuple[str, ...], options: BuildOptions, *, as_json: bool
) -> None:
    from trainer.actions.notify import after_build
    from trainer.core.secrets import mask_secrets

    outcomes: list[ReportOutcome] = []
    failure = None
    try:
        outcomes = _outcomes(session, names, options)
        for warning in after_build(session.project(), outcomes):
            session.say(f"warning: {warning}")
        _raise_failures(outcomes)
    except (TrainerError, OSError) as error:
        failure = mask_secrets(str(error))
    news = [outcome for outcome in outcomes if outcome.status != "current"]
    if as_json:
        write_json_line({"changed": changed, "error": failure, "reports": outcomes})
    elif news:
        write_table(_HEADINGS, [_row(outcome) for outcome in news])
        sys.stdout.flush()
    if failure:
        write_error(failure)
    elif not news:
        session.say("all reports are up to date")


def _outcomes(session: Session, names: list[str], options: BuildOptions) -> list[ReportOutcome]:
    from trainer.actions.report import build_reports
    from trainer.cli.progress import ProgressBar

    with ProgressBar(session, "reports") as progress:
        return build_reports(
            session.project(),
            names,
            options,
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
        _first(outcome.sources),
        outcome.date,
        f"{outcome.provider}/{outcome.model}" if outcome.model != outcome.provider else outcome.model,
        tokens,
        money(outcome.cost),
        page,
    )


def _first(sources: Sequence[str]) -> str | None:
    """The sources, of more than three the first two: a report over fifty reports has fifty. JSON has them all."""
    shown = sources if len(sources) <= 3 else (*sources[:2], f"{len(sources) - 2} more")
    return ", ".join(shown) or None


def _line(outcome: ReportOutcome) -> str:
    if outcome.error is not None:
        return f"{outcome.name}: {outcome.status}"
    faults = f", {outcome.findings} findings" if outcome.findings else ""
    changed = f"{len(outcome.changed)} files written" if outcome.changed else "no file changed"
    return f"{outcome.name}: {outcome.origin}, {changed}{faults} ({outcome.seconds:.1f} s)"


def _why(outcome: ReportOutcome) -> str:
    if outcome.error is not None:
        return outcome.error.message
    return "; ".join(map(str, outcome.reasons)) or "up to date"


def _formats(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise UsageError(f'--format "{text}" names no format', hint="such as --format md,html,pdf")
    return canonical_formats(names)


def _raise_failures(outcomes: list[ReportOutcome]) -> None:
    from trainer.actions.outcome import require_done

    failed = {outcome.name: outcome.error for outcome in outcomes if outcome.error is not None}
    require_done(failed, len(outcomes), "reports", rest="the rest is kept; a rerun builds only these")
