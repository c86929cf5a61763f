"""From one format to another, by the reader and the writer that the table of formats names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from trainer.convert.base import Options, Writer
from trainer.convert.document import Converted, Document, parse_markdown
from trainer.convert.limits import conversion_limits
from trainer.core.detect import detect
from trainer.core.errors import ConversionError
from trainer.core.formats import FORMATS, WRITER_GROUP, find_output_format
from trainer.core.readings import Dataset, Reading, format_name, read_file
from trainer.core.registry import Adapter, Registry

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
    target = find_output_format(target).name
    kind = format_name(source) if source != "auto" else detect(content, shown).kind
    if f"{kind} to {target}" in _DIRECT.table:
        converted: Converted[Any] = _DIRECT.load(f"{kind} to {target}")(content, shown=shown, options=options)
        return converted
    with conversion_limits():
        try:
            reading = read_file(content, shown=shown, kind=source, options=options.reading)
        except ConversionError as error:
            if kind not in ("json", "jsonl") or error.hint:
                raise
            hint = "to mend what a model wrote, read it as text: -f text -t json"
            raise ConversionError(error.message, where=error.where, hint=hint, problems=error.problems) from None
        converted = write(pivot_of(reading), target, options)
    findings = reading.findings if isinstance(reading, Dataset) else ()  # those of a document its writer has told
    return replace(converted, findings=(*findings, *converted.findings)) if findings else converted


def pivot_of(reading: Reading) -> Document | Dataset:
    """What a reader took out of a file as writers take it."""
    if isinstance(reading, Dataset):
        return reading
    markdown = reading.markdown
    if reading.meta:  # what the file says of itself; JSON is YAML too
        lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in reading.meta.items()]
        markdown = "\n".join(["---", *lines, "---", "", markdown])
    document = parse_markdown(markdown, shown=reading.shown)
    return replace(document, findings=(*reading.findings, *document.findings))


def write(source: str | Document | Dataset, target: str, options: Options | None = None) -> Converted[Any]:
    """The document, given as such or as Markdown, or the data, in a format; raises UsageError for an unknown one."""
    writer: Writer = WRITERS.load(find_output_format(target).name)
    with conversion_limits():
        pivot = parse_markdown(source) if isinstance(source, str) else source
        return writer(pivot, options or Options())
