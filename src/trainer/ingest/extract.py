"""From a file to all that it holds: type, words, what it says of itself, and its tables with typed columns."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from trainer.convert.readers.archive import archive_members
from trainer.convert.readers.encoding import Decoded, decode
from trainer.core.errors import ConversionError, TrainerError, Where
from trainer.core.formats import FORMATS
from trainer.core.readings import DocumentText, Reading, ReadOptions, data_of, read_file
from trainer.core.values import Finding, Json
from trainer.ingest.code import describe_code
from trainer.ingest.columns import profile_records
from trainer.ingest.delimited import read_delimited, without_duplicates
from trainer.ingest.images import describe_image
from trainer.ingest.large import LARGE, load_csv, load_jsonl, load_parquet
from trainer.ingest.media import describe_media
from trainer.ingest.sniff import PROBED, sniff
from trainer.ingest.values import ExtractedTable, FileExtract, FileType

LARGEST = 256_000_000
"""Bytes of a file that has to be held as a whole; tables may be as large as the disk."""
_DEEPEST = 3
"""Archives inside each other."""
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+)$", re.MULTILINE)
_ITEM = re.compile(
    r"^(?:\*\*)?((?:PART|ITEM|ARTICLE|SECTION|CHAPTER)[ \u00a0]+(?:\d+[A-Z]?|[IVX]+)\b[^\n|]{0,100})",
    re.MULTILINE | re.IGNORECASE,
)
"""What numbered sections begin with, in filings and contracts that mark headings by bold letters alone."""
_MOST_HEADINGS = 200
_STREAMED = frozenset(("csv", "tsv", "jsonl", "parquet"))
_ARCHIVES = frozenset(("zip", "tar"))


@dataclass(frozen=True, slots=True)
class _Source:
    """A file on its way."""

    shown: str
    digest: str
    size: int
    type: FileType
    content: bytes
    path: Path | None
    """Where it lies; None for the member of an archive."""
    depth: int = 0


def extract_file(path: Path, shown: str, *, tables: Path) -> FileExtract:
    """What the file holds; one that cannot be read says why in `error`, and nothing is raised.

    Rows of tables of more than `LARGE` bytes go to Parquet files in the folder `tables`, named by content.
    """
    try:
        size, digest, head = _digest(path)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        return FileExtract(shown, "", 0, FileType(None, None, 0.0, reason), error=reason)
    kind = sniff(head, path.name)
    if kind.kind in _STREAMED and size >= LARGE:
        return _guarded(_Source(shown, digest, size, kind, head, path), lambda source: _streamed(source, tables))
    if size > LARGEST:
        reason, hint = f"larger than {LARGEST // 1_000_000} MB", "split it, or save its tables as CSV or Parquet"
        return FileExtract(shown, digest, size, kind, error=reason, hint=hint)
    content = head if size <= len(head) else path.read_bytes()
    return extract_content(content, shown, path=path, digest=digest, file_type=kind)


def extract_content(
    content: bytes,
    shown: str,
    *,
    path: Path | None = None,
    digest: str = "",
    file_type: FileType | None = None,
    depth: int = 0,
) -> FileExtract:
    """What the bytes of a file hold; `path` is where they lie, if anywhere."""
    digest = digest or hashlib.sha256(content).hexdigest()
    kind = file_type or sniff(content[:PROBED], PurePath(shown).name)
    source = _Source(shown, digest, len(content), kind, content, path, depth)
    if kind.kind is None:
        return FileExtract(
            shown, digest, len(content), kind, error=kind.reason or "of no type that is known", hint=kind.hint
        )
    return _guarded(source, _EXTRACTORS.get(kind.kind, _document))


def _guarded(source: _Source, extract: Callable[[_Source], FileExtract]) -> FileExtract:
    """What an extractor gives, and its error as a value: no file stops the others."""
    try:
        return extract(source)
    except TrainerError as error:
        return _failed(source, error.message, error.hint or "", error.where)
    except MemoryError:
        return _failed(source, "takes more memory than a file may", "split it")
    except Exception as error:  # a reader's own fault on a hostile file must not stop the others
        return _failed(
            source, f"cannot be read: {error.__class__.__name__}: {error}"[:300], "save it again, or report it"
        )


def _failed(source: _Source, reason: str, hint: str, where: Where | None = None) -> FileExtract:
    place = f"line {where.line}: " if where is not None and where.line else ""
    return FileExtract(source.shown, source.digest, source.size, source.type, error=f"{place}{reason}", hint=hint)


def _result(source: _Source, **parts: object) -> FileExtract:
    return FileExtract(source.shown, source.digest, source.size, source.type, **parts)  # type: ignore[arg-type]


def _code(source: _Source) -> FileExtract:
    decoded = decode(source.content, source.shown)
    about = describe_code(decoded.text, source.type.language)
    data = {**about, "text": decoded.text}
    return _result(source, text=decoded.text, meta=about, data=data, findings=decoded.findings)


def _image(source: _Source) -> FileExtract:
    about = describe_image(source.content, source.shown)
    return _result(source, meta=about, data=about, title=_title_of(about.get("exif")))


def _media(source: _Source) -> FileExtract:
    about = describe_media(source.content)
    return _result(source, meta=about, data=about, title=_title_of(about))


def _title_of(about: Json) -> str:
    names = ("title", "ImageDescription", "XPTitle")
    return next((str(about[name]) for name in names if about.get(name)), "") if isinstance(about, dict) else ""


def _delimited(source: _Source) -> FileExtract:
    decoded = _decoded(source)
    delimiter = "\t" if source.type.kind == "tsv" else None
    stem = PurePath(source.shown).stem
    # DuckDB reads the file itself, which it can where it is UTF-8
    path = source.path if decoded.encoding == "utf-8" else None
    tables, vote = read_delimited(decoded.text, stem, path=path, delimiter=delimiter)
    if not tables:
        raise ConversionError("no rows", where=Where(source.shown))
    if decoded.findings:  # a guessed encoding: a person should see it before rows are filed
        tables = [replace(table, confidence=min(table.confidence, 0.85)) for table in tables]
    dialect = vote.dialect
    about: dict[str, Json] = {
        "encoding": decoded.encoding, "delimiter": dialect.delimiter, "quote": dialect.quote,
        "agreement": vote.agreement,
    }  # fmt: skip
    notes: list[Json] = [note for table in tables for note in table.notes]
    return _result(
        source, text=_sound(decoded.text), meta=about, tables=tuple(tables), findings=decoded.findings,
        data=_stored_tables(tables, notes), title=str(notes[0]) if notes else "",
    )  # fmt: skip


def _decoded(source: _Source) -> Decoded:
    """The text of a file; bytes that are no text become marks, so that only their rows are kept out."""
    try:
        return decode(source.content, source.shown)
    except ConversionError as error:
        text = source.content.decode("utf-8-sig", "surrogateescape")
        if len(re.findall("[\udc80-\udcff]", text)) > max(3, len(text) // 1000) or "\0" in text:
            raise
        finding = Finding("encoding", "warning", error.message, error.where, hint=error.hint or "")
        return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"), "utf-8", (finding,))


def _sound(text: str) -> str:
    """The text with marks in place of bytes that are none."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _stored_tables(tables: list[ExtractedTable], notes: list[Json]) -> dict[str, Json]:
    if len(tables) == 1:
        stored: dict[str, Json] = {"records": [dict(record) for record in tables[0].records or ()]}
    else:
        stored = {
            "tables": [
                {"title": table.name, "records": [dict(record) for record in table.records or ()]} for table in tables
            ]
        }
    return {**stored, "notes": notes} if notes else stored


