# ruff: noqa: S608  (names of columns are constants)
"""Whole stores as files: JSON Lines for people and git, Parquet for analysis; both keep everything."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from trainer.core.clock import parse_moment
from trainer.core.digest import pick
from trainer.core.errors import StoreError, UsageError, Where, unknown
from trainer.core.strictjson import read_json
from trainer.core.values import Json, StoredData
from trainer.stores.values import to_text

_TIMES = ("stored_at", "updated_at", "checked_at")
_TYPES = {
    "key": str, "version": int, "data": object, "metadata": dict, "source": str, "stored_at": str, "updated_at": str,
    "checked_at": str, "ttl": int, "deleted": bool,
}  # fmt: skip
_NEEDED = ("key", "version", "data", "stored_at", "updated_at")
COLUMNS = {name: {int: "BIGINT", bool: "BOOLEAN"}.get(kind, "VARCHAR") for name, kind in _TYPES.items()}
"""The columns of a table of versions, with their types in SQL; data and metadata as JSON text."""
_BATCH = 1000


def dump_document(document: StoredData) -> dict[str, Json]:
    """The version as one JSON object; `load_document` reads it back."""
    times = {name: _time(getattr(document, name)) for name in _TIMES}
    return {**pick(document, *_TYPES), **times}


def load_document(value: Json, *, shown: str) -> StoredData:
    """The version that `dump_document` wrote; raises UsageError naming the place `shown`."""
    if not isinstance(value, Mapping):
        raise UsageError(f"{shown}: each line must be an object with key, version, data and its times")
    for name in value:
        if name not in _TYPES:
            message, hint = unknown("name", name, _TYPES)
            raise UsageError(f"{shown}: {message}", hint=hint)
    for name, kind in _TYPES.items():
        item = value.get(name)
        if (name in _NEEDED and name not in value) or (item is not None and not isinstance(item, kind)):
            raise UsageError(f"{shown}: {name} is missing or of the wrong kind: {item!r}")
    return _document(value, shown)


def write_jsonl(documents: Iterable[StoredData], stream: TextIO) -> int:
    """How many versions were written, one JSON object a line."""
    count = 0
    for count, document in enumerate(documents, 1):  # noqa: B007  (the last count is what is returned)
        stream.write(json.dumps(dump_document(document), ensure_ascii=False, separators=(",", ":")) + "\n")
    return count


def read_jsonl(lines: Iterable[str], *, shown: str) -> Iterator[StoredData]:
    """The versions in lines of JSON; raises UsageError with the line that is wrong."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield load_document(read_json(line, shown=shown, first_line=number), shown=f"{shown}:{number}")


def flat(document: StoredData) -> dict[str, Json]:
    """The version as one row of such a table."""
    texts = {name: json.dumps(getattr(document, name), ensure_ascii=False) for name in ("data", "metadata")}
    return {**dump_document(document), **texts}


def unflat(row: Sequence[Any], *, shown: str) -> StoredData:
    """The version in such a row; raises UsageError naming the place `shown`."""
    values = dict(zip(COLUMNS, row, strict=True))
    texts = {name: read_json(values[name], shown=shown) for name in ("data", "metadata")}
    return load_document({**values, **texts}, shown=shown)


def export_file(documents: Iterable[StoredData], path: Path) -> int:
    """How many versions were written to a .jsonl or .parquet file, which is replaced in one step at the end."""
    write = _write_parquet if _is_parquet(path) else _write_lines
    with _replacing(path) as beside:
        return write(documents, beside)


def import_file(path: Path) -> Iterator[StoredData]:
    """The versions in a .jsonl or .parquet file, by and by."""
    if not path.is_file():
        raise UsageError("there is no such file", where=Where(str(path)))
    return _read_parquet(path) if _is_parquet(path) else _read_lines(path)


def _is_parquet(path: Path) -> bool:
    if path.suffix not in (".jsonl", ".ndjson", ".parquet"):
        raise UsageError(
            f"the ending of {path.name} names no format", hint="end it in .jsonl for JSON Lines or .parquet for Parquet"
        )
    return path.suffix == ".parquet"


def _write_lines(documents: Iterable[StoredData], path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        return write_jsonl(documents, stream)


def _read_lines(path: Path) -> Iterator[StoredData]:
    with path.open(encoding="utf-8") as lines:
        try:
            yield from read_jsonl(lines, shown=path.name)
        except UnicodeDecodeError:
            raise UsageError("not UTF-8 text", where=Where(str(path))) from None


def _write_parquet(documents: Iterable[StoredData], path: Path) -> int:
    import duckdb

    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    insert = f"INSERT INTO versions SELECT unnest(from_json(?, '[{json.dumps(COLUMNS)}]'), recursive := true)"
    count, rest = 0, iter(documents)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, duckdb.connect(Path(folder) / "export") as connection:
        connection.execute(f"CREATE TABLE versions ({columns})")
        while batch := [flat(document) for document in islice(rest, _BATCH)]:
            connection.execute(insert, [json.dumps(batch, ensure_ascii=False)])
            count += len(batch)
        connection.table("versions").write_parquet(str(path), compression="zstd")
    return count


def _read_parquet(path: Path) -> Iterator[StoredData]:
    import duckdb

    with duckdb.connect() as connection:
        try:
            cursor = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM read_parquet(?)", [str(path)])
        except duckdb.Error as error:
            raise UsageError(f"no export of a store: {str(error).splitlines()[0]}", where=Where(str(path))) from None
        number = 0
        while rows := cursor.fetchmany(_BATCH):
            for row in rows:
                number += 1
                yield unflat(row, shown=f"{path.name}: row {number}")


def _document(value: Mapping[str, Any], shown: str) -> StoredData:
    try:
        times = {name: parse_moment(value[name]) for name in _TIMES if value.get(name)}
    except ValueError as error:
        raise UsageError(f"{shown}: {error}", hint="write times like 2025-02-14T21:00:02.000000Z") from None
    return StoredData(
        key=value["key"],
        data=value["data"],
        source=value.get("source") or "",
        stored_at=times["stored_at"],
        updated_at=times["updated_at"],
        metadata=dict(value.get("metadata") or {}),
        version=value["version"],
        ttl=value.get("ttl"),
        checked_at=times.get("checked_at"),
        deleted=bool(value.get("deleted")),
    )


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end, or is gone on any error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise StoreError(f"cannot write: {error.strerror or error}", where=Where(str(path))) from error
    try:
        yield Path(name)
        os.replace(name, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _time(moment: datetime | None) -> str | None:
    return to_text(moment) if moment else None
