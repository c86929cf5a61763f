"""A catalogue in a file of its own, on a clock that a test moves."""

import functools
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from trainer.catalog import MIGRATIONS, ApprovalPolicy, Catalog, ProposalDraft, SchemaProposalEngine
from trainer.stores import DatabaseFile


class MovingClock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = datetime(2025, 3, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def move(self, **span):
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    return MovingClock()


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A database with all tables, to be copied: making them takes half a second."""
    path = tmp_path_factory.mktemp("template") / "trainer.duckdb"
    file = DatabaseFile(path, MovingClock())
    Catalog.at(functools.partial(file.open, "catalog", MIGRATIONS)).summaries()
    return path


@pytest.fixture
def catalog(tmp_path, clock, template):
    shutil.copy(template, tmp_path / "trainer.duckdb")
    file = DatabaseFile(tmp_path / "trainer.duckdb", clock)
    return Catalog.at(functools.partial(file.open, "catalog", MIGRATIONS), folder=tmp_path / "tables", clock=clock)


@pytest.fixture
def engine(catalog):
    return SchemaProposalEngine(catalog, ApprovalPolicy())


@pytest.fixture
def draft():
    """A draft of one document: `draft("a.pdf", 0.95)`."""

    def make(path, confidence, **changes):
        values = {
            "kind": "insert",
            "table": "documents",
            "confidence": confidence,
            "reason": "it is a letter",
            "rows": ({"path": path, "title": f"About {path}"},),
            "source": f"inbox/{path}",
            "digest": f"digest of {path}",
            "proposed_by": "ingest",
        }
        return ProposalDraft(**{**values, **changes})

    return make
