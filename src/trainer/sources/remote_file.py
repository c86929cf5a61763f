"""The source `remote_file`: documents and tables in object stores and on file servers, by fsspec."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from trainer.core.digest import digest_bytes
from trainer.core.errors import SourceError, UsageError, Where
from trainer.core.readings import ReadOptions, data_of, is_readable
from trainer.core.values import Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.file_formats import as_source_error, read_reading
from trainer.sources.query import QueryField
from trainer.sources.together import MOST_FILES, read_together

_REFUSED = {
    "file": "the source file reads files of the project",
    "local": "the source file reads files of the project",
    "http": "the source api fetches from web services",
    "https": "the source api fetches from web services",
}


class RemoteFileRetriever(DataRetriever):
    """Reads files below the configured `roots`, such as `s3://bucket/reports/`, and nothing elsewhere.

    An address that ends with `/`, or holds `*` or `?`, is all files there that have a reader.

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
        """The address of a file or of several, and the encoding of text that does not say its own."""
        places = ", ".join(self._roots) or "none is configured"
        return Schema(
            self.name,
            f"Files below the configured roots: {places}",
            (
                QueryField(
                    "url",
                    required=True,
                    description="The file, a folder with / at its end, or a pattern such as s3://bucket/reports/*.xlsx",
                    example="s3://bucket/reports/sales.xlsx",
                ),
                QueryField("encoding", description="Of text that is not UTF-8 and does not say", example="cp1252"),
            ),
            leading=("url",),
        )

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """What the file holds; of a folder or a pattern, what all files do, as the source `file` puts them together."""
        url = str(query["url"])
        root = self._root_of(url)
        options = ReadOptions(encoding=str(query["encoding"]) if query.get("encoding") else None)
        if not url.endswith("/") and "*" not in url and "?" not in url:
            return self._one(url, options)
        names = self._matching(url, root)
        return read_together(names, lambda name: self._one(name, options), metadata={"url": url})

    def _one(self, url: str, options: ReadOptions) -> Fetched:
        content = self._content(url, Where(url))
        reading = read_reading(content, url, read=self.context.read, options=options)
        with as_source_error():
            data = data_of(reading)
        title = data.get("title")
        return Fetched(
            data,
            subject=title if isinstance(title, str) else None,
            metadata={
                "url": url,
                "file": {"path": PurePosixPath(url).name, "bytes": len(content), "sha256": digest_bytes(content)},
            },
            warnings=tuple(finding.message for finding in reading.findings if finding.severity != "note"),
        )

    def _matching(self, url: str, root: str) -> list[str]:
        """The addresses of the files in a folder, or that fit a pattern; hidden ones and those without a reader not."""
        import fsspec

        where = Where(url)
        with _as_place_error(url):
            system, top = fsspec.url_to_fs(root)
            if url.endswith("/") and "*" not in url and "?" not in url:
                paths = system.find(fsspec.url_to_fs(url)[1])
            else:
                paths = [
                    path for path, entry in system.glob(fsspec.url_to_fs(url)[1], detail=True).items()
                    if entry["type"] == "file"
                ]  # fmt: skip
        inside = [path[len(top) :].lstrip("/") for path in map(str, paths) if path.startswith(f"{top.rstrip('/')}/")]
        names = sorted(
            f"{root}{path}"
            for path in inside
            if is_readable(path) and not any(part.startswith(".") for part in path.split("/"))
        )
        if not names:
            raise SourceError("no file that can be read", where=where, hint="check the address and the pattern")
        if len(names) > MOST_FILES:
            hint = "name fewer by a pattern"
            raise SourceError(f"{len(names):,} files, more than {MOST_FILES:,}", where=where, hint=hint)
        return names

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

    def _root_of(self, url: str) -> str:
        """The root above an address; raises where there is none, as for `..` and addresses chained by `::`."""
        scheme = url.partition("://")[0]
        if scheme in _REFUSED:
            raise UsageError(f"{scheme} is not for this source", where=Where(url), hint=_REFUSED[scheme])
        roots = (root if root.endswith("/") else f"{root}/" for root in self._roots)
        above = [root for root in roots if url.startswith(root)]
        if not above or "::" in url or ".." in re.split(r"[/\\]", url):
            hint = "add it to data_retriever.sources.remote_file.roots"
            raise SourceError("not below a configured root", where=Where(url), hint=hint)
        return above[0]

    def _content(self, url: str, where: Where) -> bytes:
        import fsspec

        with _as_place_error(url):
            opened: Any = fsspec.open(url, "rb")
            with opened as file:
                content: bytes = file.read(self._max_bytes + 1)
        if len(content) > self._max_bytes:
            hint = f"the limit is {self._max_bytes:,} bytes (option max_bytes); copy it into the project"
            raise SourceError("too large", where=where, hint=hint)
        return content


@contextmanager
def _as_place_error(url: str) -> Iterator[None]:
    """Raise what a file system says as the fault of an address."""
    where = Where(url)
    try:
        yield
    except ImportError as error:
        raise UsageError(f"the file system of {url.partition('://')[0]} is not installed: {error}") from None
    except FileNotFoundError:
        raise SourceError("no such file", where=where, hint="check the address") from None
    except Exception as error:  # every file system has errors of its own
        message = f"cannot be read: {type(error).__name__}: {error}"
        raise SourceError(message, where=where, hint="check the address and the credentials") from error
