"""What to tell a model about its answer so that one more call mends it."""

from __future__ import annotations

from trainer.checks.screen import faults
from trainer.core.values import Finding, Verdict

_MOST_FAULTS = 30
"""Shown to the model, so that what a repair costs at most can be told beforehand."""


def repair_message(verdict: Verdict) -> str:
    """The message that names every fault by place and cause; empty where there is nothing to mend."""
    wrong = faults(verdict)
    if not wrong:
        return ""
    lines = [
        "Your answer was compared with the data and contexts it was given. These things are wrong:",
        "",
        *(_line(number, finding) for number, finding in enumerate(wrong[:_MOST_FAULTS], 1)),
        *([f"... and {len(wrong) - _MOST_FAULTS} more of these kinds."] if len(wrong) > _MOST_FAULTS else []),
        "",
        "Write the whole answer again with exactly these things mended and everything else unchanged.",
        "Use only figures that stand in the data or contexts, or follow from them by plain arithmetic; "
        "leave out what they do not support. Do not mention this message.",
    ]
    return "\n".join(lines)


def _line(number: int, finding: Finding) -> str:
    place = f"line {finding.where.line}: " if finding.where and finding.where.line else ""
    shown = f" (written: {finding.text!r})" if finding.text and finding.text not in finding.message else ""
    hint = f" Do this: {finding.hint}." if finding.hint else ""
    support = f" Source: {finding.support}." if finding.support and finding.support not in finding.message else ""
    return f"{number}. {place}{finding.message}{shown}.{support}{hint}"
