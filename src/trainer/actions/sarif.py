"""Findings as SARIF 2.1.0, for code hosts and editors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trainer.core.values import Finding


def sarif_log(tool: str, findings: Iterable[tuple[str, Finding]]) -> dict[str, Any]:
    """One SARIF log of the findings, each with the file it is in."""
    results = [_result(file, finding) for file, finding in findings]
    rules = [{"id": rule} for rule in sorted({result["ruleId"] for result in results})]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": tool, "rules": rules}}, "results": results}],
    }


def _result(file: str, finding: Finding) -> dict[str, Any]:
    place = finding.where
    region = {"startLine": (place and place.line) or 1, "startColumn": (place and place.column) or 1}
    return {
        "ruleId": finding.kind,
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": file}, "region": region}}],
    }
