"""`trainer run --test`: the assertions of an instruction, over cases, models and revisions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.cli.progress import ProgressBar
from trainer.cli.session import Session
from trainer.cli.show import money, write_json, write_table, write_text
from trainer.core.errors import PartialError, TrainerError

if TYPE_CHECKING:
    from trainer.actions.batch import Batch
    from trainer.actions.instruction_tests import InstructionTest, VariantComparison
    from trainer.actions.run import RunOptions


def run_tests(
    session: Session,
    batch: Batch,
    options: RunOptions,
    *,
    models: Sequence[str],
    revisions: Sequence[str],
    junit: Path | None,
    as_json: bool,
) -> None:
    """Show what holds and what does not; ends with PartialError or TrainerError where an assertion does not hold."""
    from trainer.actions.instruction_tests import run_assertions
    from trainer.actions.junit import junit_xml
    from trainer.core.files import write_atomic

    with ProgressBar(session, "cases") as progress:
        progress.expect(len(batch.rows) * max(1, len(models)) * (1 + len(revisions)))
        test = run_assertions(
            session.project(),
            batch,
            options,
            models=models,
            revisions=revisions,
            on_case=lambda _: progress.step(),
        )
    if junit is not None:
        write_atomic(junit, junit_xml(test))
    if as_json:
        write_json(test)
    else:
        _show(test)
    for warning in test.warnings:
        session.say(f"warning: {warning}")
    if test.passed < test.asserted:
        message = f"{test.asserted - test.passed} of {test.asserted} assertions do not hold"
        hint = "answers are kept: a rerun pays only for prompts that changed"
        raise (PartialError if test.passed else TrainerError)(message, hint=hint)


def _show(test: InstructionTest) -> None:
    names = [variant.name for variant in test.variants]
    cases = zip(*(variant.cases for variant in test.variants), strict=True)
    rows: list[list[str]] = [
        [row[0].name, *(f"{case.passed} of {len(case.assertions)}" for case in row)] for row in cases
    ]
    rows.append(["all", *(f"{variant.passed} of {variant.asserted}" for variant in test.variants)])
    rows.append(["cost", *(money(variant.cost) for variant in test.variants)])
    write_table(["case", *names], rows)
    for name, failure in test.failures.items():
        write_text(f"failed: {name}: {failure}")
    items = "cases" if len(test.variants[0].cases) > 1 else "assertions"
    for comparison in test.comparisons:
        write_text(_compared(comparison, items))


def _compared(one: VariantComparison, items: str) -> str:
    counts = f"{one.better} {items} better, {one.worse} worse"
    if not one.difference:
        return f"{one.variant} is as good as {one.against}: {counts}"
    word = "better" if one.difference > 0 else "worse"
    doubt = "which may be chance" if one.is_chance else "which is hardly chance"
    points = abs(one.difference) * 100
    return f"{one.variant} is {word} than {one.against} by {points:.0f} points: {counts}, {doubt} (p = {one.p:.2g})"
