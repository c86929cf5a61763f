"""What the state of model, records and machine advises: how much text, how many calls, how many items at once.

A plan decides how work is done, never what comes out: a report has the same bytes under every plan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trainer.core.values import Json

USUAL_CALLS, MOST_CALLS = 8, 32
"""Calls of a model under way where nothing is known, and at most: no service was found that answers faster beyond."""
_REFUSED_OFTEN = 0.05
"""Share of refused attempts from which fewer calls are made; a refusal now and then is chance."""
_MEMORY_SHARE = 0.5
"""Of the free memory; the rest is for the page cache and for whoever else works on the machine."""
_ITEMS_A_BATCH = 200
"""Items of one transaction; beyond, a batch is hardly cheaper and a kill loses more."""

SystemFacts = Mapping[str, Json]
"""What a contextual source says; a source that failed says nothing, and every plan does without it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision and why it was made."""

    value: int | None
    """None where nothing limits."""
    reason: str
    origin: Literal["flag", "setting", "plan", "default"] = "plan"
    """Who decided: `default` where the plan had nothing to go by."""


def plan_tokens(model: SystemFacts, chosen: Choice | None = None) -> Choice:
    """Model-aware preprocessing: the most tokens of a prompt. What the window leaves beside the answer, or less."""
    window, answer = model.get("max_model_len"), model.get("reserved_output") or 0
    if window is None:
        return chosen or Choice(None, "the window of the model is not known", "default")
    left = max(0, window - answer)
    if chosen is not None and chosen.value is not None and chosen.value <= left:
        return chosen
    beside = f" beside an answer of {answer:,}" if answer else ""
    return Choice(left, f"the window of {model.get('model_name')} holds {window:,} tokens{beside}")


def plan_concurrency(
    performance: SystemFacts, resources: SystemFacts, *, calls: int, chosen: Choice | None = None
) -> Choice:
    """Performance-aware concurrency: how many calls of a model are under way at once."""
    if chosen is not None:
        return chosen
    if calls <= USUAL_CALLS:
        return Choice(max(1, calls), "one for each call", "default")
    rate, seconds = resources.get("requests_per_minute"), performance.get("mean_seconds")
    total, refused = performance.get("total_requests") or 0, performance.get("refused_requests") or 0
    before = performance.get("concurrent_requests") or USUAL_CALLS
    if refused > _REFUSED_OFTEN * total:
        value = max(1, before // 2)
        reason = f"{refused} of {total} requests were refused with {before} at once"
    elif rate and seconds:
        # Little's law: as many are under way as begin in the time that one takes.
        value = max(1, math.ceil(rate / 60 * seconds))
        reason = f"{rate} requests a minute of {seconds:.2g} s each"
    elif total >= 2 * before:
        value = before * 2
        reason = f"{refused} of {total} requests were refused with {before} at once"
    elif total:
        value, reason = before, f"only {total} requests were recorded with {before} at once"
    else:
        return Choice(min(USUAL_CALLS, calls), "no request to this model is recorded yet", "default")
    return Choice(min(value, calls, MOST_CALLS), reason)


def plan_workers(
    resources: SystemFacts, state: SystemFacts, *, items: int, memory: int, chosen: Choice | None = None
) -> Choice:
    """Resource-aware scaling: how many items are worked on at once, each of which takes up to `memory` bytes."""
    if chosen is not None:
        return chosen
    cores = resources.get("max_concurrent_processes") or 1
    others = state.get("in_flight") or 0
    bounds = {
        "items": max(1, items),
        f"cores{f', shared with {others} other processes' if others else ''}": max(1, cores // (1 + others)),
    }
    if (free := resources.get("memory_bytes")) is not None:
        bounds[f"of {_mb(memory)} in {_mb(free)} of free memory"] = max(1, int(free * _MEMORY_SHARE) // max(1, memory))
    reason, value = min(bounds.items(), key=lambda bound: bound[1])
    return Choice(value, f"{value} {reason}")


def plan_batch(resources: SystemFacts, *, items: int, largest: int, chosen: Choice | None = None) -> Choice:
    """Resource-aware batch size: how many items of up to `largest` bytes are held and stored together."""
    if chosen is not None:
        return chosen
    bounds = {"items": max(1, items), "items are enough for one transaction": _ITEMS_A_BATCH}
    if (free := resources.get("memory_bytes")) is not None:
        fitting = max(1, int(free * _MEMORY_SHARE) // max(1, largest))
        bounds[f"items of up to {_mb(largest)} in {_mb(free)} of free memory"] = fitting
    reason, value = min(bounds.items(), key=lambda bound: bound[1])
    return Choice(value, f"{value} {reason}")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
