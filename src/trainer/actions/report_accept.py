"""A person accepts findings of a report, or signs off its edition; it stands in git beside the report."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.actions.report_source import find_report
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import Problem, UsageError, unknown
from trainer.core.files import write_atomic
from trainer.core.project import Project
from trainer.reports import Provenance, provenance_path, read_provenance
from trainer.reports.acceptance import (
    Acceptance,
    Accepted,
    accepted_path,
    edition_basis,
    finding_basis,
    read_accepted,
)


@dataclass(frozen=True, slots=True)
class Review:
    """How it stands with the findings of a report."""

    report: str
    open: tuple[Mapping[str, Any], ...]
    """The findings that nobody accepted, as the provenance has them."""
    accepted: Accepted
    signed_off: Acceptance | None
    """Who signed off the edition as it is."""
    file: str
    """Where it lies what was accepted."""
    changed: bool = False
    """Whether it was changed just now, so that the report is to be built again."""


def review_report(project: Project, name: str) -> Review:
    """The findings of a report as it was last built; raises UsageError for one that never was."""
    provenance = _provenance(project, name)
    path = accepted_path(project.output, name)
    accepted = read_accepted(path, shown=project.shown(path))
    signed = accepted.edition(_edition(provenance))
    waiting = tuple(one for one in provenance.faults if accepted.finding(_basis(one, provenance)) is None)
    return Review(name, waiting, accepted, signed, project.shown(path))


def accept_findings(
    project: Project,
    name: str,
    words: Sequence[str],
    *,
    why: str,
    by: str | None = None,
    edition: bool = False,
    clock: Clock = system_clock,
) -> Review:
    """Accept the findings about these words, and the whole edition where it is meant.

    `words` are the text that a finding is about, or its kind. Raises UsageError for words of no open finding.
    """
    review, provenance = review_report(project, name), _provenance(project, name)
    problems = []
    for word in words:
        if not any(_is_about(one, word) for one in review.open):
            message, hint = unknown("open finding", word, {str(one.get("text") or one["kind"]) for one in review.open})
            problems.append(Problem(message, hint=hint))
    if problems:
        raise UsageError(problems[0].message, problems=problems)
    if not why.strip():
        raise UsageError("an acceptance needs its reason", hint='such as --why "as filed with the register, page 12"')
    who, day = by or _person(project), clock().date().isoformat()
    findings = [
        Acceptance(
            _basis(one, provenance), f"{one.get('text') or one['kind']}: {one['message']}", who, day, why.strip()
        )
        for one in review.open
        if any(_is_about(one, word) for word in words)
    ]
    what = f"the edition with data as of {provenance.date or 'no date'}"
    editions = [Acceptance(_edition(provenance), what, who, day, why.strip())] if edition else []
    return _keep(project, name, review.accepted.adding(findings, editions))


def revoke_acceptances(project: Project, name: str, words: Sequence[str], *, edition: bool = False) -> Review:
    """Take back what was accepted about these words, or the sign-off of the edition as it is."""
    review = review_report(project, name)
    gone = [one.basis for one in review.accepted.findings if any(one.what.startswith(f"{word}: ") for word in words)]
    if edition and review.signed_off:
        gone.append(review.signed_off.basis)
    if not gone:
        raise UsageError(f"nothing like that was accepted of {name}", hint=f"see: trainer accept {name}")
    return _keep(project, name, review.accepted.without(gone))


def _keep(project: Project, name: str, accepted: Accepted) -> Review:
    path = accepted_path(project.output, name)
    changed = write_atomic(path, accepted.text())
    review = review_report(project, name)
    return Review(name, review.open, review.accepted, review.signed_off, review.file, changed)


def _provenance(project: Project, name: str) -> Provenance:
    find_report(project, name)
    provenance = read_provenance(provenance_path(project.output, name))
    if provenance is None:
        raise UsageError(f"the report {name} was never built", hint=f"build it first: trainer report {name}")
    return provenance


def _is_about(finding: Mapping[str, Any], word: str) -> bool:
    return word in (finding.get("text"), finding["kind"])


def _basis(finding: Mapping[str, Any], provenance: Provenance) -> str:
    kind, text, message, support = (str(finding.get(name, "")) for name in ("kind", "text", "message", "support"))
    return finding_basis(kind, text, message, support, provenance.data)


def _edition(provenance: Provenance) -> str:
    return edition_basis(str(provenance.completion.get("digest", "")), provenance.data)


def _person(project: Project) -> str:
    """Who git says it is; raises UsageError where it does not."""
    try:
        command = ["git", "-C", str(project.root), "config", "user.name"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (git, no shell)
        name = done.stdout.strip()
    except FileNotFoundError:
        name = ""
    if not name:
        raise UsageError("who accepts it is not known", hint="give --by NAME, or: git config user.name NAME")
    return name
