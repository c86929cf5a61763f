"""Records of every operation: tracked without waiting, drained into the database, looked back at, and learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face

if TYPE_CHECKING:
    from trainer.mart.breaker import Breaker, read_breaker
    from trainer.mart.configuration import ConfigDecision, Exploration, TidyMartConfigProvider
    from trainer.mart.contexts import context_key
    from trainer.mart.drainer import DrainResult, drain
    from trainer.mart.engine import Insight, Recommendation, TidyMartLearningEngine
    from trainer.mart.evaluation import LoggedChoice, PolicyValue, policy_value
    from trainer.mart.events import config_hash
    from trainer.mart.history import ExecutionRecord, ExecutionTree, StepRecord, executions, executions_with, show
    from trainer.mart.learning import Trial, Weights
    from trainer.mart.paired import CHANCE, chance
    from trainer.mart.patterns import WorkflowPattern, workflow_patterns
    from trainer.mart.policies import Policy, PolicyFiles
    from trainer.mart.publish import LearnedFiles
    from trainer.mart.retention import Pruned, prune_records
    from trainer.mart.sequential import Comparison, compare, needed
    from trainer.mart.spool import Backlog, backlog, writers
    from trainer.mart.tables import MIGRATIONS
    from trainer.mart.tidymart import TidyMartPerformanceTracker
    from trainer.mart.tracker import Execution, Tracker
    from trainer.mart.transfer import copy_records

__all__ = [
    "CHANCE",
    "MIGRATIONS",
    "Backlog",
    "Breaker",
    "Comparison",
    "ConfigDecision",
    "DrainResult",
    "Execution",
    "ExecutionRecord",
    "ExecutionTree",
    "Exploration",
    "Insight",
    "LearnedFiles",
    "LoggedChoice",
    "Policy",
    "PolicyFiles",
    "PolicyValue",
    "Pruned",
    "Recommendation",
    "StepRecord",
    "TidyMartConfigProvider",
    "TidyMartLearningEngine",
    "TidyMartPerformanceTracker",
    "Tracker",
    "Trial",
    "Weights",
    "WorkflowPattern",
    "backlog",
    "chance",
    "compare",
    "config_hash",
    "context_key",
    "copy_records",
    "drain",
    "executions",
    "executions_with",
    "needed",
    "policy_value",
    "prune_records",
    "read_breaker",
    "show",
    "workflow_patterns",
    "writers",
]

__getattr__ = face(
    __name__,
    {
        "breaker": "Breaker read_breaker",
        "configuration": "ConfigDecision Exploration TidyMartConfigProvider",
        "contexts": "context_key",
        "drainer": "DrainResult drain",
        "engine": "Insight Recommendation TidyMartLearningEngine",
        "evaluation": "LoggedChoice PolicyValue policy_value",
        "events": "config_hash",
        "history": "ExecutionRecord ExecutionTree StepRecord executions executions_with show",
        "learning": "Trial Weights",
        "paired": "CHANCE chance",
        "patterns": "WorkflowPattern workflow_patterns",
        "policies": "Policy PolicyFiles",
        "publish": "LearnedFiles",
        "retention": "Pruned prune_records",
        "sequential": "Comparison compare needed",
        "spool": "Backlog backlog writers",
        "tables": "MIGRATIONS",
        "tidymart": "TidyMartPerformanceTracker",
        "tracker": "Execution Tracker",
        "transfer": "copy_records",
    },
)
