"""The day that data is valid for, as it says itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from trainer.core.values import Json

_DATED = re.compile(r"(^|_)(date|day|time|timestamp|datetime|updated|as_of)($|_)|[a-z](Date|Time|At)$|^asOf$", re.ASCII)
_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII)


def newest_day(data: Json, *, today: date) -> str | None:
    """The newest ISO day under a name of dates, at any depth; days to come are forecasts, and none is made up."""
    return max((day for day in _days(data) if day <= today.isoformat()), default=None)


def _days(value: Json) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += [part for part in item.values() if isinstance(part, dict | list)]
            for name, text in item.items():
                if isinstance(text, str) and _DATED.search(name) and _DAY.match(text):
                    yield text[:10]
        elif isinstance(item, list):
            waiting += item
