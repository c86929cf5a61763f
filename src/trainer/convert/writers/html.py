"""One self-contained HTML file from a document: no script, no request, light, dark, print and phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from trainer.convert.base import Options
from trainer.convert.dates import day_of, long_date
from trainer.convert.document import Converted, Document
from trainer.convert.formulas import Formulas
from trainer.convert.furnish import Furnished, furnish
from trainer.convert.images import Images
from trainer.convert.themes import Theme, default_theme
from trainer.convert.together import kept_together
from trainer.convert.writers.body import BodyRenderer
from trainer.convert.writers.markdown import as_document
from trainer.core.errors import UsageError, Where
from trainer.core.markdown import markdown_parser
from trainer.core.readings import Dataset
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from jinja2 import Template

Medium = Literal["screen", "paper"]

_FEWEST_IN_CONTENTS = 4
_WRITTEN_BY = {"en": "written by {}", "de": "geschrieben von {}", "fr": "écrit par {}", "es": "escrito por {}"}
_SHOWN = ("date", "author", "organisation")


def write(source: Document | Dataset, options: Options) -> Converted[str]:
    """The page of a document, or only its body's HTML; data as an outline."""
    furnished = furnish(as_document(source, options), data=options.data, meta=options.meta)
    body, findings = render_body(furnished, options)
    if options.fragment:
        content = f"<h1>{body.title}</h1>\n{body.html}" if furnished.heading else body.html
        return Converted(content, findings, furnished.title)
    return Converted(render_page(furnished, body, options), findings, furnished.title)


@dataclass(frozen=True, slots=True)
class Body:
    """What a page holds."""

    title: str
    """The HTML inside the title's heading: its links, marks, formulas and notes where it is one of the document."""
    html: str


def render_body(
    furnished: Furnished, options: Options, *, medium: Medium = "screen"
) -> tuple[Body, tuple[Finding, ...]]:
    """The HTML of title and body, and what was found on the way."""
    document = furnished.document
    images = Images(options.assets, document.shown, base=options.folder)
    formulas = Formulas(document.shown, paper=medium == "paper")
    renderer = BodyRenderer(
        charts=furnished.charts,
        images=images,
        formulas=formulas,
        first_line=document.first_line,
        paper=medium == "paper",
    )
    parser = markdown_parser()
    images.line = formulas.line = document.first_line
    title = renderer.renderInline(furnished.heading, parser.options, {})
    html = renderer.render(furnished.tokens, parser.options, {})
    findings = (*document.findings, *furnished.findings, *images.findings, *formulas.findings)
    return Body(title or kept_together(escape(furnished.title, quote=False)), html), findings


def render_page(furnished: Furnished, body: Body, options: Options, *, medium: Medium = "screen") -> str:
    """The whole page by the theme's template; on paper the styles are given to the printer apart from it."""
    from markupsafe import Markup

    theme = options.theme or default_theme()
    facts = {**furnished.document.meta, **options.meta}
    title = furnished.title or "Report"
    values = {
        "title": title,
        "heading": Markup(body.title or escape(title)),  # noqa: S704  (made by BodyRenderer, which escapes)
        "subtitle": _text(facts.get("subtitle")),
        "date": _text(facts.get("date")),
        "description": _text(facts.get("description")),
        "language": furnished.language,
        "direction": furnished.direction,
        "status": _text(facts.get("status")),
        "byline": _byline(facts, furnished.language),
        "contents": furnished.headings if len(furnished.headings) >= _FEWEST_IN_CONTENTS else (),
        "meta": facts,
        "medium": medium,
        "styles": Markup(_safe_css(theme)) if medium == "screen" else "",  # noqa: S704  (closing tags are broken up)
        "body": Markup(body.html),  # noqa: S704  (made by BodyRenderer, which escapes)
    }
    return render_template(theme.template, values)


def _byline(facts: Mapping[str, Json], language: str) -> list[str]:
    """The lines of the title block, of what is known."""
    lines = [_shown(facts[key], language) for key in _SHOWN if facts.get(key)]
    if writer := _text(facts.get("written_by")):
        lines.append(_WRITTEN_BY.get(language.partition("-")[0], _WRITTEN_BY["en"]).format(writer))
    return lines


def check_template(source: str, *, shown: str) -> None:
    """Raise UsageError with its place for a template with a mistake in its syntax."""
    from jinja2 import TemplateSyntaxError

    try:
        _compiled(source, autoescape=True)
    except TemplateSyntaxError as error:
        raise UsageError(f"template: {error.message}", where=Where(shown, error.lineno)) from None


def render_template(source: str, values: Mapping[str, Any], *, shown: str = "template", autoescape: bool = True) -> str:
    """A sandboxed template filled in, its values escaped; raises UsageError with its line for a mistake in it."""
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        return _compiled(source, autoescape=autoescape).render(values)
    except TemplateSyntaxError as error:
        raise UsageError(f"template: {error.message}", where=Where(shown, error.lineno)) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise UsageError(f"template: {error}", where=Where(shown)) from None


@lru_cache(maxsize=16)
def _compiled(source: str, *, autoescape: bool) -> Template:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
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
