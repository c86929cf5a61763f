"""A PDF from a document or from an HTML page, printed by a pool of workers."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache
from importlib.metadata import version

from trainer.convert.accessibility import lint
from trainer.convert.base import PRINT_FINDINGS, Options
from trainer.convert.document import Converted, Document
from trainer.convert.furnish import Furnished, furnish
from trainer.convert.paper import lay_out
from trainer.convert.pdf import PdfPool
from trainer.convert.themes import CONVERTER_VERSION, Theme, default_theme, font_digests
from trainer.convert.writers.html import render_body, render_page
from trainer.convert.writers.markdown import as_document
from trainer.core.digest import digest
from trainer.core.errors import Where
from trainer.core.readings import Dataset
from trainer.core.values import Finding


def write(source: Document | Dataset, options: Options) -> Converted[bytes]:
    """The PDF of a document, or of data as an outline; without a pool a worker is started for it alone.

    One that was printed before from the same page, styles, fonts and releases is taken as it is.
    """
    document = as_document(source, options)
    with pool_of(options) as pool:
        if options.former is None:
            pool.start()  # loads its libraries while the page is made
        furnished, page, findings = _page(document, options)
        styles = paper_styles(options.theme or default_theme())
        made_from = digest([CONVERTER_VERSION, _releases(), font_digests(), page, styles])
        if options.former and options.former.made_from == made_from:
            content = options.former.content
            noticed = tuple(finding for finding in options.former.findings if finding.kind in PRINT_FINDINGS)
        else:
            printed = pool.render(page, styles=styles, shown=document.shown)
            content, noticed = printed.content, tuple(_located(finding, document) for finding in printed.findings)
    return Converted(content, (*findings, *lint(furnished), *noticed), furnished.title, made_from)


@cache
def _releases() -> dict[str, str]:
    return {name: version(name) for name in ("weasyprint", "fonttools", "pydyf", "tinycss2", "tinyhtml5")}


def _page(document: Document, options: Options) -> tuple[Furnished, str, tuple[Finding, ...]]:
    """The page as the printer is given it."""
    furnished = furnish(document, data=options.data, meta=options.meta)
    furnished = replace(furnished, tokens=tuple(lay_out(furnished.tokens)))
    body, findings = render_body(furnished, options, medium="paper")
    return furnished, render_page(furnished, body, options, medium="paper"), findings


def write_page(content: bytes, *, shown: str, options: Options) -> Converted[bytes]:
    """The PDF of any HTML page; its own styles count, the theme's fonts and page furniture are added."""
    theme = options.theme or default_theme()
    html = content.decode("utf-8-sig", "replace")
    with pool_of(options) as pool:
        return pool.render(html, styles=(theme.paper, _page_size(theme)), shown=shown)


def pool_of(options: Options) -> AbstractContextManager[PdfPool]:
    """The pool that was given, left open; else one of its own."""
    return nullcontext(options.pool) if options.pool else PdfPool()


def _located(finding: Finding, document: Document) -> Finding:
    """The finding with the line on which its words stand, where the source holds them."""
    at = document.source.find(finding.text) if finding.text else -1
    if at < 0:
        return finding
    return replace(finding, where=Where(document.shown, document.source.count("\n", 0, at) + 1))


def paper_styles(theme: Theme) -> tuple[str, ...]:
    """The styles of a PDF: the theme's for all media, then those of paper, then the project's."""
    return (theme.screen, theme.paper, _page_size(theme), *([theme.extra] if theme.extra else []))


def _page_size(theme: Theme) -> str:
    size = theme.page_size
    if not size.replace(" ", "").replace(".", "").isalnum():
        size = "A4"
    return f"@page {{ size: {size} }} @page wide {{ size: {size} landscape }}"