def _streamed(source: _Source, folder: Path) -> FileExtract:
    """A large table: its rows stay in a Parquet file, what is stored says where."""
    path, kind = source.path, source.type.kind
    assert path is not None
    target = folder / f"{source.digest}.parquet"
    if kind == "parquet":
        table = load_parquet(path, shown=source.shown)
    elif kind == "jsonl":
        table = load_jsonl(path, target, shown=source.shown)
    else:
        encoding = _encoding_of(source)
        table = load_csv(path, target, shown=source.shown, encoding=encoding, delimiter="\t" if kind == "tsv" else None)
    table = replace(table, name=PurePath(source.shown).stem)
    about: dict[str, Json] = {
        "rows": table.rows, "data": table.path, "columns": [column.name for column in table.columns],
    }  # fmt: skip
    return _result(source, meta=about, tables=(table,), data=about)


def _encoding_of(source: _Source) -> str:
    """The encoding of a large file by its first megabytes, cut where a line ends."""
    try:
        return decode(source.content[: source.content.rfind(b"\n") + 1], source.shown).encoding
    except ConversionError:
        if source.content.decode("utf-8", "replace").count("\ufffd") > 1 + len(source.content) // 1000:
            raise
        return "utf-8"


def _archive(source: _Source) -> FileExtract:
    if source.depth >= _DEEPEST:
        raise ConversionError(f"more than {_DEEPEST} archives inside one another", where=Where(source.shown))
    members = tuple(
        extract_content(body, f"{source.shown}!/{name}", depth=source.depth + 1)
        for name, body in archive_members(source.content, source.shown)
    )
    if not members:
        raise ConversionError("no file in it", where=Where(source.shown))
    data: dict[str, Json] = {"files": [member.file.rpartition("!/")[2] for member in members]}
    return _result(source, meta=data, data=data, members=members)


