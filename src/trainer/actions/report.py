"""Build the reports whose inputs changed: retrieve, render, screen, complete, check, compose, convert."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from trainer.actions.data import Sources, known_digests, load_documents
from trainer.actions.model import drafted
from trainer.actions.prompt import check_all
from trainer.actions.record import Recorder
from trainer.actions.report_build import Build
from trainer.actions.report_inputs import ReportInput, all_requests, collect_inputs
from trainer.actions.report_outcome import BuildOptions, ReportOutcome, outcome_of_error
from trainer.actions.site import write_site
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import EditedError, TrainerError, UsageError
from trainer.core.project import Project
from trainer.reports import (
    Orphan,
    Plan,
    Provenance,
    Reason,
    ReportSpec,
    edited_files,
    expand_reports,
    find_orphans,
    output_paths,
    plan_report,
    provenance_path,
    read_provenance,
    remove_orphan,
    select_reports,
    select_tags,
)

OnEvent = Callable[[ReportOutcome], None]


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
    """The provenance of every report that was asked for, in the config's order."""
    sources: Sources


def plan_reports(
    project: Project,
    names: Sequence[str],
    options: BuildOptions,
    *,
    clock: Clock = system_clock,
    refresh: bool = False,
    warn: Callable[[str], None] = tell_nobody,
) -> Planned:
    """Which of the reports are stale, and why; with `refresh`, data that is too old is fetched first."""
    sources = Sources(project, clock=clock)
    specs = _select(project, names)
    inputs, errors = collect_inputs(project, specs, sources=sources, changes=options.changes, formats=options.formats)
    if options.tags:
        tags = {spec.name: spec.tags for spec in specs} | {report.spec.name: report.tags for report in inputs}
        wanted = select_tags(tags, options.tags)
        specs = tuple(spec for spec in specs if spec.name in wanted)
        inputs = [report for report in inputs if report.spec.name in wanted]
        errors = {name: error for name, error in errors.items() if name in wanted}
    committed = {spec.name: read_provenance(provenance_path(project.output, spec.name)) for spec in specs}
    if refresh and not options.offline:
        _refresh(project, inputs, committed, sources=sources, clock=clock, warn=warn)
    digests = known_digests(project, all_requests(inputs), sources=sources)
    plans = {
        report.spec.name: _plan(project, report, committed[report.spec.name], digests, options) for report in inputs
    }
    return Planned(inputs, errors, plans, committed, sources)


def check_reports(
    project: Project, names: Sequence[str], *, tags: Sequence[str] = (), clock: Clock = system_clock
) -> list[ReportOutcome]:
    """Which reports are stale or cannot be built, and why, and what is left of removed ones; nothing is written.

    Removed reports are told only where no names or tags select some of the others.
    """
    planned = plan_reports(project, names, BuildOptions(tags=tuple(tags)), clock=clock)
    outcomes = dict.fromkeys(planned.committed, ReportOutcome("", "current")) | _broken(planned.errors)
    for report in planned.inputs:
        recorded = planned.committed[report.spec.name]
        plan = _with_figures(project, report, planned.plans[report.spec.name], recorded)
        outcomes[report.spec.name] = _outcome(report, plan, recorded)
    specs = [] if names or tags else list(_select(project, ()))
    orphans = find_orphans(specs, planned.committed, root=project.root, output=project.output) if specs else []
    for orphan in orphans:
        outcomes[orphan.name] = _with_orphan(outcomes.get(orphan.name), orphan)
    return list(outcomes.values())


