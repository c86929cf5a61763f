"""No figure without its source: what an answer says, compared with the data and contexts its prompt held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.faces import lazy_face

if TYPE_CHECKING:
    from trainer.checks.figure import Figure as Figure
    from trainer.checks.figure import FigureReport as FigureReport
    from trainer.checks.figures import check_figures as check_figures
    from trainer.checks.figures import prompt_figures as prompt_figures
    from trainer.checks.opinion import opinion_question as opinion_question
    from trainer.checks.opinion import second_opinion as second_opinion
    from trainer.checks.repair import repair_message as repair_message
    from trainer.checks.screen import CHECKS as CHECKS
    from trainer.checks.screen import DEFAULT as DEFAULT
    from trainer.checks.screen import check_completion as check_completion
    from trainer.checks.screen import faults as faults
    from trainer.checks.sources import annotate as annotate
    from trainer.checks.sources import sources_appendix as sources_appendix

_FACE = {
    "CHECKS": "screen",
    "DEFAULT": "screen",
    "Figure": "figure",
    "FigureReport": "figure",
    "annotate": "sources",
    "check_completion": "screen",
    "check_figures": "figures",
    "faults": "screen",
    "opinion_question": "opinion",
    "prompt_figures": "figures",
    "repair_message": "repair",
    "second_opinion": "opinion",
    "sources_appendix": "sources",
}

__all__ = [*_FACE]  # noqa: PLE0604  (literal names, written once)


__getattr__ = lazy_face(__name__, _FACE)
