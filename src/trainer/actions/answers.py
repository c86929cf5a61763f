"""What is given out of an answer: checked and screened by one policy, whether run, batch or a program asked for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from trainer.actions.completion import Call, Completer, joined, mending
from trainer.actions.prompt import Rendered
from trainer.actions.report_outputs import check, refused
from trainer.checks import faults, repair_message
from trainer.core.config.schema import Checks
from trainer.core.values import CompletionResult, Finding, Verdict


def faults_of(checks: Checks, rendered: Rendered, result: CompletionResult) -> tuple[Finding, ...]:
    """What is wrong with an answer: what its checks find, and what would call another host when it is shown.

    A prompt without data and contexts gives nothing to hold figures against, so only its answer's form is screened.
    """
    prompt = rendered.prompt
    can_check = bool(prompt.data or prompt.contexts or prompt.output.sections)
    checked = check(checks if can_check else Checks(enabled=False), rendered, result)
    screen = (finding for finding in checked.notes if finding.severity == "error")
    return (*faults(checked.verdict), *screen)


async def accepted(
    call: Call, checks: Checks, rendered: Rendered, result: CompletionResult, completer: Completer
) -> tuple[CompletionResult, tuple[Finding, ...]]:
    """The answer that may be given out, and what is still wrong with it.

    With the policy `repair` the model is shown once what is wrong; with `block` a fault raises RefusedError.
    """
    found = await asyncio.to_thread(faults_of, checks, rendered, result)
    if found and checks.policy == "repair":
        message = repair_message(Verdict(found))
        again = replace(call, prompt=mending(rendered.prompt, result.content, message))
        second = await completer.answer(again)
        remaining = await asyncio.to_thread(faults_of, checks, rendered, second)
        better, found = (second, remaining) if len(remaining) < len(found) else (result, found)
        both = joined([result, second], better.content)
        result = replace(both, metadata={**better.metadata, "paid": both.metadata["paid"]})
    if found and checks.policy == "block":
        raise refused(call.name, found)
    return result, found
