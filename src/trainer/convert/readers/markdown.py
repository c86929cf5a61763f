"""Markdown, mended where a model left faults in it."""

from __future__ import annotations

from dataclasses import replace

from trainer.convert.base import Options
from trainer.convert.document import Document, parse_markdown
from trainer.convert.readers.text import decoded
from trainer.convert.repair import repair_markdown
from trainer.core.errors import ConversionError, Where
from trainer.core.values import Finding


def read(content: bytes, *, shown: str, options: Options) -> Document:  # noqa: ARG001  (the seam's signature)
    """The document in UTF-8 Markdown, with a note for each repair."""
    try:
        repaired = repair_markdown(decoded(content, shown))
    except ConversionError as error:  # a repair knows lines, and no file
        where = error.where and replace(error.where, path=shown)
        raise ConversionError(error.message, where=where, hint=error.hint) from None
    notes = [
        Finding(f"repair.{repair.kind}", "note", repair.message, Where(shown, repair.line))
        for repair in repaired.repairs
    ]
    document = parse_markdown(repaired.text, shown=shown)
    return replace(document, findings=(*notes, *document.findings))
