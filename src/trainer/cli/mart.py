"""`trainer mart`: the records of what was run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from trainer.cli.app import Command, JsonOption, Params, application
from trainer.cli.session import Session
from trainer.cli.show import write_changes, write_json, write_table, write_text
from trainer.core.digest import pick
from trainer.core.errors import TrainerError

if TYPE_CHECKING:
    from trainer.actions.mart_log import LogEntry
    from trainer.actions.recommend import Experiment
    from trainer.actions.spend import LimitState
    from trainer.mart import ConfigDecision, ExecutionRecord, ExecutionTree, Insight, Recommendation, StepRecord

_HEADINGS = ("execution", "started", "operation", "subject", "status", "seconds", "tokens", "cost")
_EXCERPT = 160
"""Characters of a prompt or an answer in a list."""
_SUBJECTS = ("report", "instruction", "name", "source", "path", "table", "key")


app = application()

Words = Annotated[list[str], typer.Argument(metavar="[WORD]...", default_factory=list, show_default=False)]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="Only from a date, or of the last 7d, 12h …")]


@app.callback()
def mart() -> None:
    """Look into the records of what was run: when, on what, how long, at what cost, and how it ended."""


@app.command(cls=Command)
def executions(
    context: typer.Context,
    *,
    module: Annotated[str | None, typer.Option(metavar="NAME", help="Only executions of this module.")] = None,
    operation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only executions of this operation, such as report or run.")
    ] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Only success, fail, cancelled, running or lost.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Only what started at or after a date, or in the last 7d, 12h …"),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Only what started before a date or age.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most N.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the latest executions, newest first."""
    from trainer.actions.mart import list_executions

    session: Session = context.obj
    records = list_executions(
        session.project(), module=module, operation=operation, status=status, since=since, until=until, limit=limit
    )
    if as_json:
        write_json(records)
    else:
        write_table(_HEADINGS, [_row(record) for record in records])


