"""What a build would cost: tokens and price of what is stale, report by report, as a range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from trainer.actions.completion import Call
from trainer.actions.data import load_documents
from trainer.actions.model import calls_of, drafted, make_cache, price_of
from trainer.actions.prompt import Rendered, render_prepared
from trainer.actions.report import plan_reports
from trainer.actions.report_inputs import ReportInput, all_requests
from trainer.actions.report_outcome import BuildOptions
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import TrainerError
from trainer.core.project import Project

_REPAIR_WORDS = 1000
"""Tokens of the message that shows a model what is wrong; it lists faults by line, rarely more than twenty."""


@dataclass(frozen=True, slots=True)
class ReportEstimate:
    """What one report would take."""

    name: str
    provider: str = ""
    model: str = ""
    calls: int = 0
    """Calls of the model, without those that a repair, an opinion or a retry adds."""
    tokens: int = 0
    """Of the prompt."""
    cached: bool = False
    """Whether the answer is kept already, so that nothing is sent for it."""
    cost: float | None = 0.0
    """The least, in US dollars: the prompt alone; None where the price is not known."""
    cost_at_most: float | None = 0.0
    """The most: the longest answers, a repair and an opinion where they may be asked for."""
    error: TrainerError | None = None
    """Why it cannot be built as things stand."""


def estimate_reports(
    project: Project, names: list[str], options: BuildOptions, *, clock: Clock = system_clock
) -> list[ReportEstimate]:
    """The estimates of the reports that a build with these options would make; nothing is fetched, sent or written."""
    planned = plan_reports(project, names, options, clock=clock)
    due = [report for report in planned.inputs if planned.plans[report.spec.name].stale or options.force]
    if options.offline:
        due = [replace(report, choice=drafted(report.choice)) for report in due]
    documents = [document for each in planned.committed.values() if each is not None for document in each.documents()]
    loaded = load_documents(
        project, all_requests(due), sources=planned.sources, clock=clock, offline=True, committed=documents
    )
    estimates = [ReportEstimate(name, error=error) for name, error in planned.errors.items()]
    for report in due:
        missing = [request.key for request in report.prepared.requests.values() if request.key in loaded.errors]
        try:
            for key in missing:
                raise loaded.errors[key]
            rendered = render_prepared(project, report.prepared, loaded.documents, choice=report.choice)
            estimates.append(_estimate(project, report, rendered))
        except TrainerError as error:
            estimates.append(ReportEstimate(report.spec.name, error=error))
    return estimates


def total(costs: Iterable[float | None]) -> float | None:
    """The sum; None where one of them is not known."""
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)


def _estimate(project: Project, report: ReportInput, rendered: Rendered) -> ReportEstimate:
    choice, prompt, tokens = report.choice, rendered.prompt, rendered.tokens["total"]
    cost, most = price_of(choice, prompt, tokens)
    calls = calls_of(choice, prompt)
    cached = calls == 1 and make_cache(project).get(Call("", prompt, choice).request.key) is not None
    if cached:
        cost, most = 0.0, 0.0
    extra = [report.checks.policy == "repair" and not _writes_sections(report), report.checks.opinion]
    whole = replace(prompt, steps=())
    longest = choice.section.max_tokens or (rendered.tokens["total"])
    for _ in filter(None, extra):
        _, again = price_of(choice, whole, 2 * tokens + longest + _REPAIR_WORDS)
        most = total([most, again])
    return ReportEstimate(report.spec.name, choice.provider, choice.model, calls, tokens, cached, cost, most)


def _writes_sections(report: ReportInput) -> bool:
    described = report.choice.described
    return bool(described and described.writes_sections)
