"""A theme: the page's template and stylesheets; a project's own files of the same names take the built-in's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from trainer.core.digest import digest, digest_bytes
from trainer.core.files import read_text

CONVERTER_VERSION = 5
"""Raised whenever the same document and theme would give other bytes than before."""

BUILT_IN = Path(__file__).parent / "theme"


@dataclass(frozen=True, slots=True)
class Theme:
    """All that decides how a page looks."""

    template: str
    """Jinja2 source of the page."""
    screen: str
    """CSS of the HTML file: light, dark, phone, and printing from a browser."""
    paper: str
    """CSS of the PDF: fonts, page size and furniture."""
    extra: str = ""
    """CSS of the project, after the theme's own."""
    page_size: str = "A4"


def load_theme(
    *,
    templates: Path | None = None,
    css: Path | None = None,
    template: Path | None = None,
    styles: Sequence[Path] = (),
    page_size: str = "A4",
) -> Theme:
    """The built-in theme, with `report.html` of `templates` and `report.css`, `paper.css` of `css` in its place.

    `template` names a template of its own; `styles` and all other files in `css` are added after the theme's.
    """
    extra = [path for path in sorted(css.glob("*.css")) if path.name not in _PARTS] if css and css.is_dir() else []
    extra += [path for path in styles if path not in extra and path.is_file()]
    return Theme(
        read_text(template) if template and template.is_file() else _part("report.html", templates),
        _part("report.css", css),
        _part("paper.css", css),
        "\n".join(read_text(path) for path in extra),
        page_size,
    )


_PARTS = ("report.css", "paper.css")


@lru_cache(maxsize=1)
def default_theme() -> Theme:
    """The built-in theme on A4."""
    return load_theme()


def theme_digest(theme: Theme) -> str:
    """The digest of all that can change an output without its document changing: theme, fonts and converter."""
    return digest([CONVERTER_VERSION, theme, font_digests()])


@lru_cache(maxsize=1)
def font_digests() -> list[list[str]]:
    """Name and digest of each font that comes with the package."""
    return [[path.name, digest_bytes(path.read_bytes())] for path in sorted((BUILT_IN / "fonts").glob("*.ttf"))]


def _part(name: str, folder: Path | None) -> str:
    own = folder / name if folder else None
    return read_text(own if own and own.is_file() else BUILT_IN / name)
