"""The formats of documents and data: one line each, which settings, reports, conversion and command line all read.

A new format is one file with a `read` or `write` function and one line here. Another package brings one by entry
points of its name in the groups `trainer.convert.readers` and `trainer.convert.writers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trainer.core.errors import UsageError, unknown
from trainer.core.registry import Adapter, Registry

READER_GROUP = "convert.readers"
WRITER_GROUP = "convert.writers"


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is read or written."""

    name: str
    """As `trainer convert --to` takes it."""
    title: str
    """As people call it."""
    suffixes: tuple[str, ...]
    """Of its files, with the dot; the first is written."""
    media_type: str
    folder: str = ""
    """Where its reports lie below `output/`; its name where nothing is said."""
    aliases: tuple[str, ...] = ()
    """Further names it goes by."""
    reader: Adapter | None = None
    writer: Adapter | None = None

    @property
    def suffix(self) -> str:
        """What its files end with when they are written."""
        return self.suffixes[0]

    @property
    def output_folder(self) -> str:
        """Where its reports lie below `output/`."""
        return self.folder or self.name

    @property
    def names(self) -> tuple[str, ...]:
        """All it goes by, its name first."""
        return (self.name, *self.aliases)


def _reader(module: str) -> Adapter:
    return Adapter(f"trainer.convert.readers.{module}")


def _writer(module: str) -> Adapter:
    return Adapter(f"trainer.convert.writers.{module}")


_TABLE = (
    Format("asciidoc", "AsciiDoc", (".adoc",), "text/asciidoc", aliases=("adoc",), writer=_writer("pandoc:asciidoc")),
    Format("csv", "CSV", (".csv", ".tsv"), "text/csv", reader=_reader("data:read_csv")),
    Format("docbook", "DocBook", (".dbk",), "application/docbook+xml", writer=_writer("pandoc:docbook")),
    Format(
        "docx",
        "Word",
        (".docx",),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        writer=_writer("docx:write"),
    ),
    Format("epub", "EPUB", (".epub",), "application/epub+zip", writer=_writer("pandoc:epub")),
    Format("html", "HTML", (".html", ".htm"), "text/html", reader=_reader("html:read"), writer=_writer("html:write")),
    # `output/json` holds the provenance of every report
    Format(
        "json",
        "JSON",
        (".json",),
        "application/json",
        folder="data",
        reader=_reader("data:read_json"),
        writer=_writer("json:write"),
    ),
    Format(
        "jsonl",
        "JSON lines",
        (".jsonl", ".ndjson"),
        "application/jsonl",
        aliases=("ndjson",),
        reader=_reader("data:read_jsonl"),
    ),
    Format("latex", "LaTeX", (".tex",), "application/x-tex", aliases=("tex",), writer=_writer("latex:write")),
    # what a model wrote and people review lies in `output/report`, whatever else is made of it
    Format(
        "markdown",
        "Markdown",
        (".md", ".markdown"),
        "text/markdown",
        folder="report",
        aliases=("md",),
        reader=_reader("markdown:read"),
        writer=_writer("markdown:write"),
    ),
    Format("mediawiki", "MediaWiki", (".wiki",), "text/x-wiki", writer=_writer("pandoc:mediawiki")),
    Format("odt", "OpenDocument", (".odt",), "application/vnd.oasis.opendocument.text", writer=_writer("pandoc:odt")),
    Format("org", "Org", (".org",), "text/org", writer=_writer("pandoc:org")),
    Format("pdf", "PDF", (".pdf",), "application/pdf", writer=_writer("pdf:write")),
    Format("rst", "reStructuredText", (".rst",), "text/x-rst", writer=_writer("pandoc:rst")),
    Format("rtf", "RTF", (".rtf",), "application/rtf", writer=_writer("pandoc:rtf")),
    Format(
        "text",
        "Text",
        (".txt",),
        "text/plain",
        aliases=("txt",),
        reader=_reader("text:read"),
        writer=_writer("text:write"),
    ),
    Format("yaml", "YAML", (".yaml", ".yml"), "application/yaml", aliases=("yml",), reader=_reader("data:read_yaml")),
)

FORMATS: Mapping[str, Format] = {item.name: item for item in _TABLE}
"""Our own formats by name."""

_BY_SPELLING = {name: item for item in _TABLE for name in item.names}
_BY_SUFFIX = {suffix: item for item in _TABLE for suffix in item.suffixes}


def find_format(name: str, *, what: str = "format") -> Format:
    """The format that goes by `name`; raises UsageError with the nearest name, or all of them, for an unknown one."""
    return _find(name, None, what)


def find_output_format(name: str, *, what: str = "output format") -> Format:
    """The format that goes by `name` and has a writer; raises UsageError for others."""
    return _find(name, "writer", what)


def format_of_suffix(suffix: str) -> Format | None:
    """The format that a file's suffix names, upper case or not; None where it names none."""
    return _BY_SUFFIX.get(suffix.lower())


def canonical_formats(names: Iterable[str]) -> tuple[str, ...]:
    """Output formats by the names of the table, each once: `md` is `markdown`. Raises UsageError for an unknown one."""
    return tuple(dict.fromkeys(find_output_format(name).name for name in names))


def output_names() -> list[str]:
    """All names that `find_output_format` knows among our own formats, sorted."""
    return sorted(name for name, item in _BY_SPELLING.items() if item.writer)


def _find(name: str, side: str | None, what: str) -> Format:
    item = _BY_SPELLING.get(name.lower())
    if item is not None and (side is None or item.writer is not None):
        return item
    # other packages are asked last: reading what is installed takes longer than everything else here
    groups = (WRITER_GROUP,) if side else (READER_GROUP, WRITER_GROUP)
    if any(name in Registry(group, {}).names() for group in groups):
        return Format(name, name, (f".{name}",), "application/octet-stream")
    message, hint = unknown(what, name, output_names() if side else sorted(_BY_SPELLING))
    listed = ", ".join(item.name for item in _TABLE if side is None or item.writer)
    raise UsageError(message, hint=hint if hint.startswith("known") else f"{hint} known: {listed}")
