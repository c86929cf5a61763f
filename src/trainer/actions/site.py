"""The index page over all reports, for people and for static hosting."""

from __future__ import annotations

import json
from pathlib import Path

from trainer.core.digest import digest, digest_bytes, pretty
from trainer.core.files import write_atomic
from trainer.core.project import Project
from trainer.reports import expand_reports, index_markdown, provenance_path, read_provenance

_STAMP = "index.json"


def write_index(project: Project) -> bool:
    """Whether `output/index.html` changed; it lists every report that was ever built and is still configured."""
    from trainer.convert import load_theme, theme_digest

    specs = expand_reports(project.settings.reports)
    found = [read_provenance(provenance_path(project.output, spec.name)) for spec in specs]
    reports = [provenance for provenance in found if provenance is not None]
    if not reports:
        return False
    information = project.information
    theme = load_theme(templates=information / "templates", css=information / "css")
    markdown = index_markdown(reports, title=project.settings.site.title)
    page = project.output / "index.html"
    stamp = digest([markdown, theme_digest(theme)])
    if _is_current(page, project.cache / _STAMP, stamp):
        return False
    from trainer.convert import to_html

    content = to_html(markdown, theme=theme, shown="output/index.html").content
    changed = write_atomic(page, content)
    write_atomic(project.cache / _STAMP, pretty({"made_from": stamp, "page": digest_bytes(content.encode())}))
    return changed


def _is_current(page: Path, stamp: Path, made_from: str) -> bool:
    """Whether the page is what was last written, from the same reports and theme."""
    try:
        known = json.loads(stamp.read_bytes())
        return bool(known == {"made_from": made_from, "page": digest_bytes(page.read_bytes())})
    except (OSError, ValueError):
        return False
