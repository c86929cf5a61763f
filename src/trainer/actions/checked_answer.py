"""A completion as it will be given out, and what its checks and the security policy say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from trainer.actions.prompt import Rendered
from trainer.actions.screening import ScreenedAnswer, screen_answer
from trainer.checks import check_completion, faults, second_opinion
from trainer.convert import Repair, json_to_markdown, repair_markdown
from trainer.core.config.schema import Checks
from trainer.core.errors import RefusedError, Where
from trainer.core.project import Project
from trainer.core.values import CompletionResult, Finding, Prompt, Verdict
from trainer.reports.acceptance import Accepted, mark_accepted


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """A completion as the report will hold it, and what the checks say of it."""

    text: str
    """Markdown, repaired."""
    verdict: Verdict
    result: CompletionResult
    notes: tuple[Finding, ...] = ()
    """What was repaired, and what the screen of answers found."""
    screened: ScreenedAnswer = field(default_factory=lambda: ScreenedAnswer(""))
    """What the security policy says of it."""


_NOTHING = Accepted()


def check(
    project: Project,
    checks: Checks,
    rendered: Rendered,
    result: CompletionResult,
    *,
    accepted: Accepted = _NOTHING,
    ask: Callable[[str], str] | None = None,
) -> CheckedAnswer:
    """The completion as Markdown without secrets, with the verdict of its checks, which depend on this report alone.

    What a person `accepted` is a note. `ask` puts a question to a model, for a second opinion.
    """
    repaired = repair_markdown(_as_markdown(rendered, result))
    screened = screen_answer(project, rendered.prompt, repaired.text)
    verdict = Verdict()
    if checks.enabled:
        verdict = check_completion(screened.text, prompt=rendered.prompt)
        verdict = replace(verdict, findings=mark_accepted(verdict.findings, accepted, rendered.blocks))
    if ask is not None:
        verdict = Verdict((*verdict.findings, *opinion(screened.text, rendered.prompt, ask)), verdict.scores)
    notes = (*_repairs(repaired.repairs), *screened.findings)
    return CheckedAnswer(screened.text, verdict, result, notes, screened)


def faults_of(project: Project, rendered: Rendered, result: CompletionResult) -> tuple[Finding, ...]:
    """What is wrong with an answer: what its checks find, and what the screen of answers says of it.

    A prompt without data and contexts gives nothing to hold figures against, so only its answer's form is screened.
    """
    prompt = rendered.prompt
    can_check = bool(prompt.data or prompt.contexts or prompt.output.sections)
    checks = project.settings.checks if can_check else Checks(enabled=False)
    checked = check(project, checks, rendered, result)
    return (*faults(checked.verdict), *(finding for finding in checked.screened.findings if finding.severity != "note"))


def opinion(text: str, prompt: Prompt, ask: Callable[[str], str]) -> tuple[Finding, ...]:
    """What a second look by a model has to say, as notes."""
    return second_opinion(text, prompt=prompt, ask=ask).findings


def refused(name: str, findings: Sequence[Finding], note: str = "") -> RefusedError:
    """The refusal of an answer that failed its checks."""
    shown = "; ".join(f"line {item.where.line if item.where else '?'}: {item.message}" for item in findings[:3])
    more = f" and {len(findings) - 3} more" if len(findings) > 3 else ""
    return RefusedError(
        f"{name}: the completion failed its checks ({shown}{more}){note}",
        hint="look at the findings with --json, mend instruction or data, or set checks.policy to warn",
    )


def _as_markdown(rendered: Rendered, result: CompletionResult) -> str:
    """A structured answer as Markdown by its schema; any other as it is."""
    schema = rendered.prompt.output.schema
    if schema is None:
        return result.content

    text: str = json_to_markdown(result.metadata["json"], schema=schema)
    return text


def _repairs(repairs: Sequence[Repair]) -> tuple[Finding, ...]:
    return tuple(
        Finding(f"repair.{repair.kind}", "note", repair.message, Where("completion", repair.line)) for repair in repairs
    )
