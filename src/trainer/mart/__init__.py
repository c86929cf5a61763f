"""Records of every operation: tracked into a spool without waiting, drained into the database, looked back at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.faces import lazy_face

if TYPE_CHECKING:
    from trainer.mart.breaker import Breaker, read_breaker
    from trainer.mart.drainer import DrainResult, drain
    from trainer.mart.history import ExecutionRecord, ExecutionTree, StepRecord, executions, show
    from trainer.mart.spool import Backlog, backlog
    from trainer.mart.tables import MIGRATIONS
    from trainer.mart.tidymart import TidyMartPerformanceTracker
    from trainer.mart.tracker import Execution, Tracker
    from trainer.mart.transfer import copy_records

__all__ = [
    "MIGRATIONS",
    "Backlog",
    "Breaker",
    "DrainResult",
    "Execution",
    "ExecutionRecord",
    "ExecutionTree",
    "StepRecord",
    "TidyMartPerformanceTracker",
    "Tracker",
    "backlog",
    "copy_records",
    "drain",
    "executions",
    "read_breaker",
    "show",
]

_MODULES = {
    "breaker": ("Breaker", "read_breaker"),
    "drainer": ("DrainResult", "drain"),
    "history": ("ExecutionRecord", "ExecutionTree", "StepRecord", "executions", "show"),
    "spool": ("Backlog", "backlog"),
    "tables": ("MIGRATIONS",),
    "tidymart": ("TidyMartPerformanceTracker",),
    "tracker": ("Execution", "Tracker"),
    "transfer": ("copy_records",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__getattr__ = lazy_face(__name__, _HOMES)
