"""The index page over all reports, for people and for static hosting."""

from __future__ import annotations

from trainer.core.files import write_atomic
from trainer.core.project import Project
from trainer.reports import expand_reports, index_markdown, provenance_path, read_provenance


def write_index(project: Project) -> bool:
    """Whether `output/index.html` changed; it lists every report that was ever built and is still configured."""
    from trainer.convert import load_theme, to_html

    specs = expand_reports(project.settings.reports)
    found = [read_provenance(provenance_path(project.output, spec.name)) for spec in specs]
    reports = [provenance for provenance in found if provenance is not None]
    if not reports:
        return False
    information = project.information
    theme = load_theme(templates=information / "templates", css=information / "css")
    page = to_html(index_markdown(reports, title=project.settings.site.title), theme=theme, shown="output/index.html")
    return write_atomic(project.output / "index.html", page.content)
