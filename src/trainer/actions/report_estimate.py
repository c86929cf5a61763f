"""What a build would cost: tokens and price of what is stale, report by report, as a range."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from trainer.actions.checked_answer import check
from trainer.actions.completion import ModelCall, extract, mending, step_prompt
from trainer.actions.data import load_documents
from trainer.actions.model import (
    PricedCall,
    calls_of,
    drafted,
    make_cache,
    price_at_least,
    price_at_most,
    schema_tokens,
    second_tries,
)
from trainer.actions.prompt import Rendered, render_prepared
from trainer.actions.report_inputs import ReportInput, all_requests
from trainer.actions.report_outcome import BuildOptions
from trainer.actions.report_plan import plan_reports
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import ProviderError, TrainerError
from trainer.core.project import Project
from trainer.core.values import CompletionResult, Prompt
from trainer.prompts import answer_steps, count_tokens, fill_step, waves
from trainer.providers import CompletionCache, Request, structured
from trainer.reports import Provenance

_WIDEST = 3.0
"""The expected range is no wider: from 1/√3 to √3 of what such a report cost before."""
_REPAIR_TOKENS = 4000
"""Tokens of the message that shows a model what is wrong: thirty faults at most, rarely over a hundred tokens each."""
_OPINION_TOKENS = 300
"""Tokens of the question for a second opinion, without the prompt and the answer that it holds."""
_NUMBERED = 3
"""Tokens of an answer whose lines are numbered, for each of its own; a short line is mostly its number."""


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
    """The least, in US dollars: the prompts alone; None where the price is not known."""
    expected: tuple[float, float] | None = None
    """Where such a report was built by this model before: what it cost then, with room for longer and shorter answers.
    It is within the range from `cost` to `cost_at_most`, and no more than three times as high as low."""
    cost_at_most: float | None = 0.0
    """The most: the longest answers of all models in the chain, a repair and an opinion where they may be asked for."""
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
    former = [provenance for provenance in planned.committed.values() if provenance is not None]
    documents = [document for provenance in former for document in provenance.documents()]
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
            estimates.append(_estimate(project, report, rendered, former))
        except TrainerError as error:
            estimates.append(ReportEstimate(report.spec.name, error=error))
    return estimates


def expected_in_all(estimates: Sequence[ReportEstimate]) -> tuple[float, float] | None:
    """The sum of the expected ranges; None where one of them is not known."""
    ranges = [estimate.expected for estimate in estimates if estimate.expected is not None]
    if len(ranges) < len(estimates):
        return None
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def _estimate(
    project: Project, report: ReportInput, rendered: Rendered, former: Sequence[Provenance]
) -> ReportEstimate:
    choice, tokens = report.choice, rendered.tokens["total"]
    pricing = _Pricing(project, make_cache(project))
    answer = pricing.answer(ModelCall(report.spec.name, rendered.prompt, choice))
    cached = not pricing.calls
    if answer is not None:
        pricing.follow(report, rendered, answer)
    else:
        pricing.foresee(report, rendered)
    least, most = price_at_least(choice, pricing.calls), price_at_most(choice, pricing.calls)
    calls = calls_of(choice, rendered.prompt)
    expected = _expected(report, rendered, former, least, most)
    return ReportEstimate(report.spec.name, choice.provider, choice.model, calls, tokens, cached, least, expected, most)


@dataclass(slots=True)
class _Pricing:
    """Goes the way of a build on kept answers alone; from the first that is missing on, calls are foreseen."""

    project: Project
    cache: CompletionCache
    calls: list[PricedCall] = field(default_factory=list)
    """What is not kept and has to be paid."""

    def answer(self, call: ModelCall) -> CompletionResult | None:
        """The answer to a prompt, where all of it is kept."""
        steps = call.prompt.steps
        if calls_of(call.choice, call.prompt) == 1:
            return self.send(call.request)
        answers: dict[str, CompletionResult] = {}
        for wave in waves(steps):
            for step in wave:
                text = fill_step(step, {name: answers[name].content if name in answers else "" for name in step.uses})
                unknown = [name for name in step.uses if name not in answers]
                if unknown:
                    self.calls.append(PricedCall(count_tokens(text), answers=len(unknown)))
                elif result := self.send(replace(call, prompt=step_prompt(call.prompt, text)).request):
                    answers[step.name] = result
        if len(answers) < len(steps):
            return None

        async def cached(texts: Sequence[str]) -> Sequence[str]:
            requests = [replace(call, prompt=step_prompt(call.prompt, text)).request for text in texts]
            return [result.content for request in requests if (result := self.cache.get(request.key))]

        return replace(answers[steps[-1].name], content=asyncio.run(answer_steps(steps, cached)))

    def follow(self, report: ReportInput, rendered: Rendered, answer: CompletionResult) -> None:
        """What is asked after an answer that is known: whether it is faulty, its checks say now as well as then."""
        from trainer.checks import faults, opinion_question, repair_message

        if not report.checks.opinion and report.checks.policy != "repair":
            return
        checked = check(self.project, report.checks, rendered, answer, accepted=report.accepted)
        if report.checks.opinion:
            question = opinion_question(checked.text, prompt=rendered.prompt)
            self.send(ModelCall("", Prompt("-", "", question, body=question), report.choice).request)
        if report.checks.policy == "repair" and faults(checked.verdict):
            again = mending(rendered.prompt, answer.content, repair_message(checked.verdict))
            self.send(ModelCall("", again, report.choice).request)

    def foresee(self, report: ReportInput, rendered: Rendered) -> None:
        """What may be asked after an answer that is not known yet."""
        prompt, tokens = rendered.prompt, rendered.tokens["total"]
        parts = sum(step.is_part for step in prompt.steps) or 1
        if report.checks.opinion:
            self.calls.append(PricedCall(tokens, more=_OPINION_TOKENS, answers=_NUMBERED * parts, is_certain=False))
        if report.checks.policy == "repair":
            more = _REPAIR_TOKENS + schema_tokens(prompt.output.schema)
            repair = PricedCall(tokens, more=more, answers=parts, is_certain=False)
            self.calls += [repair, *second_tries(prompt.output.schema, [repair])]

    def send(self, request: Request) -> CompletionResult | None:
        """The kept answer to a request; else its call is priced, with the one that a schema may add."""

        async def cached(sent: Request) -> CompletionResult:
            if (result := self.cache.get(sent.key)) is None:
                raise _NotKeptError(sent)
            return result

        async def answered() -> CompletionResult:
            return await (structured(request, extract, cached) if request.schema is not None else cached(request))

        try:
            return asyncio.run(answered())
        except _NotKeptError as error:
            call = PricedCall(count_tokens(error.request.text), more=schema_tokens(request.schema))
            again = second_tries(request.schema, [call]) if error.request == request else []
            self.calls += [call, *again]
        except ProviderError:
            pass  # both kept answers do not fit the schema: the build will say so, and pays nothing
        return None


class _NotKeptError(Exception):
    """A request has no kept answer."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


def _expected(
    report: ReportInput, rendered: Rendered, former: Sequence[Provenance], least: float | None, most: float | None
) -> tuple[float, float] | None:
    """The range by what the report cost before, or others of its instruction; None where none was built by the model.

    Where the least and the most are no further apart than that, they are the expected range.
    """
    if least is None or most is None:
        return None
    if most <= _WIDEST * least:
        return least, most
    alike = [
        provenance
        for provenance in former
        if provenance.prompt["instruction"] == rendered.prompt.instruction
        and provenance.completion["model_asked"] == report.choice.model
        and provenance.completion["tokens_in"]
    ]
    alike = [provenance for provenance in alike if provenance.report == report.spec.name] or alike
    price = report.choice.chain[0].price
    if not alike or price is None:
        return None
    costs = [
        price.cost(
            round(provenance.completion["tokens_in"] * rendered.tokens["total"] / provenance.prompt["tokens"]),
            provenance.completion["tokens_out"],
        )
        for provenance in alike
    ]
    usual, room = sum(costs) / len(costs), math.sqrt(_WIDEST)
    return min(max(usual / room, least), most), max(min(usual * room, most), least)
