"""Every figure of a text with its verdict against data and contexts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from trainer.checks.dates import check_dates
from trainer.checks.evidence import Assessment, exact
from trainer.checks.figure import UNVERIFIED, Figure, FigureReport, Unread
from trainer.checks.predicate import Predicate
from trainer.checks.predicates import check_predicates
from trainer.checks.quantities import Quantity
from trainer.checks.text import Material, read_text
from trainer.core.values import Context, DataBlock, Prompt, Verdict


def check_figures(
    text: str,
    *,
    data: Sequence[DataBlock] = (),
    contexts: Sequence[Context] = (),
    language: str | None = None,
    foreign: Sequence[str] = (),
) -> FigureReport:
    """Every figure in a Markdown text with its verdict against the data and contexts.

    `foreign` are names that the data is not about: a figure said of one of them is not supported by it.
    """
    return _check(text, Material(tuple(data), tuple(contexts)), language, tuple(foreign))


@lru_cache(maxsize=16)  # the verdict of a report and its marks ask for the same
def _check(text: str, material: Material, language: str | None, foreign: tuple[str, ...]) -> FigureReport:
    checked = read_text(text, material=material, language=language)
    strangers = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, foreign))})(?!\w)") if foreign else None
    figures = [
        _figure(_of_stranger(reading, strangers))
        for reading in checked.readings
        if not (reading.claim.numeral.soft and reading.candidate is None)
    ]
    figures += check_dates(
        checked.parsed.claims, view=checked.parsed.view, blocks=material.blocks, contexts=material.contexts
    )
    figures += [_said(predicate) for predicate in check_predicates(checked.evidence, checked.parsed.claims.sentences)]
    figures.sort(key=lambda figure: (figure.line, figure.column, figure.kind))
    unread = tuple(Unread(*item) for item in checked.parsed.claims.unread)
    return FigureReport(tuple(figures), _scores(figures), unread)


def _of_stranger(reading: Assessment, strangers: re.Pattern[str] | None) -> Assessment:
    """The reading, unsupported where the figure is said of a name that the data is not about."""
    claim = reading.claim
    if strangers is None or claim.members or not (match := strangers.search(claim.head or claim.sentence)):
        return reading
    return Assessment(claim, "unsupported", None, f"nothing given is about {match[0]}")


def _figure(reading: Assessment) -> Figure:
    claim, candidate = reading.claim, reading.candidate
    numeral = claim.numeral
    inputs = candidate.inputs if candidate else ()
    formula = candidate.formula if candidate and candidate.operation not in ("direct", "context") else ""
    if formula and candidate:
        formula = (
            formula.replace("{n}", f"{len(inputs)} {inputs[0].title}").replace("sum", "sum of all")
            if "{n}" in formula
            else formula
        )
        for number, item in enumerate(inputs[:4]):
            formula = formula.replace(f"{{{number}}}", item.named())
    time = candidate.later or (inputs[0].time if inputs else None) if candidate else None
    return Figure(
        claim.line,
        claim.column,
        numeral.text,
        numeral.kind,
        numeral.value,
        numeral.unit,
        reading.verdict,
        "; ".join(dict.fromkeys(item.source for item in inputs[:4])),
        formula,
        reading.message,
        time.label if time else "",
        exact(candidate.value) if candidate else "",
        claim.is_chart,
        _measure(inputs),
        candidate.operation if candidate else "",
    )


def _measure(inputs: Sequence[Quantity]) -> str:
    """The measures of some inputs, with the members that all are of."""
    if not inputs:
        return ""
    titles = list(dict.fromkeys(item.title for item in inputs[:3]))
    members = [name for _, name in inputs[0].members if all((_, name) in item.members for item in inputs)]
    return " / ".join(titles) + (f" ({', '.join(members)})" if members else "")


def _said(predicate: Predicate) -> Figure:
    support = "; ".join(dict.fromkeys(item.source for item in predicate.inputs[:2] if item.source))
    return Figure(
        predicate.line,
        predicate.column,
        predicate.text,
        predicate.kind,
        0.0,
        "",
        "derived" if predicate.holds else "contradicted",
        support,
        message=predicate.message,
    )


def prompt_figures(text: str, *, prompt: Prompt, foreign: Sequence[str] = ()) -> FigureReport:
    """Every figure of an answer with its verdict against all that its prompt held, the instruction included."""
    contexts = (*prompt.contexts, Context(prompt.instruction, prompt.title, prompt.body, ""))
    return check_figures(text, data=prompt.data, contexts=contexts, language=prompt.output.language, foreign=foreign)


def verify_figures(text: str, *, prompt: Prompt, foreign: Sequence[str] = ()) -> Verdict:
    """The figures check of an answer: contradicted figures are errors, unsupported ones warnings."""
    report = prompt_figures(text, prompt=prompt, foreign=foreign)
    return Verdict(tuple(figure.finding() for figure in report.unverified), report.scores)


def _scores(figures: Sequence[Figure]) -> dict[str, float]:
    if not figures:
        return {"figures": 1.0}
    good = sum(figure.verdict not in UNVERIFIED for figure in figures)
    return {"figures": round(good / len(figures), 4)}
