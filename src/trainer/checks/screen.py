"""One verdict over an answer: every check in turn, built in or from another package."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

from trainer.core.errors import UsageError
from trainer.core.registry import Adapter, Registry
from trainer.core.values import Finding, Prompt, Verdict

CHECKS = Registry(
    "checks",
    {
        "structure": Adapter("trainer.checks.structure:check_structure"),
        "figures": Adapter("trainer.checks.figures:verify_figures"),
        "citations": Adapter("trainer.checks.citations:check_citations"),
        "consistency": Adapter("trainer.checks.consistency:check_consistency"),
        "entities": Adapter("trainer.checks.entities:check_entities"),
        "opinion": Adapter("trainer.checks.opinion:second_opinion"),
    },
)
"""A check is one function and one line here, or an entry point of group `trainer.checks` in another package."""

DEFAULT = ("structure", "figures", "citations", "consistency", "entities")
"""The checks that run unless others are named, in this order."""

_MARKDOWN = re.compile(r"^(?:#{1,6} |\||[-*] |\*\*)", re.MULTILINE)
_NAMING = frozenset({"figures", "entities"})

WEIGHTS = {"figures": 0.5, "structure": 0.2, "citations": 0.1, "consistency": 0.1, "entities": 0.1}
"""What each score counts in `quality`, in proportion, among those that were given."""


class Check(Protocol):
    """What a check is: a function of the answer and the prompt it answers.

    It names what is wrong as findings, by line and column of the answer, and may score it from 0 to 1.
    An `error` is a fault no reader should meet, a `warning` something unverified or untidy, a `note` only information.
    """

    def __call__(self, text: str, *, prompt: Prompt) -> Verdict:
        """What the check says of the text; it never raises for a bad text."""
        ...


def check_completion(
    text: str,
    *,
    prompt: Prompt,
    checks: Sequence[str] | None = None,
    foreign: Sequence[str] = (),
    ask: Callable[[str], str] | None = None,
) -> Verdict:
    """All that the named checks find in an answer, and its `quality`; raises UsageError for an unknown check.

    Without `checks`, those of DEFAULT run, then those that other packages bring.

    `foreign` are the names that other reports of the project are about: none of them may stand in this one unnamed
    by its data.
    `ask` sends a question to a model; only the check `opinion`, which runs where it is named, needs it.
    A JSON answer is held against its schema alone; one that was made into Markdown for a report is read as Markdown.
    """
    checks = (*DEFAULT, *brought()) if checks is None else checks
    more = _more(checks, foreign, ask)
    if prompt.output.schema is not None and _MARKDOWN.search(text) and text.lstrip()[:1] not in ("{", "["):
        prompt = replace(prompt, output=replace(prompt.output, schema=None, sections=()))
    elif prompt.output.schema is not None and "structure" in checks:
        checks = tuple(name for name in checks if name in ("structure", "opinion"))
    runs = [(name, CHECKS.load(name)) for name in checks]
    verdicts: list[Verdict] = [run(text, prompt=prompt, **more.get(name, {})) for name, run in runs]
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    scores = {name: score for verdict in verdicts for name, score in verdict.scores.items()}
    return Verdict(tuple(sorted(findings, key=_order)), {**scores, "quality": quality(scores)})


def _more(checks: Sequence[str], foreign: Sequence[str], ask: Callable[[str], str] | None) -> dict[str, dict[str, Any]]:
    """What single checks are given besides the text and the prompt."""
    if "opinion" in checks and ask is None:
        raise UsageError(
            "the check opinion needs a model to ask", hint="leave it out, or give check_completion an `ask`"
        )
    return {**{name: {"foreign": foreign} for name in _NAMING}, "opinion": {"ask": ask}}


@lru_cache(maxsize=1)
def brought() -> tuple[str, ...]:
    """The names of the checks that other packages bring, sorted."""
    return tuple(name for name in CHECKS.names() if name not in CHECKS.table)


def quality(scores: Mapping[str, float]) -> float:
    """One score from 0 to 1: the weighted mean of the parts that were scored, 1 where none was."""
    parts = {name: scores[name] for name in WEIGHTS if name in scores}
    total = sum(WEIGHTS[name] for name in parts)
    return round(sum(WEIGHTS[name] * score for name, score in parts.items()) / total, 4) if total else 1.0


def faults(verdict: Verdict) -> tuple[Finding, ...]:
    """The findings that the policies `repair` and `block` act on: errors and warnings, not notes."""
    return tuple(finding for finding in verdict.findings if finding.severity != "note")


def _order(finding: Finding) -> tuple[int, int, str, str]:
    place = finding.where
    return (place.line or 0 if place else 0, place.column or 0 if place else 0, finding.kind, finding.message)
