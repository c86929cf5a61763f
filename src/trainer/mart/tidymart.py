"""The names of the TidyMart specification over the tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.mart.tracker import Tracker

_RENAMED = {
    "cost_usd": "cost",
    "total_cost_usd": "cost",
    "quality_score": "quality",
    "input_tokens": "tokens_in",
    "output_tokens": "tokens_out",
    "error_type": "error_class",
}
_MILLISECONDS = ("duration_ms", "total_duration_ms", "processing_time_ms", "latency_ms")


class TidyMartPerformanceTracker:
    """Pattern 2 of the specification: modules stream what they do, and never wait for it."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def start_execution(self, module: str, operation: str, context: Mapping[str, Any]) -> str:
        """The identity of a new execution."""
        return self._tracker.start(module, operation, context)

    def track_step(self, execution_id: str, step_data: Mapping[str, Any]) -> bool:
        """Whether the step is recorded; `step_name`, `duration_ms`, `success`, `error`, `cost_usd` are known."""
        data = _translated(step_data)
        if data.get("error") is None:
            data.pop("error", None)
        name = str(data.pop("step_name", data.pop("name", "step")))
        return self._tracker.step(execution_id, name, **data)

    def complete_execution(self, execution_id: str, results: Mapping[str, Any]) -> bool:
        """Whether the end is recorded; `success`, `total_duration_ms`, `cost_usd`, `quality_score` … are known."""
        return self._tracker.complete(execution_id, _translated(results))


def _translated(data: Mapping[str, Any]) -> dict[str, Any]:
    fields = {_RENAMED.get(str(name), str(name)): value for name, value in data.items()}
    if isinstance(fields.get("success"), bool):
        fields.setdefault("status", "success" if fields.pop("success") else "fail")
    for name in _MILLISECONDS:
        if isinstance(fields.get(name), int | float):
            fields.setdefault("seconds", fields.pop(name) / 1000)
    return fields
