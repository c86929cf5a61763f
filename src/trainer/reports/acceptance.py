"""What people accepted of a report: findings that they looked into, and editions that they signed off.

It lies in `output/accepted/<report>.json`, in git beside the report. An acceptance holds as long as what it is about:
a finding as long as its words and the datum behind it are the same, an edition as long as its text and data are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainer.core.digest import digest, pick, pretty
from trainer.core.errors import UsageError
from trainer.core.values import DataBlock, Finding
from trainer.reports.used import cut_to

ACCEPTED = "accepted."
"""What the kind of a finding begins with that a person accepted."""

_FOLDER = "accepted"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One finding, or one edition, that a person accepted."""

    basis: str
    """The digest of what it is about; see `finding_basis` and `edition_basis`."""
    what: str
    """For people: the words of the finding with what was wrong, or the date of the edition."""
    by: str
    on: str
    """The day, in ISO form."""
    why: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """All that was accepted of one report."""

    findings: tuple[Acceptance, ...] = ()
    editions: tuple[Acceptance, ...] = ()

    def finding(self, basis: str) -> Acceptance | None:
        """The acceptance of a finding."""
        return next((one for one in self.findings if one.basis == basis), None)

    def edition(self, basis: str) -> Acceptance | None:
        """The sign-off of an edition."""
        return next((one for one in self.editions if one.basis == basis), None)

    def adding(self, findings: Iterable[Acceptance] = (), editions: Iterable[Acceptance] = ()) -> Accepted:
        """With more of them; a later one takes the place of an earlier one about the same."""
        return Accepted(_merged(self.findings, findings), _merged(self.editions, editions))

    def without(self, bases: Iterable[str]) -> Accepted:
        """Without those about any of `bases`."""
        gone = set(bases)
        return Accepted(
            tuple(one for one in self.findings if one.basis not in gone),
            tuple(one for one in self.editions if one.basis not in gone),
        )

    def text(self) -> str:
        """The file's content, byte-stable."""
        return pretty({name: [pick(one) for one in getattr(self, name)] for name in ("editions", "findings")})


def accepted_path(output: Path, name: str) -> Path:
    """Where it lies what was accepted of report `name`."""
    return output / _FOLDER / f"{name}.json"


def accepted_names(output: Path) -> frozenset[str]:
    """The reports of which anything was accepted: of thousands, few have a file that need be looked for."""
    folder = output / _FOLDER
    return frozenset(path.stem for path in folder.glob("*.json")) if folder.is_dir() else frozenset()


def read_accepted(path: Path, *, shown: str) -> Accepted:
    """What was accepted; nothing where there is no file. Raises UsageError for one that cannot be read."""
    try:
        content = json.loads(path.read_bytes())
        return Accepted(*(tuple(Acceptance(**one) for one in content[name]) for name in ("findings", "editions")))
    except (FileNotFoundError, NotADirectoryError):
        return Accepted()
    except (OSError, ValueError, TypeError, KeyError) as error:
        hint = "it is written by trainer accept: restore it from git, or remove it and accept again"
        raise UsageError(f"{shown}: not a file of acceptances ({type(error).__name__})", hint=hint) from error


def finding_basis(kind: str, text: str, message: str, support: str, data: Sequence[DataBlock]) -> str:
    """The digest of a finding and of the data that it was held against.

    That is the datum that it names, as `key@version /place`, or where it names none, all data of the report.
    """
    behind: list[Any] = []
    blocks = {f"{block.key}@{block.version}": block for block in data}
    for part in support.split("; "):
        source, _, place = part.partition(" /")
        if place and source in blocks:
            behind.append([blocks[source].key, place, cut_to(blocks[source].data, place)])
    return digest([kind, text, message, behind or sorted([block.key, block.digest] for block in data)])


def edition_basis(completion: str, data: Sequence[DataBlock]) -> str:
    """The digest of an edition: of what was written, of which `completion` is the digest, and of its data."""
    return digest([completion, sorted([block.key, block.digest] for block in data)])


def mark_accepted(findings: Iterable[Finding], accepted: Accepted, data: Sequence[DataBlock]) -> tuple[Finding, ...]:
    """The findings, those that a person accepted as notes that say by whom and why."""
    return tuple(_marked(finding, accepted, data) for finding in findings)


def _marked(finding: Finding, accepted: Accepted, data: Sequence[DataBlock]) -> Finding:
    if finding.severity == "note":
        return finding
    one = accepted.finding(finding_basis(finding.kind, finding.text, finding.message, finding.support, data))
    if one is None:
        return finding
    message = f"{finding.message}; accepted by {one.by} on {one.on}: {one.why}"
    return replace(finding, severity="note", kind=f"{ACCEPTED}{finding.kind}", message=message)


def _merged(old: Iterable[Acceptance], new: Iterable[Acceptance]) -> tuple[Acceptance, ...]:
    return tuple({one.basis: one for one in (*old, *new)}.values())
