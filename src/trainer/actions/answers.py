"""What is given out of an answer: checked and screened by one policy, whether run, batch or a program asked for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from trainer.actions.completion import Completer, ModelCall, joined, mending, paid_answer
from trainer.actions.memo import remembered
from trainer.actions.prompt import Rendered
from trainer.actions.screening import ScreenedAnswer, require_harmless, screen_policy
from trainer.core.errors import TrainerError
from trainer.core.project import Project
from trainer.core.secrets import mask_json
from trainer.core.values import CompletionResult, Finding, Verdict


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """What is said of an answer before it is given out."""

    faults: tuple[Finding, ...]
    """What is wrong with it."""
    screened: ScreenedAnswer
    """What the security policy says of it."""


def judged(project: Project, rendered: Rendered, result: CompletionResult) -> JudgedAnswer:
    """What is said of an answer; what was said before, where neither it nor anything that decides has changed since.

    That is its prompt with data and contexts, the settings, the rules that hold today, and the program.
    """

    def judge() -> JudgedAnswer:
        # Checks, facts and the repair of Markdown take longer to import than the rest of a run from the cache.
        from trainer.actions.checked_answer import faults_of
        from trainer.actions.screening import screen_answer

        faults = faults_of(project, rendered, result)
        return JudgedAnswer(faults, screen_answer(project, rendered.prompt, result.content))

    rests_on = (
        [result.content, result.metadata.get("json"), rendered.prompt],
        [project.settings.checks.enabled, project.settings.prompt_security.enabled, screen_policy(project)],
    )
    return remembered(project, JudgedAnswer, rests_on, judge)


async def accepted(
    call: ModelCall, project: Project, rendered: Rendered, result: CompletionResult, completer: Completer
) -> tuple[CompletionResult, tuple[Finding, ...]]:
    """The answer that may be given out, without secrets, and what is still wrong with it.

    With the policy `repair` the model is shown once what is wrong, and its first answer stays where that fails; with
    `block` a fault raises RefusedError, and so does at any policy what the security policy refuses.
    """
    checks = project.settings.checks
    answer = await asyncio.to_thread(judged, project, rendered, result)
    if _weighty(answer.faults) and checks.policy == "repair":
        from trainer.checks import repair_message  # as for `judge`: only a fault needs it

        message = repair_message(Verdict(answer.faults))
        again = replace(call, prompt=mending(rendered.prompt, result.content, message))
        try:
            second = await completer.answer(again)
        except TrainerError as error:
            costly = [paid] if (paid := paid_answer(error)) is not None else []
            result = joined([*costly, result], result.content)
            failed = Finding("repair_failed", "warning", f"the repair failed: {error.message}")
            answer = replace(answer, faults=(*answer.faults, failed))
        else:
            mended = await asyncio.to_thread(judged, project, rendered, second)
            better = second if len(mended.faults) < len(answer.faults) else result
            answer = mended if better is second else answer
            both = joined([result, second], better.content)
            result = replace(both, metadata={**better.metadata, "paid": both.metadata["paid"]})
    require_harmless(call.name, answer.screened)
    if (weighty := _weighty(answer.faults)) and checks.policy == "block":
        from trainer.actions.checked_answer import refused

        raise refused(call.name, weighty)
    return _masked(result, answer.screened), answer.faults


def _masked(result: CompletionResult, screened: ScreenedAnswer) -> CompletionResult:
    """The completion without its secrets, for those who are given it whole."""
    if screened.text == result.content:
        return result
    metadata = dict(result.metadata)
    if "json" in metadata:
        metadata["json"] = mask_json(metadata["json"])
    return replace(result, content=screened.text, metadata=metadata)


def _weighty(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What a model is asked to mend or an answer is refused for: of the screen errors alone."""
    return tuple(
        finding for finding in findings if finding.severity == "error" or not finding.kind.startswith("output.")
    )
