"""Yahoo's way of writing values, undone: `{raw, fmt}` pairs, epochs, nulls and caching noise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trainer.core.values import Json


def raw(value: Any) -> Json:
    """The figure of a `{raw, fmt}` pair, or of the first of a list of them."""
    if isinstance(value, dict):
        return value.get("raw")
    if isinstance(value, list):
        return raw(value[0]) if value else None
    return value


def records(module: Any, name: str) -> list[dict[str, Any]]:
    """The records listed under `name`; none where there is no such list."""
    rows = module.get(name) if isinstance(module, dict) else None
    return [row for row in rows or [] if isinstance(row, dict)]


def ascending(rows: Mapping[str, Mapping[str, Json]]) -> list[dict[str, Json]]:
    """Rows by date as a series, nulls left out."""
    return [
        {"date": date, **{name: value for name, value in row.items() if value is not None}}
        for date, row in sorted(rows.items())
    ]


def cleaned(value: Any) -> Json:
    """A module as it came, without pairs, caching noise, empty parts and epochs."""
    if isinstance(value, list):
        return [part for item in value if (part := cleaned(item)) not in (None, {}, [])]
    if not isinstance(value, dict):
        return value
    if "raw" in value:
        return value["fmt"] if _ISO_DAY.fullmatch(str(value.get("fmt"))) else value["raw"]
    parts = {name: _dated(name, cleaned(item)) for name, item in value.items() if name not in _NOISE}
    return {name: item for name, item in parts.items() if item not in (None, {}, [], "")}


def _dated(name: str, value: Json) -> Json:
    is_epoch = isinstance(value, int) and value > 100_000_000 and name.endswith(("Date", "Timestamp"))
    return day(value) if is_epoch else value


def day(epoch: Any, zone: tzinfo = UTC) -> str:
    """The ISO date of an epoch in a time zone."""
    try:
        return moment(epoch).astimezone(zone).date().isoformat()
    except OverflowError as error:
        raise ValueError(f"{epoch} is not a day") from error


def time_zone(name: Any, offset: float | None) -> tzinfo:
    """The zone called `name`, such as `Europe/London`; where it is not known, `offset` seconds east of Greenwich.

    An offset alone is today's: it puts the days of half the year on the evening before.
    """
    try:
        return ZoneInfo(str(name))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return timezone(timedelta(seconds=offset)) if offset is not None and abs(offset) < 86_400 else UTC


def moment(epoch: Any) -> datetime:
    """The moment of an epoch in seconds or milliseconds, UTC; raises ValueError for one beyond the calendar."""
    seconds = float(epoch)
    try:
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{epoch} is not a moment") from error


_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")

_NOISE = frozenset({"maxAge", "priceHint", "fmt", "longFmt", "symbol", "messageBoardId", "uuid", "dataId"})
