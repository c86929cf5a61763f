"""Rules that data must keep, scores of how well it does, and what looks wrong in it; usable alone."""

from trainer.quality.anomalies import detect_anomalies
from trainer.quality.duplicates import find_duplicates
from trainer.quality.engine import DataQualityEngine
from trainer.quality.rules import PACKS, read_pack, read_rules
from trainer.quality.values import (
    DetectedAnomaly,
    DuplicatePair,
    QualityAssessmentResult,
    RuleResult,
    ValidationRule,
)

__all__ = [
    "PACKS",
    "DataQualityEngine",
    "DetectedAnomaly",
    "DuplicatePair",
    "QualityAssessmentResult",
    "RuleResult",
    "ValidationRule",
    "detect_anomalies",
    "find_duplicates",
    "read_pack",
    "read_rules",
]
