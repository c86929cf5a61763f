"""The quality of incoming tables by the project's rules, before anything of them is proposed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from trainer.catalog import SchemaProposalEngine, find_field
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import UsageError, Where
from trainer.core.files import read_text
from trainer.core.project import Project
from trainer.core.values import Json
from trainer.ingest import FileExtract
from trainer.quality import PACKS, DataQualityEngine, QualityAssessmentResult, ValidationRule, read_pack, read_rules

_MOST_ROWS = 5_000
"""Rows of a table that are assessed: the first ones, in half a second."""
_DOUBTED = 0.85
"""What nothing of a file with critical failures is surer than: it waits under the usual policy."""
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class FileQuality:
    """How good the tables of a file are."""

    results: tuple[tuple[str, QualityAssessmentResult], ...]
    """By the table's name."""

    @property
    def critical(self) -> tuple[str, ...]:
        """What must hold and does not, in words."""
        return tuple(
            f"{failed.column}: {failed.message} ({failed.rule})" for _, one in self.results for failed in one.critical
        )[:_MOST_TOLD]

    @property
    def confidence(self) -> float:
        """The most that rows of the file may be sure of."""
        return _DOUBTED if self.critical else 1.0

    def as_json(self) -> list[dict[str, Json]]:
        """One object a table: score, dimensions, rules that fail, anomalies, near duplicates, recommendations."""
        return [
            {
                "table": name, "score": one.overall_quality_score, "dimensions": dict(one.quality_scores),
                "rules": one.rules_applied,
                "failed": [
                    {"rule": failed.rule, "column": failed.column, "severity": failed.severity, "rows": failed.failed}
                    for failed in one.validation_results
                ],
                "anomalies": len(one.detected_anomalies),
                "repeated": len(one.deduplication_results),
                "recommendations": list(one.recommendations[:_MOST_TOLD]),
            }
            for name, one in self.results
        ]  # fmt: skip


def quality_check(
    project: Project, engine: SchemaProposalEngine, *, clock: Clock = system_clock
) -> Callable[[FileExtract], FileQuality]:
    """From a file to its quality, by the rules of `ingest.rules`; raises UsageError with what is wrong with these."""

    @cache
    def lookup(table: str, field: str) -> frozenset[Json]:
        definition = engine.catalog.table(table)
        name = find_field(definition, field).name
        return frozenset(row.values[name] for row in engine.catalog.rows(table))

    quality = DataQualityEngine(project_rules(project), lookup=lookup, clock=clock)

    def assess(extract: FileExtract) -> FileQuality:
        tables = [table for table in extract.tables if table.records]
        return FileQuality(
            tuple((table.name, quality.assess_quality((table.records or ())[:_MOST_ROWS])) for table in tables)
        )

    return assess


def project_rules(project: Project) -> list[ValidationRule]:
    """The rules that the settings name: packs, and YAML files of the project."""
    rules: list[ValidationRule] = []
    for name in project.settings.ingest.rules:
        if name in PACKS or not name.endswith((".yaml", ".yml")):
            rules += read_pack(name)
            continue
        path = project.inside(name, what="a file of ingest.rules")
        if not path.is_file():
            raise UsageError(
                "there is no such file of rules", where=Where(name), hint="see ingest.rules in config.yaml"
            )
        rules += read_rules(read_text(path, shown=name), shown=name)
    return rules
