"""Markdown in each format, as the tests ask for it: the options as keywords."""

from __future__ import annotations

from typing import Any

from trainer.convert import Converted, Document, Options, parse_markdown, write
from trainer.convert.writers.pdf import write_page


def written(markdown: str | Document, target: str, *, shown: str = "document.md", **options: Any) -> Converted[Any]:
    document = parse_markdown(markdown, shown=shown) if isinstance(markdown, str) else markdown
    return write(document, target, Options(**options))


def to_html(markdown: str | Document, **options: Any) -> Converted[str]:
    return written(markdown, "html", **options)


def to_pdf(markdown: str | Document, **options: Any) -> Converted[bytes]:
    return written(markdown, "pdf", **options)


def to_docx(markdown: str | Document, **options: Any) -> Converted[bytes]:
    return written(markdown, "docx", **options)


def to_latex(markdown: str | Document, **options: Any) -> Converted[str]:
    return written(markdown, "latex", **options)


def html_to_pdf(html: str, **options: Any) -> Converted[bytes]:
    return write_page(html.encode(), shown="document.html", options=Options(**options))
