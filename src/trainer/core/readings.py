"""What readers take out of files: a document as Markdown, or data; and the one way to any reader of the table.

Rooms that read files call `read_file`, so that nothing in the house reads a format twice:

    reading = read_file(content, shown="sales.xlsx")
    data_of(reading)  # {"records": [{"Region": "North", "Revenue": 5}, …]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from trainer.core.cells import typed_records
from trainer.core.detect import detect
from trainer.core.errors import ConversionError, MissingExtra, UsageError, Where, unknown
from trainer.core.formats import FORMATS, READER_GROUP, format_of_suffix
from trainer.core.registry import Registry
from trainer.core.values import Finding, Json

READERS = Registry(READER_GROUP, {item.name: item.reader for item in FORMATS.values() if item.reader})
"""Every format that is read, by name; another package's come by entry points."""
_ROWS = Registry("convert.rows", {item.name: item.rows for item in FORMATS.values() if item.rows})


@dataclass(frozen=True, slots=True)
class Dataset:
    """The pivot of all data: one JSON value."""

    value: Json
    shown: str = "data.json"
    """The file's name in findings."""
    meta: Mapping[str, Json] = field(default_factory=dict)
    """What the file says of itself: `encoding`, `sheets`, `author`."""
    findings: tuple[Finding, ...] = ()
    """What was left out or is doubtful, each in words."""
    is_cells: bool = False
    """Whether it is the cells of tables, in which null is an empty one."""


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document as Markdown."""

    markdown: str
    """The body, and the front matter where the file has some of its own."""
    shown: str = "document.md"
    """The file's name in findings."""
    text: str | None = None
    """The same words as they stand in the file, where it is no markup and Markdown has to escape some."""
    meta: Mapping[str, Json] = field(default_factory=dict)
    """What the file says of itself: `title`, `author`, `created`, `pages`."""
    findings: tuple[Finding, ...] = ()
    """What was left out or is doubtful, each in words."""


Reading: TypeAlias = Dataset | DocumentText


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is read."""

    spelt: bool = False
    """Leave numbers as they are written, `1.10` and `007`: for rows of parameters, which have no type of their own."""
    encoding: str | None = None
    """Of text that is not UTF-8; None finds it out, and abstains where that is not sure."""
    path: Path | None = None
    """Where the content lies, for readers that are quicker on the file itself; None where it lies nowhere."""
    depth: int = 0
    """How many archives or messages the file lies in."""


class Reader(Protocol):
    """From the bytes of a format to what they hold; a function in a module of `convert/readers`."""

    def __call__(self, content: bytes, *, shown: str, options: ReadOptions) -> Reading:
        """The document or data in `content`; raises ConversionError with file and line where it is not that."""
        ...


class ReadFile(Protocol):
    """The signature of `read_file`, for rooms that are handed another one."""

    def __call__(self, content: bytes, *, shown: str, kind: str = "auto", options: ReadOptions = ...) -> Reading:
        """What the content holds; raises ConversionError, or UsageError for an unknown format."""
        ...


def read_file(content: bytes, *, shown: str, kind: str = "auto", options: ReadOptions | None = None) -> Reading:
    """What the content holds, by the reader of its format.

    `auto` goes by name and content together. Raises ConversionError where the content cannot be read or is of no
    format that is known for sure, UsageError for a format that has no reader.
    """
    findings: tuple[Finding, ...] = ()
    if kind == "auto":
        detection = detect(content, shown)
        if detection.kind is None:
            raise ConversionError(detection.reason, where=Where(shown), hint=detection.hint or None)
        kind = detection.kind
        if detection.reason:
            findings = (Finding("file_type", "warning", detection.reason, Where(shown), hint=detection.hint),)
    kind = format_name(kind)
    # The table first: other packages' readers are looked up in the metadata of all that is installed, 17 ms a file.
    if kind not in READERS.table and kind not in READERS.names():
        message, hint = unknown("input format", kind, READERS.names())
        raise UsageError(message, hint=hint)
    reader: Reader = READERS.load(kind)
    try:
        reading = reader(content, shown=shown, options=options or ReadOptions())
    except MissingExtra:
        raise
    except UsageError as error:  # of the readers of JSON and YAML that all rooms share: here the file is at fault
        raise ConversionError(error.message, where=error.where, hint=error.hint, problems=error.problems) from None
    except RecursionError:
        raise ConversionError("nested too deeply", where=Where(shown)) from None
    return replace(reading, findings=(*findings, *reading.findings)) if findings else reading


def has_rows(kind: str) -> bool:
    """Whether a format's files can be read record by record, however large they are."""
    return kind in _ROWS.table


def read_rows(path: Path, *, shown: str, kind: str) -> Iterator[dict[str, Json]]:
    """The records of a file one after the other, as `read_file` would give them, in bounded memory.

    Raises ConversionError with the line where the file is not what its format says; records before it were given.
    """
    try:
        yield from _ROWS.load(kind)(path, shown)
    except UsageError as error:
        raise ConversionError(error.message, where=error.where, hint=error.hint, problems=error.problems) from None


def format_name(name: str) -> str:
    """The name in the table of a format that goes by several; other names as they are."""
    return next((item.name for item in FORMATS.values() if name.lower() in item.names), name)


def is_readable(name: str) -> bool:
    """Whether a file's name says that one of our own readers takes it."""
    item = format_of_suffix(Path(name).suffix)
    return item is not None and item.reader is not None


def data_of(reading: Reading, *, spelt: bool = False) -> dict[str, Json]:
    """What a reading holds as a mapping, for prompts, checks and stores.

    A list becomes `records`, a single value `value`; a document the entries of its front matter, what the file says
    of itself, its `text` as Markdown, and its `tables`, each with the heading above it as `title`, and its `records`.
    Raises UsageError for front matter that cannot be told from text.
    """
    if isinstance(reading, Dataset):
        value = reading.value
        if isinstance(value, dict):
            return value
        return {"records": value} if isinstance(value, list) else {"value": value}
    from trainer.core.frontmatter import split_front_matter  # YAML, which data need not pay for

    parts = split_front_matter(reading.markdown, shown=reading.shown)
    if parts.slip is not None:
        raise UsageError(parts.slip.message, where=parts.slip.where, hint=parts.slip.hint)
    if parts.front is not None and parts.front.value and not parts.front.places:  # read line by line for want of YAML
        hint = "quote values that hold : or #"
        raise UsageError("front matter that is not valid YAML", where=Where(reading.shown, 1), hint=hint)
    front = (parts.meta if spelt else parts.front.value) if parts.front else {}
    tables = _tables(parts.body) if "\n| ---" in parts.body or reading.text is None else []
    text = parts.body if reading.text is None else reading.text
    return {**reading.meta, **front, "text": text.strip(), **({"tables": tables} if tables else {})}


def _tables(markdown: str) -> list[Json]:
    from trainer.core.markdown import read_markdown  # 50 ms of CPU that other files need not pay

    tables: list[Json] = []
    for block in read_markdown(markdown).blocks:
        if block.table is not None:
            header, *body = [
                [cell.text.replace("\\|", "|") for cell in row] for row in (block.table.header, *block.table.rows)
            ]
            rows = [(row + [""] * len(header))[: len(header)] for row in body]
            title = block.headings[-1] if block.headings else ""
            tables.append({"title": title, "records": typed_records(header, rows)})
    return tables
