"""The names that a project knows, for completion: each imports its own room only, for a key press waits for it."""

from __future__ import annotations

import re

from trainer.core.project import Project


def report_names(project: Project) -> list[str]:
    """Every report, and every entry of the config that makes several."""
    from trainer.reports import expand_reports

    specs = expand_reports(project.settings.reports)
    return sorted({spec.name for spec in specs} | {spec.entry for spec in specs})


def report_tags(project: Project) -> list[str]:
    """The tags that config.yaml gives its reports; those of instructions and contexts would have to be read."""
    return sorted({tag for report in project.settings.reports.values() for tag in report.tags})


def target_names(project: Project) -> list[str]:
    """The targets of config.yaml."""
    return sorted(project.settings.targets)


def instruction_names(project: Project) -> list[str]:
    """Every instruction below the project's folder of them."""
    from trainer.prompts.find import list_instructions

    return list_instructions(project.instructions)


def document_keys(project: Project, start: str) -> list[str]:
    """The keys of stored documents that start so."""
    from trainer.actions.wiring import open_store

    return sorted(map(str, open_store(project).distinct("key", {"key": {"$regex": f"^{re.escape(start)}"}})))


def source_names() -> list[str]:
    """Every source, those of other packages too."""
    from trainer.sources import SOURCES

    return SOURCES.names()


def provider_names() -> list[str]:
    """Every provider, those of other packages too."""
    from trainer.providers import PROVIDERS

    return PROVIDERS.names()


def model_names(project: Project) -> list[str]:
    """The models that the project's settings name."""
    section = project.settings.llm_provider
    names: list[object] = [section.model, *section.prices, *(fallback.model for fallback in section.fallbacks)]
    names += [report.model.get("model") for report in project.settings.reports.values()]
    return sorted({str(name) for name in names if name})


def catalog_tables(project: Project) -> list[str]:
    """Short names of the catalogue's tables."""
    from trainer.catalog import read_definitions

    return list(read_definitions(project.information / "tables"))
