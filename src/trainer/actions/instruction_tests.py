"""The assertions of an instruction, run over cases, with several models and earlier revisions side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from trainer.actions.answers import accepted
from trainer.actions.batch import Batch, render_rows
from trainer.actions.completion import ModelCall, paid_answer, written
from trainer.actions.model import ModelChoice, make_budget, total
from trainer.actions.prompt import Rendered
from trainer.actions.record import Recorder
from trainer.actions.run import STDIN, Run, RunOptions
from trainer.checks import failed_expectation, judge_question, judgement
from trainer.core.clock import Clock, system_clock
from trainer.core.digest import pick
from trainer.core.errors import ConfigError, TrainerError, UsageError
from trainer.core.project import Project
from trainer.core.values import CompletionResult, Expectation, Json
from trainer.mart import CHANCE, chance
from trainer.prompts import Instruction, fill_names
from trainer.providers import complete_many


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """One assertion, held against one answer."""

    expectation: Expectation
    """With the case's parameters filled in."""
    failure: str = ""
    """Why it does not hold; empty where it does."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: an answer and all assertions on it."""

    name: str
    params: Mapping[str, Json]
    assertions: tuple[AssertionResult, ...]
    error: str = ""
    """Why there is no answer; then no assertion holds."""
    cost: float | None = 0.0
    """US dollars paid now, for the judge too; None where a price is not known."""
    seconds: float = 0.0
    """Spent waiting for the model; 0 for an answer that was kept."""

    @property
    def passed(self) -> int:
        """Assertions that hold."""
        return sum(not one.failure for one in self.assertions)


@dataclass(frozen=True, slots=True)
class VariantResult:
    """All cases with one model and one revision of the instruction."""

    name: str
    cases: tuple[CaseResult, ...]

    @property
    def passed(self) -> int:
        """Assertions that hold."""
        return sum(case.passed for case in self.cases)

    @property
    def asserted(self) -> int:
        """Assertions in all."""
        return sum(len(case.assertions) for case in self.cases)

    @property
    def cost(self) -> float | None:
        """US dollars paid now; None where a price is not known."""
        return total(case.cost for case in self.cases)


@dataclass(frozen=True, slots=True)
class VariantComparison:
    """How a variant does against the first one, on the same cases."""

    variant: str
    against: str
    difference: float
    """Share of assertions that hold, less that of the first."""
    better: int
    """Cases in which more assertions hold; of a single case, assertions."""
    worse: int
    p: float
    """How probable so large a difference is by chance alone."""

    @property
    def is_chance(self) -> bool:
        """Whether it may be chance."""
        return self.p > CHANCE


@dataclass(frozen=True, slots=True)
class InstructionTest:
    """What `trainer run --test` found."""

    instruction: str
    variants: tuple[VariantResult, ...]
    execution: str
    """The identity of its record."""
    warnings: tuple[str, ...] = ()
    comparisons: tuple[VariantComparison, ...] = field(init=False)

    def __post_init__(self) -> None:
        first, *others = self.variants
        object.__setattr__(self, "comparisons", tuple(compare_variants(first, other) for other in others))

    @property
    def failures(self) -> dict[str, str]:
        """Why a case has no answer or an assertion does not hold, by variant, case and assertion."""
        failures: dict[str, str] = {}
        for variant in self.variants:
            for case in variant.cases:
                name = f"{variant.name}, {case.name}"
                if case.error:
                    failures[name] = case.error
                else:
                    failures |= {f"{name}, {one.expectation}": one.failure for one in case.assertions if one.failure}
        return failures

    @property
    def asserted(self) -> int:
        """Assertions in all."""
        return sum(variant.asserted for variant in self.variants)

    @property
    def passed(self) -> int:
        """Assertions that hold."""
        return sum(variant.passed for variant in self.variants)

    def as_json(self) -> dict[str, Any]:
        """The one JSON document of `trainer run --test --json`."""
        return {
            **pick(self, "instruction", "execution", "warnings"),
            "variants": [_variant_document(variant) for variant in self.variants],
            "comparisons": [
                {**pick(one, "variant", "against", "difference", "better", "worse", "p"), "chance": one.is_chance}
                for one in self.comparisons
            ],
        }


