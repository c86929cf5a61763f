"""The text of a prompt: written, fenced and screened. What is remembered of a prompt spares all that is here."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

from trainer.actions.prepared import Prepared, RenderedText
from trainer.actions.screening import ended_rules, screened
from trainer.core.project import Project
from trainer.core.values import DataBlock
from trainer.prompts import count_tokens, render
from trainer.security import clean_scalar, fence_block, fence_context


def render_text(
    project: Project, prepared: Prepared, data: Mapping[str, DataBlock], *, model: str, budget: int | None
) -> RenderedText:
    """The finished prompt with data by the names that the instruction gives it; screened unless the settings say no."""
    prompt = render(
        prepared.instruction,
        params=prepared.params,
        contexts=prepared.contexts,
        data=data,
        inputs=frozenset(table for query in prepared.joins.values() for table in query.tables),
        clean=functools.partial(clean_scalar, max_length=project.settings.prompt_security.max_length),
        fence=fence_block,
        fence_context=fence_context,
        count=functools.partial(count_tokens, model=model),
        budget=budget,
    )
    prompt = replace(prompt, system=prepared.system)
    screening = screened(project, prompt)
    warnings = (*(str(finding.problem()) for finding in prompt.findings), *ended_rules(project, screening))
    names, inputs = (tuple(block.name for block in blocks) for blocks in (prompt.data, prompt.inputs))
    return RenderedText(replace(prompt, data=(), inputs=()), names, inputs, screening, warnings)
