"""Markdown: a document's source, mended; a dataset as an outline."""

from __future__ import annotations

from trainer.convert.base import Dataset, Options
from trainer.convert.document import Converted, Document, parse_markdown
from trainer.convert.outline import json_to_markdown


def write(source: Document | Dataset, options: Options) -> Converted[str]:
    """Markdown that gives the same document or data again."""
    if isinstance(source, Dataset):
        return Converted(json_to_markdown(source.value, schema=options.schema))
    return Converted(source.source, source.findings)


def as_document(source: Document | Dataset, options: Options) -> Document:
    """The source as a document, its data outlined."""
    if isinstance(source, Document):
        return source
    return parse_markdown(json_to_markdown(source.value, schema=options.schema), shown=source.shown)
