"""Documents and data from one format into another: Markdown, HTML, PDF, DOCX, LaTeX, JSON and text.

Everything is loaded on first use, so that importing this room costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.faces import lazy_face

if TYPE_CHECKING:
    from trainer.convert.base import MACHINE_FINDINGS, Former, Options
    from trainer.convert.converter import FormatConverter
    from trainer.convert.document import Converted, Document, parse_markdown
    from trainer.convert.formats import WRITERS, convert, write
    from trainer.convert.jsontext import Candidate, Extraction, extract_json
    from trainer.convert.outline import json_to_markdown, markdown_to_json
    from trainer.convert.pdf import PdfPool, missing_libraries
    from trainer.convert.repair import Repair, Repaired, repair_markdown
    from trainer.convert.themes import CONVERTER_VERSION, Theme, default_theme, load_theme, theme_digest
    from trainer.convert.writers.html import check_template
    from trainer.core.detect import detect_format
    from trainer.core.readings import Dataset

__all__ = [
    "CONVERTER_VERSION",
    "MACHINE_FINDINGS",
    "WRITERS",
    "Candidate",
    "Converted",
    "Dataset",
    "Document",
    "Extraction",
    "FormatConverter",
    "Former",
    "Options",
    "PdfPool",
    "Repair",
    "Repaired",
    "Theme",
    "check_template",
    "convert",
    "default_theme",
    "detect_format",
    "extract_json",
    "json_to_markdown",
    "load_theme",
    "markdown_to_json",
    "missing_libraries",
    "parse_markdown",
    "repair_markdown",
    "theme_digest",
    "write",
]

_HOMES = {
    "CONVERTER_VERSION": "themes",
    "Candidate": "jsontext",
    "Converted": "document",
    "Dataset": "formats",
    "Document": "document",
    "Extraction": "jsontext",
    "FormatConverter": "converter",
    "Former": "base",
    "MACHINE_FINDINGS": "base",
    "Options": "base",
    "PdfPool": "pdf",
    "Repair": "repair",
    "Repaired": "repair",
    "Theme": "themes",
    "WRITERS": "formats",
    "check_template": "writers.html",
    "convert": "formats",
    "default_theme": "themes",
    "detect_format": "converter",
    "extract_json": "jsontext",
    "json_to_markdown": "outline",
    "load_theme": "themes",
    "markdown_to_json": "outline",
    "missing_libraries": "pdf",
    "parse_markdown": "document",
    "repair_markdown": "repair",
    "theme_digest": "themes",
    "write": "formats",
}


__getattr__ = lazy_face(__name__, _HOMES)
