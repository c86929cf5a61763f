"""Check any Markdown against data and contexts, and committed reports against their provenance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.actions.corrections import corrected, project_facts
from trainer.actions.sarif import sarif_log
from trainer.actions.wiring import open_store
from trainer.checks import FigureReport, check_completion, check_figures
from trainer.checks.lexicon import detect_language
from trainer.checks.screen import quality
from trainer.core.clock import Clock, parse_moment, system_clock
from trainer.core.digest import digest, digest_bytes
from trainer.core.errors import UsageError, unknown
from trainer.core.files import read_text
from trainer.core.project import Project
from trainer.core.values import Context, DataBlock, Field, Finding, Output, Prompt, RetrievalResult, StoredData
from trainer.reports.provenance import provenance_path, read_provenance
from trainer.security import screen_completion
from trainer.sources import SourceContext, create_source

_LANGUAGE = re.compile(r"^language:\s*[\"']?([A-Za-z]{2}(?:-[A-Za-z]{2})?)[\"']?\s*$", re.MULTILINE)
_VERSION = re.compile(r"@(\d+)\Z")


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


def read_blocks(
    names: Sequence[str], *, project: Project | None, folder: Path, clock: Clock = system_clock
) -> tuple[DataBlock, ...]:
    """The data that `--data` names: files as the source `file` reads them, else keys of the project's store.

    `KEY@3` is version 3. Raises UsageError for a name that is neither.
    """
    facts = project_facts(project)
    return tuple(corrected(_block(name, project, folder, clock), facts) for name in names)


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


def _block(name: str, project: Project | None, folder: Path, clock: Clock) -> DataBlock:
    path = folder / name
    if path.is_file():
        source = create_source("file", SourceContext(clock=clock, root=path.parent))
        return _from_file(name, source.retrieve({"path": path.name}, store=False))
    if project is None:
        raise UsageError(f"no such data file: {name}", hint="name a file, or a key of the store from inside a project")
    return _from_store(name, project, clock)


def _from_file(name: str, result: RetrievalResult) -> DataBlock:
    return _described(
        name,
        name,
        1,
        result.source,
        result.metadata,
        data=result.data,
        when=result.metadata.get("retrieved_at") or result.retrieved_at,
    )


def _from_store(name: str, project: Project, clock: Clock) -> DataBlock:
    version = _VERSION.search(name)
    key = name[: version.start()] if version else name
    store = open_store(project, clock=clock)
    document: StoredData | None = store.retrieve(key, version=int(version[1]) if version else None)
    if document is None:
        message, hint = unknown("data", name, [item.key for item in store.scan()][:10_000])
        raise UsageError(f"{message}: neither a file nor a key of the store", hint=hint)
    when = document.metadata.get("retrieved_at") or document.updated_at
    return _described(
        name, document.key, document.version, document.source, document.metadata, data=document.data, when=when
    )


def _described(
    name: str, key: str, version: int, source: str, metadata: dict[str, Any], *, data: Any, when: Any
) -> DataBlock:
    fields = {path: Field(**meaning) for path, meaning in (metadata.get("fields") or {}).items()}
    moment = parse_moment(when) if isinstance(when, str) else when
    return DataBlock(
        name, key, version, source, moment, data, digest(data), metadata.get("subject"), metadata.get("as_of"), fields
    )
