"""The source `file`: data that a project keeps in its own tree."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date
from functools import lru_cache
from pathlib import Path
from typing import Any

from trainer.core.clock import parse_moment
from trainer.core.digest import digest, digest_bytes
from trainer.core.errors import Problem, SourceError, Where, unknown
from trainer.core.files import FileStamp, file_stamp
from trainer.core.formats import format_of_suffix
from trainer.core.readings import READERS, Dataset, ReadOptions, data_of, has_rows, is_readable, read_rows
from trainer.core.values import Field, Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.file_formats import as_source_error, read_reading
from trainer.sources.query import QueryField, QueryFields, check_query, storage_key
from trainer.sources.together import MOST_FILES, read_together

DEFAULT_PATH = "information/data/{ticker}-{kind}.json"

_ENVELOPE = frozenset({"source", "retrieved_at", "url", "subject", "as_of", "fields", "data"})
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PATH = QueryField(
    "path",
    required=True,
    description="The file, a folder, or a pattern such as data/*.xlsx, relative to the project's root",
    example="information/data/ABBV-quote.json",
)
_ENCODING = QueryField("encoding", description="Of text that is not UTF-8 and does not say", example="cp1252")


class FileRetriever(DataRetriever):
    """Reads documents and tables of every format with a reader inside the project, and nothing outside it.

    A query names its file, a folder or a pattern by `path`, or the option `path` is filled from the query's
    other fields: so a query written
    for a live source is answered from recorded files, `information/data/{ticker}-{kind}.json` by default.
    """

    name = "file"
    local = True

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
        path: str = DEFAULT_PATH,
        max_bytes: int = 64_000_000,
        summarise_from: int = 20_000_000,
    ) -> None:
        super().__init__(data_store=data_store, context=context, ttl=ttl)
        self._template = path
        self._max_bytes = max_bytes
        self._summarise_from = summarise_from
        self._folders: dict[str, Path] = {}

    def get_schema(self) -> Schema:
        """`path`, or the fields that the configured path names; others are passed by."""
        names = ", ".join(READERS.table)
        description = f"Files of the project: {names}; {self._template} unless a path is given"
        query = (replace(_PATH, required=False), _ENCODING, *self._named())
        return Schema(self.name, description, query, extra_fields=True)

    def check(self, query: QueryFields) -> dict[str, Json]:
        """The query's `path` and `encoding`, or the fields that fill the configured one."""
        if query.get("path") or not self._named():
            return check_query(query, (_PATH, _ENCODING), source=self.name)
        fields = tuple(replace(query_field, required=True) for query_field in self._named())
        checked = check_query(query, fields, source=self.name, extra_fields=True)
        return {query_field.name: _segment(query_field.name, checked[query_field.name]) for query_field in fields}

    def key(self, query: QueryFields) -> str:
        """The storage key of the answer to `query`."""
        checked = self.check(query)
        return storage_key(self.name, checked, leading=tuple(name for name in checked if name != "encoding"))

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """What the file holds; of a folder or a pattern, what all files do.

        Files that are tables with the same columns become one list of `records`, each with its `file`; others are
        `files`, by their names. A table of more than `summarise_from` bytes or 100,000 rows is summarised.
        """
        paths, shown = self._paths(query)
        options = ReadOptions(encoding=str(query["encoding"]) if query.get("encoding") else None)
        if shown is not None:
            return self._one(paths[0], shown, options)
        files = {path.relative_to(_resolved(self.context.root)).as_posix(): path for path in paths}
        return read_together(
            list(files),
            lambda name: self._one(files[name], name, options),
            metadata={"path": str(query.get("path"))},
        )

    def fingerprint(self, query: QueryFields) -> str | None:
        """Of a single file of JSON, which depends on nothing but its bytes; None for all else."""
        checked = self.check(query)
        try:
            paths, shown = self._paths(checked)
            if shown is None or paths[0].suffix != ".json":
                return None
            content = _read(paths[0], Where(shown), self._max_bytes)
        except SourceError:
            return None
        # what begins otherwise may be of another format, whatever its name says
        if not content.startswith((b"{", b"[")):
            return None
        return digest([shown, checked.get("encoding"), digest_bytes(content)])

    def stamp(self, query: QueryFields, *, before: float) -> FileStamp | None:
        """The stamp of a single file of JSON; None for all else."""
        try:
            paths, shown = self._paths(self.check(query))
        except SourceError:
            return None
        if shown is None or not shown.endswith(".json"):
            return None
        stamp = file_stamp(paths[0], before=before)
        return stamp if stamp is not None and stamp[0] <= self._max_bytes else None

    def rows(self, query: QueryFields) -> Iterator[Mapping[str, Json]]:
        """The records of a file one after the other; of CSV, TSV, JSON Lines and Parquet, few are held at a time."""
        checked = self.check(query)
        paths, shown = self._paths(checked)
        kind = _streamed(paths[0]) if shown is not None else None
        if kind is None or shown is None or checked.get("encoding"):
            yield from super().rows(query)
            return
        _check_regular(paths[0], Where(shown))
        with as_source_error():
            yield from read_rows(paths[0], shown=shown, kind=kind)

    def _paths(self, query: Mapping[str, Json]) -> tuple[list[Path], str | None]:
        """The files that a query names; for a single one, how it is shown."""
        path = str(query["path"]) if "path" in query else _PLACEHOLDER.sub(lambda m: query[m.group(1)], self._template)
        where = Where(path)
        if "path" not in query or not ("*" in path or "?" in path):
            resolved = self._inside(path, where)
            if not resolved.is_dir():
                return [resolved], path
            candidates = (file for file in resolved.rglob("*") if is_readable(file.name))
        else:
            self._inside(path, where)
            candidates = (file for file in _resolved(self.context.root).glob(path) if file.is_file())
        root = _resolved(self.context.root)
        files = sorted(file for file in candidates if _is_plain(file, root))
        if not files:
            raise SourceError("no file that can be read", where=where, hint="see which there are: ls")
        if len(files) > MOST_FILES:
            hint = "name fewer by a pattern, or file them with: trainer ingest"
            raise SourceError(f"{len(files):,} files, more than {MOST_FILES:,}", where=where, hint=hint)
        return files, None

    def _inside(self, path: str, where: Where) -> Path:
        """The file, once it is sure that it lies inside the root, hidden files and links that lead out refused."""
        parts = path.replace("\\", "/").split("/")
        if path.startswith(("/", "~")) or ".." in parts or re.match(r"[A-Za-z]:", path) or "\0" in path:
            hint = "name a file by its path from the project's root"
            raise SourceError("outside the project", where=where, hint=hint)
        if any(part.startswith(".") and part != "." for part in parts):
            raise SourceError("a hidden file is never read as data", where=where, hint="copy it under information/data")
        try:
            resolved = self._followed(path)
            if not resolved.is_relative_to(_resolved(self.context.root)):
                raise SourceError("a link that leads out of the project", where=where, hint="copy the file instead")
        except (OSError, RuntimeError, ValueError) as error:
            raise SourceError(f"cannot be followed: {error}", where=where) from error
        return resolved

    def _followed(self, path: str) -> Path:
        """The file with all links followed; those of its folder once for all files in it, as a source lives shortly."""
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = (self.context.root / folder).resolve()
        file = self._folders[folder] / name
        return file if name not in ("", ".") and not file.is_symlink() else (self.context.root / path).resolve()

    def _one(self, path: Path, shown: str, options: ReadOptions) -> Fetched:
        where = Where(shown)
        size = _check_regular(path, where)
        kind = _streamed(path)
        if kind is not None and (size >= self._summarise_from or _has_many_rows(path, kind)):
            return _summarised(path, shown, kind)
        content = _read(path, where, self._max_bytes)
        reading = read_reading(content, shown, read=self.context.read, options=replace(options, path=path))
        attributes = {"path": shown, "bytes": len(content), "sha256": digest_bytes(content)}
        if isinstance(reading, Dataset) and _is_envelope(reading.value):
            fetched = _unwrap(reading.value, shown)
            return replace(fetched, metadata={**fetched.metadata, "file": attributes})
        with as_source_error():
            data = data_of(reading)
        title = data.get("title")
        return Fetched(
            data,
            subject=title if isinstance(title, str) else None,
            metadata={"path": shown, "file": attributes, **({"about": dict(reading.meta)} if reading.meta else {})},
            warnings=tuple(finding.message for finding in reading.findings if finding.severity != "note"),
        )

    def health(self) -> Health:
        """Whether the project's root can be read."""
        ok = os.access(self.context.root, os.R_OK | os.X_OK)
        return Health(ok, "reads files of the project" if ok else f"cannot read {self.context.root}")

    def _named(self) -> tuple[QueryField, ...]:
        """The fields that the configured path names."""
        names = dict.fromkeys(_PLACEHOLDER.findall(self._template))
        return tuple(QueryField(name, description=f"Fills {self._template}") for name in names)


