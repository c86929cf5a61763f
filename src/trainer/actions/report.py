"""Build the reports whose inputs changed: retrieve, render, screen, complete, check, compose, convert."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from trainer.actions.data import Sources, known_digests, load_documents
from trainer.actions.model import drafted
from trainer.actions.record import Recorder
from trainer.actions.report_build import Build
from trainer.actions.report_inputs import ReportInput, all_requests, collect_inputs
from trainer.actions.report_outcome import BuildOptions, ReportOutcome
from trainer.actions.site import write_site
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import UsageError
from trainer.core.project import Project
from trainer.reports import (
    Plan,
    Provenance,
    Reason,
    expand_reports,
    output_paths,
    plan_report,
    provenance_path,
    read_provenance,
    select_reports,
)

OnEvent = Callable[[ReportOutcome], None]


def tell_nobody(_: object) -> None:
    """Listen to nothing."""


def check_reports(project: Project, names: Sequence[str], *, clock: Clock = system_clock) -> list[ReportOutcome]:
    """Which reports are stale, and why; nothing is fetched, sent or written."""
    sources = Sources(project, clock=clock)
    inputs = _inputs(project, names, BuildOptions(), sources)
    digests = known_digests(project, all_requests(inputs), sources=sources)
    recorded = {report.spec.name: _provenance(project, report) for report in inputs}
    plans = {report.spec.name: _plan(project, report, recorded[report.spec.name], digests) for report in inputs}
    return [
        _told(report, _with_figures(project, report, plans[name], recorded[name]), recorded[name])
        for name, report in ((report.spec.name, report) for report in inputs)
    ]


def build_reports(
    project: Project,
    names: Sequence[str],
    options: BuildOptions,
    *,
    clock: Clock = system_clock,
    on_total: Callable[[int], None] = tell_nobody,
    on_event: OnEvent = tell_nobody,
    on_warning: Callable[[str], None] = tell_nobody,
) -> list[ReportOutcome]:
    """What became of each report, in the config's order; one that fails does not keep the others from being built."""
    sources = Sources(project, clock=clock)
    inputs = _inputs(project, names, options, sources)
    committed = {report.spec.name: _provenance(project, report) for report in inputs}
    digests = _refreshed(project, inputs, committed, options, sources=sources, clock=clock, warn=on_warning)
    plans = {
        report.spec.name: _plan(project, report, committed[report.spec.name], digests, offline=options.offline)
        for report in inputs
    }
    due = [report for report in inputs if plans[report.spec.name].stale or options.force]
    outcomes = {
        report.spec.name: _told(report, plans[report.spec.name], committed[report.spec.name])
        for report in inputs
        if report not in due
    }
    on_total(len(due))
    if due:
        with Recorder(project, "report", clock=clock) as recorder:
            build = Build(
                project, options, sources, recorder, plans=plans, clock=clock, on_event=on_event, on_warning=on_warning
            )
            outcomes |= build.run(due, committed)
    write_site(project)
    return [outcomes[report.spec.name] for report in inputs]


def _inputs(project: Project, names: Sequence[str], options: BuildOptions, sources: Sources) -> list[ReportInput]:
    specs = expand_reports(project.settings.reports)
    if not specs:
        raise UsageError("config.yaml lists no reports", hint="add one under reports:, see trainer init")
    specs = select_reports(specs, names)
    if options.formats is not None:
        specs = tuple(replace(spec, formats=options.formats) for spec in specs)
    return collect_inputs(project, specs, sources=sources, changes=options.changes)


def _refreshed(
    project: Project,
    inputs: Sequence[ReportInput],
    committed: Mapping[str, Provenance | None],
    options: BuildOptions,
    *,
    sources: Sources,
    clock: Clock,
    warn: Callable[[str], None],
) -> dict[str, str | None]:
    """The digests of all data; what is remote and too old is fetched again first, so that the plan sees the news."""
    requests = all_requests(inputs)
    remote = [request for request in requests if request.source and not request.local and request.max_age is not None]
    if remote and not options.offline:
        documents = [document for each in committed.values() if each is not None for document in each.documents()]
        loaded = load_documents(project, remote, sources=sources, clock=clock, committed=documents)
        for warning in loaded.warnings:
            warn(warning)
    return known_digests(project, requests, sources=sources)


def _plan(
    project: Project,
    report: ReportInput,
    recorded: Provenance | None,
    digests: Mapping[str, str | None],
    *,
    offline: bool = False,
) -> Plan:
    choices = [report.choice, drafted(report.choice)] if offline else [report.choice]
    plans = [
        plan_report(
            report.spec,
            now=report.ingredients(digests, choice=choice),
            recorded=recorded,
            root=project.root,
            output=project.output,
        )
        for choice in choices
    ]
    return min(plans, key=lambda plan: len(plan.reasons))


def _provenance(project: Project, report: ReportInput) -> Provenance | None:
    return read_provenance(provenance_path(project.output, report.spec.name))


def _told(report: ReportInput, plan: Plan, recorded: Provenance | None) -> ReportOutcome:
    told = ReportOutcome(report.spec.name, "stale" if plan.stale else "current", report.title, plan.reasons)
    if recorded is None or plan.stale:
        return told
    return replace(
        told,
        outputs=tuple(item.path for item in recorded.outputs),
        date=recorded.date,
        sources=tuple(f"{block.key}@{block.version}" for block in recorded.data),
        provider=str(recorded.completion.get("provider", "")),
        model=str(recorded.completion.get("model", "")),
        quality=recorded.scores.get("quality"),
    )


def _with_figures(project: Project, report: ReportInput, plan: Plan, recorded: Provenance | None) -> Plan:
    """The plan with each figure of an edited report that its data does not bear out, by line, figure and datum."""
    markdown = output_paths(project.output, report.spec)["markdown"]
    edited = f"{project.shown(markdown)} is not what was written"
    if recorded is None or not any(reason.detail.startswith(edited) for reason in plan.reasons):
        return plan
    from trainer.checks import check_figures

    accepted = {str(finding.get("text", "")) for finding in recorded.findings}
    contexts = report.prepared.contexts
    found = check_figures(markdown.read_text("utf-8", "replace"), data=recorded.data, contexts=contexts)
    wrong = [
        Reason("figure", f"{project.shown(markdown)}:{each.line}:{each.column}: {each.text} is {each.verdict}: {said}")
        for each in found.unverified
        if each.text not in accepted and (said := " ".join(filter(None, (each.message, each.support))))
    ]
    return replace(plan, reasons=(*plan.reasons, *wrong))
