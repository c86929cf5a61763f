"""The room as one object: validate, sanitise, detect and escape under one policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trainer.core.values import Prompt, ValidationResult
from trainer.security.characters import strip_invisible
from trainer.security.clean import MAX_SCALAR, clean_scalar
from trainer.security.detect import screen, screen_prompt
from trainer.security.escaping import escape
from trainer.security.verdict import DetectionResult, Level, ValidatedInput


class SecurityModule:
    """A policy for what may enter a prompt.

    `max_length` is for one value; `strict_mode` chooses level `strict`, else `moderate`, unless `level` says more;
    without `enable_ml_detection` the rules alone decide.
    `allow` are flags or phrases let through, `block` phrases always refused; `on_event` is told of everything found.
    """

    def __init__(
        self,
        max_length: int = MAX_SCALAR,
        strict_mode: bool = True,
        enable_ml_detection: bool = True,
        *,
        level: Level | None = None,
        allow: Iterable[str] = (),
        block: Iterable[str] = (),
        on_event: Callable[[DetectionResult], None] | None = None,
    ) -> None:
        self.max_length = max_length
        self.enable_ml_detection = enable_ml_detection
        self.level: Level = level or ("strict" if strict_mode else "moderate")
        self.allow = tuple(allow)
        self.block = tuple(block)
        self._on_event = on_event

    def validate(self, user_input: Mapping[str, Any]) -> ValidatedInput:
        """The sanitised input, with `is_safe`, `errors` and `warnings` beside it."""
        checks = [self._check(name, value) for name, value in user_input.items()]
        errors = [message for check in checks for message in check.errors]
        warnings = [message for check in checks for message in check.warnings]
        return ValidatedInput(ValidationResult(not errors, errors, warnings, self.sanitize(user_input)))

    def sanitize(self, user_input: Mapping[str, Any]) -> dict[str, Any]:
        """The input with every text in it made one harmless line of at most `max_length` characters."""
        return {clean_scalar(str(name)): self._sanitize(value) for name, value in user_input.items()}

    def detect_injection(self, text: str) -> DetectionResult:
        """What the text attempts."""
        return self._told(
            screen(text, level=self.level, allow=self.allow, block=self.block, classify=self.enable_ml_detection)
        )

    def escape(self, text: str, context: str = "template") -> str:
        """The text as it may stand in a `template`, in `markdown`, `html`, `xml` or a `json` string."""
        return escape(text, context=context)

    def validate_prompt(self, prompt: str | Prompt) -> ValidationResult:
        """Whether a prompt may be sent: a text is screened whole, a Prompt in the parts its author did not write."""
        if isinstance(prompt, str):
            detection = self.detect_injection(prompt)
            sanitized = strip_invisible(prompt)
        else:
            detection = self._told(
                screen_prompt(
                    prompt, level=self.level, allow=self.allow, block=self.block, classify=self.enable_ml_detection
                )
            )
            sanitized = strip_invisible(prompt.text)
        messages = [f"{finding.where}: {finding.message}" for finding in detection.findings]
        errors, warnings = ([], messages) if detection.is_safe else (messages, [])
        return ValidationResult(detection.is_safe, errors, warnings, {"prompt": sanitized}, detection.findings)

    def _check(self, name: str, value: Any) -> ValidationResult:
        errors: list[str] = []
        warnings: list[str] = []
        for path, text in _texts(name, value):
            if len(text) > self.max_length:
                errors.append(f"{path}: {len(text)} characters, the most is {self.max_length}")
            detection = self._told(
                screen(
                    text,
                    level=self.level,
                    allow=self.allow,
                    block=self.block,
                    name=path,
                    classify=self.enable_ml_detection,
                )
            )
            (warnings if detection.is_safe else errors).extend(
                f"{path}: {finding.message}" for finding in detection.findings
            )
        if not _is_plain(value):
            errors.append(f"{name}: {type(value).__name__} is not a plain value")
        return ValidationResult(not errors, errors, warnings)

    def _sanitize(self, value: Any) -> Any:
        if isinstance(value, str):
            return clean_scalar(value, max_length=self.max_length)
        if isinstance(value, Mapping):
            return self.sanitize(value)
        if isinstance(value, list | tuple):
            return [self._sanitize(item) for item in value]
        return value if _is_plain(value) else clean_scalar(str(value), max_length=self.max_length)

    def _told(self, detection: DetectionResult) -> DetectionResult:
        if self._on_event and detection.flags:
            self._on_event(detection)
        return detection


def _texts(path: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, Mapping):
        return [pair for name, item in value.items() for pair in _texts(f"{path}.{name}", item)]
    if isinstance(value, list | tuple):
        return [pair for index, item in enumerate(value) for pair in _texts(f"{path}[{index}]", item)]
    return []


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | Mapping | list | tuple)
