"""Several sources asked at once: what they said, what is missing, and what that advises.

    queries = {"prices": ("yahoo_finance", {"ticker": "ABBV"}), "sales": ("file", {"path": "s.csv"})}
    several = fetch_all(queries, sources)
    several.aggregation.data_quality_score     # 0.5 where one of the two failed
    several.aggregation.gaps                   # {"sales": "there is no file s.csv"}

`as_json` gives the layout of the specification: `sources`, `aggregation`, `processing_pipelines`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from trainer.core.clock import Clock, system_clock
from trainer.core.digest import pick
from trainer.core.values import Json
from trainer.sources.base import DataRetriever, Fetched, Schema, SourceContext
from trainer.sources.many import KeyedQuery, QueryOutcome, retrieve_many
from trainer.sources.plans import Choice, plan_concurrency, plan_tokens, plan_workers
from trainer.sources.query import QueryFields

GOOD_QUALITY = 0.7
"""Score above which work is done in parallel; below, too much is missing to push."""
_WORKER_MEMORY = 200_000_000
"""Bytes of one worker that prints or converts: WeasyPrint with fonts takes 150 MB for pages of usual length."""
CONTEXTUAL = ("model_config", "tokenizer", "performance", "processing_state", "resources")
"""The contextual sources, which say how to work; all others say what about."""


class FunctionSource(DataRetriever):
    """A source that is a function without a query; what it returns is the data."""

    local = True

    def __init__(self, name: str, function: Callable[[], Mapping[str, Json]], *, context: SourceContext | None = None):
        super().__init__(context=context)
        self.name = name  # type: ignore[misc]  # each function is a source of its own
        self._function = function

    def get_schema(self) -> Schema:
        """It is asked without any field."""
        return Schema(self.name)

    def fetch(self, query: Mapping[str, Json]) -> Fetched:  # noqa: ARG002  (the seam's signature)
        """What the function says now."""
        return Fetched(dict(self._function()))


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What all sources say together."""

    total_sources: int
    successful_sources: int
    failed_sources: int
    data_quality_score: float
    """The share of the sources that answered, from 0 to 1; 0 where there are none."""
    unified_metadata: Mapping[str, Json] = field(default_factory=dict)
    """`subjects`, `as_of` and `fields` by source, `oldest` of the dates, and `gaps`."""
    processing_constraints: Mapping[str, Json] = field(default_factory=dict)
    """What must not be passed: `max_input_tokens`, `max_concurrency`, `memory_bytes`, `requests_per_minute` …"""
    optimization_hints: Mapping[str, Json] = field(default_factory=dict)
    """What would make it better, in words, by what it is about."""

    @property
    def gaps(self) -> Mapping[str, str]:
        """Why there is no answer, by the name of each source that gave none."""
        gaps: Mapping[str, str] = self.unified_metadata.get("gaps", {})
        return gaps


@dataclass(frozen=True, slots=True)
class SeveralSources:
    """What came of asking several sources at once."""

    outcomes: Mapping[str, QueryOutcome]
    """By name, in the order asked."""
    aggregation: Aggregation
    plan: Mapping[str, Choice]
    """`tokens`, `concurrency` and `workers`."""
    timestamp: float
    """Unix time at which the last of them had answered."""

    def facts(self, name: str) -> Mapping[str, Json]:
        """What a source said; nothing where it failed or was not asked."""
        return _facts(self.outcomes, name)

    def as_json(self) -> dict[str, Json]:
        """The layout of the specification."""
        return {
            "sources": {name: _described(name, outcome, self.timestamp) for name, outcome in self.outcomes.items()},
            "aggregation": asdict(self.aggregation),
            "processing_pipelines": pipelines(self.aggregation, self.plan),
            "transformation_ready": self.aggregation.successful_sources > 0,
            "source_count": len(self.outcomes),
            "timestamp": self.timestamp,
        }


def fetch_all(
    queries: Mapping[str, KeyedQuery],
    sources: Mapping[str, DataRetriever],
    *,
    store: bool = True,
    timeout: float | None = None,
    done: Callable[[QueryOutcome], None] = lambda _: None,
    clock: Clock = system_clock,
) -> SeveralSources:
    """What all sources answered, asked side by side; one that fails neither stops, delays nor repeats another.

    Whoever takes longer than `timeout` seconds counts as failed.
    """
    outcomes = retrieve_many(list(queries.values()), sources, store=store, timeout=timeout, done=done)
    named = dict(zip(queries, outcomes, strict=True))
    return SeveralSources(named, aggregate(named), make_plan(named), clock().timestamp())


def fetch_functions(
    functions: Mapping[str, Callable[[], Mapping[str, Json]]],
    *,
    timeout: float | None = None,
    clock: Clock = system_clock,
) -> SeveralSources:
    """As `fetch_all`, for sources that are functions; nothing is stored."""
    context = SourceContext(clock=clock)
    sources = {name: FunctionSource(name, function, context=context) for name, function in functions.items()}
    queries: dict[str, tuple[str, QueryFields]] = {name: (name, {}) for name in functions}
    return fetch_all(queries, sources, store=False, timeout=timeout, clock=clock)