def _has_many_rows(path: Path, kind: str) -> bool:
    from trainer.sources.large import has_many_rows

    return has_many_rows(path, kind)


def _summarised(path: Path, shown: str, kind: str) -> Fetched:
    """A large table as totals and means; its digest is that of the summary, for reading all of it takes long."""
    from trainer.sources.large import summarise

    with as_source_error():
        data = summarise(path, kind)
    warning = f"{data['rows']:,} rows, summarised as totals and means by group and month"
    attributes = {"path": shown, "bytes": path.stat().st_size, "summarised": True}
    return Fetched(data, metadata={"path": shown, "file": attributes}, warnings=(warning,))


def _streamed(path: Path) -> str | None:
    """The format of a file whose records can be read one after the other."""
    named = format_of_suffix(path.suffix)
    return named.name if named is not None and has_rows(named.name) else None


def _is_plain(path: Path, root: Path) -> bool:
    """Whether a file that was found lies in the root, and neither it nor a folder around it is hidden."""
    try:
        inside = path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False
    return inside and path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)


def _unwrap(envelope: Mapping[str, Any], path: str) -> Fetched:
    """The data of a file that says itself what it is about, where it comes from and when it was fetched."""
    problems = list(_envelope_problems(envelope, path))
    if problems:
        raise SourceError(problems[0].message, where=problems[0].where, problems=problems)
    return Fetched(
        data_of(Dataset(envelope["data"])),
        subject=envelope.get("subject"),
        as_of=envelope.get("as_of"),
        fields={name: Field(**meaning) for name, meaning in (envelope.get("fields") or {}).items()},
        metadata={"path": path, "url": envelope.get("url")},
        source=envelope.get("source"),
        retrieved_at=parse_moment(envelope["retrieved_at"]).astimezone(UTC),
    )


