"""Records for other programs: metrics as Prometheus reads them, and traces as OpenTelemetry does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from trainer.actions.mart import moment_of, take_in
from trainer.actions.wiring import open_database
from trainer.core.clock import Clock, system_clock
from trainer.core.digest import digest
from trainer.core.project import Project
from trainer.mart import backlog

ExportFormat = Literal["prometheus", "opentelemetry"]
GENAI_CONVENTIONS = "https://opentelemetry.io/schemas/1.37.0"
"""The version of OpenTelemetry's semantic conventions whose GenAI names are written."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_SECONDS = (0.1, 0.5, 1, 5, 10, 30, 60, 300)
"""Upper bounds of the histogram: from a cached run to a long build."""

_EXECUTIONS = """SELECT s.module, s.operation, coalesce(e.status, 'running') AS status, count(*),
    coalesce(sum(e.cost), 0), coalesce(sum(e.tokens_in), 0), coalesce(sum(e.tokens_out), 0)
    FROM execution_starts s LEFT JOIN execution_ends e ON s.execution_id = e.execution_id
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
_BUCKETS = ", ".join(f"count(*) FILTER (e.seconds <= {bound})" for bound in _SECONDS)
_DURATIONS = f"""SELECT s.module, s.operation, {_BUCKETS}, count(*), sum(e.seconds)
    FROM execution_starts s JOIN execution_ends e ON s.execution_id = e.execution_id
    WHERE e.seconds IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608
_QUALITY = """SELECT s.module, s.operation, avg(e.quality) FROM execution_starts s
    JOIN execution_ends e ON s.execution_id = e.execution_id WHERE e.quality IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"""
_CALLS = """
    SELECT s.execution_id, s.parent_id, s.operation AS name, s.started_at, e.ended_at, e.status, e.error, e.tokens_in,
        e.tokens_out, e.cost, e.results ->> 'provider' AS provider, e.results ->> 'model' AS model, 0 AS seq
    FROM execution_starts s JOIN execution_ends e ON s.execution_id = e.execution_id WHERE s.started_at >= $1
    UNION ALL
    SELECT p.execution_id, p.execution_id, p.name,
        p.ended_at - to_microseconds(CAST(coalesce(p.seconds, 0) * 1e6 AS BIGINT)), p.ended_at, p.status,
        p.error, p.tokens_in, p.tokens_out, p.cost, p.attributes ->> 'provider', p.attributes ->> 'model', p.seq
    FROM steps p WHERE p.ended_at >= $1
    ORDER BY 1, 13"""
"""Executions, and their steps as spans below them."""


def export_prometheus(project: Project, *, clock: Clock = system_clock) -> str:
    """All records as metrics in Prometheus's text format, version 0.0.4; for a textfile collector or a web server."""
    waiting = backlog(project.spool, clock=clock)
    take_in(project, clock)
    with open_database(project)() as connection:
        executions, durations, quality = (
            connection.execute(question).fetchall() for question in (_EXECUTIONS, _DURATIONS, _QUALITY)
        )
    lines = _family("trainer_executions_total", "counter", "Executions by how they ended.")
    lines += [_sample("trainer_executions_total", _names(row, "status"), row[3]) for row in executions]
    for name, meaning, at in (
        ("trainer_cost_usd_total", "US dollars that executions cost.", 4),
        ("trainer_input_tokens_total", "Tokens sent to models.", 5),
        ("trainer_output_tokens_total", "Tokens that models wrote.", 6),
    ):
        lines += _family(name, "counter", meaning)
        lines += [_sample(name, _names(row, "status"), row[at]) for row in executions if row[at]]
    lines += _family("trainer_execution_seconds", "histogram", "Seconds from start to end.")
    for row in durations:
        lines += _histogram(row)
    lines += _family("trainer_quality", "gauge", "Mean score of the checks, from 0 to 1.")
    lines += [_sample("trainer_quality", _names(row), row[2]) for row in quality]
    lines += _family("trainer_spool_segments", "gauge", "Segments that waited for the store when this was written.")
    lines += [_sample("trainer_spool_segments", {}, waiting.segments)]
    return "\n".join(lines) + "\n"


def export_opentelemetry(project: Project, *, since: str = "1d", clock: Clock = system_clock) -> dict[str, Any]:
    """Executions and steps since a date or an age as one OTLP/JSON request; identities are the same each time."""
    after = moment_of(since, "--since", clock)
    assert after is not None
    take_in(project, clock)
    with open_database(project)() as connection:
        rows = connection.execute(_CALLS, [after.replace(tzinfo=None)]).fetchall()
    parents = {row[0]: row[1] for row in rows if row[12] == 0}
    spans = [_span(row, parents) for row in rows]
    scope = {"scope": {"name": "trainer.mart"}, "spans": spans, "schemaUrl": GENAI_CONVENTIONS}
    resource = {"attributes": [_attribute("service.name", "trainer")]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope], "schemaUrl": GENAI_CONVENTIONS}]}


def _span(row: Sequence[Any], parents: Mapping[str, str | None]) -> dict[str, Any]:
    execution, parent, name, began, ended, status, error, tokens_in, tokens_out, cost, provider, model, seq = row
    root = execution
    while parents.get(root):
        root = str(parents[root])
    attributes = [
        _attribute(key, value)
        for key, value in (
            ("gen_ai.operation.name", "chat" if model else None),
            ("gen_ai.provider.name", provider),
            ("gen_ai.request.model", model),
            ("gen_ai.usage.input_tokens", tokens_in),
            ("gen_ai.usage.output_tokens", tokens_out),
            ("trainer.cost_usd", cost),
        )
        if value is not None
    ]
    span = {
        "traceId": digest(root)[:32],
        "spanId": digest([execution, seq])[:16],
        "name": f"chat {model}" if model else name,
        "kind": 3 if model else 1,
        "startTimeUnixNano": _nanoseconds(began),
        "endTimeUnixNano": _nanoseconds(ended),
        "attributes": attributes,
        "status": {"code": 1} if status == "success" else {"code": 2, "message": error or str(status)},
    }
    return span if parent is None else {**span, "parentSpanId": digest([parent, 0])[:16]}


def _attribute(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"key": name, "value": {"intValue": str(value)}}  # 64-bit numbers are strings in OTLP/JSON
    return {"key": name, "value": {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}}


def _nanoseconds(moment: datetime) -> str:
    whole = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return str((whole.days * 86_400 + whole.seconds) * 10**9 + whole.microseconds * 1000)


def _names(row: Sequence[Any], *more: str) -> dict[str, str]:
    return {name: str(value or "") for name, value in zip(("module", "operation", *more), row, strict=False)}


def _histogram(row: Sequence[Any]) -> Iterator[str]:
    names, counts = _names(row), row[2 : 2 + len(_SECONDS)]
    for bound, count in zip(_SECONDS, counts, strict=True):
        yield _sample("trainer_execution_seconds_bucket", {**names, "le": f"{bound:g}"}, count)
    yield _sample("trainer_execution_seconds_bucket", {**names, "le": "+Inf"}, row[-2])
    yield _sample("trainer_execution_seconds_sum", names, row[-1])
    yield _sample("trainer_execution_seconds_count", names, row[-2])


def _family(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    escaped = (f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
    inside = ",".join(escaped)
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"
