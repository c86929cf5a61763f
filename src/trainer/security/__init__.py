"""Prompt/text -> verdict: cleaning and fencing of data, screening of prompts and completions, masking of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face
from trainer.core.secrets import SecretSpan, find_secrets, mask_secrets
from trainer.core.values import ValidationResult

if TYPE_CHECKING:
    from trainer.security.audit import Audit, AuditLog, Fault, Proof
    from trainer.security.characters import strip_invisible
    from trainer.security.clean import clean_scalar, fence_block, fence_context
    from trainer.security.completion import mask_completion, screen_completion
    from trainer.security.detect import Part, screen, screen_parts, screen_prompt, untrusted_parts
    from trainer.security.escaping import escape
    from trainer.security.module import SecurityModule
    from trainer.security.pii import (
        PersonalSpan,
        Treatment,
        find_personal,
        restore_personal,
        treat_personal,
        treat_personal_json,
    )
    from trainer.security.policy import ANSWER, PolicyRule, ScreenPolicy, first_rule, judge_answer
    from trainer.security.verdict import THRESHOLDS, DetectionResult, Level, ValidatedInput

__all__ = [
    "ANSWER",
    "THRESHOLDS",
    "Audit",
    "AuditLog",
    "DetectionResult",
    "Fault",
    "Level",
    "Part",
    "PersonalSpan",
    "PolicyRule",
    "Proof",
    "ScreenPolicy",
    "SecretSpan",
    "SecurityModule",
    "Treatment",
    "ValidatedInput",
    "ValidationResult",
    "clean_scalar",
    "escape",
    "fence_block",
    "fence_context",
    "find_personal",
    "find_secrets",
    "first_rule",
    "judge_answer",
    "mask_completion",
    "mask_secrets",
    "restore_personal",
    "screen",
    "screen_completion",
    "screen_parts",
    "screen_prompt",
    "strip_invisible",
    "treat_personal",
    "treat_personal_json",
    "untrusted_parts",
]

__getattr__ = face(
    __name__,
    {
        "audit": "Audit AuditLog Fault Proof",
        "characters": "strip_invisible",
        "clean": "clean_scalar fence_block fence_context",
        "completion": "mask_completion screen_completion",
        "detect": "Part screen screen_parts screen_prompt untrusted_parts",
        "escaping": "escape",
        "module": "SecurityModule",
        "pii": "PersonalSpan Treatment find_personal restore_personal treat_personal treat_personal_json",
        "policy": "ANSWER PolicyRule ScreenPolicy first_rule judge_answer",
        "verdict": "THRESHOLDS DetectionResult Level ValidatedInput",
    },
)
