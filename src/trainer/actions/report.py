"""Build the reports whose inputs changed: retrieve, render, screen, complete, check, compose, convert."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from trainer.actions.check_memo import current_reports, memo_path
from trainer.actions.digest_memo import CheckMemo, CurrentReport
from trainer.actions.prompt import check_all
from trainer.actions.record import Recorder
from trainer.actions.report_inputs import ReportInput
from trainer.actions.report_outcome import BuildOptions, ReportOutcome, outcome_of_error
from trainer.actions.report_plan import Planned, build_order, configured_reports, plan_reports, plan_wave, tell_nobody
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import EditedError, TrainerError
from trainer.core.project import Project
from trainer.reports import (
    Orphan,
    Plan,
    Provenance,
    Reason,
    edited_files,
    find_orphans,
    output_paths,
    provenance_path,
    read_provenance,
    remove_orphan,
)

if TYPE_CHECKING:
    from trainer.actions.report_build import Build

OnEvent = Callable[[ReportOutcome], None]


def check_reports(
    project: Project, names: Sequence[str], *, tags: Sequence[str] = (), clock: Clock = system_clock
) -> list[ReportOutcome]:
    """Which reports are stale or cannot be built, and why, and what is left of removed ones.

    Nothing is written but, where the project has a cache, the digests of the data that was read and what is up to date.
    Removed reports are told only where no names or tags select some of the others.
    """
    began = clock().timestamp()
    memo = CheckMemo.read(memo_path(project))
    planned = plan_reports(project, names, BuildOptions(tags=tuple(tags)), clock=clock, memo=memo)
    outcomes = dict.fromkeys(planned.committed, ReportOutcome("", "current")) | _broken(planned.errors)
    for report in planned.inputs:
        name = report.spec.name
        recorded, unchanged = planned.committed[name], planned.unchanged.get(name)
        plan = _with_figures(project, report, planned.plans[name], recorded)
        outcomes[name] = _outcome(report, plan, recorded) if unchanged is None else _unchanged(report, plan, unchanged)
    current = current_reports(project, planned.inputs, planned.plans, planned.committed, planned.digests, before=began)
    former = memo.reports if names or tags else planned.unchanged  # so that removed ones are forgotten
    CheckMemo(reports={**former, **current}).write(memo_path(project), unless=memo)
    specs = [] if names or tags else list(configured_reports(project, ()))
    orphans = find_orphans(specs, planned.committed, root=project.root, output=project.output) if specs else []
    for orphan in orphans:
        outcomes[orphan.name] = _with_orphan(outcomes.get(orphan.name), orphan)
    return list(outcomes.values())


def prune_reports(project: Project, *, overwrite: bool = False) -> list[ReportOutcome]:
    """What became of the files of removed reports, matrix rows and formats; those that a person edited stay."""
    specs = configured_reports(project, ())
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
    from trainer.actions.site import write_site  # a check writes nothing

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
    outcomes = _broken(planned.errors)
    for outcome in outcomes.values():
        on_event(outcome)
    due = sum(plan.stale or options.force for plan in planned.plans.values())
    on_total(due)
    if due:
        # With it come checks and converters, which who builds nothing need not pay.
        from trainer.actions.report_build import Build

        target = {"target": project.config.target} if project.config.target else None
        with Recorder(project, "report", context=target, clock=clock) as recorder:
            build = Build(
                project, options, planned.sources, recorder, clock=clock, on_event=on_event, on_warning=on_warning
            )
            for wave in build_order(planned.inputs):
                outcomes |= _build_wave(plan_wave(project, wave, planned, options), outcomes, build)
            plan = build.close()
            outcomes |= {name: replace(outcomes[name], plan=plan) for name in build.items}
    else:
        outcomes |= {
            report.spec.name: _outcome(report, planned.plans[report.spec.name], planned.committed[report.spec.name])
            for report in planned.inputs
        }
    from trainer.actions.site import write_site  # as above

    try:
        write_site(project)
    except TrainerError as error:
        on_warning(f"the index of all reports was not written: {error.message}")
    return [outcomes[name] for name in planned.committed]


def _build_wave(planned: Planned, former: Mapping[str, ReportOutcome], build: Build) -> dict[str, ReportOutcome]:
    """What became of reports that do not use one another; one whose own reports failed stays as it is."""
    outcomes = _broken(planned.errors)
    due = []
    for report in planned.inputs:
        name = report.spec.name
        failed = [used for used in report.prepared.reports if former[used].error is not None]
        if not (planned.plans[name].stale or build.options.force):
            outcomes[name] = _outcome(report, planned.plans[name], planned.committed[name])
        elif failed:
            error = TrainerError(f"its report {failed[0]} was not built", hint="mend that one first, then run it again")
            outcomes[name] = outcome_of_error(name, report.title, error)
        else:
            due.append(report)
    for outcome in outcomes.values():
        if outcome.status != "current":  # what is not built is not counted either
            build.on_event(outcome)
    return outcomes | build.run(due, plans=planned.plans, committed=planned.committed)


def _broken(errors: Mapping[str, TrainerError]) -> dict[str, ReportOutcome]:
    return {name: outcome_of_error(name, "", error) for name, error in errors.items()}


def _with_orphan(outcome: ReportOutcome | None, orphan: Orphan) -> ReportOutcome:
    """The outcome of a report, with what is left of dropped formats, or of itself where it is gone."""
    reason = Reason("orphan", f"{', '.join(orphan.paths)}: {orphan.why}")
    if outcome is None:
        return ReportOutcome(orphan.name, "orphaned", orphan.provenance.title, (reason,), outputs=orphan.paths)
    status = "orphaned" if outcome.status == "current" else outcome.status
    return replace(outcome, status=status, reasons=(*outcome.reasons, reason))


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


def _unchanged(report: ReportInput, plan: Plan, current: CurrentReport) -> ReportOutcome:
    """As `_outcome`, of a report whose provenance was not read again; it may use one that is stale."""
    if plan.stale:
        return ReportOutcome(report.spec.name, "stale", report.title, plan.reasons)
    return ReportOutcome(
        report.spec.name,
        "current",
        report.title,
        outputs=current.outputs,
        date=current.date,
        sources=current.sources,
        provider=current.provider,
        model=current.model,
        quality=current.quality,
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
