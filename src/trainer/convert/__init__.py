"""Documents and data from one format into another: Markdown, HTML, PDF, DOCX, LaTeX, JSON and text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.detect import detect_format
from trainer.core.face import face
from trainer.core.readings import Dataset

if TYPE_CHECKING:
    from trainer.convert.base import MACHINE_FINDINGS, Former, Options
    from trainer.convert.converter import FormatConverter
    from trainer.convert.document import Converted, Document, parse_markdown
    from trainer.convert.formats import WRITERS, convert, write
    from trainer.convert.jsontext import Extraction, JsonCandidate, extract_json
    from trainer.convert.outline import json_to_markdown, markdown_to_json
    from trainer.convert.pdf import PdfPool, missing_libraries
    from trainer.convert.repair import Repair, Repaired, repair_markdown
    from trainer.convert.themes import CONVERTER_VERSION, Theme, default_theme, load_theme, theme_digest
    from trainer.convert.writers.html import check_template

__all__ = [
    "CONVERTER_VERSION",
    "MACHINE_FINDINGS",
    "WRITERS",
    "Converted",
    "Dataset",
    "Document",
    "Extraction",
    "FormatConverter",
    "Former",
    "JsonCandidate",
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

__getattr__ = face(
    __name__,
    {
        "base": "MACHINE_FINDINGS Former Options",
        "converter": "FormatConverter",
        "document": "Converted Document parse_markdown",
        "formats": "WRITERS convert write",
        "jsontext": "Extraction JsonCandidate extract_json",
        "outline": "json_to_markdown markdown_to_json",
        "pdf": "PdfPool missing_libraries",
        "repair": "Repair Repaired repair_markdown",
        "themes": "CONVERTER_VERSION Theme default_theme load_theme theme_digest",
        "writers.html": "check_template",
    },
)
