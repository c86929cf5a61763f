"""The index page and the feed over all reports, for people and for static hosting."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from trainer.convert import Options, load_theme, parse_markdown, theme_digest, write
from trainer.core.digest import digest, digest_bytes, pretty
from trainer.core.files import write_atomic
from trainer.core.project import Project
from trainer.core.secrets import mask_known
from trainer.reports import (
    GENERATOR,
    INDEX_TEMPLATE,
    Provenance,
    expand_reports,
    feed_xml,
    index_markdown,
    provenance_path,
    read_provenance,
)

_FEED = "feed.xml"
_STAMP = "index.json"
_MOST_TEXT = 2_000_000
"""Characters that the index holds of all reports for its search; with more it searches titles alone."""


def write_site(project: Project) -> bool:
    """Whether index or feed changed; they list every report that was ever built and is still configured."""
    specs = expand_reports(project.settings.reports)
    provenances = [read_provenance(provenance_path(project.output, spec.name)) for spec in specs]
    reports = [provenance for provenance in provenances if provenance is not None]
    if not reports:
        return False
    write_atomic(project.output / ".nojekyll", b"")
    feed = _feed(project, reports)
    changed = _write_feed(project.output / _FEED, feed)
    return _write_index(project, reports, has_feed=feed is not None) or changed


def _feed(project: Project, reports: Sequence[Provenance]) -> str | None:
    site = project.settings.site
    feed = feed_xml(reports, title=site.title, url=site.url) if site.url else None
    return mask_known(feed) if feed else None


def _write_feed(path: Path, feed: str | None) -> bool:
    """Whether the feed changed; one of ours goes when there is nothing to tell any more."""
    if feed is not None:
        return write_atomic(path, feed)
    if not path.is_file() or GENERATOR not in path.read_text(encoding="utf-8", errors="replace"):
        return False
    path.unlink()
    return True


def _write_index(project: Project, reports: Sequence[Provenance], *, has_feed: bool) -> bool:
    templates = project.information / "templates"
    theme = load_theme(templates=templates, css=project.information / "css", template=_template(templates))
    markdown = mask_known(index_markdown(reports, title=project.settings.site.title))
    texts = [_words(project.output / "report" / f"{report.report}.md") for report in reports]
    meta: dict[str, object] = {"feed": _FEED} if has_feed else {}
    meta |= {"texts": texts} if sum(map(len, texts)) <= _MOST_TEXT else {}
    page = project.output / "index.html"
    stamp = digest([markdown, meta, theme_digest(theme)])
    if _is_current(page, project.cache / _STAMP, stamp):
        return False

    document = parse_markdown(markdown, shown="output/index.html")
    content: str = write(document, "html", Options(theme=theme, meta=meta)).content
    changed = write_atomic(page, content)
    write_atomic(project.cache / _STAMP, pretty({"made_from": stamp, "page": digest_bytes(content.encode())}))
    return changed


def _words(path: Path) -> str:
    """The words of a report's Markdown, each once, for the search of the index."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return mask_known(" ".join(sorted(set(re.findall(r"[^\W\d_]{3,}", text.casefold())))))


def _template(templates: Path) -> Path:
    """The project's own template of the index, else its own of reports, else ours with its search."""
    own = (templates / name for name in ("index.html", "report.html"))
    return next((path for path in own if path.is_file()), INDEX_TEMPLATE)


def _is_current(page: Path, stamp: Path, made_from: str) -> bool:
    """Whether the page is what was last written, from the same reports and theme."""
    try:
        stamped = json.loads(stamp.read_bytes())
        return bool(stamped == {"made_from": made_from, "page": digest_bytes(page.read_bytes())})
    except (OSError, ValueError):
        return False
