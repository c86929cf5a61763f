"""No figure without its source: what an answer says, compared with the data and contexts its prompt held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face

if TYPE_CHECKING:
    from trainer.checks.expectations import failed_expectation, judge_question, judgement
    from trainer.checks.figure import Figure, FigureReport
    from trainer.checks.figures import check_figures, prompt_figures
    from trainer.checks.opinion import opinion_question, second_opinion
    from trainer.checks.repair import repair_message
    from trainer.checks.screen import CHECKS, DEFAULT, check_completion, faults
    from trainer.checks.sources import annotate, bare_text, sources_appendix, verification_status

__all__ = [
    "CHECKS",
    "DEFAULT",
    "Figure",
    "FigureReport",
    "annotate",
    "bare_text",
    "check_completion",
    "check_figures",
    "failed_expectation",
    "faults",
    "judge_question",
    "judgement",
    "opinion_question",
    "prompt_figures",
    "repair_message",
    "second_opinion",
    "sources_appendix",
    "verification_status",
]

__getattr__ = face(
    __name__,
    {
        "expectations": "failed_expectation judge_question judgement",
        "figure": "Figure FigureReport",
        "figures": "check_figures prompt_figures",
        "opinion": "opinion_question second_opinion",
        "repair": "repair_message",
        "screen": "CHECKS DEFAULT check_completion faults",
        "sources": "annotate bare_text sources_appendix verification_status",
    },
)
