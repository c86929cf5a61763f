"""What is known of a document without its data, and how `heads.json` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from trainer.core.values import Json
from trainer.stores.moments import from_text, to_text


@dataclass(frozen=True, slots=True)
class Head:
    """The current version of a document, without its data."""

    version: int
    digest: str
    """Of the data alone."""
    updated_at: datetime
    confirmed_at: datetime
    """When the data was last stored or checked."""
    ttl: int | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the version's time to live has not run out."""
        return self.ttl is None or now < self.confirmed_at + timedelta(seconds=self.ttl)


def head_as_json(head: Head) -> dict[str, Json]:
    """The head as `heads.json` keeps it."""
    return {**asdict(head), "updated_at": to_text(head.updated_at), "confirmed_at": to_text(head.confirmed_at)}


def head_from_json(kept: Mapping[str, Json]) -> Head:
    """The head that `heads.json` kept."""
    times = {name: from_text(kept[name]) for name in ("updated_at", "confirmed_at")}
    return Head(version=kept["version"], digest=kept["digest"], ttl=kept["ttl"], **times)
