"""Which reports are as they were when a check found them up to date, told by their ingredients and stamps alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from trainer.actions.digest_memo import CheckMemo, CurrentReport
from trainer.actions.report_inputs import ReportInput
from trainer.core.digest import digest_bytes
from trainer.core.files import FileStamp, file_stamp
from trainer.core.project import Project
from trainer.core.secrets import mask_known
from trainer.reports import Plan, Provenance, output_paths, provenance_path


def memo_path(project: Project) -> Path:
    """Where it is kept what the last check found."""
    return project.cache / "checked.json"


def unchanged_reports(
    project: Project,
    inputs: Iterable[ReportInput],
    digests: Mapping[str, str | None],
    memo: CheckMemo,
    *,
    before: float,
) -> dict[str, CurrentReport]:
    """The reports that the memo knows and of which neither an ingredient nor a file has changed, by name.

    `digests` are those of the data, by storage key; `before` is the time at which the check began.
    """
    unchanged = {}
    for report in inputs:
        name = report.spec.name
        former = memo.reports.get(name)
        if (
            former is not None
            and former.stamps == _stamps(project, name, former.outputs, before)
            and former.ingredients == _ingredients(report, digests)
        ):
            unchanged[name] = former
    return unchanged


def current_reports(
    project: Project,
    inputs: Iterable[ReportInput],
    plans: Mapping[str, Plan],
    committed: Mapping[str, Provenance | None],
    digests: Mapping[str, str | None],
    *,
    before: float,
) -> dict[str, CurrentReport]:
    """What a memo keeps of the reports that are up to date and were so before the check began, by name."""
    current = {}
    for report in inputs:
        name = report.spec.name
        recorded = committed[name]
        if recorded is None or plans[name].stale:
            continue
        outputs = tuple(item.path for item in recorded.outputs)
        if {*outputs} != {project.shown(path) for path in output_paths(project.output, report.spec).values()}:
            continue  # a dropped format is left over, which each check tells
        stamps = _stamps(project, name, outputs, before)
        if stamps is not None:
            current[name] = CurrentReport(
                _ingredients(report, digests),
                stamps,
                outputs,
                recorded.date,
                recorded.sources(),
                str(recorded.completion.get("provider", "")),
                str(recorded.completion.get("model", "")),
                recorded.scores.get("quality"),
            )
    return current


def _stamps(project: Project, name: str, outputs: Iterable[str], before: float) -> tuple[FileStamp, ...] | None:
    """Those of the provenance and the outputs; None where one of them has none."""
    stamps = []
    files: list[Path | str] = [provenance_path(project.output, name)]
    for path in (*files, *(f"{project.root}/{output}" for output in outputs)):
        stamp = file_stamp(path, before=before)
        if stamp is None:
            return None
        stamps.append(stamp)
    return tuple(stamps)


def _ingredients(report: ReportInput, digests: Mapping[str, str | None]) -> str:
    """Secrets are masked, as they are where the ingredients are compared with what was recorded."""
    text = msgspec.json.encode(report.ingredients(digests), order="deterministic").decode()
    return digest_bytes(mask_known(text).encode())
