"""Time comes in through a parameter: a clock is a function that returns the present moment in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from trainer.core.errors import UsageError

Clock = Callable[[], datetime]

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def system_clock() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


class Moment(datetime):
    """A time in UTC of which a program may also take away one without a zone, which is then read as local time."""

    @classmethod
    def of(cls, moment: datetime) -> Moment:
        """The same time; one without a zone is UTC."""
        utc = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        return cls.combine(utc.date(), utc.timetz())

    def __rsub__(self, other: datetime) -> timedelta:
        """`datetime.now() - moment` and `datetime.now(UTC) - moment` give the same."""
        return datetime.__sub__(other.astimezone(UTC), self)


def isoformat(moment: datetime) -> str:
    """A moment as `2025-02-14T21:00:02Z`: UTC, to the second, one spelling only."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """The moment an ISO 8601 date or date-time names; UTC where it names no zone. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_duration(text: str | float) -> float:
    """Seconds in `30s`, `6h`, `7d`, `1h30m` or a plain number of seconds; raises UsageError."""
    if isinstance(text, int | float):
        return float(text)
    parts = re.findall(r"([0-9]*\.?[0-9]+)\s*(ms|[smhdw])", text.strip().lower())
    if parts and re.fullmatch(r"(\s*[0-9]*\.?[0-9]+\s*(ms|[smhdw])\s*)+", text.strip().lower()):
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return float(text)
    except ValueError:
        raise UsageError(f'"{text}" is not a duration', hint="write it like 30s, 6h, 7d or 1h30m") from None