def _is_envelope(data: Json) -> bool:
    return isinstance(data, dict) and {"data", "retrieved_at"} <= data.keys() <= _ENVELOPE


def _envelope_problems(envelope: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """What is wrong with what an envelope says of its data."""
    where = Where(path)
    for name in ("source", "url", "subject"):
        if not isinstance(envelope.get(name) or "", str):
            yield Problem(f"{name} must be text", where)
    for name, parse, example in (
        ("retrieved_at", parse_moment, "2025-02-14T21:00:02Z"),
        ("as_of", date.fromisoformat, "2025-02-14"),
    ):
        try:
            if envelope.get(name) is not None or name == "retrieved_at":
                parse(envelope[name])
        except (AttributeError, TypeError, ValueError):
            yield Problem(f'{name} cannot be "{envelope[name]}"', where, f"write it like {example}")
    yield from _field_problems(envelope.get("fields") or {}, where)


def _field_problems(fields: Any, where: Where) -> Iterator[Problem]:
    if not isinstance(fields, dict):
        yield Problem("fields must be a mapping of dotted path to title, unit and description", where)
        return
    for name, meaning in fields.items():
        if not isinstance(meaning, dict) or not all(isinstance(text, str) for text in meaning.values()):
            yield Problem(f"fields.{name} must be a mapping of title, unit and description to text", where)
        elif unknown_parts := sorted(meaning.keys() - {"title", "unit", "description"}):
            message, hint = unknown(f"part of fields.{name}", unknown_parts[0], ("title", "unit", "description"))
            yield Problem(message, where, hint)
        elif not meaning.get("title"):
            yield Problem(f"fields.{name} has no title", where)


def _segment(name: str, value: Json) -> str:
    """A query's value as one piece of a file name."""
    text = str(value)
    if not re.fullmatch(r"[^/\\\x00-\x1f]+", text) or text.startswith("."):
        raise SourceError(f'the query field "{name}" cannot be part of a file name: "{text}"')
    return text


@lru_cache(maxsize=8)
def _resolved(root: Path) -> Path:
    """Once for all files of a project: a check of thousands of reports would follow its folders as often."""
    return root.resolve()


def _check_regular(path: Path, where: Where) -> int:
    """The size of a file; raises SourceError for a missing one, a folder, a device or a pipe."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise SourceError("no such file", where=where, hint=_near(path, where.path)) from error
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", where=where) from error
    if not stat.S_ISREG(status.st_mode):
        raise SourceError("not a file", where=where, hint="name a file, a folder with files, or a pattern")
    return status.st_size


def _read(path: Path, where: Where, max_bytes: int) -> bytes:
    size = _check_regular(path, where)
    if size > max_bytes:
        hint = f"the limit is {max_bytes:,} bytes (option max_bytes); split it, or save it as CSV or Parquet"
        raise SourceError(f"too large: {size:,} bytes", where=where, hint=hint)
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", where=where) from error


def _near(path: Path, shown: str) -> str | None:
    try:
        siblings = [sibling.name for sibling in path.parent.iterdir()]
    except OSError:
        return f"there is no folder {shown.rpartition('/')[0] or '.'}"
    # A single letter wrong, or the case: anything less alike is another company's file.
    folded = {sibling.casefold(): sibling for sibling in siblings}
    close = difflib.get_close_matches(path.name.casefold(), folded, n=1, cutoff=0.85)
    return f'did you mean "{shown.removesuffix(path.name)}{folded[close[0]]}"?' if close else None