def aggregate(outcomes: Mapping[str, QueryOutcome]) -> Aggregation:
    """Counts, score, and what the answers have in common; without any answer it is all gaps."""
    answered = {name: outcome.result for name, outcome in outcomes.items() if outcome.result is not None}
    gaps = {name: outcome.error.message for name, outcome in outcomes.items() if outcome.error is not None}
    model, performance, state, resources = (_facts(outcomes, name) for name in CONTEXTUAL if name != "tokenizer")
    metadata = {name: result.metadata for name, result in answered.items() if name not in CONTEXTUAL}
    dates = {name: meaning["as_of"] for name, meaning in metadata.items() if meaning.get("as_of")}
    unified = {
        "model": model.get("model_name"),
        "subjects": {name: meaning["subject"] for name, meaning in metadata.items() if meaning.get("subject")},
        "as_of": dates,
        "oldest": min(dates.values(), default=None),
        "fields": {
            f"{name}.{path}": field for name, meaning in metadata.items() for path, field in _fields(meaning).items()
        },
        "gaps": gaps,
    }
    constraints = {
        "max_input_tokens": plan_tokens(model).value,
        "max_output_tokens": model.get("max_output"),
        "max_concurrency": resources.get("max_concurrent_processes"),
        "memory_bytes": resources.get("memory_bytes"),
        "disk_bytes": resources.get("disk_bytes"),
        "requests_per_minute": resources.get("requests_per_minute"),
        "tokens_per_minute": resources.get("tokens_per_minute"),
    }
    hints = {
        "records": state.get("backlog") and f"{state['backlog']} segments of records wait: trainer mart executions",
        "refusals": performance.get("refused_requests") and f"{performance['refused_requests']} requests were refused",
        "missing": gaps and f"ask again for {', '.join(sorted(gaps))}",
        "dates": len(set(dates.values())) > 1 and f"data from {min(dates.values())} to {max(dates.values())} is joined",
    }
    return Aggregation(
        total_sources=len(outcomes),
        successful_sources=len(answered),
        failed_sources=len(outcomes) - len(answered),
        data_quality_score=len(answered) / len(outcomes) if outcomes else 0.0,
        unified_metadata={name: field for name, field in unified.items() if field},
        processing_constraints={name: limit for name, limit in constraints.items() if limit is not None},
        optimization_hints={name: hint for name, hint in hints.items() if hint},
    )


def make_plan(outcomes: Mapping[str, QueryOutcome]) -> dict[str, Choice]:
    """The three choices that the contextual sources among the outcomes advise, for as much work as there may be."""
    model, performance, state, resources = (_facts(outcomes, name) for name in CONTEXTUAL if name != "tokenizer")
    return {
        "tokens": plan_tokens(model),
        "concurrency": plan_concurrency(performance, resources, calls=1_000_000),
        "workers": plan_workers(resources, state, items=1_000_000, memory=_WORKER_MEMORY),
    }


def pipelines(aggregation: Aggregation, plan: Mapping[str, Choice]) -> dict[str, Json]:
    """The plan in the layout of the specification: three pipelines, their order, and what may be done for speed."""
    stages = (
        ("model_aware_preprocessing", "model_config", "tokens", "text"),
        ("performance_optimized_processing", "performance", "concurrency", "calls"),
        ("resource_aware_scaling", "resources", "workers", "batches"),
    )
    good = aggregation.data_quality_score > GOOD_QUALITY
    transformations = [
        {
            "name": name,
            "source": source,
            "transformations": [{"name": choice, **pick(plan[choice])}],
            "output_format": form,
            "priority": priority,
        }
        for priority, (name, source, choice, form) in enumerate(stages, 1)
    ]
    concurrent = (plan["concurrency"].value or 1) > 1
    return {
        "transformation_pipelines": transformations,
        "data_flow_config": {
            "pipeline_order": [name for name, *_ in stages],
            "parallel_execution": good and concurrent,
            "fallback_strategy": "defaults for what is missing",
            "error_handling": "partial: the others go on",
        },
        "optimization_config": {
            "enable_caching": True,
            "batch_processing": (plan["workers"].value or 1) > 1,
            "memory_optimization": "memory_bytes" in aggregation.processing_constraints,
            "concurrent_execution": concurrent,
        },
    }


def _facts(outcomes: Mapping[str, QueryOutcome], name: str) -> Mapping[str, Any]:
    result = outcomes[name].result if name in outcomes else None
    return result.data if result is not None else {}


def _fields(metadata: Mapping[str, Json]) -> Mapping[str, Json]:
    fields: Mapping[str, Json] = metadata.get("fields") or {}
    return fields


def _described(name: str, outcome: QueryOutcome, timestamp: float) -> dict[str, Json]:
    """A source's answer, or its error, with what kind it is and when it was had."""
    result = outcome.result
    moment = result.retrieved_at.timestamp() if result is not None else timestamp
    described: dict[str, Json] = dict(result.data) if result is not None else {"error": str(outcome.error)}
    kind = name if name in CONTEXTUAL else outcome.source
    return {**described, "source_type": kind, "fetch_timestamp": moment}
