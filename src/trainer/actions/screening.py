"""What a project's security policy says of prompts, of answers and of files; every command asks here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import Problem, RefusedError
from trainer.core.project import Project
from trainer.core.secrets import mask_known, mask_secrets
from trainer.core.values import Finding, Prompt
from trainer.security import ANSWER, DetectionResult, PolicyRule, ScreenPolicy, judge_answer


@dataclass(frozen=True, slots=True)
class ScreenedAnswer:
    """An answer without its secrets, and what the screen says of it."""

    text: str
    findings: tuple[Finding, ...] = ()
    refused: tuple[Finding, ...] = ()
    """Those for which the policy refuses it."""


def screen_policy(project: Project, *, clock: Clock = system_clock) -> ScreenPolicy:
    """The policy that `prompt_security` writes down, with the rules that hold today."""
    section = project.settings.prompt_security
    today = clock().date()
    rules = [
        PolicyRule(tuple(rule.flags), rule.then, rule.reason, tuple(rule.sources), tuple(rule.instructions), rule.until)
        for rule in section.rules
    ]
    return ScreenPolicy(
        level=section.chosen_level,
        allow=tuple(section.allow),
        block=tuple(section.block),
        classify=section.enable_ml_detection,
        rules=tuple(rule for rule in rules if rule.until is None or rule.until >= today),
        ended=tuple(rule for rule in rules if rule.until is not None and rule.until < today),
        hosts=tuple(section.allowed_hosts),
    )


def screened(project: Project, prompt: Prompt) -> DetectionResult | None:
    """What the screen says of a prompt's untrusted parts; None where the settings switch it off."""
    if not project.settings.prompt_security.enabled:
        return None
    from trainer.security import screen_prompt  # hundreds of patterns, where nothing is remembered of the prompt

    policy = screen_policy(project)
    return screen_prompt(
        prompt,
        level=policy.level,
        allow=policy.allow,
        block=policy.block,
        classify=policy.classify,
        rules=policy.rules,
    )


def ended_rules(project: Project, screening: DetectionResult | None) -> list[str]:
    """A warning for each rule that ended and would have decided on something that was found."""
    flags = screening.flags if screening else []
    return [
        f"the rule on {', '.join(rule.flags)} ended on {rule.until} ({rule.reason})"
        for rule in screen_policy(project).ended
        if any(rule.covers(flag, rule.sources, rule.instructions[0] if rule.instructions else "") for flag in flags)
    ]


def screen_answer(project: Project, prompt: Prompt, text: str) -> ScreenedAnswer:
    """The answer without its secrets, screened; as it is where the settings switch the screen off."""
    if not project.settings.prompt_security.enabled:
        return ScreenedAnswer(text)
    from trainer.security import mask_completion, screen_completion  # as above

    policy = screen_policy(project)
    findings, refused = judge_answer(
        screen_completion(text, prompt=prompt, allowed_hosts=policy.hosts).findings,
        policy,
        instruction=prompt.instruction,
    )
    has_secret = any(finding.kind.startswith("secret.") for finding in findings)
    return ScreenedAnswer(mask_completion(text) if has_secret else text, findings, refused)


def masked_report(project: Project, text: str, *, instruction: str) -> str:
    """A composed report without secrets, those in its title, sources and appendix too, unless a rule lets them pass."""
    policy = screen_policy(project)
    passed = [
        rule for rule in policy.rules if rule.then == "pass" and rule.covers("secret.any", (ANSWER,), instruction)
    ]
    return mask_known(text) if passed or not project.settings.prompt_security.enabled else mask_secrets(text)


class MaskedStream:
    """Gives an answer on as it comes, without its secrets: a piece waits until it is plain that it ends none."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._rest = ""

    def take(self, piece: str) -> None:
        """Take a piece, and give on what can be: whole words, whole lines where one may name a secret, whole keys."""
        self._rest += piece
        if "-----BEGIN" in self._rest and "-----END" not in self._rest:
            return
        line = self._rest.rfind("\n") + 1
        opens_secret = any(word in self._rest[line:].lower() for word in _SECRET_WORDS)
        end = line if opens_secret else max(line, self._rest.rfind(" ") + 1)
        if end:
            ready, self._rest = self._rest[:end], self._rest[end:]
            self._on_text(mask_secrets(ready))

    def end(self) -> None:
        """Give on what waits: nothing follows."""
        rest, self._rest = self._rest, ""
        if rest:
            self._on_text(mask_secrets(rest))


_SECRET_WORDS = ("key", "secret", "token", "passw", "pwd", "bearer", "authorization")


def require_harmless(name: str, answer: ScreenedAnswer, *, rest: str = "") -> None:
    """Raise RefusedError where the policy refuses the answer; `rest` says what becomes of what is there."""
    if answer.refused:
        raise RefusedError(
            f"{name}: the answer was refused by the security policy{rest}",
            problems=[
                Problem(
                    f"{name}: the answer was refused by the security policy{rest}",
                    hint="look at what was found; decide on a flag with prompt_security.rules",
                ),
                *(
                    Problem(f"{finding.kind}: {finding.message}", finding.where, finding.hint or None)
                    for finding in answer.refused
                ),
            ],
        )
