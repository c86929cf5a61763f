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
from trainer.core.errors import Problem, SourceError, Where, unknown
from trainer.core.readings import READERS, Dataset, data_of
from trainer.core.values import Field, Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.file_formats import as_source_error, read_reading
from trainer.sources.query import Query, QueryField, check_query, storage_key

DEFAULT_PATH = "information/data/{ticker}-{kind}.json"

_ENVELOPE = frozenset({"source", "retrieved_at", "url", "subject", "as_of", "fields", "data"})
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PATH = QueryField(
    "path",
    required=True,
    description="The file, relative to the project's root",
    example="information/data/ABBV-quote.json",
)


class FileRetriever(DataRetriever):
    """Reads JSON, JSON Lines, YAML, CSV, TSV and Markdown inside the project, and nothing outside it.

    A query names its file by `path`, or the option `path` is filled from the query's other fields: so a query written
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
    ) -> None:
        super().__init__(data_store=data_store, context=context, ttl=ttl)
        self._template = path
        self._max_bytes = max_bytes

    def get_schema(self) -> Schema:
        """`path`, or the fields that the configured path names; others are passed by."""
        description = f"Files of the project: {', '.join(READERS.table)}; {self._template} unless a path is given"
        return Schema(self.name, description, (replace(_PATH, required=False), *self._named()), extra_fields=True)

    def check(self, query: Query) -> dict[str, Json]:
        """The query's `path` alone, or the fields that fill the configured one."""
        if query.get("path") or not self._named():
            return check_query(query, (_PATH,), source=self.name)
        fields = tuple(replace(query_field, required=True) for query_field in self._named())
        checked = check_query(query, fields, source=self.name, extra_fields=True)
        return {query_field.name: _segment(query_field.name, checked[query_field.name]) for query_field in fields}

    def key(self, query: Query) -> str:
        """The storage key of the answer to `query`."""
        checked = self.check(query)
        return storage_key(self.name, checked, leading=tuple(checked))

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """What the file holds."""
        path = str(query["path"]) if "path" in query else _PLACEHOLDER.sub(lambda m: query[m.group(1)], self._template)
        where = Where(path)
        content = _read(_inside(self.context.root, path, where), where, self._max_bytes)
        reading = read_reading(content, path)
        if isinstance(reading, Dataset) and _is_envelope(reading.value):
            return _unwrap(reading.value, path)
        with as_source_error():
            data = data_of(reading)
        title = data.get("title")
        return Fetched(
            data,
            subject=title if isinstance(title, str) else None,
            metadata={"path": path},
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


def _inside(root: Path, path: str, where: Where) -> Path:
    """The file, once it is sure that it lies inside the root, hidden files and links that lead out refused."""
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "~")) or ".." in parts or re.match(r"[A-Za-z]:", path) or "\0" in path:
        raise SourceError("outside the project", where=where, hint="name a file by its path from the project's root")
    if any(part.startswith(".") and part != "." for part in parts):
        raise SourceError("a hidden file is never read as data", where=where, hint="copy it under information/data")
    try:
        resolved = (root / path).resolve()
        if not resolved.is_relative_to(_resolved(root)):
            raise SourceError("a link that leads out of the project", where=where, hint="copy the file instead")
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceError(f"cannot be followed: {error}", where=where) from error
    return resolved


@lru_cache(maxsize=8)
def _resolved(root: Path) -> Path:
    """Once for all files of a project: a check of thousands of reports would follow its folders as often."""
    return root.resolve()


def _read(path: Path, where: Where, max_bytes: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SourceError("not a file", where=where, hint="name one file, not a folder or a device")
        if status.st_size > max_bytes:
            hint = f"the limit is {max_bytes:,} bytes (option max_bytes); `trainer ingest` loads large files"
            raise SourceError(f"too large: {status.st_size:,} bytes", where=where, hint=hint)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise SourceError("no such file", where=where, hint=_near(path, where.path)) from error
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
