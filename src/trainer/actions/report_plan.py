"""Which of a project's reports are meant, which of them are stale and why, and in which order they are built."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from trainer.actions.check_memo import unchanged_reports
from trainer.actions.data import Sources, known_digests, load_documents
from trainer.actions.digest_memo import CheckMemo, CurrentReport
from trainer.actions.model import drafted
from trainer.actions.report_inputs import ReportInput, all_requests, collect_inputs
from trainer.actions.report_outcome import BuildOptions
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import ConfigError, TrainerError, UsageError
from trainer.core.project import Project
from trainer.reports import (
    Plan,
    Provenance,
    Reason,
    ReportSpec,
    expand_reports,
    plan_report,
    provenance_path,
    read_provenance,
    select_reports,
    select_tags,
)


def tell_nobody(_: object) -> None:
    """Listen to nothing."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done about some reports."""

    inputs: list[ReportInput]
    errors: dict[str, TrainerError]
    """What is wrong with those that have no inputs, by name."""
    plans: dict[str, Plan]
    committed: dict[str, Provenance | None]
    """The provenance of every report that was asked for, in the config's order; of `unchanged` ones it is not read."""
    sources: Sources
    unchanged: Mapping[str, CurrentReport] = field(default_factory=dict)
    """Those that a memo knows to be up to date, by name."""
    digests: Mapping[str, str | None] = field(default_factory=dict)
    """Of the data, by storage key."""


def plan_reports(
    project: Project,
    names: Sequence[str],
    options: BuildOptions,
    *,
    clock: Clock = system_clock,
    refresh: bool = False,
    warn: Callable[[str], None] = tell_nobody,
    memo: CheckMemo | None = None,
) -> Planned:
    """Which of the reports are stale, and why; with `refresh`, data that is too old is fetched first.

    What the `memo` knows to be unchanged is not read again. Reports that they use are planned with them, and what uses
    a stale report is stale itself. Raises ConfigError where reports use one another in a circle.
    """
    sources = Sources(project, clock=clock)
    every = configured_reports(project, ())
    specs = select_reports(every, names)
    collect = partial(collect_inputs, project, sources=sources, changes=options.changes, formats=options.formats)
    inputs, errors = collect(specs)
    if options.tags:
        tags = {spec.name: spec.tags for spec in specs} | {report.spec.name: report.tags for report in inputs}
        wanted = select_tags(tags, options.tags)
        inputs = [report for report in inputs if report.spec.name in wanted]
        errors = {name: error for name, error in errors.items() if name in wanted}
    while missing := {used for one in inputs for used in one.prepared.reports} - {*errors, *_names(inputs)}:
        more, wrong = collect([spec for spec in every if spec.name in missing])
        inputs, errors = [*inputs, *more], errors | wrong
    order = {spec.name: at for at, spec in enumerate(every)}
    inputs.sort(key=lambda report: order[report.spec.name])
    planned = plan_inputs(
        project,
        inputs,
        errors,
        options,
        order=order,
        sources=sources,
        clock=clock,
        refresh=refresh,
        warn=warn,
        memo=memo,
    )
    plans = planned.plans
    for wave in build_order(inputs):
        for report in wave:
            plan = plans[report.spec.name]
            stale = [used for used in report.prepared.reports if used in errors or plans[used].stale]
            reasons = [Reason("data", f"its report {used} is stale") for used in stale]
            plans[report.spec.name] = replace(plan, reasons=(*plan.reasons, *reasons))
    return planned


def plan_wave(project: Project, wave: Sequence[ReportInput], planned: Planned, options: BuildOptions) -> Planned:
    """The plans of one wave of a build; reports that use others are planned anew, as these may just have been built."""
    using = [report.spec for report in wave if report.prepared.reports]
    inputs, errors = collect_inputs(
        project, using, sources=planned.sources, changes=options.changes, formats=options.formats
    )
    again = plan_inputs(project, inputs, errors, options, order=planned.committed, sources=planned.sources)
    names = {report.spec.name for report in wave}
    plain = [report for report in wave if not report.prepared.reports]
    plans = {name: plan for name, plan in planned.plans.items() if name in names}
    committed = {name: one for name, one in planned.committed.items() if name in names}
    return Planned([*plain, *inputs], errors, plans | again.plans, committed | again.committed, planned.sources)


