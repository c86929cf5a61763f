"""Files of reports that nothing asks for any more: of removed reports, matrix rows and formats."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trainer.core.files import write_atomic
from trainer.reports.plan import is_as_written, output_paths
from trainer.reports.provenance import Provenance, provenance_path, read_provenance
from trainer.reports.spec import ReportSpec


@dataclass(frozen=True, slots=True)
class Orphan:
    """What is left of a report, or of some formats of it."""

    name: str
    paths: tuple[str, ...]
    """Files that are there, relative to the project's root; the provenance among them where the report is gone."""
    why: str
    provenance: Provenance
    is_removed: bool
    """Whether the whole report is gone from the settings."""


def find_orphans(
    specs: Sequence[ReportSpec], recorded: Mapping[str, Provenance | None], *, root: Path, output: Path
) -> list[Orphan]:
    """What trainer wrote and no report asks for; `recorded` are the provenances of the reports that there are."""
    return [*_dropped(specs, recorded, root, output), *_removed({spec.name for spec in specs}, root, output)]


def remove_orphan(orphan: Orphan, *, root: Path, output: Path) -> tuple[str, ...]:
    """The files that were removed; the provenance goes last, so that a removal cut short is taken up again."""
    for path in orphan.paths:
        (root / path).unlink(missing_ok=True)
    record = provenance_path(output, orphan.name)
    if not orphan.is_removed:
        left = tuple(written for written in orphan.provenance.outputs if written.path not in orphan.paths)
        write_atomic(record, replace(orphan.provenance, outputs=left).text())
    return orphan.paths


def edited_files(orphan: Orphan, *, root: Path) -> list[str]:
    """The files among them that a person has changed since they were written."""
    written = {path: orphan.provenance.written(path) for path in orphan.paths}
    return [
        path for path, digest in written.items() if digest and not is_as_written((root / path).read_bytes(), digest)
    ]


def _dropped(
    specs: Sequence[ReportSpec], recorded: Mapping[str, Provenance | None], root: Path, output: Path
) -> Iterator[Orphan]:
    above = f"{root.as_posix()}/"
    for spec in specs:
        provenance = recorded.get(spec.name)
        if provenance is None:
            continue
        produced = {path.as_posix().removeprefix(above) for path in output_paths(output, spec).values()}
        paths = _files([written.path for written in provenance.outputs if written.path not in produced], root, output)
        if paths:
            yield Orphan(spec.name, paths, "its format is no longer asked for", provenance, is_removed=False)


def _removed(names: set[str], root: Path, output: Path) -> Iterator[Orphan]:
    folder = output / "json"
    # by name first: of thousands of reports, nearly all are configured, and no path is made of these
    files = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208
    for file in sorted(name for name in files if name.endswith(".json") and name[:-5] not in names):
        record = folder / file
        provenance = read_provenance(record)
        if provenance is not None and provenance.report == record.stem:
            left = _files([written.path for written in provenance.outputs], root, output)
            paths = (*left, record.relative_to(root).as_posix())
            yield Orphan(record.stem, paths, "no report of this name is configured", provenance, is_removed=True)


def _files(paths: Sequence[str], root: Path, output: Path) -> tuple[str, ...]:
    """Those that are there; a provenance, which anybody may have written, names none but outputs."""
    if not paths:
        return ()
    inside = output.resolve()
    return tuple(path for path in paths if (root / path).is_file() and (root / path).resolve().is_relative_to(inside))
