"""An answer held against what its source says of it: a date that is none and a figure that is a word are told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from trainer.core.errors import nearest
from trainer.core.values import Field, Json

_FIGURE = re.compile(r"[A-Z]{3}(/\w+)?|fraction|percent|ratio|count|shares")
"""Units whose values are numbers; what other units hold, only their source knows."""
_PERIOD = re.compile(r"\d{4}(-(\d\d|Q[1-4]|W\d\d))?")


def oddities(data: Json, fields: Mapping[str, Field], *, as_of: str | None = None) -> Iterator[str]:
    """A sentence for each described field whose values are not of its unit, or that is nowhere in the data."""
    if as_of is not None and not _is_day(as_of):
        yield f'the date it is valid for is no date: "{as_of}"'
    for path, meaning in fields.items():
        total, missing, wrong = 0, True, []
        for value in _values(data, path.split(".")):
            missing = False
            if value is None:
                continue
            total += 1
            if (meaning.unit == "date" and not _is_day(value)) or (
                _FIGURE.fullmatch(meaning.unit) and (isinstance(value, bool) or not isinstance(value, int | float))
            ):
                wrong.append(value)
        if missing and data:
            close = nearest(path, _paths(data))
            yield f"{path} is described and not in the data" + (f'; did you mean "{close}"?' if close else "")
        if wrong:
            wanted = "dates" if meaning.unit == "date" else f"figures in {meaning.unit}"
            yield f"{path} holds {len(wrong):,} of {total:,} values that are no {wanted}: {str(wrong[0])[:40]!r}"


def _values(value: Json, path: list[str]) -> Iterator[Json]:
    """All values at a path, list indices left out."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        # A name may itself hold dots, as columns of files do.
        for length in range(1, len(path) + 1):
            name = ".".join(path[:length])
            if name in value:
                yield from _values(value[name], path[length:])


def _paths(value: Json, before: str = "") -> set[str]:
    """The paths of the data's leaves; of a list, those of its first record."""
    if isinstance(value, list):
        return _paths(value[0], before) if value else {before}
    if not isinstance(value, dict):
        return {before}
    return {path for name, part in value.items() for path in _paths(part, f"{before}.{name}" if before else name)}


def _is_day(value: Json) -> bool:
    if isinstance(value, int):
        return 1000 <= value <= 9999  # a year, as files write it
    try:
        return bool(_PERIOD.fullmatch(str(value)) or datetime.fromisoformat(str(value)))
    except ValueError:
        return False
