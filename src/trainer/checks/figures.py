"""Every figure of a text with its verdict against data and contexts."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.checks.datums import read_data
from trainer.checks.figure import UNVERIFIED, Figure, FigureReport
from trainer.checks.judge import Judge
from trainer.core.values import Context, DataBlock, Prompt, Verdict


def check_figures(
    text: str,
    *,
    data: Sequence[DataBlock] = (),
    contexts: Sequence[Context] = (),
    language: str = "en",
    foreign: Sequence[str] = (),
) -> FigureReport:
    """Every figure in a Markdown text with its verdict against the data and contexts.

    `foreign` are names that the data is not about: a figure said of one of them is not supported by it.
    """
    judge = Judge(read_data(data), contexts, language, foreign)
    figures = judge.figures(text)
    return FigureReport(figures, _scores(figures))


def prompt_figures(text: str, *, prompt: Prompt, foreign: Sequence[str] = ()) -> FigureReport:
    """Every figure of an answer with its verdict against all that its prompt held, the instruction included."""
    given = (*prompt.contexts, Context(prompt.instruction, prompt.title, prompt.body, ""))
    return check_figures(text, data=prompt.data, contexts=given, language=prompt.output.language, foreign=foreign)


def verify_figures(text: str, *, prompt: Prompt, foreign: Sequence[str] = ()) -> Verdict:
    """The figures check of an answer: contradicted figures are errors, unsupported ones warnings."""
    report = prompt_figures(text, prompt=prompt, foreign=foreign)
    return Verdict(tuple(figure.finding() for figure in report.unverified), report.scores)


def _scores(figures: Sequence[Figure]) -> dict[str, float]:
    if not figures:
        return {"figures": 1.0}
    good = sum(figure.verdict not in UNVERIFIED for figure in figures)
    return {"figures": round(good / len(figures), 4)}
