"""What the headers of an answer tell of a service's limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

_NAMES = (
    *(f"x-ratelimit-{{}}-{what}" for what in ("requests", "tokens")),
    *(f"anthropic-ratelimit-{what}-{{}}" for what in ("requests", "tokens", "input-tokens", "output-tokens")),
    "x-ratelimit-{}",
    "ratelimit-{}",
)
"""OpenAI's and the servers' that follow it; Anthropic's; the usual ones of gateways; the draft standard's."""

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_IN_SECONDS = (86400.0, 3600.0, 60.0, 1.0, 0.001)


def wait_for_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until every limit of which nothing remains is reset; None where something remains of all.

    `headers` have lower-case names.
    """
    return max((seconds for seconds, _ in _used_up(headers, now)), default=None)


def wait_for_one(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds until a limit that is used up and refilled evenly lets one more in; 0 where something remains.

    Services that count in windows let none in so soon: their refusal then names the wait.
    """
    return max((seconds / limit for seconds, limit in _used_up(headers, now)), default=0.0)


def _used_up(headers: Mapping[str, str], now: datetime) -> Iterator[tuple[float, float]]:
    """The seconds until its reset and the size of each limit of which nothing remains."""
    for name in _NAMES:
        if headers.get(name.format("remaining"), "").strip() != "0":
            continue
        seconds = _seconds(headers.get(name.format("reset"), "").strip(), now)
        if seconds is not None:
            limit = headers.get(name.format("limit"), "").strip()
            yield seconds, float(limit) if limit.isdigit() and int(limit) else 1.0


def _seconds(text: str, now: datetime) -> float | None:
    """The seconds in `6m0s`, `12ms`, `30`, a moment as Unix seconds, or one as ISO 8601."""
    try:
        number = float(text)
    except ValueError:
        return _until(text, now) if "T" in text else _duration(text)
    if not 0 <= number < 1e11:
        return None
    return max(0.0, number - now.timestamp()) if number > 1e8 else number


def _duration(text: str) -> float | None:
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    return sum(float(part) * unit for part, unit in zip(match.groups(), _IN_SECONDS, strict=True) if part)


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