def plan_inputs(
    project: Project,
    inputs: list[ReportInput],
    errors: dict[str, TrainerError],
    options: BuildOptions,
    *,
    order: Iterable[str],
    sources: Sources,
    clock: Clock = system_clock,
    refresh: bool = False,
    warn: Callable[[str], None] = tell_nobody,
    memo: CheckMemo | None = None,
) -> Planned:
    """The plans of reports whose inputs are at hand; `order` has their names as the config has them."""
    wanted = {*_names(inputs), *errors}
    names = [name for name in order if name in wanted]
    committed: dict[str, Provenance | None] = {}
    if refresh and not options.offline:
        committed = {name: read_provenance(provenance_path(project.output, name)) for name in names}
        _refresh(project, inputs, committed, sources=sources, clock=clock, warn=warn)
    digests = known_digests(project, all_requests(inputs), sources=sources)
    unchanged = {} if memo is None else unchanged_reports(project, inputs, digests, memo, before=clock().timestamp())
    committed = committed or {
        name: None if name in unchanged else read_provenance(provenance_path(project.output, name)) for name in names
    }
    plans = {
        name: Plan(report.spec) if name in unchanged else _plan(project, report, committed[name], digests, options)
        for report in inputs
        for name in (report.spec.name,)
    }
    return Planned(inputs, errors, plans, committed, sources, unchanged, digests)


def build_order(inputs: Sequence[ReportInput]) -> list[list[ReportInput]]:
    """The reports in waves, each after those that its reports use; raises ConfigError where they go in a circle."""
    waves: list[list[ReportInput]] = []
    waiting = list(inputs)
    while waiting:
        open_names = _names(waiting)
        wave = [report for report in waiting if open_names.isdisjoint(report.prepared.reports)]
        if not wave:
            circle = " -> ".join(_circle(waiting))
            raise ConfigError(f"reports that use one another: {circle}", hint="take one of these out of its data")
        waves.append(wave)
        waiting = [report for report in waiting if not open_names.isdisjoint(report.prepared.reports)]
    return waves


def configured_reports(project: Project, names: Sequence[str]) -> tuple[ReportSpec, ...]:
    """The reports that names and globs select; raises UsageError where there are none, or a name selects nothing."""
    specs = expand_reports(project.settings.reports)
    if not specs:
        raise UsageError("config.yaml lists no reports", hint="add one under reports:, see trainer init")
    return select_reports(specs, names)


def _names(inputs: Iterable[ReportInput]) -> set[str]:
    return {report.spec.name for report in inputs}


def _circle(waiting: Collection[ReportInput]) -> list[str]:
    """A way along what they use that comes back to where it began; every one of them uses another."""
    used = {report.spec.name: report.prepared.reports for report in waiting}
    way = [next(iter(used))]
    while (name := next(name for name in used[way[-1]] if name in used)) not in way:
        way.append(name)
    return [*way[way.index(name) :], name]


def _refresh(
    project: Project,
    inputs: Sequence[ReportInput],
    committed: Mapping[str, Provenance | None],
    *,
    sources: Sources,
    clock: Clock,
    warn: Callable[[str], None],
) -> None:
    """Fetch what is remote and too old, or was never fetched by a report that was built, so that the plan sees it."""
    built = {block.key for provenance in committed.values() if provenance is not None for block in provenance.data}
    remote = [
        request
        for report in inputs
        for request in report.prepared.requests.values()
        if request.source
        and not request.local
        and (request.max_age is not None or (committed[report.spec.name] and request.key not in built))
    ]
    if not remote:
        return
    documents = [
        document for provenance in committed.values() if provenance is not None for document in provenance.documents()
    ]
    loaded = load_documents(project, remote, sources=sources, clock=clock, committed=documents)
    for warning in loaded.warnings:
        warn(warning)
    for key, error in loaded.errors.items():
        warn(f"{key}: {error.message}; reports that are built stay as they are, with the data they were made from")


def _plan(
    project: Project,
    report: ReportInput,
    recorded: Provenance | None,
    digests: Mapping[str, str | None],
    options: BuildOptions,
) -> Plan:
    choices = [report.choice, drafted(report.choice)] if options.offline else [report.choice]
    plans = [
        plan_report(
            report.spec,
            now=report.ingredients(digests, choice=choice),
            recorded=recorded,
            root=project.root,
            output=project.output,
            formats=report.asked_formats,
            offline=options.offline,
        )
        for choice in choices
    ]
    return min(plans, key=lambda plan: len(plan.reasons))
