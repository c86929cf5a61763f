"""The source `remote_file`: documents and tables in object stores and on file servers, by fsspec."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from trainer.core.digest import digest_bytes
from trainer.core.errors import SourceError, UsageError, Where
from trainer.core.readings import ReadOptions, data_of
from trainer.core.values import Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.file_formats import as_source_error, read_reading
from trainer.sources.query import QueryField

_REFUSED = {
    "file": "the source file reads files of the project",
    "local": "the source file reads files of the project",
    "http": "the source api fetches from web services",
    "https": "the source api fetches from web services",
}


class RemoteFileRetriever(DataRetriever):
    """Reads a file below one of the configured `roots`, such as `s3://bucket/reports/`, and nothing elsewhere.

    Credentials are those that the file system's own package looks up.
    """

    name = "remote_file"

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
        roots: Sequence[str] = (),
        max_bytes: int = 64_000_000,
    ) -> None:
        super().__init__(data_store=data_store, context=context, ttl=ttl)
        self._roots = tuple(roots)
        self._max_bytes = max_bytes

    def get_schema(self) -> Schema:
        """The file's address, and the encoding of text that does not say its own."""
        places = ", ".join(self._roots) or "none is configured"
        return Schema(
            self.name,
            f"Files below the configured roots: {places}",
            (
                QueryField("url", required=True, description="The file", example="s3://bucket/reports/sales.xlsx"),
                QueryField("encoding", description="Of text that is not UTF-8 and does not say", example="cp1252"),
            ),
            leading=("url",),
        )

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """What the file holds."""
        url = str(query["url"])
        where = Where(url)
        self._check_place(url)
        content = self._content(url, where)
        name = PurePosixPath(url).name
        options = ReadOptions(encoding=str(query["encoding"]) if query.get("encoding") else None)
        reading = read_reading(content, name, read=self.context.read, options=options)
        with as_source_error():
            data = data_of(reading)
        title = data.get("title")
        return Fetched(
            data,
            subject=title if isinstance(title, str) else None,
            metadata={"url": url, "file": {"path": name, "bytes": len(content), "sha256": digest_bytes(content)}},
            warnings=tuple(finding.message for finding in reading.findings if finding.severity != "note"),
        )

    def health(self) -> Health:
        """Whether the configured roots can be reached."""
        import fsspec

        if not self._roots:
            return Health(False, "no root is configured")
        for root in self._roots:
            try:
                system, path = fsspec.url_to_fs(root)
                if not system.exists(path):
                    return Health(False, f"{root} is not there")
            except Exception as error:  # every file system has errors of its own
                return Health(False, f"{root}: {type(error).__name__}: {error}")
        return Health(True, f"reaches {', '.join(self._roots)}")

    def _check_place(self, url: str) -> None:
        """Raise for an address that is not below a root: `..`, and addresses chained by `::`, would lead elsewhere."""
        scheme = url.partition("://")[0]
        if scheme in _REFUSED:
            raise UsageError(f"{scheme} is not for this source", where=Where(url), hint=_REFUSED[scheme])
        parts = re.split(r"[/\\]", url)
        below = any(url.startswith(root if root.endswith("/") else f"{root}/") for root in self._roots)
        if not below or "::" in url or ".." in parts:
            hint = "add it to data_retriever.sources.remote_file.roots"
            raise SourceError("not below a configured root", where=Where(url), hint=hint)

    def _content(self, url: str, where: Where) -> bytes:
        import fsspec

        try:
            opened: Any = fsspec.open(url, "rb")
            with opened as file:
                content: bytes = file.read(self._max_bytes + 1)
        except ImportError as error:
            raise UsageError(f"the file system of {url.partition('://')[0]} is not installed: {error}") from None
        except FileNotFoundError:
            raise SourceError("no such file", where=where, hint="check the address") from None
        except Exception as error:  # every file system has errors of its own
            message = f"cannot be read: {type(error).__name__}: {error}"
            raise SourceError(message, where=where, hint="check the address and the credentials") from error
        if len(content) > self._max_bytes:
            hint = f"the limit is {self._max_bytes:,} bytes (option max_bytes); copy it into the project"
            raise SourceError("too large", where=where, hint=hint)
        return content
