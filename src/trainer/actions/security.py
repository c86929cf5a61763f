"""Scan files, a stream or the project's own tree for what an attacker would hide in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.core.errors import UsageError, Where, unknown
from trainer.core.project import Project, find_root, open_project
from trainer.security import DetectionResult, screen

LEVELS = ("strict", "moderate", "permissive")
_BINARY = 8_192


@dataclass(frozen=True, slots=True)
class ScanPolicy:
    """What a scan lets through."""

    level: str = "moderate"
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    classify: bool = True
    """Whether the classifier is asked, not the rules alone."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in one file."""

    file: str
    result: DetectionResult

    def as_json(self) -> dict[str, object]:
        """The object that scripts read."""
        return {"file": self.file, **self.result.as_json()}


def scan_policy(
    start: Path,
    *,
    folder: str | None,
    environ: Mapping[str, str],
    overrides: tuple[str, ...] = (),
    level: str | None = None,
) -> ScanPolicy:
    """The policy of the project around `start`, with `level` before its own; moderate where there is no project."""
    if level is not None and level not in LEVELS:
        message, hint = unknown("level", level, LEVELS)
        raise UsageError(message, hint=hint)
    project = _project_or_none(start, folder, environ, overrides)
    if project is None:
        return ScanPolicy(level or "moderate")
    section = project.settings.prompt_security
    return ScanPolicy(
        level or section.chosen_level, tuple(section.allow), tuple(section.block), section.enable_ml_detection
    )


def scan_text(name: str, text: str, *, policy: ScanPolicy) -> Scan:
    """What was found in a text."""
    result = screen(
        text,
        level=policy.level,  # type: ignore[arg-type]
        allow=policy.allow,
        block=policy.block,
        name=name,
        classify=policy.classify,
    )
    return Scan(name, result)


def scan_files(paths: Iterable[Path], *, policy: ScanPolicy, shown_from: Path) -> Iterator[Scan]:
    """What was found in each text file, folders looked through; a file that is no text is passed over."""
    for path in _files(paths):
        text = _text(path)
        if text is not None:
            shown = path.relative_to(shown_from).as_posix() if path.is_relative_to(shown_from) else str(path)
            yield scan_text(shown, text, policy=policy)


def tree_files(project: Project) -> list[Path]:
    """The files of a project that reach a prompt: all below its information folder, and its settings."""
    return [project.root / "config.yaml", *_files([project.information])]


def _project_or_none(
    start: Path, folder: str | None, environ: Mapping[str, str], overrides: tuple[str, ...]
) -> Project | None:
    try:
        find_root(start, explicit=folder, environ=environ)
    except UsageError:
        if folder:
            raise
        return None
    return open_project(start, explicit=folder, environ=environ, overrides=overrides)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(inner for inner in path.rglob("*") if inner.is_file() and not _is_hidden(inner, path))
        elif path.exists():
            yield path
        else:
            raise UsageError("there is no such file", where=Where(str(path)))


def _is_hidden(path: Path, above: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(above).parts)


def _text(path: Path) -> str | None:
    content = path.read_bytes()
    return None if b"\0" in content[:_BINARY] else content.decode("utf-8", "replace")
