"""Records go when they need not be kept any more, and not before."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from trainer.actions.audit import audit_entries
from trainer.actions.mart import list_executions, prune
from trainer.core.digest import digest_bytes
from trainer.core.errors import StoreError, UsageError
from trainer.core.project import open_project
from trainer.mart import Tracker

NOW = datetime(2033, 1, 1, tzinfo=UTC)


@pytest.fixture
def project(blank, monkeypatch):
    monkeypatch.setenv("TRAINER_AUDIT_KEY", "a key of this test")  # a prune is an entry of the audit log

    def opened(*overrides: str):
        return open_project(blank, environ={}, overrides=overrides)

    now = [NOW]
    tracker = Tracker(opened().spool, clock=lambda: now[0])
    for years in (9, 8, 1):
        now[0] = NOW - timedelta(days=365 * years)
        execution = tracker.start("trainer", "run", {"config": {"model": "m"}})
        tracker.step(execution, "complete", cost=0.1)
        tracker.complete(execution, {"quality": 0.5})
        tracker.rate(execution, 0.5, source="person")
    tracker.close()
    return opened


def years_left(project):
    return [record.started_at.year for record in list_executions(project, clock=lambda: NOW)]


def test_what_is_older_than_seven_years_goes_into_the_archive(project, tmp_path):
    pruned = prune(project(), archive=tmp_path / "archive", clock=lambda: NOW)
    (place,) = (tmp_path / "archive").iterdir()

    (entry,) = audit_entries(project(), event="records.pruned")
    assert entry["details"]["archived"] == pruned.archived
    assert pruned.rows == {"execution_ends": 2, "steps": 2, "trials": 2, "ratings": 2, "execution_starts": 2}
    assert years_left(project()) == [2032]
    assert json.loads((place / "manifest.json").read_text()) == pruned.archived
    assert {name: digest_bytes((place / name).read_bytes()) for name in pruned.archived} == pruned.archived
    assert duckdb.sql(f"SELECT count(*) FROM '{place}/steps.parquet'").fetchall() == [(2,)]


def test_a_dry_run_removes_nothing(project):
    assert prune(project(), dry_run=True, clock=lambda: NOW).executions == 2
    assert len(years_left(project())) == 3
    assert not (project().state / "audit.jsonl").exists()


def test_a_legal_hold_keeps_everything(project):
    with pytest.raises(UsageError, match="a legal hold forbids"):
        prune(project("mart.legal_hold=true"), clock=lambda: NOW)
    assert len(years_left(project())) == 3


def test_where_the_archive_cannot_be_written_nothing_is_removed(project, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="the archive cannot be written"):
        prune(project(), archive=tmp_path / "file" / "archive", clock=lambda: NOW)
    assert len(years_left(project())) == 3
