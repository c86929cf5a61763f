"""Show and check the settings."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.actions.data import Sources
from trainer.actions.model import make_chain
from trainer.actions.report_inputs import collect_inputs
from trainer.core.config import Settings
from trainer.core.errors import InstructionError, Problem, UsageError, unknown
from trainer.core.project import Project
from trainer.reports import expand_reports


def show_config(project: Project, *, section: str | None = None) -> list[tuple[str, object, str]]:
    """Every setting as (key, value, origin), secrets masked; of one section where it is named."""
    if section is not None and section not in Settings.__struct_fields__:
        message, hint = unknown("section", section, Settings.__struct_fields__)
        raise UsageError(message, hint=hint)
    return [row for row in project.config.shown() if section is None or row[0].partition(".")[0] == section]


@dataclass(frozen=True, slots=True)
class Checked:
    """What `config check` found to be well."""

    config: str
    reports: int
    instructions: int
    warnings: tuple[str, ...] = ()
    """What is probably not meant: unused parameters, names that look misspelt, sections without content."""


def check_config(project: Project) -> Checked:
    """What was checked: every report with its instruction, parameters, contexts, model and theme.

    Raises ConfigError or InstructionError with all problems at once; nothing is fetched.
    """
    from trainer.prompts import validate_instruction

    specs = expand_reports(project.settings.reports)
    inputs = collect_inputs(project, specs, sources=Sources(project), changes={})
    for report in inputs:
        make_chain(project, report.choice)
    by_path = {report.prepared.instruction.path: report.prepared for report in inputs}
    verdicts = [
        validate_instruction(prepared.instruction, contexts=project.contexts, given=prepared.params)
        for prepared in by_path.values()
    ]
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    errors = [Problem(each.message, each.where, each.hint or None) for each in findings if each.severity == "error"]
    if errors:
        raise InstructionError(errors[0].message, problems=errors)
    warnings = tuple(str(Problem(each.message, each.where, each.hint or None)) for each in findings)
    return Checked(project.shown(project.root / "config.yaml"), len(specs), len(by_path), warnings)
