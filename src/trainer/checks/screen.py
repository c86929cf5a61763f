"""One verdict over an answer: every check in turn, built in or from another package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trainer.core.registry import Adapter, Registry
from trainer.core.values import Finding, Prompt, Verdict

CHECKS = Registry(
    "checks",
    {
        "structure": Adapter("trainer.checks.structure:check_structure"),
    },
)
"""A check is one function and one line here, or an entry point of group `trainer.checks` in another package."""

DEFAULT = ("structure",)
"""The checks that run unless others are named, in this order."""


class Check(Protocol):
    """What a check is: a function of the answer and the prompt it answers.

    It names what is wrong as findings, by line and column of the answer, and may score it from 0 to 1.
    An `error` is a fault no reader should meet, a `warning` something unverified or untidy, a `note` only information.
    """

    def __call__(self, text: str, *, prompt: Prompt) -> Verdict:
        """What the check says of the text; it never raises for a bad text."""
        ...


def check_completion(text: str, *, prompt: Prompt, checks: Sequence[str] = DEFAULT) -> Verdict:
    """All that the named checks find in an answer; raises UsageError for a check that is not known."""
    verdicts = [run(text, prompt=prompt) for run in [CHECKS.load(name) for name in checks]]
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    scores: dict[str, float] = {}
    for verdict in verdicts:
        scores.update(verdict.scores)
    return Verdict(tuple(sorted(findings, key=_order)), scores)


def faults(verdict: Verdict) -> tuple[Finding, ...]:
    """The findings that the policies `repair` and `block` act on: errors and warnings, not notes."""
    return tuple(finding for finding in verdict.findings if finding.severity != "note")


def _order(finding: Finding) -> tuple[int, int, str, str]:
    place = finding.where
    return (place.line or 0 if place else 0, place.column or 0 if place else 0, finding.kind, finding.message)
