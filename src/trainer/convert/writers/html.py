"""One self-contained HTML file from a document: no script, no request, light, dark, print and phone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trainer.convert.base import Dataset, Options
from trainer.convert.collector import rare_collections
from trainer.convert.dates import day_of, long_date
from trainer.convert.document import Converted, Document, parse_markdown
from trainer.convert.formulas import Formulas
from trainer.convert.furnish import Furnished, furnish
from trainer.convert.images import Images
from trainer.convert.themes import Theme, default_theme
from trainer.convert.writers.body import BodyRenderer
from trainer.convert.writers.markdown import as_document
from trainer.core.errors import UsageError, Where
from trainer.core.markdown import markdown_parser
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from jinja2 import Template

Medium = Literal["screen", "paper"]

_FEWEST_IN_CONTENTS = 4
_SHOWN = ("date", "author", "organisation")


def to_html(
    markdown: str | Document,
    *,
    data: Mapping[str, Json] | None = None,
    theme: Theme | None = None,
    fragment: bool = False,
    meta: Mapping[str, Json] | None = None,
    assets: Path | None = None,
    folder: Path | None = None,
    shown: str = "document.md",
) -> Converted[str]:
    """A page, or only its body's HTML; `data` resolves charts.

    `assets` is the folder that pictures may come from, `folder` the one inside it that their names are relative to.
    `meta` overrides the front matter; `shown` names the file in findings.
    """
    with rare_collections():
        document = markdown if isinstance(markdown, Document) else parse_markdown(markdown, shown=shown)
        furnished = furnish(document, data=data or {})
        body, findings = render_body(furnished, assets=assets, folder=folder)
    if fragment:
        title = "" if "title" in document.meta or not furnished.title else f"<h1>{_escaped(furnished.title)}</h1>\n"
        return Converted(title + body, findings, furnished.title)
    page = render_page(furnished, body, theme=theme or default_theme(), meta=meta or {}, medium="screen")
    return Converted(page, findings, furnished.title)


def write(source: Document | Dataset, *, options: Options) -> Converted[str]:
    """The page of a document, or of data as an outline."""
    return to_html(
        as_document(source, options),
        data=options.data,
        theme=options.theme,
        fragment=options.fragment,
        meta=options.meta,
        assets=options.assets,
        folder=options.folder,
    )


def render_body(
    furnished: Furnished, *, assets: Path | None, folder: Path | None = None, medium: Medium = "screen"
) -> tuple[str, tuple[Finding, ...]]:
    """The body's HTML, and what was found on the way."""
    document = furnished.document
    images = Images(assets, document.shown, base=folder)
    formulas = Formulas(document.shown, paper=medium == "paper")
    renderer = BodyRenderer(charts=furnished.charts, images=images, formulas=formulas, first_line=document.first_line)
    body = renderer.render(furnished.tokens, markdown_parser().options, {})
    return body, (*document.findings, *furnished.findings, *images.findings, *formulas.findings)


def render_page(furnished: Furnished, body: str, *, theme: Theme, meta: Mapping[str, Json], medium: Medium) -> str:
    """The whole page by the theme's template; on paper the styles are given to the printer apart from it."""
    from markupsafe import Markup

    said = {**furnished.document.meta, **meta}
    title = str(said.get("title") or furnished.title or "Report")
    language = _text(said.get("language") or said.get("lang") or "en")
    facts = {
        "title": title,
        "subtitle": _text(said.get("subtitle")),
        "date": _text(said.get("date")),
        "description": _text(said.get("description")),
        "language": language,
        "status": _text(said.get("status")),
        "byline": [_shown(said[key], language) for key in _SHOWN if said.get(key)],
        "contents": furnished.headings if len(furnished.headings) >= _FEWEST_IN_CONTENTS else (),
        "meta": said,
        "medium": medium,
        "styles": Markup(_safe_css(theme)) if medium == "screen" else "",  # noqa: S704  (closing tags are broken up)
        "body": Markup(body),  # noqa: S704  (made by BodyRenderer, which escapes)
    }
    return render_template(theme.template, facts)


def check_template(source: str, *, shown: str) -> None:
    """Raise UsageError with its place for a template with a mistake in its syntax."""
    from jinja2 import TemplateSyntaxError

    try:
        _template(source, escape=True)
    except TemplateSyntaxError as error:
        raise UsageError(f"template: {error.message}", where=Where(shown, error.lineno)) from None


def render_template(source: str, values: Mapping[str, Any], *, shown: str = "template", escape: bool = True) -> str:
    """A sandboxed template filled in, its values escaped; raises UsageError with its line for a mistake in it."""
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        return _template(source, escape=escape).render(values)
    except TemplateSyntaxError as error:
        raise UsageError(f"template: {error.message}", where=Where(shown, error.lineno)) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise UsageError(f"template: {error}", where=Where(shown)) from None


@lru_cache(maxsize=16)
def _template(source: str, *, escape: bool) -> Template:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        autoescape=escape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(source)


def _safe_css(theme: Theme) -> str:
    return f"{theme.screen}\n{theme.extra}".replace("</", "<\\/").replace("<!--", "<\\!--").strip()


def _shown(value: Json, language: str) -> str:
    """A line of the title block; a date in the language's words, with the machine's form beside it."""
    from markupsafe import Markup

    words = _text(value)
    day = day_of(words)
    return Markup('<time datetime="{}">{}</time>').format(day, long_date(words, language)) if day else words


def _text(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)


def _escaped(words: str) -> str:
    from html import escape

    return escape(words, quote=False)
