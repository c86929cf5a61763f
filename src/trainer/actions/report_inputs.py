"""What the reports of a project are made from, as digests: the inputs of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.actions.corrections import project_facts
from trainer.actions.data import DataRequest, Sources
from trainer.actions.joins import join_digest
from trainer.actions.learning import decide
from trainer.actions.model import ModelChoice, choose_model, drafted
from trainer.actions.prepared import Prepared
from trainer.actions.prompt import Instructions
from trainer.convert import Theme, default_theme, load_theme, theme_digest
from trainer.core.config.schema import Checks, overridden
from trainer.core.digest import canonical, digest, pick
from trainer.core.errors import TrainerError, UsageError, Where
from trainer.core.project import Project
from trainer.draft import DRAFT_VERSION
from trainer.reports import Ingredients, ReportSpec
from trainer.reports.acceptance import Accepted, accepted_names, accepted_path, read_accepted

if TYPE_CHECKING:
    from trainer.mart import ConfigDecision

COMPOSER_VERSION = 3
"""Raised whenever the same completion would be composed into another report than before."""


@dataclass(frozen=True, slots=True)
class ReportInput:
    """One report with everything settled but its data."""

    spec: ReportSpec
    prepared: Prepared
    choice: ModelChoice
    checks: Checks
    theme: Theme
    theme_digest: str
    max_tokens: int | None = None
    """Most tokens of its prompt; contexts are cut to fit."""
    facts_digest: str = ""
    """Of what the project says of its data; nothing where it says nothing."""
    asked_formats: tuple[str, ...] | None = None
    """Formats to write this time, in place of its own."""
    decision: ConfigDecision | None = None
    """Which of the project's candidates is asked this time; what it depends on stays `choice`."""
    candidate: ModelChoice | None = None
    """The choice as the decision has it."""
    accepted: Accepted = field(default_factory=Accepted)
    """What people accepted of it."""

    @property
    def asked(self) -> ModelChoice:
        """The model that is asked this time."""
        return self.candidate or self.choice

    def decided(self, project: Project, changes: Mapping[str, Any], *, explore: bool) -> ReportInput:
        """The report with one of the project's candidates to ask, unless its own settings or `changes` name a model."""
        decision = decide(project, "report", {"instruction": self.spec.instruction}, explore=explore)
        if decision is None or set(decision.config) & {*self.spec.model, *changes}:
            return self
        instruction = self.prepared.instruction
        what = f"mart.candidates of {decision.operation}"
        choice = choose_model(project, instruction.model, decision.config, self.spec.model, changes, what=what)
        return replace(self, decision=decision, candidate=choice)

    @property
    def title(self) -> str:
        """The report's title."""
        return self.spec.title or self.prepared.title

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats to write."""
        return self.spec.formats if self.asked_formats is None else self.asked_formats

    @property
    def tags(self) -> tuple[str, ...]:
        """The report's own tags, then those of its instruction and of its contexts, each once."""
        contexts = (tag for context in self.prepared.contexts for tag in context.tags)
        return tuple(dict.fromkeys((*self.spec.tags, *self.prepared.instruction.tags, *contexts)))

    def ingredients(self, digests: Mapping[str, str | None], *, choice: ModelChoice | None = None) -> Ingredients:
        """All that the report depends on; `digests` are those of its data by storage key."""
        choice = choice or self.choice
        return Ingredients(
            instruction=self.prepared.instruction.digest,
            params={name: _plain(value) for name, value in self.prepared.params.items()},
            contexts={context.path: context.digest for context in self.prepared.contexts},
            data={
                **{name: digests.get(request.key) for name, request in self.prepared.requests.items()},
                **{name: join_digest(query) for name, query in self.prepared.joins.items()},
            },
            model=choice.ingredients,
            checks=_checks(self.checks),
            theme=self.theme_digest,
            formats=self.spec.formats,
            title=self.title,
            program=_program(choice, self.max_tokens, self.facts_digest),
            accepted=digest(self.accepted) if self.accepted != Accepted() else "",
        )


