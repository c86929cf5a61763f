"""The mart's tables: facts that are only ever added, without keys or indexes.

An execution ends once: the first end that arrives stands.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import duckdb

Opener: TypeAlias = "Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]"
"""Opens the database for one short operation, with MIGRATIONS applied."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE execution_starts (
        execution_id VARCHAR, parent_id VARCHAR, module VARCHAR, operation VARCHAR, context_key VARCHAR,
        context JSON, config_hash VARCHAR, actor VARCHAR, department VARCHAR, inputs JSON, host VARCHAR, pid BIGINT,
        started_at TIMESTAMP
    );
    CREATE TABLE execution_ends (
        execution_id VARCHAR, ended_at TIMESTAMP, seconds DOUBLE, status VARCHAR, error_class VARCHAR, error VARCHAR,
        tokens_in BIGINT, tokens_out BIGINT, cost DOUBLE, quality DOUBLE, inputs JSON, outputs JSON, results JSON
    );
    CREATE TABLE steps (
        execution_id VARCHAR, seq BIGINT, name VARCHAR, ended_at TIMESTAMP, seconds DOUBLE, status VARCHAR,
        error_class VARCHAR, error VARCHAR, tokens_in BIGINT, tokens_out BIGINT, cost DOUBLE, quality DOUBLE,
        inputs JSON, outputs JSON, attributes JSON
    );
    CREATE TABLE ingested (segment VARCHAR, rows BIGINT, bad BIGINT, ingested_at TIMESTAMP);
    CREATE TABLE rollup (
        day DATE, module VARCHAR, operation VARCHAR, context_key VARCHAR, config_hash VARCHAR,
        n BIGINT, successes BIGINT, seconds_n BIGINT, seconds_sum DOUBLE, seconds_squares DOUBLE,
        cost_n BIGINT, cost_sum DOUBLE, cost_squares DOUBLE, quality_n BIGINT, quality_sum DOUBLE,
        quality_squares DOUBLE, tokens_in BIGINT, tokens_out BIGINT
    );
    CREATE VIEW executions AS
    SELECT s.execution_id, s.parent_id, s.module, s.operation, s.context_key, s.context, s.config_hash, s.actor,
        s.department, s.host, s.pid, s.started_at, e.ended_at, e.seconds, e.status, e.error_class, e.error, e.tokens_in,
        e.tokens_out, e.cost, e.quality, coalesce(e.inputs, s.inputs) AS inputs, e.outputs, e.results
    FROM execution_starts s LEFT JOIN execution_ends e ON s.execution_id = e.execution_id;
    """,
    "DROP TABLE rollup",
    """
    CREATE TABLE trials (
        execution_id VARCHAR, ended_at TIMESTAMP, module VARCHAR, operation VARCHAR, context_key VARCHAR,
        config_hash VARCHAR, config JSON, success BOOLEAN, quality DOUBLE, cost DOUBLE, seconds DOUBLE,
        propensity DOUBLE, explored BOOLEAN, policy VARCHAR
    );
    CREATE TABLE ratings (
        execution_id VARCHAR, rated_at TIMESTAMP, score DOUBLE, source VARCHAR, actor VARCHAR, note VARCHAR
    );
    CREATE TABLE spend_limits (department VARCHAR, time_period VARCHAR, usd DOUBLE);
    CREATE TABLE views_made (release VARCHAR);
    """,
)
"""Numbered from 1; only ever added to."""

EVENT_COLUMNS = {
    "kind": "VARCHAR",
    "execution_id": "VARCHAR",
    "at": "BIGINT",
    "seconds": "DOUBLE",
    "module": "VARCHAR",
    "operation": "VARCHAR",
    "parent_id": "VARCHAR",
    "seq": "BIGINT",
    "pid": "BIGINT",
    "host": "VARCHAR",
    "actor": "VARCHAR",
    "department": "VARCHAR",
    "config_hash": "VARCHAR",
    "context_key": "VARCHAR",
    "context": "JSON",
    "inputs": "JSON",
    "outputs": "JSON",
    "attributes": "JSON",
    "results": "JSON",
    "status": "VARCHAR",
    "error_class": "VARCHAR",
    "error": "VARCHAR",
    "tokens_in": "BIGINT",
    "tokens_out": "BIGINT",
    "cost": "DOUBLE",
    "quality": "DOUBLE",
}
"""The fields of a line in the spool."""

INSERTS = (
    """INSERT INTO execution_starts SELECT execution_id, parent_id, module, operation, context_key, context,
        config_hash, actor, department, inputs, host, pid, make_timestamp("at") FROM batch WHERE kind = 'start'""",
    """INSERT INTO execution_ends SELECT DISTINCT ON (execution_id) execution_id, make_timestamp("at"), seconds, status,
        error_class, error, tokens_in, tokens_out, cost, quality, inputs, outputs, results FROM batch
        WHERE kind = 'end' AND NOT EXISTS (FROM execution_ends e WHERE e.execution_id = batch.execution_id)
        ORDER BY execution_id, "at\"""",
    """INSERT INTO steps SELECT execution_id, seq, operation, make_timestamp("at"), seconds, status, error_class,
        error, tokens_in, tokens_out, cost, quality, inputs, outputs, attributes FROM batch WHERE kind = 'step'""",
    """INSERT INTO ratings SELECT execution_id, make_timestamp("at"), quality, operation, actor, error FROM batch
        WHERE kind = 'rating'""",
    """INSERT INTO trials SELECT s.execution_id, e.ended_at, s.module, s.operation, coalesce(s.context_key, ''),
        s.config_hash, s.context -> 'config', e.status = 'success', e.quality, e.cost, e.seconds,
        TRY_CAST(s.context ->> 'propensity' AS DOUBLE), TRY_CAST(s.context ->> 'explored' AS BOOLEAN),
        s.context ->> 'policy'
        FROM execution_starts s JOIN execution_ends e ON s.execution_id = e.execution_id
        WHERE s.config_hash IS NOT NULL AND (s.context ->> 'config') IS NOT NULL AND e.status <> 'cancelled'
            AND coalesce(e.results ->> 'origin', 'fresh') = 'fresh'
            AND s.execution_id IN (SELECT execution_id FROM batch WHERE kind IN ('start', 'end'))
            AND NOT EXISTS (FROM trials t WHERE t.execution_id = s.execution_id)""",
)
"""What a batch adds; a trial is an execution with a configuration that was really run, not answered from the cache."""

TOUCHED = """SELECT DISTINCT module, operation, context_key FROM trials
    WHERE execution_id IN (SELECT execution_id FROM batch WHERE kind IN ('start', 'end', 'rating'))"""
"""The groups of trials that a batch adds to or rates."""