def run_assertions(
    project: Project,
    batch: Batch,
    options: RunOptions,
    *,
    models: Sequence[str] = (),
    revisions: Sequence[str] = (),
    on_case: Callable[[CaseResult], None] = lambda _: None,
    clock: Clock = system_clock,
) -> InstructionTest:
    """Every assertion of the instruction on the answer to every row, with each model and each revision.

    The assertions are those that stand now; a revision in git gives the rest of the instruction. A judge is the
    project's own model, whichever is tested.
    Raises UsageError where nothing is asserted, InstructionError with the problems of all rows before anything is sent.
    """
    if batch.name == STDIN:
        raise UsageError("--test needs an instruction; stdin declares no assertions")
    budget = make_budget(project, max_cost=options.max_cost, clock=clock)
    base = Run(project, options, budget=budget, clock=clock)
    instruction = base.instructions.load(batch.name)
    if not instruction.expect:
        hint = 'add "expect:" to its front matter, such as: expect: [{contains: "revenue"}]'
        raise UsageError("the instruction asserts nothing", where=instruction.where(), hint=hint)
    judge = _judge(base, instruction)
    variants: list[VariantResult] = []
    warnings: dict[str, None] = {}
    with Recorder(project, "test", context={"instruction": batch.name, "rows": len(batch.rows)}, clock=clock) as record:
        try:
            for revision in ("", *revisions):
                for model in models or ("",):
                    changes = {**options.changes, **({"model": model} if model else {})}
                    run = Run(project, replace(options, changes=changes), budget=budget, clock=clock)
                    if revision:
                        run.instructions.load_revision(batch.name, revision)
                    variant = _Variant(run, batch, instruction.expect, judge, on_case)
                    variants.append(variant.result(revision))
                    run.completer.record(record)
                    warnings |= dict.fromkeys(run.warnings)
        finally:
            if budget is not None:
                budget.close()
        test = InstructionTest(batch.name, tuple(variants), record.execution, tuple(warnings))
        record.note(passed=test.passed, asserted=test.asserted, cost=total(variant.cost for variant in variants))
    return test


def compare_variants(first: VariantResult, other: VariantResult) -> VariantComparison:
    """How another variant does against the first.

    Cases are what chance varies; where there is only one, its assertions are.
    """
    pairs = list(zip(first.cases, other.cases, strict=True))
    if len(pairs) > 1:
        differences = [after.passed - before.passed for before, after in pairs]
    else:
        ((before, after),) = pairs
        results = zip(before.assertions, after.assertions, strict=True)
        differences = [bool(old.failure) - bool(new.failure) for old, new in results]
    return VariantComparison(
        other.name,
        first.name,
        round((other.passed - first.passed) / first.asserted, 4),
        sum(difference > 0 for difference in differences),
        sum(difference < 0 for difference in differences),
        round(chance(differences), 4),
    )


def _judge(run: Run, instruction: Instruction) -> ModelChoice | None:
    """The model that answers questions of answers; None where none is asked."""
    if not any(one.kind == "judge" for one in instruction.expect):
        return None
    choice = run.choice(instruction.model, instruction.file)
    if choice.described and choice.described.writes_sections:
        hint = "name one in llm_provider, or leave the assertion out"
        raise ConfigError(f"a judge must be a model, and {choice.provider} is none", hint=hint)
    return choice