def collect_inputs(
    project: Project,
    specs: Sequence[ReportSpec],
    *,
    sources: Sources,
    changes: Mapping[str, Any],
    formats: tuple[str, ...] | None = None,
) -> tuple[list[ReportInput], dict[str, TrainerError]]:
    """The inputs of the reports, and by name what is wrong with those that have none."""
    instructions = Instructions(project, sources)
    themes = _Themes(project)
    choices: dict[tuple[str, str], ModelChoice] = {}
    facts = project_facts(project)
    facts_digest = digest(facts) if facts else ""
    accepted = accepted_names(project.output)
    inputs: list[ReportInput] = []
    errors: dict[str, TrainerError] = {}
    for spec in specs:
        try:
            prepared = instructions.prepare(spec.instruction, spec.params, contexts=spec.contexts, data=spec.data)
            instruction = prepared.instruction
            question = (instruction.file, canonical(spec.model))
            if question not in choices:  # one for all rows of a matrix, so that its provider is asked once what it is
                choices[question] = choose_model(project, instruction.model, spec.model, changes, what=instruction.file)
            checks = project.settings.checks
            checks = overridden(checks, spec.checks, what=f"reports.{spec.entry}.checks") if spec.checks else checks
            theme, theme_digest = themes.of(spec)
            path = accepted_path(project.output, spec.name)
            inputs.append(
                ReportInput(
                    spec,
                    prepared,
                    choices[question],
                    checks,
                    theme,
                    theme_digest,
                    max_tokens=project.settings.prompt_manager.max_tokens,
                    facts_digest=facts_digest,
                    asked_formats=formats,
                    accepted=read_accepted(path, shown=project.shown(path)) if spec.name in accepted else Accepted(),
                )
            )
        except TrainerError as error:
            errors[spec.name] = error
    return inputs, errors


def all_requests(inputs: Iterable[ReportInput]) -> list[DataRequest]:
    """Every datum the reports need, once."""
    return list({request.key: request for report in inputs for request in report.prepared.requests.values()}.values())


class _Themes:
    """The themes of a project's reports, each loaded once."""

    def __init__(self, project: Project) -> None:
        self._load = lru_cache(maxsize=None)(lambda template, css: _load_theme(project, template, css))

    def of(self, spec: ReportSpec) -> tuple[Theme, str]:
        """The theme of a report and its digest."""
        return self._load(spec.template, spec.css)


def _load_theme(project: Project, template: str | None, css: str | None) -> tuple[Theme, str]:
    section = project.settings.format_converter
    information = project.information
    theme = load_theme(
        templates=information / "templates",
        css=information / "css",
        template=_file(project, template or section.default_template, "format_converter.default_template"),
        styles=[path for path in [_file(project, css or section.default_css, "format_converter.default_css")] if path],
        page_size=section.page_size,
    )
    if theme.template != default_theme().template:
        named = template or section.default_template
        from trainer.convert import check_template  # a project without a template of its own writes no page here

        check_template(theme.template, shown=named or "information/templates/report.html")
    return theme, theme_digest(theme)


def _file(project: Project, name: str | None, setting: str) -> Path | None:
    if name is None:
        return None
    path = project.inside(name, what=setting)
    if not path.is_file():
        origin = project.config.origins.get(setting)
        where = Where(origin.place) if origin else None
        raise UsageError(f"{setting}: there is no file {name}", where=where, hint="mend the path or remove the setting")
    return path


def _checks(section: Checks) -> dict[str, Any]:
    return pick(section, "enabled", "policy", "marks", "appendix", "opinion")


def _program(choice: ModelChoice, max_tokens: int | None, facts_digest: str) -> dict[str, Any]:
    program: dict[str, Any] = {"composer": COMPOSER_VERSION}
    if facts_digest:
        program["facts"] = facts_digest
    if max_tokens is not None:
        program["max_tokens"] = max_tokens
    if choice.provider == "draft":
        program["draft"] = DRAFT_VERSION
    return program


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | type(None)) else str(value)


__all__ = ["ReportInput", "all_requests", "collect_inputs", "drafted"]
