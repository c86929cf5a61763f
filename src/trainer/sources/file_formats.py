"""What a file holds, as sources bring it: the readers of the one table, their faults as those of a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.core.errors import ConversionError, MissingExtra, SourceError, UsageError, Where
from trainer.core.formats import format_of_suffix
from trainer.core.readings import Dataset, ReadFile, Reading, ReadOptions, data_of, read_file
from trainer.core.values import Json


def read_data(content: bytes, shown: str, *, read: ReadFile = read_file) -> Json:
    """What an answer holds, in the format that the suffix of `shown` names; raises SourceError."""
    named = format_of_suffix(Path(shown).suffix)
    reading = read_reading(content, shown, kind=named.name if named else "auto", read=read)
    with as_source_error():
        return reading.value if isinstance(reading, Dataset) else data_of(reading)


def read_reading(
    content: bytes,
    shown: str,
    *,
    kind: str = "auto",
    read: ReadFile = read_file,
    options: ReadOptions | None = None,
) -> Reading:
    """What the file `shown` holds, by name and content; raises SourceError for what keeps it from being read."""
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise SourceError("empty", where=Where(shown), hint="fill the file, or take it out of the query")
    with as_source_error():
        return read(content, shown=shown, kind=kind, options=options or ReadOptions())


@contextmanager
def as_source_error() -> Iterator[None]:
    """Raise the faults of a file as those of a source; what is to be installed stays a matter of usage."""
    try:
        yield
    except MissingExtra:
        raise
    except (ConversionError, UsageError) as error:
        raise SourceError(error.message, where=error.where, hint=error.hint, problems=error.problems) from None
