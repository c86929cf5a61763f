"""Show and check the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainer.actions.data import Sources, check_sources, local_blocks
from trainer.actions.follow import check_streams
from trainer.actions.model import KEYS, make_chain
from trainer.actions.prompt import Instructions, check_all, render_blocks
from trainer.actions.report_inputs import collect_inputs
from trainer.core.config import Settings
from trainer.core.errors import ConfigError, SourceError, TrainerError, UsageError, Where, unknown
from trainer.core.project import Project
from trainer.prompts import list_instructions
from trainer.providers import PROVIDERS, find_key
from trainer.reports import expand_reports
from trainer.stores import BACKENDS


def show_config(project: Project, *, section: str | None = None) -> list[tuple[str, object, str]]:
    """Every setting as (key, value, origin), secrets masked; of one section where it is named."""
    if section is not None and section not in Settings.__struct_fields__:
        message, hint = unknown("section", section, Settings.__struct_fields__)
        raise UsageError(message, hint=hint)
    return [row for row in project.config.shown() if section is None or row[0].partition(".")[0] == section]


@dataclass(frozen=True, slots=True)
class ConfigCheck:
    """What `config check` found to be well."""

    config: str
    reports: int
    instructions: int
    warnings: tuple[str, ...] = ()
    """What is probably not meant: variables that are not set, unused parameters, names that look misspelt …"""


def check_config(project: Project, *, targets: Iterable[Callable[[], Project]] = ()) -> ConfigCheck:
    """What was checked: every report with its parameters, contexts, model and theme, and every instruction there is.

    `targets` open the project with each of its targets, which are checked like it.
    Raises ConfigError or InstructionError with all problems at once; nothing is fetched.
    """
    wrong, checked = [], []
    for opened in (lambda: project, *targets):
        try:
            checked.append(_checked(opened()))
        except UsageError as error:
            wrong.append(error)
    check_all(wrong)
    return replace(checked[0], warnings=tuple(dict.fromkeys(text for one in checked for text in one.warnings)))


def _checked(project: Project) -> ConfigCheck:
    specs = expand_reports(project.settings.reports)
    sources = Sources(project)
    instructions = Instructions(project, sources)
    inputs, errors = collect_inputs(project, specs, sources=sources, changes={})
    unusable = [*_check_adapters(project)]
    wrong: list[TrainerError] = [*unusable, *check_sources(project, sources), *check_streams(project), *errors.values()]
    values: dict[str, Mapping[str, Any]] = {}
    for report in inputs:
        try:
            if not unusable:  # told once, not for each report
                make_chain(project, report.choice)
            values[report.prepared.instruction.path] = report.prepared.params
            # fields that a template names are known once it has its data; what lies in the project costs nothing
            blocks = local_blocks(report.prepared.requests, sources)
            if blocks is not None:
                render_blocks(project, report.prepared, blocks, choice=report.choice)
        except (UsageError, SourceError) as error:
            wrong.append(error)
    warnings = [f"{place}: {key} has no effect yet" for key, place in project.config.unbuilt.items()]
    warnings += _unset_variables(project)
    names = list_instructions(project.instructions)
    for name in names:
        try:
            warnings += instructions.check(name, values.get(f"{name}.md"))
        except UsageError as error:
            wrong.append(error)
    check_all(wrong)
    return ConfigCheck(project.shown(project.root / "config.yaml"), len(specs), len(names), tuple(warnings))


def _unset_variables(project: Project) -> Iterator[str]:
    """Where the settings name a variable that is neither set nor, where it holds a key, kept elsewhere."""
    for key, variable in project.config.unset.items():
        is_key = key.rpartition(".")[2] == "api_key"
        if not (is_key and find_key(variable, environ={}, folder=KEYS)):
            origin = project.config.origin(key)
            place = f"{origin.place}: " if origin else ""
            yield f"{place}{key} is ${{{variable}}}, which is not set"


def _check_adapters(project: Project) -> Iterator[ConfigError]:
    """What is wrong with the names of providers and backends: unknown, or without the package that they need."""
    settings = project.settings
    named = {"llm_provider.provider": (PROVIDERS, settings.llm_provider.provider)}
    for index, fallback in enumerate(settings.llm_provider.fallbacks):
        named[f"llm_provider.fallbacks.{index}.provider"] = (PROVIDERS, fallback.provider)
    named["data_store.backend"] = (BACKENDS, settings.data_store.backend)
    for setting, (adapters, name) in named.items():
        try:
            adapters.require(name)
        except UsageError as error:
            origin = project.config.origin(setting)
            where = Where(origin.place) if origin else None
            yield ConfigError(f"{setting}: {error.message}", hint=error.hint, where=where)