def prune_reports(project: Project, *, overwrite: bool = False) -> list[ReportOutcome]:
    """What became of the files of removed reports, matrix rows and formats; those that a person edited stay."""
    specs = _select(project, ())
    recorded = {spec.name: read_provenance(provenance_path(project.output, spec.name)) for spec in specs}
    orphans = find_orphans(specs, recorded, root=project.root, output=project.output)
    outcomes = []
    for orphan in orphans:
        edited = [] if overwrite else edited_files(orphan, root=project.root)
        if edited:
            error = EditedError(
                f"{', '.join(edited)}: edited since it was built", hint="or: report --prune --overwrite"
            )
            outcomes.append(outcome_of_error(orphan.name, orphan.provenance.title, error))
            continue
        removed = remove_orphan(orphan, root=project.root, output=project.output)
        outcomes.append(replace(_with_orphan(None, orphan), status="removed", changed=removed))
    write_site(project)
    return outcomes


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
    """What became of each report, in the config's order; one that fails does not keep the others from being built.

    Raises UsageError where none of them can be begun.
    """
    planned = plan_reports(project, names, options, clock=clock, refresh=True, warn=on_warning)
    if not planned.inputs:
        check_all(list(planned.errors.values()))
    plans, committed = planned.plans, planned.committed
    due = [report for report in planned.inputs if plans[report.spec.name].stale or options.force]
    outcomes = _broken(planned.errors) | {
        report.spec.name: _outcome(report, plans[report.spec.name], committed[report.spec.name])
        for report in planned.inputs
        if report not in due
    }
    on_total(len(due))
    for name in planned.errors:
        on_event(outcomes[name])
    if due:
        with Recorder(project, "report", clock=clock) as recorder:
            build = Build(
                project,
                options,
                planned.sources,
                recorder,
                plans=plans,
                committed=committed,
                clock=clock,
                on_event=on_event,
                on_warning=on_warning,
            )
            outcomes |= build.run(due)
    try:
        write_site(project)
    except TrainerError as error:
        on_warning(f"the index of all reports was not written: {error.message}")
    return [outcomes[name] for name in committed]


def _select(project: Project, names: Sequence[str]) -> tuple[ReportSpec, ...]:
    specs = expand_reports(project.settings.reports)
    if not specs:
        raise UsageError("config.yaml lists no reports", hint="add one under reports:, see trainer init")
    return select_reports(specs, names)


def _broken(errors: Mapping[str, TrainerError]) -> dict[str, ReportOutcome]:
    return {name: outcome_of_error(name, "", error) for name, error in errors.items()}


def _with_orphan(outcome: ReportOutcome | None, orphan: Orphan) -> ReportOutcome:
    """The outcome of a report, with what is left of dropped formats, or of itself where it is gone."""
    reason = Reason("orphan", f"{', '.join(orphan.paths)}: {orphan.why}")
    if outcome is None:
        return ReportOutcome(orphan.name, "orphaned", orphan.provenance.title, (reason,), outputs=orphan.paths)
    status = "orphaned" if outcome.status == "current" else outcome.status
    return replace(outcome, status=status, reasons=(*outcome.reasons, reason))


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
    built = {block.key for each in committed.values() if each is not None for block in each.data}
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
    documents = [document for each in committed.values() if each is not None for document in each.documents()]
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


def _outcome(report: ReportInput, plan: Plan, recorded: Provenance | None) -> ReportOutcome:
    outcome = ReportOutcome(report.spec.name, "stale" if plan.stale else "current", report.title, plan.reasons)
    if recorded is None or plan.stale:
        return outcome
    return replace(
        outcome,
        outputs=tuple(item.path for item in recorded.outputs),
        date=recorded.date,
        sources=recorded.sources(),
        provider=str(recorded.completion.get("provider", "")),
        model=str(recorded.completion.get("model", "")),
        quality=recorded.scores.get("quality"),
    )


def _with_figures(project: Project, report: ReportInput, plan: Plan, recorded: Provenance | None) -> Plan:
    """The plan with each figure of an edited report that its data does not bear out, by line, figure and datum."""
    edited = {reason.path for reason in plan.reasons if reason.ingredient == "output"}
    if recorded is None or not edited:
        return plan
    markdown = output_paths(project.output, report.spec)["markdown"]
    shown = project.shown(markdown)
    if shown not in edited:
        return plan
    from trainer.checks import check_figures

    accepted = {str(finding.get("text", "")) for finding in recorded.findings}
    contexts = report.prepared.contexts
    figures = check_figures(markdown.read_text("utf-8", "replace"), data=recorded.data, contexts=contexts)
    wrong = [
        Reason("figure", f"{shown}:{figure.line}:{figure.column}: {figure.text} is {figure.verdict}: {message}")
        for figure in figures.unverified
        if figure.text not in accepted and (message := " ".join(filter(None, (figure.message, figure.support))))
    ]
    return replace(plan, reasons=(*plan.reasons, *wrong))
