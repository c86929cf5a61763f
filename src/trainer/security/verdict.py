"""What the room says of a text: safe or not, how risky, why, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from trainer.core.digest import pick
from trainer.core.values import Finding, ValidationResult

Level = Literal["strict", "moderate", "permissive"]

THRESHOLDS: dict[Level, float] = {"strict": 0.4, "moderate": 0.6, "permissive": 0.85}
"""The risk from which a text is unsafe."""


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """What a screen says of a text."""

    is_safe: bool
    confidence: float
    """How sure the verdict is, from 0.5 (a toss-up) to 1."""
    flags: list[str]
    """The kinds of what was found, sorted: `injection.override`, `secret.github_token` …"""
    risk_score: float
    """From 0 to 1."""
    recommendations: list[str]
    """What to do about it, one sentence a flag."""
    findings: tuple[Finding, ...] = ()
    """Each thing found, with its part, line and column."""

    def as_json(self) -> dict[str, object]:
        """What scripts read of it, `findings` apart: those are for SARIF and for people."""
        return pick(self, "is_safe", "risk_score", "confidence", "flags", "recommendations")


class ValidatedInput(dict[str, Any]):
    """The sanitised input of `SecurityModule.validate`: a mapping that also says whether it may be used."""

    def __init__(self, result: ValidationResult) -> None:
        super().__init__(result.sanitized_input)
        self.is_safe = result.is_valid
        self.is_valid = result.is_valid
        self.errors = result.errors
        self.warnings = result.warnings
