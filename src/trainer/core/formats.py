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
    rows: Adapter | None = None
    """From a file to its records one after the other, of which it holds few at a time."""
    binary: bool = False
    """Whether its files are something else than text."""

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


_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"

_TABLE = (
    Format("asciidoc", "AsciiDoc", (".adoc",), "text/asciidoc", aliases=("adoc",), writer=_writer("pandoc:asciidoc")),
    Format(
        "csv", "CSV", (".csv",), "text/csv", reader=_reader("delimited:read_csv"), rows=_reader("delimited:stream_csv")
    ),
    Format("docbook", "DocBook", (".dbk",), "application/docbook+xml", writer=_writer("pandoc:docbook")),
    Format(
        "docx",
        "Word",
        (".docx", ".docm", ".dotx", ".dotm"),
        f"{_OOXML}.wordprocessingml.document",
        reader=_reader("word:read"),
        writer=_writer("docx:write"),
        binary=True,
    ),
    Format("eml", "e-mail", (".eml",), "message/rfc822", reader=_reader("mail:read")),
    Format(
        "epub",
        "EPUB",
        (".epub",),
        "application/epub+zip",
        reader=_reader("epub:read"),
        writer=_writer("pandoc:epub"),
        binary=True,
    ),
    Format(
        "html",
        "HTML",
        (".html", ".htm", ".xhtml"),
        "text/html",
        reader=_reader("html:read"),
        writer=_writer("html:write"),
    ),
    # `output/json` holds the provenance of every report
    Format(
        "json",
        "JSON",
        (".json", ".geojson"),
        "application/json",
        folder="data",
        reader=_reader("structured:read_json"),
        writer=_writer("json:write"),
    ),
    Format(
        "jsonl",
        "JSON lines",
        (".jsonl", ".ndjson"),
        "application/jsonl",
        aliases=("ndjson",),
        reader=_reader("structured:read_jsonl"),
        rows=_reader("structured:jsonl_rows"),
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
    Format("mbox", "a mailbox", (".mbox",), "application/mbox", reader=_reader("mail:read_mailbox")),
    Format("mediawiki", "MediaWiki", (".wiki",), "text/x-wiki", writer=_writer("pandoc:mediawiki")),
    Format(
        "msg",
        "an Outlook message",
        (".msg",),
        "application/vnd.ms-outlook",
        reader=_reader("outlook:read"),
        binary=True,
    ),
    Format(
        "odp",
        "OpenDocument slides",
        (".odp", ".otp", ".fodp"),
        f"{_ODF}.presentation",
        reader=_reader("odf:read_slides"),
        binary=True,
    ),
    Format(
        "ods",
        "OpenDocument spreadsheet",
        (".ods", ".ots", ".fods"),
        f"{_ODF}.spreadsheet",
        reader=_reader("workbook:read_ods"),
        binary=True,
    ),
    Format(
        "odt",
        "OpenDocument",
        (".odt", ".ott", ".fodt"),
        f"{_ODF}.text",
        reader=_reader("odf:read_text"),
        writer=_writer("pandoc:odt"),
        binary=True,
    ),
    Format("org", "Org", (".org",), "text/org", writer=_writer("pandoc:org")),
    Format(
        "parquet",
        "Parquet",
        (".parquet",),
        "application/vnd.apache.parquet",
        reader=_reader("parquet:read"),
        rows=_reader("parquet:rows"),
        binary=True,
    ),
    Format(
        "pdf", "PDF", (".pdf",), "application/pdf", reader=_reader("pdf:read"), writer=_writer("pdf:write"), binary=True
    ),
    Format(
        "pptx",
        "PowerPoint",
        (".pptx", ".pptm", ".ppsx", ".potx"),
        f"{_OOXML}.presentationml.presentation",
        reader=_reader("slides:read"),
        binary=True,
    ),
    Format("rst", "reStructuredText", (".rst",), "text/x-rst", writer=_writer("pandoc:rst")),
    Format("rtf", "RTF", (".rtf",), "application/rtf", reader=_reader("rtf:read"), writer=_writer("pandoc:rtf")),
    Format(
        "tar",
        "a tar archive",
        (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".gz", ".bz2", ".xz"),
        "application/x-tar",
        reader=_reader("archive:read_tar"),
        binary=True,
    ),
    Format(
        "text",
        "Text",
        (".txt", ".text", ".log"),
        "text/plain",
        aliases=("txt",),
        reader=_reader("text:read"),
        writer=_writer("text:write"),
    ),
    Format(
        "tsv",
        "TSV",
        (".tsv", ".tab"),
        "text/tab-separated-values",
        reader=_reader("delimited:read_tsv"),
        rows=_reader("delimited:stream_tsv"),
    ),
    Format(
        "xls",
        "an Excel workbook of before 2007",
        (".xls", ".xlt"),
        "application/vnd.ms-excel",
        reader=_reader("workbook:read_xls"),
        binary=True,
    ),
    Format(
        "xlsb",
        "a binary Excel workbook",
        (".xlsb",),
        "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
        reader=_reader("workbook:read_xlsb"),
        binary=True,
    ),
    Format(
        "xlsx",
        "Excel",
        (".xlsx", ".xlsm", ".xltx", ".xltm"),
        f"{_OOXML}.spreadsheetml.sheet",
        reader=_reader("workbook:read_xlsx"),
        binary=True,
    ),
    Format("xml", "XML", (".xml", ".rss", ".atom"), "application/xml", reader=_reader("xml:read")),
    Format(
        "yaml", "YAML", (".yaml", ".yml"), "application/yaml", aliases=("yml",), reader=_reader("structured:read_yaml")
    ),
    Format("zip", "a zip archive", (".zip",), "application/zip", reader=_reader("archive:read_zip"), binary=True),
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
