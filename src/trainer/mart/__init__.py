"""Records of every operation: tracked into a spool without waiting, drained into the database, looked back at."""

from trainer.mart.breaker import Breaker, read_breaker
from trainer.mart.drainer import DrainResult, drain
from trainer.mart.history import ExecutionRecord, ExecutionTree, StepRecord, executions, show
from trainer.mart.spool import Backlog, backlog, writers
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
    "writers",
]
