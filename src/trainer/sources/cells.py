"""Cells of databases as JSON holds them, no digit changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any
from uuid import UUID

from trainer.core.errors import SourceError
from trainer.core.values import Json


def plain_value(cell: Any) -> Json:
    """A cell as JSON holds it, no digit changed: what a double would not give back is text."""
    match cell:
        case None | bool() | int() | str():
            return cell
        case float():
            return cell if cell - cell == 0 else None  # NaN and infinity are no figures
        case Decimal():
            return int(cell) if cell == cell.to_integral_value() and "." not in str(cell) else _as_float(cell)
        case datetime():
            # to the microsecond, in UTC where it names a zone
            return f"{cell.astimezone(UTC).replace(tzinfo=None).isoformat()}Z" if cell.tzinfo else cell.isoformat()
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return cell.total_seconds()
        case UUID():
            return str(cell)
        case dict() | list() | tuple():
            items = cell.items() if isinstance(cell, dict) else None
            return (
                {str(key): plain_value(item) for key, item in items} if items else [plain_value(item) for item in cell]
            )
        case Enum():
            return plain_value(cell.value)
        case IPv4Address() | IPv6Address() | IPv4Network() | IPv6Network() | IPv4Interface() | IPv6Interface():
            return str(cell)
        case set() | frozenset():
            return sorted(map(str, cell))
    raise SourceError(
        f"a column holds {type(cell).__name__}, which is no data", hint="leave it out, or cast it to text"
    )


def _as_float(cell: Decimal) -> Json:
    if not cell.is_finite():
        return None
    return float(cell) if Decimal(repr(float(cell))) == cell else str(cell)
