"""What is given out of an answer: checked and screened by one policy, whether run, batch or a program asked for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from trainer.actions.checked_answer import check, refused
from trainer.actions.completion import Completer, ModelCall, joined, mending, paid_answer
from trainer.actions.prompt import Rendered
from trainer.actions.screening import masked_result, require_harmless, screen_answer
from trainer.checks import faults, repair_message
from trainer.core.config.schema import Checks
from trainer.core.errors import TrainerError
from trainer.core.project import Project
from trainer.core.values import CompletionResult, Finding, Verdict


def faults_of(project: Project, rendered: Rendered, result: CompletionResult) -> tuple[Finding, ...]:
    """What is wrong with an answer: what its checks find, and what the screen of answers says of it.

    A prompt without data and contexts gives nothing to hold figures against, so only its answer's form is screened.
    """
    prompt = rendered.prompt
    can_check = bool(prompt.data or prompt.contexts or prompt.output.sections)
    checks = project.settings.checks if can_check else Checks(enabled=False)
    checked = check(project, checks, rendered, result)
    return (*faults(checked.verdict), *(finding for finding in checked.screened.findings if finding.severity != "note"))


async def accepted(
    call: ModelCall, project: Project, rendered: Rendered, result: CompletionResult, completer: Completer
) -> tuple[CompletionResult, tuple[Finding, ...]]:
    """The answer that may be given out, without secrets, and what is still wrong with it.

    With the policy `repair` the model is shown once what is wrong, and its first answer stays where that fails; with
    `block` a fault raises RefusedError, and so does at any policy what the security policy refuses.
    """
    checks = project.settings.checks
    faults = await asyncio.to_thread(faults_of, project, rendered, result)
    if _weighty(faults) and checks.policy == "repair":
        message = repair_message(Verdict(faults))
        again = replace(call, prompt=mending(rendered.prompt, result.content, message))
        try:
            second = await completer.answer(again)
        except TrainerError as error:
            costly = [answer] if (answer := paid_answer(error)) is not None else []
            result = joined([*costly, result], result.content)
            faults = (*faults, Finding("repair_failed", "warning", f"the repair failed: {error.message}"))
        else:
            remaining = await asyncio.to_thread(faults_of, project, rendered, second)
            better, faults = (second, remaining) if len(remaining) < len(faults) else (result, faults)
            both = joined([result, second], better.content)
            result = replace(both, metadata={**better.metadata, "paid": both.metadata["paid"]})
    require_harmless(call.name, screen_answer(project, rendered.prompt, result.content))
    if (weighty := _weighty(faults)) and checks.policy == "block":
        raise refused(call.name, weighty)
    return masked_result(project, rendered.prompt, result), faults


def _weighty(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What a model is asked to mend or an answer is refused for: of the screen errors alone."""
    return tuple(
        finding for finding in findings if finding.severity == "error" or not finding.kind.startswith("output.")
    )
