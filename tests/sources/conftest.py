from __future__ import annotations

from datetime import UTC, datetime

import pytest

from servers.yahoo import YahooServer
from trainer.sources import SourceContext, create_source

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


class Kept:
    """A store that remembers what it was given."""

    def __init__(self) -> None:
        self.calls: list[dict] = []

    def store(self, key, data, metadata, *, source, ttl=None, skip_unchanged=False) -> str:
        self.calls.append(
            {
                "key": key,
                "data": data,
                "metadata": metadata,
                "source": source,
                "ttl": ttl,
                "skip_unchanged": skip_unchanged,
            }
        )
        return key


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def clock():
    return lambda: NOW


@pytest.fixture
def server():
    with YahooServer() as running:
        yield running


@pytest.fixture
def yahoo(server, clock, kept):
    return create_source(
        "yahoo_finance",
        SourceContext(clock=clock),
        data_store=kept,
        base_url=server.url,
        per_second=1000,
        timeout=20,
        retries=2,
        backoff=0.001,
    )


@pytest.fixture
def project(tmp_path, clock):
    """A source `file` over an empty project."""
    root = tmp_path / "project"
    root.mkdir()
    return root, create_source("file", SourceContext(clock=clock, root=root))
