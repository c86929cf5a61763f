"""Moments as text of one width, so that text and time sort alike in every backend."""

from __future__ import annotations

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def to_text(moment: datetime) -> str:
    """The moment as `2025-02-14T21:00:02.000000Z`; one without a zone is UTC."""
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    text = zoned.astimezone(UTC).strftime(_FORMAT)
    return text.rjust(27, "0")  # the C library leaves the zeros of years before 1000 out


def from_text(text: str) -> datetime:
    """The moment that `to_text` wrote."""
    return datetime.fromisoformat(text)