@app.command(cls=Command)
def show(
    context: typer.Context,
    *,
    execution: Annotated[str, typer.Argument(metavar="EXECUTION")],
    older: Annotated[
        str | None,
        typer.Option("--diff", metavar="OTHER", help="Tell what changed in the prompt since that execution."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one EXECUTION with its steps, inputs, outputs and all that ran below it.

    The start or the end of its identity is enough; `last` is the latest.
    """
    from trainer.actions.mart import show_execution
    from trainer.actions.render import compare_runs

    session: Session = context.obj
    if older is not None:
        write_changes(compare_runs(session.project(), older, execution), as_json=as_json)
        return
    tree = show_execution(session.project(), execution)
    if as_json:
        write_json(tree)
    else:
        write_text("\n".join(_lines(tree, "")))


@app.command(cls=Command)
def log(
    context: typer.Context,
    *,
    words: Words,
    operation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only executions of this operation, such as report or run.")
    ] = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most N.")] = 20,
    full: Annotated[bool, typer.Option("--full", help="Show prompts and answers whole.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the prompts that were sent and their answers, newest first; with WORDs, those that hold them all.

    Texts are those of the cache: what was removed from it shows as not kept. Example: trainer mart log dividend
    """
    from trainer.actions.mart_log import log_entries

    session: Session = context.obj
    entries = log_entries(session.project(), words, operation=operation, since=since, limit=limit)
    if as_json:
        write_json(entries)
    else:
        write_text("\n".join(line for entry in entries for line in _logged(entry, words, full=full)))
    session.say(f"{len(entries)} shown")


@app.command(cls=Command)
def audit(
    context: typer.Context,
    *,
    words: Words,
    event: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only these, such as prompt.sent, datum.read or policy.changed.")
    ] = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most N.")] = 50,
    proof: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Prove one entry: its code, and those up to the head; exit 1 if it fails."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the entries of the audit log, newest first, or prove one; `trainer security audit verify` verifies all.

    Example: trainer mart audit --event prompt.sent --since 7d
    """
    from trainer.actions.audit import audit_entries, prove_entry
    from trainer.actions.mart import moment_of
    from trainer.core.clock import system_clock

    session: Session = context.obj
    project = session.project()
    if proof is not None:
        proved = prove_entry(project, proof)
        if as_json:
            write_json(proved)
        else:
            lines = [f"{name}: {value}" for name, value in proved.entry.items()]
            write_text("\n".join([*lines, f"head: {proved.head}", *(f"  {fault}" for fault in proved.faults)]))
        if not proved.is_valid:
            hint = "compare the log with a copy from elsewhere: trainer security audit verify"
            raise TrainerError(f"entry {proof} is not proved: {proved.faults[0]}", hint=hint)
        session.say(f"entry {proof} stands as it was written, as do the {len(proved.codes) - 1} after it")
        return
    after = moment_of(since, "--since", system_clock)
    entries = audit_entries(project, event=event, since=after, words=words, limit=limit)
    if as_json:
        write_json(entries)
    else:
        headings = ("number", "at", "event", "actor", "details")
        rows = [(e["number"], e["at"], e["event"], e["actor"] or None, _short(e["details"])) for e in entries]
        write_table(headings, rows)


@app.command(cls=Command)
def config(
    context: typer.Context,
    *,
    operation: Annotated[str | None, typer.Argument(metavar="[OPERATION]")] = None,
    params: Params,
    advance: Annotated[
        str | None,
        typer.Option(metavar="POLICY", help="Take a policy one state further: shadow, then canary, then active."),
    ] = None,
    retire: Annotated[
        str | None, typer.Option(metavar="POLICY", help="Take a policy out of use; what was approved before holds.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which configuration an OPERATION would run now and why, or all policies; take a policy further or back.

    OPERATION is report, run, or MODULE.OPERATION of a pipeline; -p gives its context, such as instruction=overview.md.
    """
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.recommend import advance_policy, explain_configuration, list_policies, retire_policy

    session: Session = context.obj
    if advance or retire:
        policy = (
            advance_policy(session.project(), advance) if advance else retire_policy(session.project(), str(retire))
        )
        if as_json:
            write_json(policy)
        else:
            write_text(f"{policy.name}: {policy.state}")
    elif operation is not None:
        decision = explain_configuration(session.project(), operation, parse_pairs(params, option="-p"))
        if as_json:
            write_json(decision)
        else:
            write_text("\n".join(_explained(decision)))
    else:
        policies = list_policies(session.project())
        if as_json:
            write_json(policies)
        else:
            headings = ("policy", "operation", "context", "state", "configuration")
            rows = [
                (p.name, f"{p.module}.{p.operation}", p.context or "all", p.state, _short(p.config)) for p in policies
            ]
            write_table(headings, rows)


@app.command(cls=Command)
def recommend(
    context: typer.Context,
    *,
    module: Annotated[str | None, typer.Argument(metavar="[MODULE]")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write a policy file for each change, in information/policies.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell which configurations should be changed, on what evidence, and how many trials are missing."""
    from trainer.actions.recommend import propose
    from trainer.actions.recommend import recommend as recommendations

    session: Session = context.obj
    project = session.project()
    items = recommendations(project, module)
    written = propose(project, items) if write else []
    if as_json:
        write_json(items)
    else:
        headings = ("action", "operation", "context", "current", "recommended", "gain", "90 %", "trials", "missing")
        write_table(headings, [_recommended(item) for item in items])
    for path in written:
        session.say(f"written: {project.shown(path)}")


@app.command(cls=Command)
def experiments(
    context: typer.Context,
    *,
    effect: Annotated[
        float, typer.Option(metavar="UTILITY", min=0.001, max=1, help="The least difference that matters.")
    ] = 0.05,
    as_json: JsonOption = False,
) -> None:
    """Compare candidates with what is approved, by intervals that may be looked at any time."""
    from trainer.actions.recommend import experiments as compare_all

    session: Session = context.obj
    items = compare_all(session.project(), effect=effect)
    if as_json:
        write_json(items)
    else:
        headings = ("operation", "approved", "candidate", "verdict", "difference", "95 %", "runs", "needed of each")
        write_table(headings, [_compared(item) for item in items])


@app.command(cls=Command)
def patterns(
    context: typer.Context,
    *,
    least: Annotated[int, typer.Option(metavar="N", min=2, help="Only what at least N sessions share.")] = 3,
    workflow: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Tell instead which configurations go with the quality of this workflow."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the workflows that people repeat: how often, how they end, what they cost."""
    from trainer.actions.recommend import insights
    from trainer.actions.recommend import patterns as shared_workflows

    session: Session = context.obj
    if workflow is not None:
        effects = insights(session.project(), workflow)
        if as_json:
            write_json(effects)
        else:
            headings = ("operation", "configuration", "runs", "quality", "effect", "90 %")
            write_table(headings, [_effect(item) for item in effects])
        return
    items = shared_workflows(session.project(), least=least)
    if as_json:
        write_json(items)
    else:
        headings = ("workflow", "sessions", "success", "seconds", "cost", "note")
        rows = [
            (" > ".join(i.steps), i.sessions, f"{i.success_rate:.0%}", round(i.seconds, 1), round(i.cost, 4), i.note)
            for i in items
        ]
        write_table(headings, rows)


@app.command(cls=Command)
def rate(
    context: typer.Context,
    *,
    subject: Annotated[str, typer.Argument(metavar="REPORT")],
    score: Annotated[float, typer.Option(metavar="N", min=1, max=5, help="From 1, useless, to 5, nothing to change.")],
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)] = "",
    as_json: JsonOption = False,
) -> None:
    """Say how good the latest build of a REPORT is, or an execution by its identity; the records learn from it."""
    from trainer.actions.recommend import rate as record_rating

    session: Session = context.obj
    execution = record_rating(session.project(), subject, score, note=note)
    if as_json:
        write_json({"execution": execution, "score": score, "note": note})
    else:
        write_text(f"rated {score:g} of 5: {execution}")


@app.command(cls=Command)
def spend(
    context: typer.Context,
    *,
    by: Annotated[
        Literal["department", "user", "model", "report", "operation", "day"],
        typer.Option(metavar="WHAT", help="department, user, model, report, operation or day."),
    ] = "department",
    since: Annotated[str, typer.Option(metavar="WHEN", help="From a date, or the last 7d, 12h …")] = "30d",
    as_json: JsonOption = False,
) -> None:
    """Show what was spent on whom, and where each limit of the budget will stand when its window ends."""
    from trainer.actions.spend import spend as spend_report

    session: Session = context.obj
    result = spend_report(session.project(), by=by, since=since)
    if as_json:
        write_json(result)
        return
    rows = [(a.name or "-", a.executions, a.tokens, f"{a.usd:.4f}", f"{a.share:.1%}") for a in result.allocations]
    write_table((by, "executions", "tokens", "USD", "share"), rows)
    if result.limits:
        write_text("")
        write_table(("limit", "USD", "spent", "state", "forecast", "90 %"), [_limit(item) for item in result.limits])
    for item in result.limits:
        if item.state != "within":
            session.say(f"warning: {item.limit}: {item.spent:.4f} of {item.usd:.4f} USD is spent")


@app.command(cls=Command)
def export(
    context: typer.Context,
    *,
    to: Annotated[
        Literal["prometheus", "opentelemetry"],
        typer.Option("--format", metavar="FORMAT", help="prometheus (text of metrics) or opentelemetry (OTLP/JSON)."),
    ] = "prometheus",
    since: Annotated[str, typer.Option(metavar="WHEN", help="Spans from a date, or of the last 7d, 12h …")] = "1d",
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Write to FILE.", show_default=False)
    ] = None,
) -> None:
    """Write the records as other programs read them: metrics for Prometheus, traces for OpenTelemetry."""
    from trainer.actions.mart_export import export_opentelemetry, export_prometheus
    from trainer.core.digest import pretty
    from trainer.core.files import write_atomic

    session: Session = context.obj
    project = session.project()
    text = (
        export_prometheus(project) if to == "prometheus" else pretty(export_opentelemetry(project, since=since)) + "\n"
    )
    if output is None:
        write_text(text.rstrip("\n"))
    else:
        write_atomic(output, text)


@app.command(cls=Command)
def doctor(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Tell whether records arrive: what waits in the spool, since when, who drains, and what the store last said."""
    from trainer.actions.mart import look_at_records

    session: Session = context.obj
    state = look_at_records(session.project())
    if as_json:
        write_json(state)
        return
    rows = [(name, value) for name, value in pick(state).items() if name != "warnings"]
    write_table(("what", "value"), rows)
    for warning in state.warnings:
        session.say(f"warning: {warning}")


@app.command(cls=Command)
def prune(
    context: typer.Context,
    *,
    archive: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write what is removed there first, as Parquet with digests.")
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only tell how much would be removed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the records that are older than mart.keep_days, seven years unless set otherwise."""
    from trainer.actions.mart import prune as prune_old

    session: Session = context.obj
    pruned = prune_old(session.project(), archive=archive, dry_run=dry)
    if as_json:
        write_json(pruned)
    else:
        would = "would be " if dry else ""
        write_text(f"{pruned.executions} executions from before {pruned.before:%Y-%m-%d} {would}removed")


@app.command(cls=Command)
def lineage(
    context: typer.Context,
    *,
    subject: Annotated[str, typer.Argument(metavar="REPORT|KEY")],
    as_json: JsonOption = False,
) -> None:
    """Show what a REPORT was made from and who built it, or what a datum went into by its KEY."""
    from trainer.actions.lineage import lineage as trace

    session: Session = context.obj
    lineage_tree = trace(session.project(), subject)
    if as_json:
        write_json(lineage_tree)
        return
    for name, value in pick(lineage_tree).items():
        if name in ("builds", "executions"):
            write_text(f"{name}:")
            write_table(_HEADINGS, [_row(record) for record in value])
        elif isinstance(value, str):
            write_text(f"{name}: {value}")
        else:
            entries = [f"{key} = {item}" for key, item in value.items()] if isinstance(value, dict) else list(value)
            write_text("\n".join([f"{name}:", *(f"  {entry}" for entry in entries)]))


def _limit(item: LimitState) -> tuple[object, ...]:
    figures = (None, None)
    if item.forecast is not None:
        figures = (f"{item.forecast:.4f}", f"{item.low:.4f} … {item.high:.4f}")  # type: ignore[assignment]
    return item.limit, f"{item.usd:.4f}", f"{item.spent:.4f}", item.state, *figures


def _short(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in config.items()) or "as set"


def _interval(low: float, high: float) -> str:
    return f"{low:+.3f} … {high:+.3f}"


def _recommended(item: Recommendation) -> tuple[object, ...]:
    place = (item.action, f"{item.module}.{item.operation}", item.context or "all")
    configs = (_short(item.current), _short(item.recommended))
    return *place, *configs, f"{item.gain:+.3f}", _interval(*item.interval), item.trials, item.trials_needed


def _compared(item: Experiment) -> tuple[object, ...]:
    comparison = item.comparison
    runs = f"{comparison.first} + {comparison.second}"
    configs = (_short(item.approved), _short(item.candidate))
    figures = (f"{comparison.difference:+.3f}", _interval(comparison.low, comparison.high), runs, comparison.needed)
    return f"{item.module}.{item.operation}", *configs, comparison.verdict, *figures


def _effect(item: Insight) -> tuple[object, ...]:
    figures = (round(item.quality, 3), f"{item.effect:+.3f}", _interval(*item.interval))
    return f"{item.module}.{item.operation}", _short(item.config), item.runs, *figures


def _explained(decision: ConfigDecision) -> Iterator[str]:
    yield f"{_short(decision.config)}: {decision.policy}, with a chance of {decision.propensity:.1%}"
    yield f"context: {decision.context_key or 'all'}"
    for name, estimate in sorted(decision.estimates.items(), key=lambda pair: -pair[1].mean):
        chance = decision.probabilities.get(name)
        parts = [f"utility {estimate.mean:.3f} ({_interval(*estimate.interval)})", f"{estimate.trials} trials"]
        parts += [] if chance is None else [f"chance {chance:.1%}"]
        parts += [decision.excluded[name]] if name in decision.excluded else []
        yield f"  {_short(decision.configs.get(name, {}))}: {', '.join(parts)}"


def _row(record: ExecutionRecord) -> tuple[object, ...]:
    started = record.started_at.strftime("%Y-%m-%d %H:%M:%S") if record.started_at else None
    tokens = _sum(record.tokens_in, record.tokens_out)
    seconds = None if record.seconds is None else round(record.seconds, 3)
    return (
        record.execution_id,
        started,
        record.operation,
        _subject(record),
        record.status,
        seconds,
        tokens,
        record.cost,
    )


def _subject(record: ExecutionRecord) -> str | None:
    context = record.context if isinstance(record.context, dict) else {}
    return next((str(context[name]) for name in _SUBJECTS if context.get(name)), None)


def _logged(entry: LogEntry, words: Sequence[str], *, full: bool) -> Iterator[str]:
    started = entry.started_at.strftime("%Y-%m-%d %H:%M:%S") if entry.started_at else "-"
    subject = next((str(entry.context[name]) for name in _SUBJECTS if entry.context.get(name)), "")
    yield " ".join(filter(None, (entry.execution_id, started, entry.operation, subject, entry.model, entry.status)))
    for name in ("prompt", "answer"):
        text = getattr(entry, name)
        if text is None:
            yield f"  {name}: not kept"
        elif full:
            yield f"  {name}:"
            yield from (f"    {line}" for line in text.splitlines())
        else:
            yield f"  {name}: {_excerpt(text, words)}"


def _excerpt(text: str, words: Sequence[str]) -> str:
    """One line of the text, around the first of the words that stands in it."""
    line = " ".join(text.split())
    places = [place for word in words if (place := line.casefold().find(word.casefold())) >= 0]
    first = max(0, min(places, default=0) - _EXCERPT // 3)
    cut = line[first : first + _EXCERPT]
    return f"{'…' if first else ''}{cut}{'…' if first + _EXCERPT < len(line) else ''}"


def _lines(tree: ExecutionTree, indent: str) -> Iterator[str]:
    record = tree.execution
    subject = _subject(record)
    figures = _figures(record.seconds, tree.tokens, tree.cost)
    title = " ".join(filter(None, (record.operation, subject)))
    yield f"{indent}{title}: {record.status}{figures}  {record.execution_id}"
    if record.error or record.error_class:
        yield f"{indent}  {record.error_class or 'error'}: {record.error or ''}".rstrip(": ")
    for name in ("context", "inputs", "outputs", "results"):
        yield from _mapping(name, getattr(record, name), indent)
    for step in tree.steps:
        yield f"{indent}  - {step.name}: {step.status}{_figures(step.seconds, _step_tokens(step), step.cost)}"
        for name in ("inputs", "outputs", "attributes"):
            yield from _mapping(name, getattr(step, name), f"{indent}    ")
    for child in tree.children:
        yield from _lines(child, f"{indent}  ")


def _mapping(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{indent}  {name}.{key} = {item}" for key, item in sorted(value.items()))
    elif value is not None:
        yield f"{indent}  {name} = {value}"


def _figures(seconds: float | None, tokens: int | None, cost: float | None) -> str:
    parts = [
        None if seconds is None else f"{seconds:.3f} s",
        None if tokens is None else f"{tokens:,} tokens",
        None if cost is None else f"${cost:.4f}",
    ]
    shown = [part for part in parts if part]
    return f" ({', '.join(shown)})" if shown else ""


def _step_tokens(step: StepRecord) -> int | None:
    return _sum(step.tokens_in, step.tokens_out)


def _sum(*parts: int | None) -> int | None:
    numbers = [part for part in parts if part is not None]
    return sum(numbers) if numbers else None
