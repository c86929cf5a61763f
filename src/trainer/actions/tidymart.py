"""The TidyMart specification's connection and pipeline, over the records of a project or of a PostgreSQL server."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.actions.learning import config_provider, learned_files
from trainer.actions.wiring import open_tracker, opener_of, records_of
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.errors import MissingExtra
from trainer.core.project import Project, open_project
from trainer.mart import (
    ConfigDecision,
    TidyMartConfigProvider,
    TidyMartLearningEngine,
    TidyMartPerformanceTracker,
    config_hash,
    drain,
)

if TYPE_CHECKING:
    import polars

MODULES = ("documents", "sentence", "tlm", "gateway", "heiros", "sparse")
"""The modules of the specification; a processor called `documents_processor` does the work of `documents`."""


class TidyMartConnection:
    """The mart as one module sees it: configuration, tracking and recommendations. Nothing is opened before it is used.

    `postgres_conn` is a PostgreSQL URL, or the folder of a project, whose own records are used then; "" is the project
    around the current folder. With a URL the spool, and what was learned, lie in the project around the current folder.
    """

    def __init__(self, postgres_conn: str | Path = "", *, clock: Clock = system_clock) -> None:
        self._address = str(postgres_conn)
        self._clock = clock
        self._decisions: dict[tuple[str, str, str], ConfigDecision] = {}

    @cached_property
    def project(self) -> Project:
        """The project whose spool and settings are used; raises UsageError where there is none."""
        folder = Path() if self._is_server or not self._address else Path(self._address)
        return open_project(folder, environ={})

    @cached_property
    def config_provider(self) -> TidyMartConfigProvider:
        """Pattern 1."""
        return config_provider(self.project, register=self._register)

    @cached_property
    def performance_tracker(self) -> TidyMartPerformanceTracker:
        """Pattern 2."""
        return TidyMartPerformanceTracker(self._tracker)

    @cached_property
    def learning_engine(self) -> TidyMartLearningEngine:
        """Pattern 3."""
        return TidyMartLearningEngine(
            learned_files(self.project),
            self._opener,
            approved=self.config_provider.approved,
            report=self._report,
        )

    def get_optimal_config(self, module: str, operation: str, context: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration to run now; the chance it had is logged when an execution starts with it."""
        decision = self.config_provider.decide(module, operation, context)
        self._decisions[module, operation, decision.config_hash] = decision
        return dict(decision.config)

    def start_execution(
        self, module: str, operation: str, config: Mapping[str, Any], input_context: Mapping[str, Any]
    ) -> str:
        """The identity of a new execution of a configuration."""
        decision = self._decisions.get((module, operation, config_hash(config)))
        fields = decision.fields() if decision else {"config": dict(config)}
        who = {"actor": input_context.get("user_id")} if input_context.get("user_id") else {}
        return self.performance_tracker.start_execution(module, operation, {**input_context, **who, **fields})

    def track_step(self, execution_id: str, step_data: Mapping[str, Any]) -> bool:
        """Whether the step is recorded."""
        return self.performance_tracker.track_step(execution_id, step_data)

    def complete_execution(self, execution_id: str, completion_data: Mapping[str, Any]) -> bool:
        """Whether the end is recorded."""
        return self.performance_tracker.complete_execution(execution_id, completion_data)

    def get_optimization_recommendations(
        self, module: str, execution_data: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """What the records say should be changed; of the operation just run where `execution_data` names one."""
        recommendations = self.learning_engine.get_optimization_recommendations(module)
        operation = (execution_data or {}).get("metadata", {}).get("operation")
        return [item for item in recommendations if operation in (None, item["operation"])]

    def flush(self) -> None:
        """Store what was tracked so far, and learn from it; raises nothing where the store is away."""
        self._tracker.close()
        drain(self.project.spool, self._opener, clock=self._clock, learned=learned_files(self.project))

    def _register(self, module: str, config: Mapping[str, Any], performance: Mapping[str, Any]) -> None:
        results = dict(performance)
        operation = str(results.pop("operation", "run"))
        execution = self.start_execution(module, operation, config, results.pop("context", {}))
        self.complete_execution(execution, results)

    def _report(self, module: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        execution = self.performance_tracker.start_execution(module, "improvement", {"before": dict(before)})
        self.complete_execution(execution, {**after, "after": dict(after)})

    @property
    def _is_server(self) -> bool:
        return self._address.startswith(("postgresql://", "postgres://"))

    @cached_property
    def _tracker(self) -> Any:
        return open_tracker(self.project, clock=self._clock)

    @cached_property
    def _opener(self) -> Any:
        return opener_of(records_of(self.project, self._address if self._is_server else None))


class TidyMartPipeline:
    """Steps over one polars frame: configured from the records, each step tracked, recommendations at the end.

        pipeline = TidyMartPipeline("postgresql://…", "mvr_workflow")
        done = (pipeline.start_execution("peer_review", {"document_path": "report.md"})
            .add_processing_step("extract_document", documents_processor, document_path="report.md")
            .complete_execution({"report_type": "mvr"}))

    A step that fails is recorded with its error and warned of, and the later ones run all the same, as the
    specification has it; `complete_execution` then records a failed execution and names the errors.
    """

    def __init__(self, postgres_conn: str | Path, module_name: str, *, clock: Clock = system_clock) -> None:
        self.mart = TidyMartConnection(postgres_conn, clock=clock)
        self.module = module_name
        self.execution_id: str | None = None
        self.polars_frame: polars.DataFrame | None = None
        self.metadata: dict[str, Any] = {}
        self._clock = clock

    def start_execution(self, operation: str, input_data: Mapping[str, Any]) -> TidyMartPipeline:
        """Begin: ask for the configuration, and make the frame of one row. Raises MissingExtra without polars."""
        try:
            import polars
        except ImportError:
            raise MissingExtra("polars", "mart") from None
        config = self.mart.get_optimal_config(module=self.module, operation=operation, context=input_data)
        self.execution_id = self.mart.start_execution(self.module, operation, config, input_data)
        self.polars_frame = polars.DataFrame([dict(input_data)])
        self.metadata = {
            "execution_id": self.execution_id,
            "module": self.module,
            "operation": operation,
            "config": config,
            "start_time": isoformat(self._clock()),
            "steps": [],
        }
        return self

    def add_processing_step(
        self, step_name: str, processor_func: Callable[..., Any], **params: Any
    ) -> TidyMartPipeline:
        """Run a processor on the frame; what it returns as a mapping becomes columns."""
        began = time.perf_counter()
        result, error = None, None
        try:
            result = processor_func(self.polars_frame, **params)
            if isinstance(result, Mapping):
                self.polars_frame = _with_columns(self.polars_frame, result)
        except Exception as failure:
            error = failure
            warnings.warn(f"step {step_name} failed: {type(failure).__name__}: {failure}", stacklevel=2)
        step: dict[str, Any] = {
            "step_name": step_name,
            "duration_ms": (time.perf_counter() - began) * 1000,
            "success": error is None,
            "error": None if error is None else str(error),
            "parameters": params,
            "result_summary": str(result)[:500] if result else None,
        }
        self.metadata["steps"].append(step)
        self.mart.track_step(str(self.execution_id), {**_facts(processor_func, result, error), **step})
        return self

    def complete_execution(self, final_results: Mapping[str, Any]) -> dict[str, Any]:
        """End: the frame, what was done, and what the records recommend."""
        steps = self.metadata["steps"]
        errors = [f"{step['step_name']}: {step['error']}" for step in steps if not step["success"]]
        completion = {
            "total_duration_ms": sum(step["duration_ms"] for step in steps),
            "success_rate": (len(steps) - len(errors)) / len(steps) if steps else 1.0,
            "final_results": dict(final_results),
            "data_shape": self.polars_frame.shape if self.polars_frame is not None else (0, 0),
            "metadata": self.metadata,
        }
        ending = {"success": not errors, "error": "; ".join(errors) or None, **_measures(final_results)}
        self.mart.complete_execution(str(self.execution_id), {**completion, **ending})
        return {
            "execution_id": self.execution_id,
            "results": dict(final_results),
            "polars_frame": self.polars_frame,
            "metadata": self.metadata,
            "recommendations": self.mart.get_optimization_recommendations(self.module, completion),
            "errors": errors,
        }


def _with_columns(frame: Any, values: Mapping[str, Any]) -> polars.DataFrame:
    """The frame with a column for each value, the same in every row; a list is one value, not a column."""
    import polars

    columns = [polars.Series(str(name), [value] * frame.height, strict=False) for name, value in values.items()]
    return frame.with_columns(columns)  # type: ignore[no-any-return]


def _facts(processor: Callable[..., Any], result: Any, error: Exception | None) -> dict[str, Any]:
    """What a step's record says beside its times: its module, its kind of error, and the plain values it returned."""
    name = getattr(processor, "__name__", "").removesuffix("_processor")
    facts: dict[str, Any] = {"module": name} if name in MODULES else {}
    if error is not None:
        facts["error_class"] = type(error).__name__
    if isinstance(result, Mapping):
        short = {str(key): value for key, value in result.items() if not isinstance(value, str) or len(value) <= 500}
        facts |= {
            key: value for key, value in short.items() if isinstance(value, str | int | float | bool | list | dict)
        }
    return facts


def _measures(results: Mapping[str, Any]) -> dict[str, Any]:
    """Of the final results what an execution is measured by."""
    return {name: results[name] for name in ("quality_score", "cost_usd", "user_satisfaction") if name in results}
