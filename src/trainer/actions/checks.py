"""Check any Markdown against data and contexts, and committed reports against their provenance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.actions.sarif import sarif_log
from trainer.checks import FigureReport, check_completion, check_figures
from trainer.checks.lexicon import detect_language
from trainer.checks.screen import quality
from trainer.core.digest import digest_bytes
from trainer.core.files import read_text
from trainer.core.project import Project
from trainer.core.values import Context, DataBlock, Finding, Output, Prompt
from trainer.reports.provenance import provenance_path, read_provenance
from trainer.security import screen_completion

_LANGUAGE = re.compile(r"^language:\s*[\"']?([A-Za-z]{2}(?:-[A-Za-z]{2})?)[\"']?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What the checks say of one file."""

    file: str
    figures: FigureReport
    findings: tuple[Finding, ...]
    """Of the other checks, and of the screen of answers."""
    scores: dict[str, float]

    @property
    def contradicted(self) -> int:
        """How many figures the data contradicts."""
        return sum(figure.verdict == "contradicted" for figure in self.figures.figures)

    def as_json(self) -> dict[str, Any]:
        """The document that scripts read: every figure, then what the other checks found."""
        others = [
            {name: value for name, value in finding.as_json().items() if name != "severity"}
            | {"verdict": "unsupported", "formula": ""}
            for finding in self.findings
        ]
        document = self.figures.document()
        return {**document, "findings": [*document["findings"], *others], "scores": self.scores}


def check_text(
    text: str,
    *,
    name: str,
    data: Sequence[DataBlock],
    contexts: Sequence[Context],
    language: str | None = None,
    hosts: Sequence[str] = (),
) -> CheckedFile:
    """What the checks and the screen of answers say of a Markdown text, with the language its front matter names.

    Without one it is the language it is written in; `hosts` are those its pictures and links may call.
    """
    declared = language or _declared_language(text)
    figures = check_figures(text, data=data, contexts=contexts, language=declared)
    output = Output(language=declared or detect_language(text))
    prompt = Prompt("-", "", "", contexts=tuple(contexts), data=tuple(data), output=output)
    checks = ("structure", "consistency", *(("entities",) if data else ()), *(("citations",) if contexts else ()))
    verdict = check_completion(text, prompt=prompt, checks=checks)
    screened = screen_completion(text, prompt=prompt, allowed_hosts=hosts).findings
    findings = (*verdict.findings, *(finding for finding in screened if finding.severity != "note"))
    parts = {key: score for key, score in verdict.scores.items() if key != "quality"} | dict(figures.scores)
    return CheckedFile(name, figures, findings, {**parts, "quality": quality(parts)})


def read_contexts(names: Sequence[str], *, folder: Path) -> tuple[Context, ...]:
    """The files that `--context` names, as contexts."""
    contexts = []
    for name in names:
        text = read_text(folder / name, shown=name)
        contexts.append(Context(name, Path(name).stem, text, digest_bytes(text.encode())))
    return tuple(contexts)


def provenance_sources(project: Project, path: Path) -> tuple[tuple[DataBlock, ...], tuple[Context, ...]]:
    """The data and contexts that a committed report was made from; none where `path` is no report of the project."""
    if not path.resolve().is_relative_to(project.output.resolve()):
        return (), ()
    provenance = read_provenance(provenance_path(project.output, path.stem))
    if provenance is None:
        return (), ()
    names = [name for name in provenance.ingredients.get("contexts", {}) if (project.contexts / name).is_file()]
    return provenance.data, read_contexts(names, folder=project.contexts)


def sarif(results: Sequence[CheckedFile]) -> dict[str, Any]:
    """The findings as SARIF 2.1.0, for code hosts and editors: what is contradicted as errors, the rest as warnings."""
    return sarif_log(
        "trainer checks",
        (
            (checked.file, finding)
            for checked in results
            for finding in (*(figure.finding() for figure in checked.figures.unverified), *checked.findings)
        ),
    )


def _declared_language(text: str) -> str | None:
    """The language that a text's front matter names."""
    front = text[: text.find("\n---", 3)] if text.startswith("---\n") else ""
    match = _LANGUAGE.search(front)
    return match[1] if match else None
