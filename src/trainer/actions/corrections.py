"""What a project says of its data where the data does not tell: `information/facts/*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trainer.core.files import read_text
from trainer.core.project import Project
from trainer.core.values import DataBlock
from trainer.core.yamltext import load_yaml


def project_facts(project: Project | None) -> dict[str, dict[str, Any]]:
    """The sections of all files, the later one winning, in the order of their names.

    Raises UsageError with the file for an unknown section, role, unit or aggregate.
    """
    if project is None:
        return {}
    merged: dict[str, dict[str, Any]] = {}
    for path in sorted((project.root / "information" / "facts").glob("*.yaml")):
        shown = str(path.relative_to(project.root))
        value = load_yaml(read_text(path, shown=shown), shown=shown).value or {}
        from trainer.facts import read_corrections  # most projects have no such file

        read_corrections(value, shown=shown)
        for section, entries in value.items():
            merged.setdefault(section, {}).update(entries)
    return merged


def corrected(block: DataBlock, *corrections: Mapping[str, Mapping[str, Any]]) -> DataBlock:
    """The block with what is said of it, the later one winning entry by entry."""
    facts: dict[str, dict[str, Any]] = {}
    for part in corrections:
        for section, entries in part.items():
            facts.setdefault(section, {}).update(entries)
    return replace(block, facts=facts) if facts else block
