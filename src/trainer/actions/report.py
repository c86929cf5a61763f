"""Build the reports whose inputs changed: retrieve, render, screen, complete, check, compose, convert."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from trainer.actions.completion import Answer, Call, Completer
from trainer.actions.data import Loaded, Sources, known_digests, load_documents
from trainer.actions.model import drafted, make_budget
from trainer.actions.prompt import Rendered, render_prepared
from trainer.actions.record import Recorder, failure
from trainer.actions.report_inputs import ReportInput, all_requests, collect_inputs
from trainer.actions.report_outputs import Checked, check, require_accepted, write_report
from trainer.actions.site import write_index
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import RefusedError, TrainerError, UsageError
from trainer.core.project import Project
from trainer.core.values import CompletionResult, Message, Prompt
from trainer.reports import (
    Plan,
    Provenance,
    Reason,
    expand_reports,
    plan_report,
    provenance_path,
    read_provenance,
    select_reports,
)

Status = Literal["built", "current", "stale", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """What became of one report."""

    name: str
    status: Status
    title: str = ""
    reasons: tuple[Reason, ...] = ()
    """Why it was stale."""
    changed: tuple[str, ...] = ()
    """Files that were written."""
    outputs: tuple[str, ...] = ()
    """All its files."""
    date: str | None = None
    """The newest date of its data."""
    sources: tuple[str, ...] = ()
    """Keys and versions of its data."""
    provider: str = ""
    model: str = ""
    origin: str = ""
    """fresh, cached, replayed or drafted."""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = 0.0
    """In this run, in US dollars; 0 for a cached completion, None where the price is not known."""
    findings: int = 0
    """Faults its checks found."""
    seconds: float = 0.0
    error: TrainerError | None = None

    def as_json(self) -> dict[str, Any]:
        """The report's object in `trainer report --json`."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("reasons", "error", "seconds")}
        reasons = [{"ingredient": reason.ingredient, "detail": reason.detail} for reason in self.reasons]
        return {**plain, "reasons": reasons, "error": str(self.error) if self.error else None}


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build."""

    force: bool = False
    """Whether reports are built that are not stale."""
    formats: tuple[str, ...] | None = None
    """Formats in place of the reports' own."""
    offline: bool = False
    """Whether nothing is fetched and no model is called."""
    concurrency: int | None = None
    max_cost: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings of llm_provider for this run."""


OnEvent = Callable[[ReportOutcome], None]


def tell_nobody(_: object) -> None:
    """Listen to nothing."""


def check_reports(project: Project, names: Sequence[str], *, clock: Clock = system_clock) -> list[ReportOutcome]:
    """Which reports are stale, and why; nothing is fetched, sent or written."""
    sources = Sources(project, clock=clock)
    inputs = _inputs(project, names, BuildOptions(), sources)
    digests = known_digests(project, all_requests(inputs), sources=sources)
    return [_told(report, _plan(project, report, digests, offline=False)) for report in inputs]


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
    plans = {report.spec.name: _plan(project, report, digests, offline=options.offline) for report in inputs}
    due = [report for report in inputs if plans[report.spec.name].stale or options.force]
    outcomes = {report.spec.name: _told(report, plans[report.spec.name]) for report in inputs if report not in due}
    on_total(len(due))
    if due:
        with Recorder(project, "report", clock=clock) as recorder:
            build = _Build(
                project, options, sources, recorder, plans=plans, clock=clock, on_event=on_event, on_warning=on_warning
            )
            outcomes |= build.run(due, committed)
    write_index(project)
    return [outcomes[report.spec.name] for report in inputs]


class _Build:
    """One build of some reports: its rooms are open as long as it runs."""

    def __init__(
        self,
        project: Project,
        options: BuildOptions,
        sources: Sources,
        recorder: Recorder,
        *,
        plans: Mapping[str, Plan],
        clock: Clock,
        on_event: OnEvent,
        on_warning: Callable[[str], None],
    ) -> None:
        self.project = project
        self.options = options
        self.sources = sources
        self.clock = clock
        self.recorder = recorder
        self.plans = plans
        self.on_event = on_event
        self.on_warning = on_warning
        self.budget = make_budget(project, max_cost=options.max_cost, clock=clock)
        self.completer = Completer(project, budget=self.budget, concurrency=options.concurrency)
        self.outcomes: dict[str, ReportOutcome] = {}
        self.started: dict[str, float] = {}

    def run(self, due: Sequence[ReportInput], committed: Mapping[str, Provenance | None]) -> dict[str, ReportOutcome]:
        """The outcome of each report that was due."""
        from trainer.convert import PdfPool

        if self.options.offline:
            due = [replace(report, choice=drafted(report.choice)) for report in due]
        workers = max(1, os.cpu_count() or 1)
        with PdfPool(workers=workers) as pdf, ThreadPoolExecutor(max_workers=workers) as threads:
            if any("pdf" in report.spec.formats for report in due):
                pdf.start()
            rendered = self._render(due, committed)
            finishing: list[Future[None]] = []
            calls = [self._call(report, rendered[report.spec.name]) for report in due if report.spec.name in rendered]
            by_name = {report.spec.name: report for report in due}

            def arrived(call: Call, answer: Answer) -> None:
                report = by_name[call.name]
                finishing.append(threads.submit(self._finish, report, rendered[call.name], answer, pdf))

            self.completer.many(calls, on_answer=arrived)
            for future in finishing:
                future.result()
        if self.budget is not None:
            self.budget.close()
        return self.outcomes

    def _render(self, due: Sequence[ReportInput], committed: Mapping[str, Provenance | None]) -> dict[str, Rendered]:
        documents = [document for each in committed.values() if each is not None for document in each.documents()]
        loaded = load_documents(
            self.project,
            all_requests(due),
            sources=self.sources,
            clock=self.clock,
            offline=self.options.offline,
            committed=documents,
        )
        for warning in loaded.warnings:
            self.on_warning(warning)
        rendered: dict[str, Rendered] = {}
        for report in due:
            self.started[report.spec.name] = time.monotonic()
            try:
                rendered[report.spec.name] = self._rendered(report, loaded)
            except TrainerError as error:
                self._fail(report, error)
        return rendered

    def _rendered(self, report: ReportInput, loaded: Loaded) -> Rendered:
        for request in report.prepared.requests.values():
            if request.key in loaded.errors:
                raise loaded.errors[request.key]
        found = render_prepared(self.project, report.prepared, loaded.documents, model=report.choice.model)
        for warning in found.warnings:
            self.on_warning(f"{report.spec.name}: {warning}")
        if report.spec.title:
            found = replace(found, prompt=replace(found.prompt, title=report.spec.title))
        found.require_safe()
        return found

    def _call(self, report: ReportInput, rendered: Rendered) -> Call:
        return Call(report.spec.name, rendered.prompt, report.choice)

    def _finish(
        self, report: ReportInput, rendered: Rendered, answer: CompletionResult | TrainerError, pdf: Any
    ) -> None:
        try:
            if isinstance(answer, TrainerError):
                raise answer
            checked = self._checked(report, rendered, answer)
            require_accepted(report, checked)
            provenance, changed = write_report(self.project, report, rendered, checked, pdf=pdf)
        except TrainerError as error:
            self._fail(report, error)
            return
        self._end(self._built(report, provenance, checked, changed), rendered)

    def _checked(self, report: ReportInput, rendered: Rendered, answer: CompletionResult) -> Checked:
        """The checked completion; with the policy `repair`, the model is shown once what is wrong."""
        from trainer.checks import faults, repair_message

        checked = check(report, rendered, answer)
        if report.checks.policy != "repair" or not faults(checked.verdict):
            return checked
        again = _repair_prompt(rendered.prompt, answer.content, repair_message(checked.verdict))
        try:
            second = self.completer.one(Call(report.spec.name, again, report.choice))
        except TrainerError as error:
            self.on_warning(f"{report.spec.name}: the repair failed: {error.message}")
            return checked
        mended = check(report, rendered, second)
        return mended if len(faults(mended.verdict)) < len(faults(checked.verdict)) else checked

    def _built(
        self, report: ReportInput, provenance: Provenance, checked: Checked, changed: tuple[str, ...]
    ) -> ReportOutcome:
        from trainer.checks import faults

        result = checked.result
        return ReportOutcome(
            name=report.spec.name,
            status="built",
            title=report.title,
            reasons=self.plans[report.spec.name].reasons,
            changed=changed,
            outputs=tuple(item.path for item in provenance.outputs),
            date=provenance.date,
            sources=tuple(f"{block.key}@{block.version}" for block in provenance.data),
            provider=result.provider,
            model=result.model,
            origin=result.origin,
            tokens_in=result.tokens_in,
            tokens_out=result.tokens_out,
            cost=result.cost if result.origin == "fresh" else 0.0,
            findings=len(faults(checked.verdict)),
            seconds=time.monotonic() - self.started[report.spec.name],
        )

    def _fail(self, report: ReportInput, error: TrainerError) -> None:
        status: Status = "refused" if isinstance(error, RefusedError) else "failed"
        seconds = time.monotonic() - self.started[report.spec.name]
        self._end(ReportOutcome(report.spec.name, status, title=report.title, error=error, seconds=seconds), None)

    def _end(self, outcome: ReportOutcome, rendered: Rendered | None) -> None:
        self.outcomes[outcome.name] = outcome
        self.recorder.item("report", *_record(outcome, rendered))
        self.on_event(outcome)


def _record(outcome: ReportOutcome, rendered: Rendered | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The context and the results of one report's execution."""
    inputs = {"prompt": rendered.prompt.digest if rendered else None, "data": list(outcome.sources)}
    context = {"report": outcome.name, "inputs": inputs}
    results = {
        **failure(outcome.error),
        "seconds": outcome.seconds,
        "provider": outcome.provider,
        "model": outcome.model,
        "origin": outcome.origin,
        "tokens_in": outcome.tokens_in,
        "tokens_out": outcome.tokens_out,
        "cost": outcome.cost,
        "outputs": list(outcome.outputs),
        "findings": outcome.findings,
    }
    return context, results


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


def _plan(project: Project, report: ReportInput, digests: Mapping[str, str | None], *, offline: bool) -> Plan:
    recorded = _provenance(project, report)
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


def _told(report: ReportInput, plan: Plan) -> ReportOutcome:
    return ReportOutcome(report.spec.name, "stale" if plan.stale else "current", report.title, plan.reasons)


def _repair_prompt(prompt: Prompt, answer: str, message: str) -> Prompt:
    turns = (*prompt.turns, Message("assistant", answer), Message("user", message))
    return replace(prompt, turns=turns, steps=())
