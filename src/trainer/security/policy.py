"""What a project lets through, warns of or refuses, flag by flag: its rules, each with a reason and perhaps an end.

>>> rule = PolicyRule(("injection.*",), "warn", "letters speak to their reader", sources=("letters",))
>>> rule.covers("injection.addressed", ("data:mail", "letters"), "answer.md")
True
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Literal

from trainer.core.values import Finding
from trainer.security.verdict import Level

PolicyDecision = Literal["pass", "warn", "block"]

ANSWER = "answer"
"""What rules call what a model wrote, among their sources."""


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """What is decided on some flags, for some texts."""

    flags: tuple[str, ...]
    """Flags, `*` standing for any letters: `injection.*`, `output.image`."""
    then: PolicyDecision
    """`pass`: as if it were not there; `warn`: told, but no reason to refuse; `block`: reason enough to refuse."""
    reason: str
    sources: tuple[str, ...] = ()
    """Names of sources, `data:NAME`, `param:NAME`, paths of contexts or files, `answer`; all where it is empty."""
    instructions: tuple[str, ...] = ()
    """Paths of instructions; all where it is empty."""
    until: date | None = None
    """The last day on which it holds."""

    def covers(self, flag: str, names: Iterable[str], instruction: str) -> bool:
        """Whether it decides on a flag in a text that goes by `names`, in a prompt of `instruction`."""
        return (
            any(fnmatchcase(flag, pattern) for pattern in self.flags)
            and (not self.sources or any(fnmatchcase(name, pattern) for name in names for pattern in self.sources))
            and (not self.instructions or any(fnmatchcase(instruction, pattern) for pattern in self.instructions))
        )


@dataclass(frozen=True, slots=True)
class ScreenPolicy:
    """By what prompts, files and answers are judged."""

    level: Level = "moderate"
    allow: tuple[str, ...] = ()
    """Flags and phrases that are let through."""
    block: tuple[str, ...] = ()
    """Phrases that are always refused."""
    classify: bool = True
    """Whether the classifier is asked, not the rules alone."""
    rules: tuple[PolicyRule, ...] = ()
    """The first that covers a flag decides; those that ended are not among them."""
    ended: tuple[PolicyRule, ...] = ()
    """Those that held until lately, so that it can be told what they let through."""
    hosts: tuple[str, ...] = ()
    """Hosts that an answer's pictures and links may call."""


def first_rule(
    rules: Sequence[PolicyRule], flag: str, names: Iterable[str] = (), instruction: str = ""
) -> PolicyRule | None:
    """The rule that decides on a flag; None where none does."""
    names = tuple(names)
    return next((rule for rule in rules if rule.covers(flag, names, instruction)), None)


def judge_answer(
    findings: Iterable[Finding], policy: ScreenPolicy, *, instruction: str
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """What is told of an answer, and what of it is a reason to refuse it.

    Where no rule decides, level `strict` refuses every error, the others none: a secret is masked at every level, and
    what would be fetched is fetched by no page that is made here.
    """
    reported: list[Finding] = []
    refused: list[Finding] = []
    for finding in findings:
        rule = first_rule(policy.rules, finding.kind, (ANSWER,), instruction)
        if rule is not None and rule.then == "pass":
            continue
        if rule is not None:
            severity: Literal["error", "warning"] = "error" if rule.then == "block" else "warning"
            finding = replace(finding, severity=severity, hint=rule.reason)  # noqa: PLW2901
        reported.append(finding)
        if (rule is not None and rule.then == "block") or (
            rule is None and policy.level == "strict" and finding.severity == "error"
        ):
            refused.append(finding)
    return tuple(reported), tuple(refused)
