"""Show and check the settings."""

from __future__ import annotations

from trainer.core.config import Settings
from trainer.core.errors import UsageError, unknown
from trainer.core.project import Project


def show_config(project: Project, *, section: str | None = None) -> list[tuple[str, object, str]]:
    """Every setting as (key, value, origin), secrets masked; of one section where it is named."""
    if section is not None and section not in Settings.__struct_fields__:
        message, hint = unknown("section", section, Settings.__struct_fields__)
        raise UsageError(message, hint=hint)
    return [row for row in project.config.shown() if section is None or row[0].partition(".")[0] == section]
