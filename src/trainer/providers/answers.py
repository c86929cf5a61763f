"""How an answer ended, judged once for every provider: whole, cut, refused, a tool call, or nothing."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from trainer.core.errors import ProviderError
from trainer.core.reasoning import may_be_reasoning, split_reasoning
from trainer.core.values import CompletionResult
from trainer.providers.failures import failure
from trainer.providers.request import Request

Ending = Literal["whole", "cut", "refused", "tool", "failed", "unknown"]

_ENDINGS: Mapping[Ending, re.Pattern[str]] = {
    "refused": re.compile(
        r"filter|safety|prohibit|block|recitation|spii|guardrail|refus|toxic|moderat|sensitive|censor|policy"
    ),
    "cut": re.compile(r"length|limit|max.?(?:\w+.?)?tokens|context.?window|incomplete|truncat"),
    "failed": re.compile(r"error|abort|cancel|fail|malformed|overload|unexpected"),
    "tool": re.compile(r"tool|function"),
    "whole": re.compile(r"."),
}
"""By what a service's word for it holds, in this order, for services spell it in their own ways: OpenAI's `length`,
Anthropic's `max_tokens` and `model_context_window_exceeded`, Mistral's `model_length`, Gemini's `MAX_TOKENS`, `SAFETY`
and `PROHIBITED_CONTENT`, Bedrock's `guardrail_intervened`, Cohere's `ERROR_TOXIC`, vLLM's `abort`, TGI's
`eos_token`."""


@functools.lru_cache(maxsize=256)
def ending_of(reason: str) -> Ending:
    """What a service's finish reason means; `unknown` where it gives none.

    >>> ending_of("MAX_TOKENS"), ending_of("content_filter: PROHIBITED_CONTENT"), ending_of("end_turn")
    ('cut', 'refused', 'whole')
    """
    word = reason.strip().casefold()
    return next((ending for ending, shape in _ENDINGS.items() if shape.search(word)), "unknown")


def judged(result: CompletionResult, request: Request) -> CompletionResult:
    """The answer as it may be given out, its reasoning kept apart in the metadata.

    Raises ProviderError where it is none: `cut`, `content_refused`, `empty`, or `server` where the service broke off.
    The error holds what came as its `answer`, for it has been paid for.
    """
    content, reasoning = split_reasoning(result.content)
    reasoning = "\n\n".join(part for part in (str(result.metadata.get("reasoning") or ""), reasoning) if part)
    if reasoning:
        result = dataclasses.replace(result, content=content, metadata={**result.metadata, "reasoning": reasoning})
    ending, limit = ending_of(result.finish_reason), request.settings.get("max_tokens")
    if ending == "unknown" and limit and not result.tokens_estimated and result.tokens_out >= int(limit):
        ending = "cut"
    problem = _problem(result, ending, f"at max_tokens ({limit})" if limit else "at its token limit")
    if problem is not None:
        problem.answer = result
        raise problem
    return result


def summed(results: Sequence[CompletionResult]) -> CompletionResult:
    """The last answer with the tokens, cost and attempts of all; `paid` is the cost of those that were not kept."""
    costs, paid = [result.cost for result in results], [result.paid for result in results]
    last = results[-1]
    return dataclasses.replace(
        last,
        tokens_used=sum(result.tokens_used for result in results),
        tokens_in=sum(result.tokens_in for result in results),
        tokens_out=sum(result.tokens_out for result in results),
        tokens_estimated=any(result.tokens_estimated for result in results),
        cost=None if None in costs else sum(cost or 0.0 for cost in costs),
        metadata={**last.metadata, "paid": None if None in paid else sum(cost or 0.0 for cost in paid)},
        origin="fresh" if any(result.origin == "fresh" for result in results) else last.origin,
        attempts=tuple(attempt for result in results for attempt in result.attempts),
        model_asked=results[0].model_asked,
    )


def _problem(result: CompletionResult, ending: Ending, limit: str) -> ProviderError | None:
    who, reason = f"the answer of {result.model}", result.finish_reason
    if ending == "refused":
        refusal = result.metadata.get("refusal") or f"its content filter ended the answer ({reason})"
        return failure("content_refused", f"{result.model} refused: {refusal}", status=200)
    if ending == "cut":
        where = " while it was still reasoning" if not result.content.strip() and "reasoning" in result.metadata else ""
        return failure("cut", f"{who} was cut {limit}{where} ({reason or 'no reason given'})", status=200)
    if ending == "failed":
        return failure("server", f"{who} broke off ({reason})", status=200)
    if ending == "tool":
        return failure("empty", f"{who} asks for a tool, and none was offered ({reason})", status=200)
    if not result.content.strip():
        held = "holds nothing but reasoning" if "reasoning" in result.metadata else "is empty"
        return failure("empty", f"{who} {held} ({reason or 'no reason given'})", status=200)
    return None


class without_reasoning:  # noqa: N801  (used like a function that gives a filter)
    """Passes a stream's text on to `show`, but for the reasoning that it begins with."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._held = ""
        self._passes = False

    def take(self, piece: str) -> None:
        """Show a piece, or hold it back while the text may be reasoning."""
        if self._passes:
            self._show(piece)
            return
        self._held += piece
        if not may_be_reasoning(self._held):
            self.end(split_reasoning(self._held)[0])

    def end(self, answer: str) -> None:
        """Show the answer, where nothing was shown so far."""
        if not self._passes and answer:
            self._passes = True
            self._show(answer)
