"""Markdown, mended where a model left faults in it."""

from __future__ import annotations

from dataclasses import replace

from trainer.convert.readers.encoding import decode
from trainer.convert.repair import repair_markdown
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import DocumentText, ReadOptions
from trainer.core.values import Finding


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:
    """The document in Markdown, with a note for each repair."""
    decoded = decode(content, shown, options.encoding)
    try:
        repaired = repair_markdown(decoded.text)
    except ConversionError as error:  # a repair knows lines, and no file
        where = error.where and replace(error.where, path=shown)
        raise ConversionError(error.message, where=where, hint=error.hint) from None
    notes = [
        Finding(f"repair.{repair.kind}", "note", repair.message, Where(shown, repair.line))
        for repair in repaired.repairs
    ]
    return DocumentText(repaired.text, shown, findings=(*decoded.findings, *notes))
