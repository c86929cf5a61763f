"""Markdown: a document's source, mended; a dataset as an outline."""

from __future__ import annotations

from trainer.convert.base import Options
from trainer.convert.document import Converted, Document, parse_markdown
from trainer.convert.outline import json_to_markdown
from trainer.core.readings import Dataset


def write(source: Document | Dataset, options: Options) -> Converted[str]:
    """Markdown that gives the same document or data again."""
    if isinstance(source, Dataset):
        return Converted(json_to_markdown(source.value, schema=options.schema, blank_nulls=source.is_cells))
    return Converted(source.source, source.findings)


def as_document(source: Document | Dataset, options: Options) -> Document:
    """The source as a document, its data outlined."""
    if isinstance(source, Document):
        return source
    outline = json_to_markdown(source.value, schema=options.schema, blank_nulls=source.is_cells)
    return parse_markdown(outline, shown=source.shown)