def _document(source: _Source) -> FileExtract:
    """By the one table of readers."""
    assert source.type.kind is not None
    # markup that nothing here reads, as reStructuredText, is read as the text that it is
    kind = source.type.kind if FORMATS[source.type.kind].reader else "text"
    reading = read_file(source.content, shown=source.shown, kind=kind, options=ReadOptions(path=source.path))
    data = data_of(reading)
    if isinstance(reading, DocumentText):
        text = str(data.get("text", ""))
        lines = (match[1] for match in _HEADING.finditer(reading.markdown))
        headings = tuple((line.rstrip(" \t#") or line[0]).strip() for line in lines)[:_MOST_HEADINGS]
        headings = headings or tuple(dict.fromkeys(match[1].strip() for match in _ITEM.finditer(text)))[:_MOST_HEADINGS]
        title = str(data.get("title") or data.get("subject") or (headings[0] if headings else ""))
    else:
        text, headings, title = _words(reading.value), (), str(reading.meta.get("title") or "")
    tables = tuple(_table(name, records) for name, records in _record_lists(reading, data))
    return _result(
        source, text=text, title=title[:300], headings=headings, meta=dict(reading.meta), data=data, tables=tables,
        findings=reading.findings,
    )  # fmt: skip


def _record_lists(reading: Reading, data: Mapping[str, Json]) -> Iterator[tuple[str, list[dict[str, Json]]]]:
    """The lists of records that a reading holds, by name."""
    if isinstance(reading, DocumentText):
        for number, table in enumerate(data.get("tables") or (), 1):
            if isinstance(table, dict) and _are_records(table.get("records")):
                yield str(table.get("title") or f"table {number}"), table["records"]
        return
    stem = PurePath(reading.shown).stem
    value = reading.value
    for name, part in value["sheets"].items() if isinstance(value, dict) and "sheets" in value else [(stem, value)]:
        if _are_records(part):
            yield str(name), part
        elif isinstance(part, dict) and _are_records(part.get("records")):
            yield str(name), part["records"]
        elif isinstance(part, dict):
            yield from ((str(key), inner) for key, inner in part.items() if _are_records(inner) and len(inner) > 1)


def _are_records(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(record, dict) for record in value)


def _table(name: str, records: list[dict[str, Json]]) -> ExtractedTable:
    profiles = profile_records(records)
    loaded = without_duplicates(records, profiles)
    return ExtractedTable(
        name, profiles, len(loaded), duplicates=len(records) - len(loaded), rows_in=len(records), records=tuple(loaded)
    )


def _words(value: Json) -> str:
    """All names and values of data, one a line."""
    out = io.StringIO()

    def write(part: Json) -> None:
        if isinstance(part, dict):
            for key, inner in part.items():
                out.write(f"{key}\n")
                write(inner)
        elif isinstance(part, list):
            for inner in part:
                write(inner)
        elif part is not None:
            out.write(f"{part}\n")

    write(value)
    return out.getvalue()


def _digest(path: Path) -> tuple[int, str, bytes]:
    """The size of a file, the SHA-256 of its bytes, and its first megabytes; raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        head = file.read(PROBED)
        piece = head
        while piece:
            digest.update(piece)
            size += len(piece)
            piece = file.read(1 << 20)
    return size, digest.hexdigest(), head


_EXTRACTORS: Mapping[str, Callable[[_Source], FileExtract]] = {
    "code": _code, "image": _image, "media": _media, "csv": _delimited, "tsv": _delimited,
    **dict.fromkeys(_ARCHIVES, _archive),
}  # fmt: skip
