"""The formats: one line each; those of other packages come by entry points `trainer.convert.readers|writers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.convert.base import Dataset, Options
from trainer.convert.detect import detect_format
from trainer.convert.document import Converted, Document
from trainer.core.errors import UsageError, unknown
from trainer.core.registry import Adapter, Registry

READERS = Registry(
    "convert.readers",
    {
        "csv": Adapter("trainer.convert.readers.data:read_csv"),
        "html": Adapter("trainer.convert.readers.html:read"),
        "json": Adapter("trainer.convert.readers.data:read_json"),
        "jsonl": Adapter("trainer.convert.readers.data:read_jsonl"),
        "markdown": Adapter("trainer.convert.readers.markdown:read"),
        "text": Adapter("trainer.convert.readers.text:read"),
        "yaml": Adapter("trainer.convert.readers.data:read_yaml"),
    },
)

WRITERS = Registry(
    "convert.writers",
    {
        "asciidoc": Adapter("trainer.convert.writers.pandoc:asciidoc"),
        "docbook": Adapter("trainer.convert.writers.pandoc:docbook"),
        "docx": Adapter("trainer.convert.writers.docx:write"),
        "epub": Adapter("trainer.convert.writers.pandoc:epub"),
        "html": Adapter("trainer.convert.writers.html:write"),
        "json": Adapter("trainer.convert.writers.json:write"),
        "latex": Adapter("trainer.convert.writers.latex:write"),
        "markdown": Adapter("trainer.convert.writers.markdown:write"),
        "mediawiki": Adapter("trainer.convert.writers.pandoc:mediawiki"),
        "odt": Adapter("trainer.convert.writers.pandoc:odt"),
        "org": Adapter("trainer.convert.writers.pandoc:org"),
        "pdf": Adapter("trainer.convert.writers.pdf:write"),
        "rst": Adapter("trainer.convert.writers.pandoc:rst"),
        "rtf": Adapter("trainer.convert.writers.pandoc:rtf"),
        "text": Adapter("trainer.convert.writers.text:write"),
    },
)

SUFFIXES = {
    ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html", ".json": "json", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".txt": "text", ".yaml": "yaml", ".yml": "yaml", ".csv": "csv", ".tsv": "csv", ".pdf": "pdf",
    ".tex": "latex", ".docx": "docx", ".adoc": "asciidoc", ".epub": "epub", ".odt": "odt", ".org": "org",
    ".rst": "rst", ".rtf": "rtf",
}  # fmt: skip
"""The format that a file's suffix names."""

ENDINGS = {
    "markdown": ".md",
    "latex": ".tex",
    "text": ".txt",
    "asciidoc": ".adoc",
    "docbook": ".xml",
    "mediawiki": ".wiki",
}
"""The suffix of a format whose name is not its suffix."""


def convert(
    content: bytes, *, source: str = "auto", target: str, shown: str = "-", options: Options | None = None
) -> Converted[str] | Converted[bytes]:
    """The content in another format; `auto` goes by the content, where the name's suffix does not say it.

    Raises UsageError for an unknown format, ConversionError where the content cannot be read or written.
    """
    options = options or Options()
    kind = source if source != "auto" else SUFFIXES.get(Path(shown).suffix.lower()) or detect_format(content)
    reader = _named(READERS, kind, "input format")
    writer = _named(WRITERS, target, "output format")
    if (kind, target) == ("text", "json"):
        return _extracted(content, shown, options)
    if (kind, target) == ("html", "pdf"):
        return _printed(content, shown, options)
    pivot: Document | Dataset = reader(content, shown=shown, options=options)
    made: Converted[str] | Converted[bytes] = writer(pivot, options=options)
    return made


def _named(registry: Registry, name: str, what: str) -> Any:
    if name not in registry.names():
        message, hint = unknown(what, name, registry.names())
        raise UsageError(message, hint=hint)
    return registry.load(name)


def _extracted(content: bytes, shown: str, options: Options) -> Converted[str]:
    """The JSON in a free text."""
    from trainer.convert.writers.json import write_extracted

    return write_extracted(content.decode("utf-8-sig", "replace"), shown=shown, schema=options.schema)


def _printed(content: bytes, shown: str, options: Options) -> Converted[bytes]:
    """An HTML page as it is, on paper."""
    from trainer.convert.writers.pdf import html_to_pdf, pool_of

    with pool_of(options) as pool:
        return html_to_pdf(content.decode("utf-8-sig", "replace"), pool=pool, theme=options.theme, shown=shown)