@dataclass(frozen=True, slots=True)
class _Variant:
    """All cases with one model and one revision of the instruction, while they run."""

    run: Run
    batch: Batch
    expectations: Sequence[Expectation]
    judge: ModelChoice | None
    on_case: Callable[[CaseResult], None]

    def result(self, revision: str) -> VariantResult:
        """All answers, as many at once as allowed, and what the assertions say of them."""
        rows = render_rows(self.run, self.batch)
        cases = [self._case(number, params) for number, params in enumerate(self.batch.rows, 1)]
        calls: dict[int, ModelCall] = {}
        starts = []
        for at, row in enumerate(rows):
            if isinstance(row, TrainerError):
                self._end(cases, at, _without_answer(cases[at], row))
                continue
            rendered, choice = row
            filled = [_filled(one, rendered.prompt.params) for one in self.expectations]
            cases[at] = replace(cases[at], assertions=tuple(map(AssertionResult, filled)))
            calls[at] = ModelCall(self.batch.name, rendered.prompt, choice)
            starts.append(partial(self._answer, cases, at, calls[at], rendered))
        outcomes = complete_many(starts, concurrency=self.run.completer.plan([*calls.values()]))
        for at, outcome in zip(calls, outcomes, strict=True):
            if isinstance(outcome, TrainerError):
                self._end(cases, at, _without_answer(cases[at], outcome))
        choice = self.run.choice(self.run.instructions.load(self.batch.name).model, self.batch.name)
        name = f"{choice.provider}/{choice.model}" if choice.model else choice.provider
        return VariantResult(f"{name} at {revision}" if revision else name, tuple(cases))

    def _case(self, number: int, params: Mapping[str, Json]) -> CaseResult:
        name = ", ".join([f"row {number}", *(f"{name}={value}" for name, value in params.items())])
        return CaseResult(name if params else "the prompt", params, tuple(map(AssertionResult, self.expectations)))

    def _end(self, cases: list[CaseResult], at: int, case: CaseResult) -> None:
        cases[at] = case
        self.on_case(case)

    async def _answer(self, cases: list[CaseResult], at: int, call: ModelCall, rendered: Rendered) -> CompletionResult:
        """The answer as `trainer run` gives it out, once all assertions were held against it."""
        completer = self.run.completer
        result, _ = await accepted(call, self.run.project, rendered, await completer.answer(call), completer)
        text, costs, results = written(result), [result.paid], []
        for assertion in cases[at].assertions:
            one = assertion.expectation
            if one.kind == "judge" and self.judge is not None:
                judged = await completer.answer(ModelCall(call.name, judge_question(str(one.value), text), self.judge))
                costs.append(judged.paid)
                failure = judgement(judged.metadata["json"])
            else:
                failure = await asyncio.to_thread(failed_expectation, one, text, prompt=rendered.prompt)
            results.append(replace(assertion, failure=failure))
        seconds = sum(attempt.seconds for attempt in result.attempts) if result.origin == "fresh" else 0.0
        self._end(cases, at, replace(cases[at], assertions=tuple(results), cost=total(costs), seconds=seconds))
        return result


def _without_answer(case: CaseResult, error: TrainerError) -> CaseResult:
    """The case without an answer."""
    costly = paid_answer(error)
    message = f"no answer: {error.message}"
    assertions = tuple(replace(one, failure=message) for one in case.assertions)
    return replace(case, assertions=assertions, error=error.message, cost=costly.paid if costly else 0.0)


def _filled(expectation: Expectation, params: Mapping[str, Json]) -> Expectation:
    """The assertion with the case's parameters in its text."""
    value = expectation.value
    return replace(expectation, value=fill_names(value, params)) if isinstance(value, str) else expectation


def _variant_document(variant: VariantResult) -> dict[str, Any]:
    return {
        **pick(variant, "name", "passed", "asserted", "cost"),
        "cases": [
            {
                **pick(case, "name", "params", "passed", "error", "cost", "seconds"),
                "assertions": [
                    {**pick(one.expectation, "kind", "value"), "passed": not one.failure, "failure": one.failure}
                    for one in case.assertions
                ],
            }
            for case in variant.cases
        ],
    }
