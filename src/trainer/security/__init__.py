"""Prompt/text -> verdict: cleaning and fencing of data, screening of prompts and completions, masking of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.faces import lazy_face
from trainer.core.secrets import SecretSpan, find_secrets, mask_secrets

if TYPE_CHECKING:
    from trainer.security.characters import strip_invisible
    from trainer.security.clean import clean_scalar, fence_block, fence_context
    from trainer.security.completion import screen_completion
    from trainer.security.detect import Part, screen, screen_parts, screen_prompt, untrusted_parts
    from trainer.security.escaping import escape
    from trainer.security.module import SecurityModule
    from trainer.security.verdict import DetectionResult, Level, ValidatedInput, ValidationResult

__all__ = [
    "DetectionResult",
    "Level",
    "Part",
    "SecretSpan",
    "SecurityModule",
    "ValidatedInput",
    "ValidationResult",
    "clean_scalar",
    "escape",
    "fence_block",
    "fence_context",
    "find_secrets",
    "mask_secrets",
    "screen",
    "screen_completion",
    "screen_parts",
    "screen_prompt",
    "strip_invisible",
    "untrusted_parts",
]

_MODULES = {
    "characters": ("strip_invisible",),
    "clean": ("clean_scalar", "fence_block", "fence_context"),
    "completion": ("screen_completion",),
    "detect": ("Part", "screen", "screen_parts", "screen_prompt", "untrusted_parts"),
    "escaping": ("escape",),
    "module": ("SecurityModule",),
    "verdict": ("DetectionResult", "Level", "ValidatedInput", "ValidationResult"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__getattr__ = lazy_face(__name__, _HOMES)
