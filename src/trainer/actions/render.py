"""Render an instruction: the finished prompt with tokens, cost and findings; nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.actions.data import Sources, load_documents
from trainer.actions.model import ModelChoice, choose_model, price_of
from trainer.actions.prompt import PROMPTS, Instructions, Rendered, render_prepared
from trainer.actions.record import Recorder
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.digest import pick
from trainer.core.errors import UsageError
from trainer.core.project import Project
from trainer.prompts.versions import Change, Version, compare, load_version, version_of

_SHORTEST = 6
"""Digits of a kept prompt's identity that are enough to name it."""
_RECENT = 1000
"""Executions among which the last that sent a prompt is looked for; checks and conversions are recorded beside runs."""


@dataclass(frozen=True, slots=True)
class RenderResult:
    """A finished prompt and what it would cost."""

    rendered: Rendered
    choice: ModelChoice
    cost: float | None
    """Of the prompt alone, in US dollars; None where the price is not known."""
    cost_at_most: float | None
    """With an answer of `max_tokens`; None where either is not known."""
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The one JSON document of `trainer render --json`."""
        from trainer.actions.facts import understood  # who reads the prompt alone need not wait for all facts

        prompt = self.rendered.prompt
        return {
            **pick(prompt, "instruction", "title", "text", "messages", "params"),
            **pick(self, "cost", "cost_at_most", "warnings"),
            "fingerprint": prompt.digest,
            "tokens": self.rendered.tokens,
            "model": pick(self.choice, "provider", "model"),
            "contexts": [pick(item, "path", "digest") for item in prompt.contexts],
            "data": [
                {
                    **pick(block, "name", "key", "version", "digest", "source", "as_of"),
                    "retrieved_at": block.retrieved_at and isoformat(block.retrieved_at),
                    "stale_since": block.stale_since,
                    "computed_from": list(block.computed_from),
                    "in_prompt": block not in prompt.inputs,
                    "facts": understood(block),
                }
                for block in self.rendered.blocks
            ],
            "security": self.rendered.screening,
            "steps": [pick(step, "name", "uses") for step in prompt.steps],
        }


def compare_with(project: Project, rendered: Rendered, run: str, *, clock: Clock = system_clock) -> tuple[Change, ...]:
    """What changed from the prompt of a recorded run to this one: template, parameters, contexts, data, model.

    `run` is an execution, its start or `last`, or a kept prompt; raises UsageError where there is none.
    """
    return compare(_kept(project, run, clock), version_of(rendered.prompt))


def compare_runs(project: Project, old: str, new: str, *, clock: Clock = system_clock) -> tuple[Change, ...]:
    """What changed from the prompt of one recorded run to that of another."""
    return compare(_kept(project, old, clock), _kept(project, new, clock))


def _kept(project: Project, run: str, clock: Clock) -> Version:
    folder = project.cache / PROMPTS
    paths = sorted(folder.glob(f"{run[:2]}*/{run}*.json")) if len(run) >= _SHORTEST and run.isalnum() else []
    return load_version(paths[0].stem if len(paths) == 1 else _prompt_of(project, run, clock), folder=folder)


def _prompt_of(project: Project, run: str, clock: Clock) -> str:
    """The digest of the prompt that an execution sent; `last` is the newest that sent one."""
    from trainer.actions.mart import list_executions, show_execution  # the records are looked at for this alone

    if run == "last":
        recorded = list_executions(project, clock=clock, limit=_RECENT)
    else:
        recorded = [show_execution(project, run, clock=clock).execution]
    for execution in recorded:
        if prompt := (execution.inputs or {}).get("prompt"):
            return str(prompt)
    hint = "name an execution of `run` or `report`: trainer mart executions"
    raise UsageError(f"the execution {run} holds no prompt", hint=hint)


def render_instruction(
    project: Project,
    name: str,
    arguments: Mapping[str, Any],
    *,
    keys: Mapping[str, str] | None = None,
    changes: Mapping[str, Any] | None = None,
    offline: bool = False,
    refresh: bool = False,
    clock: Clock = system_clock,
) -> RenderResult:
    """The finished prompt of instruction `name`; data that is missing or too old is retrieved first.

    `keys` name stored documents for data blocks; `changes` override settings of llm_provider.
    """
    with Recorder(project, "render", context={"instruction": name}, clock=clock) as recorder:
        sources = Sources(project, clock=clock)
        sources.on_call = recorder.request
        prepared = Instructions(project, sources).prepare(name, arguments, keys=keys)
        choice = choose_model(project, prepared.instruction.model, changes or {}, what=prepared.instruction.file)
        requests = prepared.requests.values()
        loaded = load_documents(project, requests, sources=sources, clock=clock, offline=offline, refresh=refresh)
        for error in loaded.errors.values():
            raise error
        rendered = render_prepared(project, prepared, loaded.documents, choice=choice)
        cost, at_most = price_of(choice, rendered.prompt, rendered.tokens["total"])
        recorder.note(tokens_in=rendered.tokens["total"], outputs={"prompt": rendered.prompt.digest})
    return RenderResult(rendered, choice, cost, at_most, (*loaded.warnings, *rendered.warnings))
