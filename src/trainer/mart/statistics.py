"""The published read copy of the rollups: one small file, replaced in one step; reading it needs no lock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.core.clock import Clock, isoformat, parse_moment
from trainer.core.digest import canonical
from trainer.core.files import write_atomic

if TYPE_CHECKING:
    import duckdb

FORMAT = 1
_DAYS = 90
_MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Rollup:
    """The executions of one operation in one context and configuration on one day."""

    day: date
    module: str
    operation: str
    context_key: str
    config_hash: str | None
    n: int
    successes: int
    seconds_n: int
    seconds_sum: float
    seconds_squares: float
    cost_n: int
    cost_sum: float
    cost_squares: float
    quality_n: int
    quality_sum: float
    quality_squares: float
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was published last."""

    published_at: datetime | None = None
    """None where nothing was published yet."""
    rollups: tuple[Rollup, ...] = ()
    """Of the last 90 days, oldest first; of very many, those of the latest days and most executions."""


def publish(connection: duckdb.DuckDBPyConnection, path: Path, *, clock: Clock) -> bool:
    """Whether the published file changed: the rollups of the last 90 days."""
    names = ", ".join(Rollup.__dataclass_fields__)
    since = (clock() - timedelta(days=_DAYS)).date()
    latest = "day DESC, n DESC, module, operation, context_key, config_hash"
    found = connection.execute(
        f"SELECT {names} FROM (FROM rollup WHERE day >= ? ORDER BY {latest} LIMIT {_MOST_ROWS}) ORDER BY ALL",  # noqa: S608
        [since],
    )
    rows = [[value.isoformat() if isinstance(value, date) else value for value in row] for row in found.fetchall()]
    return write_atomic(path, canonical({"format": FORMAT, "published_at": isoformat(clock()), "rollups": rows}) + "\n")


def read_statistics(path: Path) -> Statistics:
    """What was published last; nothing where the file is absent, damaged or of another format."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            return Statistics()
        rollups = tuple(Rollup(date.fromisoformat(row[0]), *row[1:]) for row in kept["rollups"])
        return Statistics(parse_moment(kept["published_at"]), rollups)
    except (OSError, ValueError, KeyError, TypeError):
        return Statistics()
