"""Mends what models do to Markdown before it is parsed; valid Markdown stays as it is, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.convert.repair.blocks import close_comment, close_fence, space_headings, straighten_code
from trainer.convert.repair.inline import close_strong, mend_math, strip_citations
from trainer.convert.repair.lines import Repair
from trainer.convert.repair.tables import mend_tables
from trainer.convert.repair.whole import (
    fix_front_matter,
    strip_reasoning,
    strip_tokens,
    unescape_lines,
    unwrap_answer,
)

__all__ = ["Repair", "Repaired", "repair_markdown"]

Pass = Callable[[str], tuple[str, list[Repair]]]

_PASSES: tuple[Pass, ...] = (
    strip_reasoning,
    strip_tokens,
    unescape_lines,
    unwrap_answer,
    fix_front_matter,
    strip_citations,
    space_headings,
    mend_tables,
    mend_math,
    close_strong,
    straighten_code,
    close_comment,
    close_fence,
)


@dataclass(frozen=True, slots=True)
class Repaired:
    """A text after mending."""

    text: str
    repairs: tuple[Repair, ...] = ()
    """What was mended, in the order it was done."""


def repair_markdown(text: str) -> Repaired:
    """The text with known faults of model output mended, each repair told; without such a fault the same text."""
    repairs: list[Repair] = []
    for mend in _PASSES:
        text, mended = mend(text)
        repairs += mended
    return Repaired(text, tuple(repairs))
