"""From one format to another, by the reader and the writer that the table of formats names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.convert.base import Dataset, Options, Reader, Writer
from trainer.convert.detect import detect_format
from trainer.convert.document import Converted, Document, parse_markdown
from trainer.convert.limits import conversion_limits
from trainer.core.errors import UsageError, unknown
from trainer.core.formats import FORMATS, READER_GROUP, WRITER_GROUP, find_output_format, format_of_suffix
from trainer.core.registry import Adapter, Registry

READERS = Registry(READER_GROUP, {item.name: item.reader for item in FORMATS.values() if item.reader})
WRITERS = Registry(WRITER_GROUP, {item.name: item.writer for item in FORMATS.values() if item.writer})
_DIRECT = Registry(
    "convert.direct",
    {
        "html to pdf": Adapter("trainer.convert.writers.pdf:write_page"),
        "text to json": Adapter("trainer.convert.writers.json:write_extracted"),
    },
)
"""Conversions without a pivot: an HTML page is printed as it is, and the JSON in an answer is looked for."""


def convert(
    content: bytes, *, source: str = "auto", target: str, shown: str = "-", options: Options | None = None
) -> Converted[Any]:
    """The content in another format; `auto` goes by the content, where the name's suffix does not say it.

    Raises UsageError for an unknown format, ConversionError where the content cannot be read or written.
    """
    options = options or Options()
    kind = _source_format(content, source, shown)
    target = find_output_format(target).name
    if kind not in READERS.names():
        message, hint = unknown("input format", kind, READERS.names())
        raise UsageError(message, hint=hint)
    if f"{kind} to {target}" in _DIRECT.table:
        converted: Converted[Any] = _DIRECT.load(f"{kind} to {target}")(content, shown=shown, options=options)
        return converted
    reader: Reader = READERS.load(kind)
    with conversion_limits():
        return write(reader(content, shown=shown, options=options), target, options)


def write(source: str | Document | Dataset, target: str, options: Options | None = None) -> Converted[Any]:
    """The document, given as such or as Markdown, or the data, in a format; raises UsageError for an unknown one."""
    writer: Writer = WRITERS.load(find_output_format(target).name)
    with conversion_limits():
        pivot = parse_markdown(source) if isinstance(source, str) else source
        return writer(pivot, options or Options())


def _source_format(content: bytes, source: str, shown: str) -> str:
    """The name of the input's format: as it was given, by the file's suffix, or by the content."""
    if source != "auto":
        return next((item.name for item in FORMATS.values() if source.lower() in item.names), source)
    by_name = format_of_suffix(Path(shown).suffix)
    return by_name.name if by_name else detect_format(content)
