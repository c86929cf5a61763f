"""From one format to another, by the reader and the writer that the table of formats names."""

from __future__ import annotations

from pathlib import Path

from trainer.convert.base import Dataset, Options
from trainer.convert.detect import detect_format
from trainer.convert.document import Converted, Document
from trainer.core.errors import UsageError, unknown
from trainer.core.formats import FORMATS, READER_GROUP, WRITER_GROUP, find_output_format, format_of_suffix
from trainer.core.registry import Registry

READERS = Registry(READER_GROUP, {item.name: item.reader for item in FORMATS.values() if item.reader})
WRITERS = Registry(WRITER_GROUP, {item.name: item.writer for item in FORMATS.values() if item.writer})


def convert(
    content: bytes, *, source: str = "auto", target: str, shown: str = "-", options: Options | None = None
) -> Converted[str] | Converted[bytes]:
    """The content in another format; `auto` goes by the content, where the name's suffix does not say it.

    Raises UsageError for an unknown format, ConversionError where the content cannot be read or written.
    """
    options = options or Options()
    kind = _source_format(content, source, shown)
    target = find_output_format(target).name
    if kind not in READERS.names():
        message, hint = unknown("input format", kind, READERS.names())
        raise UsageError(message, hint=hint)
    reader, writer = READERS.load(kind), WRITERS.load(target)
    if (kind, target) == ("text", "json"):
        return _extracted(content, shown, options)
    if (kind, target) == ("html", "pdf"):
        return _printed(content, shown, options)
    pivot: Document | Dataset = reader(content, shown=shown, options=options)
    made: Converted[str] | Converted[bytes] = writer(pivot, options=options)
    return made


def _source_format(content: bytes, source: str, shown: str) -> str:
    """The name of the input's format: as it was given, by the file's suffix, or by the content."""
    if source != "auto":
        return next((item.name for item in FORMATS.values() if source.lower() in item.names), source)
    by_name = format_of_suffix(Path(shown).suffix)
    return by_name.name if by_name else detect_format(content)


def _extracted(content: bytes, shown: str, options: Options) -> Converted[str]:
    """The JSON in a free text."""
    from trainer.convert.writers.json import write_extracted

    return write_extracted(content.decode("utf-8-sig", "replace"), shown=shown, schema=options.schema)


def _printed(content: bytes, shown: str, options: Options) -> Converted[bytes]:
    """An HTML page as it is, on paper."""
    from trainer.convert.writers.pdf import html_to_pdf, pool_of

    with pool_of(options) as pool:
        return html_to_pdf(content.decode("utf-8-sig", "replace"), pool=pool, theme=options.theme, shown=shown)
