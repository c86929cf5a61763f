"""One build of some reports: data in, prompts out, completions back, files written, each as soon as it can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trainer.actions.checked_answer import CheckedAnswer, check
from trainer.actions.completion import Answer, Completer, ModelCall, completion_facts, joined, mending, paid_answer
from trainer.actions.contextual import plan_processes
from trainer.actions.data import Loaded, Sources, load_documents
from trainer.actions.model import drafted, make_budget, plan_prompt
from trainer.actions.prompt import Rendered, keep_prompt, render_prepared
from trainer.actions.record import Item, Recorder, failure
from trainer.actions.report_inputs import ReportInput, all_requests
from trainer.actions.report_outcome import BuildOptions, ReportOutcome, fault_of, outcome_of_error
from trainer.actions.report_outputs import require_accepted, require_unedited, write_report
from trainer.convert import PdfPool
from trainer.core.clock import Clock
from trainer.core.errors import ProviderError, TrainerError
from trainer.core.project import Project
from trainer.core.values import CompletionResult, Prompt, Verdict
from trainer.reports import Plan, Provenance

if TYPE_CHECKING:
    from trainer.sources import Choice


class Build:
    """A build while it runs: `run` for each wave of reports, and `close` at its end."""

    def __init__(
        self,
        project: Project,
        options: BuildOptions,
        sources: Sources,
        recorder: Recorder,
        *,
        clock: Clock,
        on_event: Callable[[ReportOutcome], None],
        on_warning: Callable[[str], None],
    ) -> None:
        self.project = project
        self.options = options
        self.sources = sources
        self.clock = clock
        self.recorder = recorder
        sources.on_call = recorder.request
        self.plans: Mapping[str, Plan] = {}
        self.committed: Mapping[str, Provenance | None] = {}
        self.on_event = on_event
        self.on_warning = on_warning
        self.budget = make_budget(project, max_cost=options.max_cost, clock=clock)
        self.completer = Completer(project, budget=self.budget, concurrency=options.concurrency)
        self.outcomes: dict[str, ReportOutcome] = {}
        self.items: dict[str, Item] = {}
        self.plan: dict[str, Choice] = {}
        """How many calls and workers were chosen, and why."""

    def run(
        self, due: Sequence[ReportInput], *, plans: Mapping[str, Plan], committed: Mapping[str, Provenance | None]
    ) -> dict[str, ReportOutcome]:
        """The outcome of each report that was due; whatever happens to one of them, the others are built."""
        if not due:
            return {}
        self.plans, self.committed, self.outcomes = plans, committed, {}
        if self.options.offline:
            due = [replace(report, choice=drafted(report.choice)) for report in due]
        else:
            due = [report.decided(self.project, self.options.changes, explore=self.options.explore) for report in due]
        chosen = plan_processes(self.project, len(due))
        workers = chosen.value or 1
        self.plan |= {"workers": chosen, "tokens": plan_prompt(due[0].asked, due[0].max_tokens)}
        threads = ThreadPoolExecutor(max_workers=workers)
        with PdfPool(workers=workers) as pdf:
            if any("pdf" in report.formats and self.plans[report.spec.name].stale for report in due):
                pdf.start()
            for report in due:
                if (described := report.asked.described) and described.warms_up:
                    described.warm_up()
                    break
            try:
                self._complete(due, self._render(due), threads, pdf)
            finally:
                # After an interrupt, reports that wait are not begun; those under way lose their PDF worker.
                threads.shutdown(wait=False, cancel_futures=True)
        return self.outcomes

    def close(self) -> dict[str, Choice]:
        """Record what was sent; how many calls and workers were chosen, and why."""
        self.completer.record(self.recorder)
        if self.budget is not None:
            self.budget.close()
        if self.completer.concurrency is not None:
            self.plan["concurrency"] = self.completer.concurrency
        return self.plan

    def _render(self, due: Sequence[ReportInput]) -> dict[str, Rendered]:
        """The finished prompts by report; a report that cannot be rendered has its outcome already."""
        documents = [
            document
            for provenance in self.committed.values()
            if provenance is not None
            for document in provenance.documents()
        ]
        with self.recorder.timed("retrieve"):
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
        prompts: dict[str, Rendered] = {}
        for report in due:
            name = report.spec.name
            self.items[name] = self.recorder.item("report", {"report": name, **_decision(report)})
            try:
                require_unedited(self.project, report, self.committed[name], overwrite=self.options.overwrite)
                with self.items[name].timed("render"):
                    prompts[name] = self._rendered(report, loaded)
            except Exception as error:  # of data that nobody foresaw, too
                self._fail(report, error)
        return prompts

    def _rendered(self, report: ReportInput, loaded: Loaded) -> Rendered:
        for request in report.prepared.requests.values():
            if request.key in loaded.errors:
                raise loaded.errors[request.key]
        rendered = render_prepared(self.project, report.prepared, loaded.documents, choice=report.asked)
        for warning in rendered.warnings:
            self.on_warning(f"{report.spec.name}: {warning}")
        if report.spec.title:
            rendered = replace(rendered, prompt=replace(rendered.prompt, title=report.spec.title))
        screening = rendered.screening
        if screening is not None and self.project.settings.prompt_security.log_security_events:
            self.items[report.spec.name].step("screen", flags=screening.flags, risk=screening.risk_score)
        rendered.require_safe()
        return rendered

    def _complete(
        self, due: Sequence[ReportInput], prompts: Mapping[str, Rendered], threads: ThreadPoolExecutor, pdf: PdfPool
    ) -> None:
        """Ask for all completions, and finish each report on a thread as its own arrives."""
        finishing: list[Future[None]] = []
        reports = {report.spec.name: report for report in due if report.spec.name in prompts}

        def arrived(call: ModelCall, answer: Answer) -> None:
            finishing.append(threads.submit(self._finish, reports[call.name], prompts[call.name], answer, pdf))

        calls = [ModelCall(name, prompts[name].prompt, report.asked) for name, report in reports.items()]
        self.completer.many(calls, on_answer=arrived)
        for future in finishing:
            future.result()

    def _finish(self, report: ReportInput, rendered: Rendered, answer: Answer, pdf: PdfPool) -> None:
        item = self.items[report.spec.name]
        result = paid_answer(answer) if isinstance(answer, TrainerError) else answer
        try:
            if isinstance(answer, TrainerError):
                raise answer
            item.step("complete", **completion_facts(answer))
            with item.timed("check"):
                checked = self._checked(report, rendered, answer, item)
                result = checked.result
                require_accepted(report, checked)
            with item.timed("write"):
                provenance, changed = write_report(
                    self.project, report, rendered, checked, before=self.committed[report.spec.name], pdf=pdf
                )
            request = ModelCall(report.spec.name, rendered.prompt, report.asked).request.key
            self._end(self._built(report, provenance, checked, changed), rendered, request)
        except Exception as error:  # of data that nobody foresaw, too
            self._fail(report, error, result)

    def _checked(self, report: ReportInput, rendered: Rendered, answer: CompletionResult, item: Item) -> CheckedAnswer:
        """The checked completion; with the policy `repair`, the model is shown once what is wrong."""
        from trainer.checks import faults, repair_message

        opinions: list[CompletionResult] = []
        ask = self._asker(report, item, opinions) if report.checks.opinion else None
        checked = check(self.project, report.checks, rendered, answer, accepted=report.accepted, ask=ask)
        checked = replace(checked, result=joined([*opinions, answer], answer.content)) if opinions else checked
        if report.checks.policy != "repair" or not faults(checked.verdict):
            return checked
        again = mending(rendered.prompt, answer.content, repair_message(checked.verdict))
        try:
            second = self.completer.one(ModelCall(report.spec.name, again, report.asked))
        except TrainerError as error:
            self.on_warning(f"{report.spec.name}: the repair failed: {error.message}")
            if (costly := paid_answer(error)) is None:
                return checked
            return replace(checked, result=joined([costly, checked.result], checked.result.content))
        item.step("repair", faults=len(faults(checked.verdict)), **completion_facts(second))
        mended = check(self.project, report.checks, rendered, second, accepted=report.accepted)
        better = mended if len(faults(mended.verdict)) < len(faults(checked.verdict)) else checked
        return replace(better, result=joined([*opinions, answer, second], better.result.content))

    def _asker(self, report: ReportInput, item: Item, opinions: list[CompletionResult]) -> Callable[[str], str]:
        """Puts a question to the report's own model; what it answered is recorded and added to `opinions`."""

        def ask(question: str) -> str:
            try:
                prompt = Prompt("-", "", question, body=question)
                result = self.completer.one(ModelCall(report.spec.name, prompt, report.asked))
            except ProviderError as error:
                opinions.extend(filter(None, [paid_answer(error)]))
                raise
            item.step("opinion", **completion_facts(result))
            opinions.append(result)
            return result.content

        return ask

    def _built(
        self, report: ReportInput, provenance: Provenance, checked: CheckedAnswer, changed: tuple[str, ...]
    ) -> ReportOutcome:
        from trainer.checks import faults

        result = checked.result
        problems = (*faults(checked.verdict), *faults(Verdict(checked.screened.findings)))
        return ReportOutcome(
            name=report.spec.name,
            status="built",
            title=report.title,
            reasons=self.plans[report.spec.name].reasons,
            changed=changed,
            outputs=tuple(item.path for item in provenance.outputs),
            date=provenance.date,
            sources=provenance.sources(),
            provider=result.provider,
            model=result.model,
            origin=result.origin,
            tokens_in=result.tokens_in,
            tokens_out=result.tokens_out,
            cost=result.paid,
            quality=checked.verdict.scores.get("quality"),
            findings=len(problems),
            faults=problems,
            seconds=self.items[report.spec.name].seconds,
        )

    def _fail(self, report: ReportInput, error: Exception, result: CompletionResult | None = None) -> None:
        """End a report that was not built; `result` is what its model answered and was paid for all the same."""
        outcome = outcome_of_error(report.spec.name, report.title, fault_of(error))
        if result is not None:
            outcome = replace(
                outcome,
                provider=result.provider,
                model=result.model,
                origin=result.origin,
                tokens_in=result.tokens_in,
                tokens_out=result.tokens_out,
                cost=result.paid,
            )
        self._end(replace(outcome, seconds=self.items[report.spec.name].seconds), None)

    def _end(self, outcome: ReportOutcome, rendered: Rendered | None, request: str | None = None) -> None:
        version = keep_prompt(self.project, rendered.prompt) if rendered else None
        self.outcomes[outcome.name] = outcome
        self.items[outcome.name].end(_results(outcome, version, request))
        self.on_event(outcome)


def _decision(report: ReportInput) -> dict[str, Any]:
    """What a record says of the choice among candidates."""
    return report.decision.fields() if report.decision else {}


def _results(outcome: ReportOutcome, version: str | None, request: str | None) -> dict[str, object]:
    """What the report's execution ends with."""
    return {
        **failure(outcome.error),
        "inputs": {"prompt": version, "request": request, "data": list(outcome.sources)},
        "outputs": list(outcome.outputs),
        "provider": outcome.provider,
        "model": outcome.model,
        "origin": outcome.origin,
        "tokens_in": outcome.tokens_in,
        "tokens_out": outcome.tokens_out,
        "cost": outcome.cost,
        "quality": outcome.quality,
        "findings": outcome.findings,
    }
